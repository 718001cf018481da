//! Moving what is in snapshots.

use super::*;

#[test]
fn a_moved_directory_stays_in_the_snapshot_where_it_was() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/a", 0o755).expect("made");
    hdfs.write("/d/a/f", &[10]);
    hdfs.create_snapshot("/d", "s").expect("taken");
    hdfs.rename2("/d/a", "/out", false).expect("moved");
    hdfs.chmod("/out/f", 0o600).expect("changed");
    hdfs.write("/out/g", &[]);
    hdfs.delete("/out/f", false).expect("removed");
    assert_eq!(hdfs.list("/d/.snapshot/s/a").expect("listed"), ["f"]);
    assert_eq!(hdfs.stat("/d/.snapshot/s/a/f").permission.perm, 0o644);
    assert_eq!(hdfs.stat("/d/.snapshot/s/a/f").length, 10);
    hdfs.delete("/out", true).expect("removed");
    assert_eq!(hdfs.list("/d/.snapshot/s/a").expect("listed"), ["f"]);
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    assert_eq!(fixture.node.read().blocks.len(), 0);
}

#[test]
fn what_moves_in_is_in_later_snapshots_only() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/old", 0o755).expect("made");
    hdfs.write("/old/f", &[10]);
    hdfs.create_snapshot("/d", "before").expect("taken");
    hdfs.rename2("/old", "/d/old", false).expect("moved in");
    hdfs.create_snapshot("/d", "after").expect("taken");
    hdfs.rename2("/d/old", "/d/young", false).expect("renamed");
    assert_eq!(hdfs.list("/d/.snapshot/before").expect("listed"), [""; 0]);
    assert_eq!(hdfs.list("/d/.snapshot/after").expect("listed"), ["old"]);
    assert_eq!(hdfs.list("/d/.snapshot/after/old").expect("listed"), ["f"]);
    assert_eq!(hdfs.list("/d").expect("listed"), ["young"]);
}

#[test]
fn a_file_moves_between_directories_with_snapshots_and_back() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/e", 0o755).expect("made");
    hdfs.allow_snapshot("/e").expect("allowed");
    hdfs.write("/d/f", &[10]);
    for (round, (from, to)) in [("/d/f", "/e/f"), ("/e/f", "/d/g"), ("/d/g", "/d/f")]
        .into_iter()
        .enumerate()
    {
        for root in ["/d", "/e"] {
            hdfs.create_snapshot(root, &format!("s{round}"))
                .expect("taken");
        }
        hdfs.rename2(from, to, false).expect("moved");
        hdfs.chmod(to, 0o600 + round as u32).expect("changed");
    }
    let shown = |path: &str| hdfs.list(path).expect("listed").join(" ");
    let all = [
        "/d/.snapshot/s0",
        "/e/.snapshot/s0",
        "/d/.snapshot/s1",
        "/e/.snapshot/s1",
    ];
    assert_eq!(all.map(shown), ["f", "", "", "f"]);
    assert_eq!(["/d/.snapshot/s2", "/e/.snapshot/s2"].map(shown), ["g", ""]);
    let perm = |path: &str| hdfs.stat(path).permission.perm;
    assert_eq!(perm("/d/.snapshot/s0/f"), 0o644);
    assert_eq!(perm("/e/.snapshot/s1/f"), 0o600);
    assert_eq!(perm("/d/.snapshot/s2/g"), 0o601);
    hdfs.delete("/d/f", false).expect("removed");
    for (root, name) in [("/d", "s0"), ("/e", "s1"), ("/e", "s0"), ("/d", "s2")] {
        hdfs.delete_snapshot(root, name).expect("deleted");
    }
    assert_eq!(fixture.node.read().blocks.len(), 0);
}

#[test]
fn a_source_of_concat_may_not_be_in_a_snapshot() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    for name in ["/d/f", "/d/g"] {
        hdfs.write(name, &[1024]);
    }
    hdfs.create_snapshot("/d", "s").expect("taken");
    hdfs.write("/d/h", &[1024]);
    let concat = |source: &str| {
        let request = ConcatRequestProto {
            trg: "/d/f".to_owned(),
            srcs: vec![source.to_owned()],
        };
        hdfs.call::<ConcatResponseProto>("concat", &request)
    };
    refused(
        concat("/d/g"),
        "SnapshotException",
        "Concat: the source file /d/g is in snapshot",
    );
    concat("/d/h").expect("it is younger than the snapshot");
    assert_eq!(hdfs.stat("/d/f").length, 2048);
    assert_eq!(hdfs.stat("/d/.snapshot/s/f").length, 1024);
}

/// Hadoop ends the check of quotas at the common ancestor of both paths, unless the latest snapshot
/// of the destination shows that ancestor.
#[test]
fn a_move_into_a_directory_with_snapshots_is_charged_to_all_above() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    for path in ["/q/a/x", "/q/a/y", "/q/b"] {
        hdfs.mkdirs(path, 0o755).expect("made");
    }
    set_namespace_quota(&hdfs, "/q", 6);
    hdfs.rename2("/q/a/x", "/q/b/x", false).expect("moved");
    hdfs.allow_snapshot("/q/b").expect("allowed");
    hdfs.create_snapshot("/q/b", "s").expect("taken");
    hdfs.rename2("/q/a/y", "/q/b/y", false).expect("moved");
    set_namespace_quota(&hdfs, "/q", 5);
    hdfs.rename2("/q/b/y", "/q/a/y", false)
        .expect("no snapshot is of the destination");
    refused(
        hdfs.rename2("/q/a/y", "/q/b/y", false),
        "NSQuotaExceededException",
        "The NameSpace quota (directories and files) of directory /q is exceeded: quota=5 file count=6",
    );
}

#[test]
fn a_move_below_what_no_snapshot_shows_is_charged_to_nothing_above() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.create_snapshot("/d", "before").expect("taken");
    for path in ["/d/q/a/x", "/d/q/b"] {
        hdfs.mkdirs(path, 0o755).expect("made");
    }
    set_namespace_quota(&hdfs, "/d/q", 4);
    hdfs.rename2("/d/q/a/x", "/d/q/b/x", false).expect("moved");
    hdfs.rename2("/d/q/b/x", "/d/q/b/y", false)
        .expect("renamed");
    hdfs.create_snapshot("/d", "after").expect("taken");
    for to in ["/d/q/a/y", "/d/q/b/z"] {
        refused(
            hdfs.rename2("/d/q/b/y", to, false),
            "NSQuotaExceededException",
            "The NameSpace quota (directories and files) of directory /d/q is exceeded: quota=4 file count=5",
        );
    }
}

fn set_namespace_quota(hdfs: &Session<'_>, path: &str, namespace_quota: u64) {
    let request = SetQuotaRequestProto {
        path: path.to_owned(),
        namespace_quota,
        storagespace_quota: i64::MAX as u64,
        storage_type: None,
    };
    hdfs.call::<SetQuotaResponseProto>("setQuota", &request)
        .expect("set");
}
