//! WRITE_BLOCK: receiving packets and forwarding them to the next DataNode.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::Event;

use super::connection::{Connection, READ_TIMEOUT};
use super::faults::{Running, dial};
use super::request::{
    WantedStorage, block_of, check_access, op, put_operation, refusal, refused, token_of,
};
use super::streaming::Streaming;
use crate::HdfsError;
use crate::datanode::block_store::ReplicaWriter;
use crate::datanode::checksum::DataChecksum;
use crate::datanode::node::DataNode;
use crate::datanode::pipeline::{Completion, Pipeline};
use crate::proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use crate::proto::hdfs::{BlockOpResponseProto, OpWriteBlockProto, Status, StorageTypeProto};
use crate::protocol::BlockStatus;
use crate::token::AccessMode;

/// The maximum length of a pipeline (`dfs.replication.max`).
const MAX_PIPELINE: usize = 512;

/// Serves a write until it ends or fails. The connection cannot be used again.
pub(super) async fn write_block(
    node: &Arc<DataNode>,
    connection: &mut Connection,
    request: OpWriteBlockProto,
) -> io::Result<()> {
    let event = |outcome| Event::WriteBlock {
        datanode: node.number(),
        block: request.header.base_header.block.block_id,
        downstream: request.targets.len(),
        outcome,
    };
    let (journal, ruling) = Running::begin(node, connection, event).await?;
    let set_up = match ruling {
        Err(exception) => Err(refused(&exception, Some(String::new()))),
        Ok(changes) => set_up(node, connection.peer, &request)
            .await
            .map(|set_up| (set_up, changes.corrupt)),
    };
    let (ready, corrupt) = match set_up {
        Ok(set_up) => set_up,
        Err(answer) => {
            journal.end(answer.status());
            return connection.send(&answer).await;
        }
    };
    let SetUp {
        writer,
        mirror,
        answer,
    } = ready;
    let kind = Kind::of(&request);
    if kind.is_client_pipeline() {
        connection.outbox.message(&answer);
    }
    connection.flush().await?;
    let is_ready = answer.status() == Status::Success;
    let Some((writer, completion)) = writer.filter(|_| is_ready) else {
        // Without a writer, PIPELINE_CLOSE_RECOVERY ends here.
        journal.end(answer.status());
        return Ok(());
    };
    let downstream = mirror.as_ref().map_or(0, |_| request.targets.len());
    let pipeline = Pipeline::new(writer, completion, kind.is_client_pipeline(), downstream);
    let next = request.targets.first();
    let mirror = mirror.zip(next.map(|next| next.id.datanode_uuid.clone()));
    journal.end(
        Streaming::new(node, connection, mirror, pipeline, corrupt)
            .run()
            .await?,
    );
    if kind == Kind::Transfer {
        let answer = BlockOpResponseProto {
            status: Status::Success.into(),
            ..BlockOpResponseProto::default()
        };
        connection.send(&answer).await?;
    }
    Ok(())
}

/// The kind of writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A client, or the previous DataNode in its pipeline. Every packet is acknowledged.
    Client,
    /// A DataNode that copies a replica for a client's recovery. There is one reply at the end.
    Transfer,
    /// A DataNode that copies a replica by order of the NameNode. There is no reply.
    Replication,
}

impl Kind {
    fn of(request: &OpWriteBlockProto) -> Self {
        if matches!(
            request.stage(),
            Stage::TransferRbw | Stage::TransferFinalized
        ) {
            Self::Transfer
        } else if request.header.client_name.is_empty() {
            Self::Replication
        } else {
            Self::Client
        }
    }

    fn is_client_pipeline(self) -> bool {
        self == Self::Client
    }
}

/// A write that is ready to start.
struct SetUp {
    /// `None` if the replica only had to be completed.
    writer: Option<(ReplicaWriter, Completion)>,
    mirror: Option<Connection>,
    answer: BlockOpResponseProto,
}

/// Checks the token, opens or creates the replica, and connects to the next DataNode.
async fn set_up(
    node: &Arc<DataNode>,
    peer: SocketAddr,
    request: &OpWriteBlockProto,
) -> Result<SetUp, BlockOpResponseProto> {
    let header = &request.header.base_header;
    let storage_type = [request.storage_type()];
    let storage = WantedStorage {
        types: &storage_type,
        ids: request.storage_id.as_slice(),
    };
    check_access(
        node,
        peer,
        "WRITE_BLOCK",
        header,
        AccessMode::Write,
        storage,
    )
    .map_err(|denied| {
        let own = node.registration().transfer_address().to_string();
        denied.answer(Some(own))
    })?;
    let writer = open_replica(node, request).map_err(|error| {
        tracing::info!(datanode = node.number(), block = header.block.block_id, %error, "a write is refused");
        // The cause may be missing or truncated files of the replica.
        node.check_replica(node.clock.now(), header.block.block_id);
        refusal(Status::Error, Some(String::new()), error.to_string())
    })?;
    let (mirror, answer) = set_up_mirror(node, request).await?;
    Ok(SetUp {
        writer,
        mirror,
        answer,
    })
}

