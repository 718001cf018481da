//! Restoring what is kept for snapshots from what an image records of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::namenode::state::Effects;
use crate::namenode::state::inode::{Inode, InodeId, ROOT};
use crate::namenode::state::kept::gone::Gone;
use crate::namenode::state::kept::history::Version;
use crate::namenode::state::kept::stay::Stay;
use crate::namenode::state::kept::{Moment, Snapshot, SnapshotId};
use crate::namenode::state::name::Name;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::snapshot::places::Places;
use crate::namenode::state::snapshot::record::blocks_up_to;
use crate::namenode::state::snapshot::recorded::{DirectoryDiff, FileDiff, Recorded};

impl Namespace {
    /// Restores the snapshots of an image. `removed` are the inodes that cannot be reached, which
    /// only snapshots can show.
    pub(in crate::namenode::state) fn recall(
        &mut self,
        recorded: Recorded,
        removed: &HashMap<InodeId, Inode>,
    ) -> Result<(), String> {
        if removed.is_empty() && recorded == Recorded::default() {
            return Ok(());
        }
        for (id, root) in recorded.snapshots {
            self.recall_snapshot(id, root)?;
        }
        let mut places = Places::default();
        places.references.extend(recorded.references);
        for (id, diffs) in &recorded.directories {
            let inode = self.get(*id).or_else(|| removed.get(id));
            let directory = inode.and_then(Inode::as_directory);
            let directory = directory.ok_or_else(|| format!("directory {id} is missing"))?;
            let name_of = |id| match self.get(id).or_else(|| removed.get(&id)) {
                Some(inode) => inode.name.as_str(),
                None => "",
            };
            let child = |name: &str| directory.children.get(name, name_of);
            check_deleted(self, removed, diffs)?;
            places.add_directory(*id, diffs, child)?;
        }
        let moments = places.remove(removed)?;
        places.sort();
        let stays = self.recall_last_inodes(&places)?;
        self.recall_places(&places, removed, stays);
        self.recall_references(&places);
        for (id, diffs) in &recorded.directories {
            let versions = self.directory_versions(*id, diffs, removed, &places);
            self.keep_versions(*id, versions);
        }
        for (id, diffs) in &recorded.files {
            let versions = self.file_versions(*id, diffs, removed, &places)?;
            self.keep_versions(*id, versions);
        }
        for (id, inode) in removed {
            let until = moments.get(id).copied().unwrap_or(0);
            self.keep_last(inode, until, &places);
            let last_place = places.earlier(*id).last();
            self.recall_remains(inode, last_place.map(|place| &place.name));
        }
        // What no snapshot shows is not needed, and its blocks were never counted.
        self.prune(&mut Effects::default());
        Ok(())
    }

    /// Takes the inodes out of the tree that cannot be reached from the root.
    pub(in crate::namenode::state) fn take_unreached(&mut self) -> HashMap<InodeId, Inode> {
        let mut reached = 0;
        let mut pending = vec![ROOT];
        let mut seen = HashSet::new();
        let all = self.len();
        while let Some(id) = pending.pop() {
            reached += 1;
            let children = self.get(id).and_then(Inode::as_directory).into_iter();
            pending.extend(children.flat_map(|it| it.children.ids()));
        }
        if reached == all {
            return HashMap::new();
        }
        pending.push(ROOT);
        while let Some(id) = pending.pop() {
            seen.insert(id);
            let children = self.get(id).and_then(Inode::as_directory).into_iter();
            pending.extend(children.flat_map(|it| it.children.ids()));
        }
        let ids = self.ids().into_iter().filter(|id| !seen.contains(id));
        let taken = ids.filter_map(|id| Some((id, self.inodes.remove(id)?)));
        taken.collect()
    }

    fn recall_snapshot(&mut self, id: SnapshotId, mut root: Inode) -> Result<(), String> {
        let directory = root.id;
        if self.snapshots().last_inodes.contains_key(&id) || id >= self.snapshots().taken() {
            return Err(format!("there is a snapshot {id} of inode {directory}"));
        }
        let present = self.get(directory).filter(|inode| inode.is_directory());
        let present = present.ok_or_else(|| format!("snapshot {id} is of no directory"))?;
        root.parent = present.parent;
        let snapshots = self.snapshots_mut();
        let snapshottable = snapshots.roots.get_mut(&directory);
        let snapshottable = snapshottable
            .ok_or_else(|| format!("inode {directory} has a snapshot, and may have none"))?;
        if root.name.is_empty() || snapshottable.named(&root.name).is_some() {
            let name = &root.name;
            return Err(format!("inode {directory} has two snapshots called {name}"));
        }
        let snapshot = Snapshot {
            root,
            last_inode: 0,
        };
        snapshottable.add(id, snapshot);
        snapshots.last_inodes.insert(id, 0);
        Ok(())
    }

