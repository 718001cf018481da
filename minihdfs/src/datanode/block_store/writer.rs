//! Stores packets in a replica.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::layout;
use super::replica::{Files, Replica, State};
use super::{BlockStore, ReplicaState};
use crate::HdfsError;
use crate::datanode::checksum::{CHECKSUM_LENGTH, DataChecksum};
use crate::datanode::packet::Packet;
use crate::protocol::Block;

/// The reason why a packet was not stored.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Its data does not match its checksums.
    Checksum(HdfsError),
    /// Any other error: the writer was stopped, the packet does not fit, or the disk failed.
    Other(HdfsError),
}

/// The only writer of a replica, until another one attaches or a recovery starts.
///
/// Dropping the writer deletes a temporary replica that is not finalized. A replica written by a
/// client stays for recovery.
#[derive(Debug)]
pub(crate) struct ReplicaWriter {
    store: Arc<BlockStore>,
    replica: Arc<Replica>,
    number: u64,
    /// The checksum type of the packets, which may differ from the replica's in an append.
    checksum: DataChecksum,
    scratch: Vec<u8>,
    /// The end of the last packet stored by this writer, and the checksum of the chunk there.
    last_sum: Option<(u64, u32)>,
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
            last_sum: None,
        }
    }

    /// Returns the block in its current state.
    pub(crate) fn block(&self) -> Block {
        self.replica.block(&self.replica.state())
    }

    /// Stores the part of a packet that is not stored yet. `spoil`, for a fault, corrupts a stored
    /// byte after the checksums were verified.
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
        if packet.header.last_packet_in_block && !packet.data.is_empty() {
            return Err(misfit(format!(
                "The last packet of {} has {} bytes of data: it must be empty, because Hadoop's DataNodes drop them",
                self.store.name(self.replica.block(&state)),
                packet.data.len()
            )));
        }
        self.check_checksums(&state, packet, offset)?;
        // Stored bytes may have been acknowledged, so they are never overwritten.
        let present = usize::try_from(state.bytes_on_disk - offset).unwrap_or(usize::MAX);
        if let Some(new) = packet.data.get(present..).filter(|new| !new.is_empty()) {
            let Some(files) = &state.files else {
                return Err(misfit("The files of the replica are closed"));
            };
            let addition = Addition {
                checksum: state.checksum,
                position: state.bytes_on_disk,
                new,
                sums: self.usable_sums(&state, packet, offset),
                partial: self
                    .last_sum
                    .and_then(|(end, sum)| (end == state.bytes_on_disk).then_some(sum)),
            };
            let stored = addition.store(files, &mut self.scratch);
            let last_sum = stored.map_err(|error| misfit(error.to_string()))?;
            if spoil {
                files
                    .data
                    .write_all_at(&[!new[0]], state.bytes_on_disk)
                    .map_err(|error| misfit(error.to_string()))?;
            }
            state.bytes_on_disk = packet.end();
            self.last_sum = last_sum.map(|sum| (state.bytes_on_disk, sum));
        }
        // A packet with sync_block (from hsync, and the last packet of every block from
        // hdfs-native) needs no more than others: its bytes are in the operating system's cache and
        // survive this process. A disk flush would only help if the machine failed, and then the
        // in-memory namespace would be lost anyway. Flushes limited small files to tens per second.
        Ok(())
    }

    /// Returns the packet's own checksums of the new bytes, if they can be stored as they are. Both
    /// the packet and the new bytes must start at a chunk boundary.
    fn usable_sums<'p>(&self, state: &State, packet: &Packet<'p>, offset: u64) -> Option<&'p [u8]> {
        let chunk = state.checksum.bytes_per_checksum();
        if state.checksum != self.checksum
            || packet.checksums.is_empty()
            || !offset.is_multiple_of(chunk)
            || !state.bytes_on_disk.is_multiple_of(chunk)
        {
            return None;
        }
        let skipped = usize::try_from((state.bytes_on_disk - offset) / chunk).ok()?;
        packet.checksums.get(skipped * CHECKSUM_LENGTH..)
    }

    fn check_checksums(
        &self,
        state: &State,
        packet: &Packet<'_>,
        offset: u64,
    ) -> Result<(), WriteError> {
        let chunk = self.checksum.bytes_per_checksum();
        // The data that completes a partial chunk must come in its own packet, with one checksum of
        // the new bytes.
        if !offset.is_multiple_of(chunk) && packet.data.len() as u64 > chunk {
            return Err(misfit(format!(
                "Unexpected packet data length for {}: a partial chunk must be  sent in an individual packet \
                     (data length = {} > bytesPerChecksum = {chunk})",
                self.store.name(self.replica.block(state)),
                packet.data.len()
            )));
        }
        let expected = state.checksum.length_of(packet.data.len());
        if packet.checksums.len() != expected && !packet.checksums.is_empty() {
            return Err(misfit(format!(
                "Invalid checksum length: received length is {} but expected length is {expected}",
                packet.checksums.len()
            )));
        }
        if packet.checksums.is_empty() {
            return Ok(());
        }
        self.checksum
            .verify(packet.data, packet.checksums)
            .map_err(|position| {
                WriteError::Checksum(HdfsError::checksum(format!(
                    "Checksum error: {} at {}",
                    self.store.name(self.replica.block(state)),
                    offset + position as u64
                )))
            })
    }

    /// Records that every DataNode downstream has stored the first `length` bytes.
    pub(crate) fn acked(&self, length: u64) {
        let mut state = self.replica.state();
        if state.writer == self.number {
            state.bytes_acked = state.bytes_acked.max(length.min(state.bytes_on_disk));
        }
    }

    /// Finalizes the complete replica.
    pub(crate) fn finalize(&mut self) -> Result<Block, HdfsError> {
        let mut state = self.replica.state();
        self.check_not_stopped(&state)?;
        let generation_stamp = state.generation_stamp;
        self.replica
            .finalize(&mut state, generation_stamp)
            .map_err(|error| {
                self.store
                    .failed("finalize", self.replica.block(&state), &error)
            })?;
        Ok(self.replica.block(&state))
    }

    /// Converts a transferred replica to one that a client continues to write (TRANSFER_RBW).
    pub(crate) fn convert_temporary_to_rbw(&mut self) -> Result<Block, HdfsError> {
        let mut state = self.replica.state();
        self.check_not_stopped(&state)?;
        let generation_stamp = state.generation_stamp;
        self.replica
            .relocate(&mut state, layout::Place::Rbw, generation_stamp)
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

/// The bytes that a packet adds to a replica.
struct Addition<'a> {
    /// The checksum type of the replica.
    checksum: DataChecksum,
    /// The end of the replica before the addition.
    position: u64,
    new: &'a [u8],
    /// The checksums of `new`; computed if `None`.
    sums: Option<&'a [u8]>,
    /// The checksum of the partial chunk at the end, if known; otherwise it is read.
    partial: Option<u32>,
}

