//! Produces packets from a replica.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::replica::{Replica, State};
use super::{BlockStore, ReplicaState, layout};
use crate::HdfsError;
use crate::datanode::checksum::{CHECKSUM_LENGTH, DataChecksum};
use crate::datanode::packet::{self, HEADER_LENGTH};
use crate::protocol::Block;

/// The amount of data per packet, as in Hadoop; at least one chunk.
const PACKET_DATA: u64 = 64 << 10;

/// The range and options of a read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ReadRange {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// False to leave out the checksums of packets.
    pub(crate) checksums: bool,
}

/// Produces the packets of one read: whole chunks, from the one that contains the start of the
/// range to the one that contains its end.
///
/// Data is compared with its checksums, and both are sent as stored. A reader that gets damaged
/// data detects it, and [`damaged_at`](Self::damaged_at) reports it here.
#[derive(Debug)]
pub(crate) struct ReplicaReader {
    block: Block,
    state: ReplicaState,
    data: File,
    meta: File,
    stored: DataChecksum,
    sent: DataChecksum,
    /// The readable length.
    length: u64,
    /// The checksum of the partial chunk that ends at `length`, if there is one. It changes in the
    /// file when the chunk grows.
    last_checksum: [u8; CHECKSUM_LENGTH],
    start: u64,
    position: u64,
    end: u64,
    seqno: i64,
    damaged: Option<u64>,
}

impl BlockStore {
    /// Starts reading a whole replica.
    pub(crate) fn read_whole(&self, block: Block) -> Result<ReplicaReader, HdfsError> {
        let range = |length| ReadRange {
            offset: 0,
            length,
            checksums: true,
        };
        let length = self.read(block, range(0))?.block.length;
        self.read(block, range(length))
    }

    /// Starts reading a replica.
    ///
    /// # Errors
    /// Fails if there is no such replica, if its generation stamp is older than the block's, or if
    /// the range reaches beyond it.
    pub(crate) fn read(&self, block: Block, range: ReadRange) -> Result<ReplicaReader, HdfsError> {
        let replica = self.get(block)?;
        let state = replica.state();
        let length = self.readable(block, range, &replica, &state)?;
        let failed = |error| self.failed("read", block, &error);
        let layout = &state.volume.layout;
        let data = layout::open(&layout.data(state.place, block.id), false).map_err(failed)?;
        let meta = layout.meta(state.place, block.id, state.generation_stamp);
        let meta = layout::open(&meta, false).map_err(failed)?;
        let wanted = range.offset + range.length;
        let on_disk = data.metadata().map_err(failed)?.len();
        if on_disk < wanted {
            return Err(HdfsError::io(format!(
                "Premature EOF: the file of {} has {on_disk} bytes, and {wanted} are needed",
                self.name(block)
            )));
        }
        let last_checksum = last_checksum(&meta, state.checksum, length).map_err(failed)?;
        let sent = if range.checksums {
            state.checksum
        } else {
            DataChecksum::NONE
        };
        let chunk = state.checksum.bytes_per_checksum();
        let start = range.offset / sent.bytes_per_checksum() * sent.bytes_per_checksum();
        let end = wanted
            .checked_next_multiple_of(chunk)
            .map_or(length, |end| end.min(length));
        Ok(ReplicaReader {
            block: replica.block(&state),
            state: state.replica_state,
            data,
            meta,
            stored: state.checksum,
            sent,
            length,
            last_checksum,
            start,
            position: start,
            end,
            seqno: 0,
            damaged: None,
        })
    }

    /// Returns the replica's length. Fails if the replica is too old, cannot be read, or does not
    /// have the range.
    fn readable(
        &self,
        block: Block,
        range: ReadRange,
        replica: &Replica,
        state: &State,
    ) -> Result<u64, HdfsError> {
        if state.generation_stamp < block.generation_stamp {
            return Err(HdfsError::io(format!(
                "Replica gen stamp < block genstamp, block={}, replica={}",
                self.name(block),
                replica.describe(state)
            )));
        }
        if state.visible_length().is_none() {
            return Err(self.not_found(block));
        }
        // As in Hadoop, this may exceed what was acknowledged here, because another DataNode may
        // already have announced it to the reader.
        let length = state.bytes_on_disk;
        if range
            .offset
            .checked_add(range.length)
            .is_none_or(|end| end > length)
        {
            return Err(HdfsError::io(format!(
                " Offset {} and length {} don't match block {} ( blockLen {length} )",
                range.offset,
                range.length,
                self.name(block)
            )));
        }
        Ok(length)
    }
}

