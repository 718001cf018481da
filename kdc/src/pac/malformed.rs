//! The error of every reader in this folder.

/// Bytes that are not a valid PAC, or part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;
