use std::time::Duration;

use kerbox_krb5::gss::{ContextFlags, GssInitiator, GssInitiatorOptions};
use kerbox_krb5::testing::{self, NOW};
use kerbox_krb5::{EncryptionType, Keytab};

use super::*;
use crate::sasl::SaslServer;
use QualityOfProtection::{Authentication, Integrity, Privacy};

/// A client and a service, and the service's settings.
struct Pair {
    sides: testing::Pair,
    settings: GssapiSettings,
}

fn pair(qop: &[QualityOfProtection]) -> Pair {
    let service = ["nn", "localhost"];
    let sides = testing::Pair::new(11, EncryptionType::AES256_CTS_HMAC_SHA1_96, service);
    Pair {
        settings: GssapiSettings::new(sides.service.clone(), sides.keytab.clone(), qop),
        sides,
    }
}

impl Pair {
    fn server(&mut self) -> SaslServer {
        SaslServer::gssapi(self.settings.clone(), &mut self.sides.rng)
    }

    fn initiate(&mut self, mutual: bool) -> (GssInitiator, Vec<u8>) {
        let mut options = GssInitiatorOptions::default();
        if !mutual {
            options.flags = ContextFlags::CONFIDENTIALITY | ContextFlags::INTEGRITY;
        }
        self.sides.initiate(options)
    }

    /// Runs both sides up to the server's offer of layers. Returns the client's context, the
    /// server, and the offer's message.
    fn offered(&mut self, mutual: bool) -> (GssContext, SaslServer, Vec<u8>) {
        let (initiator, token) = self.initiate(mutual);
        let mut server = self.server();
        let mut challenge = challenge(server.step(NOW, &token, &mut self.sides.rng));
        let mut reply = None;
        if mutual {
            reply = Some(challenge);
            challenge = self::challenge(server.step(NOW, b"", &mut self.sides.rng));
        }
        let mut context = initiator
            .finish(reply.as_deref())
            .expect("the server has proved itself");
        let mut offer = Vec::new();
        let sealed = context
            .receiver
            .unwrap_into(&challenge, &mut offer)
            .expect("the server's");
        assert!(!sealed);
        (context, server, offer)
    }

    /// Returns the server's reply to a client's choice.
    fn choose(&mut self, choice: &[u8]) -> (GssContext, SaslServer, Result<SaslStep, SaslError>) {
        let (mut context, mut server, _) = self.offered(true);
        let mut token = Vec::new();
        context
            .sender
            .wrap_into(false, choice, &mut self.sides.rng, &mut token);
        let step = server.step(NOW, &token, &mut self.sides.rng);
        (context, server, step)
    }
}

impl ApOutcome {
    fn of(client: &str, outcome: Outcome) -> Self {
        Self {
            client: client.into(),
            outcome,
        }
    }
}

fn challenge(step: Result<SaslStep, SaslError>) -> Vec<u8> {
    match step {
        Ok(SaslStep::Challenge(challenge)) => challenge,
        other => panic!("{other:?}"),
    }
}

#[test]
fn handshakes_end_in_the_layer_that_the_client_chose() {
    for mutual in [true, false] {
        for qop in [Authentication, Integrity, Privacy] {
            let mut pair = pair(&[qop]);
            let (mut context, mut server, offer) = pair.offered(mutual);
            assert_eq!(offer, [qop.layer_bit(), 1, 0, 0]);
            let outcome = ApOutcome::of("alice@EXAMPLE.COM", Outcome::Ok);
            assert_eq!(server.take_ap_exchange(), Some(outcome));
            assert_eq!(server.take_ap_exchange(), None);
            let mut token = Vec::new();
            context
                .sender
                .wrap_into(false, &offer, &mut pair.sides.rng, &mut token);
            assert_eq!(
                server.step(NOW, &token, &mut pair.sides.rng),
                Ok(SaslStep::Success(None))
            );
            assert_eq!(
                (server.qop(), server.user()),
                (qop, Some("alice@EXAMPLE.COM"))
            );
            assert!(
                server.step(NOW, &token, &mut pair.sides.rng).is_err(),
                "it is over"
            );

            let reply = server.wrap(b"a reply");
            if qop == Authentication {
                assert_eq!(reply, b"a reply");
                continue;
            }
            let mut opened = Vec::new();
            assert_eq!(
                context.receiver.unwrap_into(&reply, &mut opened),
                Ok(qop == Privacy)
            );
            assert_eq!(opened, b"a reply");
            let mut call = Vec::new();
            context
                .sender
                .wrap_into(qop == Privacy, b"a call", &mut pair.sides.rng, &mut call);
            assert_eq!(server.unwrap(&call).expect("the client's"), b"a call");
            if mutual {
                assert!(server.unwrap(&call).is_err(), "replayed");
            }
            assert!(server.unwrap(&reply).is_err(), "reflected");
        }
    }
}

