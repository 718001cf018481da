//! A realm of three KDC servers: one refuses connections, one does not answer, one serves. Clients
//! go on to the next.

use std::time::Duration;

use kerbox::{NewPrincipal, Realm};

use super::jdk::{self, Jdk};
use crate::support::{Peer, TestResult, command, heimdal, on, peers_dir, run, trials};

trials! {
    [Peer::Mit] =>
        mit_goes_on_to_the_next,
        mit_says_so_when_none_is_left;
    [Peer::Heimdal] =>
        heimdal_goes_on_to_the_next;
    [Peer::Jdk17] =>
        jdk_17_goes_on_to_the_next;
    [Peer::NewestJdk] =>
        the_newest_jdk_goes_on_to_the_next;
    [] =>
        the_krb5_crate_goes_on_to_the_next;
    [Peer::GoKrb5] =>
        gokrb5_goes_on_to_the_next;
}

/// Starts a realm whose first server is dead and whose second does not answer; the third serves.
/// Clients wait at most a second, if they can be configured to.
fn one_of_three_serves() -> Result<Realm, kerbox::Error> {
    let realm = Realm::builder()
        .kdcs(3)
        .libdefault("kdc_timeout", "1s")
        .libdefault("max_retries", "1")
        .start_blocking()?;
    realm.kdc_server(1)?.stop();
    realm.kdc_server(2)?.silence()?;
    Ok(realm)
}

fn mit_goes_on_to_the_next() -> TestResult {
    let realm = one_of_three_serves()?;
    let trace = realm.path().join("trace");
    let env = realm.env().with("KRB5_TRACE", &trace);
    run(&mut command(&env, "kinit", &["alice"]), "alice\n")?.ok()?;
    let traced = std::fs::read_to_string(&trace)?;
    for address in &realm.kdc_addresses() {
        assert!(
            traced.contains(&format!("request to dgram {address}")),
            "{traced}"
        );
    }
    let answered = format!("from dgram {}", realm.kdc_addresses()[2]);
    assert!(traced.contains(&answered), "{traced}");
    on(&realm, "kvno", &["host/localhost"], "")?.ok()?;
    Ok(())
}

fn mit_says_so_when_none_is_left() -> TestResult {
    let realm = Realm::builder().kdcs(2).start_blocking()?;
    realm.stop_kdc();
    let said = on(&realm, "kinit", &["alice"], "alice\n")?.refused()?;
    assert!(
        said.contains(&format!(
            "Cannot contact any KDC for realm '{}'",
            realm.name()
        )),
        "{said}"
    );
    realm.kdc_server(2)?.restart()?;
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    Ok(())
}

fn heimdal_goes_on_to_the_next() -> TestResult {
    let realm = one_of_three_serves()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    let heim = |program: &str, arguments: &[&str]| {
        run(&mut command(&realm.env(), heimdal(program), arguments), "")
    };
    heim("kinit.heimdal", &["-k", "-t", &keytab, "alice"])?.ok()?;
    heim("kgetcred", &["host/localhost"])?.ok()?;
    Ok(())
}

fn jdk_goes_on_to_the_next(jdk: Jdk) -> TestResult {
    let realm = one_of_three_serves()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    let said = jdk::commands(
        jdk,
        &realm,
        &[
            &["login", "keytab", "alice", &keytab],
            &["token", "host@localhost"],
        ],
    )?;
    assert!(said[0].contains("ticket alice@"), "{said:?}");
    assert!(said[1].contains("bytes for host@localhost"), "{said:?}");
    Ok(())
}

fn jdk_17_goes_on_to_the_next() -> TestResult {
    jdk_goes_on_to_the_next(Jdk::V17)
}

fn the_newest_jdk_goes_on_to_the_next() -> TestResult {
    jdk_goes_on_to_the_next(Jdk::Newest)
}

/// gokrb5 tries the servers in random order and waits five seconds for each, which cannot be
/// configured. To keep the test short, the user needs no pre-authentication, hence only one
/// exchange.
fn gokrb5_goes_on_to_the_next() -> TestResult {
    let realm = one_of_three_serves()?;
    realm.add_principal(
        NewPrincipal::new("carol")
            .password("pw")
            .attribute("-requires_preauth"),
    )?;
    let probe = peers_dir().join("bin/krb-go");
    let said = run(
        &mut command(&realm.env(), probe, &["carol", "-p", "pw"]),
        "",
    )?
    .ok()?;
    assert!(said.contains("logged in as carol@"), "{said}");
    Ok(())
}

fn the_krb5_crate_goes_on_to_the_next() -> TestResult {
    let realm = one_of_three_serves()?;
    let kdcs = realm
        .kdc_addresses()
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    let client = krb5::KdcClient::new(realm.name(), kdcs).with_timeout(Duration::from_secs(2));
    let alice = krb5::Principal::parse(&format!("alice@{}", realm.name()))?;
    let ticket = client.login_with_password(&alice, "alice")?;
    assert_eq!(ticket.client.to_string(), alice.to_string());
    Ok(())
}
