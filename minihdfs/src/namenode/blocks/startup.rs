//! The start of a NameNode, which ends once enough blocks are reported. Until then no replica is
//! copied or deleted: those that are missing may yet be reported.

use kerbox_krb5::Timestamp;

use super::manager::BlockManager;
use super::safe_blocks::SafeBlocks;
use crate::namenode::safe_mode::Reported;
use crate::namenode::state::inode::InodeId;
use crate::protocol::Block;

impl BlockManager {
    /// Starts to count what is reported.
    pub(crate) fn start_counting(&mut self, replication: usize, newest_stamp: u64) {
        self.safe_blocks = Some(SafeBlocks {
            total: 0,
            safe: 0,
            replication,
            newest_stamp,
            bytes_in_future: 0,
        });
    }

    /// Adds a file's block that no DataNode has reported yet.
    pub(crate) fn restore(
        &mut self,
        block: Block,
        file: InodeId,
        replication: u16,
        is_complete: bool,
    ) {
        self.store(block, file, replication);
        let info = self.block_mut(block.id);
        if is_complete {
            info.set_complete();
        } else {
            info.expect_reports();
        }
        if let Some(counts) = &mut self.safe_blocks {
            counts.total += u64::from(is_complete);
        }
    }

    /// Returns what was reported since the start, or nothing if that is over.
    pub(crate) fn reported(&self) -> Reported {
        let counts = self.safe_blocks.as_ref();
        Reported {
            blocks: counts.map_or(0, |counts| counts.total),
            safe_blocks: counts.map_or(0, |counts| counts.safe),
            datanodes: self.datanodes.living(),
            bytes_in_future: counts.map_or(0, |counts| counts.bytes_in_future),
        }
    }

    /// Returns true until [`stop_counting`](Self::stop_counting).
    pub(super) fn is_counting(&self) -> bool {
        self.safe_blocks.is_some()
    }

    /// Ends the start: has missing replicas copied and surplus ones deleted from now on.
    pub(crate) fn stop_counting(&mut self, now: Timestamp) {
        if self.safe_blocks.take().is_none() {
            return;
        }
        for id in self.blocks.ids() {
            self.check_redundancy(now, id);
        }
    }

    /// Asks the DataNodes for which commands have waited for the end of safe mode for a heartbeat.
    pub(crate) fn call_in(&self) {
        self.datanodes.call_in();
    }

    /// Makes a change of a block's replicas, and counts the block if it is safe afterwards.
    pub(super) fn counted(&mut self, id: u64, change: impl FnOnce(&mut Self)) {
        let before = self.is_safe(id);
        change(self);
        let after = self.is_safe(id);
        if let Some(counts) = &mut self.safe_blocks {
            if after && !before {
                counts.safe += 1;
            } else if before && !after {
                counts.safe = counts.safe.saturating_sub(1);
            }
        }
    }

    fn is_safe(&self, id: u64) -> bool {
        let (Some(counts), Some(info)) = (&self.safe_blocks, self.get(id)) else {
            return false;
        };
        info.is_complete() && info.live(&self.datanodes).count() >= counts.replication
    }

    /// Counts a replica of no file whose generation stamp this namespace has never given out: the
    /// namespace may be older than the replica, whose bytes must not be deleted then.
    pub(super) fn note_future(&mut self, block: Block) {
        if let Some(counts) = &mut self.safe_blocks
            && block.generation_stamp > counts.newest_stamp
        {
            counts.bytes_in_future = counts.bytes_in_future.saturating_add(block.length);
        }
    }
}
