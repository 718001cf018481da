//! Copies a replica to other DataNodes: TRANSFER_BLOCK for a client's recovery, and replication
//! ordered by the NameNode.

use std::io;
use std::sync::Arc;

use kerbox_events::{Event, Operation, Outcome};

use super::connection::{Connection, READ_TIMEOUT, invalid};
use super::faults::{Running, dial};
use super::read_block::{report_damage, send_packets};
use super::request::{WantedStorage, block_of, check_access, op, put_operation, refusal, refused};
use crate::HdfsError;
use crate::datanode::block_store::ReplicaReader;
use crate::datanode::life::Transfer;
use crate::datanode::node::DataNode;
use crate::proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use crate::proto::hdfs::{
    BaseHeaderProto, BlockOpResponseProto, ClientOperationHeaderProto, DatanodeIdProto,
    DatanodeInfoProto, ExtendedBlockProto, OpTransferBlockProto, OpWriteBlockProto, Status,
    StorageTypeProto,
};
use crate::protocol::{Block, DatanodeError, DatanodeRegistration, ReplicaState};
use crate::token::{AccessMode, Token};

/// TRANSFER_BLOCK: a client needs another DataNode in its pipeline, with a copy of this replica.
pub(super) async fn transfer_block(
    node: &Arc<DataNode>,
    connection: &mut Connection,
    request: OpTransferBlockProto,
) -> io::Result<()> {
    let header = &request.header.base_header;
    let event = |outcome| Event::DataTransfer {
        datanode: node.number(),
        operation: Operation::TransferBlock,
        block: header.block.block_id,
        outcome,
    };
    let (journal, ruling) = Running::begin(node, connection, event).await?;
    let answer = match ruling {
        Err(exception) => refused(&exception, None),
        Ok(_) => match check_access(
            node,
            connection.peer,
            Operation::TransferBlock.name(),
            header,
            AccessMode::Copy,
            WantedStorage::default(),
        ) {
            Err(denied) => denied.answer(None),
            Ok(()) => match copy(node, &Copy::of(&request), Some(connection)).await {
                Ok(()) => BlockOpResponseProto {
                    status: Status::Success.into(),
                    first_bad_link: Some(String::new()),
                    ..BlockOpResponseProto::default()
                },
                Err(error) => refusal(Status::Error, None, error.to_string()),
            },
        },
    };
    journal.end(answer.status());
    connection.send(&answer).await
}

/// Carries out a replication ordered by the NameNode.
pub(super) async fn replicate(node: Arc<DataNode>, order: Transfer) {
    let _xceiver = node.xceiver();
    let block = ExtendedBlockProto {
        pool_id: node.block_pool_id.to_string(),
        block_id: order.block.id,
        generation_stamp: order.block.generation_stamp,
        num_bytes: Some(order.block.length),
    };
    let storages = &order.storages;
    let order_of_copy = Copy {
        block: &block,
        targets: &order.targets.iter().map(target).collect::<Vec<_>>(),
        types: &storages.iter().map(|it| it.kind.into()).collect::<Vec<_>>(),
        ids: &storages
            .iter()
            .map(|it| it.id.to_string())
            .collect::<Vec<_>>(),
        client: "",
    };
    let copied = copy(&node, &order_of_copy, None).await;
    if let Err(error) = &copied {
        tracing::warn!(datanode = node.number(), block = %order.block, %error, "a replication failed");
    }
    node.record(Event::DataTransfer {
        datanode: node.number(),
        operation: Operation::ReplicateBlock,
        block: order.block.id,
        outcome: match copied {
            Ok(()) => Outcome::Ok,
            Err(_) => Outcome::Status(Status::Error.as_str_name()),
        },
    });
}

fn target(datanode: &DatanodeRegistration) -> DatanodeInfoProto {
    DatanodeInfoProto {
        id: DatanodeIdProto {
            ip_addr: datanode.ip.to_string(),
            host_name: datanode.host_name.to_string(),
            datanode_uuid: datanode.uuid.to_string(),
            xfer_port: datanode.transfer_port.into(),
            info_port: datanode.info_port.into(),
            ipc_port: datanode.ipc_port.into(),
            info_secure_port: (datanode.info_secure_port > 0)
                .then(|| datanode.info_secure_port.into()),
        },
        ..DatanodeInfoProto::default()
    }
}

/// A copy to make: of which block, where to, and for which client.
struct Copy<'a> {
    block: &'a ExtendedBlockProto,
    targets: &'a [DatanodeInfoProto],
    /// The types and ids of the targets' storages.
    types: &'a [i32],
    ids: &'a [String],
    /// Empty for a copy that the NameNode orders.
    client: &'a str,
}

