//! The blocks of files in snapshots.

use super::*;
use crate::protocol::{BlockSynchronization, RecoveredReplica, RecoveringBlock};

fn blocks(fixture: &Fixture) -> usize {
    fixture.node.read().blocks.len()
}

#[test]
fn blocks_are_freed_with_the_last_snapshot_that_shows_them() {
    let orders = [
        ["one", "two", "three"],
        ["three", "one", "two"],
        ["two", "three", "one"],
    ];
    for order in orders {
        let fixture = with_root(&[]);
        let hdfs = fixture.hdfs();
        hdfs.write("/d/f", &[1024, 10]);
        for name in ["one", "two", "three"] {
            hdfs.create_snapshot("/d", name).expect("taken");
        }
        hdfs.delete("/d/f", false).expect("removed");
        for name in order {
            assert_eq!(blocks(&fixture), 2);
            hdfs.delete_snapshot("/d", name).expect("deleted");
        }
        assert_eq!(blocks(&fixture), 0);
        let commands = fixture.heartbeats();
        assert!(!commands.is_empty(), "the DataNode deletes its replicas");
    }
}

#[test]
fn an_image_knows_the_blocks_of_a_snapshot_when_the_last_has_become_shorter() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.create("/d/f").expect("created");
    let block = hdfs.add_block("/d/f", None).expect("a block").b;
    let of_length = |length| ExtendedBlockProto {
        num_bytes: Some(length),
        ..block.clone()
    };
    let is_closed = hdfs.complete("/d/f", Some(&of_length(100)));
    assert!(!is_closed.expect("committed"), "no DataNode has it");
    hdfs.create_snapshot("/d", "s").expect("taken");
    // The snapshot keeps the length with the attributes.
    hdfs.chmod("/d/f", 0o600).expect("changed");
    let request = FsyncRequestProto {
        src: "/d/f".to_owned(),
        client: "client-hdfs".to_owned(),
        last_block_length: Some(1),
        file_id: None,
    };
    let flushed = hdfs.call::<FsyncResponseProto>("fsync", &request);
    flushed.expect("flushed");
    hdfs.add_block("/d/f", Some(&of_length(1)))
        .expect("a block");
    fixture.check_law();
}

#[test]
fn a_file_appended_to_keeps_its_length_in_the_snapshot() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/f", &[10]);
    hdfs.create_snapshot("/d", "s").expect("taken");
    let request = AppendRequestProto {
        src: "/d/f".to_owned(),
        client_name: "client-hdfs".to_owned(),
        flag: None,
    };
    let response = hdfs.call::<AppendResponseProto>("append", &request);
    let block = response.expect("opened").block.expect("it has room").b;
    let longer = ExtendedBlockProto {
        num_bytes: Some(30),
        ..block
    };
    fixture.received(1, &longer, 30);
    assert!(hdfs.complete("/d/f", Some(&longer)).expect("closed"));
    let located = hdfs.locations("/d/.snapshot/s/f").expect("located");
    assert_eq!((located.file_length, located.blocks.len()), (10, 1));
    assert_eq!(hdfs.stat("/d/f").length, 30);
    hdfs.delete("/d/f", false).expect("removed");
    assert_eq!(hdfs.stat("/d/.snapshot/s/f").length, 10);
    assert_eq!(blocks(&fixture), 1);
}

#[test]
fn blocks_cut_off_stay_in_the_snapshot() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/f", &[1024, 1024, 10]);
    hdfs.create_snapshot("/d", "s").expect("taken");
    let request = TruncateRequestProto {
        src: "/d/f".to_owned(),
        new_length: 1024,
        client_name: "client-hdfs".to_owned(),
    };
    let cut = hdfs.call::<TruncateResponseProto>("truncate", &request);
    assert!(cut.expect("at the end of a block").result);
    assert_eq!(hdfs.stat("/d/f").length, 1024);
    assert_eq!(hdfs.stat("/d/.snapshot/s/f").length, 2058);
    assert_eq!(blocks(&fixture), 3);
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    assert_eq!(blocks(&fixture), 1);
}

