//! Changes that the NameNode does not know yet.

use crate::protocol::ReceivedDeletedBlock;

/// The maximum number of changes that wait for a NameNode that cannot be reached. If there are
/// more, all replicas are reported instead.
const MAX_CHANGES: usize = 10_000;

/// The changes that a DataNode has not reported to its NameNode.
#[derive(Debug, Default)]
pub(super) struct Unreported {
    /// True once the NameNode has registered this DataNode and knows its replicas.
    pub(super) is_registered: bool,
    /// The changes of replicas since then that it does not know, in their order.
    changes: Vec<ReceivedDeletedBlock>,
}

impl Unreported {
    pub(super) fn add(&mut self, change: ReceivedDeletedBlock) {
        self.changes.push(change);
    }

    /// Returns the changes, to report them.
    pub(super) fn take(&mut self) -> Vec<ReceivedDeletedBlock> {
        std::mem::take(&mut self.changes)
    }

    /// Puts changes back that could not be reported.
    pub(super) fn put_back(&mut self, changes: Vec<ReceivedDeletedBlock>) {
        if changes.len() > MAX_CHANGES {
            self.is_registered = false;
        } else {
            self.changes.splice(0..0, changes);
        }
    }
}
