//! The latest snapshot of a path (Hadoop's `INodesInPath`), and what it shows.

use crate::namenode::state::inode::{InodeId, ROOT};
use crate::namenode::state::kept::{Moment, SnapshotId, Snapshots};
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::snapshot::record::before;

impl Snapshots {
    /// Returns true if a snapshot showed an inode where it was before (`INodeReference`).
    fn was_moved(&self, id: InodeId) -> bool {
        self.history(id)
            .is_some_and(|history| history.moves().moved)
    }

    /// Returns the last snapshot of a directory.
    fn last_of(&self, directory: InodeId) -> Option<SnapshotId> {
        let (last, _) = self.of(directory)?.last_in(0..Moment::MAX)?;
        Some(last)
    }
}

impl Namespace {
    /// Returns the latest snapshot of a path through these directories, from the root on
    /// (`getLatestSnapshotId`). That of a directory above a moved one counts only if it was taken
    /// after the move.
    pub(crate) fn latest_snapshot(&self, directories: &[InodeId]) -> Option<SnapshotId> {
        let snapshots = self.snapshots();
        if snapshots.is_empty() {
            return None;
        }
        let mut latest = None;
        for id in directories {
            if !snapshots.was_moved(*id) {
                latest = latest.max(snapshots.last_of(*id));
                continue;
            }
            let showing = self.snapshots_showing(self.inode(*id).parent);
            let arrived_after = self.last_before(&showing, *id);
            if latest.is_none() || arrived_after >= latest {
                latest = self.last_before_move(*id).max(snapshots.last_of(*id));
            }
        }
        latest
    }

    /// Returns true unless a directory came later than a path's latest snapshot
    /// (`isInLatestSnapshot`). Hadoop looks at the directories up to the root or to a moved one,
    /// also at those above the one that the snapshot is of.
    pub(crate) fn is_in_latest_snapshot(&self, directory: InodeId, latest: SnapshotId) -> bool {
        let mut id = directory;
        while id != ROOT {
            let parent = self.inode(id).parent;
            let showing = self.snapshots_showing(parent);
            if self.last_before(&showing, id) >= Some(latest) {
                return false;
            }
            if self.snapshots().was_moved(parent) {
                return true;
            }
            id = parent;
        }
        true
    }

    /// Returns the last of the snapshots that show the directory of an inode, but not yet the inode
    /// in it.
    fn last_before(&self, showing: &[SnapshotId], id: InodeId) -> Option<SnapshotId> {
        let snapshots = self.snapshots();
        let arrived = snapshots.arrived(id);
        before(showing, snapshots.shown(showing, arrived..Moment::MAX, id))
    }

    /// Returns the last snapshot that shows an inode where it was before.
    fn last_before_move(&self, id: InodeId) -> Option<SnapshotId> {
        let arrived = self.snapshots().arrived(id);
        let showing = self.snapshots_showing(id).into_iter();
        showing.filter(|snapshot| *snapshot < arrived).max()
    }
}
