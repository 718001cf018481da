//! colinmarc/hdfs: RPC, SASL and Kerberos in Go.

use kerbox::{Cluster, ClusterBuilder, Protection};

use crate::support::{Peer, TestResult, command, peers_dir, run, trials};

trials! {
    [Peer::GoHdfs] =>
        it_works_without_security,
        it_works_with_authentication,
        it_works_with_integrity,
        it_works_with_privacy,
        it_works_with_aes;
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
