//! The subset of DER that the frames around tokens need.

/// Encodes a value with its tag and length. The content is the concatenation of `parts`.
pub(super) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut value = Vec::with_capacity(length + 6);
    value.push(tag);
    if length < 0x80 {
        value.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let skipped = (length.leading_zeros() / 8) as usize;
        value.push(0x80 | (bytes.len() - skipped) as u8);
        value.extend_from_slice(&bytes[skipped..]);
    }
    parts.iter().for_each(|part| value.extend_from_slice(part));
    value
}

/// Returns the tag and content of the first value, and the bytes after it.
pub(super) fn read(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (
                length
                    .iter()
                    .fold(0, |length, byte| length << 8 | usize::from(*byte)),
                rest,
            )
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// Returns the content of the only value in `bytes`, if it has this tag.
pub(super) fn read_only(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    match read(bytes)? {
        (found, content, []) if found == tag => Some(content),
        _ => None,
    }
}
