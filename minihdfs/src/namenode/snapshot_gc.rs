//! When snapshots are removed that were deleted before an earlier one (`SnapshotDeletionGc`).

use std::time::Duration;

use kerbox_krb5::Timestamp;

use crate::config::SnapshotSettings;

/// When the next snapshot is removed.
#[derive(Clone, Copy, Debug)]
pub(super) struct SnapshotGc {
    period: Duration,
    next: Timestamp,
}

impl SnapshotGc {
    /// Returns `None` if each snapshot is removed when it is deleted.
    pub(super) fn new(settings: &SnapshotSettings, now: Timestamp) -> Option<Self> {
        let period = settings.deletion_period;
        settings.deletion_ordered.then(|| Self {
            period,
            next: now + period,
        })
    }

    /// Returns the time.
    pub(super) fn next(&self) -> Timestamp {
        self.next
    }

    /// Returns true if the time has come, and goes on to the next, in steps of the period.
    pub(super) fn is_due(&mut self, now: Timestamp) -> bool {
        if now < self.next {
            return false;
        }
        let late = now.since(self.next).as_nanos() % self.period.as_nanos().max(1);
        let late = Duration::from_nanos(u64::try_from(late).unwrap_or_default());
        self.next = now + self.period.saturating_sub(late);
        true
    }
}