/// Connects to the next DataNode, if there is one. Returns the connection and the answer for the
/// writer.
async fn set_up_mirror(
    node: &Arc<DataNode>,
    request: &OpWriteBlockProto,
) -> Result<(Option<Connection>, BlockOpResponseProto), BlockOpResponseProto> {
    let answer = BlockOpResponseProto {
        status: Status::Success.into(),
        ..BlockOpResponseProto::default()
    };
    let connected = match request.targets.first() {
        None => Ok((None, None)),
        Some(target) => match connect_mirror(node, request).await {
            Ok((mirror, below)) => Ok((Some(mirror), below)),
            // A replication continues without the DataNodes downstream.
            Err(error) if Kind::of(request) != Kind::Client => {
                tracing::info!(datanode = node.number(), target = %target.id.ip_addr, %error, "a replication goes on without its mirror");
                Ok((None, None))
            }
            Err(error) => Err(refusal(
                Status::Error,
                Some(format!("{}:{}", target.id.ip_addr, target.id.xfer_port)),
                format!("Cannot connect to the next DataNode: {error}"),
            )),
        },
    };
    let (mirror, below) = connected?;
    let mut answer = below.unwrap_or(answer);
    // Present even if empty, because the Go client reads at least five bytes.
    answer.first_bad_link.get_or_insert_default();
    Ok((mirror, answer))
}

/// Opens or creates the replica for the requested stage. Returns its treatment after the last
/// packet.
fn open_replica(
    node: &Arc<DataNode>,
    request: &OpWriteBlockProto,
) -> Result<Option<(ReplicaWriter, Completion)>, HdfsError> {
    let block = block_of(node, &request.header.base_header.block)?;
    let checksum = DataChecksum::from_proto(request.requested_checksum)?;
    let stage = Stage::try_from(request.stage)
        .map_err(|_| HdfsError::io(format!("Unknown stage {}", request.stage)))?;
    let new_stamp = request.latest_generation_stamp;
    let (min, max) = (request.min_bytes_rcvd, request.max_bytes_rcvd);
    let (kind, storage) = (Kind::of(request), request.storage_type());
    if kind == Kind::Transfer && !request.targets.is_empty() {
        return Err(HdfsError::io(format!(
            "{} does not support multiple targets [{}]",
            stage.as_str_name(),
            request.targets.len()
        )));
    }
    let store = &node.store;
    let now = node.clock.now();
    let writer = match stage {
        _ if kind == Kind::Replication => store.create_temporary(block, checksum, storage)?,
        Stage::PipelineSetupCreate => {
            let writer = store.create_rbw(block, checksum, storage)?;
            node.tell(now, writer.block(), BlockStatus::Receiving);
            writer
        }
        Stage::PipelineSetupAppend => store.append(block, new_stamp, min, checksum)?,
        Stage::PipelineSetupAppendRecovery => {
            store.recover_append(block, new_stamp, min, checksum)?
        }
        Stage::PipelineSetupStreamingRecovery => {
            store.recover_rbw(block, new_stamp, (min, max), checksum)?
        }
        Stage::PipelineCloseRecovery => {
            let completed = store.recover_close(block, new_stamp, min)?;
            node.tell(now, completed, BlockStatus::Received);
            return Ok(None);
        }
        Stage::TransferRbw => {
            let writer = store.create_transferred(block, checksum, storage)?;
            return Ok(Some((writer, Completion::ConvertToRbw)));
        }
        Stage::TransferFinalized => store.create_transferred(block, checksum, storage)?,
        Stage::DataStreaming | Stage::PipelineClose => {
            return Err(HdfsError::io(format!(
                "{} is no stage with which a client sets up a pipeline",
                stage.as_str_name()
            )));
        }
    };
    if matches!(
        stage,
        Stage::PipelineSetupAppend | Stage::PipelineSetupAppendRecovery
    ) && kind == Kind::Client
    {
        node.tell(now, writer.block(), BlockStatus::Receiving);
    }
    Ok(Some((writer, Completion::Finalize)))
}

/// Connects to the next DataNode, which in turn connects to the ones after it. Returns its reply,
/// if it sends one.
async fn connect_mirror(
    node: &Arc<DataNode>,
    request: &OpWriteBlockProto,
) -> io::Result<(Connection, Option<BlockOpResponseProto>)> {
    let Some((target, rest)) = request.targets.split_first() else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let storage_type = request.target_storage_types.first();
    let mut onward = OpWriteBlockProto {
        targets: rest.to_vec(),
        source: None,
        storage_type: Some(
            storage_type
                .copied()
                .unwrap_or_else(|| StorageTypeProto::Disk.into()),
        ),
        storage_id: request.target_storage_ids.first().cloned(),
        pinning: request.target_pinnings.first().copied(),
        ..request.clone()
    };
    for_the_rest(&mut onward.target_storage_types);
    for_the_rest(&mut onward.target_storage_ids);
    for_the_rest(&mut onward.target_pinnings);
    let token = token_of(&request.header.base_header);
    dial(node, &target.id.datanode_uuid).await?;
    let mut mirror = Connection::connect(node, &target.id, &token).await?;
    put_operation(&mut mirror, op::WRITE_BLOCK, &onward);
    mirror.flush().await?;
    if Kind::of(request) != Kind::Client {
        return Ok((mirror, None));
    }
    let below = mirror.message(set_up_timeout(rest.len())).await?;
    Ok((mirror, Some(below)))
}

/// Returns the time allowed for the DataNodes downstream to connect. It is capped at the maximum
/// pipeline length, whatever the client's list says.
fn set_up_timeout(following: usize) -> Duration {
    let following = following.min(MAX_PIPELINE) as u32;
    READ_TIMEOUT.saturating_mul(1 + following)
}

/// Removes the first entry of a list for the next DataNode, whose own entry is passed separately.
fn for_the_rest<T>(list: &mut Vec<T>) {
    if !list.is_empty() {
        list.remove(0);
    }
}