impl Addition<'_> {
    /// Writes data and checksums, and returns the checksum of the last chunk. On failure, for
    /// instance because the disk is full, restores the files.
    fn store(&self, files: &Files, scratch: &mut Vec<u8>) -> io::Result<Option<u32>> {
        let before = match self.partial {
            Some(sum) => Some(sum).filter(|_| self.partial_length() > 0),
            None => self.read_partial(files)?,
        };
        let sums = self.sums.unwrap_or_else(|| {
            self.compute(before, scratch);
            scratch
        });
        let at = layout::checksum_position(self.checksum, self.position);
        let stored = files
            .data
            .write_all_at(self.new, self.position)
            .and_then(|()| files.meta.write_all_at(sums, at));
        if let Err(error) = stored {
            let undone = files.data.set_len(self.position).and_then(|()| {
                files.meta.set_len(at)?;
                before.map_or(Ok(()), |sum| {
                    files.meta.write_all_at(&sum.to_be_bytes(), at)
                })
            });
            if let Err(error) = undone {
                tracing::warn!(%error, "a packet that could not be stored stays on disk in part");
            }
            return Err(error);
        }
        Ok(sums.last_chunk().map(|sum| u32::from_be_bytes(*sum)))
    }

    /// Returns the length of the partial chunk at the end of the replica; 0 if there is none, or
    /// without checksums.
    fn partial_length(&self) -> u64 {
        if self.checksum.is_none() {
            return 0;
        }
        self.position % self.checksum.bytes_per_checksum()
    }

    /// Reads the partial chunk at the end and returns its checksum. Fails if it is damaged, because
    /// a new checksum would hide the damage.
    fn read_partial(&self, files: &Files) -> io::Result<Option<u32>> {
        let length = self.partial_length();
        if length == 0 {
            return Ok(None);
        }
        let mut chunk = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        files
            .data
            .read_exact_at(&mut chunk, self.position - length)?;
        let mut stored = [0; CHECKSUM_LENGTH];
        let at = layout::checksum_position(self.checksum, self.position);
        files.meta.read_exact_at(&mut stored, at)?;
        let (sum, stored) = (self.checksum.of_chunk(&chunk), u32::from_be_bytes(stored));
        if sum != stored {
            return Err(io::Error::other(format!(
                "Partial CRC {sum} does not match value computed the last time file was closed {stored}"
            )));
        }
        Ok(Some(sum))
    }

    /// Computes the checksums, starting with the partial chunk at the end, whose checksum so far is
    /// `before`.
    fn compute(&self, before: Option<u32>, sums: &mut Vec<u8>) {
        sums.clear();
        let mut rest = self.new;
        if let Some(before) = before {
            let missing = self.checksum.bytes_per_checksum() - self.partial_length();
            let missing = usize::try_from(missing).unwrap_or(usize::MAX);
            let (fill, behind) = rest.split_at(missing.min(rest.len()));
            let fill_sum = self.checksum.of_chunk(fill);
            let sum = self.checksum.combine(before, fill_sum, fill.len() as u64);
            sums.extend_from_slice(&sum.to_be_bytes());
            rest = behind;
        }
        let start = sums.len();
        sums.resize(start + self.checksum.length_of(rest.len()), 0);
        self.checksum.compute(rest, &mut sums[start..]);
    }
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
        if let Err(error) = self.replica.remove_files(&state) {
            tracing::warn!(block = %self.replica.block(&state), %error, "an unfinished replica stays on disk");
        }
        drop(state);
        self.store.forget(&self.replica);
    }
}
