//! Replicas that were removed, truncated, or left behind by a pipeline: clients keep reading and
//! writing, and the NameNode has good copies made.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kerbox::{Cluster, Event, Fault, Operation, Outcome, Verdict};

use crate::clients::hdfs_native::{pattern, read, simple_client, write};
use crate::clients::java_hadoop::java_commands;
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [] =>
        hdfs_native_reads_beside_damaged_replicas_and_all_are_made_again,
        hdfs_native_replaces_a_datanode_by_one_that_has_a_stale_replica;
    [Peer::JavaHadoop] =>
        java_reads_beside_damaged_replicas_and_all_are_made_again,
        java_appends_with_the_chunk_size_of_the_block_and_no_other;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

const LENGTH: usize = 200_000;
const REPLICATION: usize = 3;
const DATANODES: usize = 4;

/// The damage to a replica.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    DataRemoved,
    MetaRemoved,
    DataCut,
    MetaCut,
}

const MISHAPS: [Mishap; 4] = [
    Mishap::DataRemoved,
    Mishap::MetaRemoved,
    Mishap::DataCut,
    Mishap::MetaCut,
];

impl Mishap {
    fn befall(self, data: &Path) -> Result<(), Error> {
        let cut = |path: &Path| OpenOptions::new().write(true).open(path)?.set_len(10);
        match self {
            Self::DataRemoved => std::fs::remove_file(data)?,
            Self::MetaRemoved => std::fs::remove_file(meta_of(data)?)?,
            Self::DataCut => cut(data)?,
            Self::MetaCut => cut(&meta_of(data)?)?,
        }
        Ok(())
    }
}

fn meta_of(data: &Path) -> Result<PathBuf, Error> {
    let prefix = format!("{}_", file_name(data));
    let folder = data.parent().ok_or("a folder")?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if file_name(&path).starts_with(&prefix) {
            return Ok(path);
        }
    }
    Err(format!("{} has no meta file", data.display()).into())
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Finds the data files of finalized replicas, by block and DataNode.
fn replicas(cluster: &Cluster) -> Result<BTreeMap<String, BTreeMap<usize, PathBuf>>, Error> {
    let mut found = BTreeMap::<String, BTreeMap<usize, PathBuf>>::new();
    for number in 1..=cluster.datanodes() {
        let mut folders = vec![cluster.datanode(number)?.directory().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let path = entry?.path();
                let name = file_name(&path);
                if path.is_dir() {
                    folders.push(path);
                } else if name.starts_with("blk_")
                    && !name.ends_with(".meta")
                    && path
                        .components()
                        .any(|part| part.as_os_str() == "finalized")
                {
                    found.entry(name).or_default().insert(number, path);
                }
            }
        }
    }
    Ok(found)
}

/// Writes files, damages one replica of each, has `read_all` read the files (it gets their paths),
/// and waits until each block has enough good replicas again.
fn damage_and_repair(read_all: impl FnOnce(&Cluster, &[String]) -> TestResult) -> TestResult {
    let cluster = Cluster::simple()
        .datanodes(DATANODES)
        .set("dfs.replication", REPLICATION.to_string())
        .start_blocking()?;
    let paths: Vec<String> = (0..MISHAPS.len() * REPLICATION)
        .map(|number| format!("/user/alice/f{number}"))
        .collect();
    block_on(async {
        let client = simple_client(&cluster, "alice")?;
        for path in &paths {
            write(&client, path, pattern(LENGTH)).await?;
        }
        Ok(())
    })?;
    let since = cluster.journal().from_here();
    let blocks = replicas(&cluster)?;
    assert_eq!(blocks.len(), paths.len());
    for (number, holders) in blocks.values().enumerate() {
        assert_eq!(holders.len(), REPLICATION);
        let data = holders
            .values()
            .nth(number % REPLICATION)
            .ok_or("a holder")?;
        MISHAPS[number / REPLICATION].befall(data)?;
    }
    read_all(&cluster, &paths)?;
    assert!(
        since.count(refused) >= MISHAPS.len(),
        "of three replicas one is the first that clients try: {}",
        since.last(40)
    );
    // Damage that no reader hit is found by the directory scan.
    cluster.advance_blocking(Duration::from_secs(7 * 3600))?;
    wait_for_repair(&cluster)
}

fn refused(event: &Event) -> bool {
    matches!(
        event,
        Event::ReadBlock {
            outcome: Outcome::Status("ERROR"),
            ..
        }
    )
}

fn copied(event: &Event) -> bool {
    matches!(
        event,
        Event::WriteBlock {
            outcome: Outcome::Ok,
            ..
        }
    )
}

/// Moves the clock until each block has enough good replicas.
fn wait_for_repair(cluster: &Cluster) -> TestResult {
    // A copy whose source turned out to be damaged counts as failed after five minutes.
    for _ in 0..20 {
        let next = cluster.journal().from_here();
        if all_are_good(cluster)? {
            return Ok(());
        }
        if next.wait_blocking(copied, Duration::from_secs(3)).is_err() {
            cluster.advance_blocking(Duration::from_secs(6 * 60))?;
        }
    }
    Err(format!("not all are made again: {}", cluster.journal().last(60)).into())
}

