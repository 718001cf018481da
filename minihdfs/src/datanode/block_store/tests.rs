use super::*;
use crate::datanode::checksum::DataChecksum;
use crate::datanode::packet::{HEADER_LENGTH, Packet};
use crate::proto::hdfs::{ChecksumTypeProto, PacketHeaderProto};

/// A store in a folder that goes when it does.
struct Fixture {
    folder: tempfile::TempDir,
    store: Arc<BlockStore>,
}

const BLOCK: Block = Block {
    id: 1_073_741_825,
    generation_stamp: 1001,
    length: 0,
};

fn crc32c(bytes_per_checksum: u32) -> DataChecksum {
    DataChecksum::new(ChecksumTypeProto::ChecksumCrc32c, bytes_per_checksum).expect("a plain size")
}

/// What the tests write: no two chunks alike.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 + index / 251) as u8).collect()
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Self::open(folder.path());
        Self { folder, store }
    }

    fn open(path: &Path) -> Arc<BlockStore> {
        Arc::new(BlockStore::open(path, "BP-1-127.0.0.1-1".into()).expect("a store"))
    }

    fn create(&self) -> ReplicaWriter {
        self.store.create_rbw(BLOCK, crc32c(512)).expect("no such replica yet")
    }

    /// A finalized replica with this content.
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
            let packet = Packet::parse(&bytes).expect("well-formed").expect("complete");
            assert_eq!(packet.bytes.len(), length);
            assert_eq!(packet.header.offset_in_block as u64, reader.chunk_offset() + data.len() as u64);
            if reader.damaged_at().is_none() {
                assert_eq!(reader.checksum().verify(packet.data, packet.checksums), Ok(()));
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
        std::fs::read(self.store.layout.meta(state.place, BLOCK.id, state.generation_stamp)).expect("there")
    }

    /// What the meta file of a replica with this content must hold.
    fn expected_meta(data: &[u8]) -> Vec<u8> {
        let mut meta = vec![0, 1, 2, 0, 0, 2, 0];
        let mut sums = vec![0; crc32c(512).length_of(data.len())];
        crc32c(512).compute(data, &mut sums);
        meta.append(&mut sums);
        meta
    }
}

