//! ClientProtocol: one function for each method, and the table of methods.
//!
//! Each function takes the call and its request and returns the response. The order of checks and
//! the exceptions follow Hadoop's `FSNamesystem` and its `FSDir…Op` classes.

#![allow(
    clippy::needless_pass_by_value,
    reason = "the table hands each request over as a value"
)]

mod acls;
mod admin;
mod attributes;
mod blocks;
mod cache_directives;
mod cache_pools;
mod cache_statistics;
mod concat;
mod create;
mod encryption_zones;
mod erasure_coding;
mod events;
mod images;
mod leases;
mod listing;
mod meta_save;
mod open_files;
mod pipeline;
mod reading;
mod rename;
mod repeated;
mod reports;
mod snapshot_diffs;
mod snapshot_listings;
mod snapshot_reads;
mod snapshots;
pub(super) mod status;
mod storage_policies;
mod summaries;
mod symlinks;
mod token_verbs;
mod tokens;
mod tree;
mod truncate;
mod upgrades;
#[cfg(feature = "web")]
mod web;
mod xattrs;

use crate::namenode::NameNode;
use crate::rpc::{Protocol, protocol};

/// The methods by name on the wire.
pub(crate) static CLIENT_PROTOCOL: Protocol<NameNode> = protocol! {
    "org.apache.hadoop.hdfs.protocol.ClientProtocol", 1,
    "abandonBlock" => NameNode::abandon_block,
    "addBlock" => NameNode::add_block,
    "addCacheDirective" => NameNode::add_cache_directive,
    "addCachePool" => NameNode::add_cache_pool,
    "addErasureCodingPolicies" => NameNode::add_erasure_coding_policies,
    "allowSnapshot" => NameNode::allow_snapshot,
    "append" => NameNode::append,
    "cancelDelegationToken" => NameNode::cancel_delegation_token,
    "checkAccess" => NameNode::check_access,
    "complete" => NameNode::complete,
    "concat" => NameNode::concat,
    "create" => NameNode::create,
    "createEncryptionZone" => NameNode::create_encryption_zone,
    "createSnapshot" => NameNode::create_snapshot,
    "createSymlink" => NameNode::create_symlink,
    "delete" => NameNode::delete,
    "deleteSnapshot" => NameNode::delete_snapshot,
    "disableErasureCodingPolicy" => NameNode::disable_erasure_coding_policy,
    "disallowSnapshot" => NameNode::disallow_snapshot,
    "enableErasureCodingPolicy" => NameNode::enable_erasure_coding_policy,
    "finalizeUpgrade" => NameNode::finalize_upgrade,
    "fsync" => NameNode::fsync,
    "getAclStatus" => NameNode::get_acl_status,
    "getAdditionalDatanode" => NameNode::get_additional_datanode,
    "getBatchedListing" => NameNode::get_batched_listing,
    "getBlockLocations" => NameNode::get_block_locations,
    "getContentSummary" => NameNode::get_content_summary,
    "getCurrentEditLogTxid" => NameNode::get_current_edit_log_txid,
    "getDataEncryptionKey" => NameNode::get_data_encryption_key,
    "getDatanodeReport" => NameNode::get_datanode_report,
    "getDatanodeStorageReport" => NameNode::get_datanode_storage_report,
    "getDelegationToken" => NameNode::get_delegation_token,
    "getECTopologyResultForPolicies" => NameNode::get_ec_topology_result_for_policies,
    "getEZForPath" => NameNode::get_ez_for_path,
    "getEditsFromTxid" => NameNode::get_edits_from_txid,
    "getEnclosingRoot" => NameNode::get_enclosing_root,
    "getErasureCodingCodecs" => NameNode::get_erasure_coding_codecs,
    "getErasureCodingPolicies" => NameNode::get_erasure_coding_policies,
    "getErasureCodingPolicy" => NameNode::get_erasure_coding_policy,
    "getFileInfo" => NameNode::get_file_info,
    "getFileLinkInfo" => NameNode::get_file_link_info,
    "getFsECBlockGroupStats" => NameNode::get_fs_ec_block_group_stats,
    "getFsReplicatedBlockStats" => NameNode::get_fs_replicated_block_stats,
    "getFsStats" => NameNode::get_fs_stats,
    "getHAServiceState" => NameNode::get_ha_service_state,
    "getLinkTarget" => NameNode::get_link_target,
    "getListing" => NameNode::get_listing,
    "getLocatedFileInfo" => NameNode::get_located_file_info,
    "getPreferredBlockSize" => NameNode::get_preferred_block_size,
    "getQuotaUsage" => NameNode::get_quota_usage,
    "getServerDefaults" => NameNode::get_server_defaults,
    "getSlowDatanodeReport" => NameNode::get_slow_datanode_report,
    "getSnapshotDiffReport" => NameNode::get_snapshot_diff_report,
    "getSnapshotDiffReportListing" => NameNode::get_snapshot_diff_report_listing,
    "getSnapshotListing" => NameNode::get_snapshot_listing,
    "getSnapshottableDirListing" => NameNode::get_snapshottable_dir_listing,
    "getStoragePolicies" => NameNode::get_storage_policies,
    "getStoragePolicy" => NameNode::get_storage_policy,
    "getXAttrs" => NameNode::get_x_attrs,
    "isFileClosed" => NameNode::is_file_closed,
    "listCacheDirectives" => NameNode::list_cache_directives,
    "listCachePools" => NameNode::list_cache_pools,
    "listCorruptFileBlocks" => NameNode::list_corrupt_file_blocks,
    "listEncryptionZones" => NameNode::list_encryption_zones,
    "listOpenFiles" => NameNode::list_open_files,
    "listReencryptionStatus" => NameNode::list_reencryption_status,
    "listXAttrs" => NameNode::list_x_attrs,
    "metaSave" => NameNode::meta_save,
    "mkdirs" => NameNode::mkdirs,
    "modifyAclEntries" => NameNode::modify_acl_entries,
    "modifyCacheDirective" => NameNode::modify_cache_directive,
    "modifyCachePool" => NameNode::modify_cache_pool,
    "msync" => NameNode::msync,
    "recoverLease" => NameNode::recover_lease,
    "reencryptEncryptionZone" => NameNode::reencrypt_encryption_zone,
    "refreshNodes" => NameNode::refresh_nodes,
    "removeAcl" => NameNode::remove_acl,
    "removeAclEntries" => NameNode::remove_acl_entries,
    "removeCacheDirective" => NameNode::remove_cache_directive,
    "removeCachePool" => NameNode::remove_cache_pool,
    "removeDefaultAcl" => NameNode::remove_default_acl,
    "removeErasureCodingPolicy" => NameNode::remove_erasure_coding_policy,
    "removeXAttr" => NameNode::remove_x_attr,
    "rename" => NameNode::rename,
    "rename2" => NameNode::rename2,
    "renameSnapshot" => NameNode::rename_snapshot,
    "renewDelegationToken" => NameNode::renew_delegation_token,
    "renewLease" => NameNode::renew_lease,
    "reportBadBlocks" => NameNode::report_bad_blocks,
    "restoreFailedStorage" => NameNode::restore_failed_storage,
    "rollEdits" => NameNode::roll_edits,
    "rollingUpgrade" => NameNode::rolling_upgrade,
    "satisfyStoragePolicy" => NameNode::satisfy_storage_policy,
    "saveNamespace" => NameNode::save_namespace,
    "setAcl" => NameNode::set_acl,
    "setBalancerBandwidth" => NameNode::set_balancer_bandwidth,
    "setErasureCodingPolicy" => NameNode::set_erasure_coding_policy,
    "setOwner" => NameNode::set_owner,
    "setPermission" => NameNode::set_permission,
    "setQuota" => NameNode::set_quota,
    "setReplication" => NameNode::set_replication,
    "setSafeMode" => NameNode::set_safe_mode,
    "setStoragePolicy" => NameNode::set_storage_policy,
    "setTimes" => NameNode::set_times,
    "setXAttr" => NameNode::set_x_attr,
    "truncate" => NameNode::truncate,
    "unsetErasureCodingPolicy" => NameNode::unset_erasure_coding_policy,
    "unsetStoragePolicy" => NameNode::unset_storage_policy,
    "updateBlockForPipeline" => NameNode::update_block_for_pipeline,
    "updatePipeline" => NameNode::update_pipeline,
    "upgradeStatus" => NameNode::upgrade_status,
};

