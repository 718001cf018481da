//! InterDatanodeProtocol, which the primary DataNode of a block recovery calls by RPC.

#![allow(
    clippy::needless_pass_by_value,
    reason = "the table hands each request over as a value"
)]

use crate::HdfsError;
use crate::datanode::node::DataNode;
use crate::proto::hdfs::{
    InitReplicaRecoveryRequestProto, InitReplicaRecoveryResponseProto, ReplicaStateProto,
    UpdateReplicaUnderRecoveryRequestProto, UpdateReplicaUnderRecoveryResponseProto,
};
use crate::protocol::{Block, InterDatanodeProtocol};
use crate::rpc::{Call, Protocol, protocol};

pub(super) static INTER_DATANODE_PROTOCOL: Protocol<DataNode> = protocol! {
    "org.apache.hadoop.hdfs.server.protocol.InterDatanodeProtocol", 1,
    "initReplicaRecovery" => init_replica_recovery,
    "updateReplicaUnderRecovery" => update_replica_under_recovery,
};

/// Stops the writer of a replica, and returns the replica.
fn init_replica_recovery(
    node: &DataNode,
    _call: &Call<'_>,
    request: InitReplicaRecoveryRequestProto,
) -> Result<InitReplicaRecoveryResponseProto, HdfsError> {
    let block = Block::from(&request.block.block.b);
    let found = node.init_replica_recovery(block, request.block.new_gen_stamp)?;
    Ok(InitReplicaRecoveryResponseProto {
        replica_found: found.is_some(),
        state: found.map(|replica| ReplicaStateProto::from(replica.state).into()),
        block: found.map(|replica| replica.block.into()),
    })
}

/// Finishes the recovery of a replica.
fn update_replica_under_recovery(
    node: &DataNode,
    _call: &Call<'_>,
    request: UpdateReplicaUnderRecoveryRequestProto,
) -> Result<UpdateReplicaUnderRecoveryResponseProto, HdfsError> {
    let block = Block::from(&request.block);
    let new_id = match request.new_block_id() {
        0 => block.id,
        new_id => new_id,
    };
    let (recovery, length) = (request.recovery_id, request.new_length);
    let storage_id = node.update_replica_under_recovery(block, recovery, new_id, length)?;
    Ok(UpdateReplicaUnderRecoveryResponseProto {
        storage_uuid: Some(storage_id.to_string()),
    })
}
