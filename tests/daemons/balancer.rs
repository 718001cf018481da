//! Hadoop's balancer, mover and debugging tool on a cluster of Kerbox.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kerbox::{ClientEnv, Cluster, Event, Operation, Outcome};

use super::daemon::java;
use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, Ran, TestResult, block_on, run, trials};

trials! {
    [Peer::Reference, Peer::LibGssapi] =>
        the_balancer_spreads_blocks,
        the_mover_finds_nothing_to_move;
    [Peer::Reference] =>
        the_debugging_tool_verifies_our_replicas;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs one of Hadoop's programs to its end.
fn program(
    env: &ClientEnv,
    class: &str,
    keys: &[(&str, &str)],
    words: &[&str],
) -> Result<Ran, Error> {
    let folder = tempfile::tempdir()?;
    run(java(env, class, folder.path(), keys)?.args(words), "")
}

/// All blocks are on the first of two DataNodes. The balancer has some moved to the second, by the
/// token that it makes with the NameNode's keys, and the NameNode deletes what was moved.
fn the_balancer_spreads_blocks() -> TestResult {
    let cluster = Cluster::secure()
        .datanodes(2)
        .set("dfs.replication", "1")
        .set("dfs.blocksize", "1m")
        .set("dfs.datanode.simulateddatastorage.capacity", "20m")
        .start_blocking()?;
    cluster.datanode(2)?.stop();
    cluster.advance_blocking(Duration::from_secs(40))?; // so that it gets no block
    let hdfs = cluster.login_blocking("hdfs")?;
    let native = client(&cluster, &hdfs)?;
    let content = pattern(8 << 20);
    block_on(async { Ok(write(&native, "/f", content.clone()).await?) })?;
    cluster.datanode(2)?.restart()?;
    cluster.advance_blocking(Duration::from_secs(6))?; // so that heartbeats say what is used
    let keys = [("dfs.balancer.getBlocks.min-block-size", "1")];
    let class = "org.apache.hadoop.hdfs.server.balancer.Balancer";
    let balance = || program(&hdfs.env(), class, &keys, &["-threshold", "10"]);
    // Hadoop 3.4.3's ends in its second round, because its metrics exist already.
    let output = balance()?.to_string();
    let moved = |event: &Event| {
        let Event::DataTransfer {
            datanode,
            operation,
            outcome,
            ..
        } = event
        else {
            return false;
        };
        (*datanode, *operation) == (2, Operation::ReplaceBlock) && *outcome == Outcome::Ok
    };
    let moves = cluster.journal().count(moved);
    assert!(moves >= 2, "{moves} blocks were moved: {output}");
    cluster.advance_blocking(Duration::from_secs(6))?;
    let left = [1, 2].map(|number| Ok(replicas(cluster.datanode(number)?.directory())?.len()));
    let [first, second] = left.map(|it: Result<usize, Error>| it.unwrap_or_default());
    assert_eq!((first + second, second), (8, moves), "{output}");
    block_on(async {
        assert!(
            read(&native, "/f").await? == content,
            "it came back changed"
        );
        Ok(())
    })
}

/// There is one type of storage, so that every policy is satisfied.
fn the_mover_finds_nothing_to_move() -> TestResult {
    let cluster = Cluster::secure().datanodes(1).start_blocking()?;
    let hdfs = cluster.login_blocking("hdfs")?;
    let native = client(&cluster, &hdfs)?;
    block_on(async { Ok(write(&native, "/f", pattern(1000)).await?) })?;
    let class = "org.apache.hadoop.hdfs.server.mover.Mover";
    let said = program(&hdfs.env(), class, &[], &["-p", "/"])?;
    let output = said.to_string();
    assert!(said.ok()?.contains("Mover Successful"), "{output}");
    Ok(())
}

/// Returns the data files of a DataNode's finalized replicas.
fn replicas(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut folders = vec![directory.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                folders.push(path);
            } else if name.starts_with("blk_") && !name.ends_with(".meta") {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// `hdfs debug verifyMeta` accepts the files of a replica, and notices a changed byte.
fn the_debugging_tool_verifies_our_replicas() -> TestResult {
    let cluster = Cluster::simple().datanodes(1).start_blocking()?;
    let native = crate::clients::hdfs_native::simple_client(&cluster, "alice")?;
    block_on(async { Ok(write(&native, "/user/alice/f", pattern(100_000)).await?) })?;
    let data = replicas(cluster.datanode(1)?.directory())?.remove(0);
    let name = data
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut beside = std::fs::read_dir(data.parent().ok_or("a folder")?)?.flatten();
    let meta = beside
        .find(|entry| {
            let other = entry.file_name().to_string_lossy().into_owned();
            other.starts_with(&format!("{name}_")) && other.ends_with(".meta")
        })
        .ok_or("no checksums")?;
    let (meta, path) = (
        meta.path().display().to_string(),
        data.display().to_string(),
    );
    let words = ["verifyMeta", "-meta", &meta, "-block", &path];
    let verify = || {
        program(
            &cluster.env(),
            "org.apache.hadoop.hdfs.tools.DebugAdmin",
            &[],
            &words,
        )
    };
    let said = verify()?.ok()?;
    assert!(said.contains("Checksum verification succeeded"), "{said}");
    let mut bytes = std::fs::read(&data)?;
    bytes[5000] ^= 1;
    std::fs::write(&data, bytes)?;
    let said = verify()?.to_string();
    assert!(said.contains("not matched for file"), "{said}");
    Ok(())
}
