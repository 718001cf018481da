//! Writing: create, append, transfer, with packets in order and correct checksums.

use super::*;
use crate::error::Class;

#[test]
fn a_checksum_mismatch_is_refused_and_nothing_is_stored() {
    let fixture = Fixture::new();
    let mut writer = fixture.create();
    let refused = writer.write(&packet(0, b"hello", &[0x9a, 0x71, 0xbb, 0x4d]), false);
    assert!(matches!(refused, Err(WriteError::Checksum(_))));
    assert_eq!(writer.block().length, 0);
    assert!(
        refusal(writer.write(&packet(0, b"hello", &[1, 2]), false))
            .starts_with("Invalid checksum length: received length is 2 but expected length is 4")
    );
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
    assert_eq!(
        fixture.read(block, 0, 5).expect_err("spoilt").message(),
        "damaged at 0"
    );
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
        why.contains("out-of-sequence packet")
            && why.ends_with("at offset 1025. Expecting packet starting at 1024"),
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
    assert_eq!(
        fixture.read(writer.block(), 0, 700).expect("visible"),
        data[..700]
    );
    write(&mut writer, 512, &data[512..3000]).expect("overlaps");
    let block = writer.finalize().expect("writable");
    assert_eq!(fixture.read(block, 0, 3000).expect("whole"), data);
    assert_eq!(fixture.meta(), Fixture::expected_meta(&data));
}

