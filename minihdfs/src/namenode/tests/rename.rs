use super::*;

fn rename(session: &Session<'_>, src: &str, dst: &str) -> Result<bool, HdfsError> {
    let request = RenameRequestProto {
        src: src.to_owned(),
        dst: dst.to_owned(),
    };
    session
        .call::<RenameResponseProto>("rename", &request)
        .map(|response| response.result)
}

fn rename2(
    session: &Session<'_>,
    src: &str,
    dst: &str,
    overwrite_dest: bool,
) -> Result<(), HdfsError> {
    let request = Rename2RequestProto {
        src: src.to_owned(),
        dst: dst.to_owned(),
        overwrite_dest,
        move_to_trash: None,
    };
    session
        .call::<Rename2ResponseProto>("rename2", &request)
        .map(|_| ())
}

fn fixture() -> Fixture {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/dir/full/sub", 0o755).expect("made");
    hdfs.mkdirs("/empty", 0o755).expect("made");
    hdfs.write("/file", &[5]);
    hdfs.write("/other", &[7]);
    fixture
}

#[test]
fn the_old_rename_moves_into_directories_and_answers_false() {
    let fixture = fixture();
    let hdfs = fixture.hdfs();
    assert!(rename(&hdfs, "/file", "/empty").expect("moved"));
    assert_eq!(hdfs.list("/empty").expect("listed"), ["file"]);
    for (src, dst) in [
        ("/missing", "/x"),
        ("/", "/x"),
        ("/other", "/empty/file"),
        ("/other", "/no/parent"),
        ("/dir", "/dir/full/dir"),
        ("/dir", "/dir"),
    ] {
        assert!(!rename(&hdfs, src, dst).expect("no error"), "{src} {dst}");
    }
    assert!(rename(&hdfs, "/other", "/other").expect("the same"));
    refused(
        rename(&hdfs, "/other", "relative"),
        "InvalidPathException",
        "Invalid path name Invalid file name: relative",
    );
}

#[test]
fn the_new_rename_says_why_not() {
    let fixture = fixture();
    let hdfs = fixture.hdfs();
    for (src, dst, class, message) in [
        (
            "/missing",
            "/x",
            "FileNotFoundException",
            "rename source /missing is not found.",
        ),
        ("/", "/x", "IOException", "rename source cannot be the root"),
        (
            "/file",
            "/file",
            "FileAlreadyExistsException",
            "The source /file and destination /file are the same",
        ),
        (
            "/dir",
            "/dir/full/x",
            "IOException",
            "Rename destination /dir/full/x is a directory or file under source /dir",
        ),
        (
            "/file",
            "/",
            "IOException",
            "rename destination cannot be the root",
        ),
        (
            "/file",
            "/empty",
            "IOException",
            "Source /file and destination /empty must both be directories",
        ),
        (
            "/empty",
            "/file",
            "IOException",
            "Source /empty and destination /file must both be directories",
        ),
        (
            "/file",
            "/other",
            "FileAlreadyExistsException",
            "rename destination /other already exists",
        ),
        (
            "/file",
            "/no/parent",
            "FileNotFoundException",
            "rename destination parent /no/parent not found.",
        ),
        (
            "/empty",
            "/file/x",
            "ParentNotDirectoryException",
            "/file (is not a directory)",
        ),
        (
            "/file",
            "/.reserved",
            "InvalidPathException",
            "Invalid path name Cannot rename to or from /.reserved",
        ),
    ] {
        refused(rename2(&hdfs, src, dst, false), class, message);
    }
    refused(
        rename2(&hdfs, "/empty", "/dir", true),
        "IOException",
        "rename destination directory is not empty: /dir",
    );
    let error = rename2(&hdfs, "/file", "/a/../b", false).expect_err("not a path");
    assert!(error.class().ends_with(".InvalidPathException"));
}

#[test]
fn the_new_rename_replaces_when_it_is_told_to() {
    let fixture = fixture();
    let hdfs = fixture.hdfs();
    let (moved, times) = (hdfs.stat("/file"), hdfs.stat("/file").modification_time);
    fixture.advance(Duration::from_secs(9));
    rename2(&hdfs, "/file", "/other", true).expect("replaced");
    let stat = hdfs.stat("/other");
    assert_eq!(
        (stat.file_id, stat.length, stat.modification_time),
        (moved.file_id, 5, times)
    );
    assert_eq!(
        hdfs.stat("/").modification_time,
        fixture.now.get().as_millis() as u64
    );
    rename2(&hdfs, "/dir/full", "/empty", true).expect("an empty directory is replaced");
    assert_eq!(hdfs.list("/empty").expect("listed"), ["sub"]);
    let invalidated = fixture.heartbeats();
    assert!(
        matches!(&invalidated[..], [(1, DatanodeCommand::Invalidate(blocks))] if blocks.len() == 1),
        "the replaced file's block goes: {invalidated:?}"
    );
}

#[test]
fn permissions_come_first() {
    let fixture = fixture();
    let error = rename2(&fixture.user("alice"), "/missing", "/x", false).expect_err("not hers");
    assert!(
        error.class().ends_with(".AccessControlException"),
        "{error}"
    );
    fixture.hdfs().mkdirs("/hers", 0o777).expect("made");
    fixture.user("alice").write("/hers/f", &[]);
    let error =
        rename2(&fixture.user("alice"), "/hers/f", "/empty/f", false).expect_err("not hers");
    assert!(
        error.message().contains("access=WRITE, inode=\"/empty\""),
        "{error}"
    );
}

#[test]
fn a_file_is_still_written_under_its_new_name() {
    let fixture = fixture();
    let hdfs = fixture.hdfs();
    let id = hdfs.create("/open").expect("created").file_id;
    rename2(&hdfs, "/open", "/empty/moved", false).expect("moved");
    refused(
        hdfs.add_block("/open", None),
        "FileNotFoundException",
        "File does not exist: /open (inode 0) [Lease.  Holder: client-hdfs, pending creates: 1]",
    );
    let request = AddBlockRequestProto {
        src: "/open".to_owned(),
        client_name: "client-hdfs".to_owned(),
        file_id: id,
        ..AddBlockRequestProto::default()
    };
    let block = hdfs
        .call::<AddBlockResponseProto>("addBlock", &request)
        .expect("found by number")
        .block;
    fixture.received(1, &block.b, 3);
    let last = ExtendedBlockProto {
        num_bytes: Some(3),
        ..block.b
    };
    assert!(
        hdfs.complete("/empty/moved", Some(&last))
            .expect("no error")
    );
    assert_eq!(hdfs.stat("/empty/moved").length, 3);
}

#[test]
fn what_a_replaced_file_frees_counts_for_the_quota() {
    let fixture = fixture();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/q", 0o755).expect("made");
    hdfs.write("/q/f", &[5]);
    hdfs.write("/new", &[5]);
    hdfs.write("/larger", &[6]);
    let quota = SetQuotaRequestProto {
        path: "/q".to_owned(),
        namespace_quota: 2,
        storagespace_quota: 5,
        storage_type: None,
    };
    hdfs.call::<SetQuotaResponseProto>("setQuota", &quota)
        .expect("set");
    rename2(&hdfs, "/new", "/q/f", true).expect("as much as goes comes");
    let error = rename2(&hdfs, "/larger", "/q/f", true).expect_err("one byte more");
    assert!(
        error.class().ends_with(".DSQuotaExceededException"),
        "{error}"
    );
    let error = rename2(&hdfs, "/larger", "/q/g", false).expect_err("one file more");
    assert!(
        error.class().ends_with(".NSQuotaExceededException"),
        "{error}"
    );
}
