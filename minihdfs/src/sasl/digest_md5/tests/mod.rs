//! Handshakes recorded from JDK 25, and inputs that must be rejected.

mod recorded;

use std::sync::Arc;

use kerbox_krb5::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::HdfsError;
use crate::sasl::{SaslServer, UnwrapHalf, WrapHalf};
use crate::secret_manager::TokenUser;
use QualityOfProtection::{Authentication, Privacy};
use kerbox_krb5::testing::unhex;
use recorded::{Case, cases};

const USER: &str = "AAVhbGljZQR5YXJuAIoBiX/hghSKAYmj7gYUAQI=";
const KEY_USER: &str = "-123456 BP-1-127.0.0.1-1 AAECAwQFBgc=";
const PASSWORD: &str = "adF4ni3ObKqU8niv40WBFsGhFm4=";

struct OnePassword;

impl SecretManager for OnePassword {
    fn sasl_password(&self, _now: Timestamp, user_name: &str) -> Result<String, HdfsError> {
        match user_name {
            USER | KEY_USER => Ok(PASSWORD.to_owned()),
            _ => Err(HdfsError::invalid_token("not in the cache")),
        }
    }

    fn token_user(&self, _user_name: &str) -> Result<TokenUser, HdfsError> {
        Ok(TokenUser {
            effective: "alice".to_owned(),
            real: None,
        })
    }
}

