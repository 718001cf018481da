//! Values as Hadoop's `JsonUtil` writes them.

mod attributes;
mod blocks;
mod policies;
mod snapshots;
mod status;
mod summaries;

pub(super) use attributes::{Encoding, acl_status, xattr_names, xattrs};
pub(super) use blocks::{block_locations, located_blocks};
pub(super) use policies::{ec_codecs, ec_policies, ec_policy, storage_policies, storage_policy};
pub(super) use snapshots::{
    snapshot_diff, snapshot_diff_listing, snapshots, snapshottable_directories,
};
pub(super) use status::{file_status, file_statuses, listed, partial_listing, rooted};
pub(super) use summaries::{content_summary, fs_status, quota_usage, server_defaults, token};
