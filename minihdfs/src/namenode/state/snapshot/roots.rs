//! Directories of which snapshots may be taken, and their snapshots.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::namenode::state::inode::{Inode, InodeId};
use crate::namenode::state::snapshot::moment::{Moment, SnapshotId};

/// The most snapshots of a directory that `allowSnapshot` permits.
const QUOTA: u32 = 1 << 16;

/// A directory of which snapshots may be taken (`DirectorySnapshottableFeature`).
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Snapshottable {
    /// The most snapshots.
    pub(crate) quota: u32,
    snapshots: BTreeMap<SnapshotId, Snapshot>,
    /// The snapshots in the order of their names.
    names: BTreeMap<Box<str>, SnapshotId>,
}

impl Default for Snapshottable {
    fn default() -> Self {
        Self {
            quota: QUOTA,
            snapshots: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }
}

/// A snapshot of a directory.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Snapshot {
    /// The directory's attributes, with the snapshot's name and without children
    /// (`Snapshot.Root`).
    pub(crate) root: Inode,
    /// The last inode that was created before it.
    pub(super) last_inode: InodeId,
}

impl Snapshottable {
    /// Returns the number of snapshots.
    pub(crate) fn len(&self) -> usize {
        self.snapshots.len()
    }

    /// Returns the snapshot of this name.
    pub(crate) fn named(&self, name: &str) -> Option<SnapshotId> {
        self.names.get(name).copied()
    }

    /// Returns the snapshot with this id.
    pub(crate) fn get(&self, id: SnapshotId) -> Option<&Snapshot> {
        self.snapshots.get(&id)
    }

    /// Returns the snapshots in the order of their names.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = (SnapshotId, &Snapshot)> {
        let ids = self.names.values();
        ids.filter_map(|id| Some((*id, self.snapshots.get(id)?)))
    }

    /// Returns the snapshots from this id on.
    pub(super) fn since(&self, id: SnapshotId) -> impl Iterator<Item = (SnapshotId, &Snapshot)> {
        self.snapshots.range(id..).map(|(id, it)| (*id, it))
    }

    /// Returns the last snapshot in a range.
    pub(super) fn last_in(&self, range: Range<Moment>) -> Option<(SnapshotId, &Snapshot)> {
        if range.is_empty() {
            return None;
        }
        let last = self.snapshots.range(range).next_back();
        last.map(|(id, snapshot)| (*id, snapshot))
    }

    pub(super) fn add(&mut self, id: SnapshotId, snapshot: Snapshot) {
        self.names.insert((*snapshot.root.name).into(), id);
        self.snapshots.insert(id, snapshot);
    }

    /// Removes a snapshot, and returns its id; `None` if there is none of this name.
    pub(super) fn remove(&mut self, name: &str) -> Option<SnapshotId> {
        let id = self.names.remove(name)?;
        self.snapshots.remove(&id);
        Some(id)
    }

    /// Renames a snapshot, whose new name is free.
    pub(super) fn rename(&mut self, name: &str, new_name: &str) -> Option<&mut Snapshot> {
        let id = self.names.remove(name)?;
        self.names.insert(new_name.into(), id);
        let snapshot = self.snapshots.get_mut(&id)?;
        snapshot.root.name = new_name.into();
        Some(snapshot)
    }
}