fn server(settings: DigestMd5Settings, nonce: &str) -> SaslServer {
    SaslServer::new(crate::sasl::server::Mechanism::DigestMd5(Box::new(
        DigestMd5Server::with_nonce(settings, Arc::new(OnePassword), nonce.to_owned()),
    )))
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

impl Case {
    /// Returns the response in the JDK's form.
    fn jdk(&self) -> String {
        let mut text = format!(
            "charset=utf-8,username=\"{}\",realm=\"{}\",nonce=\"{}\",nc=00000001,cnonce=\"{}\",digest-uri=\"{}\",maxbuf=65536,response={},qop={}",
            self.user,
            self.settings.realm,
            self.nonce,
            self.cnonce,
            self.settings.digest_uri(),
            self.response,
            self.chosen.sasl_name()
        );
        if let Some(cipher) = self.cipher {
            text.push_str(&format!(",cipher=\"{cipher}\""));
        }
        if self.authzid {
            text.push_str(&format!(",authzid=\"{}\"", self.user));
        }
        text
    }

    fn challenged(&self) -> SaslServer {
        let mut server = server(self.settings.clone(), self.nonce);
        let step = server
            .step(Timestamp::EPOCH, b"", &mut rng())
            .expect("the challenge needs nothing");
        assert!(matches!(step, SaslStep::Challenge(_)));
        server
    }

    fn established(&self) -> SaslServer {
        let mut server = self.challenged();
        let step = server
            .step(Timestamp::EPOCH, self.jdk().as_bytes(), &mut rng())
            .expect("the JDK's response");
        assert_eq!(
            step,
            SaslStep::Success(Some(format!("rspauth={}", self.rspauth).into_bytes()))
        );
        server
    }

    /// Runs our client with the recorded cnonce until it has verified the server.
    fn client(&self) -> (QualityOfProtection, WrapHalf, UnwrapHalf) {
        let mut client = DigestMd5Client::data_transfer(
            self.user.to_owned(),
            PASSWORD.to_owned(),
            &[self.chosen],
            &mut rng(),
        );
        client.set_cnonce(self.cnonce);
        let mut offer = self.settings.clone();
        offer
            .ciphers
            .retain(|cipher| Some(cipher.name()) == self.cipher);
        let challenge =
            DigestMd5Server::with_nonce(offer, Arc::new(OnePassword), self.nonce.to_owned())
                .challenge();
        let response = client.respond(&challenge).expect("the server's challenge");
        assert_eq!(
            String::from_utf8_lossy(&response),
            self.jdk(),
            "the JDK's response, byte for byte"
        );
        client
            .finish(format!("rspauth={}", self.rspauth).as_bytes())
            .expect("the recorded proof")
    }
}

#[test]
fn challenges_are_the_jdks_byte_for_byte() {
    let cases = cases();
    let challenge = |case: &Case| {
        let mut server = server(case.settings.clone(), case.nonce);
        match server.step(Timestamp::EPOCH, b"", &mut rng()) {
            Ok(SaslStep::Challenge(challenge)) => String::from_utf8(challenge).expect("ASCII"),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        challenge(&cases[0]),
        "realm=\"default\",nonce=\"6nFedi/WZmTKUavF7McrQByXPu50e74HzqHBIvUa\",qop=\"auth\",charset=utf-8,algorithm=md5-sess"
    );
    assert_eq!(
        challenge(&cases[2]),
        "realm=\"default\",nonce=\"+iCf+SG+pd27fZmohELwB2H0Bl4SCDhBSjaivgs8\",qop=\"auth-conf\",charset=utf-8,\
         cipher=\"3des,rc4,des,rc4-56,rc4-40\",algorithm=md5-sess"
    );
    assert!(challenge(&cases[6]).contains("qop=\"auth-conf,auth-int,auth\""));
}

#[test]
fn the_jdks_handshakes_succeed_with_its_proofs_and_messages() {
    for case in cases() {
        let mut server = case.established();
        assert_eq!(server.qop(), case.chosen);
        assert_eq!(server.user(), Some(case.user));
        let Some([hello_in, sixteen_in, hello_out, sixteen_out]) = case.wrapped else {
            assert_eq!(server.wrap(b"hello"), b"hello");
            continue;
        };
        assert_eq!(server.wrap(b"hello"), unhex(hello_out));
        assert_eq!(server.wrap(b"sixteen byte msg"), unhex(sixteen_out));
        assert_eq!(
            server.unwrap(&unhex(hello_in)).expect("the JDK's token"),
            b"hello"
        );
        assert_eq!(
            server.unwrap(&unhex(sixteen_in)).expect("the JDK's token"),
            b"sixteen byte msg"
        );
    }
}

#[test]
fn our_client_says_what_the_jdks_does() {
    for case in cases().into_iter().filter(|case| case.authzid) {
        let (qop, mut wrap, mut unwrap) = case.client();
        assert_eq!(qop, case.chosen);
        let Some([hello_out, sixteen_out, hello_in, sixteen_in]) = case.wrapped else {
            continue;
        };
        for (message, token) in [("hello", hello_out), ("sixteen byte msg", sixteen_out)] {
            let mut out = Vec::new();
            wrap.wrap_into(message.as_bytes(), &mut out);
            assert_eq!(out, unhex(token));
        }
        for (message, token) in [("hello", hello_in), ("sixteen byte msg", sixteen_in)] {
            let mut out = Vec::new();
            unwrap
                .unwrap_into(&unhex(token), &mut out)
                .expect("the JDK's token");
            assert_eq!(out, message.as_bytes());
        }
    }
}

#[test]
fn the_forms_of_hdfs_native_and_go_are_read() {
    let cases = cases();
    let case = &cases[2];
    let (realm, nonce, cnonce, response) =
        (&case.settings.realm, case.nonce, case.cnonce, case.response);
    let native = format!(
        "username=\"{USER}\",realm=\"{realm}\",nonce=\"{nonce}\",cnonce=\"{cnonce}\",nc=00000001,qop=auth-conf,\
         digest-uri=\"/default\",response={response},charset=utf-8,cipher=\"3des\""
    );
    let go = format!(
        "username=\"{USER}\", realm=\"{realm}\", nonce=\"{nonce}\", cnonce=\"{cnonce}\", nc=00000001, qop=auth-conf, \
         digest-uri=\"/default\", response={response}, charset=utf-8, cipher=3des"
    );
    for text in [native, go] {
        let step = case
            .challenged()
            .step(Timestamp::EPOCH, text.as_bytes(), &mut rng())
            .expect("a client's form");
        assert_eq!(
            step,
            SaslStep::Success(Some(format!("rspauth={}", case.rspauth).into_bytes()))
        );
    }
}

#[test]
fn every_false_directive_is_refused() {
    let case = &cases()[2];
    let right = case.jdk();
    for (from, to, why) in [
        ("charset=utf-8", "charset=latin-1", "charset"),
        ("username", "user-name", "Missing username"),
        (case.nonce, "another", "Mismatched nonce"),
        ("nc=00000001", "nc=00000002", "Nonce count"),
        ("cnonce=", "cn=", "Missing cnonce"),
        ("realm=\"default\"", "realm=\"other\"", "Nonexistent realm"),
        ("qop=auth-conf", "qop=auth", "Mismatched qop"),
        ("qop=auth-conf", "qop=auth-int", "Mismatched qop"),
        ("qop=auth-conf", "qop=best", "Unknown quality"),
        (",cipher=\"3des\"", "", "No cipher"),
        ("3des", "aes", "Unknown cipher"),
        ("/default", "hdfs/0", "Mismatched URI"),
        (
            case.response,
            "8a25f12f2a62f00393064b1635914a94",
            "Mismatched response",
        ),
        (case.cnonce, "another", "Mismatched response"),
        (
            "maxbuf=65536",
            "maxbuf=65536,authzid=\"bob\"",
            "Mismatched response",
        ),
        ("maxbuf=65536", "maxbuf=many", "maxbuf"),
        ("realm=", "username=\"x\",realm=", "Duplicate username"),
    ] {
        let text = right.replacen(from, to, 1);
        assert_ne!(text, right, "{from}");
        let mut server = case.challenged();
        let error = server
            .step(Timestamp::EPOCH, text.as_bytes(), &mut rng())
            .expect_err(why);
        assert_eq!(
            error.exception().class(),
            "javax.security.sasl.SaslException"
        );
        let message = error.exception().message();
        assert!(
            message.starts_with("DIGEST-MD5: digest response format violation. ")
                && message.contains(why),
            "{message}"
        );
        assert!(!server.is_complete());
        let again = server.step(Timestamp::EPOCH, right.as_bytes(), &mut rng());
        assert!(
            again.is_err(),
            "a failed handshake cannot be taken up again"
        );
    }
}

#[test]
fn a_weaker_protection_than_the_servers_is_refused() {
    let case = &cases()[0];
    let mut server = server(DigestMd5Settings::rpc(&[Privacy]), case.nonce);
    server
        .step(Timestamp::EPOCH, b"", &mut rng())
        .expect("the challenge");
    let error = server
        .step(Timestamp::EPOCH, case.jdk().as_bytes(), &mut rng())
        .expect_err("auth where auth-conf is demanded");
    assert!(
        error.exception().message().contains("Mismatched qop: auth"),
        "{error}"
    );
}

#[test]
fn an_authzid_other_than_the_user_is_refused() {
    let case = &cases()[0];
    let hashes = Exchange {
        username: USER,
        realm: "default",
        password: PASSWORD,
        nonce: case.nonce,
        cnonce: case.cnonce,
        authzid: Some("bob"),
        digest_uri: "/default",
        qop: Authentication,
    }
    .hashes();
    let text = case.jdk().replace(case.response, &hashes.response) + ",authzid=\"bob\"";
    let error = case
        .challenged()
        .step(Timestamp::EPOCH, text.as_bytes(), &mut rng())
        .expect_err("bob");
    assert!(
        error.exception().message().contains("not authorized"),
        "{error}"
    );
}

#[test]
fn a_token_that_the_secret_manager_refuses_keeps_its_class() {
    let case = &cases()[0];
    let text = case.jdk().replace(USER, "AAAA");
    let error = case
        .challenged()
        .step(Timestamp::EPOCH, text.as_bytes(), &mut rng())
        .expect_err("unknown");
    assert!(error.is_invalid_token());
}

#[test]
fn tampered_replayed_reordered_and_foreign_tokens_are_refused() {
    for case in cases().into_iter().filter(|case| case.wrapped.is_some()) {
        let [hello, sixteen, to_client, _] = case
            .wrapped
            .map(|wrapped| wrapped.map(unhex))
            .expect("filtered");
        for at in 0..hello.len() {
            for bit in 0..8 {
                let mut spoilt = hello.clone();
                spoilt[at] ^= 1 << bit;
                assert!(
                    case.established().unwrap(&spoilt).is_err(),
                    "byte {at}, bit {bit}"
                );
            }
            assert!(
                case.established().unwrap(&hello[..at]).is_err(),
                "cut at {at}"
            );
        }
        let mut server = case.established();
        assert!(server.unwrap(&sixteen).is_err(), "out of order");
        let mut server = case.established();
        server.unwrap(&hello).expect("first");
        assert!(server.unwrap(&hello).is_err(), "replayed");
        assert!(case.established().unwrap(&to_client).is_err(), "reflected");
        let mut out = b"before".to_vec();
        let mut server = case.established();
        server.unwrap_into(&[7; 40], &mut out).expect_err("garbage");
        assert_eq!(out, b"before");
    }
}

#[test]
fn all_ciphers_and_all_lengths_go_both_ways() {
    for cipher in DigestCipher::ALL {
        let mut client = DigestMd5Client::data_transfer(
            USER.to_owned(),
            PASSWORD.to_owned(),
            &[Privacy],
            &mut rng(),
        );
        let mut settings = DigestMd5Settings::data_transfer(&[Privacy]);
        settings.ciphers = vec![cipher];
        let mut server = SaslServer::digest_md5(settings, Arc::new(OnePassword), &mut rng());
        let Ok(SaslStep::Challenge(challenge)) = server.step(Timestamp::EPOCH, b"", &mut rng())
        else {
            panic!()
        };
        let response = client.respond(&challenge).expect("a challenge");
        let Ok(SaslStep::Success(Some(proof))) =
            server.step(Timestamp::EPOCH, &response, &mut rng())
        else {
            panic!()
        };
        let (_, mut wrap, mut unwrap) = client.finish(&proof).expect("a proof");
        for length in 0..40 {
            let message: Vec<u8> = (0..length).collect();
            let mut token = Vec::new();
            wrap.wrap_into(&message, &mut token);
            assert_eq!(server.unwrap(&token).expect("ours"), message);
            let mut back = Vec::new();
            unwrap
                .unwrap_into(&server.wrap(&message), &mut back)
                .expect("ours");
            assert_eq!(back, message);
        }
    }
}

#[test]
fn a_client_refuses_a_false_server() {
    let case = &cases()[3];
    let fresh = |qop| {
        DigestMd5Client::data_transfer(USER.to_owned(), PASSWORD.to_owned(), &[qop], &mut rng())
    };
    let challenge = DigestMd5Server::with_nonce(
        case.settings.clone(),
        Arc::new(OnePassword),
        case.nonce.to_owned(),
    )
    .challenge();
    assert!(
        fresh(Authentication).respond(&challenge).is_err(),
        "no common protection"
    );
    let text = String::from_utf8(challenge.clone()).expect("ASCII");
    assert!(
        fresh(Privacy)
            .respond(text.replace("md5-sess", "md5").as_bytes())
            .is_err()
    );
    assert!(
        fresh(Privacy)
            .respond(text.replace("nonce", "n").as_bytes())
            .is_err()
    );
    assert!(
        fresh(Privacy)
            .respond(text.replace("3des,rc4,des,rc4-56,rc4-40", "aes").as_bytes())
            .is_err()
    );
    let mut client = fresh(Privacy);
    client.respond(&challenge).expect("the server's challenge");
    assert!(
        client
            .finish(b"rspauth=9efd71e5d8d179a0e3307da8593d6aae")
            .is_err()
    );
    assert!(fresh(Privacy).finish(b"rspauth=").is_err());
}

#[test]
fn no_cut_or_flipped_response_makes_the_server_panic() {
    let case = &cases()[3];
    let right = case.jdk().into_bytes();
    for at in 0..right.len() {
        assert!(
            case.challenged()
                .step(Timestamp::EPOCH, &right[..at], &mut rng())
                .is_err()
        );
        for change in [0x01, 0x20, 0x80, 0xff] {
            let mut spoilt = right.clone();
            spoilt[at] ^= change;
            // Some changes are harmless, such as the case of a directive's name, or maxbuf.
            let _ = case
                .challenged()
                .step(Timestamp::EPOCH, &spoilt, &mut rng());
        }
    }
}