fn truncate(hdfs: &Session<'_>, new_length: u64) -> Result<bool, HdfsError> {
    let request = TruncateRequestProto {
        src: "/d/f".to_owned(),
        new_length,
        client_name: "client-hdfs".to_owned(),
    };
    let cut = hdfs.call::<TruncateResponseProto>("truncate", &request);
    cut.map(|response| response.result)
}

/// Returns the order to recover a block.
fn order(fixture: &Fixture) -> RecoveringBlock {
    let orders = fixture.heartbeats().into_iter();
    let mut orders = orders.filter_map(|(_, command)| match command {
        DatanodeCommand::Recover(order) => Some(order),
        _ => None,
    });
    orders.next().expect("an order to recover")
}

/// Carries out an order as the DataNodes do.
fn carry_out(fixture: &Fixture, order: &RecoveringBlock) -> Result<(), HdfsError> {
    let locations = order.locations.iter();
    let outcome = BlockSynchronization {
        block: order.block,
        new_generation_stamp: order.recovery_id,
        new_length: order.truncate_to.expect("a truncation"),
        delete_block: false,
        new_targets: locations
            .map(|location| RecoveredReplica {
                datanode: location.clone(),
                storage_id: "DS".into(),
            })
            .collect(),
    };
    let now = fixture.now.get();
    fixture.node.commit_block_synchronization(now, &outcome)
}

/// Returns the lengths of the blocks at a path, each with the number of its replicas.
fn lengths(hdfs: &Session<'_>, path: &str) -> Vec<(u64, usize)> {
    let located = hdfs.locations(path).expect("located").blocks;
    let blocks = located.iter();
    blocks.map(|it| (it.b.num_bytes(), it.locs.len())).collect()
}

#[test]
fn a_block_in_a_snapshot_is_copied_to_be_truncated() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/f", &[1024, 1000]);
    hdfs.create_snapshot("/d", "s").expect("taken");
    assert!(!truncate(&hdfs, 1100).expect("begun"));
    assert!(!truncate(&hdfs, 1100).expect("the same again"));
    assert_eq!(hdfs.stat("/d/f").length, 1100);
    let order = order(&fixture);
    let copy = order.copy_to.expect("a copy");
    assert_eq!((order.truncate_to, order.block.length), (Some(76), 1000));
    assert!(copy > order.block.id);
    carry_out(&fixture, &order).expect("ended");
    carry_out(&fixture, &order).expect("the repetition changes nothing");
    assert_eq!(lengths(&hdfs, "/d/f"), [(1024, 1), (76, 1)]);
    assert_eq!(lengths(&hdfs, "/d/.snapshot/s/f"), [(1024, 1), (1000, 1)]);
    assert_eq!(blocks(&fixture), 3);
    // Now it is no snapshot's.
    assert!(!truncate(&hdfs, 1050).expect("begun"));
    let order = self::order(&fixture);
    assert_eq!((order.block.id, order.copy_to), (copy, None));
    carry_out(&fixture, &order).expect("ended");
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    assert_eq!(lengths(&hdfs, "/d/f"), [(1024, 1), (26, 1)]);
    assert_eq!(blocks(&fixture), 2);
}

