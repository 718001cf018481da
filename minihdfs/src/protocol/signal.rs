//! The signal that commands wait for a DataNode in the same process.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A flag that a NameNode raises and a DataNode waits for. It carries nothing else: the DataNode
/// fetches its commands with a heartbeat, like every other.
#[derive(Debug, Default)]
pub struct WorkSignal(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    raised: bool,
    waker: Option<Waker>,
}

impl WorkSignal {
    /// Raises the flag and wakes the task that waits for it. Never waits.
    pub fn raise(&self) {
        let waker = {
            let mut state = self.state();
            state.raised = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Lowers the flag, and returns true if it was raised.
    pub fn lower(&self) -> bool {
        std::mem::take(&mut self.state().raised)
    }

    /// Returns ready, and lowers the flag, if it is raised. Otherwise wakes `cx` when that happens.
    pub fn poll_raised(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if std::mem::take(&mut state.raised) {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Both fields change in single steps, so a panic elsewhere leaves them valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
