//! The edit log that is being written. Edits are collected under the NameNode's lock; a thread
//! writes them and makes them durable, as many as have come meanwhile at once (group commit).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};

use super::error::{Result, failed};
use super::segment_writer::SegmentWriter;
use crate::namenode::edit::Edit;
use crate::namenode::edit_sink::{Durability, EditSink};
use crate::namenode::storage::record::{is_read_back, write_record};
use crate::rpc::Durable;

/// The memory that an idle log keeps.
const KEPT: usize = 1 << 20;

/// The edits of a NameNode, of which the last are not on disk yet.
#[derive(Debug)]
pub struct EditLog {
    progress: Mutex<Progress>,
    /// Wakes the thread.
    more: Condvar,
    /// Wakes those who wait for the thread.
    done: Condvar,
    /// The disk has no room for more than is reserved.
    pub(super) is_full: AtomicBool,
}

/// Records that are to be written, and the ends of segments among them.
#[derive(Debug, Default)]
struct Batch {
    records: Vec<u8>,
    /// Where segments end, with their last transactions.
    ends: Vec<(usize, i64)>,
}

#[derive(Debug, Default)]
struct Progress {
    /// What the thread has not taken yet.
    pending: Batch,
    /// The last transaction in `pending` or before it.
    logged: i64,
    /// The last transaction that is on disk.
    synced: i64,
    /// The last transaction of the last segment that has its final name.
    finished: i64,
    /// The reason for which nothing is written any more.
    failure: Option<Arc<str>>,
    waiting: Vec<Waker>,
    /// Someone wants to know whether the disk has room again.
    looks_for_room: bool,
    closed: bool,
}

impl Progress {
    /// Gives up: what is not on disk yet will never be.
    fn fail(&mut self, reason: &str) {
        self.failure = Some(reason.into());
        self.pending = Batch::default();
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
    /// Starts the thread that writes edits after this transaction.
    pub(super) fn start(segment: SegmentWriter, last: i64) -> Result<EditLogSink> {
        let log = Arc::new(Self {
            progress: Mutex::new(Progress {
                logged: last,
                synced: last,
                finished: last,
                ..Progress::default()
            }),
            more: Condvar::new(),
            done: Condvar::new(),
            is_full: AtomicBool::new(false),
        });
        let failed = failed("start the thread for", segment.folder());
        let writer = Writer {
            log: Arc::clone(&log),
            segment,
        };
        let thread = thread::Builder::new().name("kerbox edit log".to_owned());
        let thread = thread.spawn(move || writer.run());
        let thread = thread.map_err(failed)?;
        Ok(EditLogSink {
            log,
            thread: Some(thread),
        })
    }

    /// Waits until the segment that ends with a transaction has its final name.
    ///
    /// # Errors
    /// Fails if the log cannot be written, or ends without that.
    pub(super) fn wait_for_segment(&self, last: i64) -> io::Result<()> {
        let mut progress = self.lock();
        loop {
            if progress.finished >= last {
                return Ok(());
            }
            if let Some(failure) = &progress.failure {
                return Err(io::Error::other(failure.to_string()));
            }
            if progress.closed {
                return Err(io::Error::other("the edit log has ended"));
            }
            let woken = self.done.wait(progress);
            progress = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Makes the thread look whether the disk has room again.
    pub(super) fn look_for_room(&self) {
        self.lock().looks_for_room = true;
        self.more.notify_one();
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

    fn wait(&self) -> io::Result<()> {
        let mut progress = self.lock();
        let last = progress.logged;
        while progress.synced < last {
            if let Some(failure) = &progress.failure {
                return Err(io::Error::other(failure.to_string()));
            }
            let woken = self.done.wait(progress);
            progress = woken.unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
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

impl EditLogSink {
    pub(super) fn shared(&self) -> &Arc<EditLog> {
        &self.log
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
            let start = progress.pending.records.len();
            write_record(transaction_id, edit, &mut progress.pending.records);
            let end = progress.pending.records.len();
            if !is_read_back(&progress.pending.records[start..], edit) {
                let name = edit.name();
                let reason = format!("{name}, transaction {transaction_id}, is too long to keep");
                tracing::error!(%reason, "the edit log cannot be written");
                progress.fail(&reason);
            } else if matches!(edit, Edit::EndLogSegment) {
                progress.pending.ends.push((end, transaction_id));
            }
        }
        progress.logged = transaction_id;
        self.log.more.notify_one();
    }
}

impl Drop for EditLogSink {
    fn drop(&mut self) {
        let end = self.log.lock().logged.saturating_add(1);
        // Also after a failure: then the file keeps the name of one in progress.
        EditSink::log(self, end, &Edit::EndLogSegment);
        self.log.lock().closed = true;
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
    segment: SegmentWriter,
}

impl Writer {
    fn run(mut self) {
        let mut batch = Batch::default();
        loop {
            let mut progress = self.log.lock();
            while progress.pending.records.is_empty()
                && !progress.closed
                && !progress.looks_for_room
            {
                let woken = self.log.more.wait(progress);
                progress = woken.unwrap_or_else(PoisonError::into_inner);
            }
            progress.looks_for_room = false;
            if progress.pending.records.is_empty() && progress.closed {
                break;
            }
            batch.records.clear();
            batch.records.shrink_to(KEPT);
            batch.ends.clear();
            std::mem::swap(&mut batch, &mut progress.pending);
            let last = progress.logged;
            drop(progress);
            if let Err(error) = self.write(&batch, last) {
                tracing::error!(%error, "the edit log cannot be written");
                self.log.lock().fail(&error.to_string());
                self.log.done.notify_all();
            }
            let is_full = !self.segment.reserve();
            self.log.is_full.store(is_full, Ordering::SeqCst);
        }
        self.log.done.notify_all();
    }

    /// Writes a batch, whose last transaction is `last`, and finishes the segments that end in it.
    fn write(&mut self, batch: &Batch, last: i64) -> Result<()> {
        let mut start = 0;
        for (end, transaction_id) in &batch.ends {
            self.segment.write(&batch.records[start..*end])?;
            self.report(|progress| progress.synced = *transaction_id);
            self.segment.finish(*transaction_id)?;
            self.report(|progress| progress.finished = *transaction_id);
            start = *end;
        }
        if start < batch.records.len() {
            self.segment.write(&batch.records[start..])?;
            self.report(|progress| progress.synced = last);
        }
        Ok(())
    }

    fn report(&self, advance: impl FnOnce(&mut Progress)) {
        let mut progress = self.log.lock();
        advance(&mut progress);
        let waiting = std::mem::take(&mut progress.waiting);
        drop(progress);
        // Without the lock, which they take next.
        waiting.into_iter().for_each(Waker::wake);
        self.log.done.notify_all();
    }
}
