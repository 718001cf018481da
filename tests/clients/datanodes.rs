//! DataNodes that leave service, stand on racks, or lose their folder, as clients see it.

use std::time::Duration;

use kerbox::{Cluster, Event};

use super::hdfs_native::{pattern, read, simple_client, write};
use super::java_session::JavaSession;
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [] =>
        hdfs_native_reads_what_a_lost_folder_held;
    [Peer::JavaHadoop] =>
        dfsadmin_decommissions_by_a_file,
        dfsadmin_reports_maintenance_and_racks;
}

/// The time between two looks at DataNodes that leave, and a heartbeat.
const INTERVAL: Duration = Duration::from_secs(33);

/// A minute of real time.
const PATIENCE: Duration = Duration::from_secs(60);

fn hdfs_native_reads_what_a_lost_folder_held() -> TestResult {
    let cluster = Cluster::simple().datanodes(3).start_blocking()?;
    block_on(async {
        let alice = simple_client(&cluster, "alice")?;
        write(&alice, "/user/alice/f", pattern(100_000)).await?;
        let first = cluster.datanode(1)?;
        std::fs::rename(first.directory(), cluster.path().join("away"))?;
        cluster.advance(Duration::from_secs(6)).await?;
        let stopped = |event: &Event| event.to_string().contains("DataNode 1: stopped");
        cluster.journal().wait(stopped, PATIENCE).await?;
        assert_eq!(cluster.namenode().live_datanodes(), 2);
        assert!(read(&alice, "/user/alice/f").await? == pattern(100_000));
        let finalized = cluster.journal().from_here();
        first.restart()?;
        let copied = |event: &Event| matches!(event, Event::WriteBlock { datanode: 1, .. });
        finalized.wait(copied, PATIENCE).await?;
        Ok(())
    })
}

fn dfsadmin_decommissions_by_a_file() -> TestResult {
    let folder = tempfile::tempdir()?;
    let excluded = folder.path().join("exclude");
    std::fs::write(&excluded, "")?;
    let cluster = Cluster::simple()
        .datanodes(2)
        .set("dfs.replication", "1")
        .set("dfs.hosts.exclude", excluded.display().to_string())
        .start_blocking()?;
    let mut java = JavaSession::start(&cluster.env_of("hdfs"), "Restarts.java")?;
    for number in 0..5 {
        java.ok(&["create", &format!("/{number}")])?;
        java.ok(&["write", "1000"])?;
        java.ok(&["close"])?;
    }
    let leaving = cluster.datanode(1)?;
    std::fs::write(&excluded, format!("{} # for good\n", leaving.address()))?;
    let refreshed = java.ok(&["admin", "-refreshNodes"])?;
    assert!(
        refreshed.contains("Refresh nodes successful"),
        "{refreshed}"
    );
    let done = |event: &Event| event.to_string().contains("decommissioned");
    for _ in 0..10 {
        cluster.advance_blocking(INTERVAL)?;
        if cluster.journal().count(done) > 0 {
            break;
        }
    }
    let report = java.ok(&["admin", "-report"])?;
    assert!(
        report.contains("Decommission Status : Decommissioned"),
        "{report}"
    );
    leaving.stop();
    for number in 0..5 {
        assert_eq!(java.ok(&["read", &format!("/{number}")])?, "1000 same\n");
    }
    std::fs::write(&excluded, "")?;
    java.ok(&["admin", "-refreshNodes"])?;
    leaving.restart()?;
    let report = java.ok(&["admin", "-report"])?;
    assert!(!report.contains("Decommissioned"), "{report}");
    std::fs::remove_file(&excluded)?;
    java.send(&["admin", "-refreshNodes"])?;
    assert_ne!(java.answer()?.0, 0, "the file is gone");
    Ok(())
}

fn dfsadmin_reports_maintenance_and_racks() -> TestResult {
    let cluster = Cluster::simple()
        .datanodes(3)
        .racks(["/rack1", "/rack1", "/rack2"])
        // The client may not have noticed yet that its connection was closed.
        .set("dfs.client.retry.policy.enabled", "true")
        .set("dfs.client.retry.policy.spec", "100,50")
        .start_blocking()?;
    let mut java = JavaSession::start(&cluster.env_of("hdfs"), "Restarts.java")?;
    let topology = java.ok(&["admin", "-printTopology"])?;
    assert!(
        topology.contains("Rack: /rack1") && topology.contains("Rack: /rack2"),
        "{topology}"
    );
    java.ok(&["create", "/f"])?;
    java.ok(&["write", "100000"])?;
    java.ok(&["close"])?;
    let away = cluster.datanode(1)?;
    away.maintenance(None)?;
    cluster.advance_blocking(INTERVAL)?;
    let report = java.ok(&["admin", "-report", "-inmaintenance"])?;
    assert!(
        report.contains("Decommission Status : In maintenance"),
        "{report}"
    );
    assert!(report.contains("Rack: /rack1"), "{report}");
    away.stop();
    cluster.advance_blocking(Duration::from_secs(15 * 60))?;
    assert_eq!(java.ok(&["read", "/f"])?, "100000 same\n");
    cluster.restart_namenode()?;
    away.restart()?;
    cluster.advance_blocking(INTERVAL)?;
    let report = java.ok(&["admin", "-report", "-inmaintenance"])?;
    assert!(
        report.contains("In maintenance"),
        "the order outlives the NameNode: {report}"
    );
    away.recommission()?;
    let report = java.ok(&["admin", "-report"])?;
    assert!(!report.contains("In maintenance"), "{report}");
    Ok(())
}