/// Reads the checksum of the partial chunk at the end, if there is one.
fn last_checksum(
    meta: &File,
    checksum: DataChecksum,
    length: u64,
) -> io::Result<[u8; CHECKSUM_LENGTH]> {
    let mut last = [0; CHECKSUM_LENGTH];
    if !length.is_multiple_of(checksum.bytes_per_checksum()) && !checksum.is_none() {
        meta.read_exact_at(&mut last, layout::checksum_position(checksum, length))?;
    }
    Ok(last)
}

impl ReplicaReader {
    /// Returns the replica's block. Its generation stamp may be newer than the reader's.
    pub(crate) fn block(&self) -> Block {
        self.block
    }

    /// Returns the state of the replica when the read started.
    pub(crate) fn state(&self) -> ReplicaState {
        self.state
    }

    /// Returns the checksum type of the packets.
    pub(crate) fn checksum(&self) -> DataChecksum {
        self.sent
    }

    /// Returns the checksum type with which the replica is stored.
    pub(crate) fn stored_checksum(&self) -> DataChecksum {
        self.stored
    }

    /// Returns the offset of the first packet, which is at or before the requested offset.
    pub(crate) fn chunk_offset(&self) -> u64 {
        self.start
    }

    /// Returns the offset of the first data found not to match its checksum.
    pub(crate) fn damaged_at(&self) -> Option<u64> {
        self.damaged
    }

    /// Returns the length of the next packet; `None` after the last one.
    pub(crate) fn next_length(&self) -> Option<usize> {
        if self.seqno < 0 {
            return None;
        }
        let data = self.next_data();
        Some(HEADER_LENGTH + self.sent.length_of(data) + data)
    }

    fn next_data(&self) -> usize {
        let chunk = self.stored.bytes_per_checksum();
        let packet = (PACKET_DATA / chunk * chunk).max(chunk);
        // The first packet of a read without checksums may start inside a stored chunk.
        let packet = packet - self.position % chunk;
        packet.min(self.end - self.position) as usize
    }

    /// Writes the next packet to `out`, which must have its [length](Self::next_length). The last
    /// packet is empty and marked as the last.
    ///
    /// # Errors
    /// Fails if the files do not contain the whole replica, because they were truncated or removed,
    /// or on a disk error.
    pub(crate) fn read_packet(&mut self, out: &mut [u8]) -> io::Result<()> {
        let data = self.next_data();
        let sums = self.sent.length_of(data);
        let Some((header, body)) = out.split_first_chunk_mut::<HEADER_LENGTH>() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        packet::put_header(header, self.position, self.seqno, data == 0, sums, data);
        if data == 0 {
            self.seqno = -1;
            return Ok(());
        }
        let (checksums, bytes) = body.split_at_mut(sums);
        self.data.read_exact_at(bytes, self.position)?;
        if !self.sent.is_none() {
            self.meta.read_exact_at(
                checksums,
                layout::checksum_position(self.stored, self.position),
            )?;
            self.check(checksums, bytes);
        }
        self.seqno += 1;
        self.position += data as u64;
        Ok(())
    }

    fn check(&mut self, checksums: &mut [u8], bytes: &[u8]) {
        let chunk = self.stored.bytes_per_checksum() as usize;
        let partial = bytes.len() % chunk;
        if partial > 0 && self.position + bytes.len() as u64 == self.length {
            let at = checksums.len() - CHECKSUM_LENGTH;
            checksums[at..].copy_from_slice(&self.last_checksum);
        }
        if self.damaged.is_none()
            && let Err(at) = self.stored.verify(bytes, checksums)
        {
            self.damaged = Some(self.position + at as u64);
        }
    }

    /// Passes the stored checksums of the first `length` bytes to `take` piece by piece, for a
    /// checksum of checksums. Recomputes the checksum of a chunk that is only partly included.
    pub(crate) fn each_checksums(
        &self,
        length: u64,
        mut take: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        if self.stored.is_none() {
            return Ok(());
        }
        let chunk = self.stored.bytes_per_checksum();
        let length = length.min(self.length);
        let whole = length / chunk;
        let mut left = whole * CHECKSUM_LENGTH as u64;
        let mut position = layout::checksum_position(self.stored, 0);
        let mut sums = vec![0; (64 << 10).min(left) as usize];
        while left > 0 {
            let piece = &mut sums[..(64 << 10).min(left) as usize];
            self.meta.read_exact_at(piece, position)?;
            take(piece);
            position += piece.len() as u64;
            left -= piece.len() as u64;
        }
        if length.is_multiple_of(chunk) {
            return Ok(());
        }
        if length == self.length {
            take(&self.last_checksum);
            return Ok(());
        }
        let mut last = vec![0; (length % chunk) as usize];
        self.data.read_exact_at(&mut last, whole * chunk)?;
        take(&self.stored.of_chunk(&last).to_be_bytes());
        Ok(())
    }
}
