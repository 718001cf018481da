//! Waiting for changes of a [`Clock`], for those who wait by it without a fixture.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::Clock;

/// Changes of a clock.
impl Clock {
    /// Returns true while a fixture runs that has this clock and wakes those who
    /// [sleep](Self::sleep_until) by it.
    #[must_use]
    pub fn has_fixture(&self) -> bool {
        !self.sleepers.watchers().is_empty()
    }

    /// Waits for the next change after this call: the clock is moved, frozen or unfrozen, or a
    /// fixture that has it begins or ends.
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::task::{Context, Waker};
    /// use std::time::Duration;
    /// use kerbox_krb5::{Clock, Timestamp};
    ///
    /// let clock = Clock::frozen(Timestamp::from_secs(100));
    /// let mut change = pin!(clock.changed());
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(change.as_mut().poll(&mut context).is_pending());
    /// clock.advance(Duration::from_secs(1));
    /// assert!(change.as_mut().poll(&mut context).is_ready());
    /// ```
    #[must_use = "it waits when it is awaited"]
    pub fn changed(&self) -> Changed {
        Changed {
            seen: self.sleepers.state().changes,
            clock: self.clone(),
            waiting: None,
        }
    }
}

/// A wait for a change of a clock, from [`Clock::changed`].
///
/// ```
/// use kerbox_krb5::{Clock, Timestamp};
///
/// # async fn wait() {
/// let clock = Clock::frozen(Timestamp::from_secs(100));
/// let change = clock.changed(); // from here on no change is missed
/// clock.set(Timestamp::from_secs(200));
/// change.await;
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it waits when it is awaited"]
pub struct Changed {
    clock: Clock,
    /// The number of changes before.
    seen: u64,
    /// The number under which it waits.
    waiting: Option<u64>,
}

impl Future for Changed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = this.clock.sleepers.state();
        if state.changes != this.seen {
            return Poll::Ready(());
        }
        let id = *this.waiting.get_or_insert_with(|| {
            state.next += 1;
            state.next
        });
        state.alert.insert(id, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        // Most waits end by something else, and the clock may never change.
        if let Some(id) = self.waiting {
            self.clock.sleepers.state().alert.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Waker;
    use std::time::Duration;

    use super::*;
    use crate::Timestamp;
    use crate::sleep::ClockWatcher;

    struct Fixture;

    impl ClockWatcher for Fixture {
        fn changed(&self) {}

        fn resumed(&self) {}
    }

    #[test]
    fn a_wait_that_was_given_up_leaves_nothing() {
        let clock = Clock::frozen(Timestamp::from_secs(100));
        let mut context = Context::from_waker(Waker::noop());
        let mut changes = [clock.changed(), clock.changed()];
        for change in &mut changes {
            assert!(Pin::new(change).poll(&mut context).is_pending());
        }
        assert_eq!(clock.sleepers.state().alert.len(), 2);
        drop(changes);
        assert!(clock.sleepers.state().alert.is_empty());
    }

    #[test]
    fn a_move_is_a_change_and_so_are_a_fixtures_start_and_end() {
        let clock = Clock::frozen(Timestamp::from_secs(100));
        let fixture: Arc<dyn ClockWatcher> = Arc::new(Fixture);
        let others: [&dyn Fn(); 5] = [
            &|| clock.advance(Duration::from_secs(1)),
            &|| clock.twin().set(Timestamp::from_secs(7)),
            &|| clock.unfreeze(),
            &|| clock.freeze(),
            &|| clock.watch(&fixture),
        ];
        let mut context = Context::from_waker(Waker::noop());
        let mut poll = |change: &mut Changed| Pin::new(change).poll(&mut context);
        for other in others {
            let mut change = clock.changed();
            assert!(poll(&mut change).is_pending());
            other();
            assert!(poll(&mut change).is_ready());
        }
        assert!(clock.has_fixture());
        let mut change = clock.changed();
        drop(fixture);
        clock.unwatch();
        assert!(poll(&mut change).is_ready() && !clock.has_fixture());
    }
}
