//! Messages over TCP: four bytes of length, the highest bit reserved (RFC 4120, 7.2.2).

use crate::{Error, ErrorCode};

/// The longest message accepted from a TCP connection: 1 MiB, like MIT's KDC.
pub const MAX_MESSAGE: usize = 1 << 20;

/// Returns `message` preceded by its length.
#[must_use]
pub fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(4 + message.len());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(message);
    bytes
}

/// Returns the length given by these four bytes. Fails with `KRB_ERR_FIELD_TOOLONG` if it exceeds
/// [`MAX_MESSAGE`].
pub fn frame_length(header: [u8; 4]) -> Result<usize, Error> {
    let length = u32::from_be_bytes(header) as usize;
    if length > MAX_MESSAGE {
        return Err(ErrorCode::KRB_ERR_FIELD_TOOLONG.into());
    }
    Ok(length)
}
