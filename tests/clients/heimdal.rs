//! Heimdal's kinit, klist, kgetcred.

use std::time::Duration;

use kerbox::{EncryptionType, Realm};

use crate::support::{Peer, Ran, TestResult, command, heimdal, run, trials};

trials! {
    [Peer::Heimdal] =>
        kinit_logs_in_by_password_and_gets_a_service_ticket,
        kinit_logs_in_by_keytab_and_renews,
        kinit_refuses_a_wrong_password,
        weak_enctypes_serve_a_realm_that_names_them;
}

fn heim(realm: &Realm, program: &str, arguments: &[&str]) -> Result<Ran, Box<dyn std::error::Error + Send + Sync>> {
    run(&mut command(&realm.env(), heimdal(program), arguments), "")
}

fn password_file(realm: &Realm, password: &str) -> Result<String, std::io::Error> {
    let path = realm.path().join("password");
    std::fs::write(&path, password)?;
    Ok(format!("--password-file={}", path.display()))
}

fn kinit_logs_in_by_password_and_gets_a_service_ticket() -> TestResult {
    let realm = Realm::builder().user_with_password("alice", "pw").start_blocking()?;
    heim(&realm, "kinit.heimdal", &[&password_file(&realm, "pw\n")?, "alice"])?.ok()?;
    heim(&realm, "kgetcred", &["host/localhost"])?.ok()?;
    let listed = heim(&realm, "heimtools", &["klist", "-v"])?.ok()?;
    assert!(listed.contains(&format!("Server: host/localhost@{}", realm.name())), "{listed}");
    Ok(())
}

fn kinit_logs_in_by_keytab_and_renews() -> TestResult {
    let realm = Realm::start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    heim(&realm, "kinit.heimdal", &["-l", "1h", "-r", "2d", "-k", "-t", &keytab, "alice"])?.ok()?;
    realm.advance_blocking(Duration::from_mins(1))?;
    heim(&realm, "kinit.heimdal", &["--renew"])?.ok()?;
    Ok(())
}

fn kinit_refuses_a_wrong_password() -> TestResult {
    let realm = Realm::builder().user_with_password("alice", "right").start_blocking()?;
    let said = heim(&realm, "kinit.heimdal", &[&password_file(&realm, "wrong\n")?, "alice"])?.refused()?;
    assert!(
        said.contains("Password incorrect") || said.contains("Preauthentication failed"),
        "{said}"
    );
    Ok(())
}

fn weak_enctypes_serve_a_realm_that_names_them() -> TestResult {
    for enctype in [EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD] {
        let realm = Realm::builder()
            .enctypes([enctype])
            .user_with_password("alice", "pw")
            .start_blocking()?;
        heim(&realm, "kinit.heimdal", &[&password_file(&realm, "pw\n")?, "alice"])?.ok()?;
        heim(&realm, "kgetcred", &["host/localhost"])?.ok()?;
    }
    Ok(())
}
