//! Edits of the tree: adding, moving, removing.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Reason;
use crate::namenode::acl::{Acl, AclEntry};
use crate::namenode::edit::{Edit, FileFields, PermissionStatus};
use crate::namenode::path;
use crate::namenode::state::inode::{Directory, File, Inode, InodeId, InodeKind, Millis, ROOT};
use crate::namenode::state::{Effects, State};

impl State {
    pub(super) fn change_tree(&mut self, edit: &Edit, effects: &mut Effects) -> Result<(), Reason> {
        match edit {
            Edit::Mkdir {
                inode_id,
                path,
                timestamp,
                permissions,
                acl,
            } => {
                let kind = InodeKind::Directory(Directory::default());
                self.add_inode((*inode_id, path), (*timestamp, 0), permissions, acl, kind)
            }
            Edit::Symlink {
                inode_id,
                path,
                value,
                mtime,
                atime,
                permissions,
                ..
            } => {
                let kind = InodeKind::Symlink(value.as_str().into());
                self.add_inode((*inode_id, path), (*mtime, *atime), permissions, &[], kind)
            }
            Edit::RenameOld {
                src,
                dst,
                timestamp,
                ..
            } => self.rename(src, dst, *timestamp, false, effects),
            Edit::Rename {
                src,
                dst,
                timestamp,
                overwrite,
                ..
            } => self.rename(src, dst, *timestamp, *overwrite, effects),
            Edit::Delete {
                path, timestamp, ..
            } => {
                let id = self.existing(path)?;
                if id == ROOT {
                    return Err("the root cannot be removed".to_owned());
                }
                self.namespace.check_no_snapshots(id)?;
                self.remove_tree(*timestamp, id, effects);
                Ok(())
            }
            Edit::ConcatDelete {
                trg,
                srcs,
                timestamp,
                ..
            } => self.concat(trg, srcs, *timestamp, effects),
            _ => Ok(()),
        }
    }

    pub(super) fn add_file(&mut self, file: &FileFields, acl: &[AclEntry]) -> Result<(), Reason> {
        let kind = InodeKind::File(File {
            blocks: Vec::new(),
            replication: file.replication,
            block_size: file.block_size,
            writer: None,
        });
        let times = (file.mtime, file.atime);
        let id = (file.inode_id, &*file.path);
        self.add_inode(id, times, &file.permissions, acl, kind)
    }

    fn add_inode(
        &mut self,
        (id, path): (InodeId, &str),
        (modification_time, access_time): (Millis, Millis),
        permissions: &PermissionStatus,
        acl: &[AclEntry],
        kind: InodeKind,
    ) -> Result<(), Reason> {
        let parent = self.existing(path::parent(path))?;
        let name = path::name(path);
        if !self.namespace.inode(parent).is_directory() {
            return Err(format!("the parent of {path} is not a directory"));
        }
        let place = self.namespace.free_place(parent, name);
        let Some(place) = place.filter(|_| !name.is_empty()) else {
            return Err(format!("{path} exists"));
        };
        if self.namespace.get(id).is_some() {
            return Err(format!("inode {id} exists"));
        }
        let (acl, mode) = if acl.is_empty() {
            (Acl::default(), permissions.mode)
        } else {
            Acl::stored(acl.to_vec(), permissions.mode)
        };
        let mut inode = Inode {
            id,
            parent,
            name: name.into(),
            owner: Arc::clone(&permissions.owner),
            group: Arc::clone(&permissions.group),
            modification_time,
            access_time,
            features: None,
            mode,
            storage_policy: 0,
            kind,
        };
        inode.set_acl(acl);
        self.namespace.add(inode, place);
        Ok(())
    }

    /// Removes an inode and its subtree, with their blocks and leases.
    pub(super) fn remove_tree(&mut self, timestamp: Millis, id: InodeId, effects: &mut Effects) {
        let removed = self.namespace.remove(timestamp, id, false);
        self.let_go_of(&removed, effects);
    }

    /// Lets go of the blocks and leases of removed inodes.
    fn let_go_of(&mut self, removed: &[Inode], effects: &mut Effects) {
        for inode in removed {
            if let InodeKind::File(file) = &inode.kind {
                self.namespace.let_go(inode.id, &file.blocks, effects);
                // What only snapshots showed before may now need fewer replicas.
                self.namespace.replicate_earlier(inode.id, effects);
                if let Some(writer) = &file.writer {
                    self.leases.remove(&writer.holder, inode.id);
                    self.namespace.let_go_source(inode.id, writer, effects);
                }
            }
        }
    }

    fn rename(
        &mut self,
        src: &str,
        dst: &str,
        timestamp: Millis,
        overwrite: bool,
        effects: &mut Effects,
    ) -> Result<(), Reason> {
        let id = self.existing(src)?;
        if src == dst {
            // Hadoop logs the move of a file to its own place.
            return Ok(());
        }
        self.namespace.check_no_snapshots(id)?;
        let parent = self.existing(path::parent(dst))?;
        if id == ROOT || self.namespace.is_within(parent, id) {
            return Err(format!("{src} cannot be moved to {dst}"));
        }
        if !self.namespace.inode(parent).is_directory() {
            return Err(format!("the parent of {dst} is not a directory"));
        }
        match self.namespace.find(dst) {
            Some(existing) if overwrite && existing != id => {
                self.namespace.check_no_snapshots(existing)?;
                // The directory is touched when its new child has come.
                let mtime = self.namespace.inode(parent).modification_time;
                let removed = self.namespace.remove(mtime, existing, true);
                self.let_go_of(&removed, effects);
            }
            Some(_) => return Err(format!("{dst} exists")),
            None => {}
        }
        self.namespace
            .rename(timestamp, id, parent, path::name(dst));
        Ok(())
    }

    fn concat(
        &mut self,
        trg: &str,
        srcs: &[String],
        timestamp: Millis,
        effects: &mut Effects,
    ) -> Result<(), Reason> {
        let target = self.file(trg)?;
        let sources = srcs.iter().map(|src| self.file(src));
        let sources: Vec<InodeId> = sources.collect::<Result<_, _>>()?;
        let mut once: BTreeSet<InodeId> = sources.iter().copied().collect();
        if !once.insert(target) || once.len() <= sources.len() {
            return Err(format!("a source of {trg} is named twice"));
        }
        for source in sources {
            // Taken out first, so that removing the source does not remove its blocks.
            if self.namespace.is_in_snapshot(source) {
                return Err(format!("inode {source} is in a snapshot"));
            }
            let moved = self.recount(source, |state| {
                let file = state.file_mut(source)?;
                Ok::<_, Reason>(std::mem::take(&mut file.blocks))
            })?;
            self.remove_tree(timestamp, source, effects);
            self.namespace.keep(target);
            self.recount(target, |state| {
                let replication = state.namespace.block_replication(target);
                let file = state.file_mut(target)?;
                let stored = moved.iter().map(|block| (*block, target, replication));
                effects.stored.extend(stored);
                file.blocks.extend(moved);
                Ok::<_, Reason>(())
            })?;
        }
        self.namespace.inode_mut(target).modification_time = timestamp;
        Ok(())
    }
}
