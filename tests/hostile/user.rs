//! The ordinary user: kinit, a new client, listing, writing, reading back, each answered in time.

use std::process::Command;
use std::time::Duration;

use hdfs_native::ClientBuilder;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::clients::hdfs_native::{pattern, read, write};
use crate::support::TestResult;

/// The number of seconds that this process works, instead of running tests.
pub(super) const WORK: &str = "KERBOX_HOSTILE_USER";

/// The time limit of a call: a second in the long run of an optimised build, which has the machine
/// to itself. Beside other trials a server may be slower without any fault.
fn limit() -> Duration {
    let long_run = std::env::var_os(super::SECONDS).is_some() && !cfg!(debug_assertions);
    Duration::from_secs(if long_run { 1 } else { 20 })
}

/// Works if this process was started for that.
pub(crate) fn work_if_asked() {
    let Ok(seconds) = std::env::var(WORK) else {
        return;
    };
    let duration = Duration::from_secs(seconds.parse().unwrap_or(1));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    if let Err(error) = runtime.block_on(work(duration)) {
        eprintln!("{error}");
        std::process::exit(1);
    }
    std::process::exit(0);
}

/// The longest call of each kind.
#[derive(Default)]
struct Times {
    longest: Vec<(&'static str, Duration)>,
    calls: usize,
}

impl Times {
    async fn of<T, E>(
        &mut self,
        what: &'static str,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, String>
    where
        E: std::fmt::Display,
    {
        let begun = Instant::now();
        let answer = call.await;
        let took = begun.elapsed();
        self.calls += 1;
        match self.longest.iter_mut().find(|(known, _)| *known == what) {
            Some((_, longest)) => *longest = took.max(*longest),
            None => self.longest.push((what, took)),
        }
        let answer = answer.map_err(|error| format!("{what} failed: {error}"))?;
        if took > limit() {
            return Err(format!("{what} took {took:?}"));
        }
        Ok(answer)
    }
}

async fn work(duration: Duration) -> TestResult {
    /// Files kept to the end; later ones replace them.
    const FILES: usize = 200;
    let begun = Instant::now();
    let mut pace = interval(Duration::from_millis(500));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Times::default();
    let mut written = Vec::new();
    for round in 0.. {
        if begun.elapsed() >= duration {
            break;
        }
        pace.tick().await;
        times.of("kinit", async { kinit() }).await?;
        let client = ClientBuilder::new().build()?;
        times
            .of("a listing", client.list_status("/", false))
            .await?;
        let path = format!("/user/alice/{}", round % FILES);
        let bytes = pattern(1_000 + 997 * (round % 100));
        if round >= FILES {
            // The file exists from an earlier round.
            times.of("a delete", client.delete(&path, false)).await?;
        }
        times
            .of("a write", write(&client, &path, bytes.clone()))
            .await?;
        let back = times.of("a read", read(&client, &path)).await?;
        assert!(back == bytes, "{path} came back changed");
        if round < FILES {
            written.push((path, bytes));
        } else {
            written[round % FILES].1 = bytes;
        }
    }
    let client = ClientBuilder::new().build()?;
    for (path, bytes) in &written {
        let back = times.of("a read", read(&client, path)).await?;
        assert!(back == *bytes, "{path} came back changed in the end");
    }
    println!("{} calls, {} files, longest:", times.calls, written.len());
    for (what, took) in &times.longest {
        println!("  {what}: {took:?}");
    }
    Ok(())
}

fn kinit() -> Result<(), String> {
    let keytab = std::env::var("KERBOX_DIR").unwrap_or_default() + "/keytabs/alice.keytab";
    let ran = Command::new("kinit")
        .args(["-k", "-t", &keytab, "alice"])
        .output()
        .map_err(|error| error.to_string())?;
    if ran.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&ran.stderr).into_owned())
}
