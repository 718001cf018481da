//! Copying the first bytes of a replica to one of another block (`updateRURCopyOnTruncate`): a
//! snapshot shows the block that a file is truncated in, so it stays as it is.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;

use super::layout::{self, Place};
use super::replica::{Replica, java_name};
use super::volumes::Volume;
use super::{BlockStore, ReplicaState};
use crate::HdfsError;
use crate::datanode::checksum::DataChecksum;
use crate::protocol::Block;

/// The files of a replica that is copied.
pub(super) struct Source {
    volume: Arc<Volume>,
    data: File,
    meta: File,
    checksum: DataChecksum,
    length: u64,
}

impl Replica {
    /// Opens the files to copy them. Later changes of the replica's state do not disturb that.
    pub(super) fn source(&self) -> io::Result<Source> {
        let state = self.state();
        let volume = Arc::clone(&state.volume);
        let meta = (volume.layout).meta(state.place, self.id, state.generation_stamp);
        Ok(Source {
            data: layout::open(&volume.layout.data(state.place, self.id), false)?,
            meta: layout::open(&meta, false)?,
            checksum: state.checksum,
            length: state.bytes_on_disk,
            volume,
        })
    }

    /// Fills a new replica with the first bytes of another, and finalizes it. A damaged byte stays
    /// one that does not match its checksum.
    fn fill(&self, source: &Source, block: Block) -> io::Result<()> {
        let mut state = self.state();
        let chunk = source.checksum.bytes_per_checksum();
        // The last chunk whole, so that it can be verified before it is cut.
        let whole = block.length.div_ceil(chunk).saturating_mul(chunk);
        let length = whole.min(source.length);
        let Some(files) = &state.files else {
            return Err(io::Error::other("the new replica's files are closed"));
        };
        let meta_length = layout::meta_length(source.checksum, length);
        for (from, to, length) in [
            (&source.data, &files.data, length),
            (&source.meta, &files.meta, meta_length),
        ] {
            let (mut from, mut to) = (from.take(length), to);
            if io::copy(&mut from, &mut to)? < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        state.bytes_on_disk = length;
        if block.length < length {
            self.truncate(&mut state, block.length)?;
        }
        self.finalize(&mut state, block.generation_stamp)
    }
}

impl BlockStore {
    /// Creates a finalized replica of `block` with the first bytes of another.
    pub(super) fn copy(&self, source: &Source, block: Block) -> Result<(), HdfsError> {
        let failed = |error| self.failed("copy bytes to", block, &error);
        if self.has_copied(block)? {
            return Ok(());
        }
        let (state, place) = (ReplicaState::Rbw, Place::Rbw);
        let volume = Arc::clone(&source.volume);
        let copy = Replica::create(volume, block, state, place, source.checksum);
        let copy = Arc::new(copy.map_err(failed)?);
        // No lock of the table is held meanwhile.
        if let Err(error) = copy.fill(source, block) {
            if let Err(left) = copy.remove_files(&copy.state()) {
                tracing::warn!(%block, error = %left, "an incomplete copy stays on disk");
            }
            return Err(failed(error));
        }
        self.replicas().insert(block.id, copy);
        Ok(())
    }

    /// Returns true if an earlier attempt has made the copy, which then gets the new generation
    /// stamp. Removes one that a crash has left incomplete, and no other replica.
    fn has_copied(&self, block: Block) -> Result<bool, HdfsError> {
        let Ok(existing) = self.get(block) else {
            return Ok(false);
        };
        let mut state = existing.state();
        let is_older = state.generation_stamp < block.generation_stamp;
        match state.replica_state {
            ReplicaState::Finalized if is_older && state.bytes_on_disk == block.length => {
                existing
                    .finalize(&mut state, block.generation_stamp)
                    .map_err(|error| self.failed("copy bytes to", block, &error))?;
                Ok(true)
            }
            ReplicaState::Rwr if is_older => {
                let incomplete = existing.block(&state);
                drop(state);
                self.delete(incomplete)?;
                Ok(false)
            }
            state => Err(HdfsError::replica_already_exists(format!(
                "Block {} already exists in state {} and thus cannot be created.",
                self.name(block),
                java_name(state)
            ))),
        }
    }
}
