//! Allowing, taking, deleting, renaming and listing snapshots.

use super::*;

impl Session<'_> {
    fn snapshottable(&self) -> Vec<(String, u32, u32)> {
        let request = GetSnapshottableDirListingRequestProto {};
        let method = "getSnapshottableDirListing";
        let response = self
            .call::<GetSnapshottableDirListingResponseProto>(method, &request)
            .expect("anyone may");
        let listing = response.snapshottable_dir_list.into_iter();
        let listing = listing.flat_map(|it| it.snapshottable_dir_listing);
        let of = |it: SnapshottableDirectoryStatusProto| {
            let path = [&it.parent_fullpath[..], b" ", &it.dir_status.path].concat();
            let path = String::from_utf8(path).expect("UTF-8");
            (path, it.snapshot_quota, it.snapshot_number)
        };
        listing.map(of).collect()
    }

    fn snapshot_listing(&self, root: &str) -> Result<Vec<(String, u32)>, HdfsError> {
        let request = GetSnapshotListingRequestProto {
            snapshot_root: root.to_owned(),
        };
        let response =
            self.call::<GetSnapshotListingResponseProto>("getSnapshotListing", &request)?;
        let listing = response.snapshot_list.expect("always there");
        let of = |it: &SnapshotStatusProto| {
            let name = String::from_utf8(it.dir_status.path.to_vec()).expect("UTF-8");
            (name, it.snapshot_id)
        };
        Ok(listing.snapshot_listing.iter().map(of).collect())
    }
}

#[test]
fn snapshots_are_listed_by_their_names() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    for name in ["b", "a", "c"] {
        let path = hdfs.create_snapshot("/d", name).expect("taken");
        assert_eq!(path, format!("/d/.snapshot/{name}"));
    }
    let all = [("a", 1), ("b", 0), ("c", 2)].map(|(name, id)| (name.to_owned(), id));
    assert_eq!(hdfs.snapshot_listing("/d").expect("listed"), all);
    assert_eq!(hdfs.list("/d/.snapshot").expect("listed"), ["a", "b", "c"]);
    hdfs.rename_snapshot("/d", "b", "z").expect("renamed");
    hdfs.delete_snapshot("/d", "a").expect("deleted");
    assert_eq!(hdfs.list("/d/.snapshot").expect("listed"), ["c", "z"]);
    assert_eq!(hdfs.snapshottable(), [("/ d".to_owned(), 1 << 16, 2)]);
    assert!(!hdfs.exists("/d/.snapshot/a"));
    assert!(hdfs.exists("/d/.snapshot/z"));
}

#[test]
fn a_snapshot_without_a_name_gets_one_by_the_time() {
    let fixture = with_root(&[]);
    fixture.now.set(Timestamp::from_millis(1_795_327_020_007));
    let path = fixture.hdfs().create_snapshot("/d", "").expect("taken");
    assert_eq!(path, "/d/.snapshot/s20261122-055700.007");
}

#[test]
fn names_of_snapshots_are_checked() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.create_snapshot("/d", "s").expect("taken");
    refused(
        hdfs.create_snapshot("/d", "s"),
        "SnapshotException",
        "Failed to add snapshot: there is already a snapshot with the same name \"s\".",
    );
    for name in ["a/b", "..", "a:b", ".snapshot", ".reserved"] {
        refused(
            hdfs.create_snapshot("/d", name),
            "InvalidPathException",
            &format!("Invalid path name Invalid snapshot name: {name}"),
        );
    }
    refused(
        hdfs.rename_snapshot("/d", "s", "a/b"),
        "HadoopIllegalArgumentException",
        "Snapshot name cannot contain \"/\"",
    );
    refused(
        hdfs.rename_snapshot("/d", "s", ".snapshot"),
        "HadoopIllegalArgumentException",
        "\".snapshot\" is a reserved name.",
    );
    let long = "x".repeat(256);
    refused(
        hdfs.create_snapshot("/d", &long),
        "FSLimitException$PathComponentTooLongException"
            .rsplit('.')
            .next()
            .expect("a name"),
        &format!(
            "The maximum path component name limit of {long} in directory /d is exceeded: limit=255 length=256"
        ),
    );
    refused(
        hdfs.rename_snapshot("/d", "x", "y"),
        "SnapshotException",
        "The snapshot x does not exist for directory /d",
    );
    hdfs.create_snapshot("/d", "t").expect("taken");
    refused(
        hdfs.rename_snapshot("/d", "s", "t"),
        "SnapshotException",
        "The snapshot t already exists for directory /d",
    );
    hdfs.rename_snapshot("/d", "s", "s").expect("nothing to do");
    refused(
        hdfs.delete_snapshot("/d", "x"),
        "SnapshotException",
        "Cannot delete snapshot x from path /d: the snapshot does not exist.",
    );
}

