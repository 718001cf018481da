//! When a NameNode looks after its files: when it makes checkpoints, and when it looks whether the
//! disk has room.

use std::sync::Arc;

use kerbox_krb5::Timestamp;

use crate::config::StorageSettings;
use crate::namenode::name_storage::NameStorage;

/// The files of a NameNode, and when it looked after them.
pub(crate) struct Upkeep {
    pub(super) storage: Arc<dyn NameStorage>,
    settings: StorageSettings,
    /// The time of the last checkpoint, or of the start.
    pub(super) last_checkpoint: Timestamp,
    /// The time at which the room on disk was looked up, and the last transaction then.
    looked: (Timestamp, i64),
}

impl Upkeep {
    pub(crate) fn new(
        storage: Arc<dyn NameStorage>,
        settings: StorageSettings,
        now: Timestamp,
    ) -> Self {
        Self {
            storage,
            settings,
            last_checkpoint: now,
            looked: (now, 0),
        }
    }

    /// Returns the number of transactions since the newest image. The one that every checkpoint
    /// leaves behind, the beginning of a segment, does not count.
    fn uncheckpointed(&self, transaction_id: i64) -> i64 {
        let last = self.storage.most_recent_checkpoint();
        transaction_id.saturating_sub(last).saturating_sub(1)
    }

    /// Returns when the next checkpoint is due; `None` if there is nothing new.
    pub(super) fn checkpoint_deadline(&self, transaction_id: i64) -> Option<Timestamp> {
        let uncheckpointed = self.uncheckpointed(transaction_id);
        let wait = match uncheckpointed {
            ..=0 => return None,
            count if count >= self.settings.checkpoint_txns => self
                .settings
                .checkpoint_check_period
                .min(self.settings.checkpoint_period),
            _ => self.settings.checkpoint_period,
        };
        Some(self.last_checkpoint + wait)
    }

    /// Returns when the room on disk is looked up next: without edits there is no hurry.
    pub(super) fn look_deadline(&self, transaction_id: i64, is_low: bool) -> Option<Timestamp> {
        let (looked, known) = self.looked;
        let wanted = is_low || transaction_id > known;
        wanted.then(|| looked + self.settings.resource_check_interval)
    }

    /// Looks whether the disk has room.
    pub(super) fn look(&mut self, now: Timestamp, transaction_id: i64) -> bool {
        self.looked = (now, transaction_id);
        self.storage.has_room(self.settings.reserved)
    }
}
