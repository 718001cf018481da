//! The connection's preamble and the frames after it.

use std::ops::Range;

use crate::proto::common::RpcSaslProto;
use crate::proto::common::rpc_sasl_proto::SaslState;

/// `hrpc`, version, service class, authentication protocol.
pub(crate) const PREAMBLE_LENGTH: usize = 7;

/// The start of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Preamble {
    /// Wire version 9 without authentication.
    Simple,
    /// Wire version 9 with SASL.
    Sasl,
    /// Wire version 9 with an unknown authentication protocol.
    UnknownAuthentication(i8),
    /// Another version, or no `hrpc` at all.
    Version(u8),
    /// An HTTP request, from a client that took the port for a web server.
    Http,
}

impl Preamble {
    /// Parses the preamble; `None` if more bytes are needed.
    pub(crate) fn read(input: &[u8]) -> Option<Self> {
        if input.starts_with(b"GET ") {
            return Some(Self::Http);
        }
        let preamble = input.first_chunk::<PREAMBLE_LENGTH>()?;
        let [magic @ .., version, _service_class, authentication] = preamble;
        if magic != b"hrpc" || *version != super::header::WIRE_VERSION {
            return Some(Self::Version(*version));
        }
        Some(match *authentication as i8 {
            0 => Self::Simple,
            -33 => Self::Sasl,
            other => Self::UnknownAuthentication(other),
        })
    }
}

/// The ordinary size of a connection's buffers, which are counted without it.
pub(super) const ORDINARY: usize = 16 << 10;

/// The capacity above which a buffer is shrunk to the ordinary size once it is nearly empty.
const KEPT: usize = 64 << 10;

/// Returns the number of bytes for which a buffer with `length` unprocessed bytes counts: these, or
/// what its capacity exceeds the ordinary one by.
pub(super) fn held(buffer: &Vec<u8>, length: usize) -> usize {
    length.max(buffer.capacity().saturating_sub(ORDINARY))
}

/// Releases the memory of large contents instead of keeping it for the connection's lifetime.
pub(super) fn release(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEPT && buffer.len() < ORDINARY {
        buffer.shrink_to(ORDINARY);
    }
}

/// A buffer of incoming bytes that finds frames: a length of four bytes, big-endian, then that many
/// bytes.
///
/// It grows as bytes arrive, never to the length that a peer announces.
#[derive(Default)]
pub(crate) struct FrameBuffer {
    bytes: Vec<u8>,
    /// The index of the first unconsumed byte.
    start: usize,
}

/// A frame whose announced length is negative or above the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BadLength(pub(crate) i32);

impl FrameBuffer {
    /// Returns the buffer to append incoming bytes to. Discards consumed bytes first.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        release(&mut self.bytes);
        &mut self.bytes
    }

    /// Releases the memory of consumed large frames.
    pub(crate) fn release(&mut self) {
        if self.bytes.capacity() > KEPT && self.unread().len() < ORDINARY {
            self.tail();
        }
    }

    /// Returns the number of bytes for which this counts.
    pub(crate) fn held(&self) -> usize {
        held(&self.bytes, self.unread().len())
    }

    /// Returns the unconsumed bytes.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Returns true if the next frame is complete and longer than `length`.
    pub(crate) fn has_longer(&self, length: usize, limit: usize) -> bool {
        self.frame(limit)
            .is_ok_and(|frame| frame.is_some_and(|frame| frame.len() > length))
    }

    pub(crate) fn consume(&mut self, length: usize) {
        self.start = (self.start + length).min(self.bytes.len());
    }

    /// Returns the position of the next frame's contents in [`unread`](Self::unread), if the frame
    /// is complete. Does not consume it.
    pub(crate) fn frame(&self, limit: usize) -> Result<Option<Range<usize>>, BadLength> {
        let Some((length, rest)) = self.unread().split_first_chunk::<4>() else {
            return Ok(None);
        };
        let announced = i32::from_be_bytes(*length);
        match usize::try_from(announced) {
            Ok(length) if length <= limit => Ok((rest.len() >= length).then_some(4..4 + length)),
            _ => Err(BadLength(announced)),
        }
    }
}

/// Appends a frame whose contents `fill` writes. After an error `out` is unchanged.
pub(crate) fn put_frame<E>(
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    if let Err(error) = fill(out) {
        out.truncate(start);
        return Err(error);
    }
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Returns a SASL message from the server.
pub(crate) fn sasl_message(state: SaslState, token: Option<Vec<u8>>) -> RpcSaslProto {
    RpcSaslProto {
        version: None,
        state: state.into(),
        token: token.map(Into::into),
        auths: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_buffer_counts_until_it_is_released() {
        let mut buffer = FrameBuffer::default();
        buffer.tail().extend_from_slice(&[0; 100_000]);
        assert_eq!(buffer.held(), 100_000);
        buffer.consume(99_990);
        assert!(buffer.held() > 80_000, "the memory is still there");
        buffer.release();
        assert_eq!(buffer.held(), 10);
        assert_eq!(buffer.unread(), [0; 10]);
    }

    #[test]
    fn preambles_are_told_apart() {
        assert_eq!(Preamble::read(b"hrpc\x09\x00"), None);
        assert_eq!(Preamble::read(b"hrpc\x09\x00\x00"), Some(Preamble::Simple));
        assert_eq!(Preamble::read(b"hrpc\x09\x2a\xdf"), Some(Preamble::Sasl));
        assert_eq!(
            Preamble::read(b"hrpc\x09\x00\x07"),
            Some(Preamble::UnknownAuthentication(7))
        );
        assert_eq!(
            Preamble::read(b"hrpc\x0a\x00\x00"),
            Some(Preamble::Version(10))
        );
        assert_eq!(
            Preamble::read(b"xxxx\x09\x00\x00"),
            Some(Preamble::Version(9))
        );
        assert_eq!(Preamble::read(b"GET "), Some(Preamble::Http));
    }

    #[test]
    fn a_frame_is_told_once_it_is_whole() {
        let mut buffer = FrameBuffer::default();
        for byte in [0, 0, 0, 2, b'a'] {
            assert_eq!(buffer.frame(10), Ok(None));
            buffer.tail().push(byte);
        }
        buffer.tail().extend_from_slice(&[b'b', 0, 0]);
        let range = buffer
            .frame(10)
            .expect("a good length")
            .expect("a whole frame");
        assert_eq!(&buffer.unread()[range], b"ab");
        buffer.consume(6);
        assert_eq!(buffer.frame(10), Ok(None));
        buffer.tail().extend_from_slice(&[0, 11]);
        assert_eq!(buffer.frame(10), Err(BadLength(11)));
        assert_eq!(buffer.unread(), [0, 0, 0, 11]);
    }

    #[test]
    fn a_negative_length_is_refused() {
        let mut buffer = FrameBuffer::default();
        buffer.tail().extend_from_slice(&(-1_i32).to_be_bytes());
        assert_eq!(buffer.frame(usize::MAX), Err(BadLength(-1)));
    }
}
