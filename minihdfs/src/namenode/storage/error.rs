//! A file that cannot be read.

/// The place and the reason for which a file of the namespace cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{file}, offset {offset}: {reason}")]
pub struct StorageError {
    /// The file.
    pub file: String,
    /// The offset of the part that cannot be read.
    pub offset: u64,
    /// The reason.
    pub reason: String,
}

impl StorageError {
    pub(crate) fn new(file: &str, offset: usize, reason: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            offset: offset as u64,
            reason: reason.into(),
        }
    }
}
