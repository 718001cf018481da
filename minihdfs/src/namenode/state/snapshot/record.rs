//! Turning what is kept for snapshots into what Hadoop records.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use smol_str::SmolStr;

use crate::namenode::state::inode::{File, Inode, InodeId};
use crate::namenode::state::kept::history::{History, Version};
use crate::namenode::state::kept::{Moment, SnapshotId, Snapshots};
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::snapshot::recorded::{Deleted, DirectoryDiff, FileDiff};
use crate::protocol::Block;

/// What Hadoop would have recorded of the snapshots of a namespace.
pub(crate) struct Record<'a> {
    namespace: &'a Namespace,
    /// The inodes with several places (`INodeReference`), and those places that only snapshots
    /// show: the last snapshot of each, and the name.
    references: HashMap<InodeId, Vec<(SnapshotId, SmolStr)>>,
}

impl<'a> Record<'a> {
    pub(crate) fn new(namespace: &'a Namespace) -> Self {
        let snapshots = namespace.snapshots();
        let mut references: HashMap<InodeId, Vec<_>> = HashMap::new();
        for directory in snapshots.histories.ids() {
            let showing = namespace.snapshots_showing(directory);
            let gone = snapshots.history(directory).into_iter();
            for ((name, until), gone) in gone.flat_map(|history| history.moves().gone.iter()) {
                let shown = snapshots.shown(&showing, gone.from..*until, gone.id);
                if let Some(last) = shown.last() {
                    let places = references.entry(gone.id).or_default();
                    places.push((*last, name.0.clone()));
                }
            }
        }
        let was_moved = |id| snapshots.history(id).is_some_and(|it| it.moves().moved);
        references.retain(|id, places| {
            namespace.get(*id).is_some() || places.len() > 1 || was_moved(*id)
        });
        for id in snapshots.histories.ids() {
            if was_moved(id) && namespace.get(id).is_some() {
                references.entry(id).or_default();
            }
        }
        Self {
            namespace,
            references,
        }
    }

