//! Messages from the peer (RFC 4121, 4.2; with an old key as in `old_tokens`).

use super::message_token::{HEADER, Header, Kind, usage};
use super::old_tokens::OldTokens;
use super::{ContextKey, Role};
use crate::{Error, ErrorCode};

/// Checks and decrypts messages, and enforces their order.
#[derive(Clone, Debug)]
pub struct MessageReceiver {
    /// The peer's role.
    sender: Role,
    key: ContextKey,
    /// The token format, unless it is that of RFC 4121.
    old: Option<OldTokens>,
    next: u64,
    ordered: bool,
}

impl MessageReceiver {
    pub(super) fn new(role: Role, key: ContextKey, first: u32, ordered: bool) -> Self {
        Self {
            sender: match role {
                Role::Initiator => Role::Acceptor,
                Role::Acceptor => Role::Initiator,
            },
            old: OldTokens::of(&key.key),
            key,
            next: first.into(),
            ordered,
        }
    }

    /// Appends the message of a Wrap token to `out` and returns whether it was encrypted.
    ///
    /// Fails with `KRB_AP_ERR_BAD_INTEGRITY` for a wrong checksum, and with
    /// `KRB_AP_ERR_BADDIRECTION` for one of our own messages sent back. If the initiator asked for
    /// it, fails with `KRB_AP_ERR_REPEAT` for a repeated message and with `KRB_AP_ERR_BADORDER` for
    /// one that comes too early. On failure, `out` is unchanged.
    pub fn unwrap_into(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<bool, Error> {
        let start = out.len();
        let opened = match &self.old {
            Some(old) => old
                .unwrap_into(self.sender, token, out)
                .map(|(sealed, number)| (sealed, self.widen(number))),
            None => self
                .open(token, out)
                .map(|header| (header.sealed, header.sequence_number)),
        };
        opened
            .and_then(|(sealed, number)| self.count(number).map(|()| sealed))
            .inspect_err(|_| out.truncate(start))
    }

    fn open(&self, token: &[u8], out: &mut Vec<u8>) -> Result<Header, Error> {
        let (header, extra_count, rotation, body) =
            Header::read(Kind::Wrap, self.sender, self.key.acceptor_subkey, token)?;
        if !header.sealed && usize::from(extra_count) != self.key.key.trailer_len() {
            return Err(Error::Malformed {
                what: "GSS-API message token",
                why: format!("its checksum would have {extra_count} bytes"),
            });
        }
        let start = out.len();
        if !body.is_empty() {
            // The sender may have rotated the body to the right (RFC 4121, 4.2.5): rotate it back.
            let (front, back) = body.split_at(usize::from(rotation) % body.len());
            out.extend_from_slice(back);
            out.extend_from_slice(front);
        }
        let length = if header.sealed {
            self.decrypt(header, extra_count, &mut out[start..])
        } else {
            self.verify(header, extra_count, &out[start..])
        }?;
        out.truncate(start + length);
        Ok(header)
    }

    /// Decrypts in place, moves the message to the front, and returns its length.
    fn decrypt(&self, header: Header, extra_count: u16, body: &mut [u8]) -> Result<usize, Error> {
        let bad = Error::from(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY);
        let plaintext = self
            .key
            .key
            .decrypt_in_place(usage(Kind::Wrap, self.sender), body)?;
        let end = plaintext
            .end
            .checked_sub(HEADER)
            .filter(|end| *end >= plaintext.start)
            .ok_or_else(|| bad.clone())?;
        // The encrypted copy of the header has a rotation of zero (RFC 4121, 4.2.4).
        if body[end..plaintext.end] != header.to_bytes(extra_count, 0) {
            return Err(bad);
        }
        let length = (end - plaintext.start)
            .checked_sub(extra_count.into())
            .ok_or(bad)?;
        body.copy_within(plaintext.start..plaintext.start + length, 0);
        Ok(length)
    }

    /// Verifies the checksum behind the message and returns the message's length.
    fn verify(&self, header: Header, extra_count: u16, body: &[u8]) -> Result<usize, Error> {
        let bad = Error::from(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY);
        let length = body
            .len()
            .checked_sub(extra_count.into())
            .ok_or_else(|| bad.clone())?;
        let (message, checksum) = body.split_at(length);
        // Both counts are zero in the checksummed header (RFC 4121, 4.2.4).
        let usage = usage(Kind::Wrap, self.sender);
        if !self.key.key.verify_checksum_of_parts(
            usage,
            &[message, &header.to_bytes(0, 0)],
            checksum,
        ) {
            return Err(bad);
        }
        Ok(length)
    }

    /// Checks the MIC token of `message`. Fails like [`unwrap_into`](Self::unwrap_into).
    pub fn verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<(), Error> {
        if let Some(old) = &self.old {
            let number = old.verify_mic(self.sender, message, token)?;
            return self.count(self.widen(number));
        }
        let (header, _, _, checksum) =
            Header::read(Kind::Mic, self.sender, self.key.acceptor_subkey, token)?;
        let usage = usage(Kind::Mic, self.sender);
        if !self.key.key.verify_checksum_of_parts(
            usage,
            &[message, &header.to_bytes(0, 0)],
            checksum,
        ) {
            return Err(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY.into());
        }
        self.count(header.sequence_number)
    }

    /// Returns the number nearest to the expected one whose low 32 bits are these.
    fn widen(&self, number: u32) -> u64 {
        let ahead = number.wrapping_sub(self.next as u32).cast_signed();
        self.next.wrapping_add_signed(ahead.into())
    }

    /// Checks the number of an authenticated message against the expected one.
    fn count(&mut self, number: u64) -> Result<(), Error> {
        if !self.ordered {
            return Ok(());
        }
        // The JDK sends the low 32 bits only.
        if number != self.next && number != self.next & 0xffff_ffff {
            let ahead = number.wrapping_sub(self.next).cast_signed() > 0;
            return Err(if ahead {
                ErrorCode::KRB_AP_ERR_BADORDER
            } else {
                ErrorCode::KRB_AP_ERR_REPEAT
            }
            .into());
        }
        self.next = self.next.wrapping_add(1);
        Ok(())
    }
}
