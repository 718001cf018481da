//! The tokens of contexts whose key is of an old type: RFC 1964 as MIT extends it to
//! des3-cbc-sha1-kd, and RFC 4757, 7 for rc4-hmac.
//!
//! Unlike those of RFC 4121, they use the frame of initial tokens, both sides use the same key, and
//! an encrypted block gives a message's sender and number.

use std::fmt;
use std::sync::Arc;

use rand::Rng;

use super::Role;
use super::framing::{TokenId, frame, unframe};
use crate::crypto::{TokenCipher, constant_time_eq};
use crate::{EncryptionKey, EncryptionType, Error, ErrorCode, KeyUsage};

/// The number of random bytes before a message, for every key type.
const CONFOUNDER: usize = 8;
/// The seal algorithm of a token that is not encrypted, and filler.
const NOT_SEALED: u16 = 0xffff;
/// The length of the token id, both algorithms and the filler, which a checksum covers along with
/// the message.
const HEADER: usize = 8;

/// The token format of a context, with its key expanded.
#[derive(Clone)]
pub(super) struct OldTokens {
    key: EncryptionKey,
    cipher: Arc<TokenCipher>,
}

impl fmt::Debug for OldTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OldTokens({:?})", self.key)
    }
}

/// The fields of a token.
struct Parts<'a> {
    header: [u8; HEADER],
    sealed: bool,
    number: [u8; 8],
    checksum: &'a [u8],
    message: &'a [u8],
}

impl OldTokens {
    /// Returns the format for `key`; `None` if its tokens follow RFC 4121.
    pub(super) fn of(key: &EncryptionKey) -> Option<Self> {
        Some(Self {
            cipher: Arc::new(TokenCipher::of(key)?),
            key: key.clone(),
        })
    }

    fn is_rc4(&self) -> bool {
        self.key.enctype() == EncryptionType::RC4_HMAC
    }

    const fn sign_algorithm(is_rc4: bool) -> u16 {
        if is_rc4 { 0x11 } else { 0x04 }
    }

    const fn seal_algorithm(is_rc4: bool) -> u16 {
        if is_rc4 { 0x10 } else { 0x02 }
    }

    /// Returns the checksum's length. HMAC-MD5 is truncated to its first half.
    fn checksum_len(&self) -> usize {
        if self.is_rc4() { 8 } else { 20 }
    }

    /// Appends the Wrap token of `message`.
    pub(super) fn wrap_into(
        &self,
        (sender, number): (Role, u32),
        sealed: bool,
        message: &[u8],
        rng: &mut impl Rng,
        out: &mut Vec<u8>,
    ) {
        let padding = if self.is_rc4() {
            1
        } else {
            8 - message.len() % 8
        };
        let mut body = vec![0; CONFOUNDER];
        body.reserve(message.len() + padding);
        rng.fill_bytes(&mut body);
        body.extend_from_slice(message);
        body.resize(body.len() + padding, padding as u8);
        let header = self.header(TokenId::OldWrap, sealed);
        let checksum = self.checksum(&header, &body);
        if sealed {
            self.cipher.seal(number, &mut body);
        }
        let number = self.encrypt_number(sender, number, &checksum);
        let content = [&header[2..], &number, &checksum, &body].concat();
        out.extend_from_slice(&frame(TokenId::OldWrap, &content));
    }

    /// Returns the MIC token of `message`.
    pub(super) fn mic(&self, sender: Role, number: u32, message: &[u8]) -> Vec<u8> {
        let header = self.header(TokenId::OldMic, false);
        let checksum = self.checksum(&header, message);
        let number = self.encrypt_number(sender, number, &checksum);
        frame(
            TokenId::OldMic,
            &[&header[2..], &number, &checksum].concat(),
        )
    }

