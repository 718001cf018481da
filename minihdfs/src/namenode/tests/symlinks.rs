//! Symbolic links: what each verb does with one in the middle and at the end of its path.

use super::*;

/// A NameNode with the links `/l` to the directory `/d`, `/lf` to the file `/d/f`, and `/dangling`.
fn linked() -> Fixture {
    let fixture = Fixture::with_config(&[], |config| config.symlinks = true);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d", 0o755).expect("made");
    hdfs.write("/d/f", &[]);
    for (target, link) in [("/d", "/l"), ("d/f", "/lf"), ("/nothing", "/dangling")] {
        hdfs.link(target, link).expect("created");
    }
    fixture
}

impl Session<'_> {
    fn link(&self, target: &str, link: &str) -> Result<(), HdfsError> {
        let request = CreateSymlinkRequestProto {
            target: target.to_owned(),
            link: link.to_owned(),
            dir_perm: FsPermissionProto { perm: 0o755 },
            create_parent: false,
        };
        self.call::<CreateSymlinkResponseProto>("createSymlink", &request)
            .map(drop)
    }

    fn link_status(&self, src: &str) -> Result<Option<HdfsFileStatusProto>, HdfsError> {
        let request = GetFileLinkInfoRequestProto {
            src: src.to_owned(),
        };
        self.call::<GetFileLinkInfoResponseProto>("getFileLinkInfo", &request)
            .map(|response| response.fs)
    }

    fn target(&self, path: &str) -> Result<String, HdfsError> {
        let request = GetLinkTargetRequestProto {
            path: path.to_owned(),
        };
        self.call::<GetLinkTargetResponseProto>("getLinkTarget", &request)
            .map(|response| response.target_path().to_owned())
    }
}

#[test]
fn links_are_off_by_default() {
    let fixture = Fixture::new();
    refused(
        fixture.hdfs().link("/d", "/l"),
        "UnsupportedOperationException",
        "Symlinks not supported",
    );
}

#[test]
fn a_link_in_the_middle_of_a_path_is_resolved_by_the_client() {
    let fixture = linked();
    for user in ["hdfs", "bob"] {
        let session = fixture.user(user);
        let beyond = |answer: Result<String, HdfsError>| {
            refused(answer, "UnresolvedPathException", "/d/x");
        };
        beyond(session.status("/l/x").map(|_| String::new()));
        beyond(session.link_status("/l/x").map(|_| String::new()));
        beyond(session.mkdirs("/l/x", 0o755).map(|_| String::new()));
        beyond(session.create("/l/x").map(|_| String::new()));
        beyond(session.delete("/l/x", true).map(|_| String::new()));
        beyond(session.list("/l/x").map(|_| String::new()));
        beyond(session.chmod("/l/x", 0o700).map(|_| String::new()));
        beyond(session.locations("/l/x").map(|_| String::new()));
        assert_eq!(session.target("/l/x").as_deref(), Ok("/d/x"));
    }
}

#[test]
fn a_link_at_the_end_is_followed_except_by_verbs_that_mean_it() {
    let fixture = linked();
    let hdfs = fixture.hdfs();
    refused(hdfs.status("/l"), "UnresolvedPathException", "/d");
    refused(hdfs.list("/l"), "UnresolvedPathException", "/d");
    refused(hdfs.locations("/lf"), "UnresolvedPathException", "/d/f");
    refused(hdfs.chmod("/lf", 0o600), "UnresolvedPathException", "/d/f");
    refused(
        hdfs.status("/dangling"),
        "UnresolvedPathException",
        "/nothing",
    );
    let status = hdfs.link_status("/l").expect("itself").expect("there");
    assert_eq!(
        status.file_type(),
        hdfs_file_status_proto::FileType::IsSymlink
    );
    assert_eq!(status.symlink(), b"/d");
    assert_eq!((status.permission.perm, status.length), (0o777, 0));
    assert_eq!(hdfs.target("/lf").as_deref(), Ok("d/f"));
    refused(
        hdfs.target("/d/f"),
        "IOException",
        "Path /d/f is not a symbolic link",
    );
    refused(
        hdfs.target("/none"),
        "FileNotFoundException",
        "File does not exist: /none",
    );
    assert_eq!(
        hdfs.list("/").expect("the root"),
        ["d", "dangling", "l", "lf"]
    );
    assert_eq!(hdfs.delete("/l", false), Ok(true));
    assert!(hdfs.exists("/d/f"), "the target stays");
}

#[test]
fn a_link_can_be_moved_but_not_onto_its_target() {
    let fixture = linked();
    let hdfs = fixture.hdfs();
    let rename = |src: &str, dst: &str| {
        let request = Rename2RequestProto {
            src: src.to_owned(),
            dst: dst.to_owned(),
            overwrite_dest: true,
            ..Rename2RequestProto::default()
        };
        hdfs.call::<Rename2ResponseProto>("rename2", &request)
    };
    refused(
        rename("/l", "/d"),
        "FileAlreadyExistsException",
        "Cannot rename symlink /l to its target /d",
    );
    rename("/l", "/d/l").expect("moved");
    assert_eq!(hdfs.target("/d/l").as_deref(), Ok("/d"));
    refused(hdfs.status("/d/l/f"), "UnresolvedPathException", "/d/f");
    // A circle is none of the NameNode's business: clients count how often they follow.
    hdfs.link("/d/b", "/d/a").expect("created");
    hdfs.link("/d/a", "/d/b").expect("created");
    refused(hdfs.status("/d/a"), "UnresolvedPathException", "/d/b");
    refused(hdfs.status("/d/b"), "UnresolvedPathException", "/d/a");
}

#[test]
fn unfit_links_are_refused_as_in_hadoop() {
    let fixture = linked();
    let hdfs = fixture.hdfs();
    let invalid = "InvalidPathException";
    for (target, link, class, message) in [
        ("", "/x", invalid, "Invalid path name Invalid target name: "),
        (
            "/d",
            "",
            "IllegalArgumentException",
            "Can not create a Path from an empty string",
        ),
        (
            "/.reserved/raw",
            "/x",
            invalid,
            "Invalid path name Invalid target name: /.reserved/raw",
        ),
        (
            "/d",
            "/x:y",
            invalid,
            "Invalid path name Invalid link name: /x:y",
        ),
        (
            "/d",
            "/d/f",
            "IOException",
            "failed to create link /d/f either because the filename is invalid or the file exists",
        ),
        (
            "/d",
            "/none/l",
            "FileNotFoundException",
            "Parent directory doesn't exist: /none",
        ),
    ] {
        refused(hdfs.link(target, link), class, message);
    }
    refused(
        fixture.user("bob").link("/d", "/d/x"),
        "AccessControlException",
        "Permission denied: user=bob, access=WRITE, inode=\"/d\":hdfs:supergroup:drwxr-xr-x",
    );
}

#[test]
fn links_count_as_inodes_and_as_files() {
    let fixture = linked();
    let request = GetContentSummaryRequestProto {
        path: "/".to_owned(),
    };
    let summary = fixture
        .hdfs()
        .call::<GetContentSummaryResponseProto>("getContentSummary", &request)
        .expect("the superuser")
        .summary;
    assert_eq!((summary.file_count, summary.directory_count), (4, 2));
    let request = GetQuotaUsageRequestProto {
        path: "/".to_owned(),
    };
    let usage = fixture
        .hdfs()
        .call::<GetQuotaUsageResponseProto>("getQuotaUsage", &request)
        .expect("the superuser")
        .usage;
    assert_eq!(usage.file_and_directory_count, 6);
}
