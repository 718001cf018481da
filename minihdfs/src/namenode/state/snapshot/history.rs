//! What snapshots keep of one inode.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::namenode::state::inode::{Inode, InodeId};
use crate::namenode::state::name::Name;
use crate::namenode::state::snapshot::moment::Moment;
use crate::namenode::state::snapshot::stay::Stay;

/// What snapshots keep of one inode. It outlives the inode, as long as a snapshot shows it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct History {
    /// The earlier attributes, the oldest first.
    pub(super) versions: Vec<Version>,
    /// The children that are gone, by their names and the moments at which they went.
    pub(super) gone: BTreeMap<(Name<SmolStr>, Moment), Gone>,
    /// The moment at which the inode was moved into its directory; 0 if no snapshot shows that
    /// directory without it.
    pub(super) arrived: Moment,
    /// Where the inode was before; all of it once the inode is removed.
    pub(super) stays: Vec<Stay>,
    /// True if a snapshot showed the inode somewhere else before it was moved.
    pub(super) moved: bool,
    /// True once the inode is removed.
    pub(super) removed: bool,
}

/// The attributes of an inode until a moment (Hadoop's diffs).
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Version {
    /// The moment at which they changed.
    pub(super) until: Moment,
    /// The length of a file. Its blocks may have grown since.
    pub(super) length: u64,
    /// The inode as it was, without children.
    pub(super) inode: Inode,
    /// True if only children came or went since. Hadoop then has no copy of the attributes yet, and
    /// a snapshot shows the present modification time (`DirectoryDiff` without `snapshotINode`).
    pub(super) lacks_copy: bool,
}

/// A child that a directory had.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Gone {
    pub(super) id: InodeId,
    /// The moment from which on it was there.
    pub(super) from: Moment,
}

impl History {
    /// Returns the moment of the last change that was kept; what changed earlier is in a version.
    pub(super) fn kept_until(&self) -> Moment {
        self.versions.last().map_or(0, |version| version.until)
    }

    /// Returns the last versions, of which there is no copy yet.
    pub(super) fn without_copy(&mut self) -> impl Iterator<Item = &mut Version> {
        let last = self.versions.iter_mut().rev();
        last.take_while(|version| version.lacks_copy)
    }

    /// Takes the last versions, of which there is no copy yet, as they are.
    pub(super) fn settle(&mut self) {
        self.without_copy()
            .for_each(|version| version.lacks_copy = false);
    }

    /// Returns the attributes at a moment; `None` if they have not changed since.
    pub(super) fn version(&self, at: Moment) -> Option<&Version> {
        let later = self.versions.partition_point(|it| it.until <= at);
        self.versions.get(later)
    }

    /// Returns true if a snapshot needs any of it.
    pub(super) fn is_needed(&self) -> bool {
        let of_present = self.arrived > 0 || !self.stays.is_empty() || !self.gone.is_empty();
        !self.versions.is_empty() || of_present && !self.removed
    }
}
