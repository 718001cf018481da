//! Those who wait for a time of a clock, and those who move it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use crate::timestamp::Timestamp;

/// Something that moves a clock, or must know when it moves: a fixture.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::time::Duration;
/// use kerbox_krb5::sleep::ClockWatcher;
/// use kerbox_krb5::{Clock, Timestamp};
///
/// #[derive(Default)]
/// struct Moves(AtomicU32);
///
/// impl ClockWatcher for Moves {
///     fn changed(&self) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
///
///     fn resumed(&self) {}
/// }
///
/// let (clock, moves) = (Clock::frozen(Timestamp::from_secs(100)), Arc::new(Moves::default()));
/// let watcher: Arc<dyn ClockWatcher> = Arc::clone(&moves) as _;
/// clock.watch(&watcher);
/// clock.advance(Duration::from_secs(1));
/// assert!(moves.0.load(Ordering::Relaxed) > 0);
/// ```
pub trait ClockWatcher: Send + Sync {
    /// The clock was moved, or a task began to wait for a time.
    fn changed(&self);

    /// A task goes on after its wait, in the calling thread.
    fn resumed(&self);
}

/// The tasks that wait for a clock and its twins, and those who move it.
#[derive(Default)]
pub(crate) struct Sleepers {
    state: Mutex<State>,
    watchers: Mutex<Vec<Weak<dyn ClockWatcher>>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) next: u64,
    pub(crate) waiting: BTreeMap<(Timestamp, u64), Waker>,
    /// Those that were woken and have not gone on yet.
    pub(crate) woken: BTreeSet<u64>,
    /// The number of living [`Hold`]s.
    pub(crate) holds: usize,
    /// The number of changes: moves of the clock, and fixtures that began or ended.
    pub(crate) changes: u64,
    /// Those who wait for the next change, by their numbers.
    pub(crate) alert: BTreeMap<u64, Waker>,
}

impl Sleepers {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // Each change is complete when the lock is released, also by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watchers(&self) -> Vec<Arc<dyn ClockWatcher>> {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.iter().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn watch(&self, watcher: &Arc<dyn ClockWatcher>) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.push(Arc::downgrade(watcher));
        drop(watchers);
        self.alert();
    }

    pub(crate) fn changed(&self) {
        self.watchers().iter().for_each(|watcher| watcher.changed());
        self.alert();
    }

    /// Wakes those who wait for a change.
    pub(crate) fn alert(&self) {
        let mut state = self.state();
        state.changes += 1;
        let alert = std::mem::take(&mut state.alert);
        drop(state);
        alert.into_values().for_each(Waker::wake);
    }

    pub(crate) fn wake(&self, due: impl Fn(Timestamp) -> bool) {
        let mut state = self.state();
        let all = std::mem::take(&mut state.waiting);
        let (due, waiting): (BTreeMap<_, _>, _) = all
            .into_iter()
            .partition(|((deadline, _), _)| due(*deadline));
        state.waiting = waiting;
        state.woken.extend(due.keys().map(|(_, id)| id));
        drop(state);
        due.into_values().for_each(Waker::wake);
    }
}

impl fmt::Debug for Sleepers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sleepers", self.state().waiting.len())
    }
}
