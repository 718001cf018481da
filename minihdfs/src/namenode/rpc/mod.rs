//! The protocols that other servers and the balancer call by RPC. Each function reads a message,
//! calls the NameNode as a server in the same process would, and writes the answer.
//!
//! - `datanode`: DatanodeProtocol and DatanodeLifelineProtocol
//! - `reports`: the calls of DatanodeProtocol about replicas
//! - `registered`: who calls
//! - `checkpoints`: what a SecondaryNameNode asks by NamenodeProtocol
//! - `checkpoint_nodes`: what a CheckpointNode asks besides
//! - `balancing`: what the balancer and the mover ask by NamenodeProtocol

#![allow(
    clippy::needless_pass_by_value,
    reason = "the tables hand each request over as a value"
)]

mod balancing;
mod checkpoint_nodes;
mod checkpoints;
mod datanode;
mod registered;
mod reports;

use crate::namenode::NameNode;
use crate::rpc::{Protocol, protocol};

/// The protocols.
pub(super) static SERVER_PROTOCOLS: [Protocol<NameNode>; 3] = [
    protocol! {
        "org.apache.hadoop.hdfs.server.protocol.DatanodeProtocol", 1,
        "blockReceivedAndDeleted" => reports::block_received_and_deleted,
        "blockReport" => reports::block_report,
        "cacheReport" => reports::cache_report,
        "commitBlockSynchronization" => reports::commit_block_synchronization,
        "errorReport" => datanode::error_report,
        "registerDatanode" => datanode::register_datanode,
        "reportBadBlocks" => reports::report_bad_blocks,
        "sendHeartbeat" => datanode::send_heartbeat,
        "versionRequest" => datanode::version_request,
    },
    protocol! {
        "org.apache.hadoop.hdfs.server.protocol.DatanodeLifelineProtocol", 1,
        "sendLifeline" => datanode::send_lifeline,
    },
    protocol! {
        "org.apache.hadoop.hdfs.server.protocol.NamenodeProtocol", 1,
        "endCheckpoint" => checkpoint_nodes::end_checkpoint,
        "errorReport" => checkpoints::error_report,
        "getBlockKeys" => balancing::get_block_keys,
        "getBlocks" => balancing::get_blocks,
        "getEditLogManifest" => checkpoints::get_edit_log_manifest,
        "getMostRecentCheckpointTxId" => checkpoints::get_most_recent_checkpoint_tx_id,
        "getNextSPSPath" => balancing::get_next_sps_path,
        "getTransactionId" => balancing::get_transaction_id,
        "isRollingUpgrade" => balancing::is_rolling_upgrade,
        "isUpgradeFinalized" => balancing::is_upgrade_finalized,
        "registerSubordinateNamenode" => checkpoint_nodes::register_subordinate_namenode,
        "rollEditLog" => checkpoints::roll_edit_log,
        "startCheckpoint" => checkpoint_nodes::start_checkpoint,
        "versionRequest" => datanode::version_request,
    },
];
