//! Who may take snapshots, and that these cannot be changed.

use super::*;

#[test]
fn the_owner_takes_snapshots_that_the_superuser_allows() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    for (directory, owner) in [("/alice", "alice"), ("/bob", "bob")] {
        hdfs.mkdirs(directory, 0o755).expect("made");
        hdfs.chown(directory, Some(owner), None).expect("given");
    }
    let alice = fixture.user("alice");
    for verb in ["allowSnapshot", "disallowSnapshot"] {
        let refusal = match verb {
            "allowSnapshot" => alice.allow_snapshot("/alice"),
            _ => alice.disallow_snapshot("/alice"),
        };
        refused(
            refusal,
            "AccessControlException",
            &format!(
                "Access denied for user alice. Superuser privilege is required for operation {verb}"
            ),
        );
    }
    for directory in ["/alice", "/bob"] {
        hdfs.allow_snapshot(directory).expect("allowed");
    }
    alice.create_snapshot("/alice", "s").expect("her own");
    alice.rename_snapshot("/alice", "s", "t").expect("her own");
    alice.delete_snapshot("/alice", "t").expect("her own");
    let text = "Permission denied. user=alice is not the owner of inode=/bob";
    for refusal in [
        alice.create_snapshot("/bob", "s").map(drop),
        alice.rename_snapshot("/bob", "s", "t"),
        alice.delete_snapshot("/bob", "s"),
    ] {
        refused(refusal, "AccessControlException", text);
    }
}

#[test]
fn nothing_in_a_snapshot_can_be_changed() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/f", &[10]);
    hdfs.create_snapshot("/d", "s").expect("taken");
    let file = "/d/.snapshot/s/f";
    let times = SetTimesRequestProto {
        src: file.to_owned(),
        mtime: 1,
        atime: 1,
    };
    let replication = SetReplicationRequestProto {
        src: file.to_owned(),
        replication: 2,
    };
    let quota = SetQuotaRequestProto {
        path: "/d/.snapshot/s".to_owned(),
        namespace_quota: 5,
        storagespace_quota: i64::MAX as u64,
        storage_type: None,
    };
    let append = AppendRequestProto {
        src: file.to_owned(),
        client_name: "client".to_owned(),
        flag: None,
    };
    let truncate = TruncateRequestProto {
        src: file.to_owned(),
        new_length: 1,
        client_name: "client".to_owned(),
    };
    for refusal in [
        hdfs.chmod(file, 0o600),
        hdfs.chown(file, Some("bob"), None),
        hdfs.mkdirs("/d/.snapshot/s/g", 0o755).map(drop),
        hdfs.mkdirs("/d/.snapshot", 0o755).map(drop),
        hdfs.create("/d/.snapshot/s/g").map(drop),
        hdfs.delete(file, false).map(drop),
        hdfs.delete("/d/.snapshot/s", true).map(drop),
        hdfs.rename2(file, "/g", false),
        hdfs.rename2("/d/f", "/d/.snapshot/s/g", false),
        hdfs.allow_snapshot("/d/.snapshot/s"),
        hdfs.call::<SetTimesResponseProto>("setTimes", &times)
            .map(drop),
        hdfs.call::<SetReplicationResponseProto>("setReplication", &replication)
            .map(drop),
        hdfs.call::<SetQuotaResponseProto>("setQuota", &quota)
            .map(drop),
        hdfs.call::<AppendResponseProto>("append", &append)
            .map(drop),
        hdfs.call::<TruncateResponseProto>("truncate", &truncate)
            .map(drop),
    ] {
        refused(
            refusal,
            "SnapshotAccessControlException",
            "Modification on a read-only snapshot is disallowed",
        );
    }
}

#[test]
fn the_permissions_of_a_snapshot_are_those_of_its_time() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/closed", 0o700).expect("made");
    hdfs.mkdirs("/d/open", 0o755).expect("made");
    hdfs.create_snapshot("/d", "s").expect("taken");
    hdfs.chmod("/d/closed", 0o755).expect("opened");
    hdfs.chmod("/d/open", 0o700).expect("closed");
    let bob = fixture.user("bob");
    assert_eq!(bob.list("/d/.snapshot/s/open").expect("as then"), [""; 0]);
    bob.list("/d/closed").expect("as now");
    let denied = bob.list("/d/.snapshot/s/closed").expect_err("as then");
    assert!(
        denied.class().ends_with(".AccessControlException"),
        "{denied}"
    );
}

#[test]
fn without_the_named_snapshot_the_permissions_are_those_of_the_latest() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.chmod("/d", 0o750).expect("closed");
    hdfs.create_snapshot("/d", "s").expect("taken");
    hdfs.chmod("/d", 0o755).expect("opened");
    let bob = fixture.user("bob");
    bob.list("/d").expect("as now");
    for path in ["/d/.snapshot/none", "/d/.snapshot/s"] {
        let denied = bob.list(path).expect_err("as then");
        let text = denied.to_string();
        assert!(text.contains(":drwxr-x---"), "{path}: {text}");
    }
    hdfs.delete_snapshot("/d", "s").expect("removed");
    assert_eq!(bob.status("/d/.snapshot/none"), Ok(None));
}
