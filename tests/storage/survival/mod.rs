//! Acknowledged changes are there after `kill -9`, at whatever moment: also with a last record that
//! was written in part, and with a disk that was full.
//!
//! `KERBOX_KILLS` sets the number of kills: few in an ordinary run, a thousand in `.ci/long`.

mod load;
mod server;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hdfs_native::HdfsError;
use kerbox::Clock;
use minihdfs::namenode::storage::{read_segment, write_record};
use minihdfs::proto::hdfs::{AllowSnapshotRequestProto, AllowSnapshotResponseProto};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Notify;

use self::load::{Told, User, check, work};
pub(crate) use self::server::serve_if_asked;
use self::server::{Place, Server};
use super::{Error, shown};
use crate::support::{TestResult, block_on};

/// The number of kills.
const KILLS: &str = "KERBOX_KILLS";
const CLIENTS: usize = 3;
/// The most operations between two kills.
const OPERATIONS: usize = 120;
/// The time in which a disk with room again is noticed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What happens beside the kills.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mishap {
    None,
    /// The beginning of a record follows the last one.
    TornRecord,
    /// The disk is full, up to the kill or shortly before it.
    FullDisk,
}

pub(super) fn what_was_acknowledged_survives_kills() -> TestResult {
    survives(Mishap::None, 10)
}

pub(super) fn what_was_acknowledged_survives_kills_and_torn_records() -> TestResult {
    survives(Mishap::TornRecord, 5)
}

pub(super) fn what_was_acknowledged_survives_kills_and_full_disks() -> TestResult {
    survives(Mishap::FullDisk, 4)
}

fn survives(mishap: Mishap, in_short: usize) -> TestResult {
    let kills = std::env::var(KILLS).ok();
    let kills = kills.and_then(|text| text.parse().ok()).unwrap_or(in_short);
    let temporary = tempfile::tempdir()?;
    shown(temporary.path())?;
    let place = match mishap {
        Mishap::FullDisk => Place::on_small_disk(temporary.path())?,
        _ => Place::on_disk(temporary.path()),
    };
    block_on(async {
        let mut rng = StdRng::seed_from_u64(1);
        let mut told = vec![Told::default(); CLIENTS];
        told[0].snapshots = true;
        for kill in 0..=kills {
            let server = Server::start(&place).map_err(|error| after(kill, &error))?;
            for number in 0..CLIENTS {
                prepare(&server, &user(&server, number)?).await?;
            }
            told = check_all(&server, told)
                .await
                .map_err(|error| after(kill, &error))?;
            if kill > 0 && kill % 100 == 0 {
                println!("{kill} kills, {mishap:?}");
            }
            if kill == kills {
                break;
            }
            told = until_killed(&server, &place, told, mishap, &mut rng).await?;
            if mishap == Mishap::TornRecord {
                tear(&place, &mut rng)?;
            }
        }
        Ok(())
    })
}

fn after(kills: usize, error: &Error) -> Error {
    format!("after {kills} kills: {error}").into()
}

fn user(server: &Server, number: usize) -> Result<User, Error> {
    Ok(User {
        files: server.client()?,
        calls: server.calls("alice")?,
        folder: format!("/user/alice/{number}"),
    })
}

/// Checks the answers of all clients at the same time.
async fn check_all(server: &Server, told: Vec<Told>) -> Result<Vec<Told>, Error> {
    let mut checks = Vec::new();
    for (mut told, number) in told.into_iter().zip(0..) {
        let user = user(server, number)?;
        checks.push(tokio::spawn(async move {
            check(&user, &mut told).await?;
            Ok::<_, Error>(told)
        }));
    }
    let mut told = Vec::new();
    for check in checks {
        told.push(check.await??);
    }
    Ok(told)
}

/// Makes a client's directory, and allows snapshots of it.
async fn prepare(server: &Server, user: &User) -> TestResult {
    user.files.mkdirs(&user.folder, 0o755, true).await?;
    let request = AllowSnapshotRequestProto {
        snapshot_root: user.folder.clone(),
    };
    let hdfs = server.calls("hdfs")?;
    let AllowSnapshotResponseProto {} = hdfs.call("allowSnapshot", &request).await?;
    Ok(())
}

