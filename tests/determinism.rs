//! Same seed, same clock, same script: the parts of a run that repeat when a fixture is started
//! again, tested with real clients.

use std::collections::BTreeMap;
use std::path::Path;

use kerbox::{Cluster, ErrorCode, Event, Fault, Realm, Server, Timestamp, Verdict};
use krb5::{KdcClient, Principal};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [] =>
        a_realm_repeats_itself,
        faults_repeat_themselves_on_any_number_of_threads,
        clients_at_once_repeat_themselves_each,
        another_seed_makes_other_keys;
    [Peer::LibGssapi] =>
        a_cluster_repeats_itself,
        a_cluster_with_faults_repeats_itself_on_any_number_of_threads;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The ends of connections are timed by the system.
fn repeats(event: &Event) -> bool {
    !matches!(event, Event::Connection { opened: false, .. })
}

/// Returns what each server saw, in its own order. The fixture does not control how the threads of
/// a client and of the fixture interleave.
fn told_by_each(journal: &kerbox::Journal) -> BTreeMap<Option<Server>, Vec<String>> {
    let mut told: BTreeMap<_, Vec<String>> = BTreeMap::new();
    let mut ends: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for entry in journal.filter(repeats) {
        // A transfer ends once the client has what it waits for, and goes on meanwhile.
        let is_end = matches!(
            entry.event,
            Event::ReadBlock { .. } | Event::WriteBlock { .. }
        );
        let list = if is_end { &mut ends } else { &mut told };
        let line = format!("{} {}", entry.at, entry.text());
        list.entry(entry.event.server()).or_default().push(line);
    }
    for (server, mut lines) in ends {
        lines.sort_unstable();
        told.entry(server).or_default().extend(lines);
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

fn realm(seed: u64, at: Timestamp, threads: usize) -> Result<Realm, Error> {
    let builder = Realm::builder()
        .realm_name("AGAIN.TEST")
        .clock(kerbox::Clock::frozen(at))
        .seed(seed)
        .threads(threads);
    Ok(builder.start_blocking()?)
}

fn realm_run(seed: u64, at: Timestamp) -> Result<Run, Error> {
    let realm = realm(seed, at, 1)?;
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

/// Logs in again and again, and asks for service tickets, half of which a fault refuses. Returns
/// what came of it.
fn tries(realm: &Realm, user: &str) -> Result<Vec<bool>, Error> {
    let kdc = KdcClient::new(realm.name(), [realm.kdc_address().to_string()]);
    let principal = |name: &str| Principal::parse(&format!("{name}@{}", realm.name()));
    let mut came = Vec::new();
    for _ in 0..6 {
        let tgt = kdc.login_with_password(&principal(user)?, user)?;
        for service in ["host/localhost", "nn/localhost"] {
            came.push(kdc.service_ticket(&tgt, &principal(service)?).is_ok());
        }
    }
    Ok(came)
}

fn half_of_the_service_tickets() -> Fault {
    let refused = Fault::new(
        |event| matches!(event, Event::TgsExchange { .. }),
        Verdict::KrbError(ErrorCode::KDC_ERR_POLICY),
    );
    refused.with_probability(0.5)
}

fn faults_repeat_themselves_on_any_number_of_threads() -> TestResult {
    let at = now();
    let run = |threads| {
        let realm = realm(7, at, threads)?;
        let fault = realm.inject(half_of_the_service_tickets());
        let came = tries(&realm, "alice")?;
        // The client asks again when it is refused.
        assert!(fault.struck() > 0);
        Ok::<_, Error>((came, told_by_each(&realm.journal())))
    };
    let first = run(1)?;
    assert!(
        first.0.contains(&true) && first.0.contains(&false),
        "{:?}",
        first.0
    );
    for threads in [1, 2, 8] {
        assert_eq!(run(threads)?, first, "{threads} threads");
    }
    Ok(())
}

fn clients_at_once_repeat_themselves_each() -> TestResult {
    const USERS: [&str; 3] = ["alice", "bob", "jupyter"];
    let at = now();
    let run = |threads| {
        let realm = realm(7, at, threads)?;
        let _fault = realm.inject(half_of_the_service_tickets());
        std::thread::scope(|scope| {
            let clients = USERS.map(|user| scope.spawn(|| tries(&realm, user)));
            clients.into_iter().try_for_each(|client| {
                let came = client.join().map_err(|_| "a client panicked")?;
                came.map(drop)
            })
        })?;
        let of = |user: &str| -> Vec<String> {
            let client = format!("{user}@AGAIN.TEST");
            let entries = realm.journal().filter(|event| {
                let event = match event {
                    Event::Fault { on, .. } => &**on,
                    event => event,
                };
                event.user().is_some_and(|who| **who == *client)
            });
            entries.iter().map(kerbox::Entry::text).collect()
        };
        Ok::<_, Error>(USERS.map(of))
    };
    let first = run(1)?;
    assert!(first.iter().all(|lines| lines.len() > 20), "{first:#?}");
    assert_ne!(first[0].len(), 0);
    for threads in [1, 2, 8] {
        assert_eq!(run(threads)?, first, "{threads} threads");
    }
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

/// hdfs-native finds a KDC by its realm's name, so tests that run side by side differ in `realm`.
fn cluster_run(
    realm: &str,
    at: Timestamp,
    threads: usize,
    with_faults: bool,
) -> Result<Run, Error> {
    let cluster = Cluster::secure()
        .realm_name(realm)
        .clock(kerbox::Clock::frozen(at))
        .seed(42)
        .threads(threads)
        .datanodes(2)
        .set("dfs.replication", "2")
        .set("dfs.blocksize", "65536")
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let bob = cluster.login_blocking("bob")?;
    let _faults = with_faults.then(|| {
        let access = "org.apache.hadoop.security.AccessControlException";
        let refused = Fault::on_rpc("getListing").exception(access, "by chance");
        [
            cluster.inject(refused.with_probability(0.5)),
            cluster.inject(Fault::on_read_packets().wrong_checksums().once()),
        ]
    });
    block_on(async {
        let native = client(&cluster, &alice)?;
        for _ in 0..8 {
            // A fault refuses some of them.
            let _ = native.list_status("/user", false).await;
        }
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
        cluster.advance_blocking(std::time::Duration::from_secs(11 * 3600))?;
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
    let run = || cluster_run("CLUSTER.AGAIN.TEST", at, 1, false);
    let (first, second) = (run()?, run()?);
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

fn a_cluster_with_faults_repeats_itself_on_any_number_of_threads() -> TestResult {
    let at = now();
    let run = |threads| cluster_run("FAULTS.AGAIN.TEST", at, threads, true);
    let first = run(1)?;
    let struck = |lines: &Vec<String>| lines.iter().filter(|line| line.contains("fault: ")).count();
    assert!(first.told.values().map(struck).sum::<usize>() > 1);
    for threads in [1, 2, 8] {
        let again = run(threads)?;
        for (server, told) in &first.told {
            assert_eq!(
                Some(told),
                again.told.get(server),
                "{server:?}, {threads} threads"
            );
        }
        assert!(
            first.files == again.files,
            "{threads} threads: files differ"
        );
    }
    Ok(())
}
