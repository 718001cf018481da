//! The tree, its limits and quotas, leases.

pub(super) mod inode;
pub(super) mod lease;
pub(super) mod limits;
pub(super) mod namespace;
