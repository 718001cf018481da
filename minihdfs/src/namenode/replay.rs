//! The law of replay: a state is a function of its edits.

use std::sync::Arc;

use kerbox_krb5::Timestamp;

use crate::namenode::edit::MemoryEdits;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::service::NameNode;
use crate::namenode::state::State;

impl NameNode {
    /// Replays this NameNode's edits on a formatted state, and compares the result with its own
    /// state. What lapses by time alone is dropped from both, as of `now`. Does nothing if there
    /// were more edits than `edits` keeps.
    ///
    /// # Errors
    /// Says what differs.
    pub fn check_replay(&self, now: Timestamp, edits: &MemoryEdits) -> Result<(), String> {
        let tokens = Arc::new(self.delegation_tokens.emptied(now));
        let mut replayed = self.formatted(tokens);
        // No edit is made meanwhile.
        let mut ns = self.lock();
        let Some(edits) = edits.edits() else {
            return Ok(());
        };
        for edit in &edits {
            replayed.apply(edit).map_err(|misfit| misfit.to_string())?;
        }
        replayed.lapse(now);
        ns.lapse(now);
        ns.state().compare(&replayed)?;
        ns.namespace().check_counts()?;
        check_blocks(&ns)
    }
}

/// Checks that the block manager follows the state.
fn check_blocks(ns: &Namesystem) -> Result<(), String> {
    let mut count = 0;
    for inode in ns.namespace().iter() {
        let Some(file) = inode.as_file() else {
            continue;
        };
        for block in &file.blocks {
            count += 1;
            let known = ns.blocks.get(block.id);
            let known = known.map(|info| (info.block(), info.file, info.replication));
            if known != Some((*block, inode.id, file.replication)) {
                return Err(format!(
                    "{block:?} of inode {} is {known:?} to the block manager",
                    inode.id
                ));
            }
        }
    }
    let managed = ns.blocks.len();
    if managed != count {
        return Err(format!("{count} blocks of files, {managed} managed"));
    }
    Ok(())
}

impl State {
    fn compare(&self, replayed: &Self) -> Result<(), String> {
        if self == replayed {
            return Ok(());
        }
        let mut ids: Vec<_> = self
            .namespace()
            .iter()
            .chain(replayed.namespace().iter())
            .collect();
        ids.sort_by_key(|inode| inode.id);
        let differs = ids.iter().find_map(|inode| {
            let pair = (
                self.namespace().get(inode.id),
                replayed.namespace().get(inode.id),
            );
            (pair.0 != pair.1).then_some(pair)
        });
        if let Some((live, replayed)) = differs {
            return Err(format!(
                "an inode is {live:?}, but {replayed:?} by its edits"
            ));
        }
        let rest = |state: &Self| {
            format!(
                "leases {:?}, {:?}, tokens {:?}, last inode {}, block {}, stamp {}, transaction {}",
                state.leases(),
                state.caching(),
                state.tokens(),
                state.namespace().last_id(),
                state.last_allocated_block_id(),
                state.generation_stamp(),
                state.transaction_id()
            )
        };
        Err(format!(
            "the state has {}, but by its edits {}",
            rest(self),
            rest(replayed)
        ))
    }
}
