use super::*;

#[test]
fn the_seeds_workflow_runs_and_keeps_others_out() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    assert!(hdfs.mkdirs("/user/jupyter", 0o755).expect("made"));
    hdfs.chown("/user/jupyter", Some("jupyter"), Some("jupyter"))
        .expect("the superuser may");
    let jupyter = fixture.user("jupyter");
    jupyter
        .chmod("/user/jupyter", 0o700)
        .expect("the owner may");
    jupyter.write("/user/jupyter/empty", &[]);
    assert_eq!(jupyter.list("/user/jupyter").expect("their own"), ["empty"]);
    let stat = jupyter.stat("/user/jupyter");
    assert_eq!(
        (
            stat.owner.as_str(),
            stat.group.as_str(),
            stat.permission.perm
        ),
        ("jupyter", "jupyter", 0o700)
    );
    refused(
        fixture.user("alice").list("/user/jupyter"),
        "AccessControlException",
        "Permission denied: user=alice, access=READ_EXECUTE, inode=\"/user/jupyter\":jupyter:jupyter:drwx------",
    );
    refused(
        fixture.user("alice").status("/user/jupyter/empty"),
        "AccessControlException",
        "Permission denied: user=alice, access=EXECUTE, inode=\"/user/jupyter\":jupyter:jupyter:drwx------",
    );
    refused(
        jupyter.delete("/user/jupyter", true),
        "AccessControlException",
        "Permission denied: user=jupyter, access=WRITE, inode=\"/user\":hdfs:supergroup:drwxr-xr-x",
    );
    assert!(
        hdfs.delete("/user/jupyter", true)
            .expect("the superuser may")
    );
    assert!(!hdfs.exists("/user/jupyter"));
}

#[test]
fn inodes_are_numbered_as_hadoop_numbers_them() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    assert_eq!(hdfs.stat("/").file_id, Some(16_385));
    hdfs.mkdirs("/a/b", 0o755).expect("made");
    assert_eq!(
        (hdfs.stat("/a").file_id, hdfs.stat("/a/b").file_id),
        (Some(16_386), Some(16_387))
    );
    assert_eq!(hdfs.stat("/.reserved/.inodes/16387").file_id, Some(16_387));
    assert_eq!(
        hdfs.stat("/.reserved/.inodes/16386/b").file_id,
        Some(16_387)
    );
    refused(
        hdfs.status("/.reserved/.inodes/99"),
        "FileNotFoundException",
        "File for given inode path does not exist: /.reserved/.inodes/99",
    );
}

#[test]
fn a_missing_path_has_no_status_and_a_bad_one_is_refused() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    assert!(!hdfs.exists("/nothing/here"));
    for odd in ["/a/../b", "/./a", "/a:b"] {
        assert!(!hdfs.exists(odd), "nothing has such a name");
        refused(
            hdfs.mkdirs(odd, 0o755),
            "InvalidPathException",
            &format!("Invalid path name Invalid file name: {odd}"),
        );
    }
    assert!(hdfs.exists("//"));
    refused(
        hdfs.status("relative"),
        "AssertionError",
        "Absolute path required, but got 'relative'",
    );
    refused(
        hdfs.mkdirs("", 0o755),
        "IllegalArgumentException",
        "Can not create a Path from an empty string",
    );
}

#[test]
fn directories_get_their_parents_group_and_the_mode_that_was_asked_for() {
    let fixture = Fixture::new();
    fixture.hdfs().mkdirs("/open", 0o1777).expect("made");
    fixture
        .hdfs()
        .chown("/open", None, Some("everybody"))
        .expect("changed");
    fixture
        .user("alice")
        .mkdirs("/open/x/y", 0o070)
        .expect("made");
    let (x, y) = (
        fixture.hdfs().stat("/open/x"),
        fixture.hdfs().stat("/open/x/y"),
    );
    assert_eq!((x.owner.as_str(), x.group.as_str()), ("alice", "everybody"));
    assert_eq!(
        (x.permission.perm, y.permission.perm),
        (0o370, 0o070),
        "u+wx on the way"
    );
    assert_eq!(fixture.hdfs().stat("/open").permission.perm, 0o1777);
}

