//! Where a NameNode's edits go.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::namenode::edit::Edit;
use crate::namenode::name_storage::NameStorage;
use crate::rpc::Durable;

/// Says when edits are on disk.
pub trait Durability: Send + Sync {
    /// Returns what resolves once all edits so far are on disk; `None` if they are.
    fn durable(self: Arc<Self>) -> Option<Durable>;

    /// Waits until all edits so far are on disk.
    ///
    /// # Errors
    /// Fails if they cannot be written.
    fn wait(&self) -> io::Result<()>;
}

/// Receives the edits of a NameNode in their order, under its lock.
///
/// ```
/// use minihdfs::namenode::{Edit, EditSink};
///
/// /// Prints the edits.
/// struct Print;
///
/// impl EditSink for Print {
///     fn log(&mut self, transaction_id: i64, edit: &Edit) {
///         println!("{transaction_id}: {edit:?}");
///     }
/// }
/// Print.log(1, &Edit::StartLogSegment);
/// ```
pub trait EditSink: Send {
    /// Returns what says when the edits are on disk; `None` if they need not be.
    fn durability(&self) -> Option<Arc<dyn Durability>> {
        None
    }

    /// Returns the files of the namespace; `None` if there are none.
    fn storage(&self) -> Option<Arc<dyn NameStorage>> {
        None
    }

    /// Takes an edit after it was applied; `transaction_id` is its number, without gaps.
    fn log(&mut self, transaction_id: i64, edit: &Edit);
}

/// Drops every edit.
///
/// ```
/// use minihdfs::namenode::{Edit, EditSink, NoEdits};
///
/// NoEdits.log(1, &Edit::StartLogSegment);
/// assert!(NoEdits.durability().is_none(), "nothing waits for them");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEdits;

impl EditSink for NoEdits {
    fn log(&mut self, _transaction_id: i64, _edit: &Edit) {}
}

/// Keeps edits in memory, up to a limit. Clones share what they keep.
///
/// ```
/// use std::sync::Arc;
/// use kerbox_events::NoHook;
/// use kerbox_krb5::Timestamp;
/// use minihdfs::config::HdfsConfig;
/// use minihdfs::namenode::{Edit, MemoryEdits, NameNode, NameNodeIdentity};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
/// # let identity = NameNodeIdentity {
/// #     superuser: "hdfs".to_owned(),
/// #     default_realm: String::new(),
/// #     address: [127, 0, 0, 1].into(),
/// # };
/// # let (config, now) = (HdfsConfig::default(), Timestamp::from_secs(1_700_000_000));
///
/// let sink = MemoryEdits::new(1000);
/// let hook = Arc::new(NoHook);
/// let edits = Box::new(sink.clone());
/// let namenode = NameNode::with_edits(config, &identity, now, hook, &mut rng, edits)?;
/// namenode.make_directory(now, "/tmp", "hdfs", "supergroup", 0o1777)?;
/// let edits = sink.edits().expect("fewer than a thousand");
/// assert!(matches!(edits[0], Edit::StartLogSegment));
/// assert!(edits.iter().any(|edit| matches!(edit, Edit::Mkdir { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryEdits {
    /// `None` once there were more than the limit.
    edits: Arc<Mutex<Option<Vec<Edit>>>>,
    limit: usize,
}

impl MemoryEdits {
    /// Creates a sink that keeps at most `limit` edits.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            edits: Arc::new(Mutex::new(Some(Vec::new()))),
            limit,
        }
    }

    /// Returns all edits so far; `None` if there were more than the limit.
    #[must_use]
    pub fn edits(&self) -> Option<Vec<Edit>> {
        self.edits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl EditSink for MemoryEdits {
    fn log(&mut self, _transaction_id: i64, edit: &Edit) {
        let mut kept = self.edits.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *kept {
            Some(edits) if edits.len() < self.limit => edits.push(edit.clone()),
            // Without its end, the rest is of no use.
            _ => *kept = None,
        }
    }
}
