//! The blocks of files in snapshots.

use super::*;

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
