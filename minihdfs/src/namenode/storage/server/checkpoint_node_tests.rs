//! The calls of a CheckpointNode, on a NameNode with files.

use prost::Message;

use super::tests::{START, make, start};
use crate::namenode::{EditSegment, NameNode};
use crate::proto::hdfs::namenode::{
    EndCheckpointRequestProto, EndCheckpointResponseProto, RegisterRequestProto,
    RegisterResponseProto, StartCheckpointRequestProto, StartCheckpointResponseProto,
};
use crate::proto::hdfs::namenode_command_proto::Type;
use crate::proto::hdfs::namenode_registration_proto::NamenodeRoleProto as Role;
use crate::proto::hdfs::{CheckpointSignatureProto, NamenodeRegistrationProto, StorageInfoProto};
use crate::rpc::{Call, RpcService};
use crate::user::{AuthMethod, User};
use crate::{Caller, HdfsError};

const PROTOCOL: &str = "org.apache.hadoop.hdfs.server.protocol.NamenodeProtocol";

fn call_as<Response: Message + Default>(
    node: &NameNode,
    user: &str,
    method: &str,
    request: &impl Message,
) -> Result<Response, HdfsError> {
    let address = [127, 0, 0, 1].into();
    let call = Call {
        now: START,
        caller: &Caller::new(User::simple(user), AuthMethod::Simple, address),
        protocol: PROTOCOL,
        version: 1,
        method,
        request: &request.encode_to_vec(),
    };
    let mut response = Vec::new();
    node.call(&call, &mut response)?;
    Ok(Response::decode_length_delimited(&response[..]).expect("a response of the right type"))
}

fn registration(node: &NameNode, role: Role) -> NamenodeRegistrationProto {
    NamenodeRegistrationProto {
        rpc_address: "localhost:50100".to_owned(),
        http_address: "localhost:50105".to_owned(),
        storage_info: (&node.storage_info()).into(),
        role: Some(role.into()),
    }
}

fn register(
    node: &NameNode,
    registration: NamenodeRegistrationProto,
) -> Result<RegisterResponseProto, HdfsError> {
    let request = RegisterRequestProto { registration };
    call_as(node, "hdfs", "registerSubordinateNamenode", &request)
}

fn begin(
    node: &NameNode,
    registration: NamenodeRegistrationProto,
) -> Result<StartCheckpointResponseProto, HdfsError> {
    let request = StartCheckpointRequestProto { registration };
    call_as(node, "hdfs", "startCheckpoint", &request)
}

fn end(
    node: &NameNode,
    user: &str,
    signature: &CheckpointSignatureProto,
) -> Result<EndCheckpointResponseProto, HdfsError> {
    let request = EndCheckpointRequestProto {
        registration: registration(node, Role::Checkpoint),
        signature: signature.clone(),
    };
    call_as(node, user, "endCheckpoint", &request)
}

fn refusal<T: std::fmt::Debug>(answered: Result<T, HdfsError>) -> String {
    answered.expect_err("refused").to_string()
}

#[test]
fn a_checkpoint_node_registers_and_is_ordered_a_checkpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(folder.path()).expect("formatted");
    make(&node, "/a");
    let own = registration(&node, Role::Checkpoint);
    let answer = register(&node, own.clone())
        .expect("registered")
        .registration;
    assert_eq!(answer.role(), Role::Namenode);
    assert_eq!(answer.storage_info, own.storage_info);
    let command = begin(&node, own).expect("begun").command;
    assert_eq!(
        (command.action, command.r#type()),
        (51, Type::CheckPointCommand)
    );
    let order = command.checkpoint_cmd.expect("an order");
    assert!(order.need_to_return_image);
    let signature = order.signature;
    assert_eq!(signature.most_recent_checkpoint_tx_id, 0);
    let files = node.storage().expect("files");
    let last = signature.cur_segment_tx_id.cast_signed() - 1;
    while files.edit_segments(1).expect("listed").is_empty() {
        // The thread of the log gives the file its name.
        std::thread::yield_now();
    }
    assert_eq!(
        files.edit_segments(1),
        Ok(vec![EditSegment { first: 1, last }])
    );
    end(&node, "hdfs", &signature).expect("ended");
    let other = CheckpointSignatureProto {
        block_pool_id: "BP-x".to_owned(),
        ..signature.clone()
    };
    let refused = refusal(end(&node, "hdfs", &other));
    assert!(
        refused.contains("Inconsistent checkpoint fields.\nLV = -67"),
        "{refused}"
    );
    assert!(refusal(end(&node, "alice", &signature)).contains("Superuser privilege is required"));
}

#[test]
fn other_nodes_are_refused_or_told_to_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(folder.path()).expect("formatted");
    let changed = |change: fn(&mut StorageInfoProto)| {
        let mut registration = registration(&node, Role::Checkpoint);
        change(&mut registration.storage_info);
        registration
    };
    let older = changed(|info| info.layout_version = (-66_i32).cast_unsigned());
    let refused = refusal(register(&node, older));
    assert!(
        refused.contains("Unexpected version of data node. Reported: -66. Expecting = -67."),
        "{refused}"
    );
    let foreign = changed(|info| info.namespce_id ^= 1);
    let refused = refusal(register(&node, foreign.clone()));
    assert!(refused.contains("Incompatible namespaceIDs:"), "{refused}");
    assert!(
        refused.contains("Checkpoint Node node namespaceID = "),
        "{refused}"
    );
    let refused = refusal(begin(&node, foreign));
    assert!(refused.contains("UnregisteredNodeException"), "{refused}");
    let refused = refusal(register(&node, registration(&node, Role::Backup)));
    assert!(
        refused.contains("sends its edits to no BackupNode"),
        "{refused}"
    );
    let newer = changed(|info| info.layout_version = (-68_i32).cast_unsigned());
    for registration in [registration(&node, Role::Namenode), newer] {
        let command = begin(&node, registration).expect("answered").command;
        assert_eq!(
            (command.action, command.r#type()),
            (50, Type::NamenodeCommand)
        );
        assert_eq!(command.checkpoint_cmd, None);
    }
    let segments = node.storage().expect("files").edit_segments(0);
    assert_eq!(segments, Ok(vec![]), "nothing was rolled");
}
