//! The bytes of a connection, buffered and protected, without the socket.
//!
//! An [`Inbox`] takes bytes from the peer and decrypts them. An [`Outbox`] takes bytes for the peer
//! in units and encrypts them. A unit is what clients read at once: a delimited message or a
//! packet. With SASL it becomes exactly one frame, because some clients cannot read a unit that
//! spans two frames.

use ctr::cipher::{KeyIvInit, StreamCipher};
use prost::Message;

use crate::HdfsError;
use crate::datanode::packet::MAX_PACKET;
use crate::decode::decode;
use crate::sasl::{UnwrapHalf, WrapHalf};

/// The longest accepted message, from identified and unidentified peers. A header with a token and
/// a pipeline of many DataNodes takes a few KiB.
const MAX_MESSAGE: usize = 64 << 10;

/// The longest SASL frame: a packet and SASL's overhead.
const MAX_FRAME: usize = MAX_PACKET + 1024;

/// The memory that a buffer keeps while data flows, whether it is filled or not: that of a read
/// or of a few packets of the usual size.
const ORDINARY: usize = 512 << 10;

/// The memory that an empty buffer keeps between operations.
const IDLE: usize = 64 << 10;

/// AES/CTR/NoPadding for one direction of a connection.
pub(crate) struct AesCtr(Aes);

enum Aes {
    Bits128(ctr::Ctr128BE<aes::Aes128>),
    Bits192(ctr::Ctr128BE<aes::Aes192>),
    Bits256(ctr::Ctr128BE<aes::Aes256>),
}

impl AesCtr {
    /// Creates a cipher from a key of 16, 24 or 32 bytes and an IV of 16.
    pub(crate) fn new(key: &[u8], iv: &[u8]) -> Result<Box<Self>, HdfsError> {
        let cipher = match key.len() {
            16 => KeyIvInit::new_from_slices(key, iv).map(Aes::Bits128),
            24 => KeyIvInit::new_from_slices(key, iv).map(Aes::Bits192),
            32 => KeyIvInit::new_from_slices(key, iv).map(Aes::Bits256),
            _ => Err(ctr::cipher::InvalidLength),
        };
        cipher.map(|cipher| Box::new(Self(cipher))).map_err(|_| {
            HdfsError::io(format!(
                "AES/CTR/NoPadding needs a key of 16, 24 or 32 bytes and an IV of 16; there are {} and {}",
                key.len(),
                iv.len()
            ))
        })
    }

    fn apply(&mut self, bytes: &mut [u8]) {
        match &mut self.0 {
            Aes::Bits128(cipher) => cipher.apply_keystream(bytes),
            Aes::Bits192(cipher) => cipher.apply_keystream(bytes),
            Aes::Bits256(cipher) => cipher.apply_keystream(bytes),
        }
    }
}

/// The protection of the bytes of both directions.
pub(crate) enum Protection {
    /// No protection.
    None,
    /// SASL frames: `int32` length and token.
    Sasl(WrapHalf, UnwrapHalf),
    /// One key stream per direction: to the peer, from the peer.
    Aes(Box<AesCtr>, Box<AesCtr>),
}

