//! Removing snapshots that were deleted before an earlier one, in the order of their taking.

use kerbox_events::{Event, TimerKind};
use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::namenode::edit::{Edit, RpcIds};
use crate::namenode::events::timer;
use crate::namenode::namesystem::Namesystem;

impl Namesystem {
    /// Removes a snapshot, if the time has come.
    pub(super) fn tick_snapshots(&mut self, now: Timestamp, fired: &mut Vec<Event>) {
        if !self.snapshot_gc.as_mut().is_some_and(|gc| gc.is_due(now)) {
            return;
        }
        let path = self.namespace().snapshots().first_deleted();
        let Some((root, name)) = path.map(|(root, name)| (root, name.to_owned())) else {
            return;
        };
        let root = self.namespace().full_path(root);
        fired.push(timer(
            TimerKind::SnapshotDeletion,
            &format!("{root} {name}"),
        ));
        if let Err(error) = self.remove_snapshot(now, root, name) {
            tracing::error!(%error, "a deleted snapshot stays");
        }
    }

    fn remove_snapshot(
        &mut self,
        now: Timestamp,
        snapshot_root: String,
        snapshot_name: String,
    ) -> Result<(), HdfsError> {
        self.log(&Edit::DeleteSnapshot {
            snapshot_root,
            snapshot_name,
            mtime: now.as_millis(),
            rpc: RpcIds::NONE,
        })
    }

    /// Returns when the next snapshot is removed; `None` if none waits for it.
    pub(super) fn next_snapshot_deadline(&self) -> Option<Timestamp> {
        let gc = self.snapshot_gc.as_ref()?;
        self.namespace().snapshots().first_deleted()?;
        Some(gc.next())
    }
}
