//! Snapshots as Hadoop records them, and as an image holds them: for each inode, what changed after
//! a snapshot was taken and before the next one that shows it.

use smol_str::SmolStr;

use crate::namenode::state::inode::{Inode, InodeId};
use crate::namenode::state::kept::SnapshotId;
use crate::protocol::Block;

/// What changed in a directory after a snapshot (`DirectoryDiff`).
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct DirectoryDiff {
    /// The last snapshot that shows the directory as it was before.
    pub(crate) snapshot: SnapshotId,
    /// True if the snapshot is one of this directory, which has its own copy of the attributes.
    pub(crate) is_snapshot_root: bool,
    /// The attributes in the snapshot, with the name; `None` if they are those of the next diff.
    pub(crate) copy: Option<Inode>,
    /// The number of children in the snapshot.
    pub(crate) children: usize,
    /// The names of children that the snapshot does not show.
    pub(crate) created: Vec<SmolStr>,
    /// The children that only the snapshot shows.
    pub(crate) deleted: Vec<Deleted>,
}

/// A child of a directory that is there no longer.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Deleted {
    pub(crate) name: SmolStr,
    pub(crate) id: InodeId,
    /// True if the inode has been in several places (`INodeReference`).
    pub(crate) is_reference: bool,
}

/// What changed of a file after a snapshot (`FileDiff`).
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct FileDiff {
    /// The last snapshot that shows the file as it was before.
    pub(crate) snapshot: SnapshotId,
    /// The length in the snapshot.
    pub(crate) length: u64,
    /// The attributes in the snapshot, with the name; `None` if they are those of the next diff.
    pub(crate) copy: Option<Inode>,
    /// The blocks in the snapshot; empty if they are the first ones of the next diff.
    pub(crate) blocks: Vec<Block>,
}

/// All that an image holds of snapshots, besides the inodes that they show.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Recorded {
    /// The snapshots, with their directories' attributes and their own names.
    pub(crate) snapshots: Vec<(SnapshotId, Inode)>,
    /// The diffs of directories, in the order of their snapshots.
    pub(crate) directories: Vec<(InodeId, Vec<DirectoryDiff>)>,
    /// The diffs of files, in the order of their snapshots.
    pub(crate) files: Vec<(InodeId, Vec<FileDiff>)>,
    /// The children that were elsewhere before (`DstReference`).
    pub(crate) references: Vec<InodeId>,
}
