//! Python's `krb5` and `gssapi`: calls to MIT's library that its tools do not make.

use std::time::Duration;

use kerbox::{ErrorCode, NewPrincipal, Realm};

use super::realms::delegating;
use crate::support::{Peer, TestResult, Text, command, peer_source, python, run, trials};

trials! {
    [Peer::PythonKerberos] =>
        krb5_logs_in_by_password_and_keytab,
        krb5_is_refused_by_number,
        krb5_renews_and_validates,
        krb5_insists_on_an_armor,
        gssapi_makes_a_context,
        gssapi_passes_on_what_a_user_sent,
        gssapi_acts_in_a_user_s_name_where_it_is_allowed;
}

fn script(realm: &Realm, arguments: &[&str]) -> Text {
    let source = peer_source("kerberos.py").display().to_string();
    let words: Vec<&str> = std::iter::once(&*source)
        .chain(arguments.iter().copied())
        .collect();
    run(&mut command(&realm.env(), python(), &words), "")?.ok()
}

/// Does the same as [`script`], with the program under the realm's clock.
fn script_under_clock(realm: &Realm, arguments: &[&str]) -> Text {
    let mut command = realm.command_under_clock(python())?;
    command.arg(peer_source("kerberos.py")).args(arguments);
    run(&mut command, "")?.ok()
}

/// A realm whose clock moves only when a test advances it, so that client and KDC, which compute a
/// lifetime from two readings, read the same second.
fn frozen() -> Result<Realm, kerbox::Error> {
    let now = kerbox::Clock::system().now();
    Realm::builder()
        .clock(kerbox::Clock::frozen(now))
        .start_blocking()
}

/// The library's own number for a KRB-ERROR.
fn refused(code: ErrorCode) -> String {
    format!("refused {}", -1_765_328_384 + code.0)
}

fn full(realm: &Realm, name: &str) -> String {
    format!("{name}@{}", realm.name())
}

fn keytab(realm: &Realm, name: &str) -> Text {
    Ok(realm.keytab(name)?.display().to_string())
}

fn krb5_logs_in_by_password_and_keytab() -> TestResult {
    let realm = frozen()?;
    let alice = full(&realm, "alice");
    let expected = format!(
        "ticket {alice} krbtgt/{0}@{0} lives 3600 after 0\n",
        realm.name()
    );
    assert_eq!(
        script_under_clock(&realm, &["password", &alice, "alice"])?,
        expected
    );
    assert_eq!(
        script_under_clock(&realm, &["keytab", &alice, &keytab(&realm, "alice")?])?,
        expected
    );
    Ok(())
}

fn krb5_is_refused_by_number() -> TestResult {
    let realm = Realm::builder()
        .principal(
            NewPrincipal::new("carol")
                .password("pw")
                .attribute("-allow_tix"),
        )
        .start_blocking()?;
    for (user, password, code) in [
        ("alice", "wrong", ErrorCode::KDC_ERR_PREAUTH_FAILED),
        ("nobody", "x", ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN),
        ("carol", "pw", ErrorCode::KDC_ERR_CLIENT_REVOKED),
    ] {
        let said = script(&realm, &["password", &full(&realm, user), password])?;
        assert!(said.starts_with(&refused(code)), "{user}: {said}");
    }
    Ok(())
}

fn krb5_renews_and_validates() -> TestResult {
    let realm = frozen()?;
    let alice = full(&realm, "alice");
    script_under_clock(&realm, &["keytab", &alice, &keytab(&realm, "alice")?])?;
    realm.advance_blocking(Duration::from_secs(30 * 60))?;
    let renewed = script_under_clock(&realm, &["renew"])?;
    assert!(renewed.ends_with("lives 3600 after 1800\n"), "{renewed}");
    let postdated = script_under_clock(
        &realm,
        &["postdated", &alice, &keytab(&realm, "alice")?, "7200"],
    )?;
    assert!(
        postdated.ends_with("lives 3600 after 7200\n"),
        "{postdated}"
    );
    let too_early = script_under_clock(&realm, &["validate"])?;
    assert!(
        too_early.starts_with(&refused(ErrorCode::KRB_AP_ERR_TKT_NYV)),
        "{too_early}"
    );
    realm.advance_blocking(Duration::from_secs(121 * 60))?;
    let validated = script_under_clock(&realm, &["validate"])?;
    assert!(validated.contains("lives 3600"), "{validated}");
    Ok(())
}

