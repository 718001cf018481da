//! Many clusters at once, in one process and in several, none aware of the others; and the removal
//! of what killed processes leave behind.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kerbox::{Cluster, Event, Outcome};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::LibGssapi] =>
        fifty_secure_clusters_at_once_log_in_write_and_read;
    [] =>
        moving_one_clock_moves_no_other,
        nothing_is_left_when_a_cluster_is_dropped,
        what_a_killed_process_leaves_goes_at_the_next_start_and_the_living_stay;
}

fn fifty_secure_clusters_at_once_log_in_write_and_read() -> TestResult {
    const CLUSTERS: usize = 50;
    let clusters = (0..CLUSTERS)
        .map(|_| Cluster::secure().start_blocking())
        .collect::<Result<Vec<_>, _>>()?;
    let barrier = std::sync::Barrier::new(CLUSTERS);
    std::thread::scope(|scope| {
        let users: Vec<_> = clusters
            .iter()
            .enumerate()
            .map(|(number, cluster)| {
                let barrier = &barrier;
                scope.spawn(move || -> TestResult {
                    barrier.wait();
                    let alice = cluster.login_blocking("alice")?;
                    block_on(async {
                        let client = client(cluster, &alice)?;
                        let bytes = pattern(10_000 + number);
                        write(&client, "/user/alice/mine", bytes.clone()).await?;
                        assert!(read(&client, "/user/alice/mine").await? == bytes);
                        assert_eq!(client.list_status("/user/alice", true).await?.len(), 1);
                        Ok(())
                    })
                })
            })
            .collect();
        users.into_iter().try_for_each(|user| {
            user.join()
                .unwrap_or_else(|_| Err("a user panicked".into()))
        })
    })?;
    for cluster in &clusters {
        let logins = cluster.journal().count(|event| {
            matches!(
                event,
                Event::AsExchange {
                    outcome: Outcome::Ok,
                    ..
                }
            )
        });
        assert_eq!(logins, 1, "{}", cluster.journal().last(20));
    }
    Ok(())
}

fn moving_one_clock_moves_no_other() -> TestResult {
    let (moved, still) = (
        Cluster::secure().start_blocking()?,
        Cluster::secure().start_blocking()?,
    );
    moved.advance_blocking(Duration::from_secs(1000 * 3600))?;
    assert!(moved.clock().now().since(still.clock().now()) > Duration::from_secs(999 * 3600));
    still.login_blocking("alice")?;
    Ok(())
}

fn nothing_is_left_when_a_cluster_is_dropped() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let path = cluster.path().to_owned();
    let address = cluster.namenode_address();
    assert!(path.join("krb5.conf").exists());
    drop(cluster);
    assert!(!path.exists());
    assert!(
        TcpStream::connect(address).is_err(),
        "somebody still listens"
    );
    Ok(())
}

/// Makes this binary hold a cluster until its standard input ends.
const HOLD: &str = "KERBOX_TESTS_HOLD_A_CLUSTER";

/// Holds a cluster and exits if this process was started by [`Holder::start`]. `main` calls it
/// first.
pub(crate) fn hold_a_cluster_if_asked() {
    if std::env::var_os(HOLD).is_none() {
        return;
    }
    let held = Cluster::secure().start_blocking().expect("a cluster");
    println!("{}", held.path().display());
    println!("{}", kerbox::shared_krb5_conf().display());
    println!("{}", held.namenode_address());
    // Wait until the parent closes it, or this process is killed.
    let _ = std::io::stdin().lines().count();
    drop(held);
    std::process::exit(0);
}

/// A process that holds a cluster.
struct Holder {
    child: Child,
    cluster: PathBuf,
    shared_conf: PathBuf,
    namenode: SocketAddr,
}

impl Holder {
    /// Starts a process whose temporary files are in `temporary`.
    fn start(temporary: &Path) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(HOLD, "1")
            .env("TMPDIR", temporary)
            .env_remove("KERBOX_KEEP")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut line = || {
            lines
                .next()
                .unwrap_or_else(|| Err(std::io::ErrorKind::UnexpectedEof.into()))
        };
        let (cluster, shared_conf, namenode) = (line()?.into(), line()?.into(), line()?.parse()?);
        let holder = Self {
            child,
            cluster,
            shared_conf,
            namenode,
        };
        assert!(
            holder.is_there(),
            "{} says that it is there",
            holder.cluster.display()
        );
        Ok(holder)
    }

    fn is_there(&self) -> bool {
        self.cluster.join("krb5.conf").exists()
            && self.shared_conf.exists()
            && TcpStream::connect(self.namenode).is_ok()
    }

    /// Makes the process exit normally.
    fn end(&mut self) -> TestResult {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(status.to_string().into())
        }
    }
}

impl Drop for Holder {
    /// Ends the process if it is still running, as in a failing test, so that no process and no
    /// files stay.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn what_a_killed_process_leaves_goes_at_the_next_start_and_the_living_stay() -> TestResult {
    let temporary = tempfile::tempdir()?;
    let entries = || std::fs::read_dir(temporary.path()).map(Iterator::count);
    let mut living = Holder::start(temporary.path())?;
    let mut killed = Holder::start(temporary.path())?;
    killed.child.kill()?;
    killed.child.wait()?;
    assert!(
        killed.cluster.exists() && killed.shared_conf.exists(),
        "nobody could clean up"
    );
    assert!(TcpStream::connect(killed.namenode).is_err(), "it is dead");
    assert_eq!(entries()?, 4, "two clusters, two shared krb5.conf");
    Holder::start(temporary.path())?.end()?;
    assert!(!killed.cluster.exists(), "its files are gone");
    assert!(!killed.shared_conf.exists(), "and so is its realm's entry");
    assert!(living.is_there(), "the living one was left alone");
    living.end()?;
    assert_eq!(entries()?, 0);
    Ok(())
}
