//! The differences of a directory's tree at two times.

use std::collections::{HashMap, HashSet};

use crate::namenode::state::inode::{Inode, InodeId, InodeKind, ROOT};
use crate::namenode::state::kept::history::History;
use crate::namenode::state::kept::{Moment, SnapshotId};
use crate::namenode::state::name::Name;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::snapshot::view::{Child, View};

/// A path below a directory, by its components; empty for the directory itself.
pub(crate) type RelativePath<'a> = Vec<&'a str>;

/// A file or directory that differs.
pub(crate) struct Change<'a> {
    pub(crate) id: InodeId,
    /// Where it was at the earlier time.
    pub(crate) path: RelativePath<'a>,
    /// `None` for a file.
    pub(crate) children: Option<ChildrenDiff<'a>>,
}

/// The children of a directory that are new or gone, in the order of their names.
#[derive(Default)]
pub(crate) struct ChildrenDiff<'a> {
    pub(crate) created: Vec<Child<'a>>,
    pub(crate) deleted: Vec<Child<'a>>,
}

/// The comparison of a directory's tree at two times.
pub(crate) struct Diff<'a> {
    earlier: View<'a>,
    later: View<'a>,
    scope: InodeId,
    /// The inodes that have changed since the first snapshot, and the directories above them.
    changed: HashSet<InodeId>,
    /// The places, at the later time, of inodes that have left them since.
    left: HashMap<InodeId, Child<'a>>,
}

impl<'a> Diff<'a> {
    /// Compares the tree at `scope` in a snapshot and at a later time. Looks at what was changed
    /// since the first snapshot, and not at the whole tree.
    pub(crate) fn new(
        namespace: &'a Namespace,
        scope: InodeId,
        earlier: SnapshotId,
        later: Option<SnapshotId>,
    ) -> Self {
        let mut diff = Self {
            earlier: namespace.view(Some(earlier)),
            later: namespace.view(later),
            scope,
            changed: HashSet::new(),
            left: HashMap::new(),
        };
        for (root, _) in namespace.snapshots().roots() {
            diff.mark(root);
        }
        let histories = &namespace.snapshots().histories;
        for id in histories.ids() {
            diff.mark(id);
            for ((name, until), gone) in histories
                .get(id)
                .iter()
                .flat_map(|it| it.moves().gone.iter())
            {
                if later.is_some_and(|later| gone.from <= later && later < *until) {
                    // The child's place, by its directory.
                    diff.left.insert(gone.id, (Name(&*name.0), id));
                }
            }
        }
        diff
    }

    /// Marks an inode and the directories above it. An inode that was moved has a history, and so
    /// has the directory that it left, so the way to it is marked from there too.
    fn mark(&mut self, id: InodeId) {
        let namespace = self.later.namespace();
        let mut next = Some(id);
        while let Some(id) = next.filter(|id| self.changed.insert(*id)) {
            next = namespace.last_of(id).map(|inode| inode.parent);
        }
    }

    /// Visits the changes from the path `start` on, in the order of the earlier paths, until
    /// `visit` returns false.
    pub(crate) fn visit(&self, start: &[&str], mut visit: impl FnMut(Change<'a>) -> bool) {
        let mut pending: Vec<(InodeId, RelativePath<'a>)> = vec![(self.scope, Vec::new())];
        while let Some((id, path)) = pending.pop() {
            if is_before(&path, start) && !start.starts_with(&path) {
                continue;
            }
            let is_directory = self.earlier.inode(id).is_directory();
            let children = is_directory.then(|| self.children_diff(id));
            if let Some(children) = &children {
                pending.extend(self.below(id, &path, children));
            }
            if !is_before(&path, start) && self.is_changed(id, children.as_ref()) {
                let change = Change { id, path, children };
                if !visit(change) {
                    return;
                }
            }
        }
    }

    /// Returns the children of a directory that may have changes, the last first: those that are
    /// still there, or elsewhere in the compared tree.
    fn below(
        &self,
        directory: InodeId,
        path: &RelativePath<'a>,
        children: &ChildrenDiff<'a>,
    ) -> Vec<(InodeId, RelativePath<'a>)> {
        let mut below = Vec::new();
        for child in self.earlier.children_after(directory, "").0 {
            let (name, id) = child;
            let is_gone = children.deleted.binary_search(&child).is_ok();
            if self.changed.contains(&id) && (!is_gone || self.target(id).is_some()) {
                below.push((id, path.iter().copied().chain([name.0]).collect()));
            }
        }
        below.reverse();
        below
    }

    /// Compares the children of a directory.
    fn children_diff(&self, directory: InodeId) -> ChildrenDiff<'a> {
        let mut diff = ChildrenDiff::default();
        if !self.has_history(directory) {
            return diff;
        }
        let mut earlier = self.earlier.children_after(directory, "").0.peekable();
        let mut later = self.later.children_after(directory, "").0.peekable();
        loop {
            match (earlier.peek(), later.peek()) {
                (Some(before), Some(after)) if before == after => {
                    earlier.next();
                    later.next();
                }
                (Some(before), after) if after.is_none_or(|after| before < after) => {
                    diff.deleted.extend(earlier.next());
                }
                (_, Some(_)) => diff.created.extend(later.next()),
                _ => return diff,
            }
        }
    }

    fn has_history(&self, id: InodeId) -> bool {
        let snapshots = self.later.namespace().snapshots();
        // A snapshot has its own copy of its directory's attributes.
        snapshots.history(id).is_some() || snapshots.of(id).is_some()
    }

    fn is_changed(&self, id: InodeId, children: Option<&ChildrenDiff<'a>>) -> bool {
        if !self.has_history(id) {
            return false;
        }
        match children {
            Some(children) => {
                !children.created.is_empty()
                    || !children.deleted.is_empty()
                    || self.directory_changed(id)
            }
            // Symlinks have no diffs.
            None => self.earlier.inode(id).as_file().is_some() && self.file_changed(id),
        }
    }

    /// Returns true if the length or the attributes of a file differ. Times do not count
    /// (`FileWithSnapshotFeature.changedBetweenSnapshots`).
    fn file_changed(&self, id: InodeId) -> bool {
        if self.is_link(id) {
            return false;
        }
        let length = |view: View<'_>| {
            let kept = view.kept_length(id);
            kept.or_else(|| view.inode(id).as_file().map(|file| file.usage().0))
        };
        length(self.earlier) != length(self.later)
            || !is_alike(self.earlier.inode(id), self.later.inode(id))
    }