    /// Returns the removed inodes that snapshots show, with their last attributes and what is left
    /// of them.
    pub(crate) fn removed(&self) -> impl Iterator<Item = Cow<'a, Inode>> {
        let namespace = self.namespace;
        let ids = namespace.snapshots().histories.ids().into_iter();
        let removed = ids.filter(|id| namespace.get(*id).is_none());
        removed.filter_map(|id| namespace.removed(id))
    }

    /// Returns true if an inode has been in several places that are still shown.
    pub(crate) fn is_reference(&self, id: InodeId) -> bool {
        self.references.contains_key(&id)
    }

    /// Returns the last snapshot that shows the present directory of an inode without it; `None` if
    /// there is none (`DstReference.getDstSnapshotId`).
    pub(crate) fn arrived_after(&self, id: InodeId) -> Option<SnapshotId> {
        let parent = self.namespace.get(id)?.parent;
        let arrived = self.namespace.snapshots().arrived(id);
        let showing = self.namespace.snapshots_showing(parent);
        let earlier = showing.into_iter().filter(|snapshot| *snapshot < arrived);
        earlier.max()
    }

    /// Returns the files and directories that may have diffs.
    pub(crate) fn changed(&self) -> BTreeSet<InodeId> {
        let snapshots = self.namespace.snapshots();
        let roots = snapshots.roots().filter(|(_, root)| root.len() > 0);
        let changed = snapshots.histories.ids().into_iter();
        changed.chain(roots.map(|(id, _)| id)).collect()
    }

    /// Returns true if an inode is, or was, a directory.
    pub(crate) fn is_directory(&self, id: InodeId) -> bool {
        self.namespace.last_of(id).is_some_and(Inode::is_directory)
    }

    /// Returns the diffs of a directory, in the order of their snapshots.
    pub(crate) fn directory_diffs(&self, id: InodeId) -> Vec<DirectoryDiff> {
        let (namespace, snapshots) = (self.namespace, self.namespace.snapshots());
        let showing = namespace.snapshots_showing(id);
        let mut diffs: BTreeMap<SnapshotId, DirectoryDiff> = BTreeMap::new();
        let roots = snapshots.of(id).into_iter();
        for (snapshot, _) in roots.flat_map(|root| root.since(0)) {
            diff_at(&mut diffs, snapshot).is_snapshot_root = true;
        }
        for (snapshot, version) in self.versions(id, &showing) {
            let copy = (!version.lacks_copy).then(|| version.inode.clone());
            diff_at(&mut diffs, snapshot).copy = copy;
        }
        for (snapshot, name) in self.references.get(&id).into_iter().flatten() {
            let diff = diff_at(&mut diffs, *snapshot);
            if diff.copy.is_none() {
                diff.copy = Some(self.attributes(id, *snapshot, name));
            }
        }
        self.compare_children(id, &showing, &mut diffs);
        let children = namespace.get(id).and_then(|inode| inode.as_directory());
        let mut children = children.map_or(0, |directory| directory.children.len());
        let mut diffs: Vec<DirectoryDiff> = diffs.into_values().collect();
        for diff in diffs.iter_mut().rev() {
            children = (children + diff.deleted.len()).saturating_sub(diff.created.len());
            diff.children = children;
            if diff.is_snapshot_root {
                diff.copy = None;
            }
        }
        diffs
    }

    /// Adds the children of a directory that came or went.
    fn compare_children(
        &self,
        id: InodeId,
        showing: &[SnapshotId],
        diffs: &mut BTreeMap<SnapshotId, DirectoryDiff>,
    ) {
        let (namespace, snapshots) = (self.namespace, self.namespace.snapshots());
        let gone = snapshots.history(id).into_iter();
        for ((name, until), gone) in gone.flat_map(|history| history.moves().gone.iter()) {
            let shown = snapshots.shown(showing, gone.from..*until, gone.id);
            let Some(last) = shown.last() else {
                continue;
            };
            let deleted = Deleted {
                name: name.0.clone(),
                id: gone.id,
                is_reference: self.is_reference(gone.id),
            };
            diff_at(diffs, *last).deleted.push(deleted);
            if let Some(before) = before(showing, shown) {
                diff_at(diffs, before).created.push(name.0.clone());
            }
        }
        let present = namespace.get(id).and_then(|inode| inode.as_directory());
        for child in present.into_iter().flat_map(|it| it.children.ids()) {
            let arrived = snapshots.arrived(child);
            let shown = snapshots.shown(showing, arrived..Moment::MAX, child);
            if let Some(before) = before(showing, shown) {
                let name = namespace.inode(child).name.clone();
                diff_at(diffs, before).created.push(name);
            }
        }
    }

    /// Returns the diffs of a file, in the order of their snapshots.
    pub(crate) fn file_diffs(&self, id: InodeId) -> Vec<FileDiff> {
        if self
            .namespace
            .last_of(id)
            .is_none_or(|inode| inode.as_file().is_none())
        {
            // Of a symbolic link, Hadoop records nothing.
            return Vec::new();
        }
        let showing = self.namespace.snapshots_showing(id);
        let mut diffs: BTreeMap<SnapshotId, FileDiff> = BTreeMap::new();
        for (snapshot, version) in self.versions(id, &showing) {
            let diff = FileDiff {
                snapshot,
                length: version.length,
                copy: Some(version.inode.clone()),
                blocks: Vec::new(),
            };
            diffs.insert(snapshot, diff);
        }
        for (snapshot, name) in self.references.get(&id).into_iter().flatten() {
            if let std::collections::btree_map::Entry::Vacant(place) = diffs.entry(*snapshot) {
                let copy = self.attributes(id, *snapshot, name);
                let kept = self.namespace.view(Some(*snapshot)).kept_length(id);
                let length = copy.as_file().map_or(0, |file| file.usage().0);
                place.insert(FileDiff {
                    snapshot: *snapshot,
                    length: kept.unwrap_or(length),
                    copy: Some(copy),
                    blocks: Vec::new(),
                });
            }
        }
        let mut later = self.last_blocks(id);
        for diff in diffs.values_mut().rev() {
            let blocks = blocks_of(diff.copy.as_ref());
            // A reader takes as many of the later blocks as hold the length. Since one of them may
            // have become shorter, those may be others even if the later ones begin with these.
            let read = blocks_up_to(later, diff.length);
            let ids = |blocks: &[Block]| blocks.iter().map(|block| block.id).collect::<Vec<_>>();
            if ids(read) != ids(blocks) {
                later = self.blocks_at(id, diff.snapshot);
                diff.blocks = later.to_vec();
            }
        }
        diffs.into_values().collect()
    }

    /// Returns the blocks that a file has, or had last.
    fn last_blocks(&self, id: InodeId) -> &'a [Block] {
        let last = self.namespace.last_of(id);
        blocks_of(last)
    }

    fn blocks_at(&self, id: InodeId, snapshot: SnapshotId) -> &'a [Block] {
        blocks_of(Some(self.namespace.view(Some(snapshot)).inode(id)))
    }

    /// Returns the kept attributes of an inode with the last snapshot that shows each. The last
    /// ones of a removed inode are its own.
    fn versions(&self, id: InodeId, showing: &[SnapshotId]) -> Vec<(SnapshotId, &'a Version)> {
        let snapshots = self.namespace.snapshots();
        let Some(history) = snapshots.history(id) else {
            return Vec::new();
        };
        let mut from = 0;
        let mut shown = Vec::new();
        for version in self.recorded_versions(id, history) {
            let range = snapshots.shown(showing, from..version.until, id);
            shown.extend(range.last().map(|last| (*last, version)));
            from = version.until;
        }
        shown
    }

    fn recorded_versions(&self, id: InodeId, history: &'a History) -> &'a [Version] {
        let is_own = history.moves().removed && !self.is_reference(id);
        match history.versions().split_last() {
            Some((last, others)) if is_own && !last.is_recorded() => others,
            _ => history.versions(),
        }
    }

    /// Returns the attributes of an inode in a snapshot, with the name that it had there.
    fn attributes(&self, id: InodeId, snapshot: SnapshotId, name: &SmolStr) -> Inode {
        let mut copy = self.namespace.view(Some(snapshot)).inode(id).frozen();
        copy.name = name.clone();
        copy
    }
}