#[test]
fn a_block_is_needed_until_its_copy_is_made() {
    let mut fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/f", &[1000]);
    hdfs.create_snapshot("/d", "s").expect("taken");
    assert!(!truncate(&hdfs, 100).expect("begun"));
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    assert_eq!(blocks(&fixture), 2);
    let lost = BlockSynchronization {
        block: order(&fixture).block,
        new_generation_stamp: 0,
        new_length: 0,
        delete_block: true,
        new_targets: Vec::new(),
    };
    let now = fixture.now.get();
    let error = fixture.node.commit_block_synchronization(now, &lost);
    let error = error.expect_err("the file would lose its bytes");
    assert!(error.message().starts_with("No DataNode has the bytes of"));
    let source = ExtendedBlockProto {
        pool_id: fixture.node.block_pool_id().to_owned(),
        block_id: lost.block.id,
        generation_stamp: lost.block.generation_stamp,
        num_bytes: Some(1000),
    };
    fixture.restart();
    fixture.returns(1, &[&source]);
    fixture.advance(Duration::from_secs(60 * 61));
    fixture.heartbeats();
    fixture.tick();
    let order = order(&fixture);
    assert_eq!(
        (order.block.id, order.truncate_to),
        (lost.block.id, Some(100))
    );
    assert!(order.copy_to.is_some());
    carry_out(&fixture, &order).expect("ended");
    assert_eq!(lengths(&fixture.hdfs(), "/d/f"), [(100, 1)]);
    assert_eq!(blocks(&fixture), 1);
}

#[test]
fn a_file_is_removed_with_its_half_made_copy() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/f", &[1000]);
    hdfs.create_snapshot("/d", "s").expect("taken");
    assert!(!truncate(&hdfs, 100).expect("begun"));
    let order = order(&fixture);
    hdfs.delete("/d/f", false).expect("removed");
    assert_eq!(blocks(&fixture), 1);
    carry_out(&fixture, &order).expect("the block is complete");
    assert_eq!(lengths(&hdfs, "/d/.snapshot/s/f"), [(1000, 1)]);
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    assert_eq!(blocks(&fixture), 0);
}

#[test]
fn a_truncation_needs_room_for_the_copy() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/f", &[1000]);
    let request = SetQuotaRequestProto {
        path: "/d".to_owned(),
        namespace_quota: 10,
        storagespace_quota: 2000,
        storage_type: None,
    };
    hdfs.call::<SetQuotaResponseProto>("setQuota", &request)
        .expect("set");
    hdfs.create_snapshot("/d", "s").expect("taken");
    refused(
        truncate(&hdfs, 100),
        "DSQuotaExceededException",
        "The DiskSpace quota of /d is exceeded: quota = 2000 B = 1.95 KB but diskspace consumed = 2024 B = 1.98 KB",
    );
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    assert!(!truncate(&hdfs, 100).expect("begun"));
}

#[test]
fn a_snapshot_keeps_the_replication_that_its_file_asked_for() {
    let fixture = Fixture::new().with_datanodes(3);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d", 0o755).expect("made");
    hdfs.allow_snapshot("/d").expect("allowed");
    hdfs.write("/d/f", &[10]);
    let set = |replication: u32| {
        let request = SetReplicationRequestProto {
            src: "/d/f".to_owned(),
            replication,
        };
        hdfs.call::<SetReplicationResponseProto>("setReplication", &request)
            .expect("set");
    };
    set(3);
    hdfs.create_snapshot("/d", "s").expect("taken");
    set(1);
    assert_eq!(hdfs.stat("/d/.snapshot/s/f").block_replication(), 3);
    let wanted = || {
        let ns = fixture.node.read();
        let block = hdfs_block(&ns);
        ns.blocks.block(block).replication
    };
    assert_eq!(wanted(), 3);
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    assert_eq!(wanted(), 1);
}

/// Returns the only block.
fn hdfs_block(ns: &crate::namenode::namesystem::Namesystem) -> u64 {
    let files = ns.namespace().iter().filter_map(|inode| inode.as_file());
    let mut blocks = files.flat_map(|file| &file.blocks);
    blocks.next().expect("a block").id
}

