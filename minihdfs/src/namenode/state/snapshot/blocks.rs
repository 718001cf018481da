//! The blocks that only snapshots need.

use std::collections::{BTreeMap, BTreeSet};

use crate::namenode::state::Effects;
use crate::namenode::state::inode::{File, InodeId, Writer};
use crate::namenode::state::kept::history::{History, Version};
use crate::namenode::state::namespace::Namespace;
use crate::protocol::Block;

/// A block that a file has in snapshots only.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct KeptBlock {
    pub(crate) block: Block,
    pub(crate) file: InodeId,
    pub(crate) replication: u16,
    /// True if the file was removed while this block was written.
    pub(crate) is_open: bool,
}

impl Namespace {
    /// Returns the number of replicas that each block of a file should have: the most that the
    /// file asks for, or asked for in a snapshot (`getPreferredBlockReplication`).
    pub(crate) fn block_replication(&self, id: InodeId) -> u16 {
        let now = self.get(id).and_then(|inode| inode.as_file());
        let files = now.into_iter().chain(self.earlier_files(id));
        files.map(|file| file.replication).max().unwrap_or(0)
    }

    /// Returns the bytes of all replicas of a file with a history: of all blocks that it has, or
    /// has in a snapshot. `None` for other files.
    pub(in crate::namenode::state) fn space_of(&self, id: InodeId) -> Option<u128> {
        self.snapshots().history(id)?;
        let replication = u128::from(self.block_replication(id));
        Some(self.charged_bytes(id).saturating_mul(replication))
    }

    /// Returns the bytes of one replica of all blocks that a file has, or has in a snapshot.
    pub(in crate::namenode::state) fn charged_bytes(&self, id: InodeId) -> u128 {
        let now = self.get(id).and_then(|inode| inode.as_file());
        let earlier = self.earlier_blocks(id).into_values();
        let earlier: u128 = earlier.map(|block| u128::from(block.length)).sum();
        let open = self.open_block_of_removed(id);
        let room = open.map_or(0, |(block, charged)| charged.saturating_sub(block.length));
        let charged = now.map_or(room, File::charged);
        earlier.saturating_add(charged.into())
    }

    /// Returns the blocks that files do not have any more, but have in snapshots.
    pub(crate) fn kept_blocks(&self) -> Vec<KeptBlock> {
        let mut kept = Vec::new();
        for file in self.snapshots().histories.ids() {
            let replication = self.block_replication(file);
            let open = self.open_block_of_removed(file);
            let blocks = self.earlier_blocks(file).into_values();
            kept.extend(blocks.map(|block| KeptBlock {
                block,
                file,
                replication,
                is_open: open.is_some_and(|(open, _)| open.id == block.id),
            }));
        }
        kept
    }

    /// Lets go of blocks that a file has no longer. Those that a snapshot shows are kept, with the
    /// lengths and generation stamps that they have got since.
    pub(in crate::namenode::state) fn let_go(
        &mut self,
        id: InodeId,
        blocks: &[Block],
        effects: &mut Effects,
    ) {
        let mut kept = BTreeSet::new();
        if !blocks.is_empty() && self.snapshots().history(id).is_some() {
            let latest: BTreeMap<u64, Block> = blocks.iter().map(|it| (it.id, *it)).collect();
            let history = self.snapshots_mut().history_mut(id);
            let files = history
                .versions_mut()
                .iter_mut()
                .filter_map(Version::file_mut);
            for earlier in files.flat_map(|file| &mut file.blocks) {
                if let Some(latest) = latest.get(&earlier.id) {
                    *earlier = *latest;
                    kept.insert(earlier.id);
                }
            }
        }
        let replication = self.block_replication(id);
        for block in blocks {
            if kept.contains(&block.id) {
                effects.stored.push((*block, id, replication));
            } else {
                effects.removed.push(block.id);
            }
        }
    }

    /// Gives the blocks that a file has in snapshots only as many replicas as each of its blocks
    /// should have now.
    pub(in crate::namenode::state) fn replicate_earlier(&self, id: InodeId, effects: &mut Effects) {
        if self.snapshots().history(id).is_none() {
            return;
        }
        let replication = self.block_replication(id);
        let earlier = self.earlier_blocks(id).into_values();
        let stored = earlier.map(|block| (block, id, replication));
        effects.stored.extend(stored);
    }

    /// Lets go of the block whose first bytes were copied, at the end of a truncation.
    pub(in crate::namenode::state) fn let_go_source(
        &self,
        id: InodeId,
        writer: &Writer,
        effects: &mut Effects,
    ) {
        if let Some(source) = writer.truncate_from
            && !self.keeps_block(id, source.id)
        {
            effects.removed.push(source.id);
        }
    }

    /// Returns the block whose first bytes a truncation copies, if no snapshot shows it any more.
    pub(crate) fn source_alone(&self, id: InodeId) -> Option<Block> {
        let file = self.get(id)?.as_file()?;
        let source = file.writer.as_ref()?.truncate_from?;
        (!self.keeps_block(id, source.id)).then_some(source)
    }

    /// Returns true if what snapshots keep of a file contains a block.
    pub(in crate::namenode::state) fn keeps_block(&self, id: InodeId, block: u64) -> bool {
        let mut blocks = self.earlier_files(id).flat_map(|file| &file.blocks);
        blocks.any(|earlier| earlier.id == block)
    }

    /// Returns true if a snapshot shows a block of a file (`isBlockInLatestSnapshot`).
    pub(crate) fn shows_block(&self, id: InodeId, block: u64) -> bool {
        self.is_to_be_kept(id) || self.keeps_block(id, block)
    }

    /// Returns the blocks that a file has in snapshots only.
    pub(in crate::namenode::state) fn earlier_blocks(&self, id: InodeId) -> BTreeMap<u64, Block> {
        let earlier = self.earlier_files(id).flat_map(|file| &file.blocks);
        let mut blocks: BTreeMap<u64, Block> = earlier.map(|block| (block.id, *block)).collect();
        if let Some(file) = self.get(id).and_then(|inode| inode.as_file()) {
            for block in &file.blocks {
                blocks.remove(&block.id);
            }
        }
        blocks
    }

    fn earlier_files(&self, id: InodeId) -> impl Iterator<Item = &File> {
        let history = self.snapshots().history(id).into_iter();
        let versions = history.flat_map(History::versions);
        versions.filter_map(|version| version.inode.as_file())
    }
}

impl Version {
    fn file_mut(&mut self) -> Option<&mut File> {
        self.inode.as_file_mut()
    }
}
