//! Messages to the peer (RFC 4121, 4.2; with an old key as in `old_tokens`).

use rand::Rng;

use super::message_token::{Header, Kind, usage};
use super::old_tokens::OldTokens;
use super::{ContextKey, Role};

/// Protects and numbers messages. Nothing is derived anew for a message: the key caches its usages.
///
/// ```
/// use kerbox_krb5::gss::{GssContext, MessageReceiver, MessageSender};
///
/// /// Splits a context between the task that reads and the one that writes.
/// fn split(context: GssContext) -> (MessageReceiver, MessageSender) {
///     (context.receiver, context.sender)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct MessageSender {
    role: Role,
    pub(super) key: ContextKey,
    /// The token format, unless it is that of RFC 4121.
    old: Option<OldTokens>,
    pub(super) next: u64,
}

impl MessageSender {
    pub(super) fn new(role: Role, key: ContextKey, first: u32) -> Self {
        Self {
            role,
            old: OldTokens::of(&key.key),
            key,
            next: first.into(),
        }
    }

    /// Appends the Wrap token of `message`: encrypted if `sealed`, otherwise signed.
    pub fn wrap_into(
        &mut self,
        sealed: bool,
        message: &[u8],
        rng: &mut impl Rng,
        out: &mut Vec<u8>,
    ) {
        if let Some(old) = &self.old {
            old.wrap_into((self.role, self.next as u32), sealed, message, rng, out);
            self.next = self.next.wrapping_add(1);
            return;
        }
        let header = self.header(Kind::Wrap, sealed);
        let usage = usage(Kind::Wrap, self.role);
        let key = &self.key.key;
        if sealed {
            let header = header.to_bytes(0, 0);
            out.extend_from_slice(&header);
            key.encrypt_into(usage, &[message, &header], rng, out);
        } else {
            let checksum = key.checksum_of_parts(usage, &[message, &header.to_bytes(0, 0)]);
            out.reserve(super::message_token::HEADER + message.len() + checksum.len());
            out.extend_from_slice(&header.to_bytes(checksum.len() as u16, 0));
            out.extend_from_slice(message);
            out.extend_from_slice(&checksum);
        }
    }

    /// Returns the MIC token of `message`: a detached signature.
    #[must_use]
    pub fn mic(&mut self, message: &[u8]) -> Vec<u8> {
        if let Some(old) = &self.old {
            let token = old.mic(self.role, self.next as u32, message);
            self.next = self.next.wrapping_add(1);
            return token;
        }
        let header = self.header(Kind::Mic, false).to_bytes(0, 0);
        let checksum = self
            .key
            .key
            .checksum_of_parts(usage(Kind::Mic, self.role), &[message, &header]);
        [&header[..], &checksum].concat()
    }

    fn header(&mut self, kind: Kind, sealed: bool) -> Header {
        let sequence_number = self.next;
        self.next = self.next.wrapping_add(1);
        Header {
            kind,
            sender: self.role,
            sealed,
            acceptor_subkey: self.key.acceptor_subkey,
            sequence_number,
        }
    }
}
