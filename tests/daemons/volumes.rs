//! DataNodes with several storages: Hadoop's under our NameNode, ours under Hadoop's and under
//! ours.

use std::path::Path;
use std::time::Duration;

use kerbox::{Cluster, DatanodeDaemon};

use super::block_recovery::client_of;
use super::real_datanodes::{eventually, replicas};
use crate::clients::hdfs_native::{pattern, read, simple_client, write};
use crate::rpc_client::reference::Reference;
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [] =>
        a_lost_folder_of_ours_loses_its_replicas_only;
    [Peer::Reference, Peer::JavaHadoop] =>
        our_storages_serve_hadoops_namenode;
}

const FILES: usize = 6;
const LENGTH: usize = 20_000;

fn path(number: usize) -> String {
    format!("/user/alice/f{number}")
}

/// Writes files, or reads them all.
fn write_all(cluster: &Cluster) -> TestResult {
    let client = simple_client(cluster, "alice")?;
    block_on(async {
        for number in 0..FILES {
            write(&client, &path(number), pattern(LENGTH)).await?;
        }
        Ok(())
    })
}

fn read_all(cluster: &Cluster) -> TestResult {
    let client = simple_client(cluster, "alice")?;
    block_on(async {
        for number in 0..FILES {
            let bytes = read(&client, &path(number)).await?;
            assert!(
                bytes == pattern(LENGTH),
                "{} came back changed",
                path(number)
            );
        }
        Ok(())
    })
}

fn count(folder: &Path) -> usize {
    replicas(folder)
        .map(|found| found.len())
        .unwrap_or_default()
}

fn a_lost_folder_of_ours_loses_its_replicas_only() -> TestResult {
    let cluster = Cluster::simple()
        .datanodes(2)
        .set("dfs.replication", "2")
        .set("dfs.datanode.data.dir", "[DISK]a,[DISK]b")
        .set("dfs.datanode.failed.volumes.tolerated", "1")
        .start_blocking()?;
    write_all(&cluster)?;
    let first = cluster.datanode(1)?;
    let [a, b] = ["a", "b"].map(|name| first.directory().join(name));
    assert_eq!(
        (count(&a), count(&b)),
        (FILES / 2, FILES / 2),
        "each in its turn"
    );
    std::fs::remove_dir_all(&a)?;
    eventually(
        &cluster,
        "the replicas are made again in the other folder",
        || Ok(count(&b) == FILES),
    )?;
    assert!(first.is_running());
    cluster.datanode(2)?.stop();
    read_all(&cluster)?;
    std::fs::remove_dir_all(&b)?;
    cluster.advance_blocking(Duration::from_secs(6))?;
    eventually(&cluster, "it cannot do without the last one", || {
        Ok(!first.is_running())
    })
}

/// Hadoop's NameNode puts replicas into our storages by their types, and misses what was in a lost
/// one alone.
fn our_storages_serve_hadoops_namenode() -> TestResult {
    let reference = Reference::start(&["datanodes=0", "dfs.replication=1"], |command| {
        command.env("HADOOP_USER_NAME", "hdfs");
    })?;
    let ours = DatanodeDaemon::of(reference.address())
        .set("dfs.heartbeat.interval", "1")
        .set("dfs.datanode.data.dir", "[DISK]slow,[SSD]fast")
        .set("dfs.datanode.failed.volumes.tolerated", "1")
        .start_blocking()?;
    let [slow, fast] = ["slow", "fast"].map(|name| ours.path().join("blocks/dn1").join(name));
    let mut java = client_of(&reference)?;
    java.ok(&["mkdirs", "/fast"])?;
    java.ok(&["policy", "/fast", "ALL_SSD"])?;
    for file in ["/f", "/fast/f"] {
        java.ok(&["create", file])?;
        java.ok(&["write", "150001"])?;
        java.ok(&["close"])?;
        assert_eq!(java.ok(&["read", file])?, "150001 same\n");
    }
    assert_eq!((count(&slow), count(&fast)), (1, 1));
    std::fs::remove_dir_all(&slow)?;
    java.ok(&["missing", "/f"])?;
    assert_eq!(java.ok(&["read", "/fast/f"])?, "150001 same\n");
    Ok(())
}
