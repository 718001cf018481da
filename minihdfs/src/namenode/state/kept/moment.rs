//! Time, counted in snapshots.

/// The id of a snapshot: sequential over the whole namespace, from 0, and never reused.
pub(crate) type SnapshotId = u32;

/// The last id that a snapshot may have (`SNAPSHOT_ID_BIT_WIDTH`).
pub(crate) const LAST_SNAPSHOT_ID: SnapshotId = (1 << 28) - 1;

/// The number of snapshots taken so far, which is the id of the next one.
pub(crate) type Moment = SnapshotId;
