//! Heimdal's kinit, klist, kgetcred.

use std::time::Duration;

use kerbox::{EncryptionType, Realm};

use super::realms::{delegating, with_long_passwords};
use crate::support::{Peer, Ran, TestResult, command, heimdal, on, run, trials};

trials! {
    [Peer::Heimdal] =>
        kinit_logs_in_by_password_and_gets_a_service_ticket,
        kinit_logs_in_by_keytab_and_renews,
        kinit_refuses_a_wrong_password,
        kgetcred_asks_for_an_enctype_and_for_flags,
        kgetcred_acts_in_a_user_s_name_where_it_is_allowed,
        kinit_shows_a_password_inside_an_armor,
        kpasswd_changes_a_password_and_says_why_not,
        weak_enctypes_serve_a_realm_that_names_them;
}

fn heim(
    realm: &Realm,
    program: &str,
    arguments: &[&str],
) -> Result<Ran, Box<dyn std::error::Error + Send + Sync>> {
    run(&mut command(&realm.env(), heimdal(program), arguments), "")
}

fn password_file(realm: &Realm, password: &str) -> Result<String, std::io::Error> {
    let path = realm.path().join("password");
    std::fs::write(&path, password)?;
    Ok(format!("--password-file={}", path.display()))
}

fn kinit_logs_in_by_password_and_gets_a_service_ticket() -> TestResult {
    let realm = Realm::builder()
        .user_with_password("alice", "pw")
        .start_blocking()?;
    heim(
        &realm,
        "kinit.heimdal",
        &[&password_file(&realm, "pw\n")?, "alice"],
    )?
    .ok()?;
    heim(&realm, "kgetcred", &["host/localhost"])?.ok()?;
    let listed = heim(&realm, "heimtools", &["klist", "-v"])?.ok()?;
    assert!(
        listed.contains(&format!("Server: host/localhost@{}", realm.name())),
        "{listed}"
    );
    Ok(())
}

fn kinit_logs_in_by_keytab_and_renews() -> TestResult {
    let realm = Realm::start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    heim(
        &realm,
        "kinit.heimdal",
        &["-l", "1h", "-r", "2d", "-k", "-t", &keytab, "alice"],
    )?
    .ok()?;
    realm.advance_blocking(Duration::from_secs(60))?;
    heim(&realm, "kinit.heimdal", &["--renew"])?.ok()?;
    Ok(())
}

fn kinit_refuses_a_wrong_password() -> TestResult {
    let realm = Realm::builder()
        .user_with_password("alice", "right")
        .start_blocking()?;
    let said = heim(
        &realm,
        "kinit.heimdal",
        &[&password_file(&realm, "wrong\n")?, "alice"],
    )?
    .refused()?;
    assert!(said.contains("kinit.heimdal: Password incorrect"), "{said}");
    Ok(())
}

fn kgetcred_asks_for_an_enctype_and_for_flags() -> TestResult {
    let realm = Realm::start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    heim(
        &realm,
        "kinit.heimdal",
        &["-f", "-p", "-k", "-t", &keytab, "alice"],
    )?
    .ok()?;
    let enctype = "aes128-cts-hmac-sha1-96";
    heim(
        &realm,
        "kgetcred",
        &[
            "--forwardable",
            &format!("--enctype={enctype}"),
            "host/localhost",
        ],
    )?
    .ok()?;
    let listed = heim(&realm, "heimtools", &["klist", "-v"])?.ok()?;
    let ticket = listed
        .split("Server: host/localhost")
        .nth(1)
        .ok_or("no ticket for host")?;
    assert!(
        ticket.contains(&format!("Session key: {enctype}")),
        "{listed}"
    );
    assert!(ticket.contains("forwardable"), "{listed}");
    let said = heim(&realm, "kgetcred", &["no/such"])?.refused()?;
    assert!(said.contains("LOOKING_UP_SERVER (no/such@"), "{said}");
    Ok(())
}

