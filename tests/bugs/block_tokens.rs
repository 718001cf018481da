//! Block tokens and encryption keys that end before they are used.

use std::time::Duration;

use kerbox::{Cluster, ClusterBuilder, Event, Login, Outcome, Server};

use super::conversation::Job;
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::JavaHadoop] =>
        bug_15_a_block_token_ends_before_a_seek,
        bug_16_a_block_token_ends_before_the_first_byte_is_written,
        bug_17_an_encryption_key_is_forgotten_by_the_servers,
        bug_18_a_block_token_ends_during_a_long_read;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// `dfs.block.access.token.lifetime`, whose default is 600 minutes.
const LIFE: Duration = Duration::from_secs(10 * 3600);

/// A file of ten blocks, and a job of alice's.
fn ten_blocks(builder: ClusterBuilder) -> Result<(Cluster, Login, Job), Error> {
    let cluster = builder
        .ticket_lifetime(Duration::from_secs(24 * 3600))
        .set("dfs.blocksize", "65536")
        .set("dfs.namenode.fs-limits.min-block-size", "65536")
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let mut job = Job::start(&alice.env_under_clock()?, &[])?;
    for command in [
        &["create", "/user/alice/long"][..],
        &["write", "655360"],
        &["close"],
    ] {
        job.ask(command)?.ok()?;
    }
    Ok((cluster, alice, job))
}

fn calls(cluster: &Cluster, wanted: &str) -> usize {
    cluster
        .journal()
        .count(|event| matches!(event, Event::RpcCall { method, .. } if **method == *wanted))
}

/// Counts the handshakes and operations that DataNodes refused.
fn refusals(cluster: &Cluster) -> usize {
    cluster.journal().count(|event| match event {
        Event::Sasl {
            server: Server::DataNode(_),
            outcome,
            ..
        } => !outcome.is_ok(),
        Event::ReadBlock { outcome, .. } | Event::WriteBlock { outcome, .. } => {
            *outcome == Outcome::Status("ERROR_ACCESS_TOKEN")
        }
        _ => false,
    })
}

fn bug_15_a_block_token_ends_before_a_seek() -> TestResult {
    let (cluster, _alice, mut job) = ten_blocks(Cluster::secure())?;
    job.ask(&["open", "/user/alice/long"])?.ok()?;
    job.ask(&["read", "1000"])?.ok()?;
    let (asked, refused) = (calls(&cluster, "getBlockLocations"), refusals(&cluster));
    cluster.advance_blocking(LIFE + Duration::from_secs(60))?;
    job.ask(&["seek", "400000"])?.ok()?;
    job.ask(&["read", "1000"])?.ok()?;
    assert_eq!(refusals(&cluster), refused + 1, "the old token");
    assert_eq!(calls(&cluster, "getBlockLocations"), asked + 1);
    Ok(())
}

/// Hadoop's client takes the DataNode for broken and asks for another, until there is no other: it
/// never asks for a new token.
fn bug_16_a_block_token_ends_before_the_first_byte_is_written() -> TestResult {
    let (cluster, _alice, mut job) = ten_blocks(Cluster::secure().datanodes(3))?;
    let late = i64::try_from(LIFE.as_secs())? + 60;
    let skews = [1, 2, 3].map(|number| cluster.skew(Server::DataNode(number), late));
    let refused = refusals(&cluster);
    job.ask(&["create", "/user/alice/new"])?.ok()?;
    job.ask(&["write", "1000"])?.ok()?;
    let error = job.ask(&["close"])?.refused()?;
    assert!(
        error.contains("could only be written to 0 of the 1 minReplication nodes"),
        "{error}"
    );
    assert_eq!(refusals(&cluster), refused + 3, "every DataNode once");
    drop(skews);
    for command in [
        &["create", "/user/alice/newer"][..],
        &["write", "1000"],
        &["close"],
    ] {
        job.ask(command)?.ok()?;
    }
    Ok(())
}

/// The client keeps a key that the servers have forgotten: it is refused once, and asks for
/// another.
fn bug_17_an_encryption_key_is_forgotten_by_the_servers() -> TestResult {
    let builder = Cluster::secure().set("dfs.encrypt.data.transfer", "true");
    let (cluster, _alice, mut job) = ten_blocks(builder)?;
    let (asked, refused) = (calls(&cluster, "getDataEncryptionKey"), refusals(&cluster));
    cluster
        .namenode()
        .block_tokens()
        .clear_keys(cluster.clock().now());
    // A DataNode that starts gets the NameNode's keys.
    let datanode = cluster.datanode(1)?;
    datanode.stop();
    datanode.restart()?;
    job.ask(&["open", "/user/alice/long"])?.ok()?;
    job.ask(&["read", "1000"])?.ok()?;
    assert_eq!(refusals(&cluster), refused + 1, "the old key");
    assert_eq!(calls(&cluster, "getDataEncryptionKey"), asked + 1);
    Ok(())
}

fn bug_18_a_block_token_ends_during_a_long_read() -> TestResult {
    let (cluster, _alice, mut job) = ten_blocks(Cluster::secure())?;
    job.ask(&["open", "/user/alice/long"])?.ok()?;
    job.ask(&["read", "100000"])?.ok()?;
    let asked = calls(&cluster, "getBlockLocations");
    cluster.advance_blocking(LIFE + Duration::from_secs(60))?;
    job.ask(&["read", "555360"])?.ok()?;
    assert_eq!(
        calls(&cluster, "getBlockLocations"),
        asked + 1,
        "eight blocks, one request"
    );
    Ok(())
}
