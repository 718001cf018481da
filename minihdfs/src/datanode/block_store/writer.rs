//! Packets into a replica.

use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::layout;
use super::replica::{Files, Replica, State};
use super::{BlockStore, ReplicaState};
use crate::HdfsError;
use crate::datanode::checksum::DataChecksum;
use crate::datanode::link::Block;
use crate::datanode::packet::Packet;

/// Why a packet was not stored.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Its data does not match its checksums.
    Checksum(HdfsError),
    /// Anything else: the writer was stopped, the packet does not fit, the disk refused.
    Other(HdfsError),
}

/// The one that may write a replica, until another one attaches, or a recovery begins.
///
/// A temporary replica that is not finalized is gone when its writer is dropped; one that a client
/// writes stays for its recovery.
#[derive(Debug)]
pub(crate) struct ReplicaWriter {
    store: Arc<BlockStore>,
    replica: Arc<Replica>,
    number: u64,
    /// The writer's checksum, which may differ from the replica's if it appends.
    checksum: DataChecksum,
    scratch: Vec<u8>,
}

impl ReplicaWriter {
    pub(super) fn new(
        store: Arc<BlockStore>,
        replica: Arc<Replica>,
        number: u64,
        checksum: DataChecksum,
    ) -> Self {
        Self {
            store,
            replica,
            number,
            checksum,
            scratch: Vec::new(),
        }
    }

    /// The block as it is now.
    pub(crate) fn block(&self) -> Block {
        self.replica.block(&self.replica.state())
    }

    /// Stores a packet. `spoil`, for a fault, damages a byte of what is stored after it was
    /// checked.
    pub(crate) fn write(&mut self, packet: &Packet<'_>, spoil: bool) -> Result<(), WriteError> {
        let mut state = self.replica.state();
        self.check_not_stopped(&state).map_err(WriteError::Other)?;
        let offset = u64::try_from(packet.header.offset_in_block).unwrap_or(u64::MAX);
        if offset > state.bytes_on_disk {
            return Err(misfit(format!(
                "Received an out-of-sequence packet for {} at offset {}. Expecting packet starting at {}",
                self.store.name(self.replica.block(&state)),
                packet.header.offset_in_block,
                state.bytes_on_disk
            )));
        }
        self.check_checksums(&state, packet, offset)?;
        if !packet.data.is_empty() && packet.end() > state.bytes_on_disk {
            let Some(files) = &state.files else {
                return Err(misfit("The files of the replica are closed"));
            };
            store(
                files,
                state.checksum,
                self.checksum,
                packet,
                offset,
                &mut self.scratch,
            )
            .and_then(|()| match spoil {
                true => files.data.write_all_at(&[!packet.data[0]], offset),
                false => Ok(()),
            })
            .map_err(|error| misfit(error.to_string()))?;
            state.bytes_on_disk = packet.end();
        }
        // A packet with sync_block (hsync, and what hdfs-native closes every block with) asks no
        // more than any other: its bytes are the operating system's by now and outlive this
        // process. A disk flush would only save them from a machine that fails, where the
        // namespace, kept in memory, is lost in any case; and it is what held small files down to
        // tens in a second.
        Ok(())
    }

    fn check_checksums(
        &self,
        state: &State,
        packet: &Packet<'_>,
        offset: u64,
    ) -> Result<(), WriteError> {
        let chunk = self.checksum.bytes_per_checksum();
        // What fills up a chunk that is partly there comes alone, with one checksum over the new
        // bytes.
        if !offset.is_multiple_of(chunk) && packet.data.len() as u64 > chunk {
            return Err(misfit(format!(
                "Got wrong length during writeBlock({}): a partial chunk must be  sent in an individual packet \
                     (data length = {} > bytesPerChecksum = {chunk})",
                self.store.name(self.replica.block(state)),
                packet.data.len()
            )));
        }
        let expected = self.checksum.length_of(packet.data.len());
        if packet.checksums.len() != expected && !packet.checksums.is_empty() {
            return Err(misfit(format!(
                "Length of checksums in packet {} does not match calculated checksum length {expected}",
                packet.checksums.len()
            )));
        }
        if packet.checksums.is_empty() {
            return Ok(());
        }
        self.checksum
            .verify(packet.data, packet.checksums)
            .map_err(|position| {
                WriteError::Checksum(HdfsError::new(
                    "org.apache.hadoop.fs.ChecksumException",
                    format!(
                        "Checksum error: {} at {}",
                        self.store.name(self.replica.block(state)),
                        offset + position as u64
                    ),
                ))
            })
    }

