use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::ap_exchange::ReplayCache;
use crate::messages::MessageType;
use crate::testing::{NOW, Pair, unhex};
use crate::{EncryptionType, Error, ErrorCode};

fn pair(enctype: EncryptionType) -> Pair {
    Pair::new(5, enctype, ["nn", "localhost"])
}

/// Returns every type whose keys can protect a context, whatever the form of its messages.
fn every_type() -> impl Iterator<Item = EncryptionType> {
    let by_name = [
        EncryptionType::CAMELLIA128_CTS_CMAC,
        EncryptionType::CAMELLIA256_CTS_CMAC,
        EncryptionType::RC4_HMAC,
        EncryptionType::DES3_CBC_SHA1_KD,
    ];
    EncryptionType::DEFAULT.into_iter().chain(by_name)
}

fn without_mutual() -> GssInitiatorOptions {
    GssInitiatorOptions {
        flags: ContextFlags::CONFIDENTIALITY | ContextFlags::INTEGRITY,
        subkey: false,
        ..GssInitiatorOptions::default()
    }
}

fn wrap(context: &mut GssContext, sealed: bool, message: &[u8]) -> Vec<u8> {
    let mut token = Vec::new();
    let mut rng = StdRng::seed_from_u64(1);
    context
        .sender
        .wrap_into(sealed, message, &mut rng, &mut token);
    token
}

fn unwrap(context: &mut GssContext, token: &[u8]) -> Result<(bool, Vec<u8>), Error> {
    let mut message = Vec::new();
    let sealed = context.receiver.unwrap_into(token, &mut message)?;
    Ok((sealed, message))
}

#[test]
fn every_key_carries_messages_both_ways() {
    for enctype in every_type() {
        for options in [GssInitiatorOptions::default(), without_mutual()] {
            for acceptor_subkey in [false, true] {
                let (mut client, mut server) =
                    pair(enctype).establish(options.clone(), acceptor_subkey);
                assert_eq!(server.peer.to_string(), "alice@EXAMPLE.COM");
                assert_eq!(client.peer.to_string(), "nn/localhost@EXAMPLE.COM");
                assert_eq!(server.flags, options.flags);
                for (number, length) in [0, 1, 15, 16, 17, 1000].into_iter().enumerate() {
                    let message = vec![number as u8; length];
                    for sealed in [false, true] {
                        let token = wrap(&mut client, sealed, &message);
                        assert_eq!(unwrap(&mut server, &token), Ok((sealed, message.clone())));
                        let token = wrap(&mut server, sealed, &message);
                        assert_eq!(unwrap(&mut client, &token), Ok((sealed, message.clone())));
                    }
                    let mic = client.sender.mic(&message);
                    assert_eq!(server.receiver.verify_mic(&message, &mic), Ok(()));
                }
            }
        }
    }
}

#[test]
fn layer_negotiation_tokens_are_gokrb5s() {
    let key = EncryptionKey::new(
        EncryptionType::AES128_CTS_HMAC_SHA1_96,
        &unhex("14f9bde6b50ec508201a97f74c4e5bd3"),
    )
    .expect("a key of 16 bytes");
    let key = ContextKey {
        key,
        acceptor_subkey: false,
    };
    for (role, first, message, token) in [
        (
            Role::Acceptor,
            0x575e_85d6,
            "01010000",
            "050401ff000c000000000000575e85d601010000853b728d5268525a1386c19f",
        ),
        (
            Role::Initiator,
            0,
            "01010000",
            "050400ff000c000000000000000000000101000079a033510b6f127212242b97",
        ),
        (
            Role::Acceptor,
            1,
            "02010000",
            "050401ff000c00000000000000000001020100002f22dd74799947ebd51f0470",
        ),
        (
            Role::Initiator,
            7,
            "02010000",
            "050400ff000c0000000000000000000702010000faff566387b681d7ecb1fcbf",
        ),
    ] {
        let mut wrapped = Vec::new();
        let mut sender = MessageSender::new(role, key.clone(), first);
        sender.wrap_into(
            false,
            &unhex(message),
            &mut StdRng::seed_from_u64(1),
            &mut wrapped,
        );
        assert_eq!(wrapped, unhex(token));
        let other = match role {
            Role::Acceptor => Role::Initiator,
            Role::Initiator => Role::Acceptor,
        };
        let mut opened = Vec::new();
        let mut receiver = MessageReceiver::new(other, key.clone(), first, true);
        assert_eq!(receiver.unwrap_into(&wrapped, &mut opened), Ok(false));
        assert_eq!(opened, unhex(message));
    }
}

