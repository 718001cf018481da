//! The error of a file that cannot be read.

/// A place in a file where it cannot be read.
///
/// ```
/// let error = kerbox_kdc::DatabaseFile::parse(b"other").expect_err("not a database");
/// assert_eq!(error.to_string(), "at byte 0: it is not a realm of Kerbox's");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {reason}")]
pub struct DamagedFile {
    /// The place, in bytes from the beginning.
    pub offset: usize,
    /// The problem.
    pub reason: String,
}

pub(super) fn damaged(offset: usize, reason: &str) -> DamagedFile {
    DamagedFile {
        offset,
        reason: reason.to_owned(),
    }
}
