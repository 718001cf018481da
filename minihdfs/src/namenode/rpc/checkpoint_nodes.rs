//! The calls of a CheckpointNode to the NameNode for which it makes checkpoints. It is a NameNode,
//! too, and registers. A BackupNode, which is sent every edit, is refused.

use super::checkpoints::{files, roll, verify_request};
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::proto::hdfs::namenode::{
    EndCheckpointRequestProto, EndCheckpointResponseProto, RegisterRequestProto,
    RegisterResponseProto, StartCheckpointRequestProto, StartCheckpointResponseProto,
};
use crate::proto::hdfs::namenode_command_proto::Type;
use crate::proto::hdfs::namenode_registration_proto::NamenodeRoleProto as Role;
use crate::proto::hdfs::{
    CheckpointCommandProto, CheckpointSignatureProto, NamenodeCommandProto,
    NamenodeRegistrationProto,
};
use crate::protocol::StorageInfo;
use crate::rpc::Call;

/// The order to end (`NamenodeProtocol.ACT_SHUTDOWN`).
const SHUT_DOWN: u32 = 50;
/// The order to make a checkpoint (`NamenodeProtocol.ACT_CHECKPOINT`).
const CHECKPOINT: u32 = 51;

/// Registers a CheckpointNode. Nothing is kept of it: it begins each checkpoint itself.
pub(super) fn register_subordinate_namenode(
    namenode: &NameNode,
    call: &Call<'_>,
    request: RegisterRequestProto,
) -> Result<RegisterResponseProto, HdfsError> {
    let checker = namenode.checker(call);
    checker.check_superuser("registerSubordinateNamenode")?;
    files(namenode)?;
    let theirs = StorageInfo::from(&request.registration.storage_info);
    let own = namenode.storage_info();
    if theirs.layout_version != own.layout_version {
        // Hadoop's words, also for a NameNode.
        return Err(HdfsError::new(
            "org.apache.hadoop.hdfs.server.common.IncorrectVersionException",
            format!(
                "Unexpected version of data node. Reported: {}. Expecting = {}.",
                theirs.layout_version, own.layout_version
            ),
        ));
    }
    let role = request.registration.role();
    if theirs.namespace_id != own.namespace_id {
        return Err(HdfsError::io(format!(
            "Incompatible namespaceIDs:  Namenode namespaceID = {}; {} node namespaceID = {}",
            own.namespace_id,
            shown(role),
            theirs.namespace_id
        )));
    }
    if role == Role::Backup {
        return Err(HdfsError::unsupported_action(
            "registerSubordinateNamenode: this NameNode sends its edits to no BackupNode: start a \
             CheckpointNode (hdfs namenode -checkpoint) or a SecondaryNameNode instead",
        ));
    }
    let address = namenode.block_pool_id.split('-').nth(2).unwrap_or_default();
    Ok(RegisterResponseProto {
        registration: NamenodeRegistrationProto {
            // The ports are not known here. The other has found this NameNode by them.
            rpc_address: address.to_owned(),
            http_address: String::new(),
            storage_info: (&own).into(),
            role: Some(Role::Namenode.into()),
        },
    })
}

/// Ends a segment of the edit log, and orders a checkpoint up to it.
pub(super) fn start_checkpoint(
    namenode: &NameNode,
    call: &Call<'_>,
    request: StartCheckpointRequestProto,
) -> Result<StartCheckpointResponseProto, HdfsError> {
    let checker = namenode.checker(call);
    checker.check_superuser("startCheckpoint")?;
    verify_request(namenode, &request.registration)?;
    let theirs = StorageInfo::from(&request.registration.storage_info);
    let own = namenode.storage_info();
    let role = request.registration.role();
    if role == Role::Namenode || theirs.layout_version < own.layout_version {
        let address = kerbox_events::cut(&request.registration.rpc_address);
        tracing::error!(%address, role = shown(role), "it may make no checkpoints: told to end");
        return Ok(StartCheckpointResponseProto {
            command: NamenodeCommandProto {
                action: SHUT_DOWN,
                r#type: Type::NamenodeCommand.into(),
                checkpoint_cmd: None,
            },
        });
    }
    let signature = roll(namenode, "Checkpoint not started")?;
    Ok(StartCheckpointResponseProto {
        command: NamenodeCommandProto {
            action: CHECKPOINT,
            r#type: Type::CheckPointCommand.into(),
            checkpoint_cmd: Some(CheckpointCommandProto {
                signature,
                need_to_return_image: true,
            }),
        },
    })
}

/// Takes note of the end of a checkpoint, whose image was brought before.
pub(super) fn end_checkpoint(
    namenode: &NameNode,
    call: &Call<'_>,
    request: EndCheckpointRequestProto,
) -> Result<EndCheckpointResponseProto, HdfsError> {
    namenode.checker(call).check_superuser("endCheckpoint")?;
    files(namenode)?;
    let ns = namenode.read();
    if ns.safe_mode.is_on() {
        return Err(namenode.in_safe_mode(&ns, format_args!("Checkpoint not ended")));
    }
    drop(ns);
    validate(namenode, &request.signature)?;
    Ok(EndCheckpointResponseProto {})
}

/// Fails if a checkpoint is of another namespace (`CheckpointSignature.validateStorageInfo`).
fn validate(namenode: &NameNode, signature: &CheckpointSignatureProto) -> Result<(), HdfsError> {
    let theirs = StorageInfo::from(&signature.storage_info);
    let (own, own_pool) = (namenode.storage_info(), &*namenode.block_pool_id);
    let pool = &*signature.block_pool_id;
    if theirs == own && pool == own_pool {
        return Ok(());
    }
    Err(HdfsError::io(format!(
        "Inconsistent checkpoint fields.\nLV = {} namespaceID = {} cTime = {} ; clusterId = {} ; \
         blockpoolId = {}.\nExpecting respectively: {}; {}; {}; {}; {}.",
        theirs.layout_version,
        theirs.namespace_id,
        theirs.c_time,
        kerbox_events::cut(&theirs.cluster_id),
        kerbox_events::cut(pool),
        own.layout_version,
        own.namespace_id,
        own.c_time,
        own.cluster_id,
        own_pool,
    )))
}

/// Returns the name of a role (`NamenodeRole`).
fn shown(role: Role) -> &'static str {
    match role {
        Role::Namenode => "NameNode",
        Role::Backup => "Backup Node",
        Role::Checkpoint => "Checkpoint Node",
    }
}
