//! Waits that go by the fixture's clock, and by the system's where there is no fixture.

use std::time::Duration;

use kerbox_krb5::{Clock, Timestamp};
use tokio::time::sleep;

/// Waits until the clock shows `deadline`; forever for `None`.
///
/// A fixture wakes those whose time has come, and stops at their deadlines when it moves the clock.
/// Without one, the clock runs as the system's does, or stands still, until somebody moves it.
pub(super) async fn reached(clock: &Clock, deadline: Option<Timestamp>) {
    let Some(deadline) = deadline else {
        return std::future::pending().await;
    };
    loop {
        let change = clock.changed();
        let now = clock.now();
        if now >= deadline {
            return;
        }
        if clock.has_fixture() {
            // Ends early if the fixture does.
            clock.sleep_until(deadline).await;
        } else if clock.is_frozen() {
            change.await;
        } else {
            tokio::select! {
                () = sleep(deadline.since(now)) => {}
                () = change => {}
            }
        }
    }
}

/// Waits for a while by the clock.
pub(super) async fn pause(clock: &Clock, duration: Duration) {
    reached(clock, Some(clock.now() + duration)).await;
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn a_wait_without_a_fixture_ends_when_its_time_has_come_and_needs_no_timer() {
        let clock = Clock::frozen(Timestamp::from_secs(100));
        // Without a timer: one would panic here.
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(async {
            let mut wait = pin!(reached(&clock, Some(Timestamp::from_secs(110))));
            let mut is_pending = || {
                let mut context = Context::from_waker(Waker::noop());
                wait.as_mut().poll(&mut context).is_pending()
            };
            assert!(is_pending());
            clock.advance(Duration::from_secs(9));
            assert!(is_pending());
            clock.advance(Duration::from_secs(1));
            wait.await;
        });
    }

    #[tokio::test]
    async fn a_wait_by_a_running_clock_takes_that_long_or_until_the_clock_is_moved() {
        let clock = Clock::system();
        let deadline = clock.now() + Duration::from_millis(5);
        reached(&clock, Some(deadline)).await;
        assert!(clock.now() >= deadline);
        let moved = clock.clone();
        let ((), ()) = tokio::join!(pause(&clock, Duration::from_secs(10 * 3600)), async {
            tokio::task::yield_now().await;
            moved.advance(Duration::from_secs(10 * 3600));
        });
    }
}
