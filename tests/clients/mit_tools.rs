//! MIT's kinit, klist, kvno, kpasswd.

use std::time::Duration;

use kerbox::{Clock, EncryptionType, ErrorCode, Event, Fault, Realm, Timestamp};

use crate::support::{Peer, TestResult, command, run, trials};

trials! {
    [Peer::Mit] =>
        kinit_logs_in_by_password,
        kinit_logs_in_by_keytab,
        kinit_logs_in_without_preauthentication,
        kinit_refuses_a_wrong_password,
        kinit_is_told_of_an_unknown_principal,
        kinit_asks_for_flags_and_gets_them,
        kinit_renews,
        kinit_logs_in_over_tcp_when_a_reply_does_not_fit_udp,
        kinit_follows_the_kdcs_clock,
        kvno_gets_service_tickets_of_every_enctype,
        weak_enctypes_serve_a_realm_that_names_them,
        a_fault_answers_kinit_with_the_error_of_choice,
        the_shared_krb5_conf_serves_many_realms;
}

/// Returns the relevant lines of `klist`, with single spaces between words.
fn klist(
    realm: &Realm,
    options: &[&str],
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    run(&mut command(&realm.env(), "klist", options), "")?.ok()
}

fn kinit(
    realm: &Realm,
    arguments: &[&str],
    input: &str,
) -> Result<crate::support::Ran, Box<dyn std::error::Error + Send + Sync>> {
    run(&mut command(&realm.env(), "kinit", arguments), input)
}

fn kinit_logs_in_by_password() -> TestResult {
    let realm = Realm::builder()
        .user_with_password("alice", "correct horse")
        .start_blocking()?;
    kinit(&realm, &["alice"], "correct horse\n")?.ok()?;
    let listed = klist(&realm, &["-e"])?;
    assert!(
        listed.contains(&format!("Default principal: alice@{}", realm.name())),
        "{listed}"
    );
    assert!(
        listed.contains(&format!("krbtgt/{0}@{0}", realm.name())),
        "{listed}"
    );
    assert!(listed.contains("aes256-cts-hmac-sha1-96"), "{listed}");
    assert!(klist(&realm, &["-s"]).is_ok());
    Ok(())
}

fn kinit_logs_in_by_keytab() -> TestResult {
    let realm = Realm::builder()
        .enctypes(EncryptionType::DEFAULT)
        .start_blocking()?;
    let keytab = realm.keytab("alice")?;
    kinit(
        &realm,
        &["-k", "-t", &keytab.display().to_string(), "alice"],
        "",
    )?
    .ok()?;
    let listed = run(
        &mut command(
            &realm.env(),
            "klist",
            &["-ket", &keytab.display().to_string()],
        ),
        "",
    )?
    .ok()?;
    for enctype in [
        "aes256-cts-hmac-sha1-96",
        "aes128-cts-hmac-sha1-96",
        "aes256-cts-hmac-sha384-192",
        "aes128-cts-hmac-sha256-128",
    ] {
        assert!(listed.contains(enctype), "{listed}");
    }
    Ok(())
}

fn kinit_logs_in_without_preauthentication() -> TestResult {
    use kerbox::NewPrincipal;
    let realm = Realm::builder()
        .principal(
            NewPrincipal::new("carol")
                .password("pw")
                .attribute("-requires_preauth"),
        )
        .start_blocking()?;
    kinit(&realm, &["carol"], "pw\n")?.ok()?;
    let refused = realm.journal().count(|event| {
        matches!(
            event,
            Event::AsExchange { outcome, .. }
                if outcome.kerberos_code() == Some(ErrorCode::KDC_ERR_PREAUTH_REQUIRED)
        )
    });
    assert_eq!(refused, 0, "nobody asked for pre-authentication");
    Ok(())
}

fn kinit_refuses_a_wrong_password() -> TestResult {
    let realm = Realm::builder()
        .user_with_password("alice", "right")
        .start_blocking()?;
    let said = kinit(&realm, &["alice"], "wrong\n")?.refused()?;
    assert!(said.contains("Password incorrect"), "{said}");
    let seen = realm.journal().count(|event| {
        matches!(
            event,
            Event::AsExchange { outcome, .. }
                if outcome.kerberos_code() == Some(ErrorCode::KDC_ERR_PREAUTH_FAILED)
        )
    });
    assert_eq!(seen, 1);
    Ok(())
}

fn kinit_is_told_of_an_unknown_principal() -> TestResult {
    let realm = Realm::start_blocking()?;
    let said = kinit(&realm, &["nobody"], "x\n")?.refused()?;
    assert!(said.contains("not found in Kerberos database"), "{said}");
    Ok(())
}

fn kinit_asks_for_flags_and_gets_them() -> TestResult {
    let realm = Realm::start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    kinit(
        &realm,
        &[
            "-f", "-p", "-l", "1h", "-r", "2d", "-k", "-t", &keytab, "alice",
        ],
        "",
    )?
    .ok()?;
    let listed = klist(&realm, &["-f"])?;
    assert!(listed.contains("Flags: FPRIA"), "{listed}");
    kinit(
        &realm,
        &["-F", "-P", "-a", "-k", "-t", &keytab, "alice"],
        "",
    )?
    .ok()?;
    let listed = klist(&realm, &["-f", "-a", "-n"])?;
    assert!(
        listed.contains("Addresses:") && !listed.contains("(none)"),
        "{listed}"
    );
    Ok(())
}

