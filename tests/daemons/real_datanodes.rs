//! Several DataNodes of Hadoop under Kerbox's NameNode, all in one process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kerbox::{Cluster, Event};

use super::daemon::Daemon;
use crate::support::{TestResult, peer_source};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A minute of real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts DataNodes in the fixture's time, with these keys and those of `peers/DataNodes.java`.
pub(super) fn start(
    cluster: &Cluster,
    folder: &Path,
    keys: &[(&str, &str)],
) -> Result<Daemon, Error> {
    let path = folder.display().to_string();
    let mut all = vec![
        ("peers.folder", path),
        ("dfs.datanode.address", "127.0.0.1:0".to_owned()),
        ("dfs.datanode.ipc.address", "127.0.0.1:0".to_owned()),
        ("dfs.datanode.http.address", "127.0.0.1:0".to_owned()),
        ("dfs.datanode.hostname", "localhost".to_owned()),
    ];
    if let Some(realm) = cluster.realm() {
        let keytab = realm.keytab("dn/localhost")?.display().to_string();
        let principal = realm.principal("dn/localhost")?.to_string();
        all.push(("dfs.datanode.keytab.file", keytab));
        all.push(("dfs.datanode.kerberos.principal", principal));
    }
    let mut all: Vec<(&str, &str)> = all.iter().map(|(key, value)| (*key, &**value)).collect();
    all.extend(keys);
    let program = peer_source("DataNodes.java").display().to_string();
    Daemon::start(&cluster.env_under_clock()?, &program, folder, &all)
}

/// Waits until so many DataNodes live and have reported, those of the fixture included.
pub(super) fn wait_for(cluster: &Cluster, daemon: &Daemon, count: usize) -> TestResult {
    let real = count - cluster.datanodes();
    let reported = |event: &Event| event.to_string().contains("blockReport");
    eventually(cluster, "the DataNodes report", || {
        let live = cluster.namenode().live_datanodes();
        Ok(live >= count && cluster.journal().count(reported) >= real)
    })
    .map_err(|error| daemon.explain(error))
}

/// Lets heartbeats pass until something has happened.
pub(super) fn eventually(
    cluster: &Cluster,
    what: &str,
    happened: impl Fn() -> Result<bool, Error>,
) -> TestResult {
    let clock = cluster.clock();
    let until = clock.real_now() + PATIENCE;
    while !happened()? {
        if clock.real_now() > until {
            return Err(format!("{what}: not within {PATIENCE:?}").into());
        }
        cluster.advance_blocking(Duration::from_secs(3))?;
    }
    Ok(())
}

/// Returns the finalized replicas below a folder: the name of the file with the checksums, and the
/// length of the data.
pub(super) fn replicas(data: &Path) -> Result<Vec<(String, u64)>, Error> {
    let found = finalized(data)?.into_iter();
    found
        .map(|(name, path)| Ok((name, path.metadata()?.len())))
        .collect()
}

/// Returns the finalized replicas below a folder: the name of the file with the checksums, and the
/// path of the one with the data.
pub(super) fn finalized(data: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut folders = vec![data.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let finalized = path
                .components()
                .any(|part| part.as_os_str() == "finalized");
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if let (true, Some((block, _))) =
                (finalized && name.ends_with(".meta"), name.rsplit_once('_'))
            {
                let data = path.with_file_name(block);
                found.push((name, data));
            }
        }
    }
    Ok(found)
}
