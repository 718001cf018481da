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
}
