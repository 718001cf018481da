//! REPLACE_BLOCK: fetching a block from another DataNode for a balancer.

use std::io;
use std::sync::Arc;

use kerbox_events::{Event, Operation};

use super::connection::{Connection, READ_TIMEOUT, invalid};
use super::faults::{Running, dial};
use super::request::{
    WantedStorage, block_of, check_access, op, put_operation, refusal, refused, token_of,
};
use super::streaming::Streaming;
use crate::HdfsError;
use crate::datanode::checksum::DataChecksum;
use crate::datanode::node::DataNode;
use crate::datanode::pipeline::{Completion, Pipeline};
use crate::proto::hdfs::{BlockOpResponseProto, OpCopyBlockProto, OpReplaceBlockProto, Status};
use crate::protocol::BlockStatus;
use crate::token::AccessMode;

/// Fetches a block by COPY_BLOCK, with the balancer's token, which allows both. The NameNode then
/// has the replica deleted that the balancer names.
pub(super) async fn replace_block(
    node: &Arc<DataNode>,
    connection: &mut Connection,
    request: OpReplaceBlockProto,
) -> io::Result<()> {
    let event = |outcome| Event::DataTransfer {
        datanode: node.number(),
        operation: Operation::ReplaceBlock,
        block: request.header.block.block_id,
        outcome,
    };
    let (journal, ruling) = Running::begin(node, connection, event).await?;
    let storage_type = [request.storage_type()];
    let storage = WantedStorage {
        types: &storage_type,
        ids: request.storage_id.as_slice(),
    };
    let allowed = ruling
        .map_err(|exception| Box::new(refused(&exception, None)))
        .and_then(|changes| {
            let name = Operation::ReplaceBlock.name();
            let mode = AccessMode::Replace;
            check_access(node, connection.peer, name, &request.header, mode, storage)
                .map(|()| changes.corrupt)
                .map_err(|denied| Box::new(denied.answer(None)))
        });
    let answer = match allowed {
        Err(refused) => *refused,
        Ok(corrupt) => match fetch(node, connection, &request, corrupt).await {
            Ok(()) => BlockOpResponseProto {
                status: Status::Success.into(),
                ..BlockOpResponseProto::default()
            },
            Err(error) => {
                let block = &request.header.block;
                let why = format!(
                    "opReplaceBlock {}:blk_{}_{} received exception {error}",
                    block.pool_id, block.block_id, block.generation_stamp
                );
                refusal(Status::Error, None, why)
            }
        },
    };
    journal.end(answer.status());
    connection.send(&answer).await
}

/// Reads the block from its source into a replica, and finalizes that. What this holds in memory is
/// held by the balancer's connection.
async fn fetch(
    node: &Arc<DataNode>,
    balancer: &Connection,
    request: &OpReplaceBlockProto,
    corrupt: bool,
) -> io::Result<()> {
    let header = &request.header;
    let block = block_of(node, &header.block).map_err(invalid)?;
    let source = &request.source.id;
    let kind = request.storage_type();
    if *source.datanode_uuid == *node.registration().uuid {
        // A mover moves it from one storage to another.
        let moved = node.store.move_across(block, kind).map_err(invalid)?;
        node.tell(node.clock.now(), moved, BlockStatus::Received);
        return Ok(());
    }
    dial(node, &source.datanode_uuid).await?;
    let mut source = Connection::connect(node, source, &token_of(header)).await?;
    source.serves(balancer);
    let copy = OpCopyBlockProto {
        header: header.clone(),
    };
    put_operation(&mut source, op::COPY_BLOCK, &copy);
    source.flush().await?;
    let answer: BlockOpResponseProto = source.message(READ_TIMEOUT).await?;
    if answer.status() != Status::Success {
        return Err(io::Error::other(format!(
            "Got error, status={}, status message {}, for copying the block from {}",
            answer.status().as_str_name(),
            answer.message(),
            source.peer
        )));
    }
    let checksum = answer.read_op_checksum_info.map(|info| info.checksum);
    let checksum = checksum.ok_or_else(|| {
        let text = format!("{} names no checksum", source.peer);
        invalid(HdfsError::io(text))
    })?;
    let checksum = DataChecksum::from_proto(checksum).map_err(invalid)?;
    let writer = node.store.create_temporary(block, checksum, kind);
    let writer = writer.map_err(invalid)?;
    let pipeline = Pipeline::new(writer, Completion::Finalize, false, 0);
    let status = Streaming::new(node, &mut source, None, pipeline, corrupt)
        .replacing(&request.del_hint)
        .run()
        .await?;
    // The source ends with a character. It has nothing else to say.
    let _end = source.bytes::<2>(READ_TIMEOUT).await;
    if status == Status::Success {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "The copy ended with {}",
        status.as_str_name()
    )))
}
