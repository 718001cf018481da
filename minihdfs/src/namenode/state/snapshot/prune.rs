//! Dropping what no snapshot shows any more.

use crate::namenode::state::Effects;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::kept::Moment;
use crate::namenode::state::kept::history::{History, Moves};
use crate::namenode::state::kept::stay::Stay;
use crate::namenode::state::namespace::Namespace;

impl Namespace {
    /// Drops what no snapshot shows any more, after one was deleted. Looks at what was changed
    /// since the first snapshot, and not at the whole tree.
    pub(super) fn prune(&mut self, effects: &mut Effects) {
        for id in self.snapshots().histories.ids() {
            self.prune_inode(id, effects);
        }
    }

    fn prune_inode(&mut self, id: InodeId, effects: &mut Effects) {
        let Some(history) = self.snapshots().history(id) else {
            return;
        };
        let pruned = self.pruned(id, history);
        let same_versions = pruned.versions().len() == history.versions().len();
        let before = (self.earlier_blocks(id), self.block_replication(id));
        let histories = &mut self.snapshots_mut().histories;
        if !pruned.is_needed() {
            histories.remove(id);
        } else {
            histories.insert(id, pruned);
        }
        if same_versions {
            return;
        }
        let mut after = self.earlier_blocks(id);
        let replication = self.block_replication(id);
        let source = self.source_alone(id);
        after.extend(source.map(|block| (block.id, block)));
        let freed = before
            .0
            .into_keys()
            .filter(|block| !after.contains_key(block));
        effects.removed.extend(freed);
        if replication != before.1 {
            let file = self.get(id).and_then(|inode| inode.as_file());
            let now = file.map(|file| file.blocks.as_slice()).unwrap_or_default();
            after.extend(now.iter().map(|block| (block.id, *block)));
            let stored = after.into_values();
            effects
                .stored
                .extend(stored.map(|block| (block, id, replication)));
        }
    }

    /// Returns what snapshots still show of an inode's history.
    fn pruned(&self, id: InodeId, history: &History) -> History {
        let snapshots = self.snapshots();
        let stays = self.stays(id);
        // A snapshot has its own copy of its directory's attributes.
        let elsewhere: Vec<Stay> = stays.iter().copied().filter(|it| it.root != id).collect();
        let moves = history.moves();
        let gone = moves.gone.iter().filter(|((_, until), gone)| {
            let last = snapshots.last_showing(&stays, gone.from, *until, gone.id);
            last.is_some()
        });
        let earlier = moves.stays.iter().copied();
        let earlier = earlier.filter(|stay| snapshots.shows(stay, 0, id));
        let mut pruned = History::moved(Moves {
            gone: gone.map(|(place, gone)| (place.clone(), *gone)).collect(),
            stays: earlier.collect(),
            arrived: self.pruned_arrival(id, moves.arrived),
            remains: moves.remains.clone(),
            ..*moves
        });
        let mut from = 0;
        for version in history.versions() {
            let last = snapshots.last_showing(&elsewhere, from, version.until, id);
            if last.is_some() {
                pruned.add_version(version.clone());
            }
            from = version.until;
        }
        pruned.close_if_shorter(history);
        pruned
    }

    /// Returns the moment at which an inode was moved into its directory, or 0 if that matters to
    /// no snapshot any more.
    fn pruned_arrival(&self, id: InodeId, arrived: Moment) -> Moment {
        let Some(inode) = self.get(id).filter(|_| arrived > 0) else {
            return 0;
        };
        let snapshots = self.snapshots();
        if self.any_stay(inode.parent, |stay| snapshots.shows(&stay, 0, 0)) {
            arrived
        } else {
            0
        }
    }
}