#[test]
fn rotated_tokens_and_extra_bytes_are_read() {
    let (mut client, server) = pair(EncryptionType::AES256_CTS_HMAC_SHA1_96)
        .establish(GssInitiatorOptions::default(), false);
    for sealed in [false, true] {
        let token = wrap(&mut client.clone(), sealed, b"a message");
        let (header, body) = token.split_at(16);
        for rotation in [1, 12, 28, 60, 0xffff_u16] {
            let mut rotated = header.to_vec();
            rotated[6..8].copy_from_slice(&rotation.to_be_bytes());
            let at = body.len() - usize::from(rotation) % body.len();
            rotated.extend_from_slice(&body[at..]);
            rotated.extend_from_slice(&body[..at]);
            assert_eq!(
                unwrap(&mut server.clone(), &rotated),
                Ok((sealed, b"a message".to_vec()))
            );
        }
    }
    // Filler between message and header copy, as Microsoft's SSPI sends it.
    let header = message_token::Header {
        kind: message_token::Kind::Wrap,
        sender: Role::Initiator,
        sealed: true,
        acceptor_subkey: false,
        sequence_number: u64::from(0_u32),
    };
    let key = EncryptionKey::random(
        EncryptionType::AES256_CTS_HMAC_SHA1_96,
        &mut StdRng::seed_from_u64(9),
    )
    .expect("a known type");
    let mut token = header.to_bytes(3, 0).to_vec();
    let rng = &mut StdRng::seed_from_u64(1);
    key.encrypt_into(
        crate::KeyUsage::GSS_INITIATOR_SEAL,
        &[b"abc", &[0xff; 3], &header.to_bytes(3, 0)],
        rng,
        &mut token,
    );
    let key = ContextKey {
        key,
        acceptor_subkey: false,
    };
    let mut out = Vec::new();
    assert_eq!(
        MessageReceiver::new(Role::Acceptor, key, 0, true).unwrap_into(&token, &mut out),
        Ok(true)
    );
    assert_eq!(out, b"abc");
    wrap(&mut client, true, b"");
}

#[test]
fn no_tampered_or_cut_message_is_taken() {
    for enctype in every_type() {
        let (client, server) = pair(enctype).establish(GssInitiatorOptions::default(), false);
        for sealed in [false, true] {
            let token = wrap(&mut client.clone(), sealed, b"a message");
            for at in 0..token.len() {
                assert!(
                    unwrap(&mut server.clone(), &token[..at]).is_err(),
                    "cut at {at}"
                );
                for bit in 0..8 {
                    let mut spoilt = token.clone();
                    spoilt[at] ^= 1 << bit;
                    let mut out = b"before".to_vec();
                    server
                        .clone()
                        .receiver
                        .unwrap_into(&spoilt, &mut out)
                        .expect_err("tampered");
                    assert_eq!(out, b"before");
                }
            }
        }
        let mic = client.clone().sender.mic(b"a message");
        for at in 0..mic.len() {
            assert!(
                server
                    .clone()
                    .receiver
                    .verify_mic(b"a message", &mic[..at])
                    .is_err()
            );
            let mut spoilt = mic.clone();
            spoilt[at] ^= 1;
            assert!(
                server
                    .clone()
                    .receiver
                    .verify_mic(b"a message", &spoilt)
                    .is_err(),
                "byte {at}"
            );
        }
        assert!(
            server
                .clone()
                .receiver
                .verify_mic(b"another", &mic)
                .is_err()
        );
    }
}

#[test]
fn reflected_foreign_replayed_and_reordered_messages_have_codes_of_their_own() {
    for enctype in [
        EncryptionType::AES128_CTS_HMAC_SHA256_128,
        EncryptionType::RC4_HMAC,
        EncryptionType::DES3_CBC_SHA1_KD,
    ] {
        order_is_kept_with(enctype);
    }
}

fn order_is_kept_with(enctype: EncryptionType) {
    let (mut client, mut server) = pair(enctype).establish(GssInitiatorOptions::default(), false);
    let code =
        |result: Result<(bool, Vec<u8>), Error>| result.map(|_| ()).map_err(|error| error.code());
    let [first, second, third] = [b"1", b"2", b"3"].map(|message| wrap(&mut client, true, message));
    assert_eq!(
        code(unwrap(&mut client, &first)),
        Err(ErrorCode::KRB_AP_ERR_BADDIRECTION)
    );
    assert_eq!(
        code(unwrap(&mut server, &second)),
        Err(ErrorCode::KRB_AP_ERR_BADORDER)
    );
    assert_eq!(code(unwrap(&mut server, &first)), Ok(()));
    assert_eq!(
        code(unwrap(&mut server, &first)),
        Err(ErrorCode::KRB_AP_ERR_REPEAT)
    );
    assert_eq!(code(unwrap(&mut server, &second)), Ok(()));
    assert_eq!(code(unwrap(&mut server, &third)), Ok(()));

    let (mut other, _) = pair(enctype).establish(without_mutual(), false);
    let foreign = wrap(&mut other, true, b"4");
    assert_eq!(
        code(unwrap(&mut server, &foreign)),
        Err(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY)
    );

    let (mut client, mut server) = pair(enctype).establish(without_mutual(), false);
    let [first, second] = [b"1", b"2"].map(|message| wrap(&mut client, true, message));
    assert_eq!(
        code(unwrap(&mut server, &second)),
        Ok(()),
        "nobody asked for order"
    );
    assert_eq!(code(unwrap(&mut server, &first)), Ok(()));
}

