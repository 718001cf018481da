//! A time that an inode spent in a directory with snapshots.

use crate::namenode::state::inode::InodeId;
use crate::namenode::state::snapshot::moment::Moment;

/// A time that an inode spent in a directory of which snapshots may be taken.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Stay {
    pub(super) root: InodeId,
    pub(super) from: Moment,
    /// The moment at which it left; the present one if it has not.
    pub(super) until: Moment,
}
