//! A fixture's own thread and tokio runtime. Clients such as libgssapi block inside async
//! functions, so the servers must not share the test's runtime.

use std::io;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A runtime on its own thread. Dropping it ends every task and joins the thread.
pub(crate) struct Runtime {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Runtime {
    /// Starts the runtime. With one worker everything runs on a single thread.
    pub(crate) fn start(workers: usize) -> io::Result<Self> {
        let mut builder = if workers > 1 {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(workers);
            builder
        } else {
            Builder::new_current_thread()
        };
        let runtime = builder.thread_name("kerbox").enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("kerbox".to_owned())
            .spawn(move || {
                // Ends when the sender is used or dropped; either way the fixture is over.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // A panic of that thread has already been printed; the fixture ends all the same.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_it_ends_its_tasks() {
        for workers in [1, 2] {
            let runtime = Runtime::start(workers).expect("a thread");
            let (held, dropped) = std::sync::mpsc::channel::<()>();
            runtime.handle().spawn(async move {
                let _held = held;
                std::future::pending::<()>().await;
            });
            drop(runtime);
            assert!(dropped.recv().is_err(), "the task's sender is gone");
        }
    }
}
