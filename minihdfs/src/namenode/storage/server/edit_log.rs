//! The edit log that is being written. Edits are collected under the NameNode's lock; a thread
//! writes them and makes them durable, as many as have come meanwhile at once (group commit).

use std::fs::{self, File};
use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};

use super::error::{Result, failed};
use super::lock::Lock;
use crate::namenode::edit::{Durability, Edit, EditSink};
use crate::namenode::storage::edit_log::write_header;
use crate::namenode::storage::layout;
use crate::namenode::storage::record::{is_read_back, write_record};
use crate::rpc::Durable;

/// The memory that an idle log keeps.
const KEPT: usize = 1 << 20;

/// A file of edits in progress, with the thread that writes it.
#[derive(Debug)]
pub struct EditLog {
    progress: Mutex<Progress>,
    /// Wakes the thread.
    more: Condvar,
}

#[derive(Debug, Default)]
struct Progress {
    /// Records that the thread has not taken yet.
    pending: Vec<u8>,
    /// The last transaction in `pending` or before it.
    logged: i64,
    /// The last transaction that is on disk.
    synced: i64,
    /// The reason for which nothing is written any more.
    failure: Option<Arc<str>>,
    waiting: Vec<Waker>,
    closed: bool,
}

impl Progress {
    /// Gives up: what is not on disk yet will never be.
    fn fail(&mut self, reason: &str) {
        self.failure = Some(reason.into());
        self.pending = Vec::new();
        self.wake();
    }

    fn wake(&mut self) {
        for waker in std::mem::take(&mut self.waiting) {
            waker.wake();
        }
    }
}

/// Hands edits to an [`EditLog`]. When it is dropped, the log is finished.
#[derive(Debug)]
pub struct EditLogSink {
    log: Arc<EditLog>,
    thread: Option<JoinHandle<()>>,
}

impl EditLog {
    pub(super) fn start(lock: Lock, file: File, path: PathBuf, first: i64) -> Result<EditLogSink> {
        let mut pending = Vec::with_capacity(KEPT);
        write_header(&mut pending);
        let log = Arc::new(Self {
            progress: Mutex::new(Progress {
                pending,
                logged: first - 1,
                synced: first - 1,
                ..Progress::default()
            }),
            more: Condvar::new(),
        });
        let failed = failed("start the thread for", &path);
        let writer = Writer {
            log: Arc::clone(&log),
            file,
            path,
            first,
            _lock: lock,
        };
        let thread = thread::Builder::new().name("kerbox edit log".to_owned());
        let thread = thread.spawn(move || writer.run());
        let thread = thread.map_err(failed)?;
        Ok(EditLogSink {
            log,
            thread: Some(thread),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Durability for EditLog {
    /// The future fails if the log cannot be written.
    fn durable(self: Arc<Self>) -> Option<Durable> {
        let progress = self.lock();
        if progress.synced == progress.logged {
            return None;
        }
        let transaction_id = progress.logged;
        drop(progress);
        Some(Box::pin(Synced {
            log: self,
            transaction_id,
        }))
    }
}

/// Resolves once a transaction is on disk, or never will be.
struct Synced {
    log: Arc<EditLog>,
    transaction_id: i64,
}

impl Future for Synced {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut progress = self.log.lock();
        if progress.synced >= self.transaction_id {
            return Poll::Ready(Ok(()));
        }
        if let Some(failure) = &progress.failure {
            return Poll::Ready(Err(io::Error::other(failure.to_string())));
        }
        progress.waiting.push(context.waker().clone());
        Poll::Pending
    }
}

impl EditSink for EditLogSink {
    fn durability(&self) -> Option<Arc<dyn Durability>> {
        Some(Arc::clone(&self.log) as _)
    }

    fn log(&mut self, transaction_id: i64, edit: &Edit) {
        let mut progress = self.log.lock();
        // Kept from growing without a limit: nothing after a failure reaches the disk.
        if progress.failure.is_none() {
            let start = progress.pending.len();
            write_record(transaction_id, edit, &mut progress.pending);
            if !is_read_back(&progress.pending[start..], edit) {
                let name = edit.name();
                let reason = format!("{name}, transaction {transaction_id}, is too long to keep");
                tracing::error!(%reason, "the edit log cannot be written");
                progress.fail(&reason);
            }
        }
        progress.logged = transaction_id;
        self.log.more.notify_one();
    }
}

impl Drop for EditLogSink {
    fn drop(&mut self) {
        let mut progress = self.log.lock();
        if progress.failure.is_none() {
            let end = progress.logged.saturating_add(1);
            write_record(end, &Edit::EndLogSegment, &mut progress.pending);
            progress.logged = end;
        }
        progress.closed = true;
        drop(progress);
        self.log.more.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed.
            let _panicked = thread.join();
        }
    }
}

/// The thread's side.
struct Writer {
    log: Arc<EditLog>,
    file: File,
    path: PathBuf,
    first: i64,
    /// Held until the file has its final name.
    _lock: Lock,
}

impl Writer {
    fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            let mut progress = self.log.lock();
            while progress.pending.is_empty() && !progress.closed {
                let woken = self.log.more.wait(progress);
                progress = woken.unwrap_or_else(PoisonError::into_inner);
            }
            if progress.pending.is_empty() {
                break;
            }
            batch.clear();
            batch.shrink_to(KEPT);
            std::mem::swap(&mut batch, &mut progress.pending);
            let last = progress.logged;
            drop(progress);
            let written = self
                .file
                .write_all(&batch)
                .and_then(|()| self.file.sync_data());
            self.report(last, written);
        }
        if self.log.lock().failure.is_none() {
            self.finish();
        }
    }

    fn report(&self, last: i64, written: io::Result<()>) {
        let mut progress = self.log.lock();
        match written {
            Ok(()) => {
                progress.synced = last;
                progress.wake();
            }
            Err(error) => {
                let path = self.path.display();
                tracing::error!(%path, %error, "the edit log cannot be written");
                progress.fail(&format!("cannot write {path}: {error}"));
            }
        }
    }

    /// Gives the file its final name. Without that, the next start finds it in progress.
    fn finish(&self) {
        let last = self.log.lock().synced;
        if last < self.first {
            return;
        }
        let finished = self.path.with_file_name(layout::finished(self.first, last));
        if !finished.exists()
            && let Err(error) = fs::rename(&self.path, &finished)
        {
            let path = self.path.display();
            tracing::warn!(%path, %error, "the edit log keeps the name of one in progress");
        }
        let folder = self.path.parent().map(File::open);
        // Only a failure of the machine right now can lose the name.
        let _synced = folder.map(|folder| folder.and_then(|folder| folder.sync_all()));
    }
}
