//! Bytes for the peer.

use prost::Message;

use super::aes_ctr::AesCtr;
use super::buffer::{Buffer, IDLE};
use crate::sasl::WrapHalf;

/// Bytes for the peer that have not been sent.
#[derive(Default)]
pub(crate) struct Outbox {
    pub(super) sealed: Buffer,
    pub(super) sealing: Sealing,
}

/// The protection for the peer.
#[derive(Default)]
pub(super) enum Sealing {
    #[default]
    None,
    /// The layer, and a unit that waits for the next one, since two are sealed faster together.
    Sasl(WrapHalf, Buffer),
    Aes(Box<AesCtr>),
}

impl Outbox {
    /// Appends a unit of `length` bytes that `fill` writes.
    ///
    /// # Errors
    /// Returns the errors of `fill`. Nothing is appended then.
    pub(crate) fn unit_with<E>(
        &mut self,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match &mut self.sealing {
            Sealing::None => fill(&mut self.sealed.room(length)[..length])?,
            Sealing::Aes(cipher) => {
                let room = &mut self.sealed.room(length)[..length];
                fill(room)?;
                cipher.apply(room);
            }
            Sealing::Sasl(layer, waiting) => {
                fill(&mut waiting.room(length)[..length])?;
                let before = waiting.filled().len();
                waiting.end += length;
                if before > 0 {
                    let (first, second) = waiting.filled().split_at(before);
                    self.sealed
                        .append_with(|out| layer.wrap_frames_into([first, second], out));
                    waiting.consume(before + length);
                }
                return Ok(());
            }
        }
        self.sealed.end += length;
        Ok(())
    }

    /// Seals the unit that waits for another one.
    fn seal(&mut self) {
        if let Sealing::Sasl(layer, waiting) = &mut self.sealing {
            let length = waiting.filled().len();
            if length > 0 {
                self.sealed
                    .append_with(|out| layer.wrap_frames_into([waiting.filled()], out));
                waiting.consume(length);
            }
        }
    }

    /// Appends a unit.
    pub(crate) fn unit(&mut self, bytes: &[u8]) {
        let Ok(()) = self.unit_with(bytes.len(), |room| {
            room.copy_from_slice(bytes);
            Ok::<_, std::convert::Infallible>(())
        });
    }

    /// Appends a delimited message.
    pub(crate) fn message(&mut self, message: &impl Message) {
        self.unit(&message.encode_length_delimited_to_vec());
    }

    /// Returns the number of bytes to send, and the memory of large buffers.
    pub(crate) fn held(&self) -> usize {
        let scratch = match &self.sealing {
            Sealing::Sasl(_, scratch) => scratch.held(),
            Sealing::None | Sealing::Aes(_) => 0,
        };
        self.sealed.held() + scratch
    }

    /// Frees large empty buffers between operations.
    pub(crate) fn rest(&mut self) {
        self.sealed.release(IDLE);
        if let Sealing::Sasl(_, scratch) = &mut self.sealing {
            scratch.release(IDLE);
        }
    }

    /// Returns the bytes to send.
    pub(crate) fn bytes(&mut self) -> &[u8] {
        self.seal();
        self.sealed.filled()
    }

    /// Returns about how many bytes there are to send: 0 only if there are none.
    pub(crate) fn length(&self) -> usize {
        let waiting = match &self.sealing {
            Sealing::Sasl(_, waiting) => waiting.filled().len(),
            Sealing::None | Sealing::Aes(_) => 0,
        };
        self.sealed.filled().len() + waiting
    }

    /// Returns whether there is nothing to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.length() == 0
    }

    /// Discards the first `length` bytes, which were sent.
    pub(crate) fn sent(&mut self, length: usize) {
        self.sealed.consume(length);
    }

    /// Returns true if units are sent unchanged. Whatever the socket accepts at once can then
    /// bypass this buffer.
    pub(crate) fn is_transparent(&self) -> bool {
        matches!(self.sealing, Sealing::None)
    }
}