fn kinit_renews() -> TestResult {
    let realm = Realm::start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    kinit(
        &realm,
        &["-l", "1h", "-r", "3h", "-k", "-t", &keytab, "alice"],
        "",
    )?
    .ok()?;
    realm.advance_blocking(Duration::from_secs(50 * 60))?;
    kinit(&realm, &["-R"], "")?.ok()?;
    realm.advance_blocking(Duration::from_secs(50 * 60))?;
    kinit(&realm, &["-R"], "")?.ok()?;
    realm.advance_blocking(Duration::from_secs(2 * 3600))?;
    let said = kinit(&realm, &["-R"], "")?.refused()?;
    assert!(said.contains("Ticket expired"), "{said}");
    Ok(())
}

fn kinit_logs_in_over_tcp_when_a_reply_does_not_fit_udp() -> TestResult {
    let realm = Realm::builder().max_udp_reply(100).start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    let trace = realm.path().join("trace");
    let env = realm.env().with("KRB5_TRACE", &trace);
    run(
        &mut command(&env, "kinit", &["-k", "-t", &keytab, "alice"]),
        "",
    )?
    .ok()?;
    let traced = std::fs::read_to_string(trace)?;
    assert!(
        traced.contains("Request or response is too big for UDP"),
        "{traced}"
    );
    Ok(())
}

fn kinit_follows_the_kdcs_clock() -> TestResult {
    // In another year or another century, the client corrects its time by the KDC's.
    let realm = Realm::builder()
        .clock(Clock::frozen(Timestamp::from_secs(1_900_000_000)))
        .start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    kinit(&realm, &["-k", "-t", &keytab, "alice"], "")?.ok()?;
    run(&mut command(&realm.env(), "kvno", &["host/localhost"]), "")?.ok()?;
    let listed = klist(&realm, &[])?;
    assert!(listed.contains("03/17/30"), "{listed}");
    Ok(())
}

fn kvno_gets_service_tickets_of_every_enctype() -> TestResult {
    let realm = Realm::builder()
        .enctypes(EncryptionType::DEFAULT)
        .start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    for enctype in [
        "aes256-cts-hmac-sha1-96",
        "aes128-cts-hmac-sha1-96",
        "aes256-cts-hmac-sha384-192",
        "aes128-cts-hmac-sha256-128",
    ] {
        kinit(&realm, &["-k", "-t", &keytab, "alice"], "")?.ok()?;
        let said = run(
            &mut command(&realm.env(), "kvno", &["-e", enctype, "host/localhost"]),
            "",
        )?
        .ok()?;
        assert!(said.contains("kvno = 1"), "{said}");
        let listed = klist(&realm, &["-e"])?;
        let host = listed
            .split("host/localhost")
            .nth(1)
            .ok_or("no ticket for host")?;
        assert!(
            host.contains(&format!("Etype (skey, tkt): {enctype}")),
            "{listed}"
        );
    }
    Ok(())
}

fn weak_enctypes_serve_a_realm_that_names_them() -> TestResult {
    for (enctype, name) in [
        (EncryptionType::RC4_HMAC, "arcfour-hmac"),
        (EncryptionType::DES3_CBC_SHA1_KD, "des3-cbc-sha1"),
    ] {
        let realm = Realm::builder()
            .enctypes([enctype])
            .user_with_password("alice", "pw")
            .start_blocking()?;
        kinit(&realm, &["alice"], "pw\n")?.ok()?;
        let keytab = realm.keytab("host/localhost")?.display().to_string();
        let said = run(
            &mut command(&realm.env(), "kvno", &["-k", &keytab, "host/localhost"]),
            "",
        )?
        .ok()?;
        assert!(said.contains("keytab entry valid"), "{said}");
        let listed = klist(&realm, &["-e"])?;
        assert!(
            listed.contains(&format!(
                "Etype (skey, tkt): DEPRECATED:{name}, DEPRECATED:{name}"
            )),
            "{listed}"
        );
    }
    Ok(())
}

fn a_fault_answers_kinit_with_the_error_of_choice() -> TestResult {
    let realm = Realm::start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    let fault = realm.inject(Fault::krb_error(ErrorCode::KDC_ERR_CLIENT_REVOKED).of("alice"));
    let said = kinit(&realm, &["-k", "-t", &keytab, "alice"], "")?.refused()?;
    assert!(said.contains("revoked"), "{said}");
    assert!(fault.struck() > 0);
    drop(fault);
    kinit(&realm, &["-k", "-t", &keytab, "alice"], "")?.ok()?;
    Ok(())
}

fn the_shared_krb5_conf_serves_many_realms() -> TestResult {
    let realms = [
        Realm::start_blocking()?,
        Realm::start_blocking()?,
        Realm::start_blocking()?,
    ];
    for realm in &realms {
        let env = realm.env().with("KRB5_CONFIG", kerbox::shared_krb5_conf());
        let keytab = realm.keytab("alice")?.display().to_string();
        let alice = format!("alice@{}", realm.name());
        run(
            &mut command(&env, "kinit", &["-k", "-t", &keytab, &alice]),
            "",
        )?
        .ok()?;
        run(&mut command(&env, "kvno", &["-S", "host", "localhost"]), "")?.ok()?;
        let listed = run(&mut command(&env, "klist", &[]), "")?.ok()?;
        assert!(
            listed.contains(&format!("host/localhost@{}", realm.name())),
            "{listed}"
        );
    }
    Ok(())
}
