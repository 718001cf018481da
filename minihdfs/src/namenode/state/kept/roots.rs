//! Directories of which snapshots may be taken, and their snapshots.

use std::collections::BTreeMap;
use std::ops::Range;

use smol_str::SmolStr;

use crate::namenode::state::inode::{Inode, InodeId};
use crate::namenode::state::kept::moment::{Moment, SnapshotId};
use crate::namenode::state::name::Name;
use crate::namenode::xattr::XAttr;
use crate::proto::hdfs::x_attr_proto::XAttrNamespaceProto as Namespace;

/// The most snapshots of a directory that `allowSnapshot` permits.
const QUOTA: u32 = 1 << 16;

/// A directory of which snapshots may be taken (`DirectorySnapshottableFeature`).
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Snapshottable {
    /// The most snapshots.
    pub(crate) quota: u32,
    snapshots: BTreeMap<SnapshotId, Snapshot>,
    /// The snapshots in the order of their names.
    names: BTreeMap<Name<SmolStr>, SnapshotId>,
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
    pub(in crate::namenode::state) last_inode: InodeId,
}

impl Snapshot {
    /// Returns true if it was deleted, and is there only because an earlier one is
    /// (`isMarkedAsDeleted`).
    pub(crate) fn is_deleted(&self) -> bool {
        let mark = mark();
        self.root
            .xattrs()
            .iter()
            .any(|xattr| xattr.is_same_as(&mark))
    }
}

/// Returns the attribute of a deleted snapshot (`XATTR_SNAPSHOT_DELETED`).
fn mark() -> XAttr {
    XAttr {
        namespace: Namespace::System,
        name: "hdfs.snapshot.deleted".into(),
        value: None,
    }
}

impl Snapshottable {
    /// Returns the number of snapshots.
    pub(crate) fn len(&self) -> usize {
        self.snapshots.len()
    }

    /// Returns the snapshot of this name.
    pub(crate) fn named(&self, name: &str) -> Option<SnapshotId> {
        self.names.get(&Name(name.into())).copied()
    }

    /// Returns the snapshot with this id.
    pub(crate) fn get(&self, id: SnapshotId) -> Option<&Snapshot> {
        self.snapshots.get(&id)
    }

    /// Returns the snapshot that was taken first.
    pub(crate) fn first(&self) -> Option<(SnapshotId, &Snapshot)> {
        let first = self.snapshots.first_key_value();
        first.map(|(id, snapshot)| (*id, snapshot))
    }

    /// Returns the snapshots in the order of their names.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = (SnapshotId, &Snapshot)> {
        let ids = self.names.values();
        ids.filter_map(|id| Some((*id, self.snapshots.get(id)?)))
    }

    /// Returns the snapshots from this id on.
    pub(in crate::namenode::state) fn since(
        &self,
        id: SnapshotId,
    ) -> impl Iterator<Item = (SnapshotId, &Snapshot)> {
        self.snapshots.range(id..).map(|(id, it)| (*id, it))
    }

    /// Returns the last snapshot in a range.
    pub(in crate::namenode::state) fn last_in(
        &self,
        range: Range<Moment>,
    ) -> Option<(SnapshotId, &Snapshot)> {
        if range.is_empty() {
            return None;
        }
        let last = self.snapshots.range(range).next_back();
        last.map(|(id, snapshot)| (*id, snapshot))
    }

    /// Sets the last inodes that were created before the snapshots.
    pub(in crate::namenode::state) fn set_last_inodes(
        &mut self,
        last_inodes: &BTreeMap<SnapshotId, InodeId>,
    ) {
        for (id, snapshot) in &mut self.snapshots {
            if let Some(last) = last_inodes.get(id) {
                snapshot.last_inode = *last;
            }
        }
    }

    pub(in crate::namenode::state) fn add(&mut self, id: SnapshotId, snapshot: Snapshot) {
        self.names.insert(Name(snapshot.root.name.clone()), id);
        self.snapshots.insert(id, snapshot);
    }

    /// Removes a snapshot, and returns its id; `None` if there is none of this name.
    pub(in crate::namenode::state) fn remove(&mut self, name: &str) -> Option<SnapshotId> {
        let id = self.names.remove(&Name(name.into()))?;
        self.snapshots.remove(&id);
        Some(id)
    }

    /// Marks a snapshot as deleted.
    pub(in crate::namenode::state) fn mark_deleted(&mut self, name: &str) {
        let id = self.names.get(&Name(name.into())).copied();
        let snapshot = id.and_then(|id| self.snapshots.get_mut(&id));
        if let Some(snapshot) = snapshot.filter(|snapshot| !snapshot.is_deleted()) {
            snapshot.root.change_xattrs(|all| all.insert(0, mark()));
        }
    }

    /// Renames a snapshot, whose new name is free.
    pub(in crate::namenode::state) fn rename(
        &mut self,
        name: &str,
        new_name: &str,
    ) -> Option<&mut Snapshot> {
        let id = self.names.remove(&Name(name.into()))?;
        self.names.insert(Name(new_name.into()), id);
        let snapshot = self.snapshots.get_mut(&id)?;
        snapshot.root.name = new_name.into();
        Some(snapshot)
    }
}