/// A reusable buffer. `start..end` holds the contents; the bytes after it are initialized only
/// once.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Returns all free space after the contents, which is at least `length` bytes.
    fn room(&mut self, length: usize) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.bytes.len() - self.end < length {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            if self.bytes.len() - self.end < length {
                // Doubling is for contents that do not fit into the ordinary size.
                if self.end + length <= ORDINARY {
                    self.bytes
                        .reserve_exact(self.end + length - self.bytes.len());
                }
                self.bytes.resize(self.end + length, 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    fn consume(&mut self, length: usize) {
        self.start += length;
        debug_assert!(self.start <= self.end, "only what is there can be consumed");
        self.release(ORDINARY);
    }

    /// Frees the memory of an empty buffer that is larger than `kept`.
    fn release(&mut self, kept: usize) {
        if self.start == self.end && self.bytes.capacity() > kept {
            *self = Self::default();
        }
    }

    /// Returns the number of bytes of the contents, or of the whole buffer if that is larger than
    /// an ordinary one.
    fn held(&self) -> usize {
        match self.bytes.capacity() {
            ..=ORDINARY => self.filled().len(),
            capacity => capacity,
        }
    }

    /// Lets `append` append to the contents.
    fn append_with<R>(&mut self, append: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        self.bytes.truncate(self.end);
        let result = append(&mut self.bytes);
        self.end = self.bytes.len();
        result
    }
}

/// Bytes from the peer that have not been consumed.
#[derive(Default)]
pub(crate) struct Inbox {
    plain: Buffer,
    opening: Opening,
}

#[derive(Default)]
enum Opening {
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

/// Bytes for the peer that have not been sent.
#[derive(Default)]
pub(crate) struct Outbox {
    sealed: Buffer,
    sealing: Sealing,
}

#[derive(Default)]
enum Sealing {
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
    (inbox.plain.start, inbox.plain.end) = (0, 0);
    inbox.room(early.len())[..early.len()].copy_from_slice(&early);
    inbox.received(early.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::hdfs::{ClientReadStatusProto, OpReadBlockProto, Status};

    fn receive(inbox: &mut Inbox, bytes: &[u8]) -> Result<(), HdfsError> {
        inbox.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        inbox.received(bytes.len())
    }

    #[test]
    fn a_message_waits_until_it_is_whole() {
        let mut inbox = Inbox::default();
        for byte in [0x02, 0x08] {
            receive(&mut inbox, &[byte]).expect("plain");
            assert_eq!(inbox.message::<ClientReadStatusProto>(), Ok(None));
        }
        receive(&mut inbox, &[0x06, 0xff]).expect("plain");
        let message = inbox
            .message::<ClientReadStatusProto>()
            .expect("well-formed")
            .expect("whole");
        assert_eq!(message.status(), Status::ChecksumOk);
        assert_eq!(inbox.bytes(), [0xff]);
    }

    #[test]
    fn a_varint_cut_at_the_limit_of_parts_is_refused() {
        for pairs in 24_990..=25_000 {
            let body = [&[0x10, 0x00].repeat(pairs)[..], &[0x10, 0x80, 0x80]].concat();
            let mut bytes = Vec::new();
            prost::encoding::encode_varint(body.len() as u64, &mut bytes);
            bytes.extend(&body);
            let mut inbox = Inbox::default();
            receive(&mut inbox, &bytes).expect("plain");
            assert!(inbox.message::<OpReadBlockProto>().is_err());
        }
    }

    #[test]
    fn absurd_lengths_are_refused_at_once() {
        for bytes in [
            [0xff; 11].as_slice(),
            &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0, 0],
        ] {
            let mut inbox = Inbox::default();
            receive(&mut inbox, bytes).expect("plain");
            assert!(inbox.message::<ClientReadStatusProto>().is_err());
        }
    }

    #[test]
    fn aes_is_one_key_stream_however_the_bytes_are_cut() {
        for length in [16, 24, 32] {
            let key: Vec<u8> = (0..length).collect();
            let cipher = || AesCtr::new(&key, &[0xff; 16]).expect("good lengths");
            let (mut inbox, mut outbox) = (Inbox::default(), Outbox::default());
            protect(
                &mut Inbox::default(),
                &mut outbox,
                Protection::Aes(cipher(), cipher()),
            )
            .expect("nothing came early");
            protect(
                &mut inbox,
                &mut Outbox::default(),
                Protection::Aes(cipher(), cipher()),
            )
            .expect("nothing came early");
            outbox.unit(b"a unit, ");
            outbox.unit(b"and another one");
            let sealed = outbox.bytes().to_vec();
            assert!(!sealed.starts_with(b"a unit"));
            for piece in sealed.chunks(5) {
                receive(&mut inbox, piece).expect("no frames");
            }
            assert_eq!(inbox.bytes(), b"a unit, and another one");
        }
        assert!(AesCtr::new(&[0; 17], &[0; 16]).is_err());
        assert!(AesCtr::new(&[0; 16], &[0; 15]).is_err());
    }

    #[test]
    fn aes_ctr_matches_the_published_vector() {
        // NIST SP 800-38A, F.5.1.
        let key = kerbox_krb5::testing::unhex("2b7e151628aed2a6abf7158809cf4f3c");
        let counter = kerbox_krb5::testing::unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
        let mut block = kerbox_krb5::testing::unhex("6bc1bee22e409f96e93d7e117393172a");
        AesCtr::new(&key, &counter)
            .expect("good lengths")
            .apply(&mut block);
        assert_eq!(
            block,
            kerbox_krb5::testing::unhex("874d6191b620e3261bef6864990db6ce")
        );
    }

    #[test]
    fn a_large_buffer_is_counted_and_freed_once_it_is_empty() {
        let mut outbox = Outbox::default();
        outbox.unit(&[1; 100_000]);
        assert_eq!(outbox.held(), 100_000);
        outbox.unit(&[1; 10 << 20]);
        outbox.sent(10 << 20);
        assert_eq!(outbox.bytes().len(), 100_000);
        assert!(outbox.held() > 10 << 20, "the memory is still there");
        outbox.sent(100_000);
        assert_eq!(outbox.held(), 0);
        assert_eq!(outbox.sealed.bytes.capacity(), 0);
        let mut inbox = Inbox::default();
        receive(&mut inbox, &[1; 300_000]).expect("plain");
        assert_eq!(inbox.held(), 300_000);
        inbox.consume(300_000);
        assert_eq!(inbox.held(), 0);
        assert_eq!(inbox.plain.bytes.len(), 300_000, "it is used again");
        inbox.rest();
        assert_eq!(inbox.plain.bytes.capacity(), 0);
    }

    #[test]
    fn a_buffer_is_used_again_without_growing() {
        let mut inbox = Inbox::default();
        for _ in 0..1000 {
            let room = inbox.room(100);
            room[..100].fill(7);
            inbox.received(100).expect("plain");
            inbox.consume(60);
            if inbox.bytes().len() > 200 {
                let all = inbox.bytes().len();
                inbox.consume(all);
            }
        }
        assert!(
            inbox.plain.bytes.len() <= 400,
            "{}",
            inbox.plain.bytes.len()
        );
    }
}
