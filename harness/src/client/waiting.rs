//! Waiting for a clock in a thread without a runtime.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use kerbox_krb5::sleep::Hold;
use kerbox_krb5::{Clock, Timestamp};

/// Wakes a parked thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The longest pause of a thread whose clock no fixture moves, before it reads the clock again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Blocks the calling thread until `clock` shows `deadline`. Returns false as soon as `is_stopped`
/// is set, by one who then unparks the thread, or if the clock stands still for good.
///
/// `hold` is dropped once the clock knows of the wait.
pub(super) fn wait_until(
    clock: &Clock,
    deadline: Timestamp,
    is_stopped: &AtomicBool,
    mut hold: Option<Hold>,
) -> bool {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut sleep = pin!(clock.sleep_until(deadline));
    loop {
        if is_stopped.load(Ordering::Acquire) {
            return false;
        }
        let slept = sleep.as_mut().poll(&mut context);
        drop(hold.take());
        match slept {
            Poll::Ready(()) if clock.now() >= deadline => return true,
            // No fixture has this clock, or it has ended.
            Poll::Ready(()) if clock.is_frozen() => return false,
            Poll::Ready(()) => {
                thread::park_timeout(deadline.since(clock.now()).min(LONGEST_PAUSE));
            }
            Poll::Pending => thread::park(),
        }
    }
}
