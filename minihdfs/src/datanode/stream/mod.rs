//! The bytes of a connection, buffered and protected, without the socket.
//!
//! An [`Inbox`] takes bytes from the peer and decrypts them. An [`Outbox`] takes bytes for the peer
//! in units and encrypts them. A unit is what clients read at once: a delimited message or a
//! packet. With SASL it becomes exactly one frame, because some clients cannot read a unit that
//! spans two frames.

mod aes_ctr;
mod buffer;
mod inbox;
mod outbox;
#[cfg(test)]
mod tests;

use crate::HdfsError;
use crate::sasl::{UnwrapHalf, WrapHalf};
use buffer::Buffer;
use inbox::Opening;
use outbox::Sealing;

pub(crate) use aes_ctr::AesCtr;
pub(crate) use inbox::Inbox;
pub(crate) use outbox::Outbox;

/// The protection of the bytes of both directions.
pub(crate) enum Protection {
    /// No protection.
    None,
    /// SASL frames: `int32` length and token.
    Sasl(WrapHalf, UnwrapHalf),
    /// One key stream per direction: to the peer, from the peer.
    Aes(Box<AesCtr>, Box<AesCtr>),
}

/// Enables protection in both directions after the handshake.
pub(crate) fn protect(
    inbox: &mut Inbox,
    outbox: &mut Outbox,
    protection: Protection,
) -> Result<(), HdfsError> {
    (inbox.opening, outbox.sealing) = match protection {
        Protection::None => return Ok(()),
        Protection::Sasl(wrap, unwrap) => (
            Opening::Sasl(unwrap, Buffer::default()),
            Sealing::Sasl(wrap, Buffer::default()),
        ),
        Protection::Aes(outgoing, incoming) => (Opening::Aes(incoming), Sealing::Aes(outgoing)),
    };
    // Bytes that the peer sent right behind the handshake are already protected.
    let early = inbox.plain.filled().to_vec();
    inbox.plain.clear();
    inbox.room(early.len())[..early.len()].copy_from_slice(&early);
    inbox.received(early.len())
}
