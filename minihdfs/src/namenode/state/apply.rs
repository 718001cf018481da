//! The effect of each edit.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::namenode::access::acl::{Acl, AclEntry};
use crate::namenode::edit::{Edit, FileFields, PermissionStatus};
use crate::namenode::path;
use crate::namenode::state::inode::{
    Directory, File, Inode, InodeId, InodeKind, Millis, Quota, ROOT, Writer,
};
use crate::namenode::state::{Effects, State};
use crate::protocol::Block;

/// `HdfsConstants.QUOTA_DONT_SET`: leaves the quota unchanged.
const DONT_SET: i64 = i64::MAX;
/// `HdfsConstants.QUOTA_RESET`: removes the limit.
const RESET: i64 = -1;

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
            Edit::Token(edit) => self.tokens.apply(edit),
            Edit::ConcatDelete { .. }
            | Edit::Mkdir { .. }
            | Edit::RenameOld { .. }
            | Edit::Rename { .. }
            | Edit::Delete { .. } => self.change_tree(edit, &mut effects)?,
            _ => self.set_attribute(edit, &mut effects)?,
        }
        Ok(effects)
    }

    fn write_file(&mut self, edit: &Edit, effects: &mut Effects) -> Result<(), Reason> {
        match edit {
            Edit::Add {
                file,
                acl,
                client_name,
                client_machine,
                overwrite,
                ..
            } => {
                if *overwrite && let Some(earlier) = self.namespace.find(&file.path) {
                    self.remove_tree(file.mtime, earlier, effects);
                }
                self.add_file(file, acl)?;
                self.open(file.inode_id, client_name, client_machine)
            }
            Edit::Close(fields) => {
                let id = self.file(&fields.path)?;
                self.recount(id, |state| state.close(id, fields, effects))
            }
            Edit::Append {
                path,
                client_name,
                client_machine,
                new_block,
                ..
            } => {
                let id = self.file(path)?;
                self.open(id, client_name, client_machine)?;
                self.recount(id, |state| state.reopen_last_block(id, *new_block))
            }
            Edit::AddBlock {
                path,
                penultimate,
                last,
                ..
            } => {
                let id = self.file(path)?;
                self.recount(id, |state| {
                    state.add_block(id, *penultimate, *last, effects)
                })
            }
            Edit::UpdateBlocks { path, blocks, .. } => {
                let id = self.file(path)?;
                self.recount(id, |state| state.set_blocks(id, blocks, effects))
            }
            Edit::Truncate { src, .. } => {
                let id = self.file(src)?;
                self.recount(id, |state| state.truncate(id, edit, effects))
            }
            Edit::ReassignLease {
                path, new_holder, ..
            } => self.reassign_lease(path, new_holder),
            _ => Ok(()),
        }
    }

    fn change_tree(&mut self, edit: &Edit, effects: &mut Effects) -> Result<(), Reason> {
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

    fn set_attribute(&mut self, edit: &Edit, effects: &mut Effects) -> Result<(), Reason> {
        match edit {
            Edit::SetReplication { path, replication } => {
                let id = self.file(path)?;
                self.recount(id, |state| {
                    let file = state.file_mut(id)?;
                    file.replication = *replication;
                    let stored = file.blocks.iter().map(|block| (*block, id, *replication));
                    effects.stored.extend(stored);
                    Ok::<_, Reason>(())
                })?;
            }
            Edit::SetPermissions { src, mode } => self.inode_at(src)?.mode = *mode,
            Edit::SetOwner {
                src,
                username,
                groupname,
            } => {
                let inode = self.inode_at(src)?;
                if let Some(owner) = username {
                    inode.owner = owner.as_str().into();
                }
                if let Some(group) = groupname {
                    inode.group = group.as_str().into();
                }
            }
            Edit::Times { path, mtime, atime } => {
                let inode = self.inode_at(path)?;
                if *mtime >= 0 {
                    inode.modification_time = *mtime;
                }
                if *atime >= 0 {
                    inode.access_time = *atime;
                }
            }
            Edit::SetQuota {
                src,
                ns_quota,
                ds_quota,
            } => self.set_quota(src, *ns_quota, *ds_quota)?,
            Edit::SetAcl { src, entries } => {
                let inode = self.inode_at(src)?;
                (inode.acl, inode.mode) = if entries.is_empty() {
                    inode.acl.removed(inode.mode)
                } else {
                    Acl::stored(entries.clone(), inode.mode)
                };
            }
            Edit::SetXAttr { src, xattr, .. } => {
                let known = &mut self.inode_at(src)?.xattrs;
                match known.iter_mut().find(|known| known.is_same_as(xattr)) {
                    Some(known) => known.clone_from(xattr),
                    None => known.push(xattr.clone()),
                }
            }
            Edit::RemoveXAttr { src, xattr, .. } => {
                let known = &mut self.inode_at(src)?.xattrs;
                known.retain(|known| !known.is_same_as(xattr));
            }
            Edit::SetStoragePolicy { path, policy_id } => {
                self.inode_at(path)?.storage_policy = *policy_id;
            }
            _ => {}
        }
        Ok(())
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
        let found = self.namespace.find(path);
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

    fn inode_at(&mut self, path: &str) -> Result<&mut Inode, Reason> {
        let id = self.existing(path)?;
        Ok(self.namespace.inode_mut(id))
    }

    fn add_file(&mut self, file: &FileFields, acl: &[AclEntry]) -> Result<(), Reason> {
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
        let Some(directory) = self.namespace.inode(parent).as_directory() else {
            return Err(format!("the parent of {path} is not a directory"));
        };
        if name.is_empty() || directory.children.get(name).is_some() {
            return Err(format!("{path} exists"));
        }
        if self.namespace.get(id).is_some() {
            return Err(format!("inode {id} exists"));
        }
        let (acl, mode) = if acl.is_empty() {
            (Acl::default(), permissions.mode)
        } else {
            Acl::stored(acl.to_vec(), permissions.mode)
        };
        self.namespace.add(Inode {
            id,
            parent,
            name: name.into(),
            owner: Arc::clone(&permissions.owner),
            group: Arc::clone(&permissions.group),
            mode,
            modification_time,
            access_time,
            acl,
            xattrs: Vec::new(),
            storage_policy: 0,
            kind,
        });
        Ok(())
    }

    fn open(&mut self, id: InodeId, holder: &str, machine: &str) -> Result<(), Reason> {
        let file = self.file_mut(id)?;
        if let Some(writer) = &file.writer {
            return Err(format!("inode {id} is being written by {}", writer.holder));
        }
        let holder: Arc<str> = holder.into();
        file.writer = Some(Writer {
            holder: Arc::clone(&holder),
            machine: machine.into(),
            last_block_open: false,
            truncate_to: None,
        });
        self.leases.add(&holder, id);
        Ok(())
    }

    fn reopen_last_block(&mut self, id: InodeId, new_block: bool) -> Result<(), Reason> {
        let file = self.file_mut(id)?;
        let last = file.blocks.last();
        let has_room = last.is_some_and(|last| last.length < file.block_size);
        if let Some(writer) = &mut file.writer {
            writer.last_block_open = has_room && !new_block;
        }
        Ok(())
    }

    fn close(
        &mut self,
        id: InodeId,
        fields: &FileFields,
        effects: &mut Effects,
    ) -> Result<(), Reason> {
        if self.file_mut(id)?.writer.is_none() {
            return Err(format!("{} is closed", fields.path));
        }
        self.set_blocks(id, &fields.blocks, effects)?;
        let inode = self.namespace.inode_mut(id);
        inode.modification_time = fields.mtime;
        inode.access_time = fields.atime;
        if let Some(writer) = self.file_mut(id)?.writer.take() {
            self.leases.remove(&writer.holder, id);
        }
        Ok(())
    }

    fn add_block(
        &mut self,
        id: InodeId,
        penultimate: Option<Block>,
        last: Block,
        effects: &mut Effects,
    ) -> Result<(), Reason> {
        let file = self.file_mut(id)?;
        let replication = file.replication;
        let Some(writer) = &mut file.writer else {
            return Err(format!("inode {id} is closed"));
        };
        match (penultimate, file.blocks.last_mut()) {
            (Some(now), Some(before)) if now.id == before.id => {
                if *before != now {
                    *before = now;
                    effects.stored.push((now, id, replication));
                }
            }
            (None, None) => {}
            (now, before) => {
                return Err(format!(
                    "the last block of inode {id} is {before:?} instead of {now:?}"
                ));
            }
        }
        writer.last_block_open = true;
        file.blocks.push(last);
        effects.stored.push((last, id, replication));
        Ok(())
    }

    /// Sets the blocks of an open file. The last ones may be missing: they are removed.
    fn set_blocks(
        &mut self,
        id: InodeId,
        blocks: &[Block],
        effects: &mut Effects,
    ) -> Result<(), Reason> {
        let file = self.file_mut(id)?;
        let replication = file.replication;
        let Some(writer) = &mut file.writer else {
            return Err(format!("inode {id} is closed"));
        };
        let same = |(before, now): (&Block, &Block)| before.id == now.id;
        if blocks.len() > file.blocks.len() || !file.blocks.iter().zip(blocks).all(same) {
            return Err(format!(
                "the blocks of inode {id} are {:?} instead of {blocks:?}",
                file.blocks
            ));
        }
        for (before, now) in file.blocks.iter_mut().zip(blocks) {
            if before != now {
                *before = *now;
                effects.stored.push((*now, id, replication));
            }
        }
        if blocks.len() < file.blocks.len() {
            writer.last_block_open = false;
            writer.truncate_to = None;
            let removed = file.blocks.drain(blocks.len()..);
            effects.removed.extend(removed.map(|block| block.id));
        }
        Ok(())
    }

    fn truncate(&mut self, id: InodeId, edit: &Edit, effects: &mut Effects) -> Result<(), Reason> {
        let Edit::Truncate {
            client_name,
            client_machine,
            new_length,
            timestamp,
            truncate_block,
            ..
        } = edit
        else {
            return Ok(());
        };
        let file = self.file_mut(id)?;
        let (mut keep, mut position) = (0, 0_u64);
        for block in &file.blocks {
            if position >= *new_length {
                break;
            }
            position = position.saturating_add(block.length);
            keep += 1;
        }
        let removed = file.blocks.drain(keep..);
        effects.removed.extend(removed.map(|block| block.id));
        self.namespace.inode_mut(id).modification_time = *timestamp;
        if let Some(block) = truncate_block {
            self.open(id, client_name, client_machine)?;
            if let Some(writer) = &mut self.file_mut(id)?.writer {
                writer.last_block_open = true;
                writer.truncate_to = Some(block.length);
            }
        }
        Ok(())
    }

    fn reassign_lease(&mut self, path: &str, new_holder: &str) -> Result<(), Reason> {
        let id = self.file(path)?;
        let Some(writer) = &mut self.file_mut(id)?.writer else {
            return Err(format!("{path} is closed"));
        };
        let new: Arc<str> = new_holder.into();
        let old = std::mem::replace(&mut writer.holder, Arc::clone(&new));
        self.leases.remove(&old, id);
        self.leases.add(&new, id);
        Ok(())
    }

    /// Removes an inode and its subtree, with their blocks and leases.
    fn remove_tree(&mut self, timestamp: Millis, id: InodeId, effects: &mut Effects) {
        for inode in self.namespace.remove(timestamp, id) {
            if let InodeKind::File(file) = &inode.kind {
                let blocks = file.blocks.iter().map(|block| block.id);
                effects.removed.extend(blocks);
                if let Some(writer) = &file.writer {
                    self.leases.remove(&writer.holder, inode.id);
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
        let parent = self.existing(path::parent(dst))?;
        if id == ROOT || self.namespace.is_within(parent, id) {
            return Err(format!("{src} cannot be moved to {dst}"));
        }
        if !self.namespace.inode(parent).is_directory() {
            return Err(format!("the parent of {dst} is not a directory"));
        }
        match self.namespace.find(dst) {
            Some(existing) if overwrite && existing != id => {
                self.remove_tree(timestamp, existing, effects);
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
            let moved = self.recount(source, |state| {
                let file = state.file_mut(source)?;
                Ok::<_, Reason>(std::mem::take(&mut file.blocks))
            })?;
            self.remove_tree(timestamp, source, effects);
            self.recount(target, |state| {
                let file = state.file_mut(target)?;
                let replication = file.replication;
                let stored = moved.iter().map(|block| (*block, target, replication));
                effects.stored.extend(stored);
                file.blocks.extend(moved);
                Ok::<_, Reason>(())
            })?;
        }
        self.namespace.inode_mut(target).modification_time = timestamp;
        Ok(())
    }

    fn set_quota(&mut self, src: &str, ns_quota: i64, ds_quota: i64) -> Result<(), Reason> {
        let id = self.existing(src)?;
        let Some(directory) = self.namespace.inode(id).as_directory() else {
            return Err(format!("{src} is not a directory"));
        };
        let old = directory.quota();
        let changed = |old: Option<u64>, new: i64| match new {
            DONT_SET => old,
            _ => u64::try_from(new).ok(),
        };
        // The root always has a namespace quota. Clearing it restores the default, which cannot be
        // reached.
        let namespace = match ns_quota {
            RESET if id == ROOT => Quota::ROOT.namespace,
            quota => changed(old.namespace, quota),
        };
        let space = changed(old.space, ds_quota);
        self.namespace.set_quota(id, Quota { namespace, space });
        Ok(())
    }
}
