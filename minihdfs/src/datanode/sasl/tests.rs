use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::datanode::stream::{Inbox, Outbox, protect};
use crate::secret_manager::BlockTokenSettings;
use crate::token::AccessMode;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn config(pairs: &[(&str, &str)]) -> HdfsConfig {
    let all = [("hadoop.security.authentication", "kerberos")]
        .iter()
        .chain(pairs);
    HdfsConfig::from_pairs(all.copied()).expect("good values").0
}

fn secrets(seed: u64) -> Arc<BlockTokenSecretManager> {
    let settings = BlockTokenSettings::new(&HdfsConfig::default(), "BP-1-127.0.0.1-1");
    Arc::new(BlockTokenSecretManager::new(
        settings,
        NOW,
        &mut StdRng::seed_from_u64(seed),
    ))
}

fn token(secrets: &BlockTokenSecretManager) -> Token {
    secrets.issue(NOW, "alice", 7, &[AccessMode::Read], &[], &[])
}

/// Runs a handshake and returns both results.
fn shake(
    protection: &DataProtection,
    server_secrets: &Arc<BlockTokenSecretManager>,
    client_secrets: &BlockTokenSecretManager,
    token: &Token,
    now: Timestamp,
) -> Result<(Protection, Protection, String), Box<Message>> {
    let rng = &mut StdRng::seed_from_u64(3);
    let mut server = HandshakeServer::new(protection, server_secrets.clone(), rng);
    let mut client = HandshakeClient::new(protection, client_secrets, token, now, rng);
    let first = HandshakeClient::first_message();
    let HandshakeStep::Continue(challenge) = server.step(now, &first, rng).expect("no error yet")
    else {
        panic!("DIGEST-MD5 begins with a challenge");
    };
    let response = client.respond(&challenge).expect("offers what we take");
    match server.step(now, &response, rng).expect("well-formed") {
        HandshakeStep::Done {
            message,
            protection,
            user,
            facts,
        } => {
            let has_layer = !matches!(protection, Protection::None);
            assert_eq!(facts.qop != kerbox_events::Qop::Authentication, has_layer);
            assert!(facts.sequence.is_some(), "{facts}");
            assert!(server.step(now, &response, rng).is_err(), "it is over");
            Ok((client.finish(&message).expect("proved"), protection, user))
        }
        HandshakeStep::Refused { message, .. } => Err(Box::new(message)),
        HandshakeStep::Continue(_) => panic!("exactly four messages"),
    }
}

/// Sends units from one end to the other and back.
fn exchange(client: Protection, server: Protection) -> Vec<u8> {
    let (mut client_in, mut client_out) = (Inbox::default(), Outbox::default());
    let (mut server_in, mut server_out) = (Inbox::default(), Outbox::default());
    protect(&mut client_in, &mut client_out, client).expect("nothing came early");
    protect(&mut server_in, &mut server_out, server).expect("nothing came early");
    let pass = |outbox: &mut Outbox, inbox: &mut Inbox| {
        let sealed = outbox.bytes().to_vec();
        for piece in sealed.chunks(7) {
            inbox.room(7)[..piece.len()].copy_from_slice(piece);
            inbox.received(piece.len()).expect("whole and untouched");
        }
        outbox.sent(sealed.len());
        sealed
    };
    client_out.unit(b"to the server");
    client_out.unit(b", twice");
    let sealed = pass(&mut client_out, &mut server_in);
    assert_eq!(server_in.bytes(), b"to the server, twice");
    server_out.unit(b"and back");
    pass(&mut server_out, &mut client_in);
    assert_eq!(client_in.bytes(), b"and back");
    sealed
}

#[test]
fn without_the_keys_that_ask_for_it_there_is_no_handshake() {
    assert_eq!(DataProtection::new(&HdfsConfig::default()), None);
    assert_eq!(DataProtection::new(&config(&[])), None);
    let simple = HdfsConfig::from_pairs([("dfs.data.transfer.protection", "privacy")])
        .expect("good values")
        .0;
    assert_eq!(
        DataProtection::new(&simple),
        None,
        "without security nobody has tokens"
    );
    let both = config(&[
        ("dfs.data.transfer.protection", "authentication"),
        ("dfs.encrypt.data.transfer", "true"),
    ]);
    let protection = DataProtection::new(&both).expect("a handshake");
    assert_eq!(
        (protection.credential, protection.qop),
        (
            DataCredential::EncryptionKey,
            vec![QualityOfProtection::Privacy]
        )
    );
}

#[test]
fn a_block_token_opens_a_connection_of_each_quality() {
    let secrets = secrets(1);
    for (name, framed, clear) in [
        ("authentication", false, true),
        ("integrity", true, true),
        ("privacy", true, false),
    ] {
        let protection = DataProtection::new(&config(&[("dfs.data.transfer.protection", name)]))
            .expect("a handshake");
        let (client, server, _user) =
            shake(&protection, &secrets, &secrets, &token(&secrets), NOW).expect("a good token");
        let sealed = exchange(client, server);
        let contains = |part: &[u8]| sealed.windows(part.len()).any(|window| window == part);
        assert_eq!(contains(b"to the server"), clear, "{name}");
        assert_eq!(sealed.starts_with(&[0, 0, 0]), framed, "{name}");
    }
}

