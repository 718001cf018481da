//! The security layer of an established connection, split by direction. The mechanisms implement
//! [`Wrap`] and [`Unwrap`].

use super::error::SaslError;

/// Protects messages to the peer, as one mechanism does.
pub(super) trait Wrap: Send + Sync {
    /// Appends the token that protects `plaintext` to `out`.
    fn wrap_into(&mut self, plaintext: &[u8], out: &mut Vec<u8>);

    /// Appends the frames of two messages. Overridden where two take less time together than one
    /// after the other.
    fn wrap_pair_into(&mut self, messages: [&[u8]; 2], out: &mut Vec<u8>) {
        for message in messages {
            frame(out, |out| self.wrap_into(message, out));
        }
    }
}

/// Verifies and unwraps messages from the peer, as one mechanism does.
pub(super) trait Unwrap: Send + Sync {
    /// Appends the plaintext of `token` to `out`, which is unchanged after an error.
    fn unwrap_into(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<(), SaslError>;

    /// Appends the plaintext of the first token and then of the second. After an error in the
    /// second one, `out` holds the first one's. Overridden where that takes less time together.
    fn unwrap_pair_into(&mut self, tokens: [&[u8]; 2], out: &mut Vec<u8>) -> Result<(), SaslError> {
        tokens
            .into_iter()
            .try_for_each(|token| self.unwrap_into(token, out))
    }
}

/// The two directions of a layer.
pub(crate) struct Layer {
    pub(crate) wrap: WrapHalf,
    pub(crate) unwrap: UnwrapHalf,
}

impl Layer {
    /// Creates the layer of a mechanism.
    pub(super) fn new(wrap: impl Wrap + 'static, unwrap: impl Unwrap + 'static) -> Self {
        Self {
            wrap: WrapHalf(Some(Box::new(wrap))),
            unwrap: UnwrapHalf(Some(Box::new(unwrap))),
        }
    }

    /// Returns a layer without protection.
    pub(super) fn none() -> Self {
        Self {
            wrap: WrapHalf(None),
            unwrap: UnwrapHalf(None),
        }
    }
}

/// Protects messages to the peer.
pub struct WrapHalf(Option<Box<dyn Wrap>>);

impl WrapHalf {
    /// Appends the token that protects `plaintext` to `out`, or `plaintext` itself if there is no
    /// layer.
    pub fn wrap_into(&mut self, plaintext: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            None => out.extend_from_slice(plaintext),
            Some(layer) => layer.wrap_into(plaintext, out),
        }
    }

    /// Appends a frame for each message: an `int32` length and the token that protects it. Two
    /// messages take less time together than one after the other.
    pub fn wrap_frames_into<const N: usize>(&mut self, messages: [&[u8]; N], out: &mut Vec<u8>) {
        for messages in messages.chunks(2) {
            match (messages, &mut self.0) {
                (&[first, second], Some(layer)) => layer.wrap_pair_into([first, second], out),
                _ => {
                    for message in messages {
                        frame(out, |out| self.wrap_into(message, out));
                    }
                }
            }
        }
    }
}

/// Appends a length and what `append` appends.
pub(super) fn frame(out: &mut Vec<u8>, append: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    append(out);
    // Messages are at most one packet long.
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// Verifies and unwraps messages from the peer.
///
/// ```
/// use minihdfs::sasl::{SaslError, UnwrapHalf, WrapHalf};
///
/// /// Passes on a message from one connection to another.
/// fn forward(
///     from: &mut UnwrapHalf,
///     to: &mut WrapHalf,
///     token: &[u8],
/// ) -> Result<Vec<u8>, SaslError> {
///     let (mut message, mut onward) = (Vec::new(), Vec::new());
///     from.unwrap_into(token, &mut message)?;
///     to.wrap_into(&message, &mut onward);
///     Ok(onward)
/// }
/// ```
pub struct UnwrapHalf(Option<Box<dyn Unwrap>>);

impl UnwrapHalf {
    /// Appends the plaintext of `token` to `out`. After an error `out` is unchanged, and the
    /// connection must be closed.
    pub fn unwrap_into(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<(), SaslError> {
        match &mut self.0 {
            None => {
                out.extend_from_slice(token);
                Ok(())
            }
            Some(layer) => layer.unwrap_into(token, out),
        }
    }

    /// Same as [`unwrap_into`](Self::unwrap_into) for the first token and then for the second, but
    /// takes less time. After an error in the second one, `out` holds the first one's plaintext.
    pub fn unwrap_pair_into(
        &mut self,
        tokens: [&[u8]; 2],
        out: &mut Vec<u8>,
    ) -> Result<(), SaslError> {
        match &mut self.0 {
            None => {
                for token in tokens {
                    out.extend_from_slice(token);
                }
                Ok(())
            }
            Some(layer) => layer.unwrap_pair_into(tokens, out),
        }
    }
}
