//! Several storages of one DataNode.

use super::*;
use crate::token::StorageType;

/// Opens a store with a disk, an SSD and another disk.
fn open(folder: &Path) -> Arc<BlockStore> {
    let kinds = [
        ("disk1", StorageType::Disk),
        ("ssd", StorageType::Ssd),
        ("disk2", StorageType::Disk),
    ];
    let folders = kinds.map(|(name, kind)| StorageFolder {
        path: folder.join(name),
        storage: DatanodeStorage {
            id: name.into(),
            kind,
        },
    });
    Arc::new(BlockStore::open(&folders, "BP-1-127.0.0.1-1".into()).expect("a store"))
}

fn block(id: u64) -> Block {
    Block { id, ..BLOCK }
}

/// Writes a finalized replica to a storage of this type, and returns the id of that.
fn put(store: &Arc<BlockStore>, id: u64, kind: StorageType) -> String {
    let writer = store.create_rbw(block(id), crc32c(512), kind);
    let mut writer = writer.expect("a storage of this type");
    write(&mut writer, 0, &content(700)).expect("fits");
    writer.finalize().expect("writable");
    storage_of(store, id)
}

fn storage_of(store: &BlockStore, id: u64) -> String {
    let storage = store.storage_of(id).expect("there");
    storage.id.to_string()
}

/// Returns the ids of storages with the numbers of their replicas.
fn reports(store: &BlockStore) -> Vec<(String, usize)> {
    let reports = store.reports().into_iter();
    reports
        .map(|(it, replicas)| (it.id.to_string(), replicas.len()))
        .collect()
}

fn counts(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
    expected
        .iter()
        .map(|(id, count)| ((*id).to_owned(), *count))
        .collect()
}

#[test]
fn replicas_go_to_the_storages_of_their_type_in_turn() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = open(folder.path());
    let mut disks = [
        put(&store, 1, StorageType::Disk),
        put(&store, 2, StorageType::Disk),
    ];
    disks.sort();
    assert_eq!(disks, ["disk1", "disk2"]);
    assert_eq!(put(&store, 3, StorageType::Ssd), "ssd");
    assert_eq!(
        reports(&store),
        counts(&[("disk1", 1), ("ssd", 1), ("disk2", 1)])
    );
    let used = store.used().into_iter().map(|(_, used)| used);
    assert_eq!(used.collect::<Vec<_>>(), [700, 700, 700]);
    let refused = store.create_rbw(block(4), crc32c(512), StorageType::Archive);
    let refused = refused.expect_err("there is none");
    assert!(
        refused.class().ends_with("DiskOutOfSpaceException"),
        "{refused}"
    );
    let again = open(folder.path());
    assert_eq!(reports(&again), reports(&store), "they are found again");
    assert_eq!(storage_of(&again, 3), "ssd");
}

#[test]
fn a_folder_that_disappears_takes_its_replicas_only() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = open(folder.path());
    let first = put(&store, 1, StorageType::Disk);
    put(&store, 2, StorageType::Disk);
    put(&store, 3, StorageType::Ssd);
    assert_eq!(store.lose_volumes(), []);
    std::fs::remove_dir_all(folder.path().join(&first)).expect("removable");
    let lost = store.lose_volumes();
    let lost: Vec<_> = lost
        .iter()
        .map(|(it, blocks)| (&*it.id, blocks[0].id))
        .collect();
    assert_eq!(lost, [(&*first, 1)]);
    assert_eq!(store.lose_volumes(), [], "once");
    assert_eq!((store.failed_volumes(), reports(&store).len()), (1, 2));
    assert!(store.storage_of(1).is_none() && store.storage_of(2).is_some());
    for id in [4, 5] {
        assert_ne!(put(&store, id, StorageType::Disk), first);
    }
}

#[test]
fn a_finalized_replica_moves_to_a_storage_of_another_type() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = open(folder.path());
    put(&store, 1, StorageType::Disk);
    let wanted = block(1);
    let moved = store
        .move_across(wanted, StorageType::Ssd)
        .expect("there is one");
    assert_eq!(
        (moved.length, storage_of(&store, 1)),
        (700, "ssd".to_owned())
    );
    assert_eq!(
        reports(&store),
        counts(&[("disk1", 0), ("ssd", 1), ("disk2", 0)])
    );
    let range = ReadRange {
        offset: 0,
        length: 700,
        checksums: true,
    };
    assert!(store.read(wanted, range).is_ok());
    assert_eq!(
        reports(&open(folder.path())),
        reports(&store),
        "no file is left behind"
    );
    let class = |kind, block| {
        let refused = store.move_across(block, kind).expect_err("refused");
        refused
            .class()
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        class(StorageType::Ssd, wanted),
        "ReplicaAlreadyExistsException"
    );
    assert_eq!(
        class(StorageType::Disk, block(2)),
        "ReplicaNotFoundException"
    );
    let writer = store.create_rbw(block(3), crc32c(512), StorageType::Disk);
    assert_eq!(
        class(StorageType::Ssd, block(3)),
        "ReplicaNotFoundException"
    );
    drop(writer);
}
