//! A persistent cluster in a process that can be killed, on a disk that can be full.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hdfs_native::{Client, ClientBuilder, HdfsError};
use kerbox::{Clock, Cluster};
use minihdfs::rpc::client::driver::{RpcClient, RpcTarget};
use minihdfs::rpc::client::{ClientSettings, Identity};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::Error;
use crate::support::TestResult;

/// The number of clients so far.
static CLIENTS: AtomicU64 = AtomicU64::new(0);
/// The folder in which a process serves a persistent cluster.
const SERVE: &str = "KERBOX_SERVE_PERSISTENT";

/// Serves a persistent cluster until this process is killed, if the parent has asked for it.
pub(crate) fn serve_if_asked() {
    let Some(folder) = std::env::var_os(SERVE) else {
        return;
    };
    let cluster = Cluster::simple()
        .persistent(folder)
        .datanodes(1)
        .set("dfs.replication", "1")
        .set("dfs.namenode.delegation.token.always-use", "true")
        // Kills also come while an image is made, and while old files are removed.
        .set("dfs.namenode.checkpoint.txns", "30")
        .set("dfs.namenode.checkpoint.check.period", "100ms")
        .set("dfs.namenode.num.extra.edits.retained", "20")
        .set("dfs.namenode.resource.du.reserved", "512k")
        .set("dfs.namenode.resource.check.interval", "100ms")
        .start_blocking()
        .expect("a cluster");
    println!("{} {}", cluster.url(), cluster.hadoop_conf_dir().display());
    let _closed = std::io::stdin().lines().count();
    drop(cluster);
    std::process::exit(0);
}

/// The place of the files of a cluster.
pub(super) struct Place {
    /// The folder, as the server sees it.
    folder: PathBuf,
    /// Other files of the server.
    temporary: PathBuf,
    /// A process in whose mount namespace a small disk is; the end of its input ends it.
    holder: Option<Child>,
}

impl Place {
    /// Returns a folder on the disk that there is.
    pub(super) fn on_disk(temporary: &Path) -> Self {
        Self {
            folder: temporary.join("data"),
            temporary: temporary.to_owned(),
            holder: None,
        }
    }

    /// Mounts a disk of 24 MiB that only the server sees.
    pub(super) fn on_small_disk(temporary: &Path) -> Result<Self, Error> {
        let disk = temporary.join("disk");
        fs::create_dir(&disk)?;
        let mut holder = Command::new("unshare")
            .args(["--mount", "sh", "-c"])
            .arg(r#"mount -t tmpfs -o size=24m tmpfs "$0" && echo mounted && cat"#)
            .arg(&disk)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = holder.stdout.take().ok_or("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let place = Self {
            folder: disk.join("data"),
            temporary: temporary.to_owned(),
            holder: Some(holder),
        };
        match &*line {
            "mounted\n" => Ok(place),
            _ => Err("a disk cannot be mounted".into()),
        }
    }

    /// Returns a path of the server's as this process sees it.
    fn seen(&self, path: &Path) -> PathBuf {
        match &self.holder {
            None => path.to_owned(),
            Some(holder) => {
                let root = PathBuf::from(format!("/proc/{}/root", holder.id()));
                root.join(path.strip_prefix("/").unwrap_or(path))
            }
        }
    }

    /// Returns the file of edits that was being written when the server was killed.
    pub(super) fn unfinished_edits(&self) -> Result<Option<PathBuf>, Error> {
        let mut folders = vec![self.seen(&self.folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let name = entry.file_name();
                if name.to_string_lossy().starts_with("edits_inprogress_") {
                    return Ok(Some(entry.path()));
                }
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        Ok(None)
    }

    fn filler(&self) -> PathBuf {
        self.seen(&self.folder.with_file_name("filler"))
    }

    /// Leaves no byte of the small disk free.
    pub(super) fn fill(&self) -> TestResult {
        let mut filler = File::create(self.filler())?;
        let mut size = 1 << 16;
        while size > 0 {
            match filler.write(&vec![1; size]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => size /= 2,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    pub(super) fn free(&self) -> TestResult {
        Ok(fs::remove_file(self.filler())?)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(holder) = &mut self.holder {
            let _ = holder.kill();
            let _ = holder.wait();
        }
    }
}

/// A process that serves a persistent cluster.
pub(super) struct Server {
    child: Mutex<Child>,
    url: String,
    conf: String,
}

impl Server {
    pub(super) fn start(place: &Place) -> Result<Self, Error> {
        let exe = std::env::current_exe()?;
        let mut command = match &place.holder {
            None => Command::new(exe),
            Some(holder) => {
                let mut command = Command::new("nsenter");
                let mounts = format!("--mount=/proc/{}/ns/mnt", holder.id());
                command.arg(mounts).arg("--").arg(exe);
                command
            }
        };
        let mut child = command
            .env(SERVE, &place.folder)
            .env("TMPDIR", &place.temporary)
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
            child: Mutex::new(child),
            url: url.to_owned(),
            conf: conf.to_owned(),
        })
    }

    pub(super) fn client(&self) -> Result<Client, HdfsError> {
        ClientBuilder::new()
            .with_url(&self.url)
            .with_config_dir(&self.conf)
            // It would look for a server that was killed for minutes.
            .with_config([("dfs.client.failover.max.attempts", "0")])
            .with_user("alice")
            .build()
    }

    /// Returns a client of the calls that hdfs-native does not make. Each has an id of its own: the
    /// calls of one that had an earlier id would be taken for repetitions of earlier calls.
    pub(super) fn calls(&self, user: &str) -> Result<RpcClient, Error> {
        let address = self.url.trim_start_matches("hdfs://");
        let address = address
            .trim_end_matches('/')
            .replace("localhost", "127.0.0.1");
        let target = RpcTarget {
            address: address.parse::<SocketAddr>()?,
            protocol: ("org.apache.hadoop.hdfs.protocol.ClientProtocol", 1),
            identity: Identity::simple(user),
            settings: Arc::new(ClientSettings {
                connect_max_retries: 0,
                ..ClientSettings::default()
            }),
            tickets: None,
        };
        let mut rng = StdRng::seed_from_u64(CLIENTS.fetch_add(1, Ordering::Relaxed));
        Ok(RpcClient::new(target, Clock::system(), &mut rng))
    }

    /// Kills it by SIGKILL.
    pub(super) fn kill(&self) -> TestResult {
        let mut child = self.child.lock().map_err(|_| "another thread has failed")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.kill();
    }
}
