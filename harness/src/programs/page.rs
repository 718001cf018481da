//! The fixture's clock in a file that other programs map into their memory, and their waits in the
//! same file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kerbox_krb5::Clock;

use super::signal;
use crate::Error;
use crate::directory::Directory;

// The library and the launcher, which are compiled separately, include the same file.
#[path = "../../preload/layout.rs"]
mod layout;

pub(super) use layout::SIGNAL;

/// The clock's values are written together.
const _: () = assert!(
    layout::FROZEN_AT == layout::OFFSET_AT + 8 && layout::MONOTONIC_AT == layout::FROZEN_AT + 8
);

/// The file, open for reading and writing. A program that has mapped it sees each change at once.
#[derive(Debug)]
pub(super) struct ClockPage {
    path: PathBuf,
    file: File,
    state: Mutex<State>,
}

/// The values currently in the file.
#[derive(Clone, Copy, Default, Debug)]
struct State {
    sequence: u32,
    /// The lead of the programs' monotonic clocks over the system's, in nanoseconds.
    monotonic: i64,
}

/// A thread's wait, as its program shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wait {
    /// Its offset in the file.
    at: usize,
    pub(super) process: u32,
    pub(super) thread: u32,
    /// Differs from that of the next wait at the same place.
    pub(super) number: u32,
    is_monotonic: bool,
    deadline: i64,
    /// Its length when it began, in nanoseconds.
    pub(super) duration: i64,
}

/// The programs' present time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    wall: i64,
    pub(super) monotonic: i64,
}

impl Wait {
    /// Returns the nanoseconds until its deadline, not positive if that has passed.
    pub(super) fn left(&self, now: Now) -> i64 {
        self.deadline.saturating_sub(if self.is_monotonic {
            now.monotonic
        } else {
            now.wall
        })
    }

    /// Returns its thread and number.
    pub(super) fn id(&self) -> (u32, u32) {
        (self.thread, self.number)
    }

    /// Returns whether it waits for a moment of the wall clock.
    pub(super) fn is_by_wall(&self) -> bool {
        !self.is_monotonic
    }

