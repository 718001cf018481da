//! Idle connections end by the fixture's clock, as Hadoop's keys say: they stay while it stands,
//! and no time has to pass for their end.

use std::time::Duration;

use bytes::Bytes;
use kerbox::{Clock, Cluster, ClusterBuilder, Event, Journal, Server, Timestamp};

use crate::clients::hdfs_native::{read, simple_client, write};
use crate::support::{TestResult, block_on, trials};

trials! {
    [] =>
        a_namenode_closes_idle_connections_from_a_number_of_them,
        a_namenode_with_few_connections_keeps_them,
        a_datanode_waits_for_another_operation;
}

const SECOND: Duration = Duration::from_secs(1);

/// Longer than any server takes to close a connection.
const SOON: Duration = Duration::from_secs(30);

/// The wait after each move of the clock, in real time.
const MOMENT: Duration = Duration::from_secs(1);

async fn frozen(builder: ClusterBuilder) -> Result<Cluster, kerbox::Error> {
    let clock = Clock::frozen(Timestamp::from_secs(1_800_000_000));
    builder.clock(clock).start().await
}

/// Returns a filter for the connections of `of` that were accepted or have ended.
fn connections(of: Server, is_opened: bool) -> impl Fn(&Event) -> bool + Copy {
    move |event| {
        matches!(event, Event::Connection { server, opened, .. }
            if *server == of && *opened == is_opened)
    }
}

/// Advances by `limit` until a connection is closed. A server answers before it begins to wait, so
/// the first time may come too early.
async fn wait_for_end(
    cluster: &Cluster,
    journal: &Journal,
    of: Server,
    limit: Duration,
) -> TestResult {
    for _ in 0..20 {
        cluster.advance(limit).await?;
        let left = journal.wait(connections(of, false), MOMENT);
        if left.await.is_ok() {
            return Ok(());
        }
    }
    Err("an idle connection stays open".into())
}

/// Twice ten seconds, which is `ipc.client.connection.maxidletime`.
fn a_namenode_closes_idle_connections_from_a_number_of_them() -> TestResult {
    block_on(async {
        let cluster = frozen(Cluster::simple().set("ipc.client.idlethreshold", "1")).await?;
        let (namenode, journal) = (Server::NameNode(1), cluster.journal());
        let client = simple_client(&cluster, "alice")?;
        for _ in 0..2 {
            client.get_file_info("/").await?;
            cluster.advance(19 * SECOND).await?;
        }
        let left = connections(namenode, false);
        assert_eq!(journal.count(connections(namenode, true)), 1);
        assert_eq!(journal.count(left), 0, "each call begins the time anew");
        wait_for_end(&cluster, &journal, namenode, 20 * SECOND).await?;
        let other = simple_client(&cluster, "alice")?;
        other.get_file_info("/").await?;
        Ok(())
    })
}

fn a_namenode_with_few_connections_keeps_them() -> TestResult {
    block_on(async {
        let cluster = frozen(Cluster::simple()).await?;
        let (namenode, journal) = (Server::NameNode(1), cluster.journal());
        let client = simple_client(&cluster, "alice")?;
        for _ in 0..3 {
            client.get_file_info("/").await?;
            cluster.advance(24 * 3600 * SECOND).await?;
        }
        client.get_file_info("/").await?;
        assert_eq!(journal.count(connections(namenode, true)), 1);
        assert_eq!(journal.count(connections(namenode, false)), 0);
        Ok(())
    })
}

/// `dfs.datanode.socket.reuse.keepalive`; hdfs-native keeps its connection after a read.
fn a_datanode_waits_for_another_operation() -> TestResult {
    block_on(async {
        let builder = Cluster::simple().set("dfs.datanode.socket.reuse.keepalive", "60000");
        let cluster = frozen(builder).await?;
        let datanode = Server::DataNode(1);
        let client = simple_client(&cluster, "alice")?;
        let journal = cluster.journal();
        write(&client, "/user/alice/file", Bytes::from_static(b"idle")).await?;
        // Its connection ends with the block.
        let left = connections(datanode, false);
        journal.wait(left, SOON).await?;
        let journal = journal.from_here();
        read(&client, "/user/alice/file").await?;
        let is_read = |event: &Event| matches!(event, Event::ReadBlock { .. });
        journal.wait(is_read, SOON).await?;
        cluster.advance(59 * SECOND).await?;
        assert_eq!(journal.count(left), 0);
        wait_for_end(&cluster, &journal, datanode, 60 * SECOND).await?;
        assert_eq!(&read(&client, "/user/alice/file").await?[..], b"idle");
        Ok(())
    })
}