    /// Returns true if the attributes of a directory differ, or have changed in between, or after
    /// another change in between (`DirectoryWithSnapshotFeature.computeDiffBetweenSnapshots`).
    fn directory_changed(&self, id: InodeId) -> bool {
        let namespace = self.later.namespace();
        let snapshots = namespace.snapshots();
        let from = self.earlier.snapshot().unwrap_or(0);
        let until = self.later.snapshot().unwrap_or(Moment::MAX);
        // Each snapshot has a copy of its own directory; of others, what has changed is kept.
        let copies: Vec<(Moment, &Inode)> = match snapshots.of(id) {
            Some(root) => root.since(from).map(|(id, it)| (id, &it.root)).collect(),
            None => {
                let versions = snapshots.history(id).map(History::versions);
                let versions = versions.unwrap_or_default().iter();
                let versions = versions.filter(|version| version.until > from);
                versions.map(|it| (it.until - 1, &it.inode)).collect()
            }
        };
        let Some((_, first)) = copies.first().filter(|(moment, _)| *moment < until) else {
            return false;
        };
        let now = namespace.get(id);
        let others = copies.iter().map(|(_, inode)| *inode).chain(now);
        others.into_iter().any(|other| !is_alike(first, other))
    }

    /// Returns where an inode is at the later time, within the compared directory.
    pub(crate) fn target(&self, id: InodeId) -> Option<RelativePath<'a>> {
        if self.is_link(id) {
            return None;
        }
        let mut path = Vec::new();
        let mut id = id;
        while id != self.scope {
            if id == ROOT {
                return None;
            }
            let (name, directory) = self.place(id)?;
            path.push(name.0);
            id = directory;
        }
        path.reverse();
        Some(path)
    }

    /// Returns an inode's name and directory at the later time.
    fn place(&self, id: InodeId) -> Option<Child<'a>> {
        if let Some(place) = self.left.get(&id) {
            return Some(*place);
        }
        let namespace = self.later.namespace();
        let inode = namespace.get(id)?;
        self.later.child(inode.parent, &inode.name)?;
        Some((Name(&inode.name), inode.parent))
    }

    /// Returns true if an inode has been in several places (`INode.isReference`).
    pub(crate) fn is_reference(&self, id: InodeId) -> bool {
        let history = self.later.namespace().snapshots().history(id);
        history.is_some_and(|history| history.moves().moved) && !self.is_link(id)
    }

    /// Returns true for a symbolic link: Hadoop follows none that is moved, and sees no change.
    fn is_link(&self, id: InodeId) -> bool {
        let inode = self.later.namespace().last_of(id);
        inode.is_some_and(|inode| inode.as_symlink().is_some())
    }
}

/// Returns true if a path comes before another one in the order of listings.
fn is_before(path: &[&str], other: &[&str]) -> bool {
    path.iter().map(Name).lt(other.iter().map(Name))
}

/// Returns true if two inodes have the same attributes, but for times and names
/// (`metadataEquals`).
fn is_alike(one: &Inode, other: &Inode) -> bool {
    let of_kind = |inode: &Inode| match &inode.kind {
        InodeKind::Directory(directory) => (Some(directory.quota()), None),
        InodeKind::File(file) => (None, Some((file.replication, file.block_size))),
        InodeKind::Symlink(_) => (None, None),
    };
    let attributes = |inode: &Inode| (inode.mode, inode.storage_policy, of_kind(inode));
    attributes(one) == attributes(other)
        && (&one.owner, &one.group) == (&other.owner, &other.group)
        && one.features == other.features
}
