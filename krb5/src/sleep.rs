//! Waiting for a time of a [`Clock`].
//!
//! Nothing here reads the time by itself: a fixture wakes those whose time has come, in real time
//! and when it moves the clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

pub use crate::changes::Changed;
pub use crate::sleepers::ClockWatcher;
use crate::sleepers::Sleepers;
use crate::{Clock, Timestamp};

/// Waiting for time to pass.
impl Clock {
    /// Waits until this clock shows `deadline`. A jump past it ends the wait, too. While no fixture
    /// runs that has this clock, it returns at once, because nothing would ever end the wait.
    #[must_use = "it waits when it is awaited"]
    pub fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        Sleep {
            clock: self.clone(),
            deadline,
            waiting: None,
        }
    }

    /// Waits until this clock has moved forward by `duration`.
    #[must_use = "it waits when it is awaited"]
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }

    /// Returns ticks on this clock, the first at once and the others `period` apart.
    #[must_use]
    pub fn interval(&self, period: Duration) -> Interval {
        Interval {
            clock: self.clone(),
            next: self.now(),
            period,
        }
    }

    /// Runs a future for at most `duration` on this clock.
    #[must_use = "it does nothing until it is awaited"]
    pub fn timeout<F: Future>(&self, duration: Duration, future: F) -> Timeout<F> {
        Timeout {
            future: Box::pin(future),
            sleep: self.sleep(duration),
        }
    }

    /// Registers a watcher, as long as it lives.
    pub fn watch(&self, watcher: &Arc<dyn ClockWatcher>) {
        self.sleepers.watch(watcher);
    }

    /// Returns the earliest time for which a task waits.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let state = self.sleepers.state();
        state.waiting.keys().next().map(|(deadline, _)| *deadline)
    }

    /// Wakes the tasks whose time has come.
    pub fn wake_due(&self) {
        let skew = self.skew_micros();
        let now = Timestamp::from_micros(self.now().as_micros().saturating_sub(skew));
        self.sleepers.wake(|deadline| deadline <= now);
    }

    /// Keeps a fixture from moving time on while something goes on that takes real time, until the
    /// value is dropped.
    pub fn hold(&self) -> Hold {
        self.sleepers.state().holds += 1;
        Hold(Arc::clone(&self.sleepers))
    }

    /// Returns whether a task was woken and has not gone on yet, or something else must end first.
    #[must_use]
    pub fn is_waking(&self) -> bool {
        let state = self.sleepers.state();
        !state.woken.is_empty() || state.holds > 0
    }

    /// Returns whether a task was woken and has not gone on yet.
    #[must_use]
    pub fn has_woken(&self) -> bool {
        !self.sleepers.state().woken.is_empty()
    }

    /// Ends all waits if no watcher is left.
    pub fn unwatch(&self) {
        if self.sleepers.watchers().is_empty() {
            self.sleepers.wake(|_| true);
            self.sleepers.alert();
        }
    }
}

/// A wait for a time of a clock, from [`Clock::sleep`] and [`Clock::sleep_until`].
///
/// ```
/// # use std::time::Duration;
/// # use kerbox_krb5::{Clock, Timestamp};
/// # let task = async {
/// let clock = Clock::frozen(Timestamp::EPOCH); // in a test: the clock of a fixture
/// clock.sleep(Duration::from_secs(6 * 3600)).await; // ends when the fixture has advanced
/// # };
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(std::pin::pin!(task).poll(&mut context).is_ready());
/// ```
#[derive(Debug)]
#[must_use = "it waits when it is awaited"]
pub struct Sleep {
    clock: Clock,
    deadline: Timestamp,
    /// Its key among the sleepers.
    waiting: Option<(Timestamp, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let watchers = self.clock.sleepers.watchers();
        if self.clock.now() >= self.deadline || watchers.is_empty() {
            // Those who count the woken must know the thread first.
            watchers.iter().for_each(|watcher| watcher.resumed());
            self.forget();
            return Poll::Ready(());
        }
        let skew = self.clock.skew_micros();
        let deadline = Timestamp::from_micros(self.deadline.as_micros().saturating_sub(skew));
        let mut state = self.clock.sleepers.state();
        let id = self.waiting.map_or(state.next, |(_, id)| id);
        if let Some(old) = self.waiting {
            state.waiting.remove(&old);
            state.woken.remove(&id);
        } else {
            state.next += 1;
        }
        state
            .waiting
            .insert((deadline, id), context.waker().clone());
        drop(state);
        self.waiting = Some((deadline, id));
        watchers.iter().for_each(|watcher| watcher.changed());
        Poll::Pending
    }
}