#[test]
fn snapshots_survive_a_restart() {
    let mut fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    // Safe mode does not wait for a single block.
    hdfs.write("/d/f", &[1024, 10]);
    let located = hdfs.locations("/d/f").expect("located").blocks;
    hdfs.create_snapshot("/d", "s").expect("taken");
    hdfs.delete("/d/f", false).expect("removed");
    fixture.restart();
    let hdfs = fixture.hdfs();
    assert_eq!(hdfs.list("/d/.snapshot/s").expect("listed"), ["f"]);
    refused_in_safe_mode(&hdfs);
    fixture.returns(1, &[&located[0].b, &located[1].b]);
    fixture.advance(Duration::from_secs(60));
    fixture.tick();
    let located = hdfs.locations("/d/.snapshot/s/f").expect("located");
    assert_eq!(located.blocks[1].locs.len(), 1);
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    assert_eq!(blocks(&fixture), 0);
}

fn refused_in_safe_mode(hdfs: &Session<'_>) {
    for (verb, refusal) in [
        ("create", hdfs.create_snapshot("/d", "t").map(drop)),
        ("delete", hdfs.delete_snapshot("/d", "s")),
        ("rename", hdfs.rename_snapshot("/d", "s", "t")),
        ("allow", hdfs.allow_snapshot("/d")),
        ("disallow", hdfs.disallow_snapshot("/d")),
    ] {
        let error = refusal.expect_err("in safe mode");
        assert!(error.class().ends_with(".SafeModeException"), "{error}");
        let text = format!("Cannot {verb} snapshot for /d. Name node is in safe mode.");
        assert!(error.message().starts_with(&text), "{error}");
    }
}

#[test]
fn quotas_count_what_only_snapshots_keep() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    let request = SetQuotaRequestProto {
        path: "/d".to_owned(),
        namespace_quota: 3,
        storagespace_quota: 2000,
        storage_type: None,
    };
    hdfs.call::<SetQuotaResponseProto>("setQuota", &request)
        .expect("set");
    hdfs.write("/d/f", &[1024]);
    hdfs.create_snapshot("/d", "s").expect("taken");
    hdfs.delete("/d/f", false).expect("removed");
    hdfs.create("/d/g").expect("there is room for one more");
    refused(
        hdfs.add_block("/d/g", None),
        "DSQuotaExceededException",
        "The DiskSpace quota of /d is exceeded: quota = 2000 B = 1.95 KB but diskspace consumed = 2048 B = 2 KB",
    );
    refused(
        hdfs.mkdirs("/d/e", 0o755),
        "NSQuotaExceededException",
        "The NameSpace quota (directories and files) of directory /d is exceeded: quota=3 file count=4",
    );
    let request = GetQuotaUsageRequestProto {
        path: "/d".to_owned(),
    };
    let usage = || {
        let usage = hdfs.call::<GetQuotaUsageResponseProto>("getQuotaUsage", &request);
        let usage = usage.expect("it exists").usage;
        (usage.file_and_directory_count, usage.space_consumed)
    };
    assert_eq!(usage(), (3, 1024));
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    assert_eq!(usage(), (2, 0));
    hdfs.mkdirs("/d/e", 0o755).expect("there is room again");
}

#[test]
fn empty_blocks_at_the_end_are_not_in_a_snapshot() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/e", 0o755).expect("made");
    hdfs.create("/d/e/f").expect("created");
    let first = hdfs.add_block("/d/e/f", None).expect("allocated").b;
    hdfs.add_block("/d/e/f", Some(&first)).expect("allocated");
    hdfs.create_snapshot("/d", "s").expect("taken");
    hdfs.rename2("/d/e/f", "/d/f", false).expect("moved");
    let located = hdfs.locations("/d/.snapshot/s/e/f").expect("located");
    assert_eq!((located.file_length, located.blocks.len()), (0, 0));
    assert_eq!(blocks(&fixture), 2, "those of the present file");
    // An image of this namespace shows the same.
    fixture.check_law();
    hdfs.delete("/d/f", false).expect("removed");
    assert_eq!(blocks(&fixture), 0);
}
