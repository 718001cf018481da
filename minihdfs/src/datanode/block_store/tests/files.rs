//! Files removed or truncated externally, full disks, and files that do not belong to the store.

use std::fs::OpenOptions;
use std::path::Path;

use super::*;
use crate::datanode::block_store::check::Damage;
use crate::datanode::block_store::replica::Files;

impl Fixture {
    fn path(&self, meta: bool) -> std::path::PathBuf {
        let layout = self.store.layout();
        match meta {
            true => layout.meta(Place::Finalized, BLOCK.id, BLOCK.generation_stamp),
            false => layout.data(Place::Finalized, BLOCK.id),
        }
    }
}

fn cut(path: &Path, length: u64) {
    let file = OpenOptions::new().write(true).open(path).expect("there");
    file.set_len(length).expect("writable");
}

#[test]
fn a_replica_without_one_of_its_files_is_lost_and_makes_room_for_a_new_one() {
    for meta in [false, true] {
        let fixture = Fixture::new();
        let block = fixture.finalized(&content(1500));
        assert_eq!(fixture.store.check_files(BLOCK.id).expect("readable"), None);
        std::fs::remove_file(fixture.path(meta)).expect("there");
        assert!(fixture.read(block, 0, 1500).is_err());
        assert_eq!(
            fixture.store.check_files(BLOCK.id).expect("readable"),
            Some(Damage::Lost(block, DatanodeStorage::disk("DS-1".into())))
        );
        assert_eq!(fixture.store.check_files(BLOCK.id).expect("readable"), None);
        assert!(fixture.store.report().is_empty());
        assert!(!fixture.path(!meta).exists());
        let mut copy = fixture
            .store
            .create_temporary(block, crc32c(512), crate::token::StorageType::Disk)
            .expect("there is room");
        write(&mut copy, 0, &content(1500)).expect("fits");
        copy.finalize().expect("nothing is in the way");
        assert_eq!(fixture.read(block, 0, 1500).expect("whole"), content(1500));
    }
}

#[test]
fn a_replica_whose_files_were_cut_is_damaged_and_cannot_be_written_on() {
    for (meta, length) in [
        (false, 0),
        (false, 1499),
        (false, 1501),
        (true, 0),
        (true, 18),
    ] {
        let fixture = Fixture::new();
        let block = fixture.finalized(&content(1500));
        cut(&fixture.path(meta), length);
        assert_eq!(
            fixture.store.check_files(BLOCK.id).expect("readable"),
            Some(Damage::Corrupt(block)),
            "meta {meta}, {length}"
        );
        let error = fixture
            .store
            .append(block, 1002, 1500, crc32c(512))
            .expect_err("damaged");
        assert!(error.message().starts_with("Corrupted block: "), "{error}");
    }
}

#[test]
fn what_a_cut_replica_still_has_can_be_read() {
    let fixture = Fixture::new();
    let block = fixture.finalized(&content(1500));
    cut(&fixture.path(false), 1024);
    assert_eq!(
        fixture.read(block, 0, 600).expect("there"),
        content(1500)[..1024]
    );
    let error = fixture.read(block, 1000, 100).expect_err("cut");
    assert!(error.message().contains("Premature EOF"), "{error}");
}

#[test]
fn a_replica_that_cannot_be_made_leaves_nothing_and_touches_no_other_file() {
    let fixture = Fixture::new();
    let layout = fixture.store.layout();
    let data = layout.data(Place::Rbw, BLOCK.id);
    let meta = layout.meta(Place::Rbw, BLOCK.id, BLOCK.generation_stamp);
    std::fs::write(&meta, "somebody's").expect("writable");
    let error = fixture
        .store
        .create_rbw(BLOCK, crc32c(512), crate::token::StorageType::Disk)
        .expect_err("a file is in the way");
    assert!(
        error.message().ends_with("should not be present, but is."),
        "{error}"
    );
    assert!(!data.exists());
    assert_eq!(std::fs::read(&meta).expect("there"), b"somebody's");
    assert!(fixture.store.report().is_empty());
    std::fs::remove_file(&meta).expect("there");
    fixture.create();
}

#[test]
fn a_replica_does_not_replace_a_file_that_lies_where_it_is_to_be_finalized() {
    let fixture = Fixture::new();
    let mut writer = fixture.create();
    write(&mut writer, 0, b"hello").expect("fits");
    let path = fixture.path(false);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
    std::fs::write(&path, "somebody's").expect("writable");
    assert!(writer.finalize().is_err());
    assert_eq!(std::fs::read(&path).expect("there"), b"somebody's");
    std::fs::remove_file(&path).expect("there");
    let meta = fixture.path(true);
    std::fs::write(&meta, "somebody's").expect("writable");
    assert!(writer.finalize().is_err());
    assert_eq!(std::fs::read(&meta).expect("there"), b"somebody's");
    assert!(!path.exists(), "the two files stay together");
    std::fs::remove_file(&meta).expect("there");
    let block = writer.finalize().expect("nothing is in the way");
    assert_eq!(fixture.read(block, 0, 5).expect("whole"), b"hello");
}

