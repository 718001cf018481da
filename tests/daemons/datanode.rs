//! Hadoop's DataNode under Kerbox's NameNode.

use std::path::Path;
use std::time::Duration;

use kerbox::{Cluster, Datanode, Event, Login, NewPrincipal, Operation, Outcome};

use super::daemon::Daemon;
use super::real_datanodes::{eventually, replicas};
use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::clients::java_hadoop::java_commands;
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::Reference, Peer::JavaHadoop, Peer::LibGssapi] =>
        hadoops_datanode_serves_our_namenode,
        hadoops_datanode_obeys_our_namenode,
        only_the_principal_of_datanodes_may_register;
    [Peer::Reference35, Peer::JavaHadoop, Peer::LibGssapi] =>
        hadoop_3_5s_datanode_serves_our_namenode;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

const CLASS: &str = "org.apache.hadoop.hdfs.server.datanode.DataNode";

/// The line of the journal for its registration, after three of ours.
const REGISTERED: &str = "DataNode 4: registered";
const LENGTH: usize = 200_000;

/// The time after which a silent DataNode is the last resort.
const STALE: Duration = Duration::from_secs(40);

/// A minute of real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// The time after which a silent DataNode counts as dead, and a heartbeat.
const DEAD: Duration = Duration::from_secs(10 * 60 + 33);

fn shown(path: &Path) -> Result<&str, Error> {
    path.to_str()
        .ok_or_else(|| "a path that is not UTF-8".into())
}

/// Starts Hadoop's DataNode as `principal`, in the fixture's time.
fn start(cluster: &Cluster, folder: &Path, principal: &str) -> Result<Daemon, Error> {
    start_of("reference", cluster, folder, principal)
}

/// Same as [`start`], with the release in this folder of peers.
fn start_of(
    release: &str,
    cluster: &Cluster,
    folder: &Path,
    principal: &str,
) -> Result<Daemon, Error> {
    let realm = cluster.realm().ok_or("no realm")?;
    let keytab = realm.keytab(principal)?.display().to_string();
    let data = format!("file://{}", folder.join("data").display());
    let principal = realm.principal(principal)?.to_string();
    let keys = [
        ("dfs.datanode.data.dir", &*data),
        ("dfs.datanode.address", "127.0.0.1:0"),
        ("dfs.datanode.ipc.address", "127.0.0.1:0"),
        ("dfs.datanode.http.address", "127.0.0.1:0"),
        ("dfs.datanode.hostname", "localhost"),
        ("dfs.datanode.keytab.file", &*keytab),
        ("dfs.datanode.kerberos.principal", &*principal),
    ];
    Daemon::start_of(release, &cluster.env_under_clock()?, CLASS, folder, &keys)
}

/// Waits until the journal has an event whose line contains this text.
fn wait(cluster: &Cluster, daemon: &Daemon, text: &'static str) -> TestResult {
    let found = move |event: &Event| event.to_string().contains(text);
    let waited = cluster.journal().wait_blocking(found, PATIENCE);
    waited.map(drop).map_err(|error| daemon.explain(error))
}

/// Runs a command of Hadoop's shell, and returns what it printed.
fn shell(user: &Login, words: &[&str]) -> Result<String, Error> {
    let env = user.env_under_clock()?;
    let (answers, stderr) = java_commands(&env, "FsShells.java", &[words])?;
    match answers.into_iter().next() {
        Some((0, text)) => Ok(text),
        other => Err(format!("{other:?}\n{stderr}").into()),
    }
}