    /// Finds the last inode that was created before each snapshot, or rather the highest one that
    /// this or an earlier snapshot shows, which is as good: ids are sequential. Returns the stays
    /// of inodes in earlier places.
    fn recall_last_inodes(
        &mut self,
        places: &Places,
    ) -> Result<HashMap<InodeId, Vec<Stay>>, String> {
        let mut earlier: HashMap<InodeId, Vec<Stay>> = HashMap::new();
        let mut highest = BTreeMap::new();
        for (root, _) in self.snapshots().roots() {
            let stay = Stay {
                root,
                from: 0,
                until: self.snapshots().taken(),
            };
            self.show_in_stay(root, stay, places, &mut highest);
        }
        for (id, of_inode) in places.all_earlier() {
            let stays = earlier.entry(id).or_default();
            for place in of_inode {
                for stay in places.stays(self, place)? {
                    self.show_in_stay(id, stay, places, &mut highest);
                    stays.push(stay);
                }
            }
        }
        let snapshots = self.snapshots_mut();
        let mut last = ROOT;
        for (id, last_inode) in &mut snapshots.last_inodes {
            last = last.max(highest.get(id).copied().unwrap_or(0));
            *last_inode = last;
        }
        let last_inodes = &snapshots.last_inodes;
        for root in snapshots.roots.values_mut() {
            root.set_last_inodes(last_inodes);
        }
        Ok(earlier)
    }

    /// Notes the first snapshot of a stay that shows an inode, and those below it.
    fn show_in_stay(
        &self,
        top: InodeId,
        stay: Stay,
        places: &Places,
        highest: &mut BTreeMap<SnapshotId, InodeId>,
    ) {
        let Some(root) = self.snapshots().of(stay.root) else {
            return;
        };
        let mut pending = vec![(top, stay.from)];
        while let Some((id, from)) = pending.pop() {
            let first = root.since(from).next();
            let Some((first, _)) = first.filter(|(first, _)| *first < stay.until) else {
                continue;
            };
            let last = highest.entry(first).or_default();
            *last = id.max(*last);
            let children = self.get(id).and_then(Inode::as_directory).into_iter();
            let children = children.flat_map(|it| it.children.ids());
            pending.extend(children.map(|child| (child, from.max(places.arrived(child)))));
        }
    }

    /// Keeps the places that inodes had, and the moments at which they came into the present ones.
    fn recall_places(
        &mut self,
        places: &Places,
        removed: &HashMap<InodeId, Inode>,
        mut stays: HashMap<InodeId, Vec<Stay>>,
    ) {
        for (id, earlier) in places.all_earlier() {
            for place in earlier {
                let gone = Gone {
                    id,
                    from: place.during.start,
                };
                let key = (Name(place.name.clone()), place.during.end);
                let history = self.snapshots_mut().history_mut(place.directory);
                history.change_moves(|moves| moves.gone.insert(key, gone));
            }
            let mut stays = stays.remove(&id).unwrap_or_default();
            stays.retain(|stay| self.snapshots().shows(stay, 0, id));
            let history = self.snapshots_mut().history_mut(id);
            history.change_moves(|moves| {
                moves.stays = stays;
                moves.moved = places.references.contains(&id);
                moves.removed = removed.contains_key(&id);
            });
        }
        for (id, arrived) in places.arrivals() {
            let Some(inode) = self.get(id) else {
                continue;
            };
            // A file that was created then has a higher id than all that the snapshots before show.
            // A directory may hold older inodes.
            let before = self.snapshots().last_inodes.range(..arrived).next_back();
            let is_new = before.is_some_and(|(_, last)| id > *last);
            if inode.is_directory() || !is_new {
                let history = self.snapshots_mut().history_mut(id);
                history.change_moves(|moves| moves.arrived = arrived);
            }
        }
    }

    /// Keeps when inodes came that were elsewhere before, also if all snapshots that are left were
    /// taken later: it shows that they were moved.
    fn recall_references(&mut self, places: &Places) {
        for id in &places.references {
            let Some(inode) = self.get(*id) else {
                continue;
            };
            let first = self.snapshots_showing(inode.parent).first().copied();
            let history = self.snapshots_mut().history_mut(*id);
            history.change_moves(|moves| {
                moves.moved = true;
                if moves.arrived == 0 {
                    moves.arrived = match places.arrived(*id) {
                        0 => first.unwrap_or(0),
                        arrived => arrived,
                    };
                }
            });
        }
    }

