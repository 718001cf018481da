//! The security layers auth-int and auth-conf (RFC 2831, 2.3 and 2.4): `message | MAC | 00 01 |
//! sequence number`.

use super::cipher::{Decryptor, DigestCipher, Encryptor};
use super::hash::{Direction, signing_key};
use super::hmac_md5::{HmacMd5, macs};
use crate::sasl::SaslError;
use crate::sasl::layer::{Layer, Unwrap, Wrap, frame};
use kerbox_krb5::crypto::constant_time_eq;

/// The number of HMAC bytes sent.
const MAC: usize = 10;
/// The message type, always 1, and the sequence number.
const TRAILER: usize = 6;

/// Signs, and optionally encrypts, the messages of one direction.
struct DigestWrap {
    mac: Numbered,
    cipher: Option<(Encryptor, bool)>,
}

/// Verifies, and optionally decrypts, the messages of the other direction.
struct DigestUnwrap {
    mac: Numbered,
    cipher: Option<(Decryptor, bool)>,
}

/// The key of the signatures and the sequence number of the next message.
struct Numbered {
    key: HmacMd5,
    next: u32,
}

impl Numbered {
    fn new(session_key: &[u8; 16], direction: Direction) -> Self {
        Self {
            key: HmacMd5::new(&signing_key(session_key, direction)),
            next: 0,
        }
    }

    /// Signs the next messages.
    fn macs<const N: usize>(&self, messages: [&[u8]; N]) -> [[u8; MAC]; N] {
        let mut next = self.next;
        let lanes = messages.map(|message| {
            let number = next;
            next = next.wrapping_add(1);
            (&self.key, number, message)
        });
        macs(lanes).map(|whole| std::array::from_fn(|at| whole[at]))
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
    let wrap = DigestWrap {
        mac: Numbered::new(session_key, outward),
        cipher: cipher.map(|cipher| {
            let encryptor = Encryptor::new(cipher, session_key, outward);
            (encryptor, cipher.is_block_cipher())
        }),
    };
    let unwrap = DigestUnwrap {
        mac: Numbered::new(session_key, inward),
        cipher: cipher.map(|cipher| {
            let decryptor = Decryptor::new(cipher, session_key, inward);
            (decryptor, cipher.is_block_cipher())
        }),
    };
    Layer::new(wrap, unwrap)
}

impl Wrap for DigestWrap {
    fn wrap_into(&mut self, plaintext: &[u8], out: &mut Vec<u8>) {
        let [mac] = self.mac.macs([plaintext]);
        self.seal_into(plaintext, mac, out);
    }

    /// Signs both at once.
    fn wrap_pair_into(&mut self, messages: [&[u8]; 2], out: &mut Vec<u8>) {
        let macs = self.mac.macs(messages);
        for (message, mac) in messages.into_iter().zip(macs) {
            frame(out, |out| self.seal_into(message, mac, out));
        }
    }
}

impl DigestWrap {
    /// Appends the token of the next message, whose signature is `mac`.
    fn seal_into(&mut self, plaintext: &[u8], mac: [u8; MAC], out: &mut Vec<u8>) {
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

/// A message that was decrypted to the end of a buffer, and is to be verified.
struct Opened {
    /// Its start in the buffer.
    start: usize,
    /// The MAC that came with it.
    given: [u8; MAC],
}

impl Unwrap for DigestUnwrap {
    fn unwrap_into(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<(), SaslError> {
        let opened = self.open(token, self.mac.next, out)?;
        let [computed] = self.mac.macs([&out[opened.start..]]);
        self.verify(&opened, computed, out)
    }

    /// Verifies both at once.
    fn unwrap_pair_into(&mut self, tokens: [&[u8]; 2], out: &mut Vec<u8>) -> Result<(), SaslError> {
        let next = self.mac.next;
        let first = self.open(tokens[0], next, out)?;
        let second = match self.open(tokens[1], next.wrapping_add(1), out) {
            Ok(second) => second,
            Err(error) => {
                let [computed] = self.mac.macs([&out[first.start..]]);
                self.verify(&first, computed, out)?;
                return Err(error);
            }
        };
        let messages = [&out[first.start..second.start], &out[second.start..]];
        let computed = self.mac.macs(messages);
        self.verify(&first, computed[0], out)?;
        self.verify(&second, computed[1], out)
    }
}

impl DigestUnwrap {
    /// Fails, and cuts the message off, if its MAC differs. Otherwise it counts.
    fn verify(
        &mut self,
        opened: &Opened,
        computed: [u8; MAC],
        out: &mut Vec<u8>,
    ) -> Result<(), SaslError> {
        if !constant_time_eq(&opened.given, &computed) {
            out.truncate(opened.start);
            return Err(integrity());
        }
        self.mac.next = self.mac.next.wrapping_add(1);
        Ok(())
    }

    /// Decrypts the token, which must have this number, and appends its message to `out`.
    fn open(&mut self, token: &[u8], number: u32, out: &mut Vec<u8>) -> Result<Opened, SaslError> {
        let start = out.len();
        let sealed = sealed_part(token, number)?;
        out.extend_from_slice(sealed);
        let opened = self.decrypt(token.len(), &mut out[start..]);
        match opened {
            Ok((length, given)) => {
                out.truncate(start + length);
                Ok(Opened { start, given })
            }
            Err(error) => {
                out.truncate(start);
                Err(error)
            }
        }
    }

    /// Decrypts in place. Returns the message's length and its MAC.
    fn decrypt(
        &mut self,
        token_length: usize,
        body: &mut [u8],
    ) -> Result<(usize, [u8; MAC]), SaslError> {
        let mut padding = 0;
        if let Some((cipher, in_blocks)) = &mut self.cipher {
            if *in_blocks && !body.len().is_multiple_of(8) {
                return Err(too_short(token_length));
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
        let (before, given) = body
            .split_last_chunk::<MAC>()
            .ok_or_else(|| too_short(token_length))?;
        let length = before.len().checked_sub(padding).ok_or_else(integrity)?;
        Ok((length, *given))
    }
}

/// Returns the token without its trailer, which must have this number.
fn sealed_part(token: &[u8], number: u32) -> Result<&[u8], SaslError> {
    let (sealed, trailer) = token
        .split_last_chunk::<TRAILER>()
        .ok_or_else(|| too_short(token.len()))?;
    let (kind, given) = trailer.split_at(2);
    if kind != [0, 1] {
        return Err(SaslError::sasl(format!(
            "DIGEST-MD5: invalid message type: {}",
            u16::from_be_bytes([kind[0], kind[1]])
        )));
    }
    let expected = number.to_be_bytes();
    if given != expected {
        return Err(SaslError::sasl(format!(
            "DIGEST-MD5: out of order sequencing of messages from the peer: {given:02x?}, expected {expected:02x?}"
        )));
    }
    Ok(sealed)
}

fn too_short(length: usize) -> SaslError {
    SaslError::sasl(format!(
        "DIGEST-MD5: a token of {length} bytes is too short"
    ))
}

fn integrity() -> SaslError {
    SaslError::sasl("DIGEST-MD5: the message integrity check failed")
}
