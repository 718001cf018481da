//! What Hadoop checks first, and what a call that it refuses has done before.

use super::*;

fn quota(fixture: &Fixture, path: &str, namespace: u64) {
    let request = SetQuotaRequestProto {
        path: path.to_owned(),
        namespace_quota: namespace,
        storagespace_quota: u64::MAX,
        storage_type: None,
    };
    let hdfs = fixture.hdfs();
    hdfs.call::<SetQuotaResponseProto>("setQuota", &request)
        .expect("the superuser may");
}

fn move_to_trash(session: &Session<'_>, src: &str, dst: &str) -> Result<(), HdfsError> {
    let request = Rename2RequestProto {
        src: src.to_owned(),
        dst: dst.to_owned(),
        overwrite_dest: false,
        move_to_trash: Some(true),
    };
    session
        .call::<Rename2ResponseProto>("rename2", &request)
        .map(|_| ())
}

#[test]
fn a_new_file_needs_the_right_to_write_before_anything_else() {
    let fixture = Fixture::new();
    fixture.hdfs().mkdirs("/d", 0o755).expect("made");
    let alice = fixture.user("alice");
    let denied =
        "Permission denied: user=alice, access=WRITE, inode=\"/\":hdfs:supergroup:drwxr-xr-x";
    refused(alice.create("/d"), "AccessControlException", denied);
    let mut request = alice.create_request("/f", CreateFlagProto::Create as u32);
    request.block_size = 1;
    let answer = alice.call::<CreateResponseProto>("create", &request);
    refused(answer, "AccessControlException", denied);
    let answer = fixture
        .hdfs()
        .call::<CreateResponseProto>("create", &request);
    refused(
        answer,
        "IOException",
        "Specified block size 1 is less than configured minimum value dfs.namenode.fs-limits.min-block-size=512",
    );
}

#[test]
fn directories_that_a_refused_call_has_made_stay() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    let reserved = hdfs.mkdirs("/a/b/.snapshot/s", 0o755);
    refused(
        reserved,
        "HadoopIllegalArgumentException",
        "\".snapshot\" is a reserved name.",
    );
    assert!(hdfs.exists("/a/b"));
    hdfs.mkdirs("/q", 0o755).expect("made");
    quota(&fixture, "/q", 3);
    refused(
        hdfs.create("/q/one/two/f"),
        "NSQuotaExceededException",
        "The NameSpace quota (directories and files) of directory /q is exceeded: quota=3 file count=4",
    );
    assert!(hdfs.exists("/q/one/two"));
}

#[test]
fn a_file_is_gone_if_a_quota_has_no_room_for_the_one_in_its_place() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/q", 0o755).expect("made");
    hdfs.write("/q/f", &[]);
    quota(&fixture, "/q", 1);
    let flags = CreateFlagProto::Create as u32 | CreateFlagProto::Overwrite as u32;
    let request = hdfs.create_request("/q/f", flags);
    refused(
        hdfs.call::<CreateResponseProto>("create", &request),
        "NSQuotaExceededException",
        "The NameSpace quota (directories and files) of directory /q is exceeded: quota=1 file count=2",
    );
    assert!(!hdfs.exists("/q/f"));
}

#[test]
fn everybody_may_ask_if_there_is_a_file() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/private/d", 0o755).expect("made");
    hdfs.write("/private/f", &[]);
    hdfs.chmod("/private", 0o700).expect("changed");
    let alice = fixture.user("alice");
    for (path, text) in [
        ("/private/d", "Path is not a file: /private/d"),
        ("/private/none", "File does not exist: /private/none"),
    ] {
        refused(alice.locations(path), "FileNotFoundException", text);
    }
    refused(
        alice.locations("/private/f"),
        "AccessControlException",
        "Permission denied: user=alice, access=EXECUTE, inode=\"/private\":hdfs:supergroup:drwx------",
    );
}

#[test]
fn into_the_trash_goes_only_what_the_caller_may_delete() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/open", 0o777).expect("made");
    hdfs.chmod("/open", 0o777).expect("changed");
    hdfs.mkdirs("/open/d/e", 0o700).expect("made");
    hdfs.chmod("/open/d", 0o700).expect("changed");
    let alice = fixture.user("alice");
    refused(
        move_to_trash(&alice, "/open/d", "/open/trash"),
        "AccessControlException",
        "Permission denied: user=alice, access=ALL, inode=\"/open/d\":hdfs:supergroup:drwx------",
    );
    move_to_trash(&hdfs, "/open/d", "/open/trash").expect("the superuser may");
}

#[test]
fn the_first_block_after_an_offset_is_there_whatever_the_length() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[1 << 20, 10]);
    for (offset, length, starts) in [
        (0, 0, vec![0]),
        (5, 1, vec![0]),
        (0, (1 << 20) + 1, vec![0, 1 << 20]),
        (1 << 20, 0, vec![1 << 20]),
        (5, i64::MAX as u64, vec![0]),
        (1 << 30, 10, vec![]),
    ] {
        let request = GetBlockLocationsRequestProto {
            src: "/f".to_owned(),
            offset,
            length,
        };
        let found = hdfs
            .call::<GetBlockLocationsResponseProto>("getBlockLocations", &request)
            .expect("there")
            .locations
            .expect("a file");
        let found: Vec<u64> = found.blocks.iter().map(|block| block.offset).collect();
        assert_eq!(found, starts, "{offset} {length}");
    }
}