    /// Returns the attributes that a directory had. Each diff gives some, so that those who compare
    /// snapshots look at the directory.
    fn directory_versions(
        &self,
        id: InodeId,
        diffs: &[DirectoryDiff],
        removed: &HashMap<InodeId, Inode>,
        places: &Places,
    ) -> Vec<Version> {
        let mut versions = Vec::with_capacity(diffs.len());
        let mut later = self.get(id).or_else(|| removed.get(&id)).map(Inode::frozen);
        let mut lacks_copy = self.get(id).is_some();
        for diff in diffs.iter().rev() {
            let root = self.snapshots().of(id);
            let own = root.and_then(|root| root.get(diff.snapshot));
            if own.is_some() {
                continue;
            }
            lacks_copy &= diff.copy.is_none();
            later = diff.copy.clone().or(later);
            let version = later.clone();
            versions.extend(version.map(|inode| Version {
                until: diff.snapshot.saturating_add(1),
                length: 0,
                inode: self.placed(id, inode, diff.snapshot, places),
                lacks_copy,
            }));
        }
        versions.reverse();
        versions
    }

    /// Returns the attributes that a file had. Its blocks are those of the diff or of a later one,
    /// or the present ones, as far as its length went (`INodeFile.getBlocks`).
    fn file_versions(
        &self,
        id: InodeId,
        diffs: &[FileDiff],
        removed: &HashMap<InodeId, Inode>,
        places: &Places,
    ) -> Result<Vec<Version>, String> {
        let last = self.get(id).or_else(|| removed.get(&id));
        let file = last.and_then(Inode::as_file);
        let file = file.ok_or_else(|| format!("file {id} is missing"))?;
        let mut blocks = file.blocks.as_slice();
        let mut later = last.map(Inode::frozen);
        let mut versions = Vec::with_capacity(diffs.len());
        for diff in diffs.iter().rev() {
            if !diff.blocks.is_empty() {
                blocks = &diff.blocks;
            }
            later = diff.copy.clone().or(later);
            let Some(mut inode) = later.clone() else {
                continue;
            };
            if let Some(file) = inode.as_file_mut() {
                file.blocks = blocks_up_to(blocks, diff.length).to_vec();
            }
            versions.push(Version {
                until: diff.snapshot.saturating_add(1),
                length: diff.length,
                inode: self.placed(id, inode, diff.snapshot, places),
                lacks_copy: false,
            });
        }
        versions.reverse();
        Ok(versions)
    }

    /// Returns attributes as those of an inode, in the directory where it was in a snapshot.
    fn placed(&self, id: InodeId, inode: Inode, at: SnapshotId, places: &Places) -> Inode {
        let present = self.get(id).map_or(ROOT, |inode| inode.parent);
        Inode {
            id,
            parent: places.directory(id, at).unwrap_or(present),
            ..inode
        }
    }

    fn keep_versions(&mut self, id: InodeId, versions: Vec<Version>) {
        if !versions.is_empty() {
            self.snapshots_mut().history_mut(id).set_versions(versions);
        }
    }

    /// Keeps the last attributes of a removed inode.
    fn keep_last(&mut self, inode: &Inode, until: Moment, places: &Places) {
        let mut last = inode.frozen();
        let before = until.saturating_sub(1);
        last.parent = places.directory(inode.id, before).unwrap_or(inode.parent);
        let history = self.snapshots_mut().history_mut(inode.id);
        if history.kept_until() < until {
            let length = last.as_file().map_or(0, |file| file.usage().0);
            let version = Version {
                until,
                length,
                lacks_copy: last.as_file().is_some(),
                inode: last,
            };
            history.add_version(version);
        }
    }
}

/// Fails if a diff names an inode that is not there.
fn check_deleted(
    namespace: &Namespace,
    removed: &HashMap<InodeId, Inode>,
    diffs: &[DirectoryDiff],
) -> Result<(), String> {
    let is_there = |id: &InodeId| namespace.get(*id).is_some() || removed.contains_key(id);
    let mut deleted = diffs.iter().flat_map(|diff| &diff.deleted);
    match deleted.find(|child| !is_there(&child.id)) {
        Some(child) => Err(format!("inode {}, of a snapshot, is missing", child.id)),
        None => Ok(()),
    }
}
