//! Realms whose keys all have one type that must be requested by name, and their HDFS.

use std::time::Duration;

use kerbox::{Cluster, EncryptionType, Protection, Realm};
use kerbox_krb5::gss::{ContextFlags, GssInitiator, GssInitiatorOptions};
use kerbox_krb5::testing::Parties;
use kerbox_krb5::{Clock, Error};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::hdfs_native::secure_round_trip;
use super::java_hadoop::workflow;
use crate::support::{Peer, TestResult, command, on, peer_source, python, run, trials};

trials! {
    [Peer::Mit] =>
        mit_logs_in_by_camellia_and_gets_tickets,
        mit_logs_in_by_camellia_behind_an_armor;
    [Peer::LibGssapi] =>
        hdfs_native_works_with_camellia_and_privacy,
        hdfs_native_works_with_rc4_at_every_protection,
        hdfs_native_works_with_des3_at_every_protection;
    [Peer::JavaHadoop] =>
        java_hadoop_works_with_rc4_and_privacy,
        java_hadoop_works_with_des3_and_integrity;
    [Peer::PythonKerberos] =>
        mits_library_accepts_our_contexts_and_reads_our_messages;
}

const CAMELLIA: [EncryptionType; 2] = [
    EncryptionType::CAMELLIA256_CTS_CMAC,
    EncryptionType::CAMELLIA128_CTS_CMAC,
];

fn mit_logs_in_by_camellia_and_gets_tickets() -> TestResult {
    for enctype in CAMELLIA {
        let realm = Realm::builder().enctypes([enctype]).start_blocking()?;
        // First with the password, from which MIT derives the key, then with our keytab.
        on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
        let keytab = realm.keytab("bob")?.display().to_string();
        on(&realm, "kinit", &["-k", "-t", &keytab, "bob"], "")?.ok()?;
        let host = realm.keytab("host/localhost")?.display().to_string();
        on(&realm, "kvno", &["-k", &host, "host/localhost"], "")?.ok()?;
        let listed = on(&realm, "klist", &["-e"], "")?.ok()?;
        let name = enctype.to_string();
        assert_eq!(listed.matches(&name).count(), 4, "{listed}");
    }
    Ok(())
}

/// The armor's keys are combined with the type's pseudo-random function.
fn mit_logs_in_by_camellia_behind_an_armor() -> TestResult {
    for enctype in CAMELLIA {
        let realm = Realm::builder().enctypes([enctype]).start_blocking()?;
        let armor = realm.login_blocking("bob")?.ccache().display().to_string();
        on(&realm, "kinit", &["-T", &armor, "alice"], "alice\n")?.ok()?;
        let refused = on(&realm, "kinit", &["-T", &armor, "alice"], "wrong\n")?.refused()?;
        assert!(refused.contains("Password incorrect"), "{refused}");
    }
    Ok(())
}

fn hdfs_native_works_with_camellia_and_privacy() -> TestResult {
    for enctype in CAMELLIA {
        let cluster = Cluster::secure().enctypes([enctype]);
        secure_round_trip(cluster.protection(Protection::Privacy))?;
    }
    Ok(())
}

fn with_every_protection(enctype: EncryptionType) -> TestResult {
    for protection in [
        Protection::Authentication,
        Protection::Integrity,
        Protection::Privacy,
        Protection::PrivacyAes,
    ] {
        secure_round_trip(Cluster::secure().enctypes([enctype]).protection(protection))
            .map_err(|error| format!("{enctype}, {protection:?}: {error}"))?;
    }
    Ok(())
}

fn hdfs_native_works_with_rc4_at_every_protection() -> TestResult {
    with_every_protection(EncryptionType::RC4_HMAC)
}

fn hdfs_native_works_with_des3_at_every_protection() -> TestResult {
    with_every_protection(EncryptionType::DES3_CBC_SHA1_KD)
}

fn java_hadoop_works_with_rc4_and_privacy() -> TestResult {
    let cluster = Cluster::secure().enctypes([EncryptionType::RC4_HMAC]);
    workflow(cluster.protection(Protection::Privacy))
}

fn java_hadoop_works_with_des3_and_integrity() -> TestResult {
    let cluster = Cluster::secure().enctypes([EncryptionType::DES3_CBC_SHA1_KD]);
    workflow(cluster.protection(Protection::Integrity))
}

/// Uses a ticket that we make ourselves, and a keytab file for MIT.
fn mits_library_accepts_our_contexts_and_reads_our_messages() -> TestResult {
    let by_name = [
        EncryptionType::CAMELLIA128_CTS_CMAC,
        EncryptionType::CAMELLIA256_CTS_CMAC,
        EncryptionType::RC4_HMAC,
        EncryptionType::DES3_CBC_SHA1_KD,
    ];
    for enctype in EncryptionType::DEFAULT.into_iter().chain(by_name) {
        accepted_by_mit(enctype).map_err(|error| format!("{enctype}: {error}"))?;
    }
    Ok(())
}

fn accepted_by_mit(enctype: EncryptionType) -> TestResult {
    const MESSAGE: &[u8] = b"a message of ours";
    let realm = Realm::builder().enctypes([enctype]).start_blocking()?;
    let now = Clock::system().now();
    let mut parties = Parties::new(1, enctype, ["nn", "localhost"]);
    parties.part.auth_time = now;
    parties.part.end_time = now + Duration::from_secs(3600);
    let keytab = realm.path().join("ours.keytab");
    std::fs::write(&keytab, parties.keytab.to_bytes())?;
    let options = GssInitiatorOptions {
        flags: ContextFlags::REPLAY
            | ContextFlags::SEQUENCE
            | ContextFlags::CONFIDENTIALITY
            | ContextFlags::INTEGRITY,
        ..GssInitiatorOptions::default()
    };
    let mut rng = StdRng::seed_from_u64(2);
    let (initiator, token) = GssInitiator::new(&parties.credentials(), options, now, &mut rng)?;
    let mut context = initiator.finish(None)?;
    let mut lines = hex(&token);
    for sealed in [false, true] {
        let mut wrapped = Vec::new();
        let sender = &mut context.sender;
        sender.wrap_into(sealed, MESSAGE, &mut rng, &mut wrapped);
        lines += &hex(&wrapped);
    }
    lines += &hex(&context.sender.mic(MESSAGE));
    let source = peer_source("gss_messages.py").display().to_string();
    let words = [&*source, &keytab.display().to_string()];
    let said = run(&mut command(&realm.env(), python(), &words), &lines)?.ok()?;
    let answers: Vec<&str> = said.lines().collect();
    let [client, first, second, signed, sealed, mic] = answers[..] else {
        return Err(format!("six lines were expected: {said}").into());
    };
    assert_eq!(client, "alice@EXAMPLE.COM");
    assert_eq!([first.as_bytes(), second.as_bytes()], [MESSAGE; 2]);
    for (token, was_sealed) in [(signed, false), (sealed, true)] {
        let mut read = Vec::new();
        let token = kerbox_krb5::testing::unhex(token);
        let opened: Result<bool, Error> = context.receiver.unwrap_into(&token, &mut read);
        assert_eq!((opened, &*read), (Ok(was_sealed), MESSAGE));
    }
    let mic = kerbox_krb5::testing::unhex(mic);
    assert_eq!(context.receiver.verify_mic(MESSAGE, &mic), Ok(()));
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.push('\n');
    text
}
