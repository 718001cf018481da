//! The lifecycle of a DataNode, and what its server has still to do.

use std::task::{Context, Poll, Waker};

use kerbox_krb5::Timestamp;

use crate::datanode::unreported::Unreported;
use crate::protocol::{Block, DatanodeRegistration, DatanodeStorage, WorkSignal};

/// The lifecycle state, and pending work for the server.
#[derive(Default)]
pub(super) struct Life {
    pub(super) alive: bool,
    pub(super) started_at: Timestamp,
    /// The space used by replicas in each storage at the last count.
    pub(super) used: Vec<(DatanodeStorage, u64)>,
    pub(super) next_heartbeat: Timestamp,
    pub(super) next_scan: Timestamp,
    pub(super) xceivers: u32,
    /// True if an administrator has ordered the end.
    pub(super) ends: bool,
    pub(super) transfers: Vec<Transfer>,
    pub(super) server: Option<Waker>,
    pub(super) unreported: Unreported,
    /// Wakers notified on stop.
    mourners: Vec<Waker>,
}

/// A replica to copy to other DataNodes by order of the NameNode.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    pub(crate) block: Block,
    pub(crate) targets: Vec<DatanodeRegistration>,
    /// The storages of the targets.
    pub(crate) storages: Vec<DatanodeStorage>,
}

/// Pending work for the server of a DataNode.
#[derive(Debug)]
pub(crate) enum Work {
    /// The NameNode asked for a heartbeat.
    Heartbeat,
    /// Copy a replica.
    Transfer(Transfer),
    /// An administrator has ordered the end.
    Shutdown,
    /// The DataNode was stopped or killed.
    Stop,
}

impl Life {
    /// Ends it, and returns those who wait for that; `None` if it has ended already.
    pub(super) fn end(&mut self) -> Option<impl Iterator<Item = Waker> + use<>> {
        if !std::mem::take(&mut self.alive) {
            return None;
        }
        self.transfers.clear();
        let mourners = std::mem::take(&mut self.mourners);
        Some(self.server.take().into_iter().chain(mourners))
    }

    /// Returns all pending work for the server. Wakes `cx` when there is some.
    pub(super) fn poll_work(
        &mut self,
        signal: &WorkSignal,
        cx: &mut Context<'_>,
    ) -> Poll<Vec<Work>> {
        let mut work: Vec<_> = self.transfers.drain(..).map(Work::Transfer).collect();
        if self.alive && signal.poll_raised(cx).is_ready() {
            work.push(Work::Heartbeat);
        }
        if !self.alive {
            work.push(Work::Stop);
        } else if std::mem::take(&mut self.ends) {
            work.push(Work::Shutdown);
        }
        if work.is_empty() {
            self.server = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(work)
    }

    /// Returns ready if it has ended. Wakes `cx` when it ends.
    pub(super) fn poll_stopped(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.alive {
            return Poll::Ready(());
        }
        let known = |waker: &Waker| waker.will_wake(cx.waker());
        if !self.mourners.iter().any(known) {
            self.mourners.push(cx.waker().clone());
        }
        Poll::Pending
    }
}