impl Sleep {
    fn forget(&mut self) {
        if let Some(key) = self.waiting.take() {
            let mut state = self.clock.sleepers.state();
            state.waiting.remove(&key);
            state.woken.remove(&key.1);
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Keeps a fixture from moving time on, from [`Clock::hold`].
///
/// ```
/// let clock = kerbox_krb5::Clock::system();
/// let hold = clock.hold();
/// assert!(clock.is_waking()); // an exchange is under way: an advance waits for it
/// drop(hold);
/// assert!(!clock.is_waking());
/// ```
#[derive(Debug)]
#[must_use = "time can be moved on as soon as this is dropped: bind it to a name"]
pub struct Hold(Arc<Sleepers>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.state().holds -= 1;
    }
}

/// Ticks on a clock, from [`Clock::interval`].
///
/// ```
/// # use std::time::Duration;
/// # use kerbox_krb5::{Clock, Timestamp};
/// # let task = async {
/// let clock = Clock::frozen(Timestamp::from_secs(1_700_000_000));
/// let mut hourly = clock.interval(Duration::from_secs(3600));
/// assert_eq!(hourly.tick().await, clock.now()); // the first at once
/// # };
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(std::pin::pin!(task).poll(&mut context).is_ready());
/// ```
#[derive(Debug)]
pub struct Interval {
    clock: Clock,
    next: Timestamp,
    period: Duration,
}

impl Interval {
    /// Waits for the next tick, and returns its time. Ticks that were missed come at once.
    pub async fn tick(&mut self) -> Timestamp {
        let tick = self.next;
        self.clock.sleep_until(tick).await;
        self.next = tick + self.period;
        tick
    }
}

/// The error of [`Clock::timeout`]: the time has passed.
///
/// ```
/// use kerbox_krb5::sleep::Elapsed;
///
/// assert_eq!(Elapsed.to_string(), "not done in time, by the fixture's clock");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not done in time, by the fixture's clock")]
pub struct Elapsed;

/// A future with a limited time, from [`Clock::timeout`].
///
/// ```
/// # use std::time::Duration;
/// # use kerbox_krb5::{Clock, Timestamp, sleep::Elapsed};
/// # let task = async {
/// let clock = Clock::frozen(Timestamp::EPOCH);
/// let answer = async { "in time" };
/// assert_eq!(clock.timeout(Duration::from_secs(30), answer).await, Ok("in time"));
/// let never = std::future::pending::<()>();
/// assert_eq!(clock.timeout(Duration::from_secs(30), never).await, Err(Elapsed));
/// # };
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(std::pin::pin!(task).poll(&mut context).is_ready());
/// ```
#[derive(Debug)]
#[must_use = "it does nothing until it is awaited"]
pub struct Timeout<F> {
    future: Pin<Box<F>>,
    sleep: Sleep,
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(output) = self.future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(&mut self.sleep)
            .poll(context)
            .map(|()| Err(Elapsed))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use super::*;

    #[derive(Default)]
    struct Counts {
        changed: AtomicUsize,
        resumed: AtomicUsize,
    }

    impl ClockWatcher for Counts {
        fn changed(&self) {
            self.changed.fetch_add(1, Ordering::Relaxed);
        }

        fn resumed(&self) {
            self.resumed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_sleep_ends_when_the_clock_has_moved_far_enough() {
        let clock = Clock::frozen(Timestamp::from_secs(100));
        let counts = Arc::new(Counts::default());
        let watcher: Arc<dyn ClockWatcher> = counts.clone();
        clock.watch(&watcher);
        let mut sleep = clock.sleep(Duration::from_secs(10));
        assert!(poll(&mut sleep).is_pending());
        assert_eq!(clock.next_deadline(), Some(Timestamp::from_secs(110)));
        clock.advance(Duration::from_secs(9));
        clock.wake_due();
        assert!(!clock.is_waking() && poll(&mut sleep).is_pending());
        clock.advance(Duration::from_secs(1));
        clock.wake_due();
        assert!(clock.is_waking());
        assert!(poll(&mut sleep).is_ready() && !clock.is_waking());
        assert_eq!(clock.next_deadline(), None);
        assert_eq!(counts.resumed.load(Ordering::Relaxed), 1);
        assert_eq!(counts.changed.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn a_timeout_counts_on_the_clock_and_intervals_catch_up() {
        let clock = Clock::frozen(Timestamp::from_secs(0));
        let watcher: Arc<dyn ClockWatcher> = Arc::new(Counts::default());
        clock.watch(&watcher);
        let mut timeout = clock.timeout(Duration::from_secs(5), std::future::pending::<()>());
        assert!(poll(&mut timeout).is_pending());
        clock.advance(Duration::from_secs(5));
        assert_eq!(poll(&mut timeout), Poll::Ready(Err(Elapsed)));
        let mut interval = clock.interval(Duration::from_secs(2));
        clock.advance(Duration::from_secs(2));
        for second in [5, 7] {
            let tick = poll(&mut Box::pin(interval.tick()));
            assert_eq!(tick, Poll::Ready(Timestamp::from_secs(second)));
        }
        assert!(poll(&mut Box::pin(interval.tick())).is_pending());
    }

    #[test]
    fn without_a_fixture_nothing_waits() {
        let clock = Clock::frozen(Timestamp::from_secs(0));
        let watcher: Arc<dyn ClockWatcher> = Arc::new(Counts::default());
        clock.watch(&watcher);
        let mut sleep = clock.sleep(Duration::from_secs(1));
        assert!(poll(&mut sleep).is_pending());
        drop(watcher);
        clock.unwatch();
        assert!(poll(&mut sleep).is_ready());
    }
}
