//! A server that runs on the fixture's runtime, and its shutdown.

use std::future::Future;
use std::io;
use std::sync::{Mutex, PoisonError, mpsc};

use kerbox_net::{Gate, Peer};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// A running server. Dropping this does not stop the server: it runs until its runtime ends.
pub(crate) struct Running(Mutex<Option<Task>>);

struct Task {
    shutdown: oneshot::Sender<()>,
    abort: AbortHandle,
    gate: Gate,
    killed: bool,
    /// Disconnected once the task has ended and dropped everything it held.
    ended: mpsc::Receiver<()>,
}

impl Running {
    /// Spawns the server that `serve` builds from the shutdown future.
    pub(crate) fn start<F>(runtime: &Handle, serve: impl FnOnce(Shutdown) -> F) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let (shutdown, told) = oneshot::channel();
        let (held, ended) = mpsc::channel::<()>();
        let server = serve(Box::pin(async move {
            // Either a signal arrived or the fixture is gone.
            let _ = told.await;
        }));
        // The order matters: the server is dropped before `held` signals its end, even if the task
        // was never polled.
        let both = (server, held);
        // Must run inside the runtime, because the sockets are registered with it.
        let gate = Gate::default();
        let behind = gate.clone();
        let task = runtime.spawn(async move {
            let (server, _held) = both;
            if let Err(error) = behind.run(server).await {
                tracing::error!(target: "kerbox", "a server ended: {error}");
            }
        });
        Self(Mutex::new(Some(Task {
            shutdown,
            abort: task.abort_handle(),
            gate,
            killed: false,
            ended,
        })))
    }

    /// Returns whether it was neither stopped nor killed.
    pub(crate) fn is_running(&self) -> bool {
        self.task()
            .as_ref()
            .is_some_and(|task| !task.killed && !task.abort.is_finished())
    }

    /// Pauses it, as SIGSTOP does, until [`resume`](Self::resume).
    pub(crate) fn pause(&self) {
        if let Some(task) = self.task().as_ref() {
            task.gate.close();
        }
    }

    /// Closes the connections that match, and returns their number.
    pub(crate) fn cut(&self, matches: &dyn Fn(&Peer<'_>) -> bool) -> usize {
        self.gate().map_or(0, |gate| gate.cut(matches))
    }

    /// Returns its gate, unless it was stopped.
    pub(crate) fn gate(&self) -> Option<Gate> {
        self.task().as_ref().map(|task| task.gate.clone())
    }

    /// Resumes it.
    pub(crate) fn resume(&self) {
        if let Some(task) = self.task().as_ref() {
            task.gate.open();
        }
    }

    /// Shuts it down in order, unless it was killed or is paused, and waits until it has ended. Its
    /// address is free afterwards.
    pub(crate) fn stop(&self) {
        if let Some(task) = self.take() {
            if task.gate.is_closed() {
                // It cannot hear the signal, and must not answer what has arrived meanwhile.
                task.abort.abort();
            }
            // A server that has already ended needs no signal.
            let _ = task.shutdown.send(());
            let _ = task.ended.recv();
        }
    }

    /// Aborts it: its connections are cut. Does not wait, so a server may kill itself.
    pub(crate) fn kill(&self) {
        if let Some(task) = self.task().as_mut() {
            task.killed = true;
            task.abort.abort();
        }
    }

    fn take(&self) -> Option<Task> {
        self.task().take()
    }

    fn task(&self) -> std::sync::MutexGuard<'_, Option<Task>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves when a server must shut down.
pub(crate) type Shutdown = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::runtime::{Runtime, ThreadIds};

    #[test]
    fn a_stopped_server_has_ended_and_a_killed_one_soon_has() {
        let runtime = Runtime::start(1, &ThreadIds::default()).expect("a thread");
        let polite = Running::start(runtime.handle(), |shutdown| async {
            shutdown.await;
            Ok(())
        });
        assert!(polite.is_running());
        polite.stop();
        assert!(!polite.is_running());
        let (held, dropped) = mpsc::channel::<()>();
        let deaf = Running::start(runtime.handle(), |_shutdown| async {
            let _held = held;
            std::future::pending().await
        });
        deaf.kill();
        assert!(!deaf.is_running());
        deaf.stop();
        assert_eq!(
            dropped.try_recv(),
            Err(mpsc::TryRecvError::Disconnected),
            "what it held is gone once it has been waited for"
        );
    }
}