#[test]
fn sequence_numbers_pass_32_bits_as_mit_and_as_the_jdk_write_them() {
    let key = ContextKey {
        key: EncryptionKey::random(
            EncryptionType::AES128_CTS_HMAC_SHA1_96,
            &mut StdRng::seed_from_u64(1),
        )
        .expect("a known type"),
        acceptor_subkey: false,
    };
    for wrapped in [false, true] {
        let mut sender = MessageSender::new(Role::Initiator, key.clone(), u32::MAX);
        let mut receiver = MessageReceiver::new(Role::Acceptor, key.clone(), u32::MAX, true);
        for number in 0..3 {
            let mut token = Vec::new();
            sender.wrap_into(false, b"x", &mut StdRng::seed_from_u64(1), &mut token);
            assert_eq!(receiver.unwrap_into(&token, &mut Vec::new()), Ok(false));
            if wrapped && number == 0 {
                sender = MessageSender::new(Role::Initiator, key.clone(), 0);
            }
        }
    }
}

#[test]
fn numbers_of_32_bits_go_on_from_zero_with_an_old_key() {
    let mut rng = StdRng::seed_from_u64(1);
    for enctype in [EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD] {
        let key = ContextKey {
            key: EncryptionKey::random(enctype, &mut rng).expect("a known type"),
            acceptor_subkey: false,
        };
        let mut sender = MessageSender::new(Role::Acceptor, key.clone(), u32::MAX - 1);
        let mut receiver = MessageReceiver::new(Role::Initiator, key, u32::MAX - 1, true);
        let mut tokens = Vec::new();
        for _ in 0..4 {
            let mut token = Vec::new();
            sender.wrap_into(true, b"x", &mut rng, &mut token);
            assert_eq!(receiver.unwrap_into(&token, &mut Vec::new()), Ok(true));
            tokens.push(token);
        }
        for token in tokens {
            let again = receiver.unwrap_into(&token, &mut Vec::new());
            assert_eq!(again, Err(ErrorCode::KRB_AP_ERR_REPEAT.into()), "{enctype}");
        }
    }
}

#[test]
fn an_acceptors_subkey_is_neither_made_nor_taken_with_an_old_key_of_its_type() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut random = |enctype| EncryptionKey::random(enctype, &mut rng).expect("a known type");
    let (session, theirs) = (
        random(EncryptionType::RC4_HMAC),
        random(EncryptionType::RC4_HMAC),
    );
    let kept = ContextKey::choose(&session, None, Some(&theirs));
    assert!(kept.key == session && !kept.acceptor_subkey);
    // An initiator must follow an acceptor that negotiated a better type (RFC 4537).
    let better = random(EncryptionType::AES256_CTS_HMAC_SHA1_96);
    let upgraded = ContextKey::choose(&session, None, Some(&better));
    assert!(upgraded.key == better && upgraded.acceptor_subkey);
}

#[test]
fn a_message_of_the_other_form_is_malformed() {
    let [aes, rc4] = [
        EncryptionType::AES128_CTS_HMAC_SHA1_96,
        EncryptionType::RC4_HMAC,
    ]
    .map(|enctype| pair(enctype).establish(GssInitiatorOptions::default(), false));
    let ((mut aes, mut aes_server), (mut rc4, mut rc4_server)) = (aes, rc4);
    for sealed in [false, true] {
        let old = wrap(&mut rc4, sealed, b"a message");
        let new = wrap(&mut aes, sealed, b"a message");
        for (server, token) in [(&mut aes_server, old), (&mut rc4_server, new)] {
            let refused = unwrap(server, &token);
            assert!(
                matches!(refused, Err(Error::Malformed { .. })),
                "{refused:?}"
            );
        }
    }
}

