//! Hadoop's `Writable` encodings (`WritableUtils`, `Text`), used in tokens and credential files.

use crate::HdfsError;

/// The class of the error for bytes that end early.
pub(crate) const END_OF_FILE: &str = "java.io.EOFException";

/// Reads values from the front of a slice. Every error is a `java.io.IOException` that names the
/// value being read.
///
/// ```
/// use minihdfs::writable::{WritableReader, write_text, write_vlong};
///
/// let mut bytes = Vec::new();
/// write_text("alice", &mut bytes);
/// write_vlong(1_700_000_000_000, &mut bytes);
/// let mut reader = WritableReader::new(&bytes);
/// assert_eq!(reader.text("an owner")?, "alice");
/// assert_eq!(reader.vlong("a date")?, 1_700_000_000_000);
/// assert!(reader.is_empty());
/// # Ok::<(), minihdfs::HdfsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct WritableReader<'a> {
    rest: &'a [u8],
}

impl<'a> WritableReader<'a> {
    /// Creates a reader at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns the unread bytes.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns true if everything has been read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads the next `length` bytes.
    pub fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], HdfsError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| {
            let left = self.rest.len();
            HdfsError::new(
                END_OF_FILE,
                format!("{what} ends early: {left} bytes are left where {length} are needed"),
            )
        })?;
        self.rest = rest;
        Ok(taken)
    }

    /// Reads one byte.
    pub fn byte(&mut self, what: &str) -> Result<u8, HdfsError> {
        Ok(self.take(1, what)?[0])
    }

    /// Reads a `vlong`: one byte for -112 to 127, otherwise a marker that encodes sign and length,
    /// followed by the magnitude.
    pub fn vlong(&mut self, what: &str) -> Result<i64, HdfsError> {
        let first = i32::from(self.byte(what)?.cast_signed());
        let (length, negative) = match first {
            -112.. => return Ok(i64::from(first)),
            -120..=-113 => (-112 - first, false),
            _ => (-120 - first, true),
        };
        let magnitude = self.take(length as usize, what)?;
        let magnitude = magnitude
            .iter()
            .fold(0u64, |value, byte| value << 8 | u64::from(*byte))
            .cast_signed();
        Ok(if negative { !magnitude } else { magnitude })
    }

    /// Reads a `vint`: a `vlong` within 32 bits.
    pub fn vint(&mut self, what: &str) -> Result<i32, HdfsError> {
        let value = self.vlong(what)?;
        i32::try_from(value)
            .map_err(|_| HdfsError::io(format!("{what} is {value}, which does not fit in 32 bits")))
    }

    /// Reads a `vint` that is a count and so may not be negative.
    pub fn count(&mut self, what: &str) -> Result<usize, HdfsError> {
        let count = self.vint(what)?;
        usize::try_from(count)
            .map_err(|_| HdfsError::io(format!("{what} has a negative length: {count}")))
    }

    /// Reads a `vint` length and that many bytes.
    pub fn bytes(&mut self, what: &str) -> Result<&'a [u8], HdfsError> {
        let length = self.count(what)?;
        self.take(length, what)
    }

    /// Reads a `Text`: a `vint` length and UTF-8.
    pub fn text(&mut self, what: &str) -> Result<&'a str, HdfsError> {
        utf8(self.bytes(what)?, what)
    }

    /// Reads a string written by `WritableUtils.writeString`: a 32-bit length and UTF-8, where a
    /// length of -1 means `null`.
    pub fn string(&mut self, what: &str) -> Result<Option<&'a str>, HdfsError> {
        let length = self.take(4, what)?;
        let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        if length == -1 {
            return Ok(None);
        }
        let length = usize::try_from(length)
            .map_err(|_| HdfsError::io(format!("{what} has a negative length: {length}")))?;
        utf8(self.take(length, what)?, what).map(Some)
    }
}

fn utf8<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, HdfsError> {
    std::str::from_utf8(bytes).map_err(|_| HdfsError::io(format!("{what} is not UTF-8")))
}

/// Appends a `vlong`.
pub fn write_vlong(value: i64, out: &mut Vec<u8>) {
    if (-112..=127).contains(&value) {
        out.push((value as i8).cast_unsigned());
        return;
    }
    let (magnitude, base) = if value < 0 {
        (!value, -120i8)
    } else {
        (value, -112)
    };
    let bytes = magnitude.to_be_bytes();
    // A value outside the one-byte range has a magnitude of at least one byte.
    let skipped = (magnitude.leading_zeros() / 8) as usize;
    let length = bytes.len() - skipped;
    out.push((base - length as i8).cast_unsigned());
    out.extend_from_slice(&bytes[skipped..]);
}

/// Appends a `vint`.
pub fn write_vint(value: i32, out: &mut Vec<u8>) {
    write_vlong(i64::from(value), out);
}

/// Appends a length as a `vint`. Java never writes more than 2 GiB.
pub fn write_count(count: usize, out: &mut Vec<u8>) {
    write_vlong(i64::try_from(count).unwrap_or(i64::MAX), out);
}

/// Appends a `vint` length and `bytes`.
pub fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_count(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Appends a `Text`.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    write_bytes(text.as_bytes(), out);
}

/// Appends a string as `WritableUtils.writeString` does.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&i32::try_from(text.len()).unwrap_or(i32::MAX).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use kerbox_krb5::testing::unhex;

    #[test]
    fn vlongs_are_hadoops() {
        for (value, hex) in [
            (0, "00"),
            (-1, "ff"),
            (127, "7f"),
            (-112, "90"),
            (128, "8f80"),
            (-113, "8770"),
            (255, "8fff"),
            (-256, "87ff"),
            (256, "8e0100"),
            (-257, "860100"),
            (2_147_483_647, "8c7fffffff"),
            (-2_147_483_648, "847fffffff"),
            (1_690_000_000_000, "8a01897bd98400"),
            (-1_690_686_056, "8464c5d267"),
        ] {
            let mut out = Vec::new();
            write_vlong(value, &mut out);
            assert_eq!(out, unhex(hex), "{value}");
            let mut reader = WritableReader::new(&out);
            assert_eq!(reader.vlong("it").expect("well-formed"), value);
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn every_vlong_is_read_back() {
        let mut values = vec![i64::MIN, i64::MAX];
        for shift in 0..63 {
            for near in -2..=2 {
                values.extend([(1 << shift) + near, -(1 << shift) + near]);
            }
        }
        for value in values {
            let mut out = Vec::new();
            write_vlong(value, &mut out);
            assert_eq!(
                WritableReader::new(&out).vlong("it").expect("well-formed"),
                value
            );
            for end in 0..out.len() {
                assert!(WritableReader::new(&out[..end]).vlong("it").is_err());
            }
        }
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let reader = |hex| WritableReader::new(Box::leak(unhex(hex).into_boxed_slice()));
        assert!(reader("ff").bytes("it").is_err(), "negative");
        assert!(
            reader("8c7fffffff00").bytes("it").is_err(),
            "longer than the message"
        );
        assert!(
            reader("8b0100000000").vint("it").is_err(),
            "more than 32 bits"
        );
        assert!(reader("02fffe").text("it").is_err(), "not UTF-8");
        assert!(
            reader("fffffffe").string("it").is_err(),
            "negative, but not null"
        );
        assert_eq!(reader("ffffffff").string("it").expect("null"), None);
        assert_eq!(reader("0000000161").string("it").expect("a"), Some("a"));
    }
}
