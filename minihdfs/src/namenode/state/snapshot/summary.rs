//! Totals of a directory with what only its snapshots keep
//! (`DirectoryWithSnapshotFeature.computeContentSummary4Snapshot`).

use crate::namenode::state::inode::{Inode, InodeId};
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::quota::{Counts, Usage};
use crate::namenode::state::snapshot::history::Gone;
use crate::namenode::state::snapshot::moment::Moment;
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
    /// snapshots keep (`storagespaceConsumed`).
    fn count_inode(self, inode: &Inode) -> Counts {
        let mut counts = Counts::of(inode);
        if let Some(file) = inode.as_file() {
            if let Some(length) = self.kept_length(inode.id) {
                counts.length = length.into();
            }
            let space = self.namespace().space_of(inode.id);
            counts.space = space.unwrap_or_else(|| file.usage().1.into());
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

impl Namespace {
    /// Counts the children that are gone from a directory and kept for snapshots, with all that is
    /// below them.
    fn count_gone(&self, directory: InodeId) -> Counts {
        let mut counts = Counts::default();
        let mut pending = vec![directory];
        while let Some(directory) = pending.pop() {
            let history = self.snapshots().history(directory);
            for ((_, until), gone) in history.into_iter().flat_map(|it| &it.gone) {
                let moved = self.snapshots().history(gone.id);
                let moved = moved.is_none_or(|history| history.moved || !history.removed);
                match self.last_of(gone.id).filter(|_| !moved) {
                    Some(inode) => {
                        counts += self.view(None).count_inode(inode);
                        pending.push(gone.id);
                    }
                    None => counts += self.count_moved(directory, gone, *until),
                }
            }
        }
        counts
    }

    /// Counts a moved inode as the last snapshot shows it that shows it in this directory.
    fn count_moved(&self, directory: InodeId, gone: &Gone, until: Moment) -> Counts {
        let stays = self.stays(directory);
        let snapshots = self.snapshots();
        let last = snapshots.last_showing(&stays, gone.from, until, gone.id);
        last.map_or_else(Counts::default, |last| self.view(Some(last)).count(gone.id))
    }
}