#[test]
fn a_client_that_wants_no_answer_gets_none_and_one_that_does_checks_it() {
    let mut pair = pair(EncryptionType::AES256_CTS_HMAC_SHA384_192);
    let mut rng = StdRng::seed_from_u64(1);
    let (initiator, token) = pair.initiate(without_mutual());
    let (_, answer) = pair
        .acceptor()
        .accept(NOW, &token, &mut rng)
        .expect("accepted");
    assert_eq!(answer, None);
    assert!(initiator.clone().finish(Some(b"")).is_err());
    assert!(initiator.finish(None).is_ok());

    let (initiator, token) = pair.initiate(GssInitiatorOptions::default());
    let (_, answer) = pair
        .acceptor()
        .accept(NOW, &token, &mut rng)
        .expect("accepted");
    let answer = answer.expect("mutual authentication was asked for");
    assert_eq!(
        initiator
            .clone()
            .finish(None)
            .expect_err("no answer")
            .code(),
        ErrorCode::KRB_AP_ERR_MUT_FAIL
    );
    for at in 0..answer.len() {
        assert!(initiator.clone().finish(Some(&answer[..at])).is_err());
        let mut spoilt = answer.clone();
        spoilt[at] ^= 1;
        assert!(
            initiator.clone().finish(Some(&spoilt)).is_err(),
            "byte {at}"
        );
    }
    let (another, _) = pair.initiate(GssInitiatorOptions::default());
    assert!(initiator.finish(Some(&answer)).is_ok());
    drop(another);
}

#[test]
fn a_refused_client_gets_a_krb_error() {
    let mut pair = pair(EncryptionType::AES256_CTS_HMAC_SHA1_96);
    let mut rng = StdRng::seed_from_u64(1);
    let (initiator, token) = pair.initiate(GssInitiatorOptions::default());
    let late = NOW + Duration::from_secs(2 * 3600);
    let refused = pair
        .acceptor()
        .accept(late, &token, &mut rng)
        .expect_err("the ticket has expired");
    assert_eq!(
        refused.refused.error.code(),
        ErrorCode::KRB_AP_ERR_TKT_EXPIRED
    );
    assert_eq!(
        refused.refused.client,
        Some(Principal::new("EXAMPLE.COM", ["alice"]))
    );
    let error = initiator
        .finish(Some(&refused.token))
        .expect_err("the service's refusal");
    assert_eq!(error.code(), ErrorCode::KRB_AP_ERR_TKT_EXPIRED);

    let cache = ReplayCache::default();
    let mut acceptor = pair.acceptor();
    acceptor.ap.replay_cache = Some(&cache);
    assert!(acceptor.accept(NOW, &token, &mut rng).is_ok());
    let refused = acceptor
        .accept(NOW, &token, &mut rng)
        .expect_err("a replay");
    assert_eq!(refused.refused.error.code(), ErrorCode::KRB_AP_ERR_REPEAT);
}

#[test]
fn channel_bindings_and_delegation_are_seen() {
    let mut pair = pair(EncryptionType::AES256_CTS_HMAC_SHA1_96);
    let mut rng = StdRng::seed_from_u64(1);
    let options = GssInitiatorOptions {
        channel_bindings: [7; 16],
        delegated: Some(vec![MessageType::KRB_CRED.0; 100]),
        ..GssInitiatorOptions::default()
    };
    let (_, token) = pair.initiate(options);
    let mut acceptor = pair.acceptor();
    let (context, _) = acceptor
        .accept(NOW, &token, &mut rng)
        .expect("nobody asks for bindings");
    assert!(context.flags.contains(ContextFlags::DELEGATION));
    assert_eq!(context.delegated, Some(vec![22; 100]));
    acceptor.channel_bindings = Some([7; 16]);
    assert!(acceptor.accept(NOW, &token, &mut rng).is_ok());
    acceptor.channel_bindings = Some([8; 16]);
    let refused = acceptor
        .accept(NOW, &token, &mut rng)
        .expect_err("another channel");
    assert_eq!(refused.refused.error.code(), ErrorCode::KRB_AP_ERR_MODIFIED);
}

#[test]
fn no_cut_or_flipped_initial_token_panics() {
    let mut pair = pair(EncryptionType::AES128_CTS_HMAC_SHA1_96);
    let mut rng = StdRng::seed_from_u64(1);
    let (_, token) = pair.initiate(GssInitiatorOptions::default());
    for at in 0..token.len() {
        assert!(pair.acceptor().accept(NOW, &token[..at], &mut rng).is_err());
        for change in [0x01, 0x80, 0xff] {
            let mut spoilt = token.clone();
            spoilt[at] ^= change;
            if let Ok((context, _)) = pair.acceptor().accept(NOW, &spoilt, &mut rng) {
                assert_eq!(context.peer, pair.credentials.client);
            }
        }
    }
}
