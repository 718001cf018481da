//! Reading what is in a snapshot.

use super::*;

#[test]
fn a_snapshot_shows_files_and_directories_as_they_were() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/kept/deep", 0o750).expect("made");
    hdfs.write("/d/gone", &[10]);
    hdfs.write("/d/kept/f", &[5]);
    let then = hdfs.stat("/d/kept/f");
    hdfs.create_snapshot("/d", "s").expect("taken");
    fixture.advance(Duration::from_secs(10));
    hdfs.delete("/d/gone", false).expect("removed");
    hdfs.write("/d/new", &[]);
    hdfs.chmod("/d/kept/f", 0o600).expect("changed");
    hdfs.chmod("/d/kept", 0o700).expect("changed");
    assert_eq!(
        hdfs.list("/d/.snapshot/s").expect("listed"),
        ["gone", "kept"]
    );
    assert_eq!(hdfs.list("/d").expect("listed"), ["kept", "new"]);
    assert_eq!(hdfs.stat("/d/.snapshot/s/kept/f"), then);
    assert_eq!(hdfs.stat("/d/.snapshot/s/kept").permission.perm, 0o750);
    assert_eq!(hdfs.stat("/d/.snapshot/s/kept").children_num(), 2);
    assert_eq!(hdfs.stat("/d/.snapshot/s/gone").length, 10);
    assert!(!hdfs.exists("/d/.snapshot/s/new"));
    assert!(!hdfs.exists("/d/.snapshot/s/.snapshot"));
    assert!(!hdfs.exists("/d/.snapshot/other/kept"));
    let dot = hdfs.stat("/d/.snapshot");
    assert_eq!((dot.permission.perm, &*dot.owner), (0o777, ""));
}

#[test]
fn a_snapshot_is_listed_in_pages() {
    let fixture = with_root(&[("dfs.ls.limit", "2")]);
    let hdfs = fixture.hdfs();
    for name in ["a", "b", "c", "d", "e"] {
        hdfs.mkdirs(&format!("/d/{name}"), 0o755).expect("made");
    }
    hdfs.create_snapshot("/d", "s").expect("taken");
    for name in ["b", "d"] {
        hdfs.delete(&format!("/d/{name}"), true).expect("removed");
    }
    hdfs.mkdirs("/d/cc", 0o755).expect("made");
    let page = |start_after: &str| {
        let request = GetListingRequestProto {
            src: "/d/.snapshot/s".to_owned(),
            start_after: start_after.to_owned().into(),
            need_location: false,
        };
        let response = hdfs.call::<GetListingResponseProto>("getListing", &request);
        let listing = response.expect("listed").dir_list.expect("it exists");
        let names = listing.partial_listing.iter();
        let names: Vec<_> = names.map(|it| it.path.to_vec()).collect();
        (names.concat(), listing.remaining_entries)
    };
    assert_eq!(page(""), (b"ab".to_vec(), 3));
    assert_eq!(page("b"), (b"cd".to_vec(), 1));
    assert_eq!(page("cc"), (b"de".to_vec(), 0));
}

#[test]
fn a_file_that_was_overwritten_is_still_there() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/f", &[10]);
    let first = hdfs.stat("/d/f").file_id;
    hdfs.create_snapshot("/d", "one").expect("taken");
    let request = hdfs.create_request("/d/f", 3);
    hdfs.call::<CreateResponseProto>("create", &request)
        .expect("overwritten");
    let last = hdfs.write_block("/d/f", None, 20);
    assert!(hdfs.complete("/d/f", Some(&last)).expect("closed"));
    hdfs.create_snapshot("/d", "two").expect("taken");
    hdfs.delete("/d/f", false).expect("removed");
    let one = hdfs.stat("/d/.snapshot/one/f");
    assert_eq!((one.file_id, one.length), (first, 10));
    assert_eq!(hdfs.stat("/d/.snapshot/two/f").length, 20);
    hdfs.delete_snapshot("/d", "one").expect("deleted");
    assert_eq!(hdfs.stat("/d/.snapshot/two/f").length, 20);
}

#[test]
fn an_open_file_grows_in_a_snapshot_unless_that_is_captured() {
    for (captured, length) in [("false", 25), ("true", 10)] {
        let keys = [("dfs.namenode.snapshot.capture.openfiles", captured)];
        let fixture = with_root(&keys);
        let hdfs = fixture.hdfs();
        hdfs.create("/d/f").expect("open");
        let first = hdfs.write_block("/d/f", None, 10);
        let fsync = FsyncRequestProto {
            src: "/d/f".to_owned(),
            client: "client-hdfs".to_owned(),
            last_block_length: Some(10),
            file_id: None,
        };
        hdfs.call::<FsyncResponseProto>("fsync", &fsync)
            .expect("synced");
        hdfs.create_snapshot("/d", "s").expect("taken");
        let second = hdfs.write_block("/d/f", Some(&first), 15);
        assert!(hdfs.complete("/d/f", Some(&second)).expect("closed"));
        assert_eq!(hdfs.stat("/d/f").length, 25);
        assert_eq!(hdfs.stat("/d/.snapshot/s/f").length, length, "{captured}");
        let located = hdfs.locations("/d/.snapshot/s/f").expect("located");
        assert_eq!(
            (located.file_length, located.under_construction),
            (length, false)
        );
    }
}

#[test]
fn reading_a_snapshot_changes_no_access_time() {
    let fixture = with_root(&[("dfs.namenode.accesstime.precision", "1000")]);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/f", &[10]);
    let then = hdfs.stat("/d/f").access_time;
    hdfs.create_snapshot("/d", "s").expect("taken");
    fixture.advance(Duration::from_secs(10));
    hdfs.locations("/d/.snapshot/s/f").expect("located");
    assert_eq!(hdfs.stat("/d/f").access_time, then);
    hdfs.locations("/d/f").expect("located");
    assert_ne!(hdfs.stat("/d/f").access_time, then);
    assert_eq!(hdfs.stat("/d/.snapshot/s/f").access_time, then);
}

#[test]
fn access_times_alone_are_not_captured_if_so_asked() {
    let fixture = with_root(&[
        ("dfs.namenode.accesstime.precision", "1000"),
        (
            "dfs.namenode.snapshot.skip.capture.accesstime-only-change",
            "true",
        ),
    ]);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/f", &[10]);
    hdfs.create_snapshot("/d", "s").expect("taken");
    fixture.advance(Duration::from_secs(10));
    hdfs.locations("/d/f").expect("located");
    let now = hdfs.stat("/d/f").access_time;
    assert_eq!(hdfs.stat("/d/.snapshot/s/f").access_time, now);
}
