//! Parses protobuf in place for the few headers of every call, without copies or allocations.
//!
//! Messages that come once per connection, and all requests and responses, use prost.

/// A truncated or invalid message. Names the part that could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// The value of a field, by wire type.
pub(crate) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// A fixed-width number. No header contains one.
    Fixed,
}

impl<'a> Value<'a> {
    pub(crate) fn varint(self) -> Result<u64, Malformed> {
        match self {
            Self::Varint(value) => Ok(value),
            _ => Err(Malformed("a field is no varint")),
        }
    }

    pub(crate) fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(value) => Ok(value),
            _ => Err(Malformed("a field is not length-delimited")),
        }
    }

    pub(crate) fn string(self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed("a string is not UTF-8"))
    }

    /// Returns the value of a `sint32` (zigzag).
    pub(crate) fn sint32(self) -> Result<i32, Malformed> {
        let value = self.varint()? as u32;
        Ok((value >> 1) as i32 ^ -((value & 1) as i32))
    }
}

/// Reads a varint (protobuf's base 128, at most ten bytes) from the start of `input`.
pub(crate) fn varint(input: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0_u64;
    for (index, &byte) in input.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            *input = &input[index + 1..];
            return Ok(value);
        }
    }
    Err(Malformed("a varint does not end"))
}

/// Takes `varint(length) message` from the start of `input` (protobuf's `writeDelimitedTo`).
pub(crate) fn delimited<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = usize::try_from(varint(input)?).map_err(|_| Malformed("a length is too large"))?;
    let (message, rest) = input
        .split_at_checked(length)
        .ok_or(Malformed("a message ends too early"))?;
    *input = rest;
    Ok(message)
}

/// Takes the next field of a message and returns its number and value.
pub(crate) fn field<'a>(input: &mut &'a [u8]) -> Result<Option<(u64, Value<'a>)>, Malformed> {
    if input.is_empty() {
        return Ok(None);
    }
    let key = varint(input)?;
    let skip = |input: &mut &'a [u8], count| {
        *input = input
            .get(count..)
            .ok_or(Malformed("a message ends too early"))?;
        Ok(Value::Fixed)
    };
    let value = match key & 7 {
        0 => Value::Varint(varint(input)?),
        1 => skip(input, 8)?,
        2 => Value::Bytes(delimited(input)?),
        5 => skip(input, 4)?,
        _ => return Err(Malformed("a field has an unknown wire type")),
    };
    match key >> 3 {
        0 => Err(Malformed("a field has the number 0")),
        number => Ok(Some((number, value))),
    }
}

/// Appends a varint.
pub(crate) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Returns the number of bytes that [`put_varint`] appends.
pub(crate) const fn varint_length(value: u64) -> usize {
    (value | 1).ilog2() as usize / 7 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_is_at_most_ten_bytes() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(value, &mut bytes);
            assert_eq!(bytes.len(), varint_length(value), "{value}");
            let mut input = bytes.as_slice();
            assert_eq!(varint(&mut input), Ok(value));
            assert!(input.is_empty());
            for length in 0..bytes.len() {
                assert!(varint(&mut &bytes[..length]).is_err());
            }
        }
        assert!(varint(&mut [0x80; 11].as_slice()).is_err());
    }

    #[test]
    fn fields_of_every_kind_are_read_or_passed_over() {
        let mut input: &[u8] = &[
            0x08, 0x41, 0x12, 1, 7, 0x1d, 0, 0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let (number, value) = field(&mut input).unwrap().unwrap();
        assert_eq!((number, value.sint32()), (1, Ok(-33)));
        let (number, value) = field(&mut input).unwrap().unwrap();
        assert_eq!((number, value.bytes()), (2, Ok([7].as_slice())));
        assert_eq!(field(&mut input).unwrap().unwrap().0, 3);
        assert_eq!(field(&mut input).unwrap().unwrap().0, 4);
        assert!(field(&mut input).unwrap().is_none());
        for wrong in [[0x0b].as_slice(), &[0x00, 0], &[0x0d, 0], &[0x12, 2, 0]] {
            assert!(field(&mut &*wrong).is_err());
        }
    }
}
