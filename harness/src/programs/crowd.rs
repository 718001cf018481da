//! The programs under the clock as `advance` sees them: which of their threads are busy, and until
//! when the others wait.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kerbox_krb5::Clock;

use super::files::ThreadFiles;
use super::golang::GoPrograms;
use super::page::{Now, Wait};
use super::pollers::Pollers;
use super::threads::{self, Thread, Threads};
use super::{Programs, nanos};
use crate::Error;

/// Number of times that a thread is woken before it counts as one that cannot go on: it may need a
/// lock that another holds.
const TRIES: u32 = 20;

/// Wakes threads and waits for them while time is moved.
pub(crate) struct Crowd<'a> {
    programs: &'a Programs,
    clock: &'a Clock,
    /// Deadlines within this time are one step.
    granularity: i64,
    pollers: Pollers,
    /// The number of times that a wait has been woken, by its place and number.
    woken: BTreeMap<(u32, u32), u32>,
    golang: GoPrograms,
    /// The threads at the last look.
    seen: Threads,
}

/// The programs at one moment.
pub(crate) struct Sight {
    pub(crate) threads: Threads,
    waits: Vec<Wait>,
    now: Now,
    /// True if a wait is due whose thread has not taken notice yet.
    is_due: bool,
}

impl Sight {
    /// Returns whether no thread runs, or is about to. Those that keep house for a JVM may.
    pub(crate) fn is_asleep(&self) -> bool {
        let mut threads = self.threads.values();
        !self.is_due && threads.all(|thread| thread.sleeps() || thread.is_housekeeper())
    }
}

impl<'a> Crowd<'a> {
    pub(crate) fn new(programs: &'a Programs, clock: &'a Clock, granularity: Duration) -> Self {
        Self {
            programs,
            clock,
            granularity: nanos(granularity),
            pollers: Pollers::new(nanos(granularity)),
            woken: BTreeMap::new(),
            golang: GoPrograms::default(),
            seen: Threads::new(),
        }
    }

    /// Looks at the programs, and wakes every thread whose deadline has passed.
    pub(crate) fn look(&mut self, files: &mut ThreadFiles) -> Result<Sight, Error> {
        let page = &self.programs.page;
        let mut seen = Threads::new();
        page.processes(|process| threads::see_process(files, process, &self.seen, &mut seen))?;
        self.seen.clone_from(&seen);
        let now = page.now(self.clock);
        let mut waits = page.waits()?;
        waits.sort_by_key(|wait| wait.left(now));
        let mut is_due = false;
        for wait in waits.iter().filter(|wait| wait.left(now) <= 0) {
            let Some(thread) = seen.get(&wait.thread) else {
                page.forget(wait)?;
                continue;
            };
            // Its wait ends when the system's time says so.
            if thread.is_housekeeper() {
                continue;
            }
            let tries = self.woken.entry(wait.id()).or_default();
            if *tries < TRIES {
                *tries += 1;
                is_due = true;
                page.wake(wait)?;
            }
        }
        waits.retain(|wait| seen.contains_key(&wait.thread));
        let waiting: BTreeSet<_> = waits.iter().map(Wait::id).collect();
        self.woken.retain(|id, _| waiting.contains(id));
        for wait in &waits {
            let (number, duration) = (wait.number.into(), wait.duration);
            self.pollers
                .note(wait.thread, number, duration, now.monotonic);
        }
        is_due |= self.golang.look(&seen, now, &mut self.pollers);
        Ok(Sight {
            threads: seen,
            waits,
            now,
            is_due,
        })
    }

    /// Returns whether a thread wakes up regularly without doing anything for the program.
    pub(crate) fn is_idle(&self, id: u32, thread: &Thread) -> bool {
        thread.is_of_jvm() || self.pollers.polls(id)
    }

    /// Returns the time until the next step: the earliest deadline, or the latest of those that
    /// follow it within the granularity.
    pub(crate) fn next(&self, sight: &Sight) -> Option<Duration> {
        let leads = |wait: &&Wait| {
            let thread = sight.threads.get(&wait.thread);
            thread.is_some_and(|thread| !self.is_idle(wait.thread, thread))
        };
        let shown = sight.waits.iter().filter(leads);
        let mut left: Vec<i64> = shown
            .map(|wait| wait.left(sight.now))
            .chain(self.golang.left(sight.now, &self.pollers))
            .filter(|left| *left > 0)
            .collect();
        left.sort_unstable();
        let together = left.first()?.saturating_add(self.granularity);
        let step = left.iter().rfind(|left| **left <= together)?;
        Some(Duration::from_nanos(step.unsigned_abs()))
    }
}
