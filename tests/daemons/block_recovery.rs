//! Blocks whose writers die are recovered by DataNodes of Hadoop, of Kerbox, and of both, under
//! either NameNode: what was flushed is there, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kerbox::{ClientEnv, Cluster, ClusterBuilder, DatanodeDaemon, Event, Fault, Outcome, Server};

use super::daemon::Daemon;
use super::real_datanodes::{self, eventually, finalized, replicas};
use crate::clients::java_session::JavaSession;
use crate::rpc_client::reference::Reference;
use crate::support::{Peer, TestResult, hadoop_jars, peer_source, peers_dir, trials};

trials! {
    [Peer::Reference, Peer::JavaHadoop] =>
        hadoops_datanodes_recover_blocks_for_our_namenode,
        hadoops_datanodes_recover_blocks_for_our_secure_namenode,
        datanodes_of_both_recover_blocks_for_our_namenode,
        datanodes_of_both_recover_blocks_for_our_secure_namenode,
        datanodes_of_both_recover_blocks_for_hadoops_namenode;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Bytes that a writer has flushed before it is killed: some packets, and a part of a chunk.
const FLUSHED: &str = "150001";
const RECOVERED: &str = "150001 same\n";
/// The most recoveries until a DataNode has had a role.
const ATTEMPTS: usize = 8;
/// The hard limit of leases, and a heartbeat.
const HARD_LIMIT: Duration = Duration::from_secs(120 + 3);

fn cluster(builder: ClusterBuilder, datanodes: usize) -> Result<Cluster, Error> {
    Ok(builder
        .datanodes(datanodes)
        .set("dfs.replication", "3")
        .set("dfs.namenode.lease-hard-limit-sec", "120")
        .start_blocking()?)
}

fn env_of_alice(cluster: &Cluster) -> Result<ClientEnv, Error> {
    match cluster.realm() {
        Some(_) => Ok(cluster.login_blocking("alice")?.env()),
        None => Ok(cluster.env_of("alice")),
    }
}

/// Has a client write and flush, and kills it.
fn die_while_writing(mut writer: JavaSession, path: &str) -> TestResult {
    writer.ok(&["create", path])?;
    writer.ok(&["write", FLUSHED])?;
    drop(writer);
    Ok(())
}

/// A writer is killed, and another client takes its lease away; another one, and its lease lapses.
fn recovers(cluster: &Cluster, real: &Daemon, data: &Path) -> TestResult {
    let env = env_of_alice(cluster)?;
    let writer = || JavaSession::start(&env, "Restarts.java");
    let mut reader = writer()?;
    die_while_writing(writer()?, "/user/alice/f")?;
    recover_lease(cluster, &mut reader, "/user/alice/f")?;
    die_while_writing(writer()?, "/user/alice/g")?;
    cluster.advance_blocking(HARD_LIMIT)?;
    eventually(cluster, "the file is closed", || {
        Ok(cluster.journal().count(is_synchronized) >= 2)
    })?;
    assert_eq!(reader.ok(&["read", "/user/alice/g"])?, RECOVERED);
    let found: BTreeSet<_> = replicas(data)?.into_iter().collect();
    assert_eq!(
        found.len(),
        2,
        "each block has one stamp: {found:?}\n{}",
        real.log()
    );
    assert!(
        found.iter().all(|(_, length)| *length == 150_001),
        "{found:?}"
    );
    Ok(())
}

fn recover_lease(cluster: &Cluster, reader: &mut JavaSession, path: &str) -> TestResult {
    let reader = std::cell::RefCell::new(reader);
    eventually(cluster, "the lease is recovered", || {
        Ok(reader.borrow_mut().ok(&["recover", path])? == "true\n")
    })?;
    let read = reader.borrow_mut().ok(&["read", path])?;
    assert_eq!(read, RECOVERED);
    Ok(())
}

fn is_synchronized(event: &Event) -> bool {
    let is_it = event.to_string().contains("commitBlockSynchronization");
    is_it
        && matches!(
            event,
            Event::RpcCall {
                outcome: Outcome::Ok,
                ..
            }
        )
}

fn hadoops_datanodes_recover(builder: ClusterBuilder) -> TestResult {
    let cluster = cluster(builder, 0)?;
    let folder = tempfile::tempdir()?;
    let real = real_datanodes::start(&cluster, folder.path(), &[("peers.datanodes", "3")])?;
    real_datanodes::wait_for(&cluster, &real, 3)?;
    recovers(&cluster, &real, folder.path()).map_err(|error| real.explain(error))
}

fn hadoops_datanodes_recover_blocks_for_our_namenode() -> TestResult {
    hadoops_datanodes_recover(Cluster::simple())
}

fn hadoops_datanodes_recover_blocks_for_our_secure_namenode() -> TestResult {
    hadoops_datanodes_recover(Cluster::secure())
}

/// The primary DataNode is the one that was heard of last: first one of ours, then Hadoop's.
fn datanodes_of_both_recover(builder: ClusterBuilder) -> TestResult {
    let cluster = cluster(builder, 2)?;
    let folder = tempfile::tempdir()?;
    let seldom = [("dfs.heartbeat.interval", "20")];
    let real = real_datanodes::start(&cluster, folder.path(), &seldom)?;
    real_datanodes::wait_for(&cluster, &real, 3)?;
    let run = || -> TestResult {
        let env = env_of_alice(&cluster)?;
        let writer = || JavaSession::start(&env, "Restarts.java");
        let mut reader = writer()?;
        die_while_writing(writer()?, "/user/alice/f")?;
        cluster.advance_blocking(Duration::from_secs(3))?;
        recover_lease(&cluster, &mut reader, "/user/alice/f")?;
        let log = real.log();
        assert!(log.contains("initReplicaRecovery: "), "it took part");
        assert!(!log.contains("calls recoverBlock("), "ours was the primary");

        die_while_writing(writer()?, "/user/alice/g")?;
        let since = cluster.journal().from_here();
        let _silent = [1, 2].map(|number| {
            cluster.inject(Fault::on_heartbeats().at(Server::DataNode(number)).lose())
        });
        cluster.advance_blocking(Duration::from_secs(21))?;
        recover_lease(&cluster, &mut reader, "/user/alice/g")?;
        assert!(
            real.log().contains("calls recoverBlock("),
            "it was the primary"
        );
        let asked = |event: &Event| event.to_string().contains("initReplicaRecovery");
        assert_eq!(
            since.count(asked),
            2,
            "both of ours took part: {}",
            since.last(40)
        );
        Ok(())
    };
    run().map_err(|error| real.explain(error))
}

fn datanodes_of_both_recover_blocks_for_our_namenode() -> TestResult {
    datanodes_of_both_recover(Cluster::simple())
}

fn datanodes_of_both_recover_blocks_for_our_secure_namenode() -> TestResult {
    datanodes_of_both_recover(Cluster::secure())
}

/// Starts a client of Hadoop's NameNode.
pub(super) fn client_of(reference: &Reference) -> Result<JavaSession, Error> {
    let conf = reference.conf();
    let class_path = format!(
        "{}:{}:{}/*",
        conf.display(),
        peers_dir().join("log").display(),
        hadoop_jars().display()
    );
    let mut java = Command::new("java");
    java.args(["-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"])
        .args(["-Dpeers.level=WARN", "-cp", &class_path])
        .arg(peer_source("Restarts.java"))
        .env("HADOOP_USER_NAME", "hdfs");
    JavaSession::run(java)
}

/// Kills a writer of so many replicas.
fn kill_a_writer(reference: &Reference, path: &str, replicas: &str) -> TestResult {
    let mut writer = client_of(reference)?;
    writer.ok(&["replication", replicas])?;
    die_while_writing(writer, path)
}

/// Takes the lease of a file away from its dead writer.
fn recover_under_hadoop(reader: &mut JavaSession, path: &str) -> TestResult {
    reader.ok(&["recovered", path])?;
    assert_eq!(reader.ok(&["read", path])?, RECOVERED, "{path}");
    Ok(())
}

/// Returns the finalized replicas below a folder: their names, which tell the stamps, and bytes.
fn contents(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let found = finalized(folder)?.into_iter();
    found
        .map(|(name, data)| Ok((name, std::fs::read(data)?)))
        .collect()
}

/// Hadoop's NameNode has blocks recovered by its own DataNode alone; by one of ours, the primary,
/// which asks Hadoop's; and by Hadoop's, which asks ours. Both replicas then have the same bytes.
fn datanodes_of_both_recover_blocks_for_hadoops_namenode() -> TestResult {
    let reference = Reference::start(
        &[
            "datanodes=1",
            "dfs.heartbeat.interval=5",
            "dfs.namenode.stale.datanode.interval=300000",
            "dfs.namenode.replication.min=1",
        ],
        |command| {
            command.env("HADOOP_USER_NAME", "hdfs");
        },
    )?;
    let mut reader = client_of(&reference)?;
    kill_a_writer(&reference, "/of-hadoop", "1")?;
    recover_under_hadoop(&mut reader, "/of-hadoop")?;
    let folder = tempfile::tempdir()?;
    let mut files = 0;
    // The primary is the one that was heard of last when the lease is taken away. Another heartbeat
    // can come between, hence the attempts.
    for (interval, is_primary) in [("1", true), ("20", false)] {
        let ours = DatanodeDaemon::of(reference.address())
            .persistent(folder.path())
            .set("dfs.heartbeat.interval", interval)
            .start_blocking()?;
        let mut roles = Vec::new();
        while roles.last() != Some(&is_primary) {
            assert!(roles.len() < ATTEMPTS, "{interval}: {roles:?}");
            let since = ours.journal().from_here();
            let path = format!("/of-both-{files}");
            kill_a_writer(&reference, &path, "2")?;
            let port = ours.address().port().to_string();
            reader.ok(&["latest", &port, &is_primary.to_string()])?;
            recover_under_hadoop(&mut reader, &path)?;
            files += 1;
            let asked = |method: &str| since.count(|event| event.to_string().contains(method));
            let asked = ["initReplicaRecovery", "updateReplicaUnderRecovery"].map(asked);
            assert!([[0, 0], [1, 1]].contains(&asked), "{asked:?}");
            roles.push(asked == [0, 0]);
            let (ours, theirs) = (contents(folder.path())?, contents(reference.path())?);
            assert_eq!(ours.len(), files);
            for (name, bytes) in &ours {
                assert_eq!(bytes.len(), 150_001, "{name}");
                assert!(theirs.get(name) == Some(bytes), "{name} differs");
            }
        }
    }
    Ok(())
}