/// Counts answers up to a number, and clients up to the last one that is refused.
struct Count {
    left: AtomicUsize,
    working: AtomicUsize,
    reached: Notify,
}

impl Count {
    fn one_less(&self, of: &AtomicUsize) {
        if of.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.reached.notify_one();
        }
    }
}

/// Lets all clients work until so many calls are answered, and then until all clients are refused,
/// because of what `stop` does.
async fn work_until(
    server: &Server,
    told: Vec<Told>,
    rng: &mut StdRng,
    stop: impl FnOnce() -> TestResult,
) -> Result<Vec<Told>, Error> {
    let count = Arc::new(Count {
        left: AtomicUsize::new(rng.random_range(1..OPERATIONS)),
        working: AtomicUsize::new(told.len()),
        reached: Notify::new(),
    });
    let mut workers = Vec::new();
    for (told, number) in told.into_iter().zip(0..) {
        let (user, rng) = (user(server, number)?, StdRng::seed_from_u64(rng.random()));
        let count = Arc::clone(&count);
        workers.push(tokio::spawn(async move {
            let told = work(user, told, rng, || count.one_less(&count.left)).await;
            count.one_less(&count.working);
            told
        }));
    }
    count.reached.notified().await;
    stop()?;
    let mut told = Vec::new();
    for worker in workers {
        told.push(worker.await?);
    }
    Ok(told)
}

/// Lets all clients work, and kills the server.
async fn until_killed(
    server: &Server,
    place: &Place,
    mut told: Vec<Told>,
    mishap: Mishap,
    rng: &mut StdRng,
) -> Result<Vec<Told>, Error> {
    if mishap == Mishap::FullDisk {
        told = work_until(server, told, rng, || place.fill()).await?;
        is_read_only(server).await?;
        if rng.random_bool(0.5) {
            server.kill()?;
            place.free()?;
            return Ok(told);
        }
        place.free()?;
        is_writable_soon(server).await?;
        told = check_all(server, told).await?;
    }
    work_until(server, told, rng, || server.kill()).await
}

/// Waits until a server has noticed that its disk is full: it answers, and changes nothing.
async fn is_read_only(server: &Server) -> TestResult {
    let refused = make_directories(server, "full", |made| made.is_err());
    refused.await?;
    let listed = server.client()?.list_status("/user/alice/0", false).await;
    listed.map(drop).map_err(Into::into)
}

/// Waits until a server has noticed that its disk has room again.
async fn is_writable_soon(server: &Server) -> TestResult {
    make_directories(server, "room", |made| made.is_ok()).await
}

/// Makes new directories until the answer is as expected.
async fn make_directories(
    server: &Server,
    name: &str,
    is_expected: impl Fn(&Result<(), HdfsError>) -> bool,
) -> TestResult {
    let (client, clock) = (server.client()?, Clock::system());
    let until = clock.now() + PATIENCE;
    for number in 0_u64.. {
        let path = format!("/user/alice/{name}-{number}");
        let made = client.mkdirs(&path, 0o755, true).await;
        if is_expected(&made) {
            break;
        }
        if clock.now() > until {
            return Err(format!("{name}: still {made:?}").into());
        }
    }
    Ok(())
}

/// Writes the beginning of a record, as a machine does that loses its power.
fn tear(place: &Place, rng: &mut StdRng) -> TestResult {
    let Some(path) = place.unfinished_edits()? else {
        return Ok(()); // It was killed between two files.
    };
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let first: i64 = name.rsplit('_').next().unwrap_or_default().parse()?;
    let bytes = std::fs::read(&path)?;
    let segment = read_segment(&name, &bytes, first, true)?;
    let Some(last) = segment.records.last() else {
        return Ok(());
    };
    let mut record = Vec::new();
    write_record(last.transaction_id + 1, &last.edit, &mut record);
    record.truncate(rng.random_range(1..record.len()));
    let mut file = File::options().write(true).open(&path)?;
    file.seek(SeekFrom::Start(segment.length))?;
    Ok(file.write_all(&record)?)
}