impl<'a> Copy<'a> {
    fn of(request: &'a OpTransferBlockProto) -> Self {
        Self {
            block: &request.header.base_header.block,
            targets: &request.targets,
            types: &request.target_storage_types,
            ids: &request.target_storage_ids,
            client: &request.header.client_name,
        }
    }

    /// Returns the type of the storage of the target at this position.
    fn kind(&self, position: usize) -> StorageTypeProto {
        let named = self.types.get(position).copied();
        let named = named.map(StorageTypeProto::try_from).and_then(Result::ok);
        named.unwrap_or(StorageTypeProto::Disk)
    }

    fn kinds(&self) -> impl Iterator<Item = StorageTypeProto> {
        (0..self.targets.len()).map(|position| self.kind(position))
    }
}

/// Sends a replica to the first target, and through it to the others. For a client, waits until the
/// replica is stored. What this holds in memory is held by the client's connection.
async fn copy(
    node: &Arc<DataNode>,
    order: &Copy<'_>,
    on_behalf_of: Option<&Connection>,
) -> io::Result<()> {
    let Copy {
        block,
        targets,
        client,
        ..
    } = *order;
    let wanted = block_of(node, block).map_err(invalid)?;
    let Some((first, rest)) = targets.split_first() else {
        return Err(invalid(HdfsError::io("There is no target to copy to")));
    };
    let mut reader = open(node, wanted, client)?;
    let copied = reader.block();
    let stage = match (client, reader.state()) {
        ("", _) => Stage::PipelineSetupCreate,
        (_, ReplicaState::Rbw) => Stage::TransferRbw,
        _ => Stage::TransferFinalized,
    };
    let token = write_token(node, copied, order);
    dial(node, &first.id.datanode_uuid).await?;
    let mut mirror = Connection::connect(node, &first.id, &token).await?;
    if let Some(client) = on_behalf_of {
        mirror.serves(client);
    }
    let request = OpWriteBlockProto {
        header: ClientOperationHeaderProto {
            base_header: BaseHeaderProto {
                block: ExtendedBlockProto {
                    generation_stamp: copied.generation_stamp,
                    num_bytes: Some(copied.length),
                    ..block.clone()
                },
                token: Some(token.into()),
                trace_info: None,
            },
            client_name: client.to_owned(),
        },
        targets: rest.to_vec(),
        stage: stage.into(),
        requested_checksum: reader.stored_checksum().to_proto(),
        storage_type: Some(order.kind(0).into()),
        target_storage_types: order.kinds().skip(1).map(Into::into).collect(),
        storage_id: order.ids.first().cloned(),
        target_storage_ids: order.ids.iter().skip(1).cloned().collect(),
        ..OpWriteBlockProto::default()
    };
    put_operation(&mut mirror, op::WRITE_BLOCK, &request);
    let sent = send_packets(node, &mut mirror, copied, &mut reader, false).await;
    report_damage(node, &reader, &sent);
    sent?;
    if client.is_empty() {
        return Ok(());
    }
    let answer: BlockOpResponseProto = mirror.message(READ_TIMEOUT).await?;
    check_stored(&first.id, &answer)
}

/// Opens a replica that is to be copied. The NameNode, which orders copies without a client, is
/// informed if there is none.
fn open(node: &DataNode, wanted: Block, client: &str) -> io::Result<ReplicaReader> {
    node.store.read_whole(wanted).map_err(|error| {
        let now = node.clock.now();
        if client.is_empty() {
            let message = format!("Can't send invalid block {wanted}: {}", error.message());
            node.report_error(now, DatanodeError::InvalidBlock, &message);
        }
        node.check_replica(now, wanted.id);
        invalid(error)
    })
}

/// Fails unless the target answers that it has stored the replica.
fn check_stored(target: &DatanodeIdProto, answer: &BlockOpResponseProto) -> io::Result<()> {
    if answer.status() == Status::Success {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{}:{} answered {}: {}",
        target.ip_addr,
        target.xfer_port,
        answer.status().as_str_name(),
        answer.message()
    )))
}

/// Issues a write token; a DataNode has the keys to make its own.
fn write_token(node: &DataNode, block: Block, order: &Copy<'_>) -> Token {
    match &node.secrets {
        Some(secrets) => secrets.issue(
            node.clock.now(),
            "",
            block.id,
            &[AccessMode::Write],
            &order.kinds().collect::<Vec<_>>(),
            order.ids,
        ),
        None => crate::proto::common::TokenProto::default().into(),
    }
}
