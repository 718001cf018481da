//! The security layer of an established connection, split by direction.

use super::SaslError;
use super::digest_md5::{DigestUnwrap, DigestWrap};
use super::gssapi::{GssUnwrap, GssWrap};

/// The two directions of a layer.
pub(crate) struct Layer {
    pub(crate) wrap: WrapHalf,
    pub(crate) unwrap: UnwrapHalf,
}

impl Layer {
    /// Returns a layer without protection.
    pub(crate) fn none() -> Self {
        Self {
            wrap: WrapHalf(Wrap::None),
            unwrap: UnwrapHalf(Unwrap::None),
        }
    }
}

/// Protects messages to the peer.
pub struct WrapHalf(pub(super) Wrap);

pub(super) enum Wrap {
    None,
    DigestMd5(Box<DigestWrap>),
    Gssapi(Box<GssWrap>),
}

impl WrapHalf {
    /// Appends the token that protects `plaintext` to `out`, or `plaintext` itself if there is no
    /// layer.
    pub fn wrap_into(&mut self, plaintext: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            Wrap::None => out.extend_from_slice(plaintext),
            Wrap::DigestMd5(layer) => layer.wrap_into(plaintext, out),
            Wrap::Gssapi(layer) => layer.wrap_into(plaintext, out),
        }
    }
}

impl WrapHalf {
    /// Appends a frame for each message: an `int32` length and the token that protects it. Two
    /// messages take less time together than one after the other.
    pub fn wrap_frames_into<const N: usize>(&mut self, messages: [&[u8]; N], out: &mut Vec<u8>) {
        if let Wrap::DigestMd5(layer) = &mut self.0 {
            let macs = layer.macs(messages);
            for (message, mac) in messages.into_iter().zip(macs) {
                frame(out, |out| layer.seal_into(message, mac, out));
            }
            return;
        }
        for message in messages {
            frame(out, |out| self.wrap_into(message, out));
        }
    }
}

/// Appends a length and what `append` appends.
fn frame(out: &mut Vec<u8>, append: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    append(out);
    // Messages are at most one packet long.
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// Verifies and unwraps messages from the peer.
pub struct UnwrapHalf(pub(super) Unwrap);

pub(super) enum Unwrap {
    None,
    DigestMd5(Box<DigestUnwrap>),
    Gssapi(Box<GssUnwrap>),
}

impl UnwrapHalf {
    /// Appends the plaintext of `token` to `out`. After an error `out` is unchanged, and the
    /// connection must be closed.
    pub fn unwrap_into(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<(), SaslError> {
        match &mut self.0 {
            Unwrap::None => {
                out.extend_from_slice(token);
                Ok(())
            }
            Unwrap::DigestMd5(layer) => layer.unwrap_into(token, out),
            Unwrap::Gssapi(layer) => layer.unwrap_into(token, out),
        }
    }

    /// Same as [`unwrap_into`](Self::unwrap_into) for the first token and then for the second, but
    /// takes less time. After an error in the second one, `out` holds the first one's plaintext.
    pub fn unwrap_pair_into(
        &mut self,
        tokens: [&[u8]; 2],
        out: &mut Vec<u8>,
    ) -> Result<(), SaslError> {
        if let Unwrap::DigestMd5(layer) = &mut self.0 {
            return layer.unwrap_pair_into(tokens, out);
        }
        tokens
            .into_iter()
            .try_for_each(|token| self.unwrap_into(token, out))
    }
}
