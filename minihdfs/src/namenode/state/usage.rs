//! The resources that a subtree uses. A directory with a quota keeps the counts of its subtree, so
//! that a check costs no more than the depth of the path.

use crate::namenode::state::inode::{Inode, InodeId, InodeKind, ROOT};
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::quota::{Counts, Quota, QuotaFeature, Usage};

impl Counts {
    /// Counts one inode, without what is below it.
    pub(super) fn of(inode: &Inode) -> Self {
        match &inode.kind {
            InodeKind::Directory(_) => Self::DIRECTORY,
            InodeKind::File(file) => {
                let (length, space) = file.usage();
                Self {
                    files: 1,
                    length: length.into(),
                    space: space.into(),
                    ..Self::default()
                }
            }
            InodeKind::Symlink(_) => Self {
                symlinks: 1,
                ..Self::default()
            },
        }
    }
}

impl Namespace {
    /// Returns the usage of the subtree at `top`.
    pub(crate) fn usage(&self, top: InodeId) -> Usage {
        self.count(top, true).into()
    }

    /// Counts the subtree at `top`, with the counts kept in it or from scratch.
    pub(super) fn count(&self, top: InodeId, with_kept: bool) -> Counts {
        let mut counts = Counts::default();
        let mut pending = vec![top];
        while let Some(id) = pending.pop() {
            let inode = self.inode(id);
            match inode.as_directory() {
                Some(directory) => match directory.feature().filter(|_| with_kept) {
                    Some(feature) => counts += feature.counts,
                    None => {
                        counts += Counts::DIRECTORY;
                        pending.extend(directory.children.ids());
                    }
                },
                None => counts += Counts::of(inode),
            }
        }
        counts
    }

    /// Counts one inode, without what is below it.
    pub(super) fn count_one(&self, id: InodeId) -> Counts {
        Counts::of(self.inode(id))
    }

    /// Changes the counts kept in `directory` and above it.
    pub(super) fn charge(&mut self, directory: InodeId, added: Counts, removed: Counts) {
        if added == removed {
            return;
        }
        let mut id = directory;
        loop {
            let inode = self.inode_mut(id);
            let parent = inode.parent;
            if let Some(feature) = inode.as_directory_mut().and_then(|it| it.feature_mut()) {
                feature.counts += added;
                feature.counts -= removed;
            }
            if id == ROOT {
                return;
            }
            id = parent;
        }
    }

    /// Returns true if counts are kept in `directory` or between it and `below`, exclusive.
    pub(super) fn keeps_counts(&self, directory: InodeId, below: InodeId) -> bool {
        let mut id = directory;
        while id != below {
            let inode = self.inode(id);
            if inode
                .as_directory()
                .is_some_and(|it| it.feature().is_some())
            {
                return true;
            }
            id = inode.parent;
        }
        false
    }

    /// Sets the quota of a directory. Counts its subtree if it had none.
    pub(super) fn set_quota(&mut self, id: InodeId, quota: Quota) {
        let counts = self.count(id, true);
        if let Some(directory) = self.inode_mut(id).as_directory_mut() {
            let wanted = quota != Quota::default() || id == ROOT;
            directory.set_feature(wanted.then(|| Box::new(QuotaFeature { quota, counts })));
        }
    }

    /// Fails if counts that are kept are not those of the subtree, and says which.
    pub(crate) fn check_counts(&self) -> Result<(), String> {
        for inode in self.iter() {
            let kept = inode.as_directory().and_then(|it| it.feature());
            let Some(kept) = kept.map(|feature| feature.counts) else {
                continue;
            };
            let counts = self.count(inode.id, false);
            if kept != counts {
                return Err(format!(
                    "{} has {counts:?}, but keeps {kept:?}",
                    self.full_path(inode.id)
                ));
            }
        }
        Ok(())
    }
}
