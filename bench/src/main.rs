//! The load generator for Kerbox and for the servers that it is compared with.
//!
//! ```text
//! load calls URL PID [COUNT]       getFileInfo, mkdirs, create with 1, 8 and 100 in flight
//! load info  URL PID [COUNT]       getFileInfo alone, one at a time
//! load files URL PID [COUNT]       files of 1 KiB with 1 and 8 in flight
//! load data  URL PID MIB REPLICAS  one file written and read back
//! load kdc   HOST:PORT PID KEYTAB PRINCIPAL SERVICE [COUNT]  AS and TGS exchanges
//! load start [ROUNDS]              secure clusters to their first listing, realms to their first
//!                                  ticket, NameNodes with 1000 files restarted, in this process
//! load web [ROUNDS]                secure clusters to their first answer over HTTPS, in this
//!                                  process
//! load usage PID                   CPU seconds and resident memory
//! ```
//! PID is the server's process, whose CPU time is read before and after each run. Configuration and
//! credentials come from the environment (`HADOOP_CONF_DIR`, `KRB5_CONFIG`, `KRB5CCNAME`), as set
//! by `kerbox env` or the reference servers' `env.sh`.

use std::process::ExitCode;

mod hdfs;
mod kdc;
mod process;
mod start;
mod web;

/// Times a run, and reads the server's CPU time before and after it.
pub(crate) struct Measured {
    server: u32,
}

impl Measured {
    async fn timed<E>(&self, run: impl Future<Output = Result<(), E>>) -> Result<(f64, f64), E> {
        let before = process::usage(self.server);
        let clock = stopwatch();
        run.await?;
        let seconds = stopwatch() - clock;
        let cpu = match (before, process::usage(self.server)) {
            (Some(before), Some(after)) => (after.cpu - before.cpu).as_secs_f64(),
            _ => f64::NAN,
        };
        Ok((seconds, cpu))
    }

    pub(crate) async fn rate<E>(
        &self,
        what: &str,
        parallel: usize,
        count: usize,
        run: impl Future<Output = Result<(), E>>,
    ) -> Result<(), E> {
        let (seconds, cpu) = self.timed(run).await?;
        println!(
            "{what:<18} {parallel:>3} in flight {:>10.0} /s   server CPU {:>8.1} us each",
            count as f64 / seconds,
            cpu * 1e6 / count as f64
        );
        Ok(())
    }

    /// Times blocking exchanges, one at a time.
    pub(crate) fn blocking<E>(
        &self,
        what: &str,
        count: usize,
        mut exchange: impl FnMut() -> Result<(), E>,
    ) -> Result<(), E> {
        let before = process::usage(self.server);
        let clock = stopwatch();
        for _ in 0..count {
            exchange()?;
        }
        let seconds = stopwatch() - clock;
        let cpu = match (before, process::usage(self.server)) {
            (Some(before), Some(after)) => (after.cpu - before.cpu).as_secs_f64(),
            _ => f64::NAN,
        };
        println!(
            "{what:<28} {:>8.0} /s   server CPU {:>6.1} us each",
            count as f64 / seconds,
            cpu * 1e6 / count as f64
        );
        Ok(())
    }

    pub(crate) async fn throughput<E>(
        &self,
        what: &str,
        replicas: u32,
        bytes: usize,
        run: impl Future<Output = Result<(), E>>,
    ) -> Result<(), E> {
        let (seconds, cpu) = self.timed(run).await?;
        let mebibytes = bytes as f64 / (1 << 20) as f64;
        println!(
            "{what:<6} {mebibytes:>6.0} MiB x{replicas} {:>8.0} MiB/s   server CPU {:>6.2} ms/MiB",
            mebibytes / seconds,
            cpu * 1e3 / mebibytes
        );
        Ok(())
    }
}

/// The time in seconds, for differences.
#[expect(clippy::disallowed_methods, reason = "a stopwatch")]
pub(crate) fn stopwatch() -> f64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

fn usage() -> ExitCode {
    eprintln!(
        "load kdc HOST:PORT PID KEYTAB PRINCIPAL SERVICE [COUNT] | load calls|info|files URL PID [COUNT] | load data URL PID MIB REPLICAS | load start|web [ROUNDS] | load usage PID"
    );
    ExitCode::from(2)
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The words of the command line.
struct Command<'a> {
    words: &'a [&'a str],
    measured: Measured,
    base: String,
}

impl Command<'_> {
    fn number(&self, index: usize, default: usize) -> usize {
        self.words
            .get(index)
            .and_then(|word| word.parse().ok())
            .unwrap_or(default)
    }

    /// Runs the command; `None` if there is no such one.
    async fn run(&self) -> Option<Outcome> {
        Some(match *self.words {
            ["usage", pid] => {
                let usage = pid.parse().ok().and_then(process::usage)?;
                println!(
                    "cpu {:.2} s, resident {:.1} MiB",
                    usage.cpu.as_secs_f64(),
                    usage.resident as f64 / (1 << 20) as f64
                );
                Ok(())
            }
            ["start", ..] => start::fixtures(self.number(1, 20)).await,
            ["web", ..] => web::starts(self.number(1, 20)).await,
            ["kdc", address, _, keytab, principal, service, ..] => {
                let count = self.number(6, 10_000);
                kdc::exchanges(address, keytab, principal, service, count, &self.measured)
            }
            ["calls", url, ..] => self.calls(url).await,
            ["info", url, ..] => self.info(url).await,
            ["files", url, ..] => self.files(url).await,
            ["data", url, _, _, _] => self.data(url).await,
            _ => return None,
        })
    }

    async fn calls(&self, url: &str) -> Outcome {
        let client = hdfs::connect(url)?;
        let count = self.number(3, 5000);
        for parallel in [1, 8, 100] {
            hdfs::calls(&client, &self.base, count, parallel, &self.measured).await?;
        }
        Ok(())
    }

    async fn info(&self, url: &str) -> Outcome {
        let count = self.number(3, 5000);
        hdfs::info(&hdfs::connect(url)?, count, &self.measured).await?;
        Ok(())
    }

    async fn files(&self, url: &str) -> Outcome {
        let client = hdfs::connect(url)?;
        let count = self.number(3, 1000);
        for parallel in [1, 8] {
            hdfs::small_files(&client, &self.base, count, parallel, &self.measured).await?;
        }
        Ok(())
    }

    async fn data(&self, url: &str) -> Outcome {
        let client = hdfs::connect(url)?;
        let (size, replicas) = (self.number(3, 256), self.number(4, 1) as u32);
        hdfs::big_file(&client, &self.base, size, replicas, &self.measured).await?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = words.get(2).and_then(|word| word.parse().ok());
    let command = Command {
        words: &words,
        measured: Measured {
            server: server.unwrap_or(0),
        },
        base: std::env::var("LOAD_DIR").unwrap_or_else(|_| "/user/alice/load".to_owned()),
    };
    match command.run().await {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
        None => usage(),
    }
}