    /// Every DataNode after this one has stored the first `length` bytes.
    pub(crate) fn acked(&self, length: u64) {
        let mut state = self.replica.state();
        if state.writer == self.number {
            state.bytes_acked = state.bytes_acked.max(length.min(state.bytes_on_disk));
        }
    }

    /// All of it is there: makes the replica final.
    pub(crate) fn finalize(&mut self) -> Result<Block, HdfsError> {
        let mut state = self.replica.state();
        self.check_not_stopped(&state)?;
        let generation_stamp = state.generation_stamp;
        self.replica
            .finalize(&self.store.layout, &mut state, generation_stamp)
            .map_err(|error| {
                self.store
                    .failed("finalize", self.replica.block(&state), &error)
            })?;
        Ok(self.replica.block(&state))
    }

    /// A replica that was transferred becomes one that a client writes on (TRANSFER_RBW).
    pub(crate) fn convert_temporary_to_rbw(&mut self) -> Result<Block, HdfsError> {
        let mut state = self.replica.state();
        self.check_not_stopped(&state)?;
        let generation_stamp = state.generation_stamp;
        self.replica
            .relocate(
                &self.store.layout,
                &mut state,
                layout::Place::Rbw,
                generation_stamp,
            )
            .map_err(|error| {
                self.store
                    .failed("convert", self.replica.block(&state), &error)
            })?;
        state.replica_state = ReplicaState::Rbw;
        state.bytes_acked = state.bytes_on_disk;
        state.stop_writer();
        Ok(self.replica.block(&state))
    }

    fn check_not_stopped(&self, state: &State) -> Result<(), HdfsError> {
        if state.writer == self.number {
            return Ok(());
        }
        Err(HdfsError::io(format!(
            "The writer of {} was stopped: another one took over, or the block is being recovered or deleted",
            self.store.name(self.replica.block(state))
        )))
    }
}

fn misfit(why: impl Into<String>) -> WriteError {
    WriteError::Other(HdfsError::io(why))
}

/// Writes data and checksums of a packet that reaches beyond what is there.
fn store(
    files: &Files,
    stored: DataChecksum,
    writers: DataChecksum,
    packet: &Packet<'_>,
    offset: u64,
    scratch: &mut Vec<u8>,
) -> std::io::Result<()> {
    files.data.write_all_at(packet.data, offset)?;
    if stored.is_none() {
        return Ok(());
    }
    let partial = offset % stored.bytes_per_checksum();
    let position = layout::checksum_position(stored, offset);
    if partial == 0 && stored == writers && !packet.checksums.is_empty() {
        return files.meta.write_all_at(packet.checksums, position);
    }
    // The writer's checksums do not cover the replica's chunks: sum these up, from the first one's
    // beginning.
    scratch.clear();
    scratch.resize(partial as usize, 0);
    files.data.read_exact_at(scratch, offset - partial)?;
    scratch.extend_from_slice(packet.data);
    let mut sums = vec![0; stored.length_of(scratch.len())];
    stored.compute(scratch, &mut sums);
    files.meta.write_all_at(&sums, position)
}

impl Drop for ReplicaWriter {
    fn drop(&mut self) {
        let mut state = self.replica.state();
        if state.writer != self.number {
            return;
        }
        if state.replica_state != ReplicaState::Temporary {
            state.files = None;
            return;
        }
        state.stop_writer();
        if let Err(error) = self.replica.remove_files(&self.store.layout, &state) {
            tracing::warn!(block = %self.replica.block(&state), %error, "an unfinished replica stays on disk");
        }
        drop(state);
        let mut replicas = self.store.replicas();
        if replicas
            .get(&self.replica.id)
            .is_some_and(|replica| Arc::ptr_eq(replica, &self.replica))
        {
            replicas.remove(&self.replica.id);
        }
    }
}
