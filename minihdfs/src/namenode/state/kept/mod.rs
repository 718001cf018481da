//! The parts of the tree that are kept for snapshots.
//!
//! - [`Snapshots`]: all directories with snapshots; `roots`: one of them, and its snapshots
//! - `history`, `gone`: what is kept of one inode: its earlier attributes, and children that are
//!   gone
//! - `moment`, `stay`: time, counted in snapshots, and an inode's time in a directory
//!
//! Time is counted in snapshots. At [`Moment`] `m`, the snapshots with ids below `m` have been
//! taken, so what was so from moment `a` until moment `b` is seen by the snapshots `a..b`.

pub(super) mod gone;
pub(super) mod history;
mod moment;
mod roots;
pub(super) mod stay;

use std::collections::BTreeMap;

use crate::namenode::id_table::IdTable;
use crate::namenode::state::inode::{InodeId, ROOT};
use crate::namenode::state::kept::history::History;
pub(crate) use crate::namenode::state::kept::moment::{LAST_SNAPSHOT_ID, Moment, SnapshotId};
pub(crate) use crate::namenode::state::kept::roots::{Snapshot, Snapshottable};

/// The settings that decide what snapshots keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Capture {
    /// `dfs.namenode.snapshot.capture.openfiles`: keeps the length of an open file as of the
    /// snapshot. Otherwise the file grows in the snapshot until it is closed.
    pub(crate) open_files: bool,
    /// `dfs.namenode.snapshot.skip.capture.accesstime-only-change`
    pub(crate) skip_access_times: bool,
    /// `dfs.namenode.snapshot.deletion.ordered`: only the first snapshot of a directory is removed
    /// when it is deleted, and others are marked.
    pub(crate) deletion_ordered: bool,
}

/// All directories with snapshots, and what is kept for these (Hadoop's `SnapshotManager`).
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Snapshots {
    pub(super) capture: Capture,
    pub(super) moment: Moment,
    pub(super) roots: BTreeMap<InodeId, Snapshottable>,
    /// The snapshots that exist, with the last inode that was created before each.
    pub(super) last_inodes: BTreeMap<SnapshotId, InodeId>,
    pub(super) histories: IdTable<History>,
}

impl Snapshots {
    /// Returns true if there is no snapshot.
    pub(crate) fn is_empty(&self) -> bool {
        self.last_inodes.is_empty()
    }

    /// Returns the number of snapshots.
    pub(crate) fn count(&self) -> usize {
        self.last_inodes.len()
    }

    /// Returns true if the lengths of open files are kept as of a snapshot.
    pub(super) fn captures_open_files(&self) -> bool {
        self.capture.open_files
    }

    /// Returns true if access times are kept, also if nothing else of a file changes.
    pub(super) fn captures_access_times(&self) -> bool {
        !self.capture.skip_access_times
    }

    /// Returns true if the snapshots of a directory are removed in the order of their taking.
    pub(crate) fn removes_in_order(&self) -> bool {
        self.capture.deletion_ordered
    }

    /// Returns the number of snapshots that were ever taken (`snapshotCounter`).
    pub(crate) fn taken(&self) -> Moment {
        self.moment
    }

    /// Returns true if snapshots can be seen in a directory. The root counts, although none can be
    /// taken before it is allowed.
    pub(crate) fn is_snapshottable(&self, directory: InodeId) -> bool {
        directory == ROOT || self.roots.contains_key(&directory)
    }

    /// Returns the directories of which snapshots may be taken, by their ids.
    pub(crate) fn roots(&self) -> impl Iterator<Item = (InodeId, &Snapshottable)> {
        self.roots.iter().map(|(id, root)| (*id, root))
    }

    /// Returns a directory's snapshots; `None` if none may be taken.
    pub(crate) fn of(&self, directory: InodeId) -> Option<&Snapshottable> {
        self.roots.get(&directory)
    }

    /// Returns the name that a snapshot gets if it is deleted before an earlier one; `None` if it
    /// is removed at once (`generateDeletedSnapshotName`).
    pub(crate) fn name_once_deleted(&self, directory: InodeId, name: &str) -> Option<String> {
        let root = self.of(directory).filter(|_| self.removes_in_order())?;
        let (id, (first, _)) = (root.named(name)?, root.first()?);
        (id != first).then(|| format!("{name}#{id}"))
    }

    /// Returns a deleted snapshot that is the first of its directory now, by the directory and its
    /// own name (`chooseDeletedSnapshot`).
    pub(crate) fn first_deleted(&self) -> Option<(InodeId, &str)> {
        self.roots().find_map(|(id, root)| {
            let (_, first) = root.first().filter(|(_, first)| first.is_deleted())?;
            Some((id, first.root.name.as_str()))
        })
    }

    pub(super) fn history(&self, id: InodeId) -> Option<&History> {
        self.histories.get(id)
    }

    pub(super) fn history_mut(&mut self, id: InodeId) -> &mut History {
        if self.histories.get(id).is_none() {
            self.histories.insert(id, History::default());
        }
        self.histories
            .get_mut(id)
            .expect("it was there or was inserted")
    }
}
