//! GSS-API with Kerberos V5, without a socket: contexts, and the messages that they protect (RFC
//! 4121; RFC 1964 and 4757 for keys of weak types).
//!
//! - [`GssAcceptor`]: a service's side, done in one step
//! - [`GssInitiator`]: a client's side
//! - [`SpnegoAcceptor`]: a service's side when the mechanism is negotiated first, as over HTTP (RFC
//!   4178)
//! - [`GssContext`]: the result on both sides; it consists of a [`MessageSender`] and a
//!   [`MessageReceiver`], which share no state

mod acceptor;
mod checksum;
mod der;
mod flags;
mod framing;
mod initiator;
mod message_token;
#[cfg(test)]
mod mit_tests;
mod old_tokens;
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

use crate::{EncryptionKey, EncryptionType, Principal};

/// An established context.
///
/// ```
/// use kerbox_krb5::Error;
/// use kerbox_krb5::gss::GssContext;
///
/// /// Returns a signature of `message`, after checking the peer's.
/// fn sign_and_verify(
///     context: &mut GssContext,
///     message: &[u8],
///     theirs: &[u8],
/// ) -> Result<Vec<u8>, Error> {
///     context.receiver.verify_mic(message, theirs)?;
///     Ok(context.sender.mic(message))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct GssContext {
    /// The peer: for an acceptor, the authenticated client.
    pub peer: Principal,
    /// The initiator's flags.
    pub flags: ContextFlags,
    /// Protects outgoing messages.
    pub sender: MessageSender,
    /// Checks incoming messages.
    pub receiver: MessageReceiver,
    /// A KRB-CRED with the client's own tickets, if it delegated them; not decrypted.
    pub delegated: Option<Vec<u8>>,
}

/// A side of a context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Initiator,
    Acceptor,
}

/// The key of a context, and whether the acceptor chose it.
#[derive(Clone, Debug)]
struct ContextKey {
    key: EncryptionKey,
    acceptor_subkey: bool,
}

impl ContextKey {
    /// Returns whether messages have the form of RFC 1964. That form has no room to say whose
    /// subkey protects them.
    fn is_old(key: &EncryptionKey) -> bool {
        matches!(
            key.enctype(),
            EncryptionType::DES3_CBC_SHA1_KD | EncryptionType::RC4_HMAC
        )
    }

    /// Chooses the acceptor's subkey, else the initiator's, else the ticket's session key (RFC
    /// 4121, 2). With an old key, an acceptor's subkey counts only if it is of another type, as
    /// with MIT.
    fn choose(
        session: &EncryptionKey,
        initiators: Option<&EncryptionKey>,
        acceptors: Option<&EncryptionKey>,
    ) -> Self {
        let ours = initiators.unwrap_or(session);
        let acceptors =
            acceptors.filter(|key| !Self::is_old(ours) || key.enctype() != ours.enctype());
        Self {
            key: acceptors.unwrap_or(ours).clone(),
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
