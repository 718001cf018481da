//! Principals' keys: derived from passwords, of old types, of version 0. Tested with MIT's ktutil,
//! kvno and kinit, and the JDK.

use kerbox::{EncryptionType, NewPrincipal, Realm};

use super::jdk::{Jdk, commands};
use crate::support::{Peer, TestResult, command, run, trials};

trials! {
    [Peer::Mit] =>
        a_keytab_that_ktutil_makes_of_a_password_serves_a_service,
        a_realm_of_weak_types_logs_in_itself_and_its_clients,
        a_principal_of_a_weak_type_logs_in_to_a_realm_of_others,
        keys_of_version_zero_serve_in_an_armor_too;
    [Peer::Jdk17] =>
        jdk_17_logs_in_to_realms_of_weak_types;
    [Peer::NewestJdk] =>
        the_newest_jdk_logs_in_to_realms_of_weak_types;
}

const WEAK: [EncryptionType; 2] = [EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD];

fn on(realm: &Realm, program: &str, arguments: &[&str], input: &str) -> Result<String, Failed> {
    run(&mut command(&realm.env(), program, arguments), input)?.ok()
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn a_keytab_that_ktutil_makes_of_a_password_serves_a_service() -> TestResult {
    let realm = Realm::builder()
        .principal(NewPrincipal::new("host/localhost").password("of the service"))
        .user_with_password("alice", "of alice")
        .start_blocking()?;
    realm.add_principal(NewPrincipal::new("late/localhost").password("added later"))?;
    on(&realm, "kinit", &["alice"], "of alice\n")?;
    for (name, password) in [
        ("host/localhost", "of the service"),
        ("late/localhost", "added later"),
        ("alice", "of alice"),
    ] {
        let file = realm.path().join("made.keytab").display().to_string();
        let _ = std::fs::remove_file(&file);
        let mut script = String::new();
        for enctype in EncryptionType::DEFAULT_KEYS {
            script += &format!("addent -password -p {name} -k 1 -e {enctype}\n{password}\n");
        }
        script += &format!("wkt {file}\nquit\n");
        on(&realm, "ktutil", &[], &script)?;
        let said = on(&realm, "kvno", &["-k", &file, name], "")?;
        assert!(said.contains("keytab entry valid"), "{said}");
        on(&realm, "kinit", &["-k", "-t", &file, name], "")?;
        on(&realm, "kinit", &["alice"], "of alice\n")?;
        // Our keytab has the same keys.
        let ours = realm.keytab(name)?.display().to_string();
        let keys = |file: &str| -> Result<Vec<String>, Failed> {
            let listed = on(&realm, "klist", &["-keK", file], "")?;
            Ok(listed.lines().skip(3).map(str::to_owned).collect())
        };
        assert_eq!(keys(&ours)?, keys(&file)?);
    }
    Ok(())
}

fn a_realm_of_weak_types_logs_in_itself_and_its_clients() -> TestResult {
    for enctype in WEAK {
        let realm = Realm::builder().enctypes([enctype]).start_blocking()?;
        let login = realm.login_blocking("alice")?;
        let cache = login.ccache().display().to_string();
        let said = on(&realm, "kvno", &["-c", &cache, "host/localhost"], "")?;
        assert!(said.contains("kvno = 1"), "{said}");
        on(&realm, "kinit", &["bob"], "bob\n")?;
        let keytab = realm.keytab("alice")?.display().to_string();
        on(&realm, "kinit", &["-k", "-t", &keytab, "alice"], "")?;
        // The krb5.conf shared by the whole process works, too.
        let env = realm.env().with("KRB5_CONFIG", kerbox::shared_krb5_conf());
        let full = format!("alice@{}", realm.name());
        run(
            &mut command(&env, "kinit", &["-k", "-t", &keytab, &full]),
            "",
        )?
        .ok()?;
    }
    Ok(())
}

fn a_principal_of_a_weak_type_logs_in_to_a_realm_of_others() -> TestResult {
    let old = NewPrincipal::new("old").enctypes([EncryptionType::RC4_HMAC]);
    let realm = Realm::builder()
        .principal(old.password("pw"))
        .start_blocking()?;
    on(&realm, "kinit", &["old"], "pw\n")?;
    realm.login_blocking("old")?;
    // A principal that is added later, with a type that no krb5.conf names, logs in through the
    // fixture.
    realm.add_principal(NewPrincipal::new("later").enctypes([EncryptionType::DES3_CBC_SHA1_KD]))?;
    realm.login_blocking("later")?;
    Ok(())
}

fn keys_of_version_zero_serve_in_an_armor_too() -> TestResult {
    let realm = Realm::builder()
        .principal(NewPrincipal::new("zoe").password("pw").kvno(0))
        .principal(NewPrincipal::new("host/localhost").kvno(0))
        .start_blocking()?;
    let armor = realm.login_blocking("bob")?.ccache().display().to_string();
    // MIT's client verifies the ticket against its checksum inside the armor.
    on(&realm, "kinit", &["-T", &armor, "zoe"], "pw\n")?;
    on(
        &realm,
        "kinit",
        &["-T", &armor, "-S", "host/localhost", "zoe"],
        "pw\n",
    )?;
    let keytab = realm.keytab("zoe")?.display().to_string();
    on(&realm, "kinit", &["-k", "-t", &keytab, "zoe"], "")?;
    let keytab = realm.keytab("host/localhost")?.display().to_string();
    let said = on(&realm, "kvno", &["-k", &keytab, "host/localhost"], "")?;
    assert!(said.contains("keytab entry valid"), "{said}");
    Ok(())
}

fn logs_in_to_realms_of_weak_types(jdk: Jdk) -> TestResult {
    for enctype in WEAK {
        let realm = Realm::builder().enctypes([enctype]).start_blocking()?;
        let keytab = realm.keytab("alice")?.display().to_string();
        let answers = commands(
            jdk,
            &realm,
            &[
                &["login", "password", "bob", "bob"],
                &["token", "host@localhost"],
                &["login", "keytab", "alice", &keytab],
                &["token", "host@localhost"],
            ],
        )?;
        for (answer, expected) in answers.iter().zip(["bob@", "bytes", "alice@", "bytes"]) {
            assert!(answer.contains(expected), "{enctype}: {answers:#?}");
        }
    }
    Ok(())
}

fn jdk_17_logs_in_to_realms_of_weak_types() -> TestResult {
    logs_in_to_realms_of_weak_types(Jdk::V17)
}

fn the_newest_jdk_logs_in_to_realms_of_weak_types() -> TestResult {
    logs_in_to_realms_of_weak_types(Jdk::Newest)
}
