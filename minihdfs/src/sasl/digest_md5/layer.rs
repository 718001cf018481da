//! The security layers auth-int and auth-conf (RFC 2831, 2.3 and 2.4): `message | MAC | 00 01 |
//! sequence number`.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

use super::cipher::{Decryptor, DigestCipher, Encryptor};
use super::hash::{Direction, signing_key};
use crate::sasl::SaslError;
use crate::sasl::layer::{Layer, Unwrap, UnwrapHalf, Wrap, WrapHalf};
use kerbox_krb5::crypto::constant_time_eq;

/// The number of HMAC bytes sent.
const MAC: usize = 10;
/// The message type, always 1, and the sequence number.
const TRAILER: usize = 6;

/// Signs, and optionally encrypts, the messages of one direction.
pub(crate) struct DigestWrap {
    mac: Numbered,
    cipher: Option<(Encryptor, bool)>,
}

/// Verifies, and optionally decrypts, the messages of the other direction.
pub(crate) struct DigestUnwrap {
    mac: Numbered,
    cipher: Option<(Decryptor, bool)>,
}

/// The keyed HMAC state and the sequence number of the next message.
struct Numbered {
    keyed: Hmac<Md5>,
    next: u32,
}

impl Numbered {
    fn new(session_key: &[u8; 16], direction: Direction) -> Self {
        let keyed = Hmac::new_from_slice(&signing_key(session_key, direction))
            .expect("HMAC takes a key of any length");
        Self { keyed, next: 0 }
    }

    fn mac(&self, message: &[u8]) -> [u8; MAC] {
        let mut mac = self.keyed.clone();
        mac.update(&self.next.to_be_bytes());
        mac.update(message);
        let whole = mac.finalize().into_bytes();
        std::array::from_fn(|at| whole[at])
    }
}

/// Creates the layer of the side that sends in direction `outward`; `cipher` is for auth-conf.
pub(super) fn layer(
    session_key: &[u8; 16],
    cipher: Option<DigestCipher>,
    outward: Direction,
) -> Layer {
    let inward = match outward {
        Direction::ClientToServer => Direction::ServerToClient,
        Direction::ServerToClient => Direction::ClientToServer,
    };
    Layer {
        wrap: WrapHalf(Wrap::DigestMd5(Box::new(DigestWrap {
            mac: Numbered::new(session_key, outward),
            cipher: cipher.map(|cipher| {
                (
                    Encryptor::new(cipher, session_key, outward),
                    cipher.is_block_cipher(),
                )
            }),
        }))),
        unwrap: UnwrapHalf(Unwrap::DigestMd5(Box::new(DigestUnwrap {
            mac: Numbered::new(session_key, inward),
            cipher: cipher.map(|cipher| {
                (
                    Decryptor::new(cipher, session_key, inward),
                    cipher.is_block_cipher(),
                )
            }),
        }))),
    }
}

impl DigestWrap {
    pub(in crate::sasl) fn wrap_into(&mut self, plaintext: &[u8], out: &mut Vec<u8>) {
        let mac = self.mac.mac(plaintext);
        out.reserve(plaintext.len() + 8 + MAC + TRAILER);
        let start = out.len();
        out.extend_from_slice(plaintext);
        match &mut self.cipher {
            None => out.extend_from_slice(&mac),
            Some((cipher, in_blocks)) => {
                if *in_blocks {
                    // One to eight bytes, each holding their count.
                    let padding = 8 - (plaintext.len() + MAC) % 8;
                    out.resize(out.len() + padding, padding as u8);
                }
                out.extend_from_slice(&mac);
                cipher.apply(&mut out[start..]);
            }
        }
        out.extend_from_slice(&[0, 1]);
        out.extend_from_slice(&self.mac.next.to_be_bytes());
        self.mac.next = self.mac.next.wrapping_add(1);
    }
}

impl DigestUnwrap {
    pub(in crate::sasl) fn unwrap_into(
        &mut self,
        token: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SaslError> {
        let start = out.len();
        let opened = self.open(token, out);
        match opened {
            Ok(()) => self.mac.next = self.mac.next.wrapping_add(1),
            Err(_) => out.truncate(start),
        }
        opened
    }

    fn open(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<(), SaslError> {
        let too_short = || {
            SaslError::sasl(format!(
                "DIGEST-MD5: a token of {} bytes is too short",
                token.len()
            ))
        };
        let (sealed, trailer) = token
            .split_at_checked(token.len().wrapping_sub(TRAILER))
            .ok_or_else(too_short)?;
        let (kind, number) = trailer.split_at(2);
        if kind != [0, 1] {
            return Err(SaslError::sasl(format!(
                "DIGEST-MD5: invalid message type: {}",
                u16::from_be_bytes([kind[0], kind[1]])
            )));
        }
        let expected = self.mac.next.to_be_bytes();
        if number != expected {
            return Err(SaslError::sasl(format!(
                "DIGEST-MD5: out of order sequencing of messages from the peer: {number:02x?}, expected {expected:02x?}"
            )));
        }
        let start = out.len();
        let integrity = || SaslError::sasl("DIGEST-MD5: the message integrity check failed");
        out.extend_from_slice(sealed);
        let body = &mut out[start..];
        let mut padding = 0;
        if let Some((cipher, in_blocks)) = &mut self.cipher {
            if *in_blocks && !body.len().is_multiple_of(8) {
                return Err(too_short());
            }
            cipher.apply(body);
            if *in_blocks {
                // The last byte before the MAC holds the padding length. A wrong length makes the
                // MAC fail, as in the JDK.
                padding = body
                    .len()
                    .checked_sub(MAC + 1)
                    .map_or(0, |at| usize::from(body[at]));
            }
        }
        let message_length = body.len().checked_sub(MAC + padding).ok_or_else(|| {
            if body.len() < MAC {
                too_short()
            } else {
                integrity()
            }
        })?;
        let given = &body[body.len() - MAC..];
        let computed = self.mac.mac(&body[..message_length]);
        if !constant_time_eq(given, &computed) {
            return Err(integrity());
        }
        out.truncate(start + message_length);
        Ok(())
    }
}
