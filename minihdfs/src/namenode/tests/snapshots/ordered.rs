//! Snapshots that are removed in the order of their taking, and the trash of their directories.

use super::*;

const ORDERED: (&str, &str) = ("dfs.namenode.snapshot.deletion.ordered", "true");
const TRASH: (&str, &str) = ("dfs.namenode.snapshot.trashroot.enabled", "true");

/// Returns the names of a directory's snapshots, each with true if it is deleted.
fn listed(hdfs: &Session<'_>, root: &str) -> Vec<(String, bool)> {
    let request = GetSnapshotListingRequestProto {
        snapshot_root: root.to_owned(),
    };
    let listed = hdfs.call::<GetSnapshotListingResponseProto>("getSnapshotListing", &request);
    let listed = listed.expect("listed").snapshot_list.expect("a list");
    let snapshots = listed.snapshot_listing.into_iter();
    let name = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    snapshots
        .map(|it| (name(&it.dir_status.path), it.is_deleted))
        .collect()
}

fn expect(hdfs: &Session<'_>, snapshots: &[(&str, bool)]) {
    let snapshots = snapshots.iter();
    let expected: Vec<_> = snapshots
        .map(|(name, it)| ((*name).to_owned(), *it))
        .collect();
    assert_eq!(listed(hdfs, "/d"), expected);
}

#[test]
fn a_later_snapshot_is_marked_and_removed_when_it_is_the_first() {
    let period = (
        "dfs.namenode.snapshot.deletion.ordered.gc.period.ms",
        "60000",
    );
    let mut fixture = with_root(&[ORDERED, period]);
    let hdfs = fixture.hdfs();
    for (name, file) in [("a", "/d/x"), ("b", "/d/y"), ("c", "/d/z")] {
        hdfs.write(file, &[]);
        hdfs.create_snapshot("/d", name).expect("taken");
    }
    hdfs.delete_snapshot("/d", "b").expect("marked");
    expect(&hdfs, &[("a", false), ("b#1", true), ("c", false)]);
    assert_eq!(hdfs.list("/d/.snapshot/b#1").expect("there"), ["x", "y"]);
    refused(
        hdfs.delete_snapshot("/d", "b"),
        "SnapshotException",
        "Cannot delete snapshot b from path /d: the snapshot does not exist.",
    );
    hdfs.delete_snapshot("/d", "c").expect("marked");
    fixture.restart();
    fixture.returns(1, &[]);
    let hdfs = fixture.hdfs();
    expect(&hdfs, &[("a", false), ("b#1", true), ("c#2", true)]);
    let minute = || {
        fixture.advance(Duration::from_secs(60));
        fixture.tick();
    };
    minute();
    expect(&hdfs, &[("a", false), ("b#1", true), ("c#2", true)]);
    hdfs.delete_snapshot("/d", "a").expect("removed at once");
    expect(&hdfs, &[("b#1", true), ("c#2", true)]);
    minute();
    expect(&hdfs, &[("c#2", true)]);
    minute();
    expect(&hdfs, &[]);
    hdfs.disallow_snapshot("/d").expect("none is left");
}

#[test]
fn a_marked_snapshot_needs_a_free_name() {
    let fixture = with_root(&[ORDERED]);
    let hdfs = fixture.hdfs();
    for name in ["a", "b", "b#1"] {
        hdfs.create_snapshot("/d", name).expect("taken");
    }
    refused(
        hdfs.delete_snapshot("/d", "b"),
        "SnapshotException",
        "The snapshot b#1 already exists for directory /d",
    );
    expect(&hdfs, &[("a", false), ("b", false), ("b#1", false)]);
}

#[test]
fn a_directory_with_snapshots_has_its_own_trash_and_is_left_by_no_rename() {
    let mut fixture = with_root(&[ORDERED, TRASH]);
    let hdfs = fixture.hdfs();
    for directory in ["/d/in", "/out"] {
        hdfs.mkdirs(directory, 0o755).expect("made");
    }
    hdfs.write("/d/f", &[]);
    let defaults = hdfs.call::<GetServerDefaultsResponseProto>(
        "getServerDefaults",
        &GetServerDefaultsRequestProto {},
    );
    let defaults = defaults.expect("told").server_defaults;
    assert_eq!(defaults.snapshot_trash_root_enabled, Some(true));
    refused(
        hdfs.rename2("/d/f", "/out/f", false),
        "SnapshotException",
        "Source /d/f and dest /out/f are not under the same snapshot root.",
    );
    refused(
        hdfs.rename2("/out", "/d/out", false),
        "SnapshotException",
        "Source /out and dest /d/out are not under the same snapshot root.",
    );
    hdfs.rename2("/d/f", "/d/in/f", false).expect("within");
    // The client makes it when it allows snapshots; a NameNode that starts, where it is missing.
    fixture.restart();
    let hdfs = fixture.hdfs();
    assert_eq!(hdfs.list("/d").expect("listed"), [".Trash", "in"]);
    let trash = hdfs.stat("/d/.Trash");
    assert_eq!((trash.permission.perm, &*trash.owner), (0o1777, "hdfs"));
}
