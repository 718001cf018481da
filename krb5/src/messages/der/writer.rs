//! Writing.

use rand::Rng;

use super::{APPLICATION, BIT_STRING, CONTEXT, GENERAL_STRING, GENERALIZED_TIME};
use super::{INTEGER, OCTET_STRING, SEQUENCE};
use crate::crypto::{MAX_HEADER, MAX_TRAILER};
use crate::messages::time_text;
use crate::{EncryptionKey, KeyUsage, Principal, Timestamp};

/// Writes from the last byte to the first, since a value's length comes before its content. So the
/// last field is written first.
pub(in crate::messages) struct Writer {
    buffer: Vec<u8>,
    /// What is before it is still empty.
    start: usize,
}

impl Writer {
    /// Begins a message of about this length. It may become longer.
    pub(in crate::messages) fn new(about: usize) -> Self {
        // What `seal` appends has room, too. Zeros from `vec![0; about]` would come from glibc's
        // calloc, which takes nothing from the thread's own cache.
        let mut buffer = Vec::with_capacity(about + MAX_TRAILER);
        buffer.resize(about, 0);
        Self {
            buffer,
            start: about,
        }
    }

    /// Returns what was written.
    pub(in crate::messages) fn finish(mut self) -> Vec<u8> {
        self.buffer.copy_within(self.start.., 0);
        self.buffer.truncate(self.buffer.len() - self.start);
        self.buffer
    }

    /// Returns what was written, encrypted, without another buffer.
    pub(in crate::messages) fn seal(
        mut self,
        key: &EncryptionKey,
        usage: KeyUsage,
        rng: &mut impl Rng,
    ) -> Vec<u8> {
        self.bytes(&[0; MAX_HEADER][..key.header_len()]);
        key.encrypt_in_place(usage, &mut self.buffer, self.start, rng);
        self.finish()
    }

    /// Puts bytes before all others.
    #[inline]
    pub(in crate::messages) fn bytes(&mut self, bytes: &[u8]) {
        if self.start < bytes.len() {
            self.grow(bytes.len());
        }
        let end = self.start;
        self.start -= bytes.len();
        self.buffer[self.start..end].copy_from_slice(bytes);
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        let more = self.buffer.len() + needed;
        let mut buffer = vec![0; more];
        buffer.extend_from_slice(&self.buffer);
        self.start += more;
        self.buffer = buffer;
    }

    /// Writes a value with this tag.
    fn tagged(&mut self, tag: u8, content: impl FnOnce(&mut Self)) {
        let before = self.buffer.len() - self.start;
        content(self);
        let length = self.buffer.len() - self.start - before;
        match length {
            0..0x80 => self.bytes(&[tag, length as u8]),
            0x80..0x100 => self.bytes(&[tag, 0x81, length as u8]),
            0x100..0x1_0000 => self.bytes(&[tag, 0x82, (length >> 8) as u8, length as u8]),
            _ => {
                let number = length.to_be_bytes();
                let zeros = number.iter().take_while(|byte| **byte == 0).count();
                self.bytes(&number[zeros..]);
                self.bytes(&[tag, 0x80 | (number.len() - zeros) as u8]);
            }
        }
    }

    pub(in crate::messages) fn application(&mut self, number: u8, fields: impl FnOnce(&mut Self)) {
        self.tagged(APPLICATION | number, |writer| writer.sequence(fields));
    }

    pub(in crate::messages) fn sequence(&mut self, fields: impl FnOnce(&mut Self)) {
        self.tagged(SEQUENCE, fields);
    }

    /// Writes the field of this number.
    pub(in crate::messages) fn field(&mut self, number: u8, value: impl FnOnce(&mut Self)) {
        self.tagged(CONTEXT | number, value);
    }

    /// Writes the field of this number if there is a value.
    pub(in crate::messages) fn optional<T>(
        &mut self,
        number: u8,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T),
    ) {
        if let Some(value) = value {
            self.field(number, |writer| write(writer, value));
        }
    }

    /// Writes a list. An empty one is written, too.
    pub(in crate::messages) fn list<T>(&mut self, list: &[T], element: impl Fn(&mut Self, &T)) {
        self.sequence(|writer| list.iter().rev().for_each(|it| element(writer, it)));
    }

    /// Writes a list as the field of this number, unless it is empty.
    pub(in crate::messages) fn list_field<T>(
        &mut self,
        number: u8,
        list: &[T],
        element: impl Fn(&mut Self, &T),
    ) {
        if !list.is_empty() {
            self.field(number, |writer| writer.list(list, element));
        }
    }

    pub(in crate::messages) fn integer(&mut self, number: i64) {
        if let 0..0x80 = number {
            return self.bytes(&[INTEGER, 1, number as u8]);
        }
        let bytes = number.to_be_bytes();
        // Bits that only repeat the sign are left out, but for one.
        let sign_bits = if number < 0 { !number } else { number }.leading_zeros();
        let left_out = (sign_bits as usize - 1) / 8;
        self.tagged(INTEGER, |writer| writer.bytes(&bytes[left_out..]));
    }

    pub(in crate::messages) fn octets(&mut self, bytes: &[u8]) {
        self.tagged(OCTET_STRING, |writer| writer.bytes(bytes));
    }

    pub(in crate::messages) fn bits(&mut self, bits: u32) {
        let [a, b, c, d] = bits.to_be_bytes();
        self.bytes(&[BIT_STRING, 5, 0, a, b, c, d]);
    }

    pub(in crate::messages) fn time(&mut self, time: Timestamp) {
        let text = time_text::format(time);
        self.bytes(&text);
        self.bytes(&[GENERALIZED_TIME, text.len() as u8]);
    }

    pub(in crate::messages) fn text(&mut self, text: &str) {
        self.tagged(GENERAL_STRING, |writer| writer.bytes(text.as_bytes()));
    }

    fn name(&mut self, principal: &Principal) {
        self.sequence(|writer| {
            let components = principal.components();
            writer.field(1, |writer| {
                writer.list(components, |writer, text| writer.text(text));
            });
            writer.field(0, |writer| writer.integer(principal.name_type().0.into()));
        });
    }

    /// Writes a principal as two fields: its realm, and then its name.
    pub(in crate::messages) fn principal(&mut self, number: u8, principal: &Principal) {
        self.field(number + 1, |writer| writer.name(principal));
        self.field(number, |writer| writer.text(principal.realm()));
    }

    /// Writes a sequence of a number and bytes, whose fields have this number and the next.
    pub(in crate::messages) fn pair(&mut self, number: u8, kind: i32, bytes: &[u8]) {
        self.sequence(|writer| {
            writer.field(number + 1, |writer| writer.octets(bytes));
            writer.field(number, |writer| writer.integer(kind.into()));
        });
    }

    pub(in crate::messages) fn key(&mut self, key: &EncryptionKey) {
        self.pair(0, key.enctype().0, key.as_bytes());
    }
}
