//! The edits and the files of a NameNode that keeps its namespace on disk.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::edit_log::EditLogSink;
use super::lock::Lock;
use super::stored::StoredNamespace;
use crate::namenode::edit::Edit;
use crate::namenode::edit_sink::{Durability, EditSink};
use crate::namenode::name_storage::NameStorage;

/// Takes the edits of a NameNode into its name directory. When it is dropped, the edits are
/// finished, and nothing is written any more.
#[derive(Debug)]
pub struct StorageSink {
    /// `None` once it is being dropped.
    pub(super) edits: Option<EditLogSink>,
    pub(super) stored: Arc<StoredNamespace>,
    pub(super) checkpointer: Option<JoinHandle<()>>,
    /// Released last.
    pub(super) _lock: Lock,
}

impl EditSink for StorageSink {
    fn durability(&self) -> Option<Arc<dyn Durability>> {
        self.edits.as_ref().and_then(EditSink::durability)
    }

    fn storage(&self) -> Option<Arc<dyn NameStorage>> {
        Some(Arc::clone(&self.stored) as _)
    }

    fn log(&mut self, transaction_id: i64, edit: &Edit) {
        if let Some(edits) = &mut self.edits {
            edits.log(transaction_id, edit);
        }
    }
}

impl Drop for StorageSink {
    fn drop(&mut self) {
        self.edits = None;
        self.stored.end();
        if let Some(thread) = self.checkpointer.take() {
            // A panic of the thread has been printed.
            let _panicked = thread.join();
        }
    }
}
