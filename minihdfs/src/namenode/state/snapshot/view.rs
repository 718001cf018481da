//! The tree now or in a snapshot, for those who read it.

use std::iter::successors;

use crate::namenode::state::inode::{Inode, InodeId, ROOT};
use crate::namenode::state::kept::SnapshotId;
use crate::namenode::state::kept::history::Version;
use crate::namenode::state::name::Name;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::resolved_path::ResolvedPath;

/// The tree at a time: now, or when a snapshot was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    namespace: &'a Namespace,
    at: Option<SnapshotId>,
    /// The last inode that was created before the snapshot.
    last_inode: InodeId,
}

/// A child with its name. In a snapshot, that may not be the inode's present name.
pub(crate) type Child<'a> = (Name<&'a str>, InodeId);

impl Namespace {
    /// Returns the tree in a snapshot, or the present one.
    pub(crate) fn view(&self, at: Option<SnapshotId>) -> View<'_> {
        let last_inodes = &self.snapshots().last_inodes;
        let last_inode = at.and_then(|at| last_inodes.get(&at));
        View {
            namespace: self,
            at,
            last_inode: last_inode.copied().unwrap_or(InodeId::MAX),
        }
    }
}

impl ResolvedPath<'_> {
    /// Returns the tree that the path is in.
    pub(crate) fn view<'n>(&self, namespace: &'n Namespace) -> View<'n> {
        namespace.view(self.snapshot())
    }
}

