//! `hdfs fsck` of Hadoop 3.4.3, on our NameNode and on a real one.

use std::path::Path;

use kerbox::{ClientEnv, Cluster};

use super::reference::Reference;
use crate::clients::java_hadoop::{Answer, java_commands};
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::JavaHadoop] =>
        lost_and_corrupt_blocks_are_found_and_removed,
        a_secure_cluster_is_checked_over_https;
    [Peer::JavaHadoop, Peer::Reference] =>
        a_check_reads_as_on_a_real_namenode,
        what_is_left_of_a_corrupt_file_is_moved_as_by_a_real_namenode;
}

type Answers = Result<Vec<Answer>, Box<dyn std::error::Error + Send + Sync>>;

/// Runs commands, written with single spaces between the words.
fn fsck(env: &ClientEnv, commands: &[&str]) -> Answers {
    let words: Vec<Vec<&str>> = commands
        .iter()
        .map(|command| command.split(' ').collect())
        .collect();
    let words: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
    let (answers, stderr) = java_commands(env, "Fscks.java", &words)?;
    eprint!("{stderr}");
    Ok(answers)
}

#[track_caller]
fn expect((status, text): &Answer, wanted: i32, parts: &[&str]) {
    assert_eq!(*status, wanted, "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

/// The commands that make what is checked, and the checks.
fn commands(local: &str) -> Vec<String> {
    let put = format!("fs -put {local} /data/a/f");
    let again = format!("fs -put {local} /data/g");
    let mut all: Vec<&str> = vec!["fs -mkdir -p /data/a /data/empty", &put, &again];
    all.extend([
        "fs -touchz /data/a/z",
        "fs -setrep 2 /data/g",
        "/",
        "/data -files",
        "/data -files -blocks",
        "/data -files -blocks -locations",
        "/data -files -blocks -racks",
        "/data -files -blocks -replicaDetails",
        "/data -files -blocks -upgradedomains",
        "/data -files -blocks -maintenance -locations",
        "/data -storagepolicies",
        "/data -openforwrite -includeSnapshots",
        "/data -list-corruptfileblocks",
        "/data -move -delete",
        "/data/a/f",
        "/no",
        "/ -blockId blk_7",
        "/ -blockId x",
        "/data -replicate",
    ]);
    all.into_iter().map(str::to_owned).collect()
}

/// Replaces what is a cluster's own: block pools, storages, ports, and times.
fn without_own(text: &str) -> String {
    let mut clean = String::new();
    for line in text.lines() {
        let line = match line.split_once(" at ") {
            Some((before, _)) if before.starts_with("FSCK") => before,
            _ => line,
        };
        let mut rest = line;
        while let Some(at) = ["BP-", "DS-", "127.0.0.1:"]
            .iter()
            .filter_map(|start| rest.find(start))
            .min()
        {
            clean.push_str(&rest[..at]);
            let own = |letter: char| letter.is_ascii_alphanumeric() || "-.:".contains(letter);
            let end = rest[at..].find(|letter| !own(letter) || letter == ':');
            let end = end.map_or(rest.len(), |end| at + end);
            // The port after an address.
            let port = rest[end..]
                .strip_prefix(':')
                .filter(|_| rest[at..].starts_with("127"));
            let digits = port.map_or(0, |port| {
                1 + port
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(port.len())
            });
            clean.push('*');
            rest = &rest[end + digits..];
        }
        clean.push_str(rest);
        clean.push('\n');
    }
    clean
}

fn a_check_reads_as_on_a_real_namenode() -> TestResult {
    let reference = Reference::start()?;
    let cluster = Cluster::simple()
        .set("dfs.replication", "1")
        .start_blocking()?;
    let local = cluster.path().join("local");
    std::fs::write(&local, "what is sent to both\n".repeat(500))?;
    let commands = commands(&local.display().to_string());
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let ours = fsck(&cluster.env_of("hdfs"), &commands)?;
    let theirs = cluster.env_of("hdfs");
    let theirs = theirs.with("HADOOP_CONF_DIR", reference.conf());
    let theirs = fsck(&theirs, &commands)?;
    let mut differences = String::new();
    for ((command, own), their) in commands.iter().zip(&ours).zip(&theirs) {
        let (own, their) = (
            (own.0, without_own(&own.1)),
            (their.0, without_own(&their.1)),
        );
        if !command.starts_with("fs ") && own != their {
            differences += &format!("{command}\n  Hadoop: {their:?}\n  Kerbox: {own:?}\n");
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(differences.into())
}

/// Damages every replica in a DataNode's folder: the files of even blocks go, and the others get
/// other bytes.
fn damage(folder: &Path) -> TestResult {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            damage(&path)?;
        } else if name.starts_with("blk_") && !name.ends_with(".meta") {
            std::fs::write(&path, "x".repeat(usize::try_from(path.metadata()?.len())?))?;
        }
    }
    Ok(())
}

fn lost_and_corrupt_blocks_are_found_and_removed() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    let local = cluster.path().join("local");
    std::fs::write(&local, "bytes ".repeat(1000))?;
    let local = local.display().to_string();
    let env = cluster.env_of("hdfs");
    let put = format!("fs -put {local} /data/f");
    let made = fsck(&env, &["fs -mkdir /data", &put, "/data"])?;
    expect(
        &made[2],
        0,
        &["Status: HEALTHY", " Number of data-nodes:\t2"],
    );
    for number in [1, 2] {
        damage(cluster.datanode(number)?.directory())?;
    }
    let checks = [
        // The reader reports what is corrupt.
        "fs -cat /data/f",
        "/data",
        "/data -files -blocks -replicaDetails",
        "/data -list-corruptfileblocks",
        "/data -delete",
        "/data",
    ];
    let found = fsck(&env, &checks)?;
    expect(
        &found[1],
        1,
        &[
            "\n/data/f: CORRUPT 1 blocks of total size 6000 B.",
            "Status: CORRUPT",
        ],
    );
    expect(&found[2], 1, &["(CORRUPT)", " CORRUPT FILES:\t1"]);
    expect(&found[3], -1, &["blk_1073741825\t/data/f", "has 1 CORRUPT"]);
    expect(&found[4], 1, &["Status: CORRUPT"]);
    expect(&found[5], 0, &["Status: HEALTHY", " Total files:\t0"]);
    Ok(())
}

/// The length of a block.
const BLOCK: usize = 1 << 20;

/// Damages the blocks in a folder that begin with this byte.
fn damage_blocks_of(folder: &Path, letter: u8) -> TestResult {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            damage_blocks_of(&path, letter)?;
        } else if path.metadata()?.len() == BLOCK as u64 && std::fs::read(&path)?[0] == letter {
            std::fs::write(&path, "?".repeat(BLOCK))?;
        }
    }
    Ok(())
}

