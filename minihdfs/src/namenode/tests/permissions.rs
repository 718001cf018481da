use super::*;

/// Owner alice, group staff; alice is in staff, bob is not; carol is only in staff.
fn fixture(mode: u32) -> Fixture {
    let fixture = Fixture::with(&[(
        "hadoop.user.group.static.mapping.overrides",
        "alice=staff;bob=students;carol=staff;root2=supergroup",
    )]);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d", 0o777).expect("made");
    hdfs.mkdirs("/d/target", 0o755).expect("made");
    hdfs.chown("/d/target", Some("alice"), Some("staff"))
        .expect("changed");
    hdfs.chmod("/d/target", mode).expect("changed");
    fixture
}

fn access(session: &Session<'_>, bits: i32) -> bool {
    let request = CheckAccessRequestProto {
        path: "/d/target".to_owned(),
        mode: bits,
    };
    session
        .call::<CheckAccessResponseProto>("checkAccess", &request)
        .is_ok()
}

#[test]
fn the_first_class_that_applies_decides() {
    for mode in 0..0o1000 {
        let fixture = fixture(mode);
        for (user, shift) in [("alice", 6), ("carol", 3), ("bob", 0)] {
            let session = fixture.user(user);
            for bits in 0..8 {
                let granted = (mode >> shift) & 7 & bits == bits;
                assert_eq!(
                    access(&session, bits as i32),
                    granted,
                    "{user} {mode:o} {bits}"
                );
            }
        }
        assert!(
            access(&fixture.hdfs(), 7) && access(&fixture.user("root2"), 7),
            "superusers"
        );
    }
}

#[test]
fn without_permissions_everybody_may_everything_but_what_the_lock_protects() {
    let fixture = Fixture::with(&[("dfs.permissions.enabled", "false")]);
    fixture
        .user("bob")
        .mkdirs("/anything", 0o000)
        .expect("nobody asks");
    fixture
        .user("alice")
        .delete("/anything", true)
        .expect("nobody asks");
    fixture
        .user("alice")
        .mkdirs("/x", 0o755)
        .expect("nobody asks");
    fixture
        .user("bob")
        .chown("/x", Some("bob"), None)
        .expect("nobody asks");
}

#[test]
fn the_sticky_bit_keeps_others_from_removing_and_renaming() {
    let fixture = Fixture::new();
    fixture.hdfs().mkdirs("/tmp", 0o1777).expect("made");
    fixture.user("alice").write("/tmp/hers", &[]);
    let denied = "Permission denied by sticky bit: user=bob, path=\"/tmp/hers\":alice:supergroup:-rw-r--r--, \
                  parent=\"/tmp\":hdfs:supergroup:drwxrwxrwt";
    let bob = fixture.user("bob");
    refused(
        bob.delete("/tmp/hers", false),
        "AccessControlException",
        denied,
    );
    let rename = RenameRequestProto {
        src: "/tmp/hers".to_owned(),
        dst: "/tmp/his".to_owned(),
    };
    refused(
        bob.call::<RenameResponseProto>("rename", &rename),
        "AccessControlException",
        denied,
    );
    assert!(
        fixture
            .user("alice")
            .delete("/tmp/hers", false)
            .expect("her own")
    );
}

#[test]
fn the_usage_of_a_sticky_directory_is_shown_to_owners_and_its_summary_to_all() {
    let fixture = Fixture::new();
    fixture.hdfs().mkdirs("/tmp", 0o1777).expect("made");
    fixture.user("alice").write("/tmp/hers", &[]);
    let usage = |user: &str| {
        let path = "/tmp".to_owned();
        let request = GetQuotaUsageRequestProto { path };
        let fixture = fixture.user(user);
        fixture.call::<GetQuotaUsageResponseProto>("getQuotaUsage", &request)
    };
    usage("alice").expect("all of it is hers");
    usage("hdfs").expect("the superuser");
    refused(
        usage("bob"),
        "AccessControlException",
        "Permission denied by sticky bit: user=bob, path=\"/tmp/hers\":alice:supergroup:-rw-r--r--, \
         parent=\"/tmp\":hdfs:supergroup:drwxrwxrwt",
    );
    let path = "/tmp".to_owned();
    let request = GetContentSummaryRequestProto { path };
    let bob = fixture.user("bob");
    bob.call::<GetContentSummaryResponseProto>("getContentSummary", &request)
        .expect("summed up");
}

