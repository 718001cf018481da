//! Taking, deleting and renaming snapshots.

use crate::namenode::state::Effects;
use crate::namenode::state::inode::{InodeId, Millis};
use crate::namenode::state::kept::{Capture, Moment, Snapshot};
use crate::namenode::state::namespace::Namespace;

/// The reason for which an edit does not fit.
type Reason = String;

impl Namespace {
    /// Sets what snapshots keep.
    pub(in crate::namenode::state) fn set_capture(&mut self, capture: Capture) {
        self.snapshots_mut().capture = capture;
    }

    /// Sets the number of snapshots that were ever taken, as an image has it.
    pub(in crate::namenode::state) fn set_taken(&mut self, taken: Moment) {
        self.snapshots_mut().moment = taken;
    }

    /// Lets snapshots of a directory be taken.
    pub(in crate::namenode::state) fn allow_snapshots(&mut self, root: InodeId) {
        self.snapshots_mut().roots.entry(root).or_default();
    }

    /// Forbids snapshots of a directory. Fails if there are some.
    pub(in crate::namenode::state) fn disallow_snapshots(
        &mut self,
        root: InodeId,
    ) -> Result<(), Reason> {
        self.check_no_snapshots_of(root)?;
        self.snapshots_mut().roots.remove(&root);
        Ok(())
    }

    /// Takes a snapshot, which copies nothing but the directory's attributes.
    pub(in crate::namenode::state) fn create_snapshot(
        &mut self,
        root: InodeId,
        name: &str,
        mtime: Millis,
    ) -> Result<(), Reason> {
        self.check_name_is_free(root, name)?;
        self.touch(root, mtime);
        let mut copy = self.inode(root).frozen();
        copy.name = name.into();
        copy.modification_time = mtime;
        let last_inode = self.last_id();
        let snapshots = self.snapshots_mut();
        let id = snapshots.moment;
        let Some(snapshottable) = snapshots.roots.get_mut(&root) else {
            return Err(format!("inode {root} is not snapshottable"));
        };
        let snapshot = Snapshot {
            root: copy,
            last_inode,
        };
        snapshottable.add(id, snapshot);
        snapshots.last_inodes.insert(id, last_inode);
        snapshots.moment = id.saturating_add(1);
        Ok(())
    }

    /// Deletes a snapshot, and what only it shows. If snapshots are removed in order and there is
    /// an earlier one, it is only marked and renamed.
    pub(in crate::namenode::state) fn delete_snapshot(
        &mut self,
        root: InodeId,
        name: &str,
        mtime: Millis,
        effects: &mut Effects,
    ) -> Result<(), Reason> {
        if let Some(marked) = self.snapshots().name_once_deleted(root, name) {
            self.rename_snapshot(root, (name, &marked), mtime)?;
            if let Some(snapshottable) = self.snapshots_mut().roots.get_mut(&root) {
                snapshottable.mark_deleted(&marked);
            }
            return Ok(());
        }
        let snapshots = self.snapshots_mut();
        let snapshottable = snapshots.roots.get_mut(&root);
        let Some(id) = snapshottable.and_then(|it| it.remove(name)) else {
            if !snapshots.removes_in_order() && name.contains('#') {
                // Edits from the time when it was only marked, and removed later under this name.
                return Ok(());
            }
            return Err(format!("inode {root} has no snapshot {name}"));
        };
        snapshots.last_inodes.remove(&id);
        self.touch(root, mtime);
        self.prune(effects);
        Ok(())
    }

    /// Renames a snapshot from the first name to the second.
    pub(in crate::namenode::state) fn rename_snapshot(
        &mut self,
        root: InodeId,
        (name, new_name): (&str, &str),
        mtime: Millis,
    ) -> Result<(), Reason> {
        if name != new_name {
            self.check_name_is_free(root, new_name)?;
        }
        let snapshottable = self.snapshots_mut().roots.get_mut(&root);
        match snapshottable.and_then(|it| it.rename(name, new_name)) {
            Some(snapshot) if name != new_name => snapshot.root.modification_time = mtime,
            Some(_) => {}
            None => return Err(format!("inode {root} has no snapshot {name}")),
        }
        Ok(())
    }

    fn check_name_is_free(&self, root: InodeId, name: &str) -> Result<(), Reason> {
        let snapshottable = self.snapshots().of(root);
        if snapshottable.is_some_and(|it| it.named(name).is_some()) {
            return Err(format!("inode {root} has a snapshot {name}"));
        }
        Ok(())
    }

    /// Returns the first directory within a subtree that has snapshots.
    pub(crate) fn with_snapshots_within(&self, top: InodeId) -> Option<InodeId> {
        let roots = self.snapshots().roots();
        let mut with = roots.filter(|(_, root)| root.len() > 0);
        let found = with.find(|(id, _)| self.is_within(*id, top));
        found.map(|(id, _)| id)
    }

    /// Fails if a directory within a subtree has snapshots.
    pub(in crate::namenode::state) fn check_no_snapshots(
        &self,
        top: InodeId,
    ) -> Result<(), Reason> {
        match self.with_snapshots_within(top) {
            Some(id) => Err(format!("inode {id} has snapshots")),
            None => Ok(()),
        }
    }

    fn check_no_snapshots_of(&self, root: InodeId) -> Result<(), Reason> {
        match self.snapshots().of(root) {
            Some(snapshottable) if snapshottable.len() > 0 => {
                Err(format!("inode {root} has snapshots"))
            }
            _ => Ok(()),
        }
    }
}
