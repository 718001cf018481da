//! A fixture's own thread and tokio runtime. Clients such as libgssapi block inside async
//! functions, so the servers must not share the test's runtime.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The system's ids of threads of this process.
#[derive(Clone, Default, Debug)]
pub(crate) struct ThreadIds(Arc<Mutex<BTreeSet<u32>>>);

impl ThreadIds {
    fn ids(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        // Changed in single steps, so a panic elsewhere leaves it valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the id of the calling thread; 0 where the system does not show its threads.
    pub(crate) fn own() -> u32 {
        #[cfg(target_os = "linux")]
        {
            rustix::thread::gettid()
                .as_raw_nonzero()
                .get()
                .unsigned_abs()
        }
        #[cfg(not(target_os = "linux"))]
        {
            0
        }
    }

    /// Adds the calling thread.
    pub(crate) fn enter(&self) {
        self.ids().insert(Self::own());
    }

    /// Removes all threads.
    pub(crate) fn clear(&self) {
        self.ids().clear();
    }

    /// Removes the calling thread.
    fn leave(&self) {
        self.ids().remove(&Self::own());
    }

    /// Returns all but the calling thread.
    pub(crate) fn others(&self) -> BTreeSet<u32> {
        let mut others = self.ids().clone();
        others.remove(&Self::own());
        others
    }
}

/// A runtime on its own thread. Dropping it ends every task and joins the thread.
pub(crate) struct Runtime {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Runtime {
    /// Starts the runtime. With one worker everything runs on a single thread. `threads` gets all
    /// that work for it.
    pub(crate) fn start(workers: usize, threads: &ThreadIds) -> io::Result<Self> {
        let mut builder = if workers > 1 {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(workers);
            builder
        } else {
            Builder::new_current_thread()
        };
        let (started, ended, own) = (threads.clone(), threads.clone(), threads.clone());
        let runtime = builder
            .thread_name("kerbox")
            .on_thread_start(move || started.enter())
            .on_thread_stop(move || ended.leave())
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("kerbox".to_owned())
            .spawn(move || {
                own.enter();
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
            let runtime = Runtime::start(workers, &ThreadIds::default()).expect("a thread");
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