    /// Reads the wait at this offset of the file; `None` if the place is free.
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        let number = field(bytes, at + layout::NUMBER_AT).map(u32::from_ne_bytes)?;
        let process = field(bytes, at + layout::PROCESS_AT).map(u32::from_ne_bytes)?;
        let is_monotonic = field(bytes, at + layout::IS_MONOTONIC_AT).map(u32::from_ne_bytes)?;
        (number != 0 && process != 0).then_some(Self {
            at,
            process,
            thread: field(bytes, at + layout::THREAD_AT).map(u32::from_ne_bytes)?,
            number,
            is_monotonic: is_monotonic != 0,
            deadline: field(bytes, at + layout::DEADLINE_AT).map(i64::from_ne_bytes)?,
            duration: field(bytes, at + layout::DURATION_AT).map(i64::from_ne_bytes)?,
        })
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

impl ClockPage {
    /// Creates the file in a fixture's directory.
    pub(super) fn create(files: &Directory, clock: &Clock) -> Result<Self, Error> {
        let mut bytes = vec![0; layout::LENGTH];
        bytes[layout::MAGIC_AT..][..4].copy_from_slice(&layout::MAGIC.to_ne_bytes());
        // Changed in place later, so that only its name can prove that it is ours.
        files.expect("clock/page")?;
        let path = files.write("clock/page", &bytes)?;
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let page = Self {
            file: file.map_err(Error::io(format!("open {}", path.display())))?,
            path,
            state: Mutex::default(),
        };
        page.show(clock, 0)?;
        Ok(page)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the clock's present state. The programs' monotonic clocks move by `advanced`
    /// nanoseconds.
    pub(super) fn show(&self, clock: &Clock, advanced: i64) -> Result<(), Error> {
        let nanos = |micros: i64| micros.saturating_mul(1000);
        let offset = nanos(clock.offset_micros());
        let frozen = if clock.is_frozen() {
            // Zero would mean that the clock runs.
            nanos(clock.now().as_micros()).max(1)
        } else {
            0
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.monotonic = state.monotonic.saturating_add(advanced);
        let monotonic = state.monotonic;
        // All in one call: a reader that has waited long enough for this thread to go on takes what
        // it finds, and must not find one clock moved without the other.
        let values = [offset, frozen, monotonic].map(i64::to_ne_bytes);
        let mut write = || -> io::Result<()> {
            // The sequence number is odd while the values are inconsistent.
            for is_done in [false, true] {
                state.sequence = state.sequence.wrapping_add(1);
                let sequence = state.sequence.to_ne_bytes();
                self.file
                    .write_all_at(&sequence, layout::SEQUENCE_AT as u64)?;
                if !is_done {
                    self.file
                        .write_all_at(values.as_flattened(), layout::OFFSET_AT as u64)?;
                }
            }
            Ok(())
        };
        write().map_err(self.failed("write"))
    }

    /// Returns the present time of the programs.
    pub(super) fn now(&self, clock: &Clock) -> Now {
        let state = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Now {
            wall: clock.now().as_micros().saturating_mul(1000),
            monotonic: system_monotonic().saturating_add(state.monotonic),
        }
    }

    fn failed(&self, doing: &str) -> impl FnOnce(io::Error) -> Error {
        Error::io(format!("{doing} {}", self.path.display()))
    }

    /// Returns the waits of all programs.
    pub(super) fn waits(&self) -> Result<Vec<Wait>, Error> {
        let mut bytes = vec![0; layout::LENGTH];
        self.file
            .read_exact_at(&mut bytes, 0)
            .map_err(self.failed("read"))?;
        let places = (layout::WAITS_AT..bytes.len()).step_by(layout::WAIT_LENGTH);
        Ok(places.filter_map(|at| Wait::read(&bytes, at)).collect())
    }

    /// Makes a thread look at its deadline again, unless its wait has ended.
    pub(super) fn wake(&self, wait: &Wait) -> Result<(), Error> {
        let mut number = [0; 4];
        self.file
            .read_exact_at(&mut number, (wait.at + layout::NUMBER_AT) as u64)
            .map_err(self.failed("read"))?;
        if u32::from_ne_bytes(number) != wait.number {
            return Ok(());
        }
        let write = |bytes: &[u8], at: usize| {
            self.file
                .write_all_at(bytes, (wait.at + at) as u64)
                .map_err(self.failed("write"))
        };
        write(&1_u32.to_ne_bytes(), layout::WOKEN_AT)?;
        // The kernel, when it reads it again, finds that the time has passed. If another wait has
        // begun here just now, its thread finds that it has not.
        write(&[0; 16], layout::TIME_AT)?;
        signal::send(wait.process, wait.thread, SIGNAL);
        Ok(())
    }

    /// Removes a wait whose thread has gone, or no longer reacts.
    pub(super) fn forget(&self, wait: &Wait) -> Result<(), Error> {
        let free = 0_u32.to_ne_bytes();
        for at in [layout::NUMBER_AT, layout::PROCESS_AT] {
            let at = (wait.at + at) as u64;
            self.file
                .write_all_at(&free, at)
                .map_err(self.failed("write"))?;
        }
        Ok(())
    }

    /// Returns the processes that have mapped the file, after removing those that `is_alive`
    /// denies.
    pub(super) fn processes(
        &self,
        mut is_alive: impl FnMut(u32) -> bool,
    ) -> Result<Vec<u32>, Error> {
        let mut bytes = vec![0; 4 * layout::PROCESSES];
        self.file
            .read_exact_at(&mut bytes, layout::PROCESSES_AT as u64)
            .map_err(self.failed("read"))?;
        let (places, _) = bytes.as_chunks::<4>();
        let mut processes = Vec::new();
        for (place, process) in places.iter().enumerate() {
            let process = u32::from_ne_bytes(*process);
            if process == 0 {
                continue;
            }
            if is_alive(process) {
                processes.push(process);
                continue;
            }
            let at = (layout::PROCESSES_AT + 4 * place) as u64;
            self.file
                .write_all_at(&0_u32.to_ne_bytes(), at)
                .map_err(self.failed("write"))?;
        }
        Ok(processes)
    }
}

/// Returns the system's monotonic clock, by which programs wait, in nanoseconds.
fn system_monotonic() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    (time.tv_sec.saturating_mul(1_000_000_000)).saturating_add(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kerbox_krb5::Timestamp;

    use super::*;

    fn field(page: &ClockPage, at: usize) -> i64 {
        let bytes = std::fs::read(page.path()).expect("it is there");
        assert_eq!(bytes.len(), layout::LENGTH);
        i64::from_ne_bytes(bytes[at..][..8].try_into().expect("eight bytes"))
    }

    #[test]
    fn it_shows_a_running_clock_by_its_offset_and_a_frozen_one_by_its_time() {
        let files = Directory::temporary().expect("a directory");
        let clock = Clock::system();
        let page = ClockPage::create(&files, &clock).expect("it can be written");
        clock.advance(Duration::from_secs(36_000));
        page.show(&clock, 0).expect("it can be written");
        assert_eq!(field(&page, layout::OFFSET_AT) / 1_000_000_000, 36_000);
        assert_eq!(field(&page, layout::FROZEN_AT), 0);

        clock.set(Timestamp::from_secs(1_900_000_000));
        clock.freeze();
        page.show(&clock, 0).expect("it can be written");
        let frozen = field(&page, layout::FROZEN_AT);
        assert_eq!(frozen / 1_000_000_000, 1_900_000_000);
        let sequence = field(&page, layout::MAGIC_AT) >> 32;
        assert_eq!(sequence, 6, "two steps for each of three changes");
    }
}
