//! Snapshots by Hadoop's command line, and by DistCp: what it prints for ours and for a real
//! cluster.

use std::path::Path;
use std::process::Command;

use kerbox::Cluster;

use super::answers::GROUPS;
use crate::rpc_client::reference::Reference;
use crate::support::{Peer, TestResult, hadoop_jars, peer_source, peers_dir, run, trials};

trials! {
    [Peer::DistCp, Peer::Reference] =>
        every_tool_says_what_it_says_of_a_real_cluster;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Two snapshots with a change of each kind between them, as every tool sees them, and what others
/// may not do with them.
const COMMANDS: &str = "\
ROOT dfs -mkdir -p /s/d/e /s/gone /plain
ROOT dfs -put LOCAL /s/a
ROOT dfs -put LOCAL /s/d/b
ROOT dfs -createSnapshot /s early
alice dfsadmin -allowSnapshot /s
ROOT dfsadmin -allowSnapshot /s
ROOT dfsadmin -allowSnapshot /s/d
ROOT dfsadmin -allowSnapshot /s/a
ROOT dfs -createSnapshot /s s1
ROOT dfs -createSnapshot /s s1
ROOT dfs -createSnapshot /s a/b
alice dfs -createSnapshot /s s2
ROOT dfs -appendToFile LOCAL /s/a
ROOT dfs -mv /s/d/b /s/d/e/c
ROOT dfs -rm -r -skipTrash /s/gone
ROOT dfs -put LOCAL /s/new
ROOT dfs -createSnapshot /s between
alice dfs -renameSnapshot /s between s2
ROOT dfs -renameSnapshot /s between s1
ROOT dfs -renameSnapshot /s none s2
ROOT dfs -renameSnapshot /s between s2
ROOT dfs -ls /s/.snapshot
ROOT dfs -ls -R /s/.snapshot/s1
ROOT dfs -ls /plain/.snapshot
ROOT dfs -cat /s/.snapshot/s1/a
ROOT dfs -rm -skipTrash /s/.snapshot/s1/a
ROOT dfs -touchz /s/.snapshot/s1/x
ROOT dfs -put LOCAL /s/.snapshot/s1/x
ROOT dfs -rm -r -skipTrash /s
ROOT dfs -count -q /s
ROOT dfs -du -s /s
ROOT lsSnapshottableDir
alice lsSnapshottableDir
ROOT lsSnapshot /s
ROOT lsSnapshot /plain
ROOT snapshotDiff /s s1 s2
ROOT snapshotDiff /s s2 s1
ROOT snapshotDiff /s s1 .
ROOT snapshotDiff /s/d s1 s2
ROOT snapshotDiff /s s1 none
ROOT snapshotDiff /plain s1 s2
ROOT distcp HDFS/s/.snapshot/s1 HDFS/one
ROOT dfsadmin -allowSnapshot /one
ROOT distcp -update -diff s1 s2 HDFS/s HDFS/one
ROOT dfs -createSnapshot /one s1
ROOT distcp -update -diff s1 s2 HDFS/s HDFS/one
ROOT dfs -ls -R /one
ROOT dfs -cat /one/a
ROOT distcp -update -diff s1 s2 HDFS/s HDFS/one
ROOT distcp WEB/s/.snapshot/s1 HDFS/two
ROOT dfsadmin -allowSnapshot /two
ROOT dfs -createSnapshot /two s1
ROOT distcp -update -diff s1 s2 WEB/s HDFS/two
ROOT dfs -ls -R /two
ROOT distcp HDFS/s/.snapshot/s1 WEB/three
ROOT dfsadmin -allowSnapshot /three
ROOT dfs -createSnapshot /three s1
ROOT distcp -update -diff s1 s2 HDFS/s WEB/three
ROOT dfs -ls -R /three
ROOT dfs -createSnapshot /three s2
ROOT dfs -rm -skipTrash /three/new
ROOT distcp -update -rdiff s2 . HDFS/s HDFS/three
ROOT dfsadmin -disallowSnapshot /s
alice dfs -deleteSnapshot /s s1
ROOT dfs -deleteSnapshot /s none
ROOT dfs -deleteSnapshot /s s1
ROOT dfs -deleteSnapshot /s s2
alice dfsadmin -disallowSnapshot /s
ROOT dfsadmin -disallowSnapshot /s
ROOT lsSnapshottableDir
";

/// Runs the commands, and returns what they print, without times, stacks and addresses.
fn answers(
    conf: &Path,
    hdfs: &str,
    web: &str,
    superuser: &str,
    local: &Path,
) -> Result<Vec<String>, Error> {
    let folders = [peers_dir().join("log"), hadoop_jars().join("*")];
    let folders = folders.map(|folder| folder.display().to_string());
    let class_path = format!("{}:{}", conf.display(), folders.join(":"));
    let mut java = Command::new("java");
    java.args(["-Dpeers.level=OFF", "-Djava.net.preferIPv4Stack=true"])
        .args(["-XX:TieredStopAtLevel=1", "-cp", &class_path])
        .arg(peer_source("Tools.java"));
    let commands: Vec<String> = COMMANDS
        .replace("ROOT", superuser)
        .replace("LOCAL", &local.display().to_string())
        .replace("HDFS", hdfs)
        .replace("WEB", web)
        .lines()
        .map(|line| line.replace(' ', "\t") + "\n")
        .collect();
    let printed = run(&mut java, &commands.concat())?.ok()?;
    let mut commands = COMMANDS.lines();
    let (mut answers, mut text) = (Vec::new(), String::new());
    for line in printed.lines().filter(|line| !is_of_a_stack(line)) {
        let line = line.replace(hdfs, "HDFS").replace(web, "WEB");
        // Hadoop's messages end with a stack, so that the client breaks its lines elsewhere.
        text.extend(line.split_whitespace().filter(|it| !is_time(it)));
        if line.starts_with("=> ") {
            let command = commands.next().unwrap_or_default();
            answers.push(format!("{command}: {}", std::mem::take(&mut text)));
        }
    }
    Ok(answers)
}

/// Returns true for a line of a stack trace, or of DistCp's usage.
fn is_of_a_stack(line: &str) -> bool {
    ["\t", " ", "Caused by"]
        .iter()
        .any(|it| line.starts_with(it))
}

/// Returns true for `2026-11-29` and `12:44`.
fn is_time(word: &str) -> bool {
    let numeric = |mark: char| word.chars().all(|it| it.is_ascii_digit() || it == mark);
    (word.len() == 10 && numeric('-')) || (word.len() == 5 && word.contains(':') && numeric(':'))
}

fn every_tool_says_what_it_says_of_a_real_cluster() -> TestResult {
    // The reference's superuser is the user of its process.
    let superuser = run(Command::new("id").arg("-un"), "")?.ok()?;
    let superuser = superuser.trim();
    let groups = format!("{superuser}=supergroup;alice=alice");
    let folder = tempfile::tempdir()?;
    let local = folder.path().join("local");
    std::fs::write(&local, "a line\n")?;
    let reference = Reference::start(
        &[&format!("{GROUPS}={groups}"), "dfs.replication=1"],
        |_| {},
    )?;
    let hdfs = format!("hdfs://localhost:{}", reference.address().port());
    let web = reference.webhdfs_url().to_owned();
    let theirs = answers(&reference.conf(), &hdfs, &web, superuser, &local)?;
    drop(reference);
    let cluster = Cluster::simple()
        .superuser(superuser)
        .set(GROUPS, groups)
        .set("dfs.replication", "1")
        .start_blocking()?;
    let env = cluster.env_of("alice");
    let conf = env.get("HADOOP_CONF_DIR").ok_or("no HADOOP_CONF_DIR")?;
    let (hdfs, web) = (cluster.url(), cluster.webhdfs_url());
    let ours = answers(Path::new(conf), &hdfs, &web, superuser, &local)?;
    let differences: Vec<String> = theirs
        .iter()
        .zip(&ours)
        .filter(|(theirs, ours)| theirs != ours)
        .map(|(theirs, ours)| format!("Hadoop: {theirs}\n  ours: {ours}"))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(theirs.len(), COMMANDS.lines().count());
    assert_eq!(theirs.len(), ours.len());
    Ok(())
}