#[test]
fn a_link_in_a_replicas_place_is_neither_followed_nor_removed() {
    for meta in [false, true] {
        let fixture = Fixture::new();
        let block = fixture.finalized(&content(1500));
        let (replica, theirs) = (fixture.path(meta), fixture.folder.path().join("theirs"));
        std::fs::rename(&replica, &theirs).expect("there");
        let kept = std::fs::read(&theirs).expect("there");
        std::os::unix::fs::symlink(&theirs, &replica).expect("writable");

        assert!(fixture.read(block, 0, 1500).is_err());
        let appended = fixture.store.append(block, 1002, 1500, crc32c(512));
        assert!(appended.is_err());
        let again = Fixture::open(fixture.folder.path());
        assert!(again.report().is_empty());
        assert_eq!(
            fixture.store.check_files(BLOCK.id).expect("readable"),
            Some(Damage::Lost(block, DatanodeStorage::disk("DS-1".into())))
        );
        assert_eq!(std::fs::read(&theirs).expect("there"), kept);
        assert!(
            std::fs::symlink_metadata(&replica)
                .expect("there")
                .is_symlink()
        );
    }
}

#[test]
fn a_packet_that_the_full_disk_does_not_take_changes_nothing() {
    let fixture = Fixture::new();
    let data = content(3000);
    let mut writer = fixture.create();
    write(&mut writer, 0, &data[..700]).expect("fits");
    let full = || {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .open("/dev/full")
            .expect("Linux has it")
    };
    let replace = |meta: File| {
        let replica = fixture.store.get(BLOCK).expect("there");
        let mut state = replica.state();
        let files: &mut Files = state.files.as_mut().expect("open");
        std::mem::replace(&mut files.meta, meta)
    };
    write(&mut writer, 700, &data[700..1024]).expect("fits");
    let meta = replace(full());
    let why = refusal(write(&mut writer, 1024, &data[1024..]));
    assert!(why.contains("No space left on device"), "{why}");
    replace(meta);
    assert_eq!(writer.block().length, 1024);
    assert_eq!(fixture.store.check_files(BLOCK.id).expect("readable"), None);
    let on_disk = fixture.store.layout().data(Place::Rbw, BLOCK.id);
    assert_eq!(std::fs::read(on_disk).expect("there"), data[..1024]);
    assert_eq!(fixture.meta(), Fixture::expected_meta(&data[..1024]));
    write(&mut writer, 1024, &data[1024..]).expect("there is room again");
    let block = writer.finalize().expect("writable");
    assert_eq!(fixture.read(block, 0, 3000).expect("whole"), data);
}

#[test]
fn damage_in_the_chunk_at_which_a_replica_is_cut_is_found() {
    let fixture = Fixture::new();
    let data = content(1000);
    let mut writer = fixture.create();
    write(&mut writer, 0, &data).expect("fits");
    writer.acked(700);
    drop(writer);
    let path = fixture.store.layout().data(Place::Rbw, BLOCK.id);
    let mut damaged = data.clone();
    damaged[600] ^= 1;
    std::fs::write(&path, &damaged).expect("writable");
    let recover = || {
        fixture
            .store
            .recover_rbw(BLOCK, 1002, (700, 1000), crc32c(512))
    };
    let error = recover().expect_err("damaged");
    assert!(
        error
            .message()
            .contains("the chunk at 512 does not match its checksum"),
        "{error}"
    );
    std::fs::write(&path, &data).expect("writable");
    assert_eq!(recover().expect("whole again").block().length, 700);
    assert_eq!(fixture.meta(), Fixture::expected_meta(&data[..700]));
}

#[test]
fn bytes_without_checksums_that_a_crash_left_are_cut_off_when_the_replica_is_recovered() {
    let fixture = Fixture::new();
    let data = content(1000);
    let mut writer = fixture.create();
    write(&mut writer, 0, &data[..512]).expect("fits");
    drop(writer);
    std::fs::write(fixture.store.layout().data(Place::Rbw, BLOCK.id), &data).expect("writable");
    let store = Fixture::open(fixture.folder.path());
    let found = store
        .init_recovery(BLOCK, 1002)
        .expect("no other")
        .expect("there");
    assert_eq!((found.block.length, found.state), (512, ReplicaState::Rwr));
    store
        .update_under_recovery(BLOCK, 1002, BLOCK.id, 512)
        .expect("under recovery");
    assert_eq!(store.check_files(BLOCK.id).expect("readable"), None);
    let path = store.layout().data(Place::Finalized, BLOCK.id);
    assert_eq!(std::fs::read(path).expect("there"), data[..512]);
}
