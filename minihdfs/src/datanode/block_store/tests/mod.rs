//! Replicas in a folder, written and read without sockets.

mod files;
mod reading;
mod replica_recovery;
mod volumes;
mod writing;

use std::fs::File;
use std::path::Path;

use super::*;
use crate::datanode::checksum::DataChecksum;
use crate::datanode::packet::{HEADER_LENGTH, Packet};
use crate::proto::hdfs::{ChecksumTypeProto, PacketHeaderProto};

/// A store in a temporary folder.
pub(in crate::datanode) struct Fixture {
    pub(in crate::datanode) folder: tempfile::TempDir,
    pub(in crate::datanode) store: Arc<BlockStore>,
}

pub(in crate::datanode) const BLOCK: Block = Block {
    id: 1_073_741_825,
    generation_stamp: 1001,
    length: 0,
};

pub(in crate::datanode) fn crc32c(bytes_per_checksum: u32) -> DataChecksum {
    DataChecksum::new(ChecksumTypeProto::ChecksumCrc32c, bytes_per_checksum).expect("a plain size")
}

/// Returns test data in which no two chunks are alike.
fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 31 + index / 251) as u8)
        .collect()
}

impl Fixture {
    pub(in crate::datanode) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Self::open(folder.path());
        Self { folder, store }
    }

    fn open(path: &Path) -> Arc<BlockStore> {
        Arc::new(
            BlockStore::open(
                &[StorageFolder::disk(path, "DS-1")],
                "BP-1-127.0.0.1-1".into(),
            )
            .expect("a store"),
        )
    }

    pub(in crate::datanode) fn create(&self) -> ReplicaWriter {
        self.store
            .create_rbw(BLOCK, crc32c(512), crate::token::StorageType::Disk)
            .expect("no such replica yet")
    }

    /// Creates a finalized replica with this content.
    fn finalized(&self, data: &[u8]) -> Block {
        let mut writer = self.create();
        write(&mut writer, 0, data).expect("fits");
        writer.finalize().expect("writable")
    }

    fn read(&self, block: Block, offset: u64, length: u64) -> Result<Vec<u8>, HdfsError> {
        let range = ReadRange {
            offset,
            length,
            checksums: true,
        };
        let mut reader = self.store.read(block, range)?;
        let mut data = Vec::new();
        while let Some(length) = reader.next_length() {
            let mut bytes = vec![0; length];
            reader.read_packet(&mut bytes).expect("the files are there");
            let packet = Packet::parse(&bytes)
                .expect("well-formed")
                .expect("complete");
            assert_eq!(packet.bytes.len(), length);
            assert_eq!(
                packet.header.offset_in_block as u64,
                reader.chunk_offset() + data.len() as u64
            );
            if reader.damaged_at().is_none() {
                assert_eq!(
                    reader.checksum().verify(packet.data, packet.checksums),
                    Ok(())
                );
            }
            data.extend_from_slice(packet.data);
        }
        match reader.damaged_at() {
            Some(at) => Err(HdfsError::io(format!("damaged at {at}"))),
            None => Ok(data),
        }
    }

    fn meta(&self) -> Vec<u8> {
        let replica = self.store.get(BLOCK).expect("there");
        let state = replica.state();
        std::fs::read(
            self.store
                .layout()
                .meta(state.place, BLOCK.id, state.generation_stamp),
        )
        .expect("there")
    }

    /// Returns the expected meta file of a replica with this content.
    fn expected_meta(data: &[u8]) -> Vec<u8> {
        let mut meta = vec![0, 1, 2, 0, 0, 2, 0];
        let mut sums = vec![0; crc32c(512).length_of(data.len())];
        crc32c(512).compute(data, &mut sums);
        meta.append(&mut sums);
        meta
    }
}

pub(in crate::datanode) fn packet<'a>(
    offset: u64,
    data: &'a [u8],
    checksums: &'a [u8],
) -> Packet<'a> {
    Packet {
        header: PacketHeaderProto {
            offset_in_block: offset as i64,
            seqno: 0,
            last_packet_in_block: false,
            data_len: data.len() as i32,
            sync_block: None,
        },
        checksums,
        data,
        bytes: &[],
    }
}

/// Writes `data` like a client with 512 bytes per checksum.
fn write(writer: &mut ReplicaWriter, offset: u64, data: &[u8]) -> Result<(), WriteError> {
    let mut sums = vec![0; crc32c(512).length_of(data.len())];
    crc32c(512).compute(data, &mut sums);
    writer.write(&packet(offset, data, &sums), false)
}

fn refusal<T: std::fmt::Debug>(result: Result<T, WriteError>) -> String {
    match result.expect_err("must be refused") {
        WriteError::Checksum(error) | WriteError::Other(error) => error.message().to_owned(),
    }
}