#[test]
fn mkdirs_refuses_what_stands_in_its_way() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.write("/file", &[]);
    assert!(hdfs.mkdirs("/", 0o755).expect("it is there"));
    refused(
        hdfs.mkdirs("/file", 0o755),
        "FileAlreadyExistsException",
        "Path is not a directory: /file",
    );
    refused(
        hdfs.mkdirs("/file/below", 0o755),
        "ParentNotDirectoryException",
        "/file (is not a directory)",
    );
    refused(
        fixture.user("alice").status("/file/below"),
        "AccessControlException",
        "/file (is not a directory)",
    );
    assert!(
        !hdfs.exists("/file/below"),
        "superusers are told that there is nothing"
    );
    let request = MkdirsRequestProto {
        src: "/no/parent".to_owned(),
        masked: FsPermissionProto { perm: 0o755 },
        create_parent: false,
        unmasked: None,
    };
    refused(
        hdfs.call::<MkdirsResponseProto>("mkdirs", &request),
        "FileNotFoundException",
        "Parent directory doesn't exist: /no",
    );
    refused(
        hdfs.mkdirs("/a/.snapshot", 0o755),
        "HadoopIllegalArgumentException",
        "\".snapshot\" is a reserved name.",
    );
    assert!(hdfs.mkdirs("/.reserved/x", 0o755).is_err());
    let long = format!("/{}", "x".repeat(256));
    let error = hdfs.mkdirs(&long, 0o755).expect_err("too long");
    assert!(
        error.class().ends_with("$PathComponentTooLongException"),
        "{error}"
    );
}

#[test]
fn delete_wants_to_know_that_it_may_be_recursive() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/a/b", 0o755).expect("made");
    refused(
        hdfs.delete("/a", false),
        "PathIsNotEmptyDirectoryException",
        "`/a is non empty': Directory is not empty",
    );
    assert!(!hdfs.delete("/missing", true).expect("no error"));
    assert!(hdfs.delete("/a/b", false).expect("empty"));
    assert!(hdfs.delete("/a", true).expect("removed"));
    assert!(!hdfs.delete("/", true).expect("no error"), "the root stays");
}

#[test]
fn a_delete_needs_all_rights_on_every_directory_that_is_not_empty() {
    let fixture = Fixture::new();
    fixture.hdfs().mkdirs("/open", 0o777).expect("made");
    fixture
        .user("alice")
        .mkdirs("/open/a/b", 0o777)
        .expect("made");
    fixture
        .user("bob")
        .mkdirs("/open/a/b/c/d", 0o755)
        .expect("made");
    refused(
        fixture.user("alice").delete("/open/a", true),
        "AccessControlException",
        "Permission denied: user=alice, access=ALL, inode=\"/open/a/b/c\":bob:supergroup:drwxr-xr-x",
    );
    fixture
        .user("bob")
        .delete("/open/a/b/c/d", false)
        .expect("their own");
    assert!(
        fixture
            .user("alice")
            .delete("/open/a", true)
            .expect("what is left is empty")
    );
}

#[test]
fn modification_times_of_directories_follow_their_children() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d", 0o755).expect("made");
    fixture.advance(Duration::from_secs(5));
    hdfs.write("/d/f", &[]);
    let now = fixture.now.get().as_millis() as u64;
    assert_eq!(hdfs.stat("/d").modification_time, now);
    assert_eq!(hdfs.stat("/d/f").access_time, now);
    fixture.advance(Duration::from_secs(5));
    hdfs.delete("/d/f", false).expect("removed");
    assert_eq!(hdfs.stat("/d").modification_time, now + 5000);
    assert_eq!(hdfs.stat("/d").access_time, 0);
}

#[test]
fn a_quota_counts_what_is_below() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/q", 0o777).expect("made");
    let quota = |namespace: i64, space: i64| SetQuotaRequestProto {
        path: "/q".to_owned(),
        namespace_quota: namespace as u64,
        storagespace_quota: space as u64,
        storage_type: None,
    };
    let set = |session: &Session<'_>, namespace, space| {
        session.call::<SetQuotaResponseProto>("setQuota", &quota(namespace, space))
    };
    refused(
        set(&fixture.user("alice"), 2, -1),
        "AccessControlException",
        "Access denied for user alice. Superuser privilege is required for operation setSpaceQuota",
    );
    set(&hdfs, 2, -1).expect("set");
    hdfs.mkdirs("/q/one", 0o755).expect("within the quota");
    refused(
        hdfs.mkdirs("/q/two", 0o755),
        "NSQuotaExceededException",
        "The NameSpace quota (directories and files) of directory /q is exceeded: quota=2 file count=3",
    );
    hdfs.mkdirs("/elsewhere", 0o755).expect("made");
    let request = Rename2RequestProto {
        src: "/elsewhere".to_owned(),
        dst: "/q/moved".to_owned(),
        ..Rename2RequestProto::default()
    };
    assert!(
        hdfs.call::<Rename2ResponseProto>("rename2", &request)
            .is_err(),
        "a move adds too"
    );
    let request = Rename2RequestProto {
        src: "/q/one".to_owned(),
        dst: "/q/uno".to_owned(),
        ..Rename2RequestProto::default()
    };
    hdfs.call::<Rename2ResponseProto>("rename2", &request)
        .expect("a move within does not");
    let request = GetContentSummaryRequestProto {
        path: "/q".to_owned(),
    };
    let summary = hdfs
        .call::<GetContentSummaryResponseProto>("getContentSummary", &request)
        .expect("told")
        .summary;
    assert_eq!(
        (summary.directory_count, summary.quota, summary.space_quota),
        (2, 2, u64::MAX)
    );
    set(&hdfs, -1, i64::MAX).expect("cleared");
    hdfs.mkdirs("/q/two", 0o755).expect("no quota any more");
}

