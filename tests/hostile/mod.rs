//! A secure cluster in its own process under hostile load, while an ordinary user works: its memory
//! stays bounded, the user gets answers, and nothing is lost.
//!
//! The test takes a few seconds; `KERBOX_HOSTILE_SECONDS` sets how many. `.ci/long` gives it half
//! an hour. All traffic is on loopback, paced, and bounded in number and time.

mod attacks;
mod rpc;
mod user;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::support::{Peer, TestResult, trials};

pub(crate) use user::work_if_asked;

trials! {
    [Peer::KerboxProgram, Peer::LibGssapi, Peer::Mit] =>
        a_user_works_on_and_memory_stays_bounded_under_hostile_load;
}

/// The most memory that the servers may use.
const MOST_RESIDENT_KIB: u64 = 200 << 10;

/// The number of seconds of the long run.
const SECONDS: &str = "KERBOX_HOSTILE_SECONDS";

fn duration() -> Duration {
    let seconds = std::env::var(SECONDS).ok();
    Duration::from_secs(seconds.and_then(|text| text.parse().ok()).unwrap_or(8))
}

fn a_user_works_on_and_memory_stays_bounded_under_hostile_load() -> TestResult {
    let place = tempfile::tempdir()?;
    let sandbox = Sandbox::start(place.path().join("sandbox"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let (resident, done) = runtime.block_on(async {
        let attacks = attacks::begin(&sandbox).await?;
        let user = sandbox.user(duration())?;
        let resident = watch(&sandbox, duration()).await?;
        let sent = attacks.end();
        println!("hostile exchanges: {sent}");
        let done = tokio::task::spawn_blocking(move || user.wait_with_output()).await??;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((resident, done))
    })?;
    println!("at most {} MiB were resident", resident >> 10);
    print!("{}", String::from_utf8_lossy(&done.stdout));
    if !done.status.success() {
        return Err(format!(
            "the user: {}\n{}",
            done.status,
            String::from_utf8_lossy(&done.stderr)
        )
        .into());
    }
    assert!(
        resident < MOST_RESIDENT_KIB,
        "{} MiB were resident",
        resident >> 10
    );
    Ok(())
}

/// Returns the servers' peak memory during this time, in KiB.
async fn watch(
    sandbox: &Sandbox,
    duration: Duration,
) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    let begun = Instant::now();
    let mut most = 0;
    while begun.elapsed() < duration {
        let status = std::fs::read_to_string(format!("/proc/{}/status", sandbox.child.id()))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .ok_or("the servers are gone")?;
        most = most.max(resident.trim().trim_end_matches(" kB").parse()?);
        sleep(Duration::from_millis(200)).await;
    }
    Ok(most)
}

/// A running `kerbox up`, and its addresses.
pub(crate) struct Sandbox {
    child: Child,
    dir: PathBuf,
    kdc: SocketAddr,
    namenode: SocketAddr,
    /// Every port that it listens on.
    ports: Vec<SocketAddr>,
}

impl Sandbox {
    fn start(dir: PathBuf) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut child = Command::new(crate::support::kerbox_program())
            .args(["up", "--kdc-port", "0", "--namenode-port", "0"])
            .args(["--datanodes", "3", "--exit-on-stdin-eof", "--dir"])
            .arg(&dir)
            .env_remove(SECONDS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = |name: &str| -> Option<SocketAddr> {
            let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
            let (text, _) = rest.split_once('"')?;
            let port = text.rsplit_once(':')?.1.trim_end_matches('/');
            Some(([127, 0, 0, 1], port.parse().ok()?).into())
        };
        let (kdc, namenode) = (address("kdc"), address("namenode"));
        let not_ready = || format!("no ready line but {line:?}");
        let ports = listening(child.id())?;
        Ok(Self {
            kdc: kdc.ok_or_else(not_ready)?,
            namenode: namenode.ok_or_else(not_ready)?,
            child,
            dir,
            ports,
        })
    }

    /// Starts a process in which alice works for this long.
    fn user(&self, duration: Duration) -> std::io::Result<Child> {
        Command::new(std::env::current_exe()?)
            .env(user::WORK, duration.as_secs().to_string())
            .env("KERBOX_DIR", &self.dir)
            .env("KRB5_CONFIG", self.dir.join("krb5.conf"))
            .env("KRB5CCNAME", self.dir.join("alices.ccache"))
            .env("HADOOP_CONF_DIR", self.dir.join("hadoop"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // It exits when its standard input ends; otherwise it is killed.
        drop(self.child.stdin.take());
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the loopback TCP ports that a process listens on.
fn listening(pid: u32) -> std::io::Result<Vec<SocketAddr>> {
    const LISTEN: &str = "0A";
    let mut sockets = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        let link = std::fs::read_link(entry?.path())?;
        let link = link.to_string_lossy();
        sockets.extend(
            link.strip_prefix("socket:[")
                .map(|inode| inode.trim_end_matches(']').to_owned()),
        );
    }
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp"))?;
    let ports = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let ours = *fields.get(3)? == LISTEN && sockets.iter().any(|inode| inode == fields[9]);
        let port = u16::from_str_radix(fields[1].rsplit_once(':')?.1, 16).ok()?;
        ours.then_some(([127, 0, 0, 1], port).into())
    });
    Ok(ports.collect())
}
