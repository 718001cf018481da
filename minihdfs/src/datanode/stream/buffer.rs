//! A buffer that is used again and again.

/// The memory that a buffer keeps while data flows, whether it is filled or not: that of a read
/// or of a few packets of the usual size.
const ORDINARY: usize = 512 << 10;

/// The memory that an empty buffer keeps between operations.
pub(super) const IDLE: usize = 64 << 10;

/// A reusable buffer. `start..end` holds the contents; the bytes after it are initialized only
/// once.
#[derive(Default)]
pub(super) struct Buffer {
    pub(super) bytes: Vec<u8>,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Buffer {
    /// Returns the contents.
    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Returns all free space after the contents, which is at least `length` bytes.
    pub(super) fn room(&mut self, length: usize) -> &mut [u8] {
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

    /// Discards the first `length` bytes.
    pub(super) fn consume(&mut self, length: usize) {
        self.start += length;
        debug_assert!(self.start <= self.end, "only what is there can be consumed");
        self.release(ORDINARY);
    }

    /// Frees the memory of an empty buffer that is larger than `kept`.
    pub(super) fn release(&mut self, kept: usize) {
        if self.start == self.end && self.bytes.capacity() > kept {
            *self = Self::default();
        }
    }

    /// Returns the number of bytes of the contents, or of the whole buffer if that is larger than
    /// an ordinary one.
    pub(super) fn held(&self) -> usize {
        match self.bytes.capacity() {
            ..=ORDINARY => self.filled().len(),
            capacity => capacity,
        }
    }

    /// Discards the contents, and keeps the memory.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Lets `append` append to the contents.
    pub(super) fn append_with<R>(&mut self, append: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        self.bytes.truncate(self.end);
        let result = append(&mut self.bytes);
        self.end = self.bytes.len();
        result
    }
}