#[test]
fn the_highest_bit_of_the_choice_counts_and_must_be_offered() {
    let all = [Authentication, Integrity, Privacy];
    for (offered, choice, chosen) in [
        (&all[..], 1, Some(Authentication)),
        (&all, 2, Some(Integrity)),
        (&all, 4, Some(Privacy)),
        (&all, 7, Some(Privacy)),
        (&[Privacy], 1, None),
        (&[Privacy], 2, None),
        (&[Integrity, Privacy], 1, None),
        (&[Authentication], 4, None),
        (&[Authentication], 0, None),
    ] {
        let (_, server, step) = pair(offered).choose(&[choice, 0xff, 0xff, 0xff]);
        match chosen {
            Some(qop) => {
                assert_eq!(step, Ok(SaslStep::Success(None)));
                assert_eq!(server.qop(), qop);
            }
            None => {
                let error = step.expect_err("it was not offered");
                assert!(
                    error
                        .exception()
                        .message()
                        .starts_with("Client selected unsupported protection"),
                    "{error}"
                );
                assert!(!server.is_complete());
            }
        }
    }
}

#[test]
fn an_authorization_identity_must_be_the_clients_own() {
    let choice = |name: &str| [&[1, 0, 0, 0], name.as_bytes()].concat();
    let (_, _, step) = pair(&[Authentication]).choose(&choice("alice@EXAMPLE.COM"));
    assert_eq!(step, Ok(SaslStep::Success(None)));
    let (_, _, step) = pair(&[Authentication]).choose(&choice("root@EXAMPLE.COM"));
    let error = step.expect_err("not alice");
    assert!(
        error
            .exception()
            .message()
            .contains("not authorized to connect as root"),
        "{error}"
    );
}

#[test]
fn a_signed_message_is_refused_where_privacy_was_agreed_on() {
    let mut pair = pair(&[Privacy]);
    let (mut context, mut server, step) = pair.choose(&[4, 0, 0, 0]);
    assert_eq!(step, Ok(SaslStep::Success(None)));
    let mut token = Vec::new();
    context
        .sender
        .wrap_into(false, b"in the clear", &mut pair.sides.rng, &mut token);
    let error = server.unwrap(&token).expect_err("not encrypted");
    assert!(
        error
            .exception()
            .message()
            .ends_with("Privacy not protected")
    );
}

#[test]
fn refused_tickets_are_told_to_the_client_as_hadoop_does_and_to_the_journal_by_their_code() {
    let mut pair = pair(&[Authentication]);
    let (_, token) = pair.initiate(true);
    let late = NOW + Duration::from_secs(2 * 3600);
    let mut server = pair.server();
    let error = server
        .step(late, &token, &mut pair.sides.rng)
        .expect_err("expired");
    assert_eq!(
        error.exception().to_string(),
        "javax.security.sasl.SaslException: GSS initiate failed"
    );
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED));
    assert!(
        error
            .detail()
            .is_some_and(|detail| detail.contains("the ticket is valid from"))
    );
    let outcome = Outcome::KrbError(ErrorCode::KRB_AP_ERR_TKT_EXPIRED);
    assert_eq!(
        server.take_ap_exchange(),
        Some(ApOutcome::of("alice@EXAMPLE.COM", outcome))
    );
    assert!(
        server.step(NOW, &token, &mut pair.sides.rng).is_err(),
        "a failed handshake cannot be taken up again"
    );

    assert!(pair.server().step(NOW, &token, &mut pair.sides.rng).is_ok());
    let error = pair
        .server()
        .step(NOW, &token, &mut pair.sides.rng)
        .expect_err("a replay");
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_REPEAT));

    pair.settings.keytab.replace(Keytab::default());
    let (_, token) = pair.initiate(true);
    let error = pair
        .server()
        .step(NOW, &token, &mut pair.sides.rng)
        .expect_err("no key");
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_NOKEY));
    for garbage in [&b""[..], b"\x60", b"not a token"] {
        let error = pair
            .server()
            .step(NOW, garbage, &mut pair.sides.rng)
            .expect_err("garbage");
        assert_eq!(error.exception().message(), "GSS initiate failed");
    }
}

#[test]
fn no_cut_or_tampered_choice_of_a_layer_is_taken() {
    let mut pair = pair(&[Authentication]);
    let (mut context, _, _) = pair.offered(true);
    let mut token = Vec::new();
    context
        .sender
        .wrap_into(false, &[1, 0, 0, 0], &mut pair.sides.rng, &mut token);
    for at in 0..token.len() {
        let mut spoilt = token.clone();
        spoilt[at] ^= 1;
        for bad in [&token[..at], &spoilt] {
            let (_, mut server, _) = pair.offered(true);
            assert!(server.step(NOW, bad, &mut pair.sides.rng).is_err());
        }
    }
    let (_, _, step) = pair.choose(&[1, 0, 0]);
    assert!(step.is_err(), "three bytes");
    let (_, mut server, _) = pair.offered(true);
    assert!(server.step(NOW, b"", &mut pair.sides.rng).is_err());
}

#[test]
fn data_where_none_is_expected_is_refused() {
    let mut pair = pair(&[Authentication]);
    let (_, token) = pair.initiate(true);
    let mut server = pair.server();
    challenge(server.step(NOW, &token, &mut pair.sides.rng));
    assert!(server.step(NOW, b"x", &mut pair.sides.rng).is_err());
}
