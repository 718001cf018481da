//! Moving a fixture's time: step by step, over the deadlines of the servers, of programs under the
//! clock, and of tasks that wait for the clock.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use kerbox_events::{Event, Hook};
use kerbox_krb5::Timestamp;

use super::others::Others;
use super::{TimedServer, World, lock};
use crate::Error;
use crate::client::ccaches;
use crate::elsewhere::elsewhere;
use crate::programs::Programs;
use crate::watch::entry::Entry;

/// The way in which `advance` goes from deadline to deadline of programs under the clock.
///
/// ```
/// use std::time::Duration;
///
/// let realm = kerbox::Realm::start_blocking()?;
/// // A program that looks for work every minute makes no steps of its own.
/// let steps = kerbox::Steps::new().granularity(Duration::from_secs(60));
/// realm.advance_in_blocking(Duration::from_secs(24 * 3600), &steps)?;
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Steps {
    granularity: Duration,
    limit: Duration,
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            granularity: Duration::from_secs(1),
            limit: Duration::from_secs(30),
        }
    }
}

impl Steps {
    /// Returns the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time within which deadlines of programs are one step, in their order. A thread that
    /// does nothing but wait for this long or less, again and again, makes no steps. The default is
    /// one second.
    #[must_use]
    pub fn granularity(mut self, granularity: Duration) -> Self {
        self.granularity = granularity;
        self
    }

    /// Sets for how long, in real time, a step waits until all programs sleep again. The default is
    /// 30 seconds.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

impl World {
    /// Moves the clock forward to `target`, stopping at every deadline on the way. Returns the
    /// timers that fired.
    pub(crate) fn advance_to(&self, target: Timestamp, steps: &Steps) -> Result<Vec<Entry>, Error> {
        let moving = lock(&self.moving);
        let seen = self.watch.journal.from_here();
        let from = self.clock.now();
        let programs = lock(&self.programs).clone();
        self.clock_moves(target.max(from))?;
        self.resumed.clear();
        let mut others = Others::new(self, programs.as_deref(), (steps.granularity, steps.limit));
        let walked = self.walk(target, &mut others);
        let moved = self.moved(from, programs.as_deref());
        drop(moving);
        self.changed.notify_one();
        walked.and(moved)?;
        Ok(seen.filter(|event| matches!(event, Event::Timer { .. } | Event::State { .. })))
    }

    /// Returns whether programs or tasks must be waited for when time moves.
    pub(crate) fn has_others(&self) -> bool {
        let clock = &self.clock;
        lock(&self.programs).is_some() || clock.next_deadline().is_some() || clock.is_waking()
    }

    /// Sets the clock to `target` at once, forward or backward. Everything due by then becomes due
    /// at once.
    pub(crate) fn jump_to(&self, target: Timestamp) -> Result<(), Error> {
        let moving = lock(&self.moving);
        let from = self.clock.now();
        let programs = lock(&self.programs).clone();
        self.clock_moves(target)?;
        self.clock.set(target);
        let moved = self.moved(from, programs.as_deref());
        drop(moving);
        self.changed.notify_one();
        moved?;
        match programs {
            Some(programs) => programs.wake_by_wall(),
            None => Ok(()),
        }
    }

    fn walk(&self, target: Timestamp, others: &mut Others<'_>) -> Result<(), Error> {
        let mut next = others.settle()?;
        loop {
            let theirs = next.filter(|step| *step < target);
            let step = self.next_step(target).into_iter().chain(theirs).min();
            let Some(step) = step else {
                break;
            };
            self.move_to(step, others)?;
            next = others.settle()?;
        }
        self.move_to(target, others)?;
        others.settle()?;
        Ok(())
    }

    /// Moves the clock forward to one step, and ticks the servers.
    fn move_to(&self, step: Timestamp, others: &Others<'_>) -> Result<(), Error> {
        if step > self.clock.now() {
            let before = self.clock.offset_micros();
            self.clock.set(step);
            if let Some(programs) = others.programs() {
                let advanced = self.clock.offset_micros().saturating_sub(before);
                programs.follow(&self.clock, advanced.max(0))?;
            }
        }
        self.tick_all();
        if self.clock.next_deadline().is_some() {
            // Tasks may use clients that follow the offset in their caches.
            ccaches::follow_clock(self.path(), &self.clock)?;
            self.clock.wake_due();
        }
        Ok(())
    }

    fn moved(&self, from: Timestamp, programs: Option<&Programs>) -> Result<(), Error> {
        let to = self.clock.now();
        self.watch.record(to, Event::ClockMoved { from, to });
        if let Some(persistent) = self.persistent() {
            persistent.keep_clock(&self.clock)?;
        }
        if let Some(programs) = programs {
            programs.follow(&self.clock, 0)?;
        }
        ccaches::follow_clock(self.path(), &self.clock)
    }

    /// Keeps the time to which the clock is about to be moved, so that it does not go back if this
    /// process dies on the way.
    fn clock_moves(&self, target: Timestamp) -> Result<(), Error> {
        let persistent = self.persistent();
        persistent.map_or(Ok(()), |it| it.clock_moves(&self.clock, target))
    }

    /// Returns the earliest leading deadline before `target`. A deadline that a tick left in the
    /// past is not a step.
    fn next_step(&self, target: Timestamp) -> Option<Timestamp> {
        let now = self.clock.now();
        let servers = lock(&self.servers);
        let deadlines = servers
            .iter()
            .filter(|timed| timed.leads)
            .filter_map(TimedServer::deadline);
        deadlines
            .chain(self.watch.delays.next_deadline())
            .filter(|deadline| *deadline > now && *deadline < target)
            .min()
    }
}

/// Moves the clock as [`World::advance_to`] does, in another thread if tasks of this process may
/// have to run meanwhile.
pub(crate) async fn advance(
    world: &Arc<World>,
    target: Timestamp,
    steps: &Steps,
) -> Result<Vec<Entry>, Error> {
    // Tasks beside this one may be about to wait for the clock for the first time.
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    if !world.has_others() {
        return world.advance_to(target, steps);
    }
    let (world, steps) = (Arc::clone(world), *steps);
    elsewhere(move || world.advance_to(target, &steps)).await
}
