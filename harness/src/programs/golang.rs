//! Go programs. They show no waits, but the system shows the one call in which the runtime waits
//! for its next timer, and a signal makes the runtime look at its timers again.

use std::collections::BTreeMap;
use std::fs;

use super::page::{Now, SIGNAL};
use super::pollers::Pollers;
use super::threads::Threads;
use super::{kind, signal};

/// Number of times that a thread is woken by one deadline.
const TRIES: u32 = 20;

/// A thread of a Go program that waits for descriptors for a limited time.
struct Wait {
    /// The runs of the thread: another number means another wait.
    runs: u64,
    /// The deadline on the program's monotonic clock, in nanoseconds.
    deadline: i64,
    tries: u32,
}

/// The Go programs under the clock.
#[derive(Default)]
pub(super) struct GoPrograms {
    is_go: BTreeMap<u32, bool>,
    waits: BTreeMap<(u32, u32), Wait>,
}

impl GoPrograms {
    /// Looks at the threads of Go programs, and wakes those whose deadline has passed; returns
    /// whether there are any.
    pub(super) fn look(&mut self, seen: &Threads, now: Now, pollers: &mut Pollers) -> bool {
        let mut is_due = false;
        let mut waits = BTreeMap::new();
        for (&id, thread) in seen {
            let process = thread.process;
            let is_new = !self.is_go.contains_key(&process);
            if !*self
                .is_go
                .entry(process)
                .or_insert_with(|| kind::is_go_process(process))
            {
                continue;
            }
            if is_new {
                // The call says how long it waits, not since when: let it begin again.
                wake_all(process, seen);
            }
            let Some(duration) = time_limit(process, id) else {
                continue;
            };
            let old = self.waits.remove(&(process, id));
            let mut wait = old
                .filter(|old| old.runs == thread.runs)
                .unwrap_or_else(|| Wait {
                    runs: thread.runs,
                    deadline: now.monotonic.saturating_add(duration),
                    tries: 0,
                });
            if wait.deadline <= now.monotonic && wait.tries < TRIES {
                wait.tries += 1;
                is_due = true;
                signal::send(process, id, SIGNAL);
            }
            // The runtime waits in any of its threads, but only in one at a time.
            let number = u64::from(id) << 32 ^ wait.runs;
            pollers.note(process, number, duration, now.monotonic);
            waits.insert((process, id), wait);
        }
        self.waits = waits;
        is_due
    }

    /// Returns the nanoseconds until each deadline of a program that does not poll.
    pub(super) fn left(&self, now: Now, pollers: &Pollers) -> impl Iterator<Item = i64> {
        let waits = self.waits.iter();
        let leading = waits.filter(|((process, _), _)| !pollers.polls(*process));
        leading.map(move |(_, wait)| wait.deadline.saturating_sub(now.monotonic))
    }
}

fn wake_all(process: u32, seen: &Threads) {
    for (&id, thread) in seen {
        if thread.process == process {
            signal::send(process, id, SIGNAL);
        }
    }
}

/// Returns for how many nanoseconds a thread waits for descriptors; `None` if it does something
/// else, or waits without a limit.
fn time_limit(process: u32, thread: u32) -> Option<i64> {
    /// The number of the system call `epoll_pwait`.
    const EPOLL_PWAIT: &str = if cfg!(target_arch = "aarch64") {
        "22"
    } else {
        "281"
    };
    let call = fs::read_to_string(format!("/proc/{process}/task/{thread}/syscall")).ok()?;
    let mut words = call.split_whitespace();
    if words.next() != Some(EPOLL_PWAIT) {
        return None;
    }
    let millis = u64::from_str_radix(words.nth(3)?.strip_prefix("0x")?, 16).ok()?;
    // A C `int`; the upper half of the register does not count.
    let millis = i64::from(millis as u32 as i32);
    (millis > 0).then(|| millis.saturating_mul(1_000_000))
}
