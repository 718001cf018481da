//! The law of replay: a state is a function of its edits. So it need not be kept when a NameNode
//! ends.

use std::sync::{Arc, PoisonError};

use kerbox_krb5::Timestamp;

use crate::namenode::edit_sink::MemoryEdits;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::replayed_calls;
use crate::namenode::retry_cache::RetryCache;
use crate::namenode::saved::Saved;
use crate::namenode::service::NameNode;
use crate::namenode::state::State;
#[cfg(test)]
use crate::namenode::storage::image::{load_image, write_image};
use crate::protocol::Block;

impl NameNode {
    /// Replays this NameNode's edits on a formatted state, and compares the result with its own
    /// state. What lapses by time alone is dropped from both, as of `now`. Does nothing if there
    /// were more edits than `edits` keeps.
    ///
    /// # Errors
    /// Says what differs.
    pub fn check_replay(&self, now: Timestamp, edits: &MemoryEdits) -> Result<(), String> {
        // No edit is made meanwhile.
        let mut ns = self.lock();
        self.replayed(now, &mut ns, edits).map(drop)
    }

    /// Saves the state as an image, and compares it with the state that is loaded from that, with
    /// snapshots by `compare`. What lapses by time alone is dropped first, as of `now`.
    #[cfg(test)]
    pub(super) fn check_image(
        &self,
        now: Timestamp,
        compare: fn(&State, &State) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut ns = self.lock();
        ns.lapse(now);
        let load = |image: &[u8]| {
            let mut state = self.formatted(Arc::new(self.delegation_tokens.emptied(now)));
            let loaded = load_image(&mut state, "fsimage", image);
            loaded.map(|_| state).map_err(|error| error.to_string())
        };
        let state = load(&write_image(ns.state(), 7))?;
        let again = load(&write_image(&state, 7))?;
        for (state, loaded) in [(ns.state(), &state), (&state, &again)] {
            match state.namespace().snapshots().is_empty() {
                true => state.compare(loaded)?,
                false => compare(state, loaded)?,
            }
        }
        state.namespace().check_counts()
    }

    /// Ends this NameNode for good: it forgets its namespace, and refuses changes. Returns what the
    /// next one starts with: what the edits make of a formatted namespace if `edits` has all of
    /// them, and otherwise the state itself, which is the same by the law of replay.
    ///
    /// # Errors
    /// Says what differs if the edits do not make the state.
    pub fn end(&self, now: Timestamp, edits: Option<&MemoryEdits>) -> Result<Saved, String> {
        // In the order of a call: first the cache, then the namesystem.
        let retry_cache = self.retry_cache.lock();
        let mut retry_cache = retry_cache.unwrap_or_else(PoisonError::into_inner);
        let mut ns = self.lock();
        let replayed = match edits {
            Some(edits) => self.replayed(now, &mut ns, edits)?,
            None => None,
        };
        let nothing = self.formatted(Arc::new(self.delegation_tokens.emptied(now)));
        let state = ns.end(nothing);
        let kept = retry_cache.take();
        let (state, retry_cache) = replayed.unwrap_or((state, kept));
        Ok(Saved {
            state,
            retry_cache,
            formatted: self.formatted,
            block_pool_id: Arc::clone(&self.block_pool_id),
            is_image: false,
        })
    }

    /// Replays the edits, compares the result with the state, and returns it; `None` if there were
    /// more edits than are kept.
    fn replayed(
        &self,
        now: Timestamp,
        ns: &mut Namesystem,
        edits: &MemoryEdits,
    ) -> Result<Option<(State, RetryCache)>, String> {
        let Some(edits) = edits.edits() else {
            return Ok(None);
        };
        let mut state = self.formatted(Arc::new(self.delegation_tokens.emptied(now)));
        let mut retry_cache = RetryCache::new(self.config.retry_cache_expiry);
        for edit in &edits {
            state
                .apply(edit, None)
                .map_err(|misfit| misfit.to_string())?;
            if let Some((rpc, response)) = replayed_calls::response(edit, &state) {
                retry_cache.put_replayed(now, rpc, response);
            }
        }
        state.lapse(now);
        ns.lapse(now);
        ns.state().compare(&state)?;
        ns.namespace().check_counts()?;
        check_blocks(ns)?;
        Ok(Some((state, retry_cache)))
    }
}

/// Checks that the block manager follows the state.
fn check_blocks(ns: &Namesystem) -> Result<(), String> {
    let mut count = 0;
    let mut check = |block: Block, file, replication| {
        count += 1;
        let known = ns.blocks.get(block.id);
        let known = known.map(|info| (info.block(), info.file, info.replication));
        if known == Some((block, file, replication)) {
            return Ok(());
        }
        Err(format!(
            "{block:?} of inode {file} is {known:?} to the block manager"
        ))
    };
    for inode in ns.namespace().iter() {
        let Some(file) = inode.as_file() else {
            continue;
        };
        let replication = ns.namespace().block_replication(inode.id);
        for block in &file.blocks {
            check(*block, inode.id, replication)?;
        }
        if let Some(source) = ns.namespace().source_alone(inode.id) {
            check(source, inode.id, replication)?;
        }
    }
    for kept in ns.namespace().kept_blocks() {
        check(kept.block, kept.file, kept.replication)?;
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
                "snapshots {:?}, leases {:?}, {:?}, tokens {:?}, last inode {}, block {}, stamp {}, transaction {}",
                state.namespace().snapshots(),
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
