//! Programs and tasks beside the servers: whether all of them sleep, and until when.

use std::time::Duration;

use kerbox_krb5::Timestamp;

use super::World;
use crate::Error;
use crate::programs::Programs;
use crate::programs::crowd::{Crowd, Sight};
use crate::programs::files::ThreadFiles;
use crate::programs::threads::{self, Thread, Threads};

/// Pause between two looks at the same threads, in real time.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
/// The number of such pauses in which one busy thread is enough to know that not all sleep. Then
/// all are looked at again: the busy one may wait for one that has to be woken.
const LOOKS_AT_ONE: usize = 10;
/// The number of such pauses for which housekeeping threads of a JVM are waited for. They may run
/// for seconds, but hold locks only for moments.
const LOOKS_AT_HOUSEKEEPERS: usize = 100;

/// Waits a moment, or longer as long as a thread runs that did at the last look.
fn pause(files: &mut ThreadFiles, programs: Option<&Sight>, own: &Threads) {
    let seen = programs.into_iter().flat_map(|sight| &sight.threads);
    let busy = |(_, thread): &(&u32, &Thread)| !thread.sleeps() && !thread.is_housekeeper();
    let busy = seen.chain(own).find(busy);
    for _ in 0..LOOKS_AT_ONE {
        std::thread::sleep(BETWEEN_LOOKS);
        if !busy.is_some_and(|(id, thread)| threads::is_busy(files, thread.process, *id)) {
            return;
        }
    }
}

/// Those whose deadlines are steps besides the servers': programs and tasks.
pub(super) struct Others<'a> {
    world: &'a World,
    programs: Option<&'a Programs>,
    crowd: Option<Crowd<'a>>,
    files: ThreadFiles,
    /// For how long, in real time, it is waited until all sleep.
    limit: Duration,
}

impl<'a> Others<'a> {
    /// Deadlines within `granularity` are one step; all must sleep within `limit` of real time.
    pub(super) fn new(
        world: &'a World,
        programs: Option<&'a Programs>,
        (granularity, limit): (Duration, Duration),
    ) -> Self {
        Self {
            world,
            programs,
            crowd: programs.map(|programs| Crowd::new(programs, &world.clock, granularity)),
            files: ThreadFiles::default(),
            limit,
        }
    }

    /// Returns the programs under the clock.
    pub(super) fn programs(&self) -> Option<&'a Programs> {
        self.programs
    }

    /// Waits until no thread runs: neither of a program, nor of the servers, nor one in which a
    /// task has gone on. Then no exchange is under way, since all of it happens on this machine.
    /// Returns the next deadline of a program or a task.
    pub(super) fn settle(&mut self) -> Result<Option<Timestamp>, Error> {
        let clock = &self.world.clock;
        let begun = clock.real_now();
        loop {
            let (before, own_before) = self.look()?;
            if !self.has_any(before.as_ref()) {
                return Ok(None);
            }
            if self.is_asleep(&before, &own_before) {
                self.pause_for_housekeepers(before.as_ref());
                let (after, own_after) = self.look()?;
                if self.is_asleep(&after, &own_after)
                    && self.have_slept(&before, &after)
                    && own_before == own_after
                {
                    return Ok(self.next(after.as_ref()));
                }
            }
            if clock.real_now().since(begun) > self.limit {
                let (now, own) = self.look()?;
                return Err(Error::StillBusy {
                    limit: self.limit,
                    who: self.busy(now.as_ref(), &own),
                });
            }
            pause(&mut self.files, before.as_ref(), &own_before);
        }
    }

    /// Waits a moment, or longer as long as threads run that keep house for a JVM. They may hold a
    /// lock for which a thread of the program waits, as a compiler does while it installs its code.
    fn pause_for_housekeepers(&mut self, programs: Option<&Sight>) {
        let seen = programs.into_iter().flat_map(|sight| &sight.threads);
        let keepers: Vec<(u32, u32)> = seen
            .filter(|(_, thread)| thread.is_housekeeper())
            .map(|(id, thread)| (thread.process, *id))
            .collect();
        for _ in 0..LOOKS_AT_HOUSEKEEPERS {
            std::thread::sleep(BETWEEN_LOOKS);
            let is_busy =
                |(process, id): &(u32, u32)| threads::is_busy(&mut self.files, *process, *id);
            if !keepers.iter().any(is_busy) {
                return;
            }
        }
    }

    /// Returns whether a program runs, or a task waits for the clock or went on during this
    /// advance.
    fn has_any(&self, programs: Option<&Sight>) -> bool {
        let clock = &self.world.clock;
        clock.next_deadline().is_some()
            || clock.is_waking()
            || !self.world.resumed.others().is_empty()
            || programs.is_some_and(|sight| !sight.threads.is_empty())
    }

    /// Looks at the programs and at the threads of this process.
    fn look(&mut self) -> Result<(Option<Sight>, Threads), Error> {
        let files = &mut self.files;
        let programs = self.crowd.as_mut().map(|crowd| crowd.look(files));
        let programs = programs.transpose()?;
        let mut own = Threads::new();
        threads::see_own(files, self.world.threads.others(), &mut own);
        threads::see_own(files, self.world.resumed.others(), &mut own);
        files.close_unseen();
        Ok((programs, own))
    }

    fn is_asleep(&self, programs: &Option<Sight>, own: &Threads) -> bool {
        let clock = &self.world.clock;
        // An exchange that a fault delays by the clock ends only if time goes on.
        let waits = match self.world.watch.delays.next_deadline() {
            Some(_) => clock.has_woken(),
            None => clock.is_waking(),
        };
        !waits && programs.as_ref().is_none_or(Sight::is_asleep) && own.values().all(Thread::sleeps)
    }

    /// Returns whether the programs' threads have slept from one look to the other. Those that wake
    /// up regularly may have done so in between: if they had asked a server for something, its
    /// threads would have run.
    fn have_slept(&self, before: &Option<Sight>, after: &Option<Sight>) -> bool {
        let (Some(crowd), Some(before), Some(after)) = (&self.crowd, before, after) else {
            return true;
        };
        before.threads.len() == after.threads.len()
            && after.threads.iter().all(|(id, thread)| {
                crowd.is_idle(*id, thread) || before.threads.get(id) == Some(thread)
            })
    }

    fn next(&self, programs: Option<&Sight>) -> Option<Timestamp> {
        let clock = &self.world.clock;
        let theirs = self.crowd.as_ref().zip(programs);
        let theirs = theirs.and_then(|(crowd, sight)| crowd.next(sight));
        let theirs = theirs.map(|left| clock.now() + left);
        clock.next_deadline().into_iter().chain(theirs).min()
    }

    /// Names those that are still busy.
    fn busy(&self, programs: Option<&Sight>, own: &Threads) -> String {
        let mut busy: Vec<String> = programs
            .into_iter()
            .flat_map(|sight| sight.threads.iter())
            .filter(|(_, thread)| !thread.sleeps() && !thread.is_housekeeper())
            .map(|(id, thread)| {
                let process = thread.process;
                format!("process {process}, thread {id} ({})", thread.name)
            })
            .collect();
        if own.values().any(|thread| !thread.sleeps()) {
            busy.push("the fixture's own servers and tasks".to_owned());
        }
        if self.world.clock.is_waking() {
            busy.push(
                "a task that waited for the clock and is not polled, or holds it: advance with \
                 `.await`, not with a blocking call in the task's own thread"
                    .to_owned(),
            );
        }
        if busy.is_empty() {
            busy.push("programs that run again and again for a short time".to_owned());
        }
        busy.join("; ")
    }
}
