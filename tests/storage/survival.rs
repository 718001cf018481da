//! Acknowledged changes are there after `kill -9`, at whatever moment.
//!
//! `KERBOX_KILLS` sets the number of kills: ten in an ordinary run, a thousand in `.ci/long`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hdfs_native::{Client, ClientBuilder, HdfsError};
use kerbox::Cluster;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Notify;

use super::{Error, shown};
use crate::clients::hdfs_native::{pattern, read, write};
use crate::support::{TestResult, block_on};

/// The folder in which a process serves a persistent cluster.
const SERVE: &str = "KERBOX_SERVE_PERSISTENT";
/// The number of kills.
const KILLS: &str = "KERBOX_KILLS";
const CLIENTS: usize = 3;
/// The most operations between two kills.
const OPERATIONS: usize = 120;

/// Serves a persistent cluster until this process is killed, if the parent has asked for it.
pub(crate) fn serve_if_asked() {
    let Some(folder) = std::env::var_os(SERVE) else {
        return;
    };
    let cluster = Cluster::simple()
        .persistent(folder)
        .datanodes(1)
        .set("dfs.replication", "1")
        // Kills also come while an image is made, and while old files are removed.
        .set("dfs.namenode.checkpoint.txns", "30")
        .set("dfs.namenode.checkpoint.check.period", "100ms")
        .set("dfs.namenode.num.extra.edits.retained", "20")
        .start_blocking()
        .expect("a cluster");
    println!("{} {}", cluster.url(), cluster.hadoop_conf_dir().display());
    let _closed = std::io::stdin().lines().count();
    drop(cluster);
    std::process::exit(0);
}

/// A process that serves a persistent cluster.
struct Server {
    child: Child,
    url: String,
    conf: String,
}

impl Server {
    fn start(folder: &Path, temporary: &Path) -> Result<Self, Error> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(SERVE, folder)
            .env("TMPDIR", temporary)
            .env_remove("KERBOX_KEEP")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let words = line.trim().split_once(' ');
        let (url, conf) = words.ok_or_else(|| format!("it did not start: {line:?}"))?;
        Ok(Self {
            child,
            url: url.to_owned(),
            conf: conf.to_owned(),
        })
    }

    fn client(&self) -> Result<Client, HdfsError> {
        ClientBuilder::new()
            .with_url(&self.url)
            .with_config_dir(&self.conf)
            .with_user("alice")
            .build()
    }

    /// Kills it by SIGKILL.
    fn kill(mut self) -> TestResult {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

/// An operation of a client in its own directory.
#[derive(Clone, Debug)]
enum Operation {
    Mkdir(String),
    /// Writes a file of so many bytes.
    Write(String, usize),
    Rename(String, String),
    Delete(String),
}

impl Operation {
    /// Chooses one for a directory with these entries.
    fn choose(number: usize, entries: &Entries, rng: &mut StdRng) -> Self {
        let fresh = format!("n{number}");
        let old = entries
            .keys()
            .nth(rng.random_range(0..entries.len().max(1)));
        match (rng.random_range(0..6), old) {
            (0, _) => Self::Mkdir(fresh),
            (1, Some(old)) => Self::Rename(old.clone(), fresh),
            (2, Some(old)) => Self::Delete(old.clone()),
            _ => Self::Write(fresh, rng.random_range(0..3000)),
        }
    }

    /// Carries it out on the model.
    fn apply(&self, entries: &mut Entries) {
        match self {
            Self::Mkdir(name) => drop(entries.insert(name.clone(), None)),
            Self::Write(name, length) => drop(entries.insert(name.clone(), Some(*length))),
            Self::Rename(from, to) => {
                if let Some(entry) = entries.remove(from) {
                    entries.insert(to.clone(), entry);
                }
            }
            Self::Delete(name) => drop(entries.remove(name)),
        }
    }

    async fn run(&self, client: &Client, folder: &str) -> Result<(), HdfsError> {
        let path = |name: &str| format!("{folder}/{name}");
        match self {
            Self::Mkdir(name) => client.mkdirs(&path(name), 0o755, true).await,
            Self::Write(name, length) => write(client, &path(name), pattern(*length)).await,
            Self::Rename(from, to) => client.rename(&path(from), &path(to), false).await,
            Self::Delete(name) => client.delete(&path(name), true).await.map(drop),
        }
    }
}

/// The entries of a directory: the lengths of files, and `None` for directories.
type Entries = BTreeMap<String, Option<usize>>;

/// The answers that one client got.
#[derive(Clone, Debug, Default)]
struct Told {
    entries: Entries,
    /// The operation that was not answered when the server was killed.
    open: Option<Operation>,
    made: usize,
}

/// Works until the server is gone.
async fn work(client: Client, folder: String, mut told: Told, count: Arc<Count>) -> Told {
    let mut rng = StdRng::seed_from_u64(told.made as u64);
    loop {
        told.made += 1;
        let operation = Operation::choose(told.made, &told.entries, &mut rng);
        told.open = Some(operation.clone());
        if operation.run(&client, &folder).await.is_err() {
            return told;
        }
        operation.apply(&mut told.entries);
        told.open = None;
        count.add();
    }
}

/// Counts answers up to a number.
struct Count {
    left: AtomicUsize,
    reached: Notify,
}

impl Count {
    fn add(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.reached.notify_one();
        }
    }
}

