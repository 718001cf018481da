//! Keeping what is about to change.

use std::rc::Rc;

use crate::namenode::state::inode::{File, Inode, InodeId, InodeKind, Millis};
use crate::namenode::state::kept::gone::Gone;
use crate::namenode::state::kept::history::{History, Version};
use crate::namenode::state::kept::stay::Stay;
use crate::namenode::state::name::Name;
use crate::namenode::state::namespace::Namespace;

impl Namespace {
    /// Keeps the attributes of an inode that are about to change, if a snapshot shows them
    /// (`recordModification`).
    pub(in crate::namenode::state) fn keep(&mut self, id: InodeId) {
        if self.snapshots().is_empty() {
            return;
        }
        if let Some(history) = self.snapshots_mut().histories.get_mut(id) {
            history.settle();
        }
        if self.is_to_be_kept(id) {
            self.keep_version(id);
        }
    }

    /// Keeps a directory whose children are about to change, without a copy of its attributes.
    pub(in crate::namenode::state) fn keep_children(&mut self, directory: InodeId) {
        if self.is_to_be_kept(directory) {
            self.keep_version(directory);
            let history = self.snapshots_mut().history_mut(directory);
            if let Some(version) = history.versions_mut().last_mut() {
                version.lacks_copy = true;
            }
        }
    }

    /// Sets the modification time of a directory to that of a new child, unless its own is later,
    /// also in snapshots that have no copy of it (`INodeDirectory.addChild`).
    pub(in crate::namenode::state) fn touch_with_child(
        &mut self,
        directory: InodeId,
        mtime: Millis,
    ) {
        self.keep_children(directory);
        let inode = self.inode_mut(directory);
        let mtime = inode.modification_time.max(mtime);
        inode.modification_time = mtime;
        if self.snapshots().is_empty() {
            return;
        }
        let history = self.snapshots_mut().histories.get_mut(directory);
        let versions = history.into_iter().flat_map(History::without_copy);
        versions.for_each(|version| version.inode.modification_time = mtime);
    }

    /// Sets the modification time of a directory, unless its own is later
    /// (`updateModificationTime`).
    pub(in crate::namenode::state) fn touch(&mut self, directory: InodeId, mtime: Millis) {
        if self.inode(directory).modification_time < mtime {
            self.keep(directory);
            self.inode_mut(directory).modification_time = mtime;
        }
    }

    /// Returns true if a snapshot shows the present attributes of an inode.
    pub(super) fn is_to_be_kept(&self, id: InodeId) -> bool {
        let snapshots = self.snapshots();
        if snapshots.is_empty() {
            return false;
        }
        let kept = snapshots.history(id).map_or(0, |it| it.kept_until());
        // A snapshot has its own copy of its directory's attributes.
        let shown = |stay: Stay| stay.root != id && snapshots.shows(&stay, kept, id);
        self.any_stay(id, shown)
    }

    fn keep_version(&mut self, id: InodeId) {
        let inode = self.inode(id);
        let length = inode.as_file().map_or(0, |file| file.usage().0);
        let version = Version {
            until: self.snapshots().taken(),
            length,
            inode: inode.frozen(),
            lacks_copy: false,
        };
        let history = self.snapshots_mut().history_mut(id);
        history.add_version(version);
    }

    /// Keeps a child of a directory with these stays, from which it is about to go.
    fn keep_child(&mut self, directory: InodeId, stays: &[Stay], id: InodeId) {
        let from = self.snapshots().arrived(id);
        if !self.snapshots().any_shows(stays, from, id) {
            return;
        }
        let gone = (Name(self.inode(id).name.clone()), self.snapshots().taken());
        let history = self.snapshots_mut().history_mut(directory);
        history.change_moves(|moves| moves.gone.insert(gone, Gone { id, from }));
    }

    /// Keeps what snapshots show of an inode's place, which it is about to change for another
    /// directory or name.
    pub(in crate::namenode::state) fn keep_place(&mut self, id: InodeId, new_parent: InodeId) {
        if self.snapshots().is_empty() {
            return;
        }
        let parent = self.inode(id).parent;
        self.keep_child(parent, &self.stays(parent), id);
        let stays = self.stays(id);
        let snapshots = self.snapshots();
        // Also for an inode that no snapshot shows: it may hold older ones.
        let is_seen = self.any_stay(new_parent, |stay| snapshots.shows(&stay, 0, 0));
        if is_seen || !stays.is_empty() || snapshots.history(id).is_some() {
            let arrived = snapshots.taken();
            let history = self.snapshots_mut().history_mut(id);
            history.change_moves(|moves| {
                moves.arrived = arrived;
                moves.moved |= !stays.is_empty();
                moves.stays = stays;
            });
        }
    }

