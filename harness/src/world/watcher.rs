//! The fixture's registration with its clock.

use std::sync::Arc;

use kerbox_krb5::sleep::ClockWatcher;
use tokio::sync::Notify;

use super::runtime::ThreadIds;

/// Registers a fixture with its clock. Dropping it ends that.
pub(super) struct Watcher {
    pub(super) changed: Arc<Notify>,
    pub(super) resumed: ThreadIds,
}

impl ClockWatcher for Watcher {
    fn changed(&self) {
        self.changed.notify_one();
    }

    fn resumed(&self) {
        self.resumed.enter();
    }
}
