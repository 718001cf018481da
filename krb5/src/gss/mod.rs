//! GSS-API with Kerberos V5, without a socket (RFC 4121): contexts, and the messages that they
//! protect.
//!
//! - [`GssAcceptor`]: a service's side, done in one step
//! - [`GssInitiator`]: a client's side
//! - [`SpnegoAcceptor`]: a service's side when the mechanism is negotiated first, as over HTTP (RFC
//!   4178)
//! - [`GssContext`]: what both end in; it splits into [`MessageSender`] and [`MessageReceiver`],
//!   which share no state

mod acceptor;
mod checksum;
mod der;
mod flags;
mod framing;
mod initiator;
mod message_token;
#[cfg(test)]
mod mit_tests;
mod receiver;
mod sender;
mod spnego;
#[cfg(test)]
mod spnego_tests;
#[cfg(test)]
mod tests;

pub use acceptor::{GssAcceptor, GssRefused};
pub use flags::ContextFlags;
pub use initiator::{GssInitiator, GssInitiatorOptions};
pub use receiver::MessageReceiver;
pub use sender::MessageSender;
pub use spnego::{SpnegoAcceptor, SpnegoStep};

use crate::{EncryptionKey, EncryptionType, Error, ErrorCode, Principal};

/// An established context.
#[derive(Clone, Debug)]
pub struct GssContext {
    /// The other side: for an acceptor, the client that has proved itself.
    pub peer: Principal,
    /// What the initiator asked for.
    pub flags: ContextFlags,
    /// Protects what is sent.
    pub sender: MessageSender,
    /// Checks what is received.
    pub receiver: MessageReceiver,
    /// A KRB-CRED with the client's own tickets, if it delegated them; not opened.
    pub delegated: Option<Vec<u8>>,
}

/// Which side of a context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Initiator,
    Acceptor,
}

/// The key of a context, and whether it is one that the acceptor chose.
#[derive(Clone, Debug)]
struct ContextKey {
    key: EncryptionKey,
    acceptor_subkey: bool,
}

impl ContextKey {
    /// Refuses keys whose messages RFC 1964 and RFC 4757 form differently, with
    /// `KDC_ERR_ETYPE_NOSUPP`: only those of AES are RFC 4121's.
    fn check_enctype(key: &EncryptionKey) -> Result<(), Error> {
        match key.enctype() {
            EncryptionType::AES128_CTS_HMAC_SHA1_96
            | EncryptionType::AES256_CTS_HMAC_SHA1_96
            | EncryptionType::AES128_CTS_HMAC_SHA256_128
            | EncryptionType::AES256_CTS_HMAC_SHA384_192 => Ok(()),
            _ => Err(ErrorCode::KDC_ERR_ETYPE_NOSUPP.into()),
        }
    }

    /// The acceptor's subkey, else the initiator's, else the ticket's session key (RFC 4121, 2).
    fn choose(
        session: &EncryptionKey,
        initiators: Option<&EncryptionKey>,
        acceptors: Option<&EncryptionKey>,
    ) -> Self {
        Self {
            key: acceptors.or(initiators).unwrap_or(session).clone(),
            acceptor_subkey: acceptors.is_some(),
        }
    }
}

impl GssContext {
    fn new(
        role: Role,
        peer: Principal,
        flags: ContextFlags,
        key: ContextKey,
        (send_from, receive_from): (u32, u32),
        delegated: Option<Vec<u8>>,
    ) -> Self {
        let ordered = flags.intersects(ContextFlags::REPLAY | ContextFlags::SEQUENCE);
        Self {
            peer,
            flags,
            sender: MessageSender::new(role, key.clone(), send_from),
            receiver: MessageReceiver::new(role, key, receive_from, ordered),
            delegated,
        }
    }
}
