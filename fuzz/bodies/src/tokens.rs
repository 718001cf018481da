//! The tokens that Hadoop's clients present, and DIGEST-MD5, by which they prove that they have
//! one.

use std::sync::Arc;

use kerbox_krb5::Timestamp;
use minihdfs::HdfsError;
use minihdfs::sasl::{
    DigestMd5Client, DigestMd5Settings, QualityOfProtection, SaslServer, SaslStep,
};
use minihdfs::secret_manager::{SecretManager, TokenUser};
use minihdfs::token::{
    BlockTokenIdentifier, Credentials, CredentialsFormat, DelegationTokenIdentifier, Token,
};
use minihdfs::writable::WritableReader;

use crate::world::{NOW, rng};

/// Reads tokens, their identifiers, and token files. What can be read must be readable again once
/// written.
pub fn tokens(bytes: &[u8]) {
    if let Ok(credentials) = Credentials::from_bytes(bytes) {
        for format in [CredentialsFormat::Writable, CredentialsFormat::Protobuf] {
            assert!(Credentials::from_bytes(&credentials.to_bytes(format)).is_ok());
        }
    }
    if let Ok(token) = Token::read(&mut WritableReader::new(bytes)) {
        let mut written = Vec::new();
        token.write(&mut written);
        assert!(Token::read(&mut WritableReader::new(&written)).is_ok());
        assert!(Token::from_url_string(&token.to_url_string()).is_ok());
    }
    if let Ok(identifier) = DelegationTokenIdentifier::from_bytes(bytes) {
        assert!(DelegationTokenIdentifier::from_bytes(&identifier.to_bytes()).is_ok());
    }
    if let Ok(identifier) = BlockTokenIdentifier::from_bytes(bytes) {
        assert!(BlockTokenIdentifier::from_bytes(&identifier.to_protobuf()).is_ok());
        let legacy = identifier.to_legacy();
        // Hadoop tells the two forms apart by the first byte: a date in the first 127 ms of 1970 is
        // one positive byte, as in the other form.
        assert!(legacy[0].cast_signed() > 0 || BlockTokenIdentifier::from_bytes(&legacy).is_ok());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Token::from_url_string(text);
        let _ = DelegationTokenIdentifier::from_sasl_user_name(text);
        let _ = BlockTokenIdentifier::from_sasl_user_name(text);
    }
}

struct OneToken;

impl SecretManager for OneToken {
    fn sasl_password(&self, _now: Timestamp, _user_name: &str) -> Result<String, HdfsError> {
        Ok("password".to_owned())
    }

    fn token_user(&self, _user_name: &str) -> Result<TokenUser, HdfsError> {
        Err(HdfsError::new("java.io.IOException", "nobody"))
    }
}

/// Gives a server any response to its DIGEST-MD5 challenge and any message under its security
/// layer, and a client any challenge.
pub fn digest_md5(bytes: &[u8]) {
    let (mut server, _) = digest_server();
    let _ = server.step(NOW, bytes, &mut rng());
    let (mut server, response) = digest_server();
    if server.step(NOW, &response, &mut rng()).is_ok() {
        let _ = server.unwrap(bytes);
    }
    let qop = [QualityOfProtection::Privacy];
    let mut client =
        DigestMd5Client::data_transfer("user".to_owned(), "password".to_owned(), &qop, &mut rng());
    let _ = client.respond(bytes);
}

/// Returns a server that has sent its challenge, and a correct response to it.
fn digest_server() -> (SaslServer, Vec<u8>) {
    let qop = [QualityOfProtection::Privacy];
    let mut server = SaslServer::digest_md5(
        DigestMd5Settings::data_transfer(&qop),
        Arc::new(OneToken),
        &mut rng(),
    );
    let challenge = match server.step(NOW, b"", &mut rng()) {
        Ok(SaslStep::Challenge(challenge)) => challenge,
        other => unreachable!("the first step is a challenge: {other:?}"),
    };
    let mut client =
        DigestMd5Client::data_transfer("user".to_owned(), "password".to_owned(), &qop, &mut rng());
    let response = client.respond(&challenge).expect("a right challenge");
    (server, response)
}

pub(crate) fn digest_seeds() -> Vec<Vec<u8>> {
    vec![digest_server().1]
}

pub(crate) fn token_seeds() -> Vec<Vec<u8>> {
    let token = Token {
        identifier: b"identifier".to_vec().into(),
        password: b"password".to_vec().into(),
        kind: "HDFS_DELEGATION_TOKEN".to_owned(),
        service: "127.0.0.1:8020".to_owned(),
    };
    let mut written = Vec::new();
    token.write(&mut written);
    let credentials = Credentials::of(token.clone());
    vec![
        written,
        token.to_url_string().into_bytes(),
        credentials.to_bytes(CredentialsFormat::Writable),
        credentials.to_bytes(CredentialsFormat::Protobuf),
    ]
}