/// Does something with the first two of our DataNodes.
fn both(cluster: &Cluster, act: impl Fn(Datanode<'_>) -> Result<(), kerbox::Error>) -> TestResult {
    for number in [1, 2] {
        act(cluster.datanode(number)?)?;
    }
    Ok(())
}

/// Returns true if a replica was copied to others.
fn is_copied(event: &Event) -> bool {
    let Event::DataTransfer {
        operation, outcome, ..
    } = event
    else {
        return false;
    };
    *operation == Operation::ReplicateBlock && *outcome == Outcome::Ok
}

fn hadoops_datanode_serves_our_namenode() -> TestResult {
    serves_our_namenode("reference")
}

fn hadoop_3_5s_datanode_serves_our_namenode() -> TestResult {
    serves_our_namenode("reference-3.5")
}

/// Hadoop's DataNode is one of three in the pipelines of two clients, and then the only one with
/// the bytes. It dies, and its replicas are made again.
fn serves_our_namenode(release: &str) -> TestResult {
    let cluster = Cluster::secure()
        .datanodes(3)
        .set("dfs.replication", "3")
        .start_blocking()?;
    cluster.datanode(3)?.stop();
    let folder = tempfile::tempdir()?;
    let real = start_of(release, &cluster, folder.path(), "dn/localhost")?;
    wait(&cluster, &real, REGISTERED)?;
    wait(&cluster, &real, "blockReport")?;
    cluster.advance_blocking(STALE)?; // so that the stopped one comes last
    let alice = cluster.login_blocking("alice")?;
    let local = folder.path().join("local");
    std::fs::write(&local, "by Java\n")?;
    let put = ["-put", shown(&local)?, "/user/alice/java"];
    shell(&alice, &put).map_err(|error| real.explain(error))?;
    let client = client(&cluster, &alice)?;
    block_on(async { Ok(write(&client, "/user/alice/native", pattern(LENGTH)).await?) })
        .map_err(|error| real.explain(error))?;

    both(&cluster, |datanode| {
        datanode.stop();
        Ok(())
    })?;
    let read_both = || -> TestResult {
        assert_eq!(shell(&alice, &["-cat", "/user/alice/java"])?, "by Java\n");
        block_on(async {
            let bytes = read(&client, "/user/alice/native").await?;
            assert!(bytes == pattern(LENGTH), "it came back changed");
            Ok(())
        })
    };
    read_both().map_err(|error| real.explain(error))?;

    both(&cluster, |datanode| datanode.restart())?;
    let since = cluster.journal().from_here();
    real.kill()?;
    cluster.datanode(3)?.restart()?;
    cluster.advance_blocking(DEAD)?;
    eventually(&cluster, "both replicas are copied", || {
        Ok(since.count(is_copied) >= 2)
    })?;
    both(&cluster, |datanode| {
        datanode.stop();
        Ok(())
    })?;
    read_both()
}

/// Hadoop's DataNode copies a replica to ours, and deletes its own, as our NameNode orders.
fn hadoops_datanode_obeys_our_namenode() -> TestResult {
    let cluster = Cluster::secure()
        .datanodes(1)
        .set("dfs.replication", "1")
        .start_blocking()?;
    cluster.datanode(1)?.stop();
    let folder = tempfile::tempdir()?;
    let real = start(&cluster, folder.path(), "dn/localhost")?;
    wait(&cluster, &real, "blockReport")?;
    cluster.advance_blocking(STALE)?;
    let client = client(&cluster, &cluster.login_blocking("alice")?)?;
    let path = "/user/alice/f";
    block_on(async { Ok(write(&client, path, pattern(LENGTH)).await?) })
        .map_err(|error| real.explain(error))?;
    let data = folder.path().join("data");
    assert_eq!(replicas(&data)?.len(), 1);

    cluster.datanode(1)?.restart()?;
    block_on(async { Ok(client.set_replication(path, 2).await.map(drop)?) })?;
    wait(&cluster, &real, "DataNode 1: WRITE_BLOCK")?;
    block_on(async { Ok(client.set_replication(path, 1).await.map(drop)?) })?;
    block_on(async { Ok(client.delete(path, false).await.map(drop)?) })?;
    eventually(&cluster, "the replica is deleted", || {
        Ok(replicas(&data)?.is_empty())
    })
    .map_err(|error| real.explain(error))
}

/// Another principal of the realm authenticates, and is refused.
fn only_the_principal_of_datanodes_may_register() -> TestResult {
    let cluster = Cluster::secure().datanodes(1).start_blocking()?;
    let folder = tempfile::tempdir()?;
    let realm = cluster.realm().ok_or("no realm")?;
    realm.add_principal(NewPrincipal::new("other/localhost"))?;
    let real = start(&cluster, folder.path(), "other/localhost")?;
    eventually(&cluster, "the DataNode tries again", || {
        Ok(real.log().matches("Problem connecting to server").count() >= 2)
    })
    .map_err(|error| real.explain(error))?;
    let authenticated = |event: &Event| {
        let line = event.to_string();
        line.contains("other/localhost") && line.contains("GSSAPI")
    };
    let calls = |event: &Event| event.to_string().contains("versionRequest");
    let journal = cluster.journal();
    assert!(journal.count(authenticated) >= 2, "{}", journal.last(30));
    assert_eq!(journal.count(calls), 0, "{}", journal.last(30));
    Ok(())
}