    /// Keeps what snapshots show of a subtree that is about to be removed. Its top is recorded as
    /// changed, unless something that was moved replaces it (`RenameOperation.cleanDst`).
    pub(in crate::namenode::state) fn keep_subtree(&mut self, top: InodeId, is_replaced: bool) {
        if self.snapshots().is_empty() {
            return;
        }
        let parent = self.inode(top).parent;
        let above = self.stays(parent);
        self.keep_child(parent, &above, top);
        let mut pending = vec![(top, Rc::<[Stay]>::from(above))];
        while let Some((id, above)) = pending.pop() {
            let stays: Rc<[Stay]> = self.snapshots().stays_within(&above, id).into();
            let children: Vec<InodeId> = match self.inode(id).as_directory() {
                Some(directory) => directory.children.ids().collect(),
                None => Vec::new(),
            };
            for child in children {
                self.keep_child(id, &stays, child);
                pending.push((child, Rc::clone(&stays)));
            }
            self.keep_removed(id, &stays, id == top && !is_replaced);
        }
    }

    /// Keeps the last attributes of an inode that is about to be removed. Those of a file are
    /// recorded if `records` says so, or if it has changed before (`INodeFile.cleanSubtree`).
    fn keep_removed(&mut self, id: InodeId, stays: &[Stay], records: bool) {
        if stays.is_empty() {
            self.snapshots_mut().histories.remove(id);
            return;
        }
        let history = self.snapshots().history(id);
        let kept = history.map_or(0, |it| it.kept_until());
        let has_changed = history.is_some_and(|it| it.moves().moved || kept > 0);
        let lacks_copy = self.inode(id).as_file().is_some() && !records && !has_changed;
        if self.snapshots().any_shows(stays, kept, id) {
            self.keep_version(id);
        }
        let remains = self.remains(id);
        let history = self.snapshots_mut().history_mut(id);
        history.settle();
        if let Some(last) = history.versions_mut().last_mut() {
            last.lacks_copy = lacks_copy;
        }
        history.change_moves(|moves| {
            moves.stays = stays.to_vec();
            moves.arrived = 0;
            moves.removed = true;
            moves.remains = remains;
        });
    }

    /// Returns an inode; if only snapshots show it, with the last attributes that are kept.
    pub(crate) fn last_of(&self, id: InodeId) -> Option<&Inode> {
        self.get(id).or_else(|| {
            let history = self.snapshots().history(id)?;
            history.versions().last().map(|version| &version.inode)
        })
    }

    /// Forgets removed directories of which snapshots might have been taken.
    pub(in crate::namenode::state) fn forget_roots(&mut self, removed: &[Inode]) {
        let roots = &mut self.snapshots_mut().roots;
        if !roots.is_empty() {
            for inode in removed {
                roots.remove(&inode.id);
            }
        }
    }
}

impl Inode {
    /// Returns a copy as snapshots keep it: without children, and closed.
    pub(super) fn frozen(&self) -> Self {
        let kind = match &self.kind {
            InodeKind::Directory(directory) => InodeKind::Directory(directory.without_children()),
            InodeKind::File(file) => InodeKind::File(file.frozen()),
            InodeKind::Symlink(target) => InodeKind::Symlink(target.clone()),
        };
        Self {
            kind,
            name: self.name.clone(),
            owner: self.owner.clone(),
            group: self.group.clone(),
            features: self.features.clone(),
            ..*self
        }
    }
}

impl File {
    /// Returns a copy without its writer. The last blocks are left out if they are empty: a writer
    /// may still abandon them, and Hadoop records a length, which does not reach into them
    /// (`INodeFile.collectBlocksBeyondMax`).
    fn frozen(&self) -> Self {
        let mut blocks = self.blocks.clone();
        while blocks.pop_if(|last| last.length == 0).is_some() {}
        Self {
            blocks,
            writer: None,
            ..*self
        }
    }
}
