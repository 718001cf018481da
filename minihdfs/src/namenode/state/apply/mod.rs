//! The effect of each edit.

mod attributes;
mod files;
mod snapshots;
mod tree;

use crate::namenode::edit::Edit;
use crate::namenode::state::inode::{File, Inode, InodeId};
use crate::namenode::state::{Effects, State};

/// The reason for which an edit does not fit.
type Reason = String;

impl State {
    pub(super) fn carry_out(&mut self, edit: &Edit) -> Result<Effects, Reason> {
        let mut effects = Effects::default();
        match edit {
            Edit::StartLogSegment | Edit::EndLogSegment => {}
            Edit::Add { .. }
            | Edit::Close(_)
            | Edit::Append { .. }
            | Edit::AddBlock { .. }
            | Edit::UpdateBlocks { .. }
            | Edit::Truncate { .. }
            | Edit::ReassignLease { .. } => self.write_file(edit, &mut effects)?,
            Edit::AllocateBlockId(id) => self.last_allocated_block_id = *id,
            Edit::SetGenstampV2(stamp) => self.generation_stamp = *stamp,
            Edit::AddCachePool { .. }
            | Edit::ModifyCachePool { .. }
            | Edit::RemoveCachePool { .. }
            | Edit::AddCacheDirective { .. }
            | Edit::ModifyCacheDirective { .. }
            | Edit::RemoveCacheDirective { .. } => self.caching.apply(edit)?,
            Edit::Token(edit) => self.tokens.apply(edit),
            Edit::ConcatDelete { .. }
            | Edit::Mkdir { .. }
            | Edit::Symlink { .. }
            | Edit::RenameOld { .. }
            | Edit::Rename { .. }
            | Edit::Delete { .. } => self.change_tree(edit, &mut effects)?,
            Edit::AllowSnapshot { .. }
            | Edit::DisallowSnapshot { .. }
            | Edit::CreateSnapshot { .. }
            | Edit::DeleteSnapshot { .. }
            | Edit::RenameSnapshot { .. } => self.change_snapshots(edit, &mut effects)?,
            _ => self.set_attribute(edit, &mut effects)?,
        }
        Ok(effects)
    }

    /// Changes a file, and with it the counts kept above it.
    fn recount<T>(&mut self, id: InodeId, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.namespace.count_one(id);
        let result = change(self);
        let after = self.namespace.count_one(id);
        self.namespace
            .charge(self.namespace.inode(id).parent, after, before);
        result
    }

    fn existing(&self, path: &str) -> Result<InodeId, Reason> {
        let guessed = self.found.filter(|id| self.namespace.is_at(*id, path));
        let found = guessed.or_else(|| self.namespace.find(path));
        found.ok_or_else(|| format!("{path} does not exist"))
    }

    fn file(&self, path: &str) -> Result<InodeId, Reason> {
        let id = self.existing(path)?;
        if self.namespace.inode(id).is_directory() {
            return Err(format!("{path} is not a file"));
        }
        Ok(id)
    }

    fn file_mut(&mut self, id: InodeId) -> Result<&mut File, Reason> {
        let file = self.namespace.inode_mut(id).as_file_mut();
        file.ok_or_else(|| format!("inode {id} is not a file"))
    }

    /// Returns an inode whose attributes will change.
    fn inode_at(&mut self, path: &str) -> Result<&mut Inode, Reason> {
        let id = self.existing(path)?;
        self.namespace.keep(id);
        Ok(self.namespace.inode_mut(id))
    }
}
