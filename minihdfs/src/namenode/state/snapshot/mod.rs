//! Snapshots: a directory's tree as it was, kept by what has changed since.
//!
//! A snapshot copies nothing but the attributes of its directory. What changes later is kept when
//! it changes, if a snapshot shows it:
//! - `history`, `gone`: what is kept of one inode: its earlier attributes, and children that are
//!   gone
//! - `moment`, `stay`: time, counted in snapshots, and an inode's time in a directory
//! - `stays`: the directories with snapshots that an inode is and was in, which decide if a
//!   snapshot shows it
//! - `keep`: keeps what is about to change
//! - `change`: takes, deletes and renames snapshots
//! - `prune`: drops what no snapshot shows any more
//! - `blocks`: the blocks that only snapshots need
//! - `latest`: the latest snapshot of a path, by which renames are charged
//! - `remains`: what is left of a removed inode, such as the writer of a file
//! - `view`: the tree now or in a snapshot, for those who read it
//! - `summary`: totals with what only snapshots keep
//! - `diff`: the differences of two snapshots
//! - `recorded`: what Hadoop records instead, and an image holds; `record` makes it of what is
//!   kept, `recall` restores that, by the `places` that inodes had
//!
//! Time is counted in snapshots. At [`Moment`] `m`, the snapshots with ids below `m` have been
//! taken, so what was so from moment `a` until moment `b` is seen by the snapshots `a..b`.

mod blocks;
mod change;
pub(crate) mod diff;
mod gone;
mod history;
mod keep;
mod latest;
mod moment;
mod places;
mod prune;
mod recall;
pub(crate) mod record;
pub(crate) mod recorded;
mod remains;
mod roots;
mod stay;
mod stays;
pub(crate) mod summary;
pub(crate) mod view;

use std::collections::BTreeMap;

use crate::namenode::id_table::IdTable;
use crate::namenode::state::inode::{InodeId, ROOT};
use crate::namenode::state::snapshot::history::History;
pub(crate) use crate::namenode::state::snapshot::moment::{LAST_SNAPSHOT_ID, Moment, SnapshotId};
pub(crate) use crate::namenode::state::snapshot::roots::{Snapshot, Snapshottable};

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
    capture: Capture,
    moment: Moment,
    roots: BTreeMap<InodeId, Snapshottable>,
    /// The snapshots that exist, with the last inode that was created before each.
    last_inodes: BTreeMap<SnapshotId, InodeId>,
    histories: IdTable<History>,
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

    fn history(&self, id: InodeId) -> Option<&History> {
        self.histories.get(id)
    }

    fn history_mut(&mut self, id: InodeId) -> &mut History {
        if self.histories.get(id).is_none() {
            self.histories.insert(id, History::default());
        }
        self.histories
            .get_mut(id)
            .expect("it was there or was inserted")
    }
}
