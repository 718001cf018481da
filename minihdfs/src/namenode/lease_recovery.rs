//! Files whose writer has disappeared: their leases are taken over, their last block is recovered,
//! and they are closed (`FSNamesystem.recoverLeaseInternal`, `internalReleaseLease`,
//! `commitBlockSynchronization`).

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use kerbox_events::{Event, TimerKind};
use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::namenode::blocks::{BlockInfo, BlockState, Cut, RECOVERY_LIMIT};
use crate::namenode::edit::Edit;
use crate::namenode::events::timer;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::inode::InodeId;
use crate::protocol::{Block, BlockSynchronization};

/// The reason for taking over a lease (`FSNamesystem.RecoverLeaseOp`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RecoverLeaseOp {
    Create,
    Append,
    Truncate,
    Recover,
}

impl fmt::Display for RecoverLeaseOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "CREATE_FILE",
            Self::Append => "APPEND_FILE",
            Self::Truncate => "TRUNCATE_FILE",
            Self::Recover => "RECOVER_LEASE",
        })
    }
}

/// A client's claim to a file that may be open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    pub(super) op: RecoverLeaseOp,
    pub(super) path: &'a str,
    pub(super) holder: &'a str,
    pub(super) machine: IpAddr,
}

impl Namesystem {
    /// Ensures that no client writes the file. Returns true if the file is closed now. Returns
    /// false if a recovery was started, which happens only for `recoverLease`.
    pub(super) fn take_over(
        &mut self,
        now: Timestamp,
        id: InodeId,
        claim: Claim<'_>,
    ) -> Result<bool, HdfsError> {
        let writer = self
            .namespace()
            .inode(id)
            .as_file()
            .and_then(|file| file.writer.clone());
        let Some(writer) = writer else {
            return Ok(true);
        };
        let refusal = |because: &str| {
            format!(
                "Failed to {} {} for {} on {} because {because}",
                claim.op, claim.path, claim.holder, claim.machine
            )
        };
        if claim.op == RecoverLeaseOp::Recover {
            return self.release_lease(now, id, claim.holder);
        }
        if &*writer.holder == claim.holder {
            let because = format!("{} is already the current lease holder.", claim.holder);
            return Err(HdfsError::already_being_created(refusal(&because)));
        }
        if self.is_soft_expired(now, &writer.holder) {
            let holder = Arc::clone(&writer.holder);
            if self.release_lease(now, id, &holder)? {
                return Ok(true);
            }
            return Err(HdfsError::recovery_in_progress(refusal(
                "lease recovery is in progress. Try again later.",
            )));
        }
        if self
            .last_block(id)
            .is_some_and(|info| info.is_under_recovery())
        {
            let because = format!(
                "another recovery is in progress by {} on {}",
                writer.holder, writer.machine
            );
            return Err(HdfsError::recovery_in_progress(refusal(&because)));
        }
        let because = format!(
            "this file lease is currently owned by {} on {}",
            writer.holder, writer.machine
        );
        Err(HdfsError::already_being_created(refusal(&because)))
    }

    /// Closes a file without its writer. Returns true if it is closed. Returns false if its last
    /// block must be recovered first; `holder` has the lease meanwhile.
    pub(super) fn release_lease(
        &mut self,
        now: Timestamp,
        id: InodeId,
        holder: &str,
    ) -> Result<bool, HdfsError> {
        if let Some(block) = self.last_block(id).map(|info| info.block().id) {
            self.try_complete(block);
        }
        if self.blocks_of(id).all(BlockInfo::is_complete) {
            let blocks = self.current_blocks(id);
            self.close_file(now, id, blocks)?;
            return Ok(true);
        }
        let committed = |info: &BlockInfo| matches!(info.state(), BlockState::Committed);
        if self.last_block(id).is_some_and(committed) {
            return Err(HdfsError::already_being_created(format!(
                "Failed to release lease for file {}. Committed blocks are waiting to be minimally replicated.",
                self.namespace().full_path(id)
            )));
        }
        let Some(last) = self.last_block(id) else {
            return Ok(true);
        };
        let (block, nobody) = (last.block(), last.is_nowhere());
        if nobody && block.length == 0 {
            let mut blocks = self.current_blocks(id);
            blocks.pop();
            self.close_file(now, id, blocks)?;
            return Ok(true);
        }
        self.reassign(now, id, holder)?;
        let recent = match self.blocks.block(block.id).state() {
            BlockState::UnderRecovery(recovery) => now.since(recovery.started) < RECOVERY_LIMIT,
            _ => false,
        };
        if !recent {
            let recovery_id = self.next_generation_stamp()?;
            let cut = self.cut(id);
            self.blocks.recover(now, block.id, recovery_id, cut);
        }
        Ok(false)
    }

