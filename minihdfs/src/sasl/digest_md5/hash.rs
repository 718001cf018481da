//! The hashes of RFC 2831, 2.1.2.1, and the keys derived from them in 2.3 and 2.4.

use md5::{Digest, Md5};

use crate::sasl::QualityOfProtection;

/// The inputs of `response` and `rspauth`.
pub(super) struct Exchange<'a> {
    pub(super) username: &'a str,
    pub(super) realm: &'a str,
    pub(super) password: &'a str,
    pub(super) nonce: &'a str,
    pub(super) cnonce: &'a str,
    /// Hashed only if the client sent one.
    pub(super) authzid: Option<&'a str>,
    pub(super) digest_uri: &'a str,
    pub(super) qop: QualityOfProtection,
}

/// The results: the client's proof, the server's proof, and the key from which the layer's keys are
/// derived.
pub(super) struct Hashes {
    /// `response`, sent by the client.
    pub(super) response: String,
    /// `rspauth`, sent by the server.
    pub(super) rspauth: String,
    /// H(A1).
    pub(super) session_key: [u8; 16],
}

impl Exchange<'_> {
    pub(super) fn hashes(&self) -> Hashes {
        let secret = md5(&[
            self.username.as_bytes(),
            b":",
            self.realm.as_bytes(),
            b":",
            self.password.as_bytes(),
        ]);
        let mut a1 = Md5::new();
        for part in [
            &secret[..],
            b":",
            self.nonce.as_bytes(),
            b":",
            self.cnonce.as_bytes(),
        ] {
            a1.update(part);
        }
        if let Some(authzid) = self.authzid {
            a1.update(b":");
            a1.update(authzid.as_bytes());
        }
        let session_key: [u8; 16] = a1.finalize().into();
        Hashes {
            response: self.proof(&session_key, "AUTHENTICATE"),
            rspauth: self.proof(&session_key, ""),
            session_key,
        }
    }

    fn proof(&self, session_key: &[u8; 16], method: &str) -> String {
        let body = match self.qop {
            QualityOfProtection::Authentication => "",
            QualityOfProtection::Integrity | QualityOfProtection::Privacy => {
                ":00000000000000000000000000000000"
            }
        };
        let a2 = md5(&[
            method.as_bytes(),
            b":",
            self.digest_uri.as_bytes(),
            body.as_bytes(),
        ]);
        let proof = [
            &hex(session_key),
            self.nonce,
            "00000001",
            self.cnonce,
            self.qop.sasl_name(),
            &hex(&a2),
        ]
        .join(":");
        hex(&md5(&[proof.as_bytes()]))
    }
}

/// The direction of a message. Each direction has its own keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    ClientToServer,
    ServerToClient,
}

/// Returns Kic or Kis, the key that signs messages of this direction.
pub(super) fn signing_key(session_key: &[u8; 16], direction: Direction) -> [u8; 16] {
    let constant = match direction {
        Direction::ClientToServer => {
            "Digest session key to client-to-server signing key magic constant"
        }
        Direction::ServerToClient => {
            "Digest session key to server-to-client signing key magic constant"
        }
    };
    md5(&[session_key, constant.as_bytes()])
}

/// Returns Kcc or Kcs, the key that encrypts messages of this direction. It is derived from
/// `strength` bytes of H(A1).
pub(super) fn sealing_key(
    session_key: &[u8; 16],
    strength: usize,
    direction: Direction,
) -> [u8; 16] {
    let constant = match direction {
        Direction::ClientToServer => "Digest H(A1) to client-to-server sealing key magic constant",
        Direction::ServerToClient => "Digest H(A1) to server-to-client sealing key magic constant",
    };
    md5(&[&session_key[..strength], constant.as_bytes()])
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
