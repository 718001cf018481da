//! `hdfs dfsadmin`, with the verbs that order something of one server.

use std::time::Duration;

use kerbox::{Cluster, Event};

use crate::clients::java_hadoop::java_commands;
use crate::clients::java_session::JavaSession;
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::JavaHadoop] =>
        dfsadmin_administers_each_server,
        writers_that_dfsadmin_evicts_go_on_elsewhere;
}

/// A minute of real time.
const PATIENCE: Duration = Duration::from_secs(60);

fn dfsadmin_administers_each_server() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    let datanode = cluster.datanode(1)?.rpc_address().to_string();
    let namenode = cluster.namenode_address().to_string();
    let expected = [
        (0, "-report -live", "Live datanodes (2)"),
        (0, "-printTopology", "Rack: /default-rack"),
        (0, "-getDatanodeInfo DN", "Uptime:"),
        (0, "-getVolumeReport DN", "Active Volumes : 1"),
        (
            0,
            "-triggerBlockReport DN",
            "Triggering a full block report on",
        ),
        (
            0,
            "-setBalancerBandwidth 1m",
            "Balancer bandwidth is set to 1048576",
        ),
        (
            1,
            "-setBalancerBandwidth 2t",
            "Bandwidth should not exceed maximum limit",
        ),
        (
            0,
            "-reconfig namenode NN properties",
            "Reconfigurable properties",
        ),
        (
            0,
            "-reconfig namenode NN start",
            "Started reconfiguration task",
        ),
        (0, "-reconfig namenode NN status", "and finished at"),
        (0, "-reconfig datanode DN status", "no task was found"),
        (
            0,
            "-reconfig datanode DN start",
            "Started reconfiguration task",
        ),
        (0, "-reconfig datanode DN status", "and finished at"),
        (
            0,
            "-reconfig datanode DN properties",
            "Reconfigurable properties",
        ),
        (
            0,
            "-getBalancerBandwidth DN",
            "Balancer bandwidth is 1048576 bytes per second",
        ),
        (0, "-refreshNamenodes DN", ""),
        (
            1,
            "-deleteBlockPool DN BP-x",
            "block pool BP-x is not found",
        ),
        (0, "-rollEdits", "Successfully rolled edit logs"),
        (0, "-refreshNodes", "Refresh nodes successful"),
        (0, "-refreshCallQueue", "Refresh call queue successful"),
        (0, "-upgrade query", "Upgrade finalized"),
        (0, "-finalizeUpgrade", "Finalize upgrade successful"),
        (0, "-setQuota 100 /user/alice", ""),
        (0, "-clrQuota /user/alice", ""),
        (
            0,
            "-allowSnapshot /user/alice",
            "Allowing snapshot on /user/alice succeeded",
        ),
        (
            0,
            "-provisionSnapshotTrash /user/alice",
            "Successfully provisioned snapshot trash",
        ),
        (
            1,
            "-shutdownDatanode 127.0.0.1:1",
            "failed on connection exception",
        ),
        (0, "-shutdownDatanode DN", "Submitted a shutdown request"),
    ];
    let commands: Vec<Vec<String>> = expected
        .iter()
        .map(|(_, words, _)| {
            let words = words.replace("DN", &datanode).replace("NN", &namenode);
            let words = words.split(' ').map(str::to_owned);
            ["dfsadmin".to_owned()].into_iter().chain(words).collect()
        })
        .collect();
    let commands: Vec<Vec<&str>> = commands
        .iter()
        .map(|words| words.iter().map(String::as_str).collect())
        .collect();
    let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    let (answers, stderr) = java_commands(&cluster.env_of("hdfs"), "Admin.java", &commands)?;
    eprint!("{stderr}");
    assert_eq!(answers.len(), expected.len());
    for ((status, text), (wanted, words, part)) in answers.iter().zip(expected) {
        let as_wanted = (*status == 0) == (wanted == 0) && text.contains(part);
        assert!(
            as_wanted,
            "{words}: {status} and not {wanted}, {part}: {text}"
        );
    }
    let stopped = |event: &Event| event.to_string().contains("DataNode 1: stopped");
    cluster.journal().wait_blocking(stopped, PATIENCE)?;
    Ok(())
}

/// A pipeline that is broken in this way is made anew with the other DataNode.
fn writers_that_dfsadmin_evicts_go_on_elsewhere() -> TestResult {
    let cluster = Cluster::simple()
        .datanodes(2)
        .set(
            "dfs.client.block.write.replace-datanode-on-failure.policy",
            "NEVER",
        )
        .start_blocking()?;
    let datanode = cluster.datanode(1)?.rpc_address().to_string();
    let mut java = JavaSession::start(&cluster.env_of("hdfs"), "Restarts.java")?;
    java.ok(&["create", "/f"])?;
    java.ok(&["write", "1000"])?;
    let evicted = java.ok(&["admin", "-evictWriters", &datanode])?;
    assert!(evicted.contains("Requested writer eviction"), "{evicted}");
    java.ok(&["write", "1000"])?;
    java.ok(&["close"])?;
    assert_eq!(java.ok(&["read", "/f"])?, "2000 same\n");
    let again = |event: &Event| event.to_string().contains("updatePipeline");
    assert_eq!(cluster.journal().count(again), 1);
    Ok(())
}