fn packet<'a>(offset: u64, data: &'a [u8], checksums: &'a [u8]) -> Packet<'a> {
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

/// Writes `data` as a client with 512 bytes per checksum does.
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

#[test]
fn what_is_written_is_read_from_any_offset() {
    let fixture = Fixture::new();
    let data = content(200_000);
    let block = fixture.finalized(&data);
    assert_eq!(block.length, 200_000);
    assert_eq!(fixture.meta(), Fixture::expected_meta(&data));
    for (offset, length) in [(0u64, 200_000u64), (1, 1), (511, 2), (131_072, 68_928), (199_999, 1), (200_000, 0)] {
        let (start, end) = (offset / 512 * 512, (offset + length).next_multiple_of(512).min(200_000));
        let read = fixture.read(block, offset, length).expect("within the block");
        assert_eq!(read, data[start as usize..end.max(start) as usize], "{offset}, {length}");
    }
}

#[test]
fn a_range_beyond_the_end_is_refused_even_if_it_overflows() {
    let fixture = Fixture::new();
    let block = fixture.finalized(&content(1000));
    for (offset, length) in [(0, 1001), (1001, 0), (u64::MAX, 2), (1, u64::MAX)] {
        let error = fixture.read(block, offset, length).expect_err("beyond the end");
        assert!(error.message().starts_with(" Offset "), "{error}");
    }
}

#[test]
fn a_reader_with_an_older_stamp_is_served_and_one_with_a_newer_is_not() {
    let fixture = Fixture::new();
    let block = fixture.finalized(&content(10));
    let stamped = |generation_stamp| Block { generation_stamp, ..block };
    assert!(fixture.read(stamped(1000), 0, 10).is_ok());
    assert!(fixture.read(stamped(1002), 0, 10).is_err());
    let unknown = Block { id: 7, ..block };
    assert_eq!(
        fixture.read(unknown, 0, 1).expect_err("no such block").message(),
        "Replica not found for BP-1-127.0.0.1-1:blk_7_1001"
    );
}

#[test]
fn data_that_was_damaged_on_disk_is_found_where_it_is() {
    let fixture = Fixture::new();
    let block = fixture.finalized(&content(100_000));
    let path = fixture.store.layout.data(Place::Finalized, BLOCK.id);
    let mut bytes = std::fs::read(&path).expect("there");
    bytes[70_000] ^= 1;
    std::fs::write(&path, bytes).expect("writable");
    assert_eq!(
        fixture.read(block, 0, 100_000).expect_err("damaged").message(),
        format!("damaged at {}", 70_000 / 512 * 512)
    );
    assert!(fixture.read(block, 0, 10_000).is_ok());
}

#[test]
fn a_checksum_mismatch_is_refused_and_nothing_is_stored() {
    let fixture = Fixture::new();
    let mut writer = fixture.create();
    let refused = writer.write(&packet(0, b"hello", &[0x9a, 0x71, 0xbb, 0x4d]), false);
    assert!(matches!(refused, Err(WriteError::Checksum(_))));
    assert_eq!(writer.block().length, 0);
    assert!(refusal(writer.write(&packet(0, b"hello", &[1, 2]), false)).starts_with("Length of checksums"));
    writer
        .write(&packet(0, b"hello", &[0x9a, 0x71, 0xbb, 0x4c]), false)
        .expect("matches");
    assert_eq!(writer.block().length, 5);
}

#[test]
fn a_fault_can_spoil_what_is_stored_and_the_reader_finds_it() {
    let fixture = Fixture::new();
    let mut writer = fixture.create();
    writer
        .write(&packet(0, b"hello", &[0x9a, 0x71, 0xbb, 0x4c]), true)
        .expect("the sender's bytes match");
    let block = writer.finalize().expect("writable");
    assert_eq!(fixture.read(block, 0, 5).expect_err("spoilt").message(), "damaged at 0");
}

#[test]
fn a_gap_is_refused_and_a_duplicate_is_not_stored_twice() {
    let fixture = Fixture::new();
    let mut writer = fixture.create();
    let data = content(1024);
    write(&mut writer, 0, &data).expect("fits");
    write(&mut writer, 0, &data[..512]).expect("a duplicate");
    assert_eq!(writer.block().length, 1024);
    let why = refusal(write(&mut writer, 1025, &data));
    assert!(
        why.contains("out-of-sequence packet") && why.ends_with("at offset 1025. Expecting packet starting at 1024"),
        "{why}"
    );
    let mut negative = packet(0, b"hello", &[]);
    negative.header.offset_in_block = -5;
    assert!(refusal(writer.write(&negative, false)).contains("out-of-sequence"));
}

#[test]
fn after_a_flush_the_partial_chunk_comes_again_from_its_beginning() {
    let fixture = Fixture::new();
    let data = content(3000);
    let mut writer = fixture.create();
    write(&mut writer, 0, &data[..700]).expect("fits");
    writer.acked(700);
    assert_eq!(fixture.read(writer.block(), 0, 700).expect("visible"), data[..700]);
    write(&mut writer, 512, &data[512..3000]).expect("overlaps");
    let block = writer.finalize().expect("writable");
    assert_eq!(fixture.read(block, 0, 3000).expect("whole"), data);
    assert_eq!(fixture.meta(), Fixture::expected_meta(&data));
}

#[test]
fn a_reader_that_began_before_a_chunk_grew_gets_data_and_checksum_that_agree() {
    let fixture = Fixture::new();
    let data = content(1000);
    let mut writer = fixture.create();
    write(&mut writer, 0, &data[..700]).expect("fits");
    writer.acked(700);
    let range = ReadRange {
        offset: 0,
        length: 700,
        checksums: true,
    };
    let mut reader = fixture.store.read(writer.block(), range).expect("visible");
    write(&mut writer, 512, &data[512..]).expect("overlaps");
    let mut bytes = vec![0; reader.next_length().expect("a packet")];
    reader.read_packet(&mut bytes).expect("there");
    let packet = Packet::parse(&bytes).expect("well-formed").expect("complete");
    assert_eq!(packet.data, &data[..700]);
    assert_eq!(crc32c(512).verify(packet.data, packet.checksums), Ok(()));
    assert_eq!(reader.damaged_at(), None);
}

#[test]
fn an_append_fills_the_partial_chunk_first() {
    let fixture = Fixture::new();
    let data = content(2000);
    let block = fixture.finalized(&data[..700]);
    let mut writer = fixture.store.append(block, 1002, 700, crc32c(512)).expect("finalized");
    let why = refusal(write(&mut writer, 700, &data[700..1400]));
    assert!(why.contains("a partial chunk must be  sent in an individual packet (data length = 700 > bytesPerChecksum = 512)"));
    write(&mut writer, 700, &data[700..1024]).expect("the rest of the chunk");
    write(&mut writer, 1024, &data[1024..]).expect("whole chunks");
    let block = writer.finalize().expect("writable");
    assert_eq!((block.generation_stamp, block.length), (1002, 2000));
    assert_eq!(fixture.read(block, 0, 2000).expect("whole"), data);
    assert_eq!(fixture.meta(), Fixture::expected_meta(&data));
}

#[test]
fn a_writer_with_other_checksums_is_checked_by_its_own_and_stored_by_the_replicas() {
    let fixture = Fixture::new();
    let data = content(3000);
    let block = fixture.finalized(&data[..700]);
    let other = DataChecksum::new(ChecksumTypeProto::ChecksumCrc32, 1000).expect("a plain size");
    let mut writer = fixture.store.append(block, 1002, 700, other).expect("finalized");
    for (offset, end) in [(700, 1000), (1000, 3000)] {
        let piece = &data[offset..end];
        let mut sums = vec![0; other.length_of(piece.len())];
        other.compute(piece, &mut sums);
        writer.write(&packet(offset as u64, piece, &sums), false).expect("matches");
    }
    let block = writer.finalize().expect("writable");
    assert_eq!(fixture.read(block, 0, 3000).expect("whole"), data);
    assert_eq!(fixture.meta(), Fixture::expected_meta(&data));
}

#[test]
fn create_refuses_what_exists_unless_it_is_an_older_unfinished_transfer() {
    let fixture = Fixture::new();
    let writer = fixture.create();
    let error = fixture.store.create_rbw(BLOCK, crc32c(512)).expect_err("being written");
    assert_eq!(error.class(), REPLICA_ALREADY_EXISTS);
    assert!(error.message().contains("already exists in state RBW"), "{error}");
    drop(writer);
    fixture.store.delete(BLOCK).expect("deletable").expect("there");
    let mut old = fixture.store.create_temporary(BLOCK, crc32c(512)).expect("gone");
    assert!(
        fixture
            .store
            .read(
                BLOCK,
                ReadRange {
                    offset: 0,
                    length: 0,
                    checksums: true
                }
            )
            .is_err()
    );
    let newer = Block {
        generation_stamp: 1002,
        ..BLOCK
    };
    let mut writer = fixture.store.create_temporary(newer, crc32c(512)).expect("replaces");
    assert!(refusal(write(&mut old, 0, b"late")).contains("was stopped"));
    drop(old);
    write(&mut writer, 0, b"whole").expect("fits");
    let block = writer.finalize().expect("writable");
    assert_eq!(fixture.read(block, 0, 5).expect("visible now"), b"whole");
}

#[test]
fn a_transfer_that_is_not_completed_leaves_nothing() {
    let fixture = Fixture::new();
    let mut writer = fixture.store.create_temporary(BLOCK, crc32c(512)).expect("new");
    write(&mut writer, 0, b"half").expect("fits");
    drop(writer);
    assert!(fixture.store.report().is_empty());
    assert!(!fixture.store.layout.data(Place::Temporary, BLOCK.id).exists());
}

#[test]
fn a_transferred_replica_can_become_one_that_is_written() {
    let fixture = Fixture::new();
    let mut writer = fixture.store.create_temporary(BLOCK, crc32c(512)).expect("new");
    write(&mut writer, 0, b"so far").expect("fits");
    let block = writer.convert_temporary_to_rbw().expect("unfinished");
    drop(writer);
    let mut writer = fixture.store.recover_rbw(block, 1002, (6, 6), crc32c(512)).expect("RBW now");
    write(&mut writer, 0, b"so far, so good").expect("overlaps");
    assert_eq!(writer.finalize().expect("writable").length, 15);
}

#[test]
fn append_refuses_another_length_another_stamp_and_a_replica_that_is_being_written() {
    let fixture = Fixture::new();
    let block = fixture.finalized(&content(700));
    let append = |block, stamp, length| fixture.store.append(block, stamp, length, crc32c(512)).map(|_| ());
    assert!(append(block, 1000, 700).is_err());
    assert!(
        append(block, 1002, 699)
            .expect_err("other length")
            .message()
            .contains("expected length is 699")
    );
    let older = Block {
        generation_stamp: 1000,
        ..block
    };
    assert!(
        append(older, 1002, 700)
            .expect_err("other stamp")
            .message()
            .contains("unexpected generation stamp")
    );
    let _writer = fixture
        .store
        .append(block, 1001, 700, crc32c(512))
        .expect("without a bump, as hdfs-native and Go");
    let error = append(block, 1002, 700).expect_err("being written");
    assert_eq!(error.class(), REPLICA_NOT_FOUND);
    assert!(error.message().contains("Cannot append to an unfinalized replica"), "{error}");
}

#[test]
fn a_streaming_recovery_stops_the_writer_and_cuts_what_nobody_acknowledged() {
    let fixture = Fixture::new();
    let data = content(3000);
    let mut first = fixture.create();
    write(&mut first, 0, &data[..2000]).expect("fits");
    first.acked(1300);
    let block = first.block();
    let recover = |stamp, min, max| fixture.store.recover_rbw(block, stamp, (min, max), crc32c(512));
    assert!(
        recover(1002, 1301, 3000)
            .expect_err("more was acknowledged")
            .message()
            .contains("BytesAcked = 1300")
    );
    assert!(
        recover(1002, 1300, 1999)
            .expect_err("less was sent")
            .message()
            .contains("BytesRcvd = 2000")
    );
    assert!(recover(1000, 1300, 2000).is_err());
    let mut second = recover(1002, 1300, 2000).expect("recoverable");
    assert!(refusal(write(&mut first, 2000, &data[2000..])).contains("was stopped"));
    drop(first);
    assert_eq!(fixture.meta(), Fixture::expected_meta(&data[..1300]));
    write(&mut second, 1024, &data[1024..]).expect("from the chunk's beginning");
    let block = second.finalize().expect("writable");
    assert_eq!((block.generation_stamp, block.length), (1002, 3000));
    assert_eq!(fixture.read(block, 0, 3000).expect("whole"), data);
    assert!(recover(1003, 0, 3000).expect_err("finalized").message().contains("non-RBW"));
}

#[test]
fn append_and_close_recovery_take_the_replica_on_either_side_of_the_failure() {
    let fixture = Fixture::new();
    let block = fixture.finalized(&content(700));
    drop(fixture.store.recover_append(block, 1002, 700, crc32c(512)).expect("finalized"));
    let mut writer = fixture.store.recover_append(block, 1003, 700, crc32c(512)).expect("RBW by now");
    write(&mut writer, 700, b"!").expect("fits");
    assert!(fixture.store.recover_close(block, 1004, 700).is_err());
    let closed = fixture.store.recover_close(block, 1004, 701).expect("RBW");
    assert_eq!((closed.generation_stamp, closed.length), (1004, 701));
    assert!(refusal(write(&mut writer, 701, b"!")).contains("was stopped"));
    let again = fixture.store.recover_close(block, 1005, 701).expect("finalized already");
    assert_eq!(again.generation_stamp, 1005);
}

#[test]
fn a_recovery_stops_the_writer_agrees_on_a_length_and_refuses_older_attempts() {
    let fixture = Fixture::new();
    let data = content(2000);
    let mut writer = fixture.create();
    write(&mut writer, 0, &data).expect("fits");
    let found = fixture.store.init_recovery(BLOCK, 1005).expect("first").expect("there");
    assert_eq!((found.block.length, found.state), (2000, ReplicaState::Rbw));
    assert!(refusal(write(&mut writer, 2000, b"late")).contains("was stopped"));
    drop(writer);
    let error = fixture.store.init_recovery(BLOCK, 1005).expect_err("not later");
    assert_eq!(error.class(), "org.apache.hadoop.hdfs.protocol.RecoveryInProgressException");
    let later = fixture.store.init_recovery(BLOCK, 1006).expect("later").expect("there");
    assert_eq!(later.state, ReplicaState::Rbw);
    let update = |id, length| fixture.store.update_under_recovery(BLOCK, id, length);
    assert!(update(1005, 1500).is_err());
    assert!(update(1006, 2001).is_err());
    update(1006, 1500).expect("shorter");
    let block = Block {
        generation_stamp: 1006,
        ..BLOCK
    };
    assert_eq!(fixture.read(block, 0, 1500).expect("final"), data[..1500]);
    assert_eq!(fixture.meta(), Fixture::expected_meta(&data[..1500]));
    assert!(fixture.store.init_recovery(BLOCK, 1006).is_err());
    assert_eq!(fixture.store.init_recovery(Block { id: 9, ..BLOCK }, 1007), Ok(None));
}

#[test]
fn after_a_restart_finalized_replicas_are_there_and_unfinished_ones_wait_for_recovery() {
    let fixture = Fixture::new();
    let data = content(2000);
    let block = fixture.finalized(&data);
    let other = Block { id: BLOCK.id + 1, ..BLOCK };
    let mut writer = fixture.store.create_rbw(other, crc32c(512)).expect("new");
    write(&mut writer, 0, &data).expect("fits");
    let path = fixture.store.layout.data(Place::Rbw, other.id);
    std::fs::write(&path, &data[..1900]).expect("as if the machine had died");
    let again = Fixture {
        store: Fixture::open(fixture.folder.path()),
        folder: fixture.folder,
    };
    let report = again.store.report();
    assert_eq!(report.len(), 2);
    assert_eq!((report[0].block, report[0].state), (block, ReplicaState::Finalized));
    assert_eq!((report[1].block.length, report[1].state), (1536, ReplicaState::Rwr));
    assert_eq!(again.read(block, 0, 2000).expect("whole"), data);
    assert!(again.store.visible_length(other).is_err());
    assert_eq!(again.store.used(), 3536);
}

#[test]
fn deletion_takes_the_files_stops_the_writer_and_spares_a_newer_replica() {
    let fixture = Fixture::new();
    let mut writer = fixture.create();
    write(&mut writer, 0, b"hello").expect("fits");
    let older = Block {
        generation_stamp: 1000,
        ..BLOCK
    };
    assert_eq!(fixture.store.delete(older), Ok(None));
    assert!(fixture.store.delete(BLOCK).expect("deletable").is_some());
    assert!(refusal(write(&mut writer, 5, b"late")).contains("was stopped"));
    assert!(!fixture.store.layout.data(Place::Rbw, BLOCK.id).exists());
    drop(writer);
    assert!(fixture.store.report().is_empty());
}

#[test]
fn the_visible_length_of_an_open_replica_is_what_was_acknowledged() {
    let fixture = Fixture::new();
    let mut writer = fixture.create();
    write(&mut writer, 0, &content(900)).expect("fits");
    assert_eq!(fixture.store.visible_length(BLOCK), Ok(0));
    writer.acked(600);
    writer.acked(500);
    assert_eq!(fixture.store.visible_length(BLOCK), Ok(600));
    writer.acked(u64::MAX);
    assert_eq!(fixture.store.visible_length(BLOCK), Ok(900));
    assert!(
        fixture
            .store
            .visible_length(Block {
                generation_stamp: 1002,
                ..BLOCK
            })
            .is_err()
    );
}

#[test]
fn checksums_of_a_part_end_with_one_made_for_it() {
    let fixture = Fixture::new();
    let data = content(1300);
    let block = fixture.finalized(&data);
    let range = ReadRange {
        offset: 0,
        length: 1300,
        checksums: true,
    };
    let reader = fixture.store.read(block, range).expect("there");
    for length in [0, 1, 512, 600, 1024, 1300] {
        let mut sums = Vec::new();
        reader.each_checksums(length, |piece| sums.extend_from_slice(piece)).expect("there");
        assert_eq!(sums, Fixture::expected_meta(&data[..length as usize])[7..], "{length}");
    }
}

#[test]
fn a_read_without_checksums_has_none() {
    let fixture = Fixture::new();
    let data = content(100_000);
    let block = fixture.finalized(&data);
    let range = ReadRange {
        offset: 700,
        length: 99_300,
        checksums: false,
    };
    let mut reader = fixture.store.read(block, range).expect("there");
    assert_eq!(reader.chunk_offset(), 512);
    let mut read = Vec::new();
    while let Some(length) = reader.next_length() {
        let mut bytes = vec![0; length];
        reader.read_packet(&mut bytes).expect("there");
        let packet = Packet::parse(&bytes).expect("well-formed").expect("complete");
        assert_eq!(packet.bytes.len(), HEADER_LENGTH + packet.data.len());
        read.extend_from_slice(packet.data);
    }
    assert_eq!(read, data[512..]);
}