#[test]
fn an_append_fills_the_partial_chunk_first() {
    let fixture = Fixture::new();
    let data = content(2000);
    let block = fixture.finalized(&data[..700]);
    let mut writer = fixture
        .store
        .append(block, 1002, 700, crc32c(512))
        .expect("finalized");
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
fn a_packet_adds_to_what_is_there_and_never_changes_it() {
    // Packets that start within the stored data, at a chunk boundary and inside a chunk, with
    // different bytes.
    for (present, offset, end) in [(700, 512, 3000), (700, 600, 1024), (1024, 512, 3000)] {
        let fixture = Fixture::new();
        let data = content(3000);
        let mut writer = fixture.create();
        write(&mut writer, 0, &data[..present]).expect("fits");
        writer.acked(present as u64);
        let mut other = data.clone();
        other[offset..present].fill(0x55);
        let sums = |from: usize, to: usize| {
            let mut sums = vec![0; crc32c(512).length_of(to - from)];
            crc32c(512).compute(&other[from..to], &mut sums);
            sums
        };
        writer
            .write(
                &packet(offset as u64, &other[offset..end], &sums(offset, end)),
                false,
            )
            .expect("overlaps");
        assert_eq!(writer.block().length, end as u64);
        let block = writer.finalize().expect("writable");
        assert_eq!(
            fixture.read(block, 0, end as u64).expect("whole"),
            data[..end]
        );
        assert_eq!(fixture.meta(), Fixture::expected_meta(&data[..end]));
    }
}

#[test]
fn damage_in_a_chunk_that_grows_is_found_and_not_summed_up_anew() {
    let fixture = Fixture::new();
    let data = content(2000);
    let block = fixture.finalized(&data[..700]);
    let path = fixture.store.layout().data(Place::Finalized, BLOCK.id);
    let mut damaged = data[..700].to_vec();
    damaged[600] ^= 1;
    std::fs::write(path, &damaged).expect("writable");
    let mut writer = fixture
        .store
        .append(block, 1002, 700, crc32c(512))
        .expect("the length is right");
    let why = refusal(write(&mut writer, 700, &data[700..1024]));
    assert!(why.starts_with("Partial CRC "), "{why}");
    assert_eq!(writer.block().length, 700);
}

#[test]
fn a_last_packet_with_data_is_refused() {
    let fixture = Fixture::new();
    let mut writer = fixture.create();
    let mut last = packet(0, b"hello", &[0x9a, 0x71, 0xbb, 0x4c]);
    last.header.last_packet_in_block = true;
    let why = refusal(writer.write(&last, false));
    assert!(
        why.contains("has 5 bytes of data: it must be empty"),
        "{why}"
    );
    assert_eq!(writer.block().length, 0);
}

#[test]
fn chunks_of_another_size_are_refused_and_the_replica_stays_as_it_was() {
    let fixture = Fixture::new();
    let data = content(700);
    let block = fixture.finalized(&data);
    type Stage = fn(&Arc<BlockStore>, Block, DataChecksum) -> Result<ReplicaWriter, HdfsError>;
    let stages: [Stage; 2] = [
        |store, block, checksum| store.append(block, 1002, 700, checksum),
        |store, block, checksum| store.recover_append(block, 1002, 700, checksum),
    ];
    for stage in stages {
        let error = stage(&fixture.store, block, crc32c(1024)).expect_err("another size");
        assert_eq!(
            error.message(),
            "Client requested checksum DataChecksum(type=CRC32C, chunkSize=1024) when appending to \
             an existing block with different chunk size: DataChecksum(type=CRC32C, chunkSize=512)"
        );
        let reported = fixture.store.report();
        assert_eq!(
            (reported[0].block, reported[0].state),
            (block, ReplicaState::Finalized)
        );
    }
    let writer = fixture
        .store
        .append(block, 1002, 700, crc32c(512))
        .expect("its own size");
    drop(writer);
    let error = fixture
        .store
        .recover_rbw(
            Block {
                generation_stamp: 1002,
                ..block
            },
            1003,
            (700, 700),
            crc32c(1024),
        )
        .expect_err("another size");
    assert!(error.message().starts_with("Client requested checksum"));
}

#[test]
fn a_transfer_replaces_what_is_older_and_a_replication_only_what_is_unfinished() {
    let newer = Block {
        generation_stamp: 1002,
        ..BLOCK
    };
    for finalized in [false, true] {
        let fixture = Fixture::new();
        let mut old = fixture.create();
        write(&mut old, 0, b"stale").expect("fits");
        if finalized {
            old.finalize().expect("writable");
        }
        let state = if finalized { "FINALIZED" } else { "RBW" };
        let refused =
            fixture
                .store
                .create_transferred(BLOCK, crc32c(512), crate::token::StorageType::Disk);
        let error = refused.expect_err("the same stamp");
        assert_eq!(*error.kind(), Class::ReplicaAlreadyExists);
        assert!(
            error.message().ends_with(&format!(
                "already exists in state {state} and thus cannot be created."
            )),
            "{error}"
        );
        let replicated =
            fixture
                .store
                .create_temporary(newer, crc32c(512), crate::token::StorageType::Disk);
        assert_eq!(replicated.is_err(), finalized);
        drop(replicated);
        let mut writer = fixture
            .store
            .create_transferred(newer, crc32c(512), crate::token::StorageType::Disk)
            .expect("replaces");
        assert!(refusal(write(&mut old, 5, b"late")).contains("was stopped"));
        write(&mut writer, 0, b"fresh").expect("fits");
        let block = writer.finalize().expect("writable");
        assert_eq!(fixture.read(block, 0, 5).expect("whole"), b"fresh");
        assert!(!fixture.store.layout().data(Place::Rbw, BLOCK.id).exists());
    }
}

#[test]
fn a_writer_with_other_checksums_is_checked_by_its_own_and_stored_by_the_replicas() {
    let fixture = Fixture::new();
    let data = content(3000);
    let block = fixture.finalized(&data[..700]);
    let other = DataChecksum::new(ChecksumTypeProto::ChecksumCrc32, 512).expect("a plain size");
    let mut writer = fixture
        .store
        .append(block, 1002, 700, other)
        .expect("finalized");
    for (offset, end) in [(700, 1024), (1024, 3000)] {
        let piece = &data[offset..end];
        let mut sums = vec![0; other.length_of(piece.len())];
        other.compute(piece, &mut sums);
        writer
            .write(&packet(offset as u64, piece, &sums), false)
            .expect("matches");
    }
    let block = writer.finalize().expect("writable");
    assert_eq!(fixture.read(block, 0, 3000).expect("whole"), data);
    assert_eq!(fixture.meta(), Fixture::expected_meta(&data));
}

#[test]
fn create_refuses_what_exists_unless_it_is_an_older_unfinished_transfer() {
    let fixture = Fixture::new();
    let writer = fixture.create();
    let error = fixture
        .store
        .create_rbw(BLOCK, crc32c(512), crate::token::StorageType::Disk)
        .expect_err("being written");
    assert_eq!(*error.kind(), Class::ReplicaAlreadyExists);
    assert!(
        error.message().contains("already exists in state RBW"),
        "{error}"
    );
    drop(writer);
    fixture
        .store
        .delete(BLOCK)
        .expect("deletable")
        .expect("there");
    let mut old = fixture
        .store
        .create_temporary(BLOCK, crc32c(512), crate::token::StorageType::Disk)
        .expect("gone");
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
    let mut writer = fixture
        .store
        .create_temporary(newer, crc32c(512), crate::token::StorageType::Disk)
        .expect("replaces");
    assert!(refusal(write(&mut old, 0, b"late")).contains("was stopped"));
    drop(old);
    write(&mut writer, 0, b"whole").expect("fits");
    let block = writer.finalize().expect("writable");
    assert_eq!(fixture.read(block, 0, 5).expect("visible now"), b"whole");
}

#[test]
fn a_transfer_that_is_not_completed_leaves_nothing() {
    let fixture = Fixture::new();
    let mut writer = fixture
        .store
        .create_temporary(BLOCK, crc32c(512), crate::token::StorageType::Disk)
        .expect("new");
    write(&mut writer, 0, b"half").expect("fits");
    drop(writer);
    assert!(fixture.store.report().is_empty());
    assert!(
        !fixture
            .store
            .layout()
            .data(Place::Temporary, BLOCK.id)
            .exists()
    );
}

#[test]
fn a_transferred_replica_can_become_one_that_is_written() {
    let fixture = Fixture::new();
    let mut writer = fixture
        .store
        .create_temporary(BLOCK, crc32c(512), crate::token::StorageType::Disk)
        .expect("new");
    write(&mut writer, 0, b"so far").expect("fits");
    let block = writer.convert_temporary_to_rbw().expect("unfinished");
    drop(writer);
    let mut writer = fixture
        .store
        .recover_rbw(block, 1002, (6, 6), crc32c(512))
        .expect("RBW now");
    write(&mut writer, 0, b"so far, so good").expect("overlaps");
    assert_eq!(writer.finalize().expect("writable").length, 15);
}

#[test]
fn append_refuses_another_length_another_stamp_and_a_replica_that_is_being_written() {
    let fixture = Fixture::new();
    let block = fixture.finalized(&content(700));
    let append = |block, stamp, length| {
        fixture
            .store
            .append(block, stamp, length, crc32c(512))
            .map(|_| ())
    };
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
    assert_eq!(*error.kind(), Class::ReplicaNotFound);
    assert!(
        error
            .message()
            .contains("Cannot append to an unfinalized replica"),
        "{error}"
    );
}
