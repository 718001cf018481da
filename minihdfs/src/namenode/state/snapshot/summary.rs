//! Totals of a directory with what only its snapshots keep
//! (`DirectoryWithSnapshotFeature.computeContentSummary4Snapshot`).

use crate::namenode::state::inode::{Directory, Inode, InodeId};
use crate::namenode::state::kept::Moment;
use crate::namenode::state::kept::gone::Gone;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::quota::{Counts, Quota, Usage};
use crate::namenode::state::snapshot::view::View;

/// The totals of a directory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// Everything, also what only snapshots keep.
    pub(crate) all: Usage,
    /// The part that only snapshots keep.
    pub(crate) of_snapshots: Usage,
}

impl View<'_> {
    /// Returns the usage of the subtree at `top` in this view.
    pub(crate) fn usage(self, top: InodeId) -> Usage {
        if self.snapshot().is_none() {
            return self.namespace().usage(top);
        }
        self.count(top).into()
    }

    /// Counts the subtree at `top` in this view.
    fn count(self, top: InodeId) -> Counts {
        let mut counts = Counts::default();
        let mut pending = vec![top];
        while let Some(id) = pending.pop() {
            counts += self.count_inode(self.inode(id));
            pending.extend(self.children(id));
        }
        counts
    }

    /// Counts one inode in this view. A file takes the space of all blocks that it has or that
    /// snapshots keep (`storagespaceConsumed`). In a snapshot, one that has changed since any
    /// snapshot takes the space of its bytes (`getDiskSpaceQuota`).
    fn count_inode(self, inode: &Inode) -> Counts {
        let mut counts = Counts::of(inode);
        if let Some(file) = inode.as_file() {
            if let Some(length) = self.kept_length(inode.id) {
                counts.length = length.into();
            }
            counts.space = if self.shows_changed(inode.id) {
                counts.length.saturating_mul(file.replication.into())
            } else {
                let space = self.namespace().space_of(inode.id);
                space.unwrap_or_else(|| file.usage().1.into())
            };
        }
        counts
    }
}

impl View<'_> {
    /// Returns the totals of the subtree at `top`. In a snapshot they are those of its tree. In the
    /// present one they include every child that is gone and kept for snapshots, also one that was
    /// only moved, as in Hadoop.
    pub(crate) fn summary(self, top: InodeId) -> Summary {
        if self.snapshot().is_some() || self.namespace().snapshots().is_empty() {
            return Summary {
                all: self.usage(top),
                of_snapshots: Usage::default(),
            };
        }
        let namespace = self.namespace();
        let (mut all, mut of_snapshots) = (Counts::default(), Counts::default());
        let mut pending = vec![top];
        while let Some(id) = pending.pop() {
            all += self.count_inode(self.inode(id));
            of_snapshots += namespace.count_gone(id);
            pending.extend(self.children(id));
        }
        all += of_snapshots;
        Summary {
            all: all.into(),
            of_snapshots: of_snapshots.into(),
        }
    }
}

impl View<'_> {
    /// Returns the limits of a directory. In a snapshot they are the present ones, or those that it
    /// had when it was removed, unless the snapshot is of this directory: Hadoop asks the inode.
    pub(crate) fn present_quota(self, id: InodeId) -> Quota {
        let namespace = self.namespace();
        let inode = match self.is_root_of_snapshot(id) {
            true => self.get(id),
            false => namespace.get(id),
        };
        match inode {
            Some(inode) => inode.as_directory().map(Directory::quota),
            None => namespace.quota_of_removed(id),
        }
        .unwrap_or_default()
    }

    /// Returns what counts for the limits of a directory that has some. The copy of it that a
    /// snapshot has counts nothing (`Snapshot.Root`).
    pub(crate) fn charged_usage(self, id: InodeId) -> Usage {
        let namespace = self.namespace();
        if self.is_root_of_snapshot(id) {
            return Counts::DIRECTORY.into();
        }
        if namespace.get(id).is_some() {
            return namespace.view(None).summary(id).all;
        }
        let mut counts = namespace.count_gone(id);
        counts += Counts::DIRECTORY;
        counts.into()
    }
}

impl Namespace {
    /// Counts the children that are gone from a directory and kept for snapshots, with all that is
    /// below them.
    fn count_gone(&self, directory: InodeId) -> Counts {
        let mut counts = Counts::default();
        self.visit_gone(directory, &mut |view, inode| {
            counts += view.count_inode(inode);
        });
        counts
    }

    /// Visits the children that are gone from a directory and kept for snapshots, and all that is
    /// below them, each with the view that it counts in. One that was moved counts as the last
    /// snapshot shows it that shows it in this directory.
    pub(in crate::namenode::state) fn visit_gone(
        &self,
        directory: InodeId,
        visit: &mut dyn FnMut(View<'_>, &Inode),
    ) {
        let mut pending = vec![directory];
        while let Some(directory) = pending.pop() {
            let history = self.snapshots().history(directory);
            for ((_, until), gone) in history.into_iter().flat_map(|it| it.moves().gone.iter()) {
                let moved = self.snapshots().history(gone.id);
                let moved =
                    moved.is_none_or(|history| history.moves().moved || !history.moves().removed);
                match self.last_of(gone.id).filter(|_| !moved) {
                    Some(inode) => {
                        visit(self.view(None), inode);
                        pending.push(gone.id);
                    }
                    None => self.visit_moved(directory, gone, *until, visit),
                }
            }
        }
    }

    fn visit_moved(
        &self,
        directory: InodeId,
        gone: &Gone,
        until: Moment,
        visit: &mut dyn FnMut(View<'_>, &Inode),
    ) {
        let stays = self.stays(directory);
        let snapshots = self.snapshots();
        let Some(last) = snapshots.last_showing(&stays, gone.from, until, gone.id) else {
            return;
        };
        let view = self.view(Some(last));
        let mut pending = vec![gone.id];
        while let Some(id) = pending.pop() {
            visit(view, view.inode(id));
            pending.extend(view.children(id));
        }
    }
}
