//! The subset of NDR that a PAC needs: the serialization of C structures behind two headers
//! (MS-RPCE, 2.2.6), little-endian.
//!
//! In its structure, a pointer is a nonzero number. Its target comes after the structure, in the
//! order of the pointers.

use super::malformed::Malformed;
use crate::Sid;

/// The common header (version 1, little-endian, 8 bytes), then its filler.
const HEADER: [u8; 8] = [1, 0x10, 8, 0, 0xCC, 0xCC, 0xCC, 0xCC];
/// The first pointer number, the same as Windows'.
const FIRST_POINTER: u32 = 0x0002_0000;

/// Writes one structure and the pointer to it.
pub(super) struct Writer {
    /// The structure.
    fixed: Vec<u8>,
    /// The targets of its pointers.
    deferred: Vec<u8>,
    next_pointer: u32,
}

impl Writer {
    pub(super) fn new() -> Self {
        let mut writer = Self {
            fixed: Vec::new(),
            deferred: Vec::new(),
            next_pointer: FIRST_POINTER,
        };
        writer.pointer();
        writer
    }

    /// Writes a pointer. The caller writes its target to [`deferred`](Self::deferred).
    pub(super) fn pointer(&mut self) {
        let pointer = self.take_pointer();
        self.u32(pointer);
    }

    /// Returns the number of the next pointer, which the caller writes itself.
    pub(super) fn take_pointer(&mut self) -> u32 {
        let pointer = self.next_pointer;
        self.next_pointer += 4;
        pointer
    }

    pub(super) fn deferred(&mut self) -> &mut Vec<u8> {
        &mut self.deferred
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.fixed.extend_from_slice(bytes);
    }

    pub(super) fn u16(&mut self, number: u16) {
        self.bytes(&number.to_le_bytes());
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.bytes(&number.to_le_bytes());
    }

    pub(super) fn u64(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    /// Writes an `RPC_UNICODE_STRING` (MS-DTYP, 2.3.10) with room for `spare` more characters.
    pub(super) fn string(&mut self, text: &str, spare: u16) {
        let characters = utf16(text);
        let pointer = self.take_pointer();
        self.bytes(&string_header(&characters, spare, pointer));
        append_string(&mut self.deferred, &characters, spare);
    }

    /// Writes a pointer to a SID.
    pub(super) fn sid(&mut self, sid: &Sid) {
        self.pointer();
        append_sid(&mut self.deferred, sid);
    }

    /// Returns the encoding with its headers.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut body = self.fixed;
        body.extend_from_slice(&self.deferred);
        body.resize(body.len().next_multiple_of(8), 0);
        let mut bytes = HEADER.to_vec();
        // There are only a few names, cut to 64 KiB each.
        bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&body);
        bytes
    }
}

/// Encodes as UTF-16, cut so that the length in bytes, terminator included, fits in 16 bits.
pub(super) fn utf16(text: &str) -> Vec<u16> {
    text.encode_utf16()
        .take(usize::from(u16::MAX / 2) - 1)
        .collect()
}

/// Encodes length and capacity in bytes, and the pointer.
pub(super) fn string_header(characters: &[u16], spare: u16, pointer: u32) -> [u8; 8] {
    // `utf16` limits the length.
    let length = characters.len() as u16 * 2;
    let mut bytes = [0; 8];
    bytes[..2].copy_from_slice(&length.to_le_bytes());
    bytes[2..4].copy_from_slice(&(length + 2 * spare).to_le_bytes());
    bytes[4..].copy_from_slice(&pointer.to_le_bytes());
    bytes
}

/// Appends the characters after capacity, offset and length, padded to a multiple of four bytes.
pub(super) fn append_string(bytes: &mut Vec<u8>, characters: &[u16], spare: u16) {
    let length = characters.len() as u32;
    for number in [length + u32::from(spare), 0, length] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend(
        characters
            .iter()
            .flat_map(|character| character.to_le_bytes()),
    );
    if characters.len() % 2 == 1 {
        bytes.extend_from_slice(&[0; 2]);
    }
}

/// Appends a SID after the number of its parts.
pub(super) fn append_sid(bytes: &mut Vec<u8>, sid: &Sid) {
    bytes.extend_from_slice(&(sid.sub_authorities().len() as u32).to_le_bytes());
    bytes.extend_from_slice(&sid.to_bytes());
}

/// Reads one structure that is pointed to. Every step is bounds-checked.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Skips the headers and the pointer.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Self(bytes);
        let header: [u8; 8] = reader.array()?;
        let length = reader.u32()?;
        reader.u32()?;
        // The filler may have any value.
        if header[..4] != HEADER[..4] || length as usize != reader.0.len() {
            return Err(Malformed);
        }
        reader.u32()?;
        Ok(reader)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    /// Skips the in-structure part of an `RPC_UNICODE_STRING`.
    pub(super) fn string_header(&mut self) -> Result<(), Malformed> {
        self.take(8).map(drop)
    }

    /// Reads the characters of a string that is pointed to.
    pub(super) fn string(&mut self) -> Result<String, Malformed> {
        self.take(8)?;
        let length = self.u32()? as usize;
        let bytes = self.take(length.checked_mul(2).ok_or(Malformed)?)?;
        if length % 2 == 1 {
            self.take(2)?;
        }
        let characters: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&characters).map_err(|_| Malformed)
    }

    /// Returns how many bytes are left.
    pub(super) fn remaining(&self) -> usize {
        self.0.len()
    }
}
