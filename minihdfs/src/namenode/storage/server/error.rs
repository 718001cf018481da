//! Failures to use a name directory.

use std::io;
use std::path::{Path, PathBuf};

use crate::namenode::storage::LAYOUT_VERSION;
use crate::namenode::storage::error::StorageError;
use crate::storage_directory::TransitionError;

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
    /// The directory has been written by an older Hadoop. Nothing was changed.
    #[error(
        "{}: File system image contains an old layout version {found}. An upgrade to version \
         {LAYOUT_VERSION} is required. Please restart NameNode with the \"-rollingUpgrade \
         started\" option if a rolling upgrade is already started; or restart NameNode with the \
         \"-upgrade\" option to start a new upgrade. With Kerbox, that is the flag \
         `--upgrade`, or `.upgrade()` in a test: it keeps the files as they are in `previous` \
         until `hdfs dfsadmin -finalizeUpgrade`",
        path.display()
    )]
    NeedsUpgrade {
        /// The directory.
        path: PathBuf,
        /// The layout version of its files.
        found: i32,
    },
    /// A file has contents that cannot be read. Nothing was changed.
    #[error(transparent)]
    Contents(#[from] StorageError),
}

impl From<TransitionError> for NameDirectoryError {
    fn from(error: TransitionError) -> Self {
        match error {
            TransitionError::Io {
                doing,
                path,
                source,
            } => Self::Io {
                doing,
                path,
                source,
            },
            TransitionError::Inconsistent { root: path, reason } => Self::Unusable { path, reason },
        }
    }
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
