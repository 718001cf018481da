//! colinmarc/hdfs: RPC, SASL and Kerberos in Go.

use kerbox::{Cluster, ClusterBuilder, Protection};

use crate::support::{Peer, TestResult, command, peers_dir, run, trials};

trials! {
    [Peer::GoHdfs] =>
        it_works_without_security,
        it_works_with_authentication,
        it_works_with_integrity,
        it_works_with_privacy,
        it_works_with_aes,
        it_takes_snapshots_and_sets_attributes;
}

fn round_trip(builder: ClusterBuilder) -> TestResult {
    let cluster = builder.start_blocking()?;
    let env = match cluster.realm() {
        Some(_) => cluster.login_blocking("alice")?.env(),
        None => cluster.env_of("alice"),
    };
    let program = peers_dir().join("bin/hdfs-go");
    let hdfs = |arguments: &[&str]| run(&mut command(&env, &program, arguments), "")?.ok();
    let local = cluster.path().join("local");
    let text: String = (0..20_000).map(|i| format!("line {i}\n")).collect();
    std::fs::write(&local, &text)?;
    hdfs(&["mkdir", "-p", "/user/alice/d"])?;
    hdfs(&["put", &local.display().to_string(), "/user/alice/d/f"])?;
    assert!(hdfs(&["ls", "/user/alice/d"])?.contains('f'));
    assert!(
        hdfs(&["cat", "/user/alice/d/f"])? == text,
        "the file came back changed"
    );
    hdfs(&["mv", "/user/alice/d/f", "/user/alice/d/g"])?;
    hdfs(&["chmod", "600", "/user/alice/d/g"])?;
    let listed = hdfs(&["ls", "-l", "/user/alice/d"])?;
    assert!(listed.contains("-rw-------"), "{listed}");
    hdfs(&["rm", "-r", "/user/alice/d"])?;
    Ok(())
}

fn it_works_without_security() -> TestResult {
    round_trip(Cluster::simple())
}

fn it_works_with_authentication() -> TestResult {
    round_trip(Cluster::secure())
}

fn it_works_with_integrity() -> TestResult {
    round_trip(Cluster::secure().protection(Protection::Integrity))
}

fn it_works_with_privacy() -> TestResult {
    round_trip(Cluster::secure().protection(Protection::Privacy))
}

fn it_works_with_aes() -> TestResult {
    round_trip(Cluster::secure().protection(Protection::PrivacyAes))
}

fn it_takes_snapshots_and_sets_attributes() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let program = peers_dir().join("bin/hdfs-go-snapshots");
    let env = cluster.env_of("hdfs");
    let printed = run(&mut command(&env, &program, &["hdfs"]), "")?.ok()?;
    let exception = |call: &str, class: &str| {
        format!(
            "{call} call failed with ERROR_APPLICATION (org.apache.hadoop.hdfs.protocol.{class})"
        )
    };
    let read_only = exception("mkdirs", "SnapshotAccessControlException");
    let expected = [
        "mkdir = done",
        "allow = done",
        "allow by alice = permission denied",
        "create = /go/.snapshot/s1",
        &format!(
            "create again = {}",
            exception("createSnapshot", "SnapshotException")
        ),
        "create by alice = permission denied",
        "remove = done",
        "list = 1",
        "stat = there",
        &format!("mkdir in a snapshot = mkdir /go/.snapshot/s1/e: {read_only}"),
        &format!(
            "disallow = {}",
            exception("disallowSnapshot", "SnapshotException")
        ),
        "delete by alice = permission denied",
        "delete = done",
        &format!(
            "delete again = {}",
            exception("deleteSnapshot", "SnapshotException")
        ),
        "disallow = done",
        "set = done",
        "set trusted = done",
        "set by alice = set xattr /go: permission denied",
        "set without a name space = set xattr /go: invalid key: 'none'",
        "list = [trusted.b:two user.a:one]",
        "list by alice = [user.a:one]",
        "get = [user.a:one]",
        "get none = get xattrs /go: one or more keys not found",
        "remove = done",
        "remove again = remove xattr /go: one or more keys not found",
    ];
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines, expected);
    Ok(())
}