/// Writes a file of four blocks, damages the second, and moves and removes what is left.
fn saved(env: &ClientEnv, local: &Path, blocks: &Path) -> Answers {
    let text: Vec<u8> = [b'a', b'b', b'c', b'd']
        .into_iter()
        // Not an array, which would lie on the stack.
        .flat_map(|letter| std::iter::repeat_n(letter, BLOCK))
        .collect();
    std::fs::write(local, text)?;
    // The first command makes the client, which keeps its settings.
    let make = format!("fs -D dfs.blocksize={BLOCK} -mkdir /data");
    let put = format!("fs -put {} /data/f", local.display());
    fsck(env, &[&make, &put])?;
    damage_blocks_of(blocks, b'b')?;
    let get = format!("fs -get -f /data/f {}.back", local.display());
    let commands = [
        // The reader reports what is corrupt.
        &*get,
        "/data -move",
        "fs -du /lost+found/data/f",
        "fs -ls -C -R /lost+found",
        "fs -stat %a /lost+found /lost+found/data/f",
        "fs -checksum /lost+found/data/f/1",
        "/data -move",
        "fs -du /lost+found/data/f",
        "/data -delete",
        "/data",
        "fs -ls /data",
    ];
    fsck(env, &commands)
}

fn what_is_left_of_a_corrupt_file_is_moved_as_by_a_real_namenode() -> TestResult {
    let reference = Reference::start()?;
    let cluster = Cluster::simple()
        .set("dfs.replication", "1")
        .start_blocking()?;
    let local = cluster.path().join("local");
    let env = cluster.env_of("hdfs");
    let ours = saved(&env, &local, cluster.datanode(1)?.directory())?;
    let theirs = env.with("HADOOP_CONF_DIR", reference.conf());
    let theirs = saved(&theirs, &local, reference.folder())?;
    for (number, (own, their)) in ours.iter().zip(&theirs).enumerate() {
        let own = (own.0, without_own(&own.1));
        let their = (their.0, without_own(&their.1));
        assert_eq!(own, their, "answer {number}, Hadoop's on the right");
    }
    // The blocks before and after the damage.
    let sizes = &ours[2].1;
    assert!(sizes.contains("/lost+found/data/f/0"), "{sizes}");
    assert!(sizes.contains("/lost+found/data/f/1"), "{sizes}");
    Ok(())
}

fn a_secure_cluster_is_checked_over_https() -> TestResult {
    let cluster = Cluster::secure()
        .set("dfs.http.policy", "HTTPS_ONLY")
        .start_blocking()?;
    let hdfs = cluster.login_blocking("hdfs")?;
    let checked = fsck(&hdfs.env(), &["/ -files"])?;
    let head = "FSCK started by hdfs (auth:KERBEROS_SSL) from /127.0.0.1";
    expect(&checked[0], 0, &[head, "/user/alice <dir>", "is HEALTHY"]);
    Ok(())
}
