//! A time that an inode spent in a directory with snapshots.

use crate::namenode::state::inode::InodeId;
use crate::namenode::state::kept::moment::Moment;

/// A time that an inode spent in a directory of which snapshots may be taken.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::namenode::state) struct Stay {
    pub(in crate::namenode::state) root: InodeId,
    pub(in crate::namenode::state) from: Moment,
    /// The moment at which it left; the present one if it has not.
    pub(in crate::namenode::state) until: Moment,
}
