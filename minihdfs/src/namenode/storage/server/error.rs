//! Failures to use a name directory.

use std::io;
use std::path::{Path, PathBuf};

use crate::namenode::storage::error::StorageError;

/// A failure to use a name directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameDirectoryError {
    /// A file cannot be read, written or locked.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// The operation, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another process uses the directory.
    #[error(
        "{} is in use by {owner}: stop it, or name another directory",
        path.display()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process, as it wrote itself into the lock.
        owner: String,
    },
    /// The directory contains something else, or something incomplete. Nothing was changed.
    #[error("{} cannot be used as a name directory: {reason}", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A file has contents that cannot be read. Nothing was changed.
    #[error(transparent)]
    Contents(#[from] StorageError),
}

pub(super) type Result<T> = std::result::Result<T, NameDirectoryError>;

/// Returns what turns the system's error at `doing` something with a path into ours.
pub(super) fn failed(
    doing: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> NameDirectoryError + use<> {
    let path = path.to_owned();
    move |source| NameDirectoryError::Io {
        doing,
        path,
        source,
    }
}

pub(super) fn unusable(path: &Path, reason: String) -> NameDirectoryError {
    NameDirectoryError::Unusable {
        path: path.to_owned(),
        reason,
    }
}
