//! Replicas whose writer has disappeared: recovery, restart, deletion.

use super::*;

#[test]
fn a_streaming_recovery_stops_the_writer_and_cuts_what_nobody_acknowledged() {
    let fixture = Fixture::new();
    let data = content(3000);
    let mut first = fixture.create();
    write(&mut first, 0, &data[..2000]).expect("fits");
    first.acked(1300);
    let block = first.block();
    let recover = |stamp, min, max| {
        fixture
            .store
            .recover_rbw(block, stamp, (min, max), crc32c(512))
    };
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
    assert!(
        recover(1003, 0, 3000)
            .expect_err("finalized")
            .message()
            .contains("non-RBW")
    );
}

#[test]
fn append_and_close_recovery_take_the_replica_on_either_side_of_the_failure() {
    let fixture = Fixture::new();
    let block = fixture.finalized(&content(700));
    drop(
        fixture
            .store
            .recover_append(block, 1002, 700, crc32c(512))
            .expect("finalized"),
    );
    let mut writer = fixture
        .store
        .recover_append(block, 1003, 700, crc32c(512))
        .expect("RBW by now");
    write(&mut writer, 700, b"!").expect("fits");
    assert!(fixture.store.recover_close(block, 1004, 700).is_err());
    let closed = fixture.store.recover_close(block, 1004, 701).expect("RBW");
    assert_eq!((closed.generation_stamp, closed.length), (1004, 701));
    assert!(refusal(write(&mut writer, 701, b"!")).contains("was stopped"));
    let again = fixture
        .store
        .recover_close(block, 1005, 701)
        .expect("finalized already");
    assert_eq!(again.generation_stamp, 1005);
}

#[test]
fn a_recovery_stops_the_writer_agrees_on_a_length_and_refuses_older_attempts() {
    let fixture = Fixture::new();
    let data = content(2000);
    let mut writer = fixture.create();
    write(&mut writer, 0, &data).expect("fits");
    let found = fixture
        .store
        .init_recovery(BLOCK, 1005)
        .expect("first")
        .expect("there");
    assert_eq!((found.block.length, found.state), (2000, ReplicaState::Rbw));
    assert!(refusal(write(&mut writer, 2000, b"late")).contains("was stopped"));
    drop(writer);
    let error = fixture
        .store
        .init_recovery(BLOCK, 1005)
        .expect_err("not later");
    assert_eq!(
        error.class(),
        "org.apache.hadoop.hdfs.protocol.RecoveryInProgressException"
    );
    let later = fixture
        .store
        .init_recovery(BLOCK, 1006)
        .expect("later")
        .expect("there");
    assert_eq!(later.state, ReplicaState::Rbw);
    let store = &fixture.store;
    let update = |id, length| store.update_under_recovery(BLOCK, id, BLOCK.id, length);
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
    assert_eq!(
        fixture.store.init_recovery(Block { id: 9, ..BLOCK }, 1007),
        Ok(None)
    );
}

#[test]
fn after_a_restart_finalized_replicas_are_there_and_unfinished_ones_wait_for_recovery() {
    let fixture = Fixture::new();
    let data = content(2000);
    let block = fixture.finalized(&data);
    let other = Block {
        id: BLOCK.id + 1,
        ..BLOCK
    };
    let mut writer = fixture
        .store
        .create_rbw(other, crc32c(512), crate::token::StorageType::Disk)
        .expect("new");
    write(&mut writer, 0, &data).expect("fits");
    let path = fixture.store.layout().data(Place::Rbw, other.id);
    std::fs::write(&path, &data[..1900]).expect("as if the machine had died");
    let again = Fixture {
        store: Fixture::open(fixture.folder.path()),
        folder: fixture.folder,
    };
    let report = again.store.report();
    assert_eq!(report.len(), 2);
    assert_eq!(
        (report[0].block, report[0].state),
        (block, ReplicaState::Finalized)
    );
    assert_eq!(
        (report[1].block.length, report[1].state),
        (1536, ReplicaState::Rwr)
    );
    assert_eq!(again.read(block, 0, 2000).expect("whole"), data);
    assert!(again.store.visible_length(other).is_err());
    assert_eq!(again.store.used()[0].1, 3536);
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
    assert!(!fixture.store.layout().data(Place::Rbw, BLOCK.id).exists());
    drop(writer);
    assert!(fixture.store.report().is_empty());
}

#[test]
fn a_truncation_for_a_snapshot_copies_and_leaves_the_replica_as_it_is() {
    let fixture = Fixture::new();
    let data = content(2000);
    let block = fixture.finalized(&data);
    let meta = fixture.meta();
    let copy = |generation_stamp| Block {
        id: BLOCK.id + 7,
        generation_stamp,
        length: 700,
    };
    let store = &fixture.store;
    let update = |id, length| store.update_under_recovery(block, id, copy(0).id, length);
    assert!(update(1005, 700).is_err(), "it is not under recovery");
    store.init_recovery(block, 1005).expect("begun");
    assert!(update(1006, 700).is_err(), "another recovery");
    assert!(update(1005, 2001).is_err(), "too long");
    update(1005, 700).expect("copied");
    assert_eq!(
        fixture.read(copy(1005), 0, 700).expect("there"),
        data[..700]
    );
    assert_eq!(fixture.read(block, 0, 2000).expect("there"), data);
    assert_eq!(fixture.meta(), meta);
    // The NameNode has not heard of it, so there is another attempt.
    store.init_recovery(block, 1006).expect("begun");
    update(1006, 700).expect("copied before");
    assert_eq!(
        fixture.read(copy(1006), 0, 700).expect("there"),
        data[..700]
    );
    store.init_recovery(block, 1007).expect("begun");
    let error = update(1007, 600).expect_err("a replica of another length is left alone");
    assert!(error.class().ends_with(".ReplicaAlreadyExistsException"));
    let stamps: Vec<u64> = store
        .report()
        .iter()
        .map(|replica| replica.block.generation_stamp)
        .collect();
    assert_eq!(stamps, [1001, 1006]);
}

#[test]
fn a_damaged_chunk_is_not_copied_under_a_new_checksum() {
    let fixture = Fixture::new();
    let mut data = content(2000);
    let block = fixture.finalized(&data);
    data[600] ^= 1;
    let path = fixture.store.layout().data(Place::Finalized, block.id);
    std::fs::write(path, &data).expect("writable");
    fixture.store.init_recovery(block, 1005).expect("begun");
    let store = &fixture.store;
    let update = |length| store.update_under_recovery(block, 1005, BLOCK.id + 7, length);
    let error = update(700).expect_err("the last chunk is damaged");
    assert!(error.message().contains("does not match its checksum"));
    assert_eq!(store.report().len(), 1, "nothing is left of the copy");
    update(300).expect("the damage is not copied");
}