    /// Appends a Wrap token's message to `out`. Returns whether it was encrypted, and its number.
    /// If it is refused, `out` may have grown.
    ///
    /// The order of the checks is MIT's, and so is the rule for padding: its bytes may have any
    /// value, but the last one gives their number.
    pub(super) fn unwrap_into(
        &self,
        sender: Role,
        token: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(bool, u32), Error> {
        let parts = self.read(TokenId::OldWrap, token)?;
        if parts.message.len() <= CONFOUNDER {
            return Err(malformed(
                "it has no room for its confounder and padding".to_owned(),
            ));
        }
        let bad = || Error::from(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY);
        let (direction, number) = self.decrypt_number(&parts).ok_or_else(bad)?;
        let start = out.len();
        out.extend_from_slice(parts.message);
        let body = &mut out[start..];
        if parts.sealed {
            let opened = self.cipher.open(number, body);
            opened.ok_or_else(|| {
                malformed(format!(
                    "its {} encrypted bytes are not whole blocks",
                    parts.message.len()
                ))
            })?;
        }
        let padding = body.last().copied().unwrap_or_default();
        let length = (body.len() - CONFOUNDER).checked_sub(padding.into());
        // Check the checksum first, so that the error reveals nothing about the padding.
        let genuine = constant_time_eq(&self.checksum(&parts.header, body), parts.checksum);
        let length = length.filter(|_| genuine).ok_or_else(bad)?;
        check_direction(direction, sender)?;
        body.copy_within(CONFOUNDER..CONFOUNDER + length, 0);
        out.truncate(start + length);
        Ok((parts.sealed, number))
    }

    /// Checks the MIC token of `message` and returns its number.
    pub(super) fn verify_mic(
        &self,
        sender: Role,
        message: &[u8],
        token: &[u8],
    ) -> Result<u32, Error> {
        let parts = self.read(TokenId::OldMic, token)?;
        if !parts.message.is_empty() {
            return Err(malformed(format!(
                "{} bytes follow its checksum",
                parts.message.len()
            )));
        }
        let bad = || Error::from(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY);
        let (direction, number) = self.decrypt_number(&parts).ok_or_else(bad)?;
        if !constant_time_eq(&self.checksum(&parts.header, message), parts.checksum) {
            return Err(bad());
        }
        check_direction(direction, sender)?;
        Ok(number)
    }

    fn header(&self, id: TokenId, sealed: bool) -> [u8; HEADER] {
        let mut header = [0xff; HEADER];
        header[..2].copy_from_slice(&(id as u16).to_be_bytes());
        header[2..4].copy_from_slice(&Self::sign_algorithm(self.is_rc4()).to_le_bytes());
        if sealed {
            header[4..6].copy_from_slice(&Self::seal_algorithm(self.is_rc4()).to_le_bytes());
        }
        header
    }

    fn read<'a>(&self, id: TokenId, token: &'a [u8]) -> Result<Parts<'a>, Error> {
        let (found, content) = unframe(token)?;
        if found != id as u16 {
            return Err(malformed(format!(
                "its id is {found:04x}, not {:04x}",
                id as u16
            )));
        }
        let split = || {
            let (rest, content) = content.split_first_chunk::<6>()?;
            let (number, content) = content.split_first_chunk()?;
            let (checksum, message) = content.split_at_checked(self.checksum_len())?;
            Some((rest, number, checksum, message))
        };
        let (rest, number, checksum, message) = split().ok_or_else(|| {
            malformed(format!(
                "its {} bytes are fewer than a checksum needs",
                content.len()
            ))
        })?;
        let sealed = id == TokenId::OldWrap && rest[2..4] != NOT_SEALED.to_be_bytes();
        let header = self.header(id, sealed);
        if header[2..] != *rest {
            return Err(malformed(format!(
                "its algorithms and filler are {rest:02x?}, not {:02x?}",
                &header[2..]
            )));
        }
        Ok(Parts {
            header,
            sealed,
            number: *number,
            checksum,
            message,
        })
    }

    fn checksum(&self, header: &[u8; HEADER], message: &[u8]) -> Vec<u8> {
        // Key usages: Microsoft's 15 for MIC tokens with rc4, and 23 for all tokens with des3.
        let is_mic = header[..2] == (TokenId::OldMic as u16).to_be_bytes();
        let usage = if self.is_rc4() && is_mic {
            KeyUsage(15)
        } else {
            KeyUsage::GSS_ACCEPTOR_SIGN
        };
        let mut checksum = self.key.checksum_of_parts(usage, &[header, message]);
        checksum.truncate(self.checksum_len());
        checksum
    }

    fn encrypt_number(&self, sender: Role, number: u32, checksum: &[u8]) -> [u8; 8] {
        let mut block = [direction(sender); 8];
        block[..4].copy_from_slice(&if self.is_rc4() {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        });
        self.cipher.encrypt_number(iv(checksum), &mut block);
        block
    }

    /// Returns the direction and the number of a token; `None` if the block is invalid.
    fn decrypt_number(&self, parts: &Parts<'_>) -> Option<(u8, u32)> {
        let mut block = parts.number;
        self.cipher.decrypt_number(iv(parts.checksum), &mut block);
        let [a, b, c, d, direction, rest @ ..] = block;
        if rest != [direction; 3] {
            return None;
        }
        let number = [a, b, c, d];
        let number = if self.is_rc4() {
            u32::from_be_bytes(number)
        } else {
            u32::from_le_bytes(number)
        };
        Some((direction, number))
    }
}

const fn direction(sender: Role) -> u8 {
    match sender {
        Role::Initiator => 0,
        Role::Acceptor => 0xff,
    }
}

fn check_direction(found: u8, sender: Role) -> Result<(), Error> {
    if found == direction(sender) {
        Ok(())
    } else {
        Err(ErrorCode::KRB_AP_ERR_BADDIRECTION.into())
    }
}

/// Returns a checksum's first eight bytes. Every checksum has that many.
fn iv(checksum: &[u8]) -> [u8; 8] {
    checksum.first_chunk().copied().unwrap_or_default()
}

fn malformed(why: String) -> Error {
    Error::Malformed {
        what: "GSS-API message token",
        why,
    }
}
