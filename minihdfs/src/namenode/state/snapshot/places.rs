//! The places that inodes have and had, as an image's diffs tell them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use smol_str::SmolStr;

use crate::namenode::state::inode::{Inode, InodeId, ROOT};
use crate::namenode::state::kept::Moment;
use crate::namenode::state::kept::stay::Stay;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::snapshot::recorded::{Deleted, DirectoryDiff};

/// A place that an inode had.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Place {
    pub(super) directory: InodeId,
    pub(super) name: SmolStr,
    /// The moments from which on and until which it was there.
    pub(super) during: Range<Moment>,
}

/// The places of all inodes.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The earlier places, in their order.
    earlier: HashMap<InodeId, Vec<Place>>,
    /// The moments at which inodes came into their present directories; 0 for those not listed.
    arrivals: HashMap<InodeId, Moment>,
    /// The inodes that have been in several places.
    pub(super) references: HashSet<InodeId>,
}

impl Places {
    /// Follows the diffs of a directory, in their order. `child` finds a child that the directory
    /// has, or had when it was removed.
    pub(super) fn add_directory(
        &mut self,
        directory: InodeId,
        diffs: &[DirectoryDiff],
        child: impl Fn(&str) -> Option<InodeId>,
    ) -> Result<(), String> {
        let mut since: HashMap<&SmolStr, Moment> = HashMap::new();
        for diff in diffs {
            let left = diff.snapshot.saturating_add(1);
            for Deleted {
                name,
                id,
                is_reference,
            } in &diff.deleted
            {
                let from = since.remove(name).unwrap_or(0);
                let place = Place {
                    directory,
                    name: name.clone(),
                    during: from..left,
                };
                self.earlier.entry(*id).or_default().push(place);
                if *is_reference {
                    self.references.insert(*id);
                }
            }
            since.extend(diff.created.iter().map(|name| (name, left)));
        }
        for (name, arrived) in since {
            let id = child(name);
            let id = id.ok_or_else(|| format!("inode {directory} has no child called {name}"))?;
            self.arrivals.insert(id, arrived);
        }
        Ok(())
    }

    /// Lets an inode leave its last directory at a moment.
    fn leave(&mut self, inode: &Inode, until: Moment) {
        let from = self.arrivals.remove(&inode.id).unwrap_or(0);
        let place = Place {
            directory: inode.parent,
            name: inode.name.clone(),
            during: from..until,
        };
        self.earlier.entry(inode.id).or_default().push(place);
    }

    /// Lets removed inodes leave the directories that were removed with them. Returns when each
    /// was removed. Fails if one has never been in a directory.
    pub(super) fn remove(
        &mut self,
        removed: &HashMap<InodeId, Inode>,
    ) -> Result<HashMap<InodeId, Moment>, String> {
        let mut moments = HashMap::with_capacity(removed.len());
        let tops = removed.values();
        let tops = tops.filter(|inode| !removed.contains_key(&inode.parent));
        let mut pending: Vec<(&Inode, Moment)> = tops.map(|inode| (inode, 0)).collect();
        while let Some((inode, with_parent)) = pending.pop() {
            if with_parent > 0 {
                self.leave(inode, with_parent);
            }
            let earlier = self.earlier.get(&inode.id).into_iter().flatten();
            let until = earlier.map(|place| place.during.end).max();
            let until = until.ok_or_else(|| format!("inode {} is in no directory", inode.id))?;
            moments.insert(inode.id, until);
            let children = inode.as_directory().into_iter();
            let children = children.flat_map(|it| it.children.ids());
            pending.extend(children.filter_map(|id| Some((removed.get(&id)?, until))));
        }
        if moments.len() < removed.len() {
            return Err("some directories contain each other".to_owned());
        }
        Ok(moments)
    }

    /// Sorts the places of each inode by time. An inode is in one place at a time, but a place
    /// that no snapshot showed before does not tell when the inode came.
    pub(super) fn sort(&mut self) {
        for (id, places) in &mut self.earlier {
            places.sort_by_key(|place| place.during.end);
            let mut from = 0;
            for place in places.iter_mut() {
                place.during.start = place.during.start.max(from);
                from = from.max(place.during.end);
            }
            places.retain(|place| !place.during.is_empty());
            let arrived = self.arrivals.entry(*id).or_default();
            *arrived = (*arrived).max(from);
        }
    }

    /// Returns the earlier places of an inode.
    pub(super) fn earlier(&self, id: InodeId) -> &[Place] {
        self.earlier.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Returns all inodes with earlier places, with these.
    pub(super) fn all_earlier(&self) -> impl Iterator<Item = (InodeId, &[Place])> {
        self.earlier
            .iter()
            .map(|(id, places)| (*id, places.as_slice()))
    }

    /// Returns when an inode came into its present directory; 0 if it always was there.
    pub(super) fn arrived(&self, id: InodeId) -> Moment {
        self.arrivals.get(&id).copied().unwrap_or(0)
    }

    /// Returns all inodes that came later into their present directories.
    pub(super) fn arrivals(&self) -> impl Iterator<Item = (InodeId, Moment)> {
        let arrivals = self.arrivals.iter().map(|(id, moment)| (*id, *moment));
        arrivals.filter(|(_, moment)| *moment > 0)
    }

    /// Returns the directory of an inode at a moment.
    pub(super) fn directory(&self, id: InodeId, at: Moment) -> Option<InodeId> {
        let mut earlier = self.earlier(id).iter();
        let place = earlier.find(|place| place.during.contains(&at));
        place.map(|place| place.directory)
    }

    /// Returns the stays of an inode in directories with snapshots while it was in a place. Fails
    /// if directories were within each other.
    pub(super) fn stays(&self, namespace: &Namespace, place: &Place) -> Result<Vec<Stay>, String> {
        let most = namespace.len().saturating_add(self.earlier.len());
        let mut stays = Vec::new();
        let mut pending = vec![(place.directory, place.during.clone(), 0)];
        while let Some((id, during, depth)) = pending.pop() {
            if depth > most {
                return Err(format!("inode {id} was within itself"));
            }
            let mut enter = |directory, other: Range<Moment>| {
                let both = during.start.max(other.start)..during.end.min(other.end);
                if !both.is_empty() {
                    pending.push((directory, both, depth + 1));
                }
            };
            for place in self.earlier(id) {
                enter(place.directory, place.during.clone());
            }
            let Some(inode) = namespace.get(id) else {
                continue;
            };
            if id != ROOT {
                enter(inode.parent, self.arrived(id)..Moment::MAX);
            }
            if namespace.snapshots().of(id).is_some() {
                stays.push(Stay {
                    root: id,
                    from: during.start,
                    until: during.end,
                });
            }
        }
        Ok(stays)
    }
}