#[test]
fn aes_replaces_the_layer_if_both_want_it() {
    let secrets = secrets(1);
    for bits in ["128", "192", "256"] {
        let protection = DataProtection::new(&config(&[
            ("dfs.data.transfer.protection", "privacy"),
            (
                "dfs.encrypt.data.transfer.cipher.suites",
                "AES/CTR/NoPadding",
            ),
            ("dfs.encrypt.data.transfer.cipher.key.bitlength", bits),
        ]))
        .expect("a handshake");
        let (client, server, _user) =
            shake(&protection, &secrets, &secrets, &token(&secrets), NOW).expect("a good token");
        assert!(matches!(
            (&client, &server),
            (Protection::Aes(..), Protection::Aes(..))
        ));
        assert_eq!(
            exchange(client, server).len(),
            b"to the server, twice".len(),
            "no framing, no MAC"
        );
    }
}

#[test]
fn an_encryption_key_opens_a_connection_and_a_stale_one_is_told_apart() {
    let protection = DataProtection::new(&config(&[("dfs.encrypt.data.transfer", "true")]))
        .expect("a handshake");
    let ours = secrets(1);
    let (client, server, user) =
        shake(&protection, &ours, &ours, &token(&ours), NOW).expect("a good key");
    assert!(user.contains(" BP-1-127.0.0.1-1 "), "{user}");
    exchange(client, server);
    let refused = shake(&protection, &ours, &secrets(2), &token(&ours), NOW)
        .err()
        .expect("another cluster's key");
    assert_eq!(
        refused.status(),
        DataTransferEncryptorStatus::ErrorUnknownKey
    );
    assert_eq!(refused.access_token_error, None);
}

#[test]
fn a_foreign_an_expired_and_a_missing_token_are_refused_as_token_errors() {
    let protection = DataProtection::new(&config(&[("dfs.data.transfer.protection", "privacy")]))
        .expect("a handshake");
    let ours = secrets(1);
    let good = token(&ours);
    let late = NOW + ours.settings().token_lifetime + std::time::Duration::from_secs(1);
    let empty = Token {
        identifier: Bytes::new(),
        password: Bytes::new(),
        ..good.clone()
    };
    for (token, now) in [
        (token(&secrets(2)), NOW),
        (good.clone(), late),
        (empty, NOW),
    ] {
        let refused = shake(&protection, &ours, &ours, &token, now)
            .err()
            .expect("must be refused");
        assert_eq!(refused.status(), DataTransferEncryptorStatus::Error);
        assert_eq!(
            refused.access_token_error,
            Some(true),
            "{}",
            refused.message()
        );
        assert!(!refused.message().is_empty());
    }
    let mut forged = good;
    forged.password = Bytes::from_static(b"not the password, is it?");
    let refused = shake(&protection, &ours, &ours, &forged, NOW)
        .err()
        .expect("must be refused");
    assert_eq!(
        (refused.status(), refused.access_token_error),
        (DataTransferEncryptorStatus::Error, None)
    );
}

#[test]
fn a_lower_quality_than_the_servers_is_refused() {
    let secrets = secrets(1);
    let strict = DataProtection::new(&config(&[("dfs.data.transfer.protection", "privacy")]))
        .expect("a handshake");
    let lax = DataProtection::new(&config(&[(
        "dfs.data.transfer.protection",
        "authentication",
    )]))
    .expect("a handshake");
    let rng = &mut StdRng::seed_from_u64(3);
    let mut server = HandshakeServer::new(&strict, secrets.clone(), rng);
    let mut client = HandshakeClient::new(&lax, &secrets, &token(&secrets), NOW, rng);
    let HandshakeStep::Continue(challenge) = server
        .step(NOW, &HandshakeClient::first_message(), rng)
        .expect("a challenge")
    else {
        panic!("DIGEST-MD5 begins with a challenge");
    };
    assert!(client.respond(&challenge).is_err());
    // A client that ignores the offer.
    let text = String::from_utf8(challenge.payload().to_vec())
        .expect("ASCII")
        .replace("auth-conf", "auth");
    let response = client
        .respond(&success(text.into_bytes()))
        .expect("what it wants");
    let HandshakeStep::Refused { message, .. } =
        server.step(NOW, &response, rng).expect("well-formed")
    else {
        panic!("must be refused");
    };
    assert_eq!(message.status(), DataTransferEncryptorStatus::Error);
}

#[test]
fn a_tampered_frame_ends_the_connection() {
    let secrets = secrets(1);
    for name in ["integrity", "privacy"] {
        let protection = DataProtection::new(&config(&[("dfs.data.transfer.protection", name)]))
            .expect("a handshake");
        let (client, server, _user) =
            shake(&protection, &secrets, &secrets, &token(&secrets), NOW).expect("a good token");
        let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
        protect(&mut Inbox::default(), &mut outbox, client).expect("nothing came early");
        protect(&mut inbox, &mut Outbox::default(), server).expect("nothing came early");
        outbox.unit(b"transfer 10 euros");
        let mut sealed = outbox.bytes().to_vec();
        sealed[14] ^= 1;
        inbox.room(sealed.len())[..sealed.len()].copy_from_slice(&sealed);
        assert!(inbox.received(sealed.len()).is_err(), "{name}");
        assert!(inbox.bytes().is_empty());
    }
}

#[test]
fn an_absurd_frame_length_is_refused_before_anything_is_kept_for_it() {
    let secrets = secrets(1);
    let protection = DataProtection::new(&config(&[("dfs.data.transfer.protection", "integrity")]))
        .expect("a handshake");
    let (_client, server, _user) =
        shake(&protection, &secrets, &secrets, &token(&secrets), NOW).expect("a good token");
    let mut inbox = Inbox::default();
    protect(&mut inbox, &mut Outbox::default(), server).expect("nothing came early");
    inbox.room(4)[..4].copy_from_slice(&[0xff; 4]);
    assert!(inbox.received(4).is_err());
}
