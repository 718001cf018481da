//! Paths whose inodes have been looked up (Hadoop's `INodesInPath`).

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::namenode::path;
use crate::namenode::state::inode::{InodeId, ROOT};
use crate::namenode::state::kept::SnapshotId;

/// A path and its existing inodes.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedPath<'a> {
    pub(super) path: Cow<'a, str>,
    pub(super) existing: SmallVec<[InodeId; 12]>,
    pub(super) depth: usize,
    pub(super) raw: bool,
    pub(super) link: bool,
    /// The snapshot that the path shows: the one that it goes through, or the latest one of its
    /// directories if it names none.
    pub(super) snapshot: Option<SnapshotId>,
    /// The index of the component `.snapshot`, if it stands for snapshots.
    pub(super) dot_snapshot: Option<usize>,
}

impl ResolvedPath<'_> {
    /// Returns the path without a trailing slash and without the `/.reserved` prefix.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Returns the existing inodes along the path, starting at the root. If a file comes before the
    /// end of the path, it is the last.
    pub(crate) fn existing(&self) -> &[InodeId] {
        &self.existing
    }

    /// Returns the number of inodes in the complete path: 1 for the root.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Returns the inode that the path names, if it exists.
    pub(crate) fn last(&self) -> Option<InodeId> {
        (self.existing.len() == self.depth).then(|| self.existing[self.depth - 1])
    }

    /// Returns the directory of the last component, if it exists; for the root, the root itself.
    pub(crate) fn parent(&self) -> Option<InodeId> {
        match self.depth {
            1 => Some(ROOT),
            depth => self.existing.get(depth - 2).copied(),
        }
    }

    /// Returns the nearest existing ancestor, excluding the inode itself.
    pub(crate) fn nearest_ancestor(&self) -> Option<InodeId> {
        let ancestors = self.existing.len().min(self.depth.saturating_sub(1));
        ancestors.checked_sub(1).map(|index| self.existing[index])
    }

    /// Returns the components that do not exist.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &str> {
        path::components(&self.path).skip(self.existing.len() - 1)
    }

    /// Returns this path as one that may end in a symbolic link, which is then meant itself
    /// (`DirOp.READ_LINK` and `WRITE_LINK`).
    pub(crate) fn not_following(mut self) -> Self {
        self.link = true;
        self
    }

    /// Returns true if a symbolic link at the end of the path is meant itself.
    pub(crate) fn means_link(&self) -> bool {
        self.link
    }

    /// Returns true if the path goes through a directory's snapshots, and cannot be changed.
    pub(crate) fn is_snapshot(&self) -> bool {
        self.dot_snapshot.is_some()
    }

    /// Returns the directory whose snapshots the path names, if it ends there.
    pub(crate) fn directory_of_snapshots(&self) -> Option<InodeId> {
        let last = path::components(&self.path).count();
        let ends = self.dot_snapshot.is_some_and(|index| index == last);
        ends.then(|| self.existing[self.existing.len() - 1])
    }

    /// Returns the directory through whose snapshots the path goes.
    pub(crate) fn root_of_snapshot(&self) -> Option<InodeId> {
        self.dot_snapshot.map(|dot| self.existing[dot - 1])
    }

    /// Returns the snapshot that the path shows: the one that it goes through, or the latest one of
    /// its directories if it goes through `.snapshot` and names none.
    pub(crate) fn snapshot(&self) -> Option<SnapshotId> {
        self.snapshot
    }

    /// Returns the path up to its component `index`, where 0 is the root (`getPath`).
    pub(crate) fn up_to(&self, index: usize) -> String {
        let mut path = String::new();
        for component in path::components(&self.path).take(index) {
            path.push('/');
            path.push_str(component);
        }
        if path.is_empty() {
            "/".to_owned()
        } else {
            path
        }
    }

    /// Returns the index of the component that names the existing inode `index`. The component
    /// `.snapshot` names no inode.
    pub(crate) fn component(&self, index: usize) -> usize {
        index + usize::from(self.dot_snapshot.is_some_and(|dot| dot <= index))
    }

    /// Returns true if the path began with `/.reserved/raw`.
    pub(crate) fn is_raw(&self) -> bool {
        self.raw
    }
}