/// The methods for calls that an earlier NameNode has executed, and whose responses its edits do
/// not hold.
pub(crate) static REPEATED: Protocol<NameNode> = protocol! {
    "org.apache.hadoop.hdfs.protocol.ClientProtocol", 1,
    "append" => NameNode::append_again,
};

/// Returns true if a repeated call must get the first call's response instead of being executed
/// again (Hadoop's annotation `AtMostOnce`).
pub(crate) fn is_at_most_once(method: &str) -> bool {
    matches!(
        method,
        "addCacheDirective"
            | "addCachePool"
            | "addErasureCodingPolicies"
            | "append"
            | "concat"
            | "create"
            | "createEncryptionZone"
            | "createSnapshot"
            | "createSymlink"
            | "delete"
            | "deleteSnapshot"
            | "disableErasureCodingPolicy"
            | "enableErasureCodingPolicy"
            | "modifyCacheDirective"
            | "modifyCachePool"
            | "reencryptEncryptionZone"
            | "removeCacheDirective"
            | "removeCachePool"
            | "removeErasureCodingPolicy"
            | "removeXAttr"
            | "rename"
            | "rename2"
            | "renameSnapshot"
            | "saveNamespace"
            | "setErasureCodingPolicy"
            | "setXAttr"
            | "unsetErasureCodingPolicy"
            | "updatePipeline"
    )
}