impl<'a> View<'a> {
    /// Returns the present tree.
    pub(crate) fn namespace(self) -> &'a Namespace {
        self.namespace
    }

    /// Returns the snapshot.
    pub(crate) fn snapshot(self) -> Option<SnapshotId> {
        self.at
    }

    /// Returns an inode that this view has shown, with its attributes.
    ///
    /// # Panics
    /// Panics if there is no such inode, since the tree is then inconsistent.
    pub(crate) fn inode(self, id: InodeId) -> &'a Inode {
        self.get(id)
            .expect("a view only names inodes that exist or are kept")
    }

    pub(super) fn get(self, id: InodeId) -> Option<&'a Inode> {
        let Some(at) = self.at else {
            return self.namespace.get(id);
        };
        let root = self.namespace.snapshots().of(id);
        if let Some(snapshot) = root.and_then(|root| root.get(at)) {
            return Some(&snapshot.root);
        }
        match self.version(id) {
            Some(version) => Some(&version.inode),
            None => self.namespace.get(id),
        }
    }

    /// Returns the attributes that were kept of an inode; `None` if they have not changed since.
    fn version(self, id: InodeId) -> Option<&'a Version> {
        self.namespace.snapshots().history(id)?.version(self.at?)
    }

    /// Returns the length that a file had in the snapshot; `None` if it has not changed since.
    pub(crate) fn kept_length(self, id: InodeId) -> Option<u64> {
        self.version(id).map(|version| version.length)
    }

    /// Returns true in a snapshot if an inode has changed since this one or an earlier one
    /// (`FileWithSnapshotFeature`).
    pub(super) fn shows_changed(self, id: InodeId) -> bool {
        let history = self.namespace.snapshots().history(id);
        let Some((at, history)) = self.at.zip(history) else {
            return false;
        };
        let version = history.version(at).or_else(|| history.versions().last());
        version.is_some_and(|version| !version.lacks_copy)
    }

    /// Returns true if this view shows that snapshots of a directory can be seen.
    pub(crate) fn is_snapshottable(self, directory: InodeId) -> bool {
        self.at.is_none() && self.namespace.snapshots().is_snapshottable(directory)
    }

    /// Returns the child of this name.
    pub(crate) fn child(self, directory: InodeId, name: &str) -> Option<InodeId> {
        let Some(at) = self.at else {
            return self.namespace.child(directory, name);
        };
        if self.namespace.get(directory).is_some() {
            let child = self.namespace.child(directory, name);
            let child = child.filter(|id| self.shows(*id, at));
            if child.is_some() {
                return child;
            }
        }
        let history = self.namespace.snapshots().history(directory)?;
        let next = (Name(name.into()), at.saturating_add(1));
        let ((found, _), gone) = history.moves().gone.since(next).next()?;
        (found.0 == name && self.was_there(gone.id, gone.from, at)).then_some(gone.id)
    }

    /// Returns true if a present child was there already.
    fn shows(self, id: InodeId, at: SnapshotId) -> bool {
        self.was_there(id, self.namespace.snapshots().arrived(id), at)
    }

    /// Returns true if an inode that came at a moment was there in the snapshot.
    fn was_there(self, id: InodeId, from: SnapshotId, at: SnapshotId) -> bool {
        from <= at && id <= self.last_inode
    }

    /// Returns the children of a directory whose names are above `after`, in the order of their
    /// names, and their number. Of the present tree only those are visited that are taken.
    pub(crate) fn children_after(
        self,
        directory: InodeId,
        after: &str,
    ) -> (Box<dyn Iterator<Item = Child<'a>> + 'a>, usize) {
        let present = self.namespace.get(directory);
        let present = present.and_then(|inode| inode.as_directory());
        let Some(at) = self.at else {
            let Some(directory) = present else {
                return (Box::new(std::iter::empty()), 0);
            };
            let (children, count) = self.namespace.children_after(directory, after);
            return (Box::new(children.map(|it| (Name(&*it.name), it.id))), count);
        };
        let mut children: Vec<Child<'a>> = Vec::new();
        if let Some(directory) = present {
            let (all, _) = self.namespace.children_after(directory, after);
            let then = all.filter(|child| self.shows(child.id, at));
            children.extend(then.map(|child| (Name(&*child.name), child.id)));
        }
        if let Some(history) = self.namespace.snapshots().history(directory) {
            let first = (Name(after.into()), SnapshotId::MAX);
            let gone = history.moves().gone.since(first);
            let then = gone
                .filter(|((_, until), gone)| *until > at && self.was_there(gone.id, gone.from, at));
            children.extend(then.map(|((name, _), gone)| (Name(&*name.0), gone.id)));
            children.sort_unstable();
        }
        let count = children.len();
        (Box::new(children.into_iter()), count)
    }

    /// Returns the children of a directory; of other inodes, none.
    pub(crate) fn children(self, directory: InodeId) -> Box<dyn Iterator<Item = InodeId> + 'a> {
        if self.at.is_none() {
            let inode = self.namespace.get(directory);
            let directory = inode.and_then(|inode| inode.as_directory());
            return Box::new(directory.into_iter().flat_map(|it| it.children.ids()));
        }
        // No name is empty.
        let (children, _) = self.children_after(directory, "");
        Box::new(children.map(|(_, id)| id))
    }

    /// Returns the number of a directory's children.
    pub(crate) fn children_len(self, directory: InodeId) -> usize {
        if self.at.is_some() {
            return self.children_after(directory, "").1;
        }
        let inode = self.namespace.get(directory);
        inode
            .and_then(|inode| inode.as_directory())
            .map_or(0, |directory| directory.children.len())
    }

    /// Returns the effective storage policy of an inode: its own or the nearest ancestor's; 0 if
    /// none is set.
    pub(crate) fn storage_policy(self, id: InodeId) -> u8 {
        if !self.namespace.has_storage_policies() {
            return 0;
        }
        let policies = self.ancestors(id).map(|inode| inode.storage_policy);
        policies
            .into_iter()
            .find(|policy| *policy != 0)
            .unwrap_or(0)
    }

    /// Returns the path of an inode, as far as its ancestors are kept.
    pub(crate) fn full_path(self, id: InodeId) -> String {
        if self.at.is_none() {
            return self.namespace.full_path(id);
        }
        let mut path = String::new();
        let mut names: Vec<&str> = Vec::new();
        for inode in self.ancestors(id).filter(|inode| inode.id != ROOT) {
            if !self.is_root_of_snapshot(inode.id) {
                names.push(&inode.name);
                continue;
            }
            if inode.id == id {
                names.extend([&*inode.name, ".snapshot"]);
            }
            // The directory itself, which has been renamed to the snapshot in this view.
            names.extend(self.namespace.get(inode.id).map(|inode| &*inode.name));
        }
        for name in names.into_iter().rev() {
            path.push('/');
            path.push_str(name);
        }
        path
    }

    /// Returns true for the directory whose snapshot this view shows.
    pub(crate) fn is_root_of_snapshot(self, id: InodeId) -> bool {
        let root = self.namespace.snapshots().of(id);
        self.at
            .and_then(|at| root.and_then(|root| root.get(at)))
            .is_some()
    }

    /// Returns an inode and its ancestors, the nearest first.
    fn ancestors(self, id: InodeId) -> impl Iterator<Item = &'a Inode> {
        successors(self.get(id), move |inode| {
            self.get(inode.parent).filter(|_| inode.id != ROOT)
        })
    }
}
