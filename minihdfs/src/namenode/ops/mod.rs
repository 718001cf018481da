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
mod concat;
mod create;
mod erasure_coding;
mod leases;
mod listing;
mod open_files;
mod pipeline;
mod reading;
mod rename;
mod reports;
pub(super) mod status;
mod storage_policies;
mod summaries;
mod token_verbs;
mod tokens;
mod tree;
mod truncate;
mod xattrs;

use crate::namenode::NameNode;
use crate::rpc::{Protocol, protocol};

/// The methods by name on the wire.
pub(crate) static CLIENT_PROTOCOL: Protocol<NameNode> = protocol! {
    "org.apache.hadoop.hdfs.protocol.ClientProtocol", 1,
    "abandonBlock" => NameNode::abandon_block,
    "addBlock" => NameNode::add_block,
    "append" => NameNode::append,
    "cancelDelegationToken" => NameNode::cancel_delegation_token,
    "checkAccess" => NameNode::check_access,
    "complete" => NameNode::complete,
    "concat" => NameNode::concat,
    "create" => NameNode::create,
    "createEncryptionZone" => NameNode::create_encryption_zone,
    "createSymlink" => NameNode::create_symlink,
    "delete" => NameNode::delete,
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
    "getEZForPath" => NameNode::get_ez_for_path,
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
    "getStoragePolicies" => NameNode::get_storage_policies,
    "getStoragePolicy" => NameNode::get_storage_policy,
    "getXAttrs" => NameNode::get_x_attrs,
    "isFileClosed" => NameNode::is_file_closed,
    "listCorruptFileBlocks" => NameNode::list_corrupt_file_blocks,
    "listEncryptionZones" => NameNode::list_encryption_zones,
    "listOpenFiles" => NameNode::list_open_files,
    "listXAttrs" => NameNode::list_x_attrs,
    "mkdirs" => NameNode::mkdirs,
    "modifyAclEntries" => NameNode::modify_acl_entries,
    "msync" => NameNode::msync,
    "recoverLease" => NameNode::recover_lease,
    "refreshNodes" => NameNode::refresh_nodes,
    "removeAcl" => NameNode::remove_acl,
    "removeAclEntries" => NameNode::remove_acl_entries,
    "removeDefaultAcl" => NameNode::remove_default_acl,
    "removeXAttr" => NameNode::remove_x_attr,
    "rename" => NameNode::rename,
    "rename2" => NameNode::rename2,
    "renewDelegationToken" => NameNode::renew_delegation_token,
    "renewLease" => NameNode::renew_lease,
    "reportBadBlocks" => NameNode::report_bad_blocks,
    "rollEdits" => NameNode::roll_edits,
    "satisfyStoragePolicy" => NameNode::satisfy_storage_policy,
    "saveNamespace" => NameNode::save_namespace,
    "setAcl" => NameNode::set_acl,
    "setBalancerBandwidth" => NameNode::set_balancer_bandwidth,
    "setOwner" => NameNode::set_owner,
    "setPermission" => NameNode::set_permission,
    "setQuota" => NameNode::set_quota,
    "setReplication" => NameNode::set_replication,
    "setSafeMode" => NameNode::set_safe_mode,
    "setStoragePolicy" => NameNode::set_storage_policy,
    "setTimes" => NameNode::set_times,
    "setXAttr" => NameNode::set_x_attr,
    "truncate" => NameNode::truncate,
    "unsetStoragePolicy" => NameNode::unset_storage_policy,
    "updateBlockForPipeline" => NameNode::update_block_for_pipeline,
    "updatePipeline" => NameNode::update_pipeline,
    "upgradeStatus" => NameNode::upgrade_status,
};

/// Returns true if a repeated call must get the first call's response instead of being executed
/// again (Hadoop's annotation `AtMostOnce`).
pub(crate) fn is_at_most_once(method: &str) -> bool {
    matches!(
        method,
        "append"
            | "concat"
            | "create"
            | "createEncryptionZone"
            | "createSymlink"
            | "delete"
            | "removeXAttr"
            | "rename"
            | "rename2"
            | "saveNamespace"
            | "setXAttr"
            | "updatePipeline"
    )
}