#[test]
fn a_tree_with_sticky_directories_is_removed_only_by_owners() {
    let fixture = Fixture::new();
    fixture.hdfs().mkdirs("/open", 0o777).expect("made");
    fixture
        .user("bob")
        .mkdirs("/open/dir", 0o777)
        .expect("made");
    fixture
        .user("bob")
        .chmod("/open/dir", 0o1777)
        .expect("his own");
    fixture.user("alice").write("/open/dir/hers", &[]);
    fixture
        .user("carol")
        .mkdirs("/open/dir/carols", 0o755)
        .expect("made");
    let error = fixture
        .user("carol")
        .delete("/open/dir", true)
        .expect_err("hers is not carol's");
    assert!(
        error
            .message()
            .starts_with("Permission denied by sticky bit: user=carol"),
        "{error}"
    );
    assert!(
        fixture
            .user("bob")
            .delete("/open/dir", true)
            .expect("the directory is his")
    );
}

#[test]
fn only_owners_change_modes_and_only_superusers_owners() {
    let fixture = fixture(0o777);
    refused(
        fixture.user("bob").chmod("/d/target", 0o700),
        "AccessControlException",
        "Permission denied. user=bob is not the owner of inode=/d/target",
    );
    let alice = fixture.user("alice");
    refused(
        alice.chown("/d/target", Some("bob"), None),
        "AccessControlException",
        "User alice is not a super user (non-super user cannot change owner).",
    );
    refused(
        alice.chown("/d/target", None, Some("students")),
        "AccessControlException",
        "User alice does not belong to students",
    );
    alice
        .chown("/d/target", Some("alice"), Some("staff"))
        .expect("no change");
    fixture
        .user("root2")
        .chown("/d/target", Some("bob"), Some("anything"))
        .expect("a superuser by group");
    assert_eq!(fixture.hdfs().stat("/d/target").owner, "bob");
    refused(
        fixture.hdfs().chmod("/missing", 0o700),
        "FileNotFoundException",
        "Directory/File does not exist /missing",
    );
}

#[test]
fn reading_and_writing_files_need_their_bits() {
    let fixture = Fixture::new().with_datanodes(1);
    fixture.hdfs().mkdirs("/open", 0o777).expect("made");
    fixture.user("alice").write("/open/f", &[10]);
    fixture
        .user("alice")
        .chmod("/open/f", 0o600)
        .expect("her own");
    let bob = fixture.user("bob");
    refused(
        bob.locations("/open/f"),
        "AccessControlException",
        "Permission denied: user=bob, access=READ, inode=\"/open/f\":alice:supergroup:-rw-------",
    );
    let overwrite = bob.create_request("/open/f", 3);
    let write_denied =
        "Permission denied: user=bob, access=WRITE, inode=\"/open/f\":alice:supergroup:-rw-------";
    refused(
        bob.call::<CreateResponseProto>("create", &overwrite),
        "AccessControlException",
        write_denied,
    );
    let append = AppendRequestProto {
        src: "/open/f".to_owned(),
        client_name: "client-bob".to_owned(),
        flag: None,
    };
    refused(
        bob.call::<AppendResponseProto>("append", &append),
        "AccessControlException",
        write_denied,
    );
    let replication = SetReplicationRequestProto {
        src: "/open/f".to_owned(),
        replication: 2,
    };
    refused(
        bob.call::<SetReplicationResponseProto>("setReplication", &replication),
        "AccessControlException",
        write_denied,
    );
    let lease = RecoverLeaseRequestProto {
        src: "/open/g".to_owned(),
        client_name: "client-bob".to_owned(),
    };
    fixture.user("alice").create("/open/g").expect("created");
    refused(
        bob.call::<RecoverLeaseResponseProto>("recoverLease", &lease),
        "AccessControlException",
        "Permission denied: user=bob, access=WRITE, inode=\"/open/g\":alice:supergroup:-rw-r--r--",
    );
    refused(
        bob.create("/f"),
        "AccessControlException",
        "Permission denied: user=bob, access=WRITE, inode=\"/\":hdfs:supergroup:drwxr-xr-x",
    );
}

#[test]
fn reports_are_for_superusers() {
    let fixture = Fixture::new().with_datanodes(2);
    let request = GetDatanodeReportRequestProto {
        r#type: DatanodeReportTypeProto::Live.into(),
    };
    let ask = |session: &Session<'_>| {
        session.call::<GetDatanodeReportResponseProto>("getDatanodeReport", &request)
    };
    assert_eq!(ask(&fixture.hdfs()).expect("the superuser may").di.len(), 2);
    assert!(ask(&fixture.user("alice")).is_err());
    let open = ListOpenFilesRequestProto::default();
    assert!(
        fixture
            .user("alice")
            .call::<ListOpenFilesResponseProto>("listOpenFiles", &open)
            .is_err()
    );
}
