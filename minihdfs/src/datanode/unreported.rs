//! Changes that the NameNode does not know yet.

use std::collections::VecDeque;

use crate::protocol::{DatanodeStorage, ReceivedDeletedBlock};

/// The maximum number of changes that wait for a NameNode that cannot be reached. If there are
/// more, all replicas are reported instead.
const MAX_CHANGES: usize = 10_000;

/// Changes in their order: those in one storage, then those in another one, or the same.
pub(super) type Changes = VecDeque<(DatanodeStorage, Vec<ReceivedDeletedBlock>)>;

/// The changes that a DataNode has not reported to its NameNode.
#[derive(Debug, Default)]
pub(super) struct Unreported {
    /// True once the NameNode has registered this DataNode and knows its replicas.
    pub(super) is_registered: bool,
    /// The changes of replicas since then that it does not know.
    changes: Changes,
}

impl Unreported {
    pub(super) fn add(&mut self, storage: &DatanodeStorage, change: ReceivedDeletedBlock) {
        match self.changes.back_mut().filter(|(of, _)| of == storage) {
            Some((_, changes)) => changes.push(change),
            None => self.changes.push_back((storage.clone(), vec![change])),
        }
    }

    /// Returns the changes, to report them.
    pub(super) fn take(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Puts changes back that could not be reported.
    pub(super) fn put_back(&mut self, mut changes: Changes) {
        let count: usize = changes.iter().map(|(_, changes)| changes.len()).sum();
        if count > MAX_CHANGES {
            self.is_registered = false;
        } else {
            changes.append(&mut self.changes);
            self.changes = changes;
        }
    }
}