fn krb5_insists_on_an_armor() -> TestResult {
    let realm = Realm::start_blocking()?;
    let alice = full(&realm, "alice");
    let armor = format!(
        "FILE:{}",
        realm.login_blocking("host/localhost")?.ccache().display()
    );
    let said = script(&realm, &["armored", &alice, "alice", &armor])?;
    assert!(said.starts_with(&format!("ticket {alice} ")), "{said}");
    let said = script(&realm, &["armored", &alice, "wrong", &armor])?;
    assert!(
        said.starts_with(&refused(ErrorCode::KDC_ERR_PREAUTH_FAILED)),
        "{said}"
    );
    Ok(())
}

fn gssapi_passes_on_what_a_user_sent() -> TestResult {
    let realm = Realm::builder()
        .principal(NewPrincipal::new("HTTP/localhost").delegates_to("nn/localhost"))
        .start_blocking()?;
    let [alice, http, nn, hdfs] = ["alice", "HTTP/localhost", "nn/localhost", "hdfs/localhost"]
        .map(|name| full(&realm, name));
    let (alices, https) = (keytab(&realm, "alice")?, keytab(&realm, "HTTP/localhost")?);
    let (nns, hdfss) = (
        keytab(&realm, "nn/localhost")?,
        keytab(&realm, "hdfs/localhost")?,
    );
    let said = script(
        &realm,
        &["proxy", &alice, &alices, &http, &https, &nn, &nns],
    )?;
    assert_eq!(
        said,
        format!("context of {alice} with {http}\ncontext of {alice} with {nn}\n")
    );
    let said = script(
        &realm,
        &["proxy", &alice, &alices, &http, &https, &hdfs, &hdfss],
    )?;
    assert!(
        said.contains(&refused(ErrorCode::KDC_ERR_BADOPTION)),
        "{said}"
    );
    Ok(())
}

fn gssapi_makes_a_context() -> TestResult {
    let realm = Realm::start_blocking()?;
    let (alice, host) = (full(&realm, "alice"), full(&realm, "host/localhost"));
    let (alices, hosts) = (keytab(&realm, "alice")?, keytab(&realm, "host/localhost")?);
    let said = script(&realm, &["context", &alice, &alices, &host, &hosts])?;
    assert_eq!(said, format!("context of {alice} with {host}\n"));
    // The acceptor's key is no longer the KDC's.
    realm.change_keys("host/localhost", false)?;
    let said = script(&realm, &["context", &alice, &alices, &host, &hosts])?;
    assert!(
        said.starts_with("refused ") && said.contains("Cannot find key"),
        "{said}"
    );
    Ok(())
}

fn gssapi_acts_in_a_user_s_name_where_it_is_allowed() -> TestResult {
    let realm = delegating()?;
    let [alice, http, nn, hdfs] = ["alice", "HTTP/localhost", "nn/localhost", "hdfs/localhost"]
        .map(|name| full(&realm, name));
    let [https, nns, hdfss] =
        ["HTTP/localhost", "nn/localhost", "hdfs/localhost"].map(|name| keytab(&realm, name));
    let https = https?;
    let said = script(&realm, &["delegate", &http, &https, &alice, &nn, &nns?])?;
    assert_eq!(said, format!("context of {alice} with {nn}\n"));
    let said = script(&realm, &["delegate", &http, &https, &alice, &hdfs, &hdfss?])?;
    assert!(
        said.starts_with(&refused(ErrorCode::KDC_ERR_BADOPTION)),
        "{said}"
    );
    Ok(())
}
