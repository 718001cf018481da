//! Same seed, same clock, same script: the parts of a run that repeat when a fixture is started
//! again, tested with real clients.

use std::collections::BTreeMap;
use std::path::Path;

use kerbox::{Cluster, Event, Realm, Server, Timestamp};
use krb5::{KdcClient, Principal};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [] =>
        a_realm_repeats_itself,
        another_seed_makes_other_keys;
    [Peer::LibGssapi] =>
        a_cluster_repeats_itself;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Connection events contain the clients' ports, which the system chooses, and their ends are timed
/// by the system.
fn repeats(event: &Event) -> bool {
    !matches!(event, Event::Connection { .. })
}

/// Returns what each server saw, in its own order. The fixture does not control how the threads of
/// a client and of the fixture interleave.
fn told_by_each(journal: &kerbox::Journal) -> BTreeMap<Option<Server>, Vec<String>> {
    let mut told: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for entry in journal.filter(repeats) {
        told.entry(entry.event.server())
            .or_default()
            .push(format!("{} {}", entry.at, entry.event));
    }
    told
}

/// Reads every file below a directory of keys or blocks, keyed by its relative path.
fn files(root: &Path, directory: &str) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.join(directory)];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else {
                found.insert(
                    path.strip_prefix(root)?.display().to_string(),
                    std::fs::read(&path)?,
                );
            }
        }
    }
    Ok(found)
}

/// The comparable parts of a run.
#[derive(PartialEq, Eq, Debug)]
struct Run {
    told: BTreeMap<Option<Server>, Vec<String>>,
    files: BTreeMap<String, Vec<u8>>,
}

/// The start time of both runs: close to real time, since this client only has the system's clock.
fn now() -> Timestamp {
    kerbox::Clock::system().now()
}

fn realm_run(seed: u64, at: Timestamp) -> Result<Run, Error> {
    let realm = Realm::builder()
        .realm_name("AGAIN.TEST")
        .clock(kerbox::Clock::frozen(at))
        .seed(seed)
        .start_blocking()?;
    let kdc = KdcClient::new(realm.name(), [realm.kdc_address().to_string()]);
    let principal = |name: &str| Principal::parse(&format!("{name}@{}", realm.name()));
    assert!(
        kdc.login_with_password(&principal("alice")?, "wrong")
            .is_err()
    );
    let tgt = kdc.login_with_password(&principal("alice")?, "alice")?;
    kdc.service_ticket(&tgt, &principal("host/localhost")?)?;
    assert!(
        kdc.service_ticket(&tgt, &principal("nobody/localhost")?)
            .is_err()
    );
    Ok(Run {
        told: told_by_each(&realm.journal()),
        files: files(realm.path(), "keytabs")?,
    })
}

fn a_realm_repeats_itself() -> TestResult {
    let at = now();
    let first = realm_run(7, at)?;
    let kdc = first
        .told
        .get(&Some(Server::Kdc))
        .ok_or("the KDC has seen nothing")?;
    assert!(kdc.len() >= 4, "{kdc:#?}");
    assert!(first.files.len() >= 9, "{:?}", first.files.keys());
    assert_eq!(first, realm_run(7, at)?);
    Ok(())
}

fn another_seed_makes_other_keys() -> TestResult {
    let at = now();
    let (first, second) = (realm_run(7, at)?, realm_run(8, at)?);
    assert_eq!(first.told, second.told, "the same happened");
    assert!(first.files.keys().eq(second.files.keys()));
    for (name, keytab) in &first.files {
        assert!(second.files[name] != *keytab, "{name} has the same keys");
    }
    Ok(())
}

fn cluster_run(at: Timestamp) -> Result<Run, Error> {
    let cluster = Cluster::secure()
        .realm_name("CLUSTER.AGAIN.TEST")
        .clock(kerbox::Clock::frozen(at))
        .seed(42)
        .datanodes(2)
        .set("dfs.replication", "2")
        .set("dfs.blocksize", "65536")
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let bob = cluster.login_blocking("bob")?;
    block_on(async {
        let native = client(&cluster, &alice)?;
        native.mkdirs("/user/alice/a", 0o750, true).await?;
        write(&native, "/user/alice/a/f", pattern(150_000)).await?;
        assert!(read(&native, "/user/alice/a/f").await? == pattern(150_000));
        native
            .rename("/user/alice/a/f", "/user/alice/a/g", false)
            .await?;
        assert!(
            client(&cluster, &bob)?
                .list_status("/user/alice/a", false)
                .await
                .is_err()
        );
        cluster.advance_blocking(std::time::Duration::from_hours(11))?;
        assert!(
            client(&cluster, &alice)?
                .list_status("/", false)
                .await
                .is_err()
        );
        TestResult::Ok(())
    })?;
    let mut files_of_run = files(cluster.path(), "keytabs")?;
    files_of_run.extend(files(cluster.path(), "blocks")?);
    Ok(Run {
        told: told_by_each(&cluster.journal()),
        files: files_of_run,
    })
}

fn a_cluster_repeats_itself() -> TestResult {
    let at = now();
    let (first, second) = (cluster_run(at)?, cluster_run(at)?);
    assert!(
        first.files.keys().any(|name| name.contains("blk_")),
        "{:?}",
        first.files.keys()
    );
    for (server, told) in &first.told {
        let again = second.told.get(server).ok_or("a server is missing")?;
        assert_eq!(told, again, "{server:?}");
    }
    assert!(
        first.files.keys().eq(second.files.keys()),
        "{:?}",
        second.files.keys()
    );
    for (name, bytes) in &first.files {
        assert!(second.files[name] == *bytes, "{name} differs");
    }
    assert_eq!(first, second);
    Ok(())
}
