//! MIT's client and SPAKE pre-authentication, as `spake_preauth_groups` turns it on for both sides.

use std::fs;
use std::process::Command;

use kerbox_testing::MitRealm;
use libtest_mimic::Trial;

use crate::mit_clients::{Daemon, input};
use crate::peers::{self, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let kinit = [("MIT kinit", peers::on_path("kinit"))];
    vec![trial(
        "spake::kinit_authenticates_by_spake_if_it_is_offered",
        &kinit,
        kinit_authenticates_by_spake_if_it_is_offered,
    )]
}

/// The end of a kinit: whether it succeeded, its messages, and the trace of the library.
type Kinit = (bool, String, String);

/// Starts the KDC with this setting, and returns it with a function that runs kinit with arguments
/// and a password.
fn with<'a>(
    realm: &'a MitRealm,
    kdcdefaults: &str,
    groups: &str,
) -> (Daemon, impl Fn(&[&str], &str) -> Kinit + 'a) {
    let conf = |kdc: &str| {
        realm.place.file(
            "krb5.conf",
            &format!(
                "[libdefaults]\n default_realm = KRBTEST.COM\n dns_lookup_kdc = false\n{groups}\n\
                 [kdcdefaults]\n{kdcdefaults}\n[realms]\n KRBTEST.COM = {{\n  {kdc}\n }}\n"
            ),
        );
    };
    conf("");
    let kdc = Daemon::start(realm, "krb5kdc", "-n");
    conf(&format!("kdc = {}", kdc.address));
    let kinit = |arguments: &[&str], password: &str| {
        let trace = realm.path("trace");
        let _ = fs::remove_file(&trace);
        let mut kinit = Command::new("kinit");
        kinit
            .args(arguments)
            .env("KRB5_CONFIG", realm.path("krb5.conf"))
            .env("KRB5CCNAME", realm.path("cc"))
            .env("KRB5_TRACE", &trace);
        let ran = input(&mut kinit, &format!("{password}\n"));
        let trace = fs::read_to_string(trace).expect("a trace");
        (ran.code == Some(0), ran.stderr, trace)
    };
    (kdc, kinit)
}

fn kinit_authenticates_by_spake_if_it_is_offered() {
    const GROUPS: &str = " spake_preauth_groups = edwards25519";
    let realm = MitRealm::new("  kdc_listen = 127.0.0.1:0").created();
    for query in [
        "addprinc -pw secret +requires_preauth alice",
        "addprinc -pw secret -e aes128-sha2:special +requires_preauth bob",
        "addprinc -pw armor -requires_preauth carol",
    ] {
        realm.query(query);
    }
    let challenged = "SPAKE challenge received with group 1";

    let (kdc, kinit) = with(&realm, "", "");
    let (success, said, trace) = kinit(&["alice"], "secret");
    assert!(success && !trace.contains("PA-SPAKE"), "{said}{trace}");
    kdc.stop();

    let (kdc, kinit) = with(&realm, "", GROUPS);
    for name in ["alice", "bob"] {
        let (success, said, trace) = kinit(&[name], "secret");
        assert!(success, "{said}{trace}");
        for text in [
            "PA-SPAKE (151), PA-ENC-TIMESTAMP (2)",
            "Sending SPAKE support message",
            "/More preauthentication data is required",
            challenged,
            "Decrypted AS reply",
        ] {
            assert!(trace.contains(text), "{text:?} is missing in {trace}");
        }
        assert!(!trace.contains("Encrypted timestamp (for"), "{trace}");
        let (success, said, trace) = kinit(&[name], "wrong");
        assert!(
            !success && said.contains("Password incorrect") && trace.contains(challenged),
            "{said}{trace}"
        );
    }
    // Inside an armor.
    let armor = realm.path("armor").display().to_string();
    let (success, said, _) = kinit(&["-c", &armor, "carol"], "armor");
    assert!(success, "{said}");
    let (success, said, trace) = kinit(&["-T", &armor, "alice"], "secret");
    let armored = trace.contains("FAST armor key") && trace.contains(challenged);
    assert!(success && armored, "{said}{trace}");
    kdc.stop();

    let first = " spake_preauth_kdc_challenge = edwards25519";
    let (kdc, kinit) = with(&realm, first, GROUPS);
    let (success, said, trace) = kinit(&["alice"], "secret");
    let at_once = trace.contains(challenged) && !trace.contains("Sending SPAKE support");
    assert!(success && at_once, "{said}{trace}");
    kdc.stop();
}
