//! The proof that a file in the directory is ours.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

/// The proof that a file is ours.
#[derive(Clone, Default, Debug)]
pub(crate) struct Proof {
    /// Another program makes the file, so that its name must do.
    pub(super) by_name: bool,
    /// The files that Kerbox wrote: the present one, or the one before if a kill came in between.
    pub(super) written: Vec<String>,
}

impl Proof {
    /// Returns whether a file is the one that was recorded.
    pub(crate) fn fits(&self, found: &Metadata) -> bool {
        let kind = found.file_type();
        (self.by_name && (kind.is_file() || kind.is_socket()))
            || (kind.is_file() && self.written.contains(&identity(found)))
    }

    pub(super) fn add_written(&mut self, identity: String) {
        if self.written.len() > 1 {
            self.written.remove(0);
        }
        self.written.push(identity);
    }
}

/// Returns the name in `identity name`; empty if there is none.
pub(super) fn after_identity(rest: &str) -> &str {
    rest.split_once(' ').map_or("", |(_, name)| name)
}

/// Returns what tells a file from others, and from itself after a change.
pub(super) fn identity(file: &Metadata) -> String {
    let (seconds, nanos) = (file.mtime(), file.mtime_nsec());
    format!(
        "{:x}:{}:{}:{seconds}.{nanos}",
        file.dev(),
        file.ino(),
        file.size()
    )
}
