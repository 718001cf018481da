//! Checkpoints while the NameNode serves: a thread makes the image of the files alone, which give
//! the namespace as it was at the end of a segment.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use kerbox_krb5::Timestamp;

use super::directory::{load_finished, plan};
use super::error::{Result, failed, unusable};
use super::stored::StoredNamespace;
use crate::config::SnapshotSettings;
use crate::namenode::state::State;
use crate::namenode::storage::image::write_image;
use crate::secret_manager::DelegationTokenSecretManager;

/// A formatted state, of which checkpoints begin.
pub(super) struct Formatted {
    pub(super) now: Timestamp,
    pub(super) superuser: Arc<str>,
    pub(super) supergroup: Arc<str>,
    /// A manager without tokens.
    pub(super) tokens: DelegationTokenSecretManager,
    pub(super) snapshots: SnapshotSettings,
}

impl Formatted {
    fn state(&self) -> State {
        self.state_with(Arc::new(self.tokens.emptied(self.now)))
    }

    /// Returns the state with this manager of tokens.
    pub(super) fn state_with(&self, tokens: Arc<DelegationTokenSecretManager>) -> State {
        let (superuser, supergroup) = (Arc::clone(&self.superuser), Arc::clone(&self.supergroup));
        let state = State::new(self.now, superuser, supergroup, tokens);
        state.capturing(&self.snapshots)
    }
}

/// Starts the thread. It ends with [`StoredNamespace::end`].
pub(super) fn start(stored: Arc<StoredNamespace>, formatted: Formatted) -> Result<JoinHandle<()>> {
    let failed = failed("start the thread for", stored.current.folder());
    let thread = thread::Builder::new().name("kerbox checkpoint".to_owned());
    let run = move || {
        while let Some(transaction_id) = stored.next_checkpoint() {
            if let Err(error) = checkpoint(&stored, &formatted, transaction_id) {
                // The files are as they were; the next checkpoint tries again.
                tracing::warn!(%error, "the checkpoint failed");
            }
        }
    };
    thread.spawn(run).map_err(failed)
}

/// Makes the image of the namespace as of a transaction that ends a segment.
fn checkpoint(stored: &StoredNamespace, formatted: &Formatted, last: i64) -> Result<()> {
    let _images = stored.lock()?;
    let plan = plan(&stored.current)?;
    if plan.image >= last {
        return Ok(());
    }
    let namespace_id = stored.version.namespace_id;
    let mut state = formatted.state();
    stored
        .current
        .load_image(&mut state, namespace_id, plan.image)?;
    for file in &plan.edits {
        if file.last.is_some_and(|end| end <= last) {
            load_finished(&stored.current, &mut state, file)?;
        }
    }
    let found = state.transaction_id();
    if found != last {
        let reason = format!("its edits end with transaction {found} instead of {last}");
        return Err(unusable(stored.current.folder(), reason));
    }
    let image = write_image(&state, namespace_id);
    stored.save(last, &image)
}
