//! Holds exchanges until a test lets them go.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Holds exchanges from [`Verdict::Hold`](crate::Verdict::Hold) until it is opened. Clones are the
/// same latch. Once open, it stays open and holds nothing any more.
///
/// ```
/// use kerbox_events::{Latch, Verdict};
///
/// let latch = Latch::new();
/// let verdict = Verdict::Hold(latch.clone());
/// assert!(!latch.is_open());
/// latch.open(); // the exchanges that it held go on
/// # let _ = verdict;
/// ```
#[derive(Clone, Default)]
pub struct Latch(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    open: bool,
    held: Vec<Waker>,
}

impl Latch {
    /// Creates a closed latch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everything go that is held, and what comes later.
    pub fn open(&self) {
        let held = {
            let mut state = self.state();
            state.open = true;
            std::mem::take(&mut state.held)
        };
        held.into_iter().for_each(Waker::wake);
    }

    /// Returns whether it was opened.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state().open
    }

    /// Blocks this thread until it is opened.
    pub fn wait(&self) {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut cx = Context::from_waker(&waker);
        let mut latch = self.clone();
        while Pin::new(&mut latch).poll(&mut cx).is_pending() {
            thread::park();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The fields are independent of each other, so a panic elsewhere leaves them valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes a thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Resolves when the latch is opened.
impl Future for Latch {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.open {
            return Poll::Ready(());
        }
        if !state.held.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.held.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl PartialEq for Latch {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Latch {}

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_open() {
            "Latch(open)"
        } else {
            "Latch(closed)"
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn opening_wakes_what_is_held_once_and_holds_nothing_later() {
        let latch = Latch::new();
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        let mut held = latch.clone();
        for _ in 0..2 {
            assert!(Pin::new(&mut held).poll(&mut cx).is_pending());
        }
        latch.open();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(Pin::new(&mut held).poll(&mut cx).is_ready());
        assert!(Pin::new(&mut latch.clone()).poll(&mut cx).is_ready());
        let closed = Latch::new();
        thread::scope(|scope| {
            scope.spawn(|| closed.wait());
            closed.open();
        });
        assert!(held == latch && held != Latch::new());
    }
}