/// Checks a directory against the client's answers, and goes on with what is there.
async fn check(client: &Client, folder: &str, told: &mut Told) -> TestResult {
    let mut found = Entries::new();
    for status in client.list_status(folder, false).await? {
        let name = status
            .path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        found.insert(name, (!status.isdir).then_some(status.length));
    }
    let mut done = told.entries.clone();
    let open = told.open.take();
    if let Some(operation) = &open {
        operation.apply(&mut done);
    }
    // A file whose writing was not answered may be there with any length.
    if let Some(Operation::Write(name, _)) = &open {
        done.remove(name);
        if found.remove(name).is_some() {
            client.delete(&format!("{folder}/{name}"), true).await?;
        }
    }
    if found != told.entries && found != done {
        let (entries, open) = (&told.entries, &open);
        return Err(format!("{folder} has {found:?} after {entries:?} and {open:?}").into());
    }
    for (name, length) in &found {
        if let Some(length) = length {
            let bytes = read(client, &format!("{folder}/{name}")).await?;
            assert!(
                bytes == pattern(*length),
                "{folder}/{name} came back changed"
            );
        }
    }
    told.entries = found;
    Ok(())
}

pub(super) fn what_was_acknowledged_survives_kills() -> TestResult {
    let kills = std::env::var(KILLS).ok();
    let kills = kills.and_then(|text| text.parse().ok()).unwrap_or(10);
    let place = tempfile::tempdir()?;
    let folder = place.path().join("data");
    shown(&folder)?;
    block_on(async move {
        let mut rng = StdRng::seed_from_u64(1);
        let mut told: Vec<Told> = vec![Told::default(); CLIENTS];
        for kill in 0..=kills {
            let server = Server::start(&folder, place.path())?;
            let client = server.client()?;
            for (number, told) in told.iter_mut().enumerate() {
                let folder = format!("/user/alice/{number}");
                client.mkdirs(&folder, 0o755, true).await?;
                let checked = check(&client, &folder, told).await;
                checked.map_err(|error| format!("after {kill} kills: {error}"))?;
            }
            if kill == kills {
                return Ok(());
            }
            told = until_killed(server, told, rng.random_range(1..OPERATIONS)).await?;
        }
        Ok(())
    })
}

/// Lets all clients work, and kills the server after so many answers.
async fn until_killed(server: Server, told: Vec<Told>, answers: usize) -> Result<Vec<Told>, Error> {
    let count = Arc::new(Count {
        left: AtomicUsize::new(answers),
        reached: Notify::new(),
    });
    let mut workers = Vec::new();
    for (number, told) in told.into_iter().enumerate() {
        let folder = format!("/user/alice/{number}");
        let work = work(server.client()?, folder, told, Arc::clone(&count));
        workers.push(tokio::spawn(work));
    }
    count.reached.notified().await;
    server.kill()?;
    let mut told = Vec::new();
    for worker in workers {
        told.push(worker.await?);
    }
    Ok(told)
}
