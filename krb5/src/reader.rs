//! Reads the big-endian fields of keytabs and credential caches.

use crate::Error;

/// Takes fields off the front of a file's bytes. Every error names the position.
pub(crate) struct Reader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// Creates a reader of `bytes`, which errors call `what`.
    pub(crate) fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            what,
            bytes,
            position: 0,
        }
    }

    /// Returns a reader of the same file that ends `len` bytes from here.
    pub(crate) fn limited(&self, len: usize) -> Result<Self, Error> {
        let end = self
            .position
            .checked_add(len)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.malformed("it ends within a record"))?;
        Ok(Self {
            what: self.what,
            bytes: &self.bytes[..end],
            position: self.position,
        })
    }

    /// Returns how many bytes are left.
    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Returns an error about the bytes at this position.
    pub(crate) fn malformed(&self, why: &'static str) -> Error {
        Error::Malformed {
            what: self.what,
            why: format!("at byte {}: {why}", self.position),
        }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let end = self
            .position
            .checked_add(len)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.malformed("it ends within a field"))?;
        let taken = &self.bytes[self.position..end];
        self.position = end;
        Ok(taken)
    }

    /// Returns all remaining bytes.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.position..];
        self.position = self.bytes.len();
        rest
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    /// Reads bytes after their length in 16 bits.
    pub(crate) fn bytes16(&mut self) -> Result<&'a [u8], Error> {
        let len = self.u16()?;
        self.take(len.into())
    }

    /// Reads bytes after their length in 32 bits.
    pub(crate) fn bytes32(&mut self) -> Result<&'a [u8], Error> {
        let len = self.u32()?;
        self.take(len as usize)
    }

    /// Returns a name as text; it must be UTF-8.
    pub(crate) fn text(&self, bytes: &'a [u8]) -> Result<&'a str, Error> {
        std::str::from_utf8(bytes)
            .map_err(|_| self.malformed("a name before this place is not UTF-8"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }
}
