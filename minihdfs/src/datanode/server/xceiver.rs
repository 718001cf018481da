//! The operations of one connection (Hadoop's `DataXceiver`).

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{Event, Operation};
use md5::{Digest, Md5};

use super::connection::{Connection, READ_TIMEOUT, invalid};
use super::faults::Running;
use super::request::{VERSION, WantedStorage, block_of, check_access, op, refusal, refused};
use super::{read_block, transfer, write_block};
use crate::HdfsError;
use crate::datanode::block_store::ReadRange;
use crate::datanode::checksum::CHECKSUM_LENGTH;
use crate::datanode::node::DataNode;
use crate::proto::hdfs::{
    BlockChecksumTypeProto, BlockOpResponseProto, OpBlockChecksumProto,
    OpBlockChecksumResponseProto, Status,
};
use crate::token::AccessMode;

/// The time that a connection may be idle after an operation
/// (`dfs.datanode.socket.reuse.keepalive`).
const KEEP_ALIVE: Duration = Duration::from_secs(4);

/// Serves operations until the client closes the connection, is silent for too long, or is
/// rejected.
pub(super) async fn run(node: &Arc<DataNode>, connection: &mut Connection) -> io::Result<()> {
    if let Some(protection) = &node.protection {
        connection.accept_handshake(node, protection).await?;
    }
    let mut limit = READ_TIMEOUT;
    loop {
        let [high, low, code] = match connection.bytes::<3>(limit).await {
            Err(error)
                if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::TimedOut) =>
            {
                return Ok(());
            }
            read => read?,
        };
        let version = u16::from_be_bytes([high, low]);
        if version != VERSION {
            return Err(invalid(HdfsError::io(format!(
                "Version Mismatch (Expected: {VERSION}, Received: {version} )"
            ))));
        }
        // Each operation's state gets memory of its own, which a silent connection does not hold.
        match code {
            op::READ_BLOCK => {
                let request = connection.request().await?;
                if !Box::pin(read_block::read_block(node, connection, request)).await? {
                    return Ok(());
                }
            }
            op::WRITE_BLOCK => {
                let request = connection.request().await?;
                return Box::pin(write_block::write_block(node, connection, request)).await;
            }
            op::BLOCK_CHECKSUM => {
                let request = connection.request().await?;
                return Box::pin(block_checksum(node, connection, request)).await;
            }
            op::TRANSFER_BLOCK => {
                let request = connection.request().await?;
                return Box::pin(transfer::transfer_block(node, connection, request)).await;
            }
            op::COPY_BLOCK => {
                let request = connection.request().await?;
                return Box::pin(read_block::copy_block(node, connection, request)).await;
            }
            op::REPLACE_BLOCK
            | op::REQUEST_SHORT_CIRCUIT_FDS..=op::REQUEST_SHORT_CIRCUIT_SHM
            | op::BLOCK_GROUP_CHECKSUM => {
                let why = format!("Operation {code} is not supported");
                return connection
                    .send(&refusal(Status::ErrorUnsupported, None, why))
                    .await;
            }
            _ => {
                return Err(invalid(HdfsError::io(format!(
                    "Unknown op {code} in data stream"
                ))));
            }
        }
        limit = KEEP_ALIVE;
        connection.rest();
    }
}

/// BLOCK_CHECKSUM: a checksum of the block's checksums, which clients use to compare files.
async fn block_checksum(
    node: &Arc<DataNode>,
    connection: &mut Connection,
    request: OpBlockChecksumProto,
) -> io::Result<()> {
    let operation = Operation::BlockChecksum;
    let id = request.header.block.block_id;
    let event = |outcome| Event::DataTransfer {
        datanode: node.number(),
        operation,
        block: id,
        outcome,
    };
    let (journal, ruling) = Running::begin(node, connection, event).await?;
    let answer = match ruling {
        Err(exception) => refused(&exception, None),
        Ok(_) => match check_access(
            node,
            connection.peer,
            operation.name(),
            &request.header,
            AccessMode::Read,
            WantedStorage::default(),
        ) {
            Err(denied) => denied.answer(None),
            Ok(()) => {
                // There may be millions of checksums to read, so this is done where it does not
                // block other tasks.
                let on = node.clone();
                let computed =
                    tokio::task::spawn_blocking(move || compute_checksum(&on, &request)).await?;
                computed.unwrap_or_else(|error| {
                    node.check_replica(node.clock.now(), id);
                    refusal(Status::Error, None, error.to_string())
                })
            }
        },
    };
    journal.end(answer.status());
    connection.send(&answer).await
}

fn compute_checksum(
    node: &DataNode,
    request: &OpBlockChecksumProto,
) -> Result<BlockOpResponseProto, HdfsError> {
    let block = block_of(node, &request.header.block)?;
    let range = ReadRange {
        offset: 0,
        length: 0,
        checksums: true,
    };
    let reader = node.store.read(block, range)?;
    let checksum = reader.stored_checksum();
    // The client limits the length of a block being written. A length of 0 would otherwise give the
    // checksum of nothing.
    let length = if block.length == 0 {
        u64::MAX
    } else {
        block.length
    };
    let length = length.min(reader.block().length);
    let options = request.block_checksum_options;
    let composite = options.is_some_and(|options| {
        options.block_checksum_type() == BlockChecksumTypeProto::CompositeCrc
    });
    let mut count = 0;
    let mut md5 = Md5::new();
    let mut crc = None;
    let mut left = length;
    let summed = reader.each_checksums(length, |sums| {
        count += (sums.len() / CHECKSUM_LENGTH) as u64;
        if !composite {
            return md5.update(sums);
        }
        for sum in sums.chunks_exact(CHECKSUM_LENGTH) {
            let sum = u32::from_be_bytes([sum[0], sum[1], sum[2], sum[3]]);
            let chunk = left.min(checksum.bytes_per_checksum());
            left -= chunk;
            crc = Some(crc.map_or(sum, |crc| checksum.combine(crc, sum, chunk)));
        }
    });
    summed.map_err(|error| {
        HdfsError::io(format!(
            "Cannot read the checksums of {}: {error}",
            node.store.name(block)
        ))
    })?;
    let sum = if composite {
        crc.unwrap_or_default().to_be_bytes().to_vec()
    } else {
        md5.finalize().to_vec()
    };
    Ok(BlockOpResponseProto {
        status: Status::Success.into(),
        checksum_response: Some(OpBlockChecksumResponseProto {
            bytes_per_crc: checksum.to_proto().bytes_per_checksum,
            crc_per_block: count,
            block_checksum: sum.into(),
            crc_type: Some(checksum.kind().into()),
            block_checksum_options: options,
        }),
        ..BlockOpResponseProto::default()
    })
}