#[test]
fn safe_mode_forbids_changes_and_nothing_else() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    let switch = |session: &Session<'_>, action: SafeModeActionProto| {
        let request = SetSafeModeRequestProto {
            action: action.into(),
            checked: None,
        };
        session
            .call::<SetSafeModeResponseProto>("setSafeMode", &request)
            .map(|response| response.result)
    };
    assert!(
        !switch(&fixture.user("alice"), SafeModeActionProto::SafemodeGet).expect("anybody may ask")
    );
    assert!(switch(&fixture.user("alice"), SafeModeActionProto::SafemodeEnter).is_err());
    assert!(switch(&hdfs, SafeModeActionProto::SafemodeEnter).expect("the superuser may"));
    let error = hdfs.mkdirs("/a", 0o755).expect_err("safe mode");
    assert!(error.class().ends_with(".SafeModeException"));
    assert!(
        error
            .message()
            .starts_with("Cannot create directory /a. Name node is in safe mode.\n")
    );
    assert!(!hdfs.exists("/a"));
    switch(&hdfs, SafeModeActionProto::SafemodeLeave).expect("the superuser may");
    hdfs.mkdirs("/a", 0o755).expect("made");
}

#[test]
fn unknown_methods_protocols_and_versions_are_told_apart() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    let unknown = hdfs.call::<MsyncResponseProto>("getUnknown", &MsyncRequestProto {});
    refused(
        unknown,
        "RpcNoSuchMethodException",
        "Unknown method getUnknown called on org.apache.hadoop.hdfs.protocol.ClientProtocol protocol.",
    );
}

#[test]
fn a_call_that_is_repeated_gets_the_first_answer() {
    let fixture = Fixture::new();
    let mut hdfs = fixture.hdfs();
    hdfs.mkdirs("/once", 0o755).expect("made");
    hdfs.caller.client_id = [7; 16];
    hdfs.caller.call_id = 3;
    assert!(hdfs.delete("/once", true).expect("removed"));
    assert!(
        hdfs.delete("/once", true).expect("the same call"),
        "as if it were still there"
    );
    let mut stranger = fixture.user("root2");
    stranger.caller = Caller {
        user: User::simple("root2"),
        ..hdfs.caller.clone()
    };
    assert!(!stranger.delete("/once", true).expect("another user's call"));
    hdfs.caller.call_id = 4;
    assert!(!hdfs.delete("/once", true).expect("another call"));
    hdfs.caller.call_id = 3;
    fixture.advance(Duration::from_secs(10 * 60));
    assert!(!hdfs.delete("/once", true).expect("forgotten"));
}

/// Hadoop's `RetryCache` only repeats successful responses. A failed call is executed again,
/// because the obstacle may be gone.
#[test]
fn a_call_that_failed_is_made_again_when_it_is_repeated() {
    let fixture = Fixture::new();
    let mut hdfs = fixture.hdfs();
    hdfs.mkdirs("/full/of", 0o755).expect("made");
    hdfs.caller.client_id = [7; 16];
    hdfs.caller.call_id = 3;
    refused(
        hdfs.delete("/full", false),
        "PathIsNotEmptyDirectoryException",
        "`/full is non empty': Directory is not empty",
    );
    refused(
        hdfs.delete("/full", false),
        "PathIsNotEmptyDirectoryException",
        "`/full is non empty': Directory is not empty",
    );
    hdfs.caller.call_id = 4;
    assert!(hdfs.delete("/full/of", true).expect("removed"));
    hdfs.caller.call_id = 3;
    assert!(hdfs.delete("/full", false).expect("it is empty now"));
    assert!(
        hdfs.delete("/full", false).expect("the same call"),
        "kept since it succeeded"
    );
}

#[test]
fn a_quota_of_the_root_is_cleared_to_the_one_that_nothing_reaches() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    let longest = i64::MAX as u64;
    let set = |namespace_quota| {
        let request = SetQuotaRequestProto {
            path: "/".to_owned(),
            namespace_quota,
            storagespace_quota: longest,
            storage_type: None,
        };
        hdfs.call::<SetQuotaResponseProto>("setQuota", &request)
            .expect("set");
        let request = GetQuotaUsageRequestProto {
            path: "/".to_owned(),
        };
        let usage = hdfs.call::<GetQuotaUsageResponseProto>("getQuotaUsage", &request);
        usage.expect("told").usage.quota
    };
    assert_eq!(set(10), 10);
    assert_eq!(set(u64::MAX), longest);
}