/// Returns the last snapshot before those that show something, out of all that show its directory.
pub(super) fn before(showing: &[SnapshotId], shown: &[SnapshotId]) -> Option<SnapshotId> {
    let earlier = match shown.first() {
        Some(first) => showing.partition_point(|snapshot| snapshot < first),
        None => showing.len(),
    };
    showing[..earlier].last().copied()
}

fn diff_at(
    diffs: &mut BTreeMap<SnapshotId, DirectoryDiff>,
    snapshot: SnapshotId,
) -> &mut DirectoryDiff {
    diffs.entry(snapshot).or_insert_with(|| DirectoryDiff {
        snapshot,
        ..DirectoryDiff::default()
    })
}

/// Returns the first blocks, as many as hold this length.
pub(super) fn blocks_up_to(blocks: &[Block], length: u64) -> &[Block] {
    let mut count = 0;
    let mut sum = 0_u64;
    while let Some(block) = blocks.get(count).filter(|_| sum < length) {
        sum = sum.saturating_add(block.length);
        count += 1;
    }
    &blocks[..count]
}

fn blocks_of(inode: Option<&Inode>) -> &[Block] {
    let file = inode.and_then(Inode::as_file);
    file.map_or(&[], |file: &File| &file.blocks)
}

impl Version {
    /// Returns true if Hadoop has recorded a copy of these last attributes of a removed inode
    /// (`FileDiff`), and not only kept the inode. Of directories, the latter is enough.
    fn is_recorded(&self) -> bool {
        self.inode.as_file().is_some() && !self.lacks_copy
    }
}

impl Snapshots {
    /// Returns those of the snapshots that show an inode with this id, which was in their
    /// directory between two moments. Ids are sequential, so these follow each other.
    pub(super) fn shown<'s>(
        &self,
        showing: &'s [SnapshotId],
        range: std::ops::Range<Moment>,
        id: InodeId,
    ) -> &'s [SnapshotId] {
        let is_older = |snapshot: &SnapshotId| {
            let last = self.last_inodes.get(snapshot);
            *snapshot < range.start || last.is_none_or(|last| *last < id)
        };
        let start = showing.partition_point(is_older);
        let end = showing.partition_point(|snapshot| *snapshot < range.end);
        showing.get(start..end).unwrap_or_default()
    }
}

impl Namespace {
    /// Returns the snapshots that show an inode, in ascending order.
    pub(super) fn snapshots_showing(&self, id: InodeId) -> Vec<SnapshotId> {
        let snapshots = self.snapshots();
        let mut showing = BTreeSet::new();
        self.any_stay(id, |stay| {
            let root = snapshots.of(stay.root).into_iter();
            let since = root.flat_map(|root| root.since(stay.from));
            let of_stay = since.take_while(|(snapshot, _)| *snapshot < stay.until);
            let old_enough = of_stay.filter(|(_, snapshot)| id <= snapshot.last_inode);
            showing.extend(old_enough.map(|(snapshot, _)| snapshot));
            false
        });
        showing.into_iter().collect()
    }
}