/// Returns whether each block has as many good replicas as it should.
fn all_are_good(cluster: &Cluster) -> Result<bool, Error> {
    let blocks = replicas(cluster)?;
    Ok(blocks.values().all(|holders| {
        let whole = holders.values().filter(|data| {
            std::fs::read(data).is_ok_and(|bytes| bytes == pattern(LENGTH))
                && meta_of(data).is_ok_and(|meta| meta.metadata().is_ok_and(|meta| meta.len() > 10))
        });
        whole.count() >= REPLICATION
    }))
}

fn hdfs_native_reads_beside_damaged_replicas_and_all_are_made_again() -> TestResult {
    damage_and_repair(|cluster, paths| {
        block_on(async {
            let client = simple_client(cluster, "alice")?;
            for path in paths {
                assert!(
                    read(&client, path).await? == pattern(LENGTH),
                    "{path} came back changed"
                );
            }
            Ok(())
        })
    })
}

fn java_reads_beside_damaged_replicas_and_all_are_made_again() -> TestResult {
    damage_and_repair(|cluster, paths| {
        let back = |number: usize| {
            let path = cluster.path().join(format!("back{number}"));
            path.display().to_string()
        };
        let locals: Vec<String> = (0..paths.len()).map(back).collect();
        let commands: Vec<Vec<&str>> = paths
            .iter()
            .zip(&locals)
            .map(|(path, local)| vec!["-get", path, local])
            .collect();
        let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
        let (answers, stderr) =
            java_commands(&cluster.env_of("alice"), "FsShells.java", &commands)?;
        assert!(answers.iter().all(|(status, _)| *status == 0), "{stderr}");
        for local in locals {
            assert!(
                std::fs::read(&local)? == pattern(LENGTH),
                "{local} came back changed"
            );
        }
        Ok(())
    })
}

/// Makes a DataNode hang up at its fourth packet, and another one once this many writes have begun:
/// three by the first pipeline, one by the transfer to its fourth DataNode, three by the second
/// pipeline.
fn two_datanodes_fail(writes_before_the_second: usize) -> Fault {
    let (mut failed, mut writes) = (None, 0);
    let strikes = move |event: &Event| match event {
        Event::WriteBlock { .. } => {
            writes += 1;
            false
        }
        Event::Packet {
            datanode,
            nth: 4,
            writing: true,
            ..
        } => match failed {
            None => {
                failed = Some(*datanode);
                true
            }
            Some(first) => first != *datanode && writes >= writes_before_the_second,
        },
        _ => false,
    };
    Fault::new(strikes, Verdict::Disconnect).times(2)
}

/// Three of four DataNodes write. One fails, and the fourth takes its place. Then another one
/// fails, and only the first is left, which has its earlier replica with an older generation stamp.
fn hdfs_native_replaces_a_datanode_by_one_that_has_a_stale_replica() -> TestResult {
    for _ in 0..4 {
        let cluster = Cluster::simple()
            .datanodes(DATANODES)
            .set("dfs.replication", REPLICATION.to_string())
            .start_blocking()?;
        let fault = cluster.inject(two_datanodes_fail(REPLICATION + 1 + REPLICATION));
        let bytes = pattern(2_000_000);
        block_on(async {
            let client = simple_client(&cluster, "alice")?;
            write(&client, "/user/alice/f", bytes.clone()).await?;
            assert_eq!(fault.struck(), 2, "{}", cluster.journal().last(40));
            assert!(read(&client, "/user/alice/f").await? == bytes, "changed");
            Ok(())
        })?;
        let transfers = cluster.journal().count(|event| {
            matches!(
                event,
                Event::DataTransfer {
                    operation: Operation::TransferBlock,
                    outcome: Outcome::Ok,
                    ..
                }
            )
        });
        assert_eq!(transfers, 2, "{}", cluster.journal().last(60));
    }
    Ok(())
}

fn java_appends_with_the_chunk_size_of_the_block_and_no_other() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    block_on(async {
        let client = simple_client(&cluster, "alice")?;
        for path in ["/user/alice/same", "/user/alice/other"] {
            write(&client, path, pattern(700)).await?;
        }
        Ok(())
    })?;
    let local = cluster.path().join("local");
    std::fs::write(&local, pattern(900))?;
    let local = local.display().to_string();
    let back = cluster.path().join("back").display().to_string();
    let append = |size: &str, path: &str| {
        let chunks = format!("dfs.bytes-per-checksum={size}");
        let words = [
            "-D",
            "fs.hdfs.impl.disable.cache=true",
            "-D",
            &chunks,
            "-appendToFile",
            &local,
            path,
        ];
        words.map(str::to_owned)
    };
    let same = append("512", "/user/alice/same");
    let other = append("1024", "/user/alice/other");
    let (answers, stderr) = java_commands(
        &cluster.env_of("alice"),
        "FsShells.java",
        &[
            &same.each_ref().map(String::as_str),
            &other.each_ref().map(String::as_str),
            &["-get", "/user/alice/other", &back],
        ],
    )?;
    let statuses: Vec<i32> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [0, 1, 0], "{stderr}");
    assert!(
        stderr.contains("when appending to an existing block with different chunk size"),
        "{stderr}"
    );
    block_on(async {
        let client = simple_client(&cluster, "alice")?;
        let whole = read(&client, "/user/alice/same").await?;
        assert!(whole[..700] == pattern(700) && whole[700..] == pattern(900));
        Ok(())
    })?;
    assert!(std::fs::read(&back)? == pattern(700), "changed");
    Ok(())
}
