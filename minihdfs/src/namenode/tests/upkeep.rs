//! Safe mode for lack of room on disk: it begins and ends by itself.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::namenode::{EditSegment, NameStorage, ReceivedImage, StorageInfo, StoredFile};

/// A disk that is full, or not, as the test says.
#[derive(Default)]
struct Disk {
    lacks_room: AtomicBool,
    is_full: AtomicBool,
}

fn absent<T>() -> Result<T, HdfsError> {
    Err(HdfsError::io("there are no files"))
}

impl NameStorage for Disk {
    fn info(&self) -> StorageInfo {
        StorageInfo {
            layout_version: -67,
            namespace_id: 1,
            cluster_id: "CID".to_owned(),
            c_time: 0,
            block_pool_id: "BP".to_owned(),
        }
    }

    fn most_recent_checkpoint(&self) -> i64 {
        0
    }

    fn checkpoint(&self, _transaction_id: i64) {}

    fn save_image(&self, _transaction_id: i64, _image: &[u8]) -> Result<(), HdfsError> {
        absent()
    }

    fn has_room(&self, _reserved: u64) -> bool {
        !self.lacks_room.load(Ordering::SeqCst) && !self.is_full()
    }

    fn is_full(&self) -> bool {
        self.is_full.load(Ordering::SeqCst)
    }

    fn edit_segments(&self, _since: i64) -> Result<Vec<EditSegment>, HdfsError> {
        absent()
    }

    fn images(&self) -> Result<Vec<i64>, HdfsError> {
        absent()
    }

    fn open_image(&self, _transaction_id: i64) -> Result<StoredFile, HdfsError> {
        absent()
    }

    fn open_edits(&self, _segment: EditSegment) -> Result<StoredFile, HdfsError> {
        absent()
    }

    fn put_image(&self, _image: &mut ReceivedImage<'_>) -> Result<(), HdfsError> {
        absent()
    }
}

/// Drops edits onto the disk.
struct Sink(Arc<Disk>);

impl EditSink for Sink {
    fn storage(&self) -> Option<Arc<dyn NameStorage>> {
        Some(Arc::clone(&self.0) as _)
    }

    fn log(&mut self, _transaction_id: i64, _edit: &Edit) {}
}

fn node(disk: &Arc<Disk>) -> NameNode {
    let (config, _) = HdfsConfig::from_pairs([]).expect("a good configuration");
    let sink = Box::new(Sink(Arc::clone(disk)));
    let mut rng = StdRng::seed_from_u64(1);
    let node = NameNode::with_edits(config, &identity(), START, Arc::new(NoHook), &mut rng, sink);
    node.expect("it starts")
}

fn seconds(count: u64) -> Timestamp {
    START + Duration::from_secs(count)
}

#[test]
fn changes_are_refused_while_the_disk_lacks_room() {
    let disk = Arc::new(Disk::default());
    let node = node(&disk);
    mkdirs(&node, "/a").expect("there is room");
    disk.lacks_room.store(true, Ordering::SeqCst);
    node.tick(seconds(4));
    mkdirs(&node, "/b").expect("not looked yet");
    assert_eq!(node.next_deadline(), Some(seconds(5)));
    node.tick(seconds(5));
    let error = mkdirs(&node, "/c").expect_err("no room");
    assert!(
        error.message().contains("Resources are low on NN."),
        "{error}"
    );
    assert_eq!(node.has("/b"), Ok(true), "reads go on");
    node.tick(seconds(10));
    mkdirs(&node, "/c").expect_err("still no room");
    disk.lacks_room.store(false, Ordering::SeqCst);
    assert_eq!(node.next_deadline(), Some(seconds(15)));
    node.tick(seconds(15));
    mkdirs(&node, "/c").expect("there is room again");
}

#[test]
fn nothing_is_accepted_once_the_edits_have_no_room() {
    let disk = Arc::new(Disk::default());
    let node = node(&disk);
    disk.is_full.store(true, Ordering::SeqCst);
    let error = mkdirs(&node, "/a").expect_err("at once");
    assert!(
        error.message().contains("Resources are low on NN."),
        "{error}"
    );
    disk.is_full.store(false, Ordering::SeqCst);
    node.tick(seconds(5));
    mkdirs(&node, "/a").expect("there is room again");
}

#[test]
fn without_edits_nobody_looks_at_the_disk() {
    let disk = Arc::new(Disk::default());
    let node = node(&disk);
    node.tick(seconds(5));
    assert!(node.next_deadline() > Some(seconds(3000)), "a checkpoint");
}