#[test]
fn there_may_be_as_many_snapshots_as_the_limits_say() {
    let fixture = with_root(&[
        ("dfs.namenode.snapshot.max.limit", "1"),
        ("dfs.namenode.snapshot.filesystem.limit", "2"),
    ]);
    let hdfs = fixture.hdfs();
    hdfs.create_snapshot("/d", "s").expect("taken");
    refused(
        hdfs.create_snapshot("/d", "t"),
        "SnapshotException",
        "Failed to create snapshot: there are already 1 snapshot(s) and the per directory snapshot limit is 1",
    );
    for root in ["/e", "/f"] {
        hdfs.mkdirs(root, 0o755).expect("made");
        hdfs.allow_snapshot(root).expect("allowed");
    }
    hdfs.create_snapshot("/e", "s").expect("taken");
    refused(
        hdfs.create_snapshot("/f", "s"),
        "SnapshotException",
        "Failed to create snapshot: there are already 2 snapshot(s) and the file system snapshot limit is 2",
    );
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    hdfs.create_snapshot("/f", "s")
        .expect("there is room again");
    let limits = [
        ("dfs.namenode.snapshot.max.limit", "3"),
        ("dfs.namenode.snapshot.filesystem.limit", "2"),
    ];
    let error = HdfsConfig::from_pairs(limits).expect_err("they contradict each other");
    assert!(
        error.to_string().contains("cannot be greater than"),
        "{error}"
    );
}

#[test]
fn snapshots_of_the_root_must_be_allowed_too() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    assert_eq!(hdfs.list("/.snapshot").expect("it counts"), [""; 0]);
    refused(
        hdfs.create_snapshot("/", "s"),
        "SnapshotException",
        "Failed to add snapshot: there are already 0 snapshot(s) and the snapshot quota is 0",
    );
    hdfs.allow_snapshot("/").expect("allowed");
    hdfs.mkdirs("/x", 0o755).expect("made");
    assert_eq!(
        hdfs.create_snapshot("/", "s").expect("taken"),
        "/.snapshot/s"
    );
    hdfs.delete("/x", true).expect("removed");
    assert_eq!(hdfs.list("/.snapshot/s").expect("listed"), ["x"]);
}

#[test]
fn directories_with_snapshots_are_not_nested() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/e", 0o755).expect("made");
    refused(
        hdfs.allow_snapshot("/d/e"),
        "SnapshotException",
        "Nested snapshottable directories not allowed: path=/d/e, the ancestor /d is already a snapshottable directory.",
    );
    refused(
        hdfs.allow_snapshot("/"),
        "SnapshotException",
        "Nested snapshottable directories not allowed: path=/, the subdirectory /d is already a snapshottable directory.",
    );
    hdfs.mkdirs("/x/y", 0o755).expect("made");
    hdfs.allow_snapshot("/x/y").expect("allowed");
    refused(
        hdfs.rename2("/x", "/z", false),
        "SnapshotException",
        "Unable to rename because /x has snapshottable descendant directories and / is a descent of a snapshottable directory, and HDFS does not support nested snapshottable directory.",
    );
    refused(
        hdfs.rename2("/x", "/d/x", false),
        "SnapshotException",
        "Unable to rename because /x has snapshottable descendant directories and /d is a descent of a snapshottable directory, and HDFS does not support nested snapshottable directory.",
    );
    hdfs.mkdirs("/w", 0o755).expect("made");
    hdfs.rename2("/x", "/w/z", false)
        .expect("elsewhere it may go");
    hdfs.create_snapshot("/w/z/y", "s").expect("still allowed");
}

#[test]
fn a_directory_with_snapshots_stays_where_it_is() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/x/d", 0o755).expect("made");
    hdfs.allow_snapshot("/x/d").expect("allowed");
    hdfs.create_snapshot("/x/d", "s").expect("taken");
    let text = "The directory /x/d cannot be deleted since /x/d is snapshottable and already has snapshots";
    for path in ["/x", "/x/d"] {
        refused(hdfs.delete(path, true), "SnapshotException", text);
        refused(hdfs.rename2(path, "/y", false), "SnapshotException", text);
    }
    refused(
        hdfs.disallow_snapshot("/x/d"),
        "SnapshotException",
        "The directory /x/d has snapshot(s). Please redo the operation after removing all the snapshots.",
    );
    hdfs.delete_snapshot("/x/d", "s").expect("deleted");
    assert!(hdfs.delete("/x", true).expect("removed"));
    assert_eq!(hdfs.snapshottable(), []);
}

#[test]
fn a_directory_is_snapshottable_until_that_is_disallowed() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    let enabled = |path: &str| hdfs.stat(path).flags() & 8 != 0;
    assert!(enabled("/d") && enabled("/"));
    hdfs.disallow_snapshot("/d").expect("it has none");
    hdfs.disallow_snapshot("/d").expect("it is not any more");
    assert!(!enabled("/d") && enabled("/"));
    refused(
        hdfs.create_snapshot("/d", "s"),
        "SnapshotException",
        "Directory is not a snapshottable directory: /d",
    );
    refused(
        hdfs.list("/d/.snapshot"),
        "SnapshotException",
        "Directory is not a snapshottable directory: /d",
    );
}