    /// Reassigns the lease of an open file and renews it.
    fn reassign(&mut self, now: Timestamp, id: InodeId, holder: &str) -> Result<(), HdfsError> {
        let file = self.namespace().inode(id).as_file();
        if let Some(writer) = file.and_then(|file| file.writer.as_ref())
            && *writer.holder != *holder
        {
            let edit = Edit::ReassignLease {
                lease_holder: writer.holder.to_string(),
                path: self.namespace().full_path(id),
                new_holder: holder.to_owned(),
            };
            self.log(&edit)?;
        }
        self.renew_lease(now, holder);
        Ok(())
    }

    /// Finishes a recovery: the block becomes what the DataNodes agreed on, and its file is closed.
    pub(super) fn finish_recovery(
        &mut self,
        now: Timestamp,
        outcome: &BlockSynchronization,
    ) -> Result<(), HdfsError> {
        let mut outcome = outcome.clone();
        if let Some(copy) = self.copy_of(outcome.block.id) {
            if outcome.delete_block {
                return Err(HdfsError::io(format!(
                    "No DataNode has the bytes of {} for the truncated {copy}",
                    outcome.block
                )));
            }
            outcome.block = copy;
        }
        if !self.blocks.check_synchronization(&outcome)? {
            return Ok(());
        }
        let id = outcome.block.id;
        let file = self.blocks.block(id).file;
        if self.namespace().get(file).is_none() {
            // Only a snapshot shows it.
            return Err(HdfsError::file_not_found(format!(
                "File not found: {}, likely due to delayed block removal",
                self.namespace().full_path(file)
            )));
        }
        let mut blocks = self.current_blocks(file);
        if blocks.last().is_none_or(|last| last.id != id) {
            // Its writer has abandoned it, and only a snapshot shows it. Hadoop has forgotten it.
            return Err(HdfsError::io(format!(
                "Block (={}) not found",
                outcome.block
            )));
        }
        if outcome.delete_block {
            blocks.pop();
            return self.close_file(now, file, blocks);
        }
        for known in &mut blocks {
            if known.id == id {
                known.generation_stamp = outcome.new_generation_stamp;
                known.length = outcome.new_length;
            }
        }
        self.close_file(now, file, blocks)?;
        self.blocks.synchronize(now, &outcome);
        Ok(())
    }

    /// Returns the block that gets the first bytes of this one by a truncation under way.
    fn copy_of(&self, source: u64) -> Option<Block> {
        let file = self.blocks.get(source)?.file;
        self.namespace().get(file)?;
        let last = self.last_block(file)?;
        let BlockState::UnderRecovery(recovery) = last.state() else {
            return None;
        };
        let from = recovery.cut?.source?;
        (from.id == source).then(|| last.block())
    }

    /// Returns what a truncation leaves of the last block of a file, if one is under way.
    pub(super) fn cut(&self, id: InodeId) -> Option<Cut> {
        let writer = self.namespace().inode(id).as_file()?.writer.as_ref()?;
        Some(Cut {
            length: writer.truncate_to?,
            source: writer.truncate_from,
        })
    }

    /// Transfers leases beyond the hard limit to the NameNode, which closes their files.
    pub(super) fn tick_leases(&mut self, now: Timestamp, fired: &mut Vec<Event>) {
        let internal = format!("HDFS_NameNode-{}", now.as_millis());
        for (holder, files) in self.renewals.hard_expired(now, self.state().leases()) {
            fired.push(timer(TimerKind::LeaseHardLimit, &holder));
            for file in files {
                // A file that cannot be closed yet, because replicas of a committed block are
                // missing, is tried again after the limit.
                if self.release_lease(now, file, &internal).is_err() {
                    let _unchanged = self.reassign(now, file, &internal);
                }
            }
        }
    }

    /// Reassigns recoveries that did not finish in time to another DataNode.
    pub(super) fn tick_recoveries(&mut self, now: Timestamp, fired: &mut Vec<Event>) {
        let due = self.recoveries();
        let due = due.filter(|(_, _, started)| *started + RECOVERY_LIMIT <= now);
        let mut due: Vec<_> = due.collect();
        // Not by the holders' names, which clients draw at random.
        due.sort_unstable();
        for (_, id, _) in due {
            fired.push(timer(
                TimerKind::BlockRecovery,
                &self.blocks.block(id).block().to_string(),
            ));
            if let Ok(recovery_id) = self.next_generation_stamp() {
                self.blocks.recover(now, id, recovery_id, None);
            }
        }
    }

    pub(super) fn next_recovery_deadline(&self) -> Option<Timestamp> {
        self.recoveries()
            .map(|(_, _, started)| started + RECOVERY_LIMIT)
            .min()
    }

    /// Returns the open files whose last block is under recovery, with that block and the time at
    /// which the recovery was started.
    fn recoveries(&self) -> impl Iterator<Item = (InodeId, u64, Timestamp)> {
        let open = self.leases().iter().flat_map(|(_, files)| files);
        open.filter_map(|file| {
            let info = self.last_block(*file)?;
            match info.state() {
                BlockState::UnderRecovery(recovery) => {
                    Some((*file, info.block().id, recovery.started))
                }
                _ => None,
            }
        })
    }
}
