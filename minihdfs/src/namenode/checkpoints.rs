//! Looking after the files: checkpoints, and the room on disk (`NameNodeResourceMonitor`).

use std::sync::Arc;

use kerbox_events::StateChange;
use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::namenode::edit::Edit;
use crate::namenode::name_storage::NameStorage;
use crate::namenode::namesystem::Namesystem;

/// A segment of the edit log that has ended, for an image.
pub(crate) struct EndedSegment {
    /// Its last transaction.
    pub(crate) last: i64,
    /// The files into which the image goes.
    pub(crate) storage: Arc<dyn NameStorage>,
}

impl Namesystem {
    /// Ends a segment of the edit log, and begins the next. Returns the last transaction of the one
    /// that has ended.
    pub(crate) fn roll_edits(&mut self) -> Result<i64, HdfsError> {
        self.log(&Edit::EndLogSegment)?;
        let last = self.state().transaction_id();
        self.log(&Edit::StartLogSegment)?;
        Ok(last)
    }

    /// Begins a checkpoint if one is due.
    pub(crate) fn tick_checkpoint(&mut self, now: Timestamp) {
        let transaction_id = self.state().transaction_id();
        let is_on = self.safe_mode.is_on();
        let Some(upkeep) = self.upkeep.as_mut().filter(|_| !is_on) else {
            return;
        };
        let due = upkeep.checkpoint_deadline(transaction_id);
        if due.is_none_or(|due| now < due) {
            return;
        }
        upkeep.last_checkpoint = now;
        let storage = Arc::clone(&upkeep.storage);
        if let Ok(last) = self.roll_edits() {
            storage.checkpoint(last);
        }
    }

    /// Ends a segment, so that an image can be saved of that moment. `None` without files, or if
    /// the newest image is at most `window` seconds old and lacks at most `gap` transactions.
    pub(crate) fn end_segment_to_save(
        &mut self,
        now: Timestamp,
        window: u64,
        gap: u64,
    ) -> Result<Option<EndedSegment>, HdfsError> {
        let transaction_id = self.state().transaction_id();
        let Some(upkeep) = &mut self.upkeep else {
            return Ok(None);
        };
        let missing = transaction_id.saturating_sub(upkeep.storage.most_recent_checkpoint());
        let age = now.since(upkeep.last_checkpoint).as_secs();
        let has_condition = window > 0 || gap > 0;
        if has_condition && age <= window && missing.unsigned_abs() <= gap {
            return Ok(None);
        }
        let storage = Arc::clone(&upkeep.storage);
        if storage.is_full() {
            // The next segment would have no room either.
            return Err(HdfsError::io(
                "Failed to save in any storage directories while saving namespace. The disk has no \
                 room: free some, and try again",
            ));
        }
        upkeep.last_checkpoint = now;
        self.log(&Edit::EndLogSegment)?;
        let last = self.state().transaction_id();
        Ok(Some(EndedSegment { last, storage }))
    }

    /// Looks whether the disk has room, if that is due or `at_once`. Returns the change of safe
    /// mode that follows.
    pub(crate) fn check_resources(&mut self, now: Timestamp, at_once: bool) -> Option<StateChange> {
        let transaction_id = self.state().transaction_id();
        let is_low = self.safe_mode.is_low();
        let upkeep = self.upkeep.as_mut()?;
        let due = upkeep.look_deadline(transaction_id, is_low);
        if !at_once && due.is_none_or(|due| now < due) {
            return None;
        }
        let has_room = upkeep.look(now, transaction_id);
        let was_on = self.safe_mode.is_on();
        if has_room == is_low {
            let what = if has_room {
                "has room again"
            } else {
                "has no room"
            };
            tracing::warn!("the disk with the namespace {what}");
        }
        self.safe_mode.set_low(!has_room);
        match (was_on, self.safe_mode.is_on()) {
            (false, true) => Some(StateChange::SafeModeOn),
            (true, false) => Some(StateChange::SafeModeOff),
            _ => None,
        }
    }

    /// Returns when a checkpoint or a look at the disk is due.
    pub(crate) fn upkeep_deadline(&self) -> Option<Timestamp> {
        let upkeep = self.upkeep.as_ref()?;
        let transaction_id = self.state().transaction_id();
        let is_on = self.safe_mode.is_on();
        let checkpoint = (!is_on).then(|| upkeep.checkpoint_deadline(transaction_id));
        let look = upkeep.look_deadline(transaction_id, self.safe_mode.is_low());
        checkpoint.flatten().into_iter().chain(look).min()
    }
}
