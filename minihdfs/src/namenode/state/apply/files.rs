//! Edits of files: opening, closing, blocks, leases.

use std::sync::Arc;

use super::Reason;
use crate::namenode::edit::{Edit, FileFields};
use crate::namenode::state::inode::{InodeId, Writer};
use crate::namenode::state::{Effects, State};
use crate::protocol::Block;

impl State {
    pub(super) fn write_file(&mut self, edit: &Edit, effects: &mut Effects) -> Result<(), Reason> {
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
                self.namespace.keep(id);
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

    fn open(&mut self, id: InodeId, holder: &Arc<str>, machine: &Arc<str>) -> Result<(), Reason> {
        let file = self.file_mut(id)?;
        if let Some(writer) = &file.writer {
            return Err(format!("inode {id} is being written by {}", writer.holder));
        }
        file.writer = Some(Box::new(Writer {
            holder: Arc::clone(holder),
            machine: Arc::clone(machine),
            last_block_open: false,
            truncate_to: None,
            truncate_from: None,
        }));
        self.leases.add(holder, id);
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
        // Not before: in a snapshot an open file grows until it is closed.
        self.namespace.keep(id);
        let inode = self.namespace.inode_mut(id);
        inode.modification_time = fields.mtime;
        inode.access_time = fields.atime;
        if let Some(writer) = self.file_mut(id)?.writer.take() {
            self.leases.remove(&writer.holder, id);
            self.namespace.let_go_source(id, &writer, effects);
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
        let replication = self.namespace.block_replication(id);
        let file = self.file_mut(id)?;
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
        // Most files have one block, and `push` alone would make room for four.
        if file.blocks.len() == file.blocks.capacity() {
            file.blocks.reserve_exact(1 + file.blocks.len() / 2);
        }
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
        let replication = self.namespace.block_replication(id);
        let file = self.file_mut(id)?;
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
            let removed = file.blocks.split_off(blocks.len());
            self.namespace.let_go(id, &removed, effects);
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
        self.namespace.keep(id);
        let file = self.file_mut(id)?;
        let (mut keep, mut position) = (0, 0_u64);
        for block in &file.blocks {
            if position >= *new_length {
                break;
            }
            position = position.saturating_add(block.length);
            keep += 1;
        }
        let removed = file.blocks.split_off(keep);
        self.namespace.let_go(id, &removed, effects);
        self.namespace.inode_mut(id).modification_time = *timestamp;
        if let Some(block) = truncate_block {
            self.open(id, client_name, client_machine)?;
            let surplus = position.saturating_sub(*new_length);
            self.cut_last_block(id, *block, surplus, effects)?;
        }
        Ok(())
    }

    /// Opens the last block of a file to remove its last bytes. If another block gets those that
    /// are left, it takes the place of the last one.
    fn cut_last_block(
        &mut self,
        id: InodeId,
        block: Block,
        surplus: u64,
        effects: &mut Effects,
    ) -> Result<(), Reason> {
        let replication = self.namespace.block_replication(id);
        let file = self.file_mut(id)?;
        let (Some(last), Some(writer)) = (file.blocks.last_mut(), &mut file.writer) else {
            return Err(format!("inode {id} has no block to truncate"));
        };
        let length = last.length.saturating_sub(surplus);
        writer.last_block_open = true;
        writer.truncate_to = Some(length);
        if last.id == block.id {
            return Ok(());
        }
        let copy = Block { length, ..block };
        let source = std::mem::replace(last, copy);
        writer.truncate_from = Some(source);
        effects.stored.push((copy, id, replication));
        if self.namespace.keeps_block(id, source.id) {
            self.namespace.let_go(id, &[source], effects);
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
}