fn kgetcred_acts_in_a_user_s_name_where_it_is_allowed() -> TestResult {
    let realm = delegating()?;
    let keytab = realm.keytab("HTTP/localhost")?.display().to_string();
    heim(
        &realm,
        "kinit.heimdal",
        &["-f", "-k", "-t", &keytab, "HTTP/localhost"],
    )?
    .ok()?;
    let evidence = format!("FILE:{}", realm.path().join("evidence").display());
    let out = format!("--out-cache={evidence}");
    heim(
        &realm,
        "kgetcred",
        &[
            "--forwardable",
            "--impersonate=alice",
            &out,
            "HTTP/localhost",
        ],
    )?
    .ok()?;
    let listed = heim(&realm, "heimtools", &["klist", "-v", "-c", &evidence])?.ok()?;
    assert!(
        listed.contains(&format!("Client: alice@{}", realm.name())),
        "{listed}"
    );
    let with = format!("--delegation-credential-cache={evidence}");
    let theirs = format!("FILE:{}", realm.path().join("theirs").display());
    let out = format!("--out-cache={theirs}");
    heim(&realm, "kgetcred", &[&with, &out, "nn/localhost"])?.ok()?;
    let listed = heim(&realm, "heimtools", &["klist", "-v", "-c", &theirs])?.ok()?;
    assert!(
        listed.contains(&format!("Server: nn/localhost@{}", realm.name())),
        "{listed}"
    );
    let said = heim(&realm, "kgetcred", &[&with, &out, "hdfs/localhost"])?.refused()?;
    assert!(
        said.contains("NOT_ALLOWED_TO_DELEGATE (hdfs/localhost@"),
        "{said}"
    );
    Ok(())
}

fn kinit_shows_a_password_inside_an_armor() -> TestResult {
    let realm = Realm::start_blocking()?;
    let host = realm.login_blocking("host/localhost")?;
    let armor = format!("--fast-armor-cache=FILE:{}", host.ccache().display());
    heim(
        &realm,
        "kinit.heimdal",
        &[&armor, &password_file(&realm, "alice\n")?, "alice"],
    )?
    .ok()?;
    let said = heim(
        &realm,
        "kinit.heimdal",
        &[&armor, &password_file(&realm, "wrong\n")?, "alice"],
    )?
    .refused()?;
    assert!(said.contains("kinit.heimdal: Password incorrect"), "{said}");
    Ok(())
}

fn kpasswd_changes_a_password_and_says_why_not() -> TestResult {
    let realm = with_long_passwords()?;
    // It prompts on the terminal of its session; without one it reads its standard input.
    let program = heimdal("kpasswd.heimdal").display().to_string();
    let kpasswd = |input: &str| on(&realm, "setsid", &["--wait", &program, "alice"], input);
    let said = kpasswd("alice\nshort\nshort\n")?.to_string();
    assert!(said.contains("New password is too short."), "{said}");
    let said = kpasswd("wrong\nlong-enough\nlong-enough\n")?.refused()?;
    assert!(said.contains("PREAUTH_FAILED"), "{said}");
    let said = kpasswd("alice\nlong-enough\nlong-enough\n")?.to_string();
    assert!(said.contains("Success"), "{said}");
    heim(
        &realm,
        "kinit.heimdal",
        &[&password_file(&realm, "long-enough\n")?, "alice"],
    )?
    .ok()?;
    heim(
        &realm,
        "kinit.heimdal",
        &[&password_file(&realm, "alice\n")?, "alice"],
    )?
    .refused()?;
    Ok(())
}

fn weak_enctypes_serve_a_realm_that_names_them() -> TestResult {
    for enctype in [EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD] {
        let realm = Realm::builder()
            .enctypes([enctype])
            .user_with_password("alice", "pw")
            .start_blocking()?;
        heim(
            &realm,
            "kinit.heimdal",
            &[&password_file(&realm, "pw\n")?, "alice"],
        )?
        .ok()?;
        heim(&realm, "kgetcred", &["host/localhost"])?.ok()?;
    }
    Ok(())
}
