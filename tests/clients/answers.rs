//! The answers of our NameNode beside those of Hadoop's: the same calls of ClientProtocol by
//! Hadoop's Java client, compared line by line.

use std::path::Path;
use std::process::Command;

use kerbox::Cluster;

use crate::rpc_client::reference::Reference;
use crate::support::{
    Peer, TestResult, Text, hadoop_jars, peer_source, peers_dir, run, run_long, trials,
};

trials! {
    [Peer::JavaHadoop, Peer::Reference] =>
        every_answer_about_rare_features_is_hadoops,
        every_answer_about_snapshots_is_hadoops,
        every_answer_about_files_removed_while_written_is_hadoops,
        every_method_of_client_protocol_is_called,
        every_answer_of_random_operations_is_hadoops;
}

pub(super) const GROUPS: &str = "hadoop.user.group.static.mapping.overrides";

/// Makes all calls of a program, with the client's files in a folder.
fn answers(program: &str, conf: &Path, arguments: &[&str]) -> Text {
    let class_path = format!(
        "{}:{}:{}/*",
        conf.display(),
        peers_dir().join("log").display(),
        hadoop_jars().display()
    );
    let mut java = Command::new("java");
    java.args(["-Dpeers.level=ERROR", "-Djava.net.preferIPv4Stack=true"])
        .args(["-XX:TieredStopAtLevel=1", "-cp", &class_path])
        .arg(peer_source(program))
        .args(arguments);
    run_long(&mut java)?.ok()
}

fn every_answer_about_rare_features_is_hadoops() -> TestResult {
    compare("Answers.java", &[], 300)
}

/// The random sequences of operations, after each of which all snapshots are compared.
const SEQUENCES: &str = "4";

fn every_answer_about_snapshots_is_hadoops() -> TestResult {
    compare("Snapshots.java", &[SEQUENCES], 2000)
}

fn every_answer_about_files_removed_while_written_is_hadoops() -> TestResult {
    compare("GoneFiles.java", &[], 5000)
}

/// The program fails if there is a method that it has not called.
fn every_method_of_client_protocol_is_called() -> TestResult {
    compare("Methods.java", &[], 2 * 111)
}

/// Random operations of three users. `KERBOX_LONG=1` (`.ci/long runs`) plays more of them, and
/// `KERBOX_SEEDS="83 5"` those five sequences that begin with seed 83.
fn every_answer_of_random_operations_is_hadoops() -> TestResult {
    let is_long = std::env::var_os("KERBOX_LONG").is_some_and(|value| value == "1");
    let all = if is_long { "0 80" } else { "0 4" };
    let seeds = std::env::var("KERBOX_SEEDS").unwrap_or_else(|_| all.to_owned());
    let (first, count) = seeds.split_once(' ').ok_or("KERBOX_SEEDS: FIRST COUNT")?;
    let least = 375 * count.parse::<usize>()?;
    compare("Verbs.java", &[first, count, "400"], least)
}

/// Compares the answers of Hadoop's NameNode and of ours to all calls of a program, of which there
/// are at least so many.
fn compare(program: &str, arguments: &[&str], least: usize) -> TestResult {
    // The reference's superuser is the user of its process.
    let superuser = run(Command::new("id").arg("-un"), "")?.ok()?;
    let superuser = superuser.trim();
    let groups = format!("{superuser}=supergroup;alice=alice,staff;bob=bob,staff");
    let settings = [
        &*format!("{GROUPS}={groups}"),
        "dfs.namenode.ec.userdefined.policy.allowed=false",
        // Blocks are recovered with heartbeats.
        "dfs.heartbeat.interval=1",
    ];
    let reference = Reference::start(&settings, |_| {})?;
    let arguments = [&[superuser], arguments].concat();
    let theirs = answers(program, &reference.conf(), &arguments)?;
    drop(reference);
    // MiniDFSCluster enables symbolic links.
    let cluster = Cluster::simple()
        .symlinks()
        .superuser(superuser)
        .set(GROUPS, groups)
        // As the reference has it.
        .set("dfs.namenode.fs-limits.min-block-size", "512")
        .start_blocking()?;
    let env = cluster.env_of("alice");
    let conf = env.get("HADOOP_CONF_DIR").ok_or("no HADOOP_CONF_DIR")?;
    let ours = answers(program, Path::new(conf), &arguments)?;
    let differences: Vec<String> = theirs
        .lines()
        .zip(ours.lines())
        .filter(|(theirs, ours)| theirs != ours)
        .map(|(theirs, ours)| format!("Hadoop: {theirs}\n  ours: {ours}"))
        .collect();
    assert!(
        differences.is_empty(),
        "{} of {} answers differ:\n{}",
        differences.len(),
        theirs.lines().count(),
        differences.join("\n")
    );
    assert_eq!(theirs.lines().count(), ours.lines().count());
    assert!(theirs.lines().count() > least, "the calls were made");
    Ok(())
}
