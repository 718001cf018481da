//! Bytes from the peer.

use prost::Message;

use super::aes_ctr::AesCtr;
use super::buffer::{Buffer, IDLE};
use crate::HdfsError;
use crate::datanode::packet::MAX_PACKET;
use crate::decode::decode;
use crate::sasl::UnwrapHalf;

/// The longest accepted message, from identified and unidentified peers. A header with a token and
/// a pipeline of many DataNodes takes a few KiB.
const MAX_MESSAGE: usize = 64 << 10;

/// The longest SASL frame: a packet and SASL's overhead.
const MAX_FRAME: usize = MAX_PACKET + 1024;

/// Bytes from the peer that have not been consumed.
#[derive(Default)]
pub(crate) struct Inbox {
    pub(super) plain: Buffer,
    pub(super) opening: Opening,
}

/// The inverse of the peer's protection.
#[derive(Default)]
pub(super) enum Opening {
    #[default]
    None,
    Sasl(UnwrapHalf, Buffer),
    Aes(Box<AesCtr>),
}

impl Inbox {
    /// Returns space for input from the socket, at least `length` bytes.
    pub(crate) fn room(&mut self, length: usize) -> &mut [u8] {
        match &mut self.opening {
            Opening::Sasl(_, sealed) => sealed.room(length),
            Opening::None | Opening::Aes(_) => self.plain.room(length),
        }
    }

    /// Processes the first `length` bytes of that space as received.
    pub(crate) fn received(&mut self, length: usize) -> Result<(), HdfsError> {
        match &mut self.opening {
            Opening::None => self.plain.end += length,
            Opening::Aes(cipher) => {
                let end = self.plain.end + length;
                cipher.apply(&mut self.plain.bytes[self.plain.end..end]);
                self.plain.end = end;
            }
            Opening::Sasl(layer, sealed) => {
                sealed.end += length;
                loop {
                    let first = whole_frame(sealed.filled())?;
                    let Some(first) = first else { break };
                    let second = whole_frame(&sealed.filled()[4 + first.len()..])?;
                    let length = 4 + first.len() + second.map_or(0, |second| 4 + second.len());
                    self.plain.append_with(|plain| match second {
                        Some(second) => layer.unwrap_pair_into([first, second], plain),
                        None => layer.unwrap_into(first, plain),
                    })?;
                    sealed.consume(length);
                }
            }
        }
        Ok(())
    }

    /// Returns the number of buffered bytes, decrypted or not, and the memory of large buffers.
    pub(crate) fn held(&self) -> usize {
        let sealed = match &self.opening {
            Opening::Sasl(_, sealed) => sealed.held(),
            Opening::None | Opening::Aes(_) => 0,
        };
        self.plain.held() + sealed
    }

    /// Frees large empty buffers between operations.
    pub(crate) fn rest(&mut self) {
        self.plain.release(IDLE);
        if let Opening::Sasl(_, sealed) = &mut self.opening {
            sealed.release(IDLE);
        }
    }

    /// Returns the decrypted bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.plain.filled()
    }

    /// Discards the first `length` decrypted bytes.
    pub(crate) fn consume(&mut self, length: usize) {
        self.plain.consume(length);
    }

    /// Takes a delimited message; `None` if more bytes are needed.
    pub(crate) fn message<M: Message + Default>(&mut self) -> Result<Option<M>, HdfsError> {
        let mut bytes = self.bytes();
        let available = bytes.len();
        // A varint has at most ten bytes. If fewer bytes cannot be decoded, the rest has not
        // arrived yet.
        let length = match prost::encoding::decode_varint(&mut bytes) {
            Ok(length) => length,
            Err(_) if available < 10 => return Ok(None),
            Err(error) => {
                return Err(HdfsError::io(format!(
                    "Cannot read a message's length: {error}"
                )));
            }
        };
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= MAX_MESSAGE)
            .ok_or_else(|| {
                HdfsError::io(format!(
                    "A message of {length} bytes exceeds the {MAX_MESSAGE} that are accepted"
                ))
            })?;
        let prefix = available - bytes.len();
        let Some(body) = bytes.get(..length) else {
            return Ok(None);
        };
        let message = decode(body)
            .map_err(|error| HdfsError::io(format!("Cannot read a message: {error}")))?;
        self.consume(prefix + length);
        Ok(Some(message))
    }
}

/// Returns the token of the first SASL frame; `None` if it is not whole.
fn whole_frame(bytes: &[u8]) -> Result<Option<&[u8]>, HdfsError> {
    let Some((prefix, rest)) = bytes.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(*prefix) as usize;
    if length > MAX_FRAME {
        return Err(HdfsError::io(format!(
            "A SASL frame of {length} bytes exceeds the {MAX_FRAME} that are accepted"
        )));
    }
    Ok(rest.get(..length))
}
