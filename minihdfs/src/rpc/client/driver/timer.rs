//! Waits that go by the fixture's clock.

use std::time::Duration;

use kerbox_krb5::{Clock, Timestamp};
use tokio::time::sleep;

/// The real time between two looks at the clock, which may be moved or stand still.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until the clock shows `deadline`; forever for `None`.
pub(super) async fn reached(clock: &Clock, deadline: Option<Timestamp>) {
    let Some(deadline) = deadline else {
        return std::future::pending().await;
    };
    loop {
        let now = clock.now();
        if now >= deadline {
            return;
        }
        sleep(deadline.since(now).min(LOOK)).await;
    }
}

/// Waits for a while by the clock.
pub(super) async fn pause(clock: &Clock, duration: Duration) {
    reached(clock, Some(clock.now() + duration)).await;
}
