//! What a connection is doing, which its stream, its requests and its responses know.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// What a connection is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has answered everything, and has not looked for another request yet.
    Answered,
    /// It waits for a request.
    Waiting,
    /// The head of a request has begun to arrive.
    Head,
    /// A request is being served.
    Serving,
}

/// The phase of a connection, which its stream, its requests and its responses share.
#[derive(Clone)]
pub(super) struct Progress(Arc<AtomicU8>);

impl Default for Progress {
    fn default() -> Self {
        Self(Arc::new(AtomicU8::new(Phase::Answered as u8)))
    }
}

impl Progress {
    /// Begins to serve a request.
    pub(super) fn serve(&self) -> Serving {
        self.set(Phase::Serving);
        Serving(self.clone())
    }

    pub(super) fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Relaxed);
    }

    pub(super) fn get(&self) -> Phase {
        match self.0.load(Relaxed) {
            0 => Phase::Answered,
            1 => Phase::Waiting,
            2 => Phase::Head,
            _ => Phase::Serving,
        }
    }
}

/// A request that is being served. Dropped with the body of its response.
pub(super) struct Serving(Progress);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.set(Phase::Answered);
    }
}
