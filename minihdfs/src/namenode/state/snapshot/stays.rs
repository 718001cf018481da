//! Where an inode is and was, which decides if a snapshot shows it.

use crate::namenode::state::inode::{InodeId, ROOT};
use crate::namenode::state::kept::stay::Stay;
use crate::namenode::state::kept::{Moment, SnapshotId, Snapshots};
use crate::namenode::state::namespace::Namespace;

impl Snapshots {
    /// Returns true if a snapshot of this stay that was taken at `since` or later shows an inode
    /// with this id. Ids are sequential, so an inode that was created later has a higher one.
    pub(super) fn shows(&self, stay: &Stay, since: Moment, id: InodeId) -> bool {
        self.last_of_stay(stay, since, id).is_some()
    }

    /// Returns the last of these snapshots.
    fn last_of_stay(&self, stay: &Stay, since: Moment, id: InodeId) -> Option<SnapshotId> {
        let root = self.of(stay.root)?;
        let (last, snapshot) = root.last_in(stay.from.max(since)..stay.until)?;
        (id <= snapshot.last_inode).then_some(last)
    }

    /// Returns the last snapshot, taken from one moment until another, that shows an inode with
    /// these stays.
    pub(super) fn last_showing(
        &self,
        stays: &[Stay],
        from: Moment,
        until: Moment,
        id: InodeId,
    ) -> Option<SnapshotId> {
        let stays = stays.iter().map(|stay| Stay {
            until: stay.until.min(until),
            ..*stay
        });
        let last = stays.filter_map(|stay| self.last_of_stay(&stay, from, id));
        last.max()
    }

    /// Returns true if snapshots show an inode in any of these stays.
    pub(super) fn any_shows(&self, stays: &[Stay], since: Moment, id: InodeId) -> bool {
        stays.iter().any(|stay| self.shows(stay, since, id))
    }

    /// Returns the moment at which an inode was moved into its directory.
    pub(super) fn arrived(&self, id: InodeId) -> Moment {
        self.history(id)
            .map_or(0, |history| history.moves().arrived)
    }

    fn earlier(&self, id: InodeId) -> &[Stay] {
        self.history(id)
            .map_or(&[], |history| history.moves().stays.as_slice())
    }

    /// Returns the stays of an inode in a directory with these stays.
    pub(super) fn stays_within(&self, above: &[Stay], id: InodeId) -> Vec<Stay> {
        let arrived = self.arrived(id);
        let here = above.iter().map(|stay| Stay {
            from: stay.from.max(arrived),
            ..*stay
        });
        let all = here.chain(self.earlier(id).iter().copied());
        all.filter(|stay| self.shows(stay, 0, id)).collect()
    }
}

impl Namespace {
    /// Looks through the stays of an inode, until `found` returns true. Returns true if it did.
    pub(super) fn any_stay(&self, id: InodeId, mut found: impl FnMut(Stay) -> bool) -> bool {
        let snapshots = self.snapshots();
        let (mut node, mut from) = (id, 0);
        loop {
            let mut earlier = snapshots.earlier(node).iter().map(|stay| Stay {
                from: stay.from.max(from),
                ..*stay
            });
            if earlier.any(&mut found) {
                return true;
            }
            // Of a removed inode, all stays are earlier ones.
            let Some(inode) = self.get(node) else {
                return false;
            };
            let here = Stay {
                root: node,
                from,
                until: snapshots.taken(),
            };
            if snapshots.of(node).is_some() && found(here) {
                return true;
            }
            if node == ROOT {
                return false;
            }
            from = from.max(snapshots.arrived(node));
            node = inode.parent;
        }
    }

    /// Returns the stays of an inode that snapshots show.
    pub(super) fn stays(&self, id: InodeId) -> Vec<Stay> {
        let mut stays = Vec::new();
        self.any_stay(id, |stay| {
            if self.snapshots().shows(&stay, 0, id) {
                stays.push(stay);
            }
            false
        });
        stays
    }

    /// Returns true if a snapshot shows the inode.
    pub(crate) fn is_in_snapshot(&self, id: InodeId) -> bool {
        !self.snapshots().is_empty()
            && self.any_stay(id, |stay| self.snapshots().shows(&stay, 0, id))
    }
}
