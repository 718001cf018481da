//! The operations of one connection (Hadoop's `DataXceiver`).

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::Event;
use md5::{Digest, Md5};
use prost::Message;

use super::connection::{Connection, READ_TIMEOUT, invalid};
use super::faults::{Operation, Ruling};
use super::{read_block, transfer, write_block};
use crate::HdfsError;
use crate::datanode::block_store::ReadRange;
use crate::datanode::checksum::CHECKSUM_LENGTH;
use crate::datanode::link::Block;
use crate::datanode::node::DataNode;
use crate::proto::hdfs::{
    BaseHeaderProto, BlockChecksumTypeProto, BlockOpResponseProto, ExtendedBlockProto, OpBlockChecksumProto, OpBlockChecksumResponseProto,
    Status,
};
use crate::secret_manager::BlockAccess;
use crate::token::{AccessMode, StorageType, Token};

/// `DataTransferProtocol.DATA_TRANSFER_VERSION`
const VERSION: u16 = 28;

/// How long a connection may be idle after an operation (`dfs.datanode.socket.reuse.keepalive`).
const KEEP_ALIVE: Duration = Duration::from_secs(4);

/// Codes of operations (Hadoop's `Op`).
mod op {
    pub(super) const WRITE_BLOCK: u8 = 80;
    pub(super) const READ_BLOCK: u8 = 81;
    pub(super) const REPLACE_BLOCK: u8 = 83;
    pub(super) const COPY_BLOCK: u8 = 84;
    pub(super) const BLOCK_CHECKSUM: u8 = 85;
    pub(super) const TRANSFER_BLOCK: u8 = 86;
    pub(super) const REQUEST_SHORT_CIRCUIT_FDS: u8 = 87;
    pub(super) const REQUEST_SHORT_CIRCUIT_SHM: u8 = 89;
    pub(super) const BLOCK_GROUP_CHECKSUM: u8 = 90;
}

/// Serves operations until the client closes the connection, is silent for too long, or is refused.
pub(super) async fn run(node: &Arc<DataNode>, mut connection: Connection) -> io::Result<()> {
    if let Some(protection) = &node.protection {
        connection.accept_handshake(node, protection).await?;
    }
    let mut limit = READ_TIMEOUT;
    loop {
        let [high, low, code] = match connection.bytes::<3>(limit).await {
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::TimedOut) => return Ok(()),
            read => read?,
        };
        let version = u16::from_be_bytes([high, low]);
        if version != VERSION {
            return Err(invalid(HdfsError::io(format!(
                "Version Mismatch (Expected: {VERSION}, Received: {version} )"
            ))));
        }
        match code {
            op::READ_BLOCK => {
                let request = connection.message(READ_TIMEOUT).await?;
                if !read_block::read_block(node, &mut connection, request).await? {
                    return Ok(());
                }
            }
            op::WRITE_BLOCK => {
                let request = connection.message(READ_TIMEOUT).await?;
                return write_block::write_block(node, connection, request).await;
            }
            op::BLOCK_CHECKSUM => {
                let request = connection.message(READ_TIMEOUT).await?;
                return block_checksum(node, &mut connection, request).await;
            }
            op::TRANSFER_BLOCK => {
                let request = connection.message(READ_TIMEOUT).await?;
                return transfer::transfer_block(node, &mut connection, request).await;
            }
            op::COPY_BLOCK => {
                let request = connection.message(READ_TIMEOUT).await?;
                return read_block::copy_block(node, &mut connection, request).await;
            }
            op::REPLACE_BLOCK | op::REQUEST_SHORT_CIRCUIT_FDS..=op::REQUEST_SHORT_CIRCUIT_SHM | op::BLOCK_GROUP_CHECKSUM => {
                let why = format!("Operation {code} is not supported");
                return connection.send(&refusal(Status::ErrorUnsupported, None, why)).await;
            }
            _ => return Err(invalid(HdfsError::io(format!("Unknown op {code} in data stream")))),
        }
        limit = KEEP_ALIVE;
    }
}

/// An answer that says why not.
pub(super) fn refusal(status: Status, first_bad_link: Option<String>, message: impl Into<String>) -> BlockOpResponseProto {
    BlockOpResponseProto {
        status: status.into(),
        first_bad_link,
        message: Some(message.into()),
        ..BlockOpResponseProto::default()
    }
}

/// The block that an operation is about.
///
/// # Errors
/// It is of another block pool.
pub(super) fn block_of(node: &DataNode, block: &ExtendedBlockProto) -> Result<Block, HdfsError> {
    if *block.pool_id != *node.block_pool_id {
        return Err(HdfsError::io(format!(
            "Block pool {} is not found: this DataNode has {}",
            block.pool_id, node.block_pool_id
        )));
    }
    Ok(Block {
        id: block.block_id,
        generation_stamp: block.generation_stamp,
        length: block.num_bytes(),
    })
}

/// What an operation wants of a block's storage.
#[derive(Clone, Copy, Default)]
pub(super) struct WantedStorage<'a> {
    pub(super) types: &'a [StorageType],
    pub(super) ids: &'a [String],
}

/// Whether the token allows it, if tokens are needed at all.
pub(super) fn check_access(
    node: &DataNode,
    peer: SocketAddr,
    operation: &str,
    header: &BaseHeaderProto,
    mode: AccessMode,
    storage: WantedStorage<'_>,
) -> Result<(), HdfsError> {
    let Some(secrets) = &node.secrets else { return Ok(()) };
    let token = token_of(header);
    let access = BlockAccess {
        block_pool_id: &header.block.pool_id,
        block_id: header.block.block_id,
        generation_stamp: header.block.generation_stamp,
        mode,
        storage_types: storage.types,
        storage_ids: storage.ids,
    };
    secrets
        .check_access(node.clock.now(), &token, &access)
        .map(|_| ())
        .map_err(|error| {
            HdfsError::invalid_token(format!(
                "Block token verification failed: op={operation}, remoteAddress=/{peer}, message={}",
                error.message()
            ))
        })
}

pub(super) fn token_of(header: &BaseHeaderProto) -> Token {
    header.token.clone().unwrap_or_default().into()
}

/// BLOCK_CHECKSUM: a checksum of the block's checksums, by which clients compare files.
async fn block_checksum(node: &Arc<DataNode>, connection: &mut Connection, request: OpBlockChecksumProto) -> io::Result<()> {
    let operation = "BLOCK_CHECKSUM";
    let event = |outcome| Event::DataTransfer {
        datanode: node.number(),
        operation,
        block: request.header.block.block_id,
        outcome,
    };
    let (journal, ruling) = Operation::begin(node, connection, event).await?;
    let answer = match ruling {
        Ruling::Refuse { class, message } => refusal(Status::Error, None, format!("{class}: {message}")),
        Ruling::Go { .. } => match check_access(
            node,
            connection.peer,
            operation,
            &request.header,
            AccessMode::Read,
            WantedStorage::default(),
        ) {
            Err(error) => refusal(Status::ErrorAccessToken, None, error.message()),
            Ok(()) => compute_checksum(node, &request).unwrap_or_else(|error| refusal(Status::Error, None, error.to_string())),
        },
    };
    journal.end(answer.status());
    connection.send(&answer).await
}

fn compute_checksum(node: &DataNode, request: &OpBlockChecksumProto) -> Result<BlockOpResponseProto, HdfsError> {
    let block = block_of(node, &request.header.block)?;
    let range = ReadRange {
        offset: 0,
        length: 0,
        checksums: true,
    };
    let reader = node.store.read(block, range)?;
    let checksum = reader.stored_checksum();
    // The client limits a block that is being written; a length of 0 would be an empty sum otherwise.
    let length = if block.length == 0 { u64::MAX } else { block.length };
    let length = length.min(reader.block().length);
    let options = request.block_checksum_options;
    let composite = options.is_some_and(|options| options.block_checksum_type() == BlockChecksumTypeProto::CompositeCrc);
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
    summed.map_err(|error| HdfsError::io(format!("Cannot read the checksums of {}: {error}", node.store.name(block))))?;
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

/// Begins an operation at another DataNode.
pub(super) fn put_operation(connection: &mut Connection, code: u8, request: &impl Message) {
    let mut header = Vec::with_capacity(3 + request.encoded_len() + 5);
    header.extend_from_slice(&VERSION.to_be_bytes());
    header.push(code);
    header.extend_from_slice(&request.encode_length_delimited_to_vec());
    connection.outbox.unit(&header);
}

pub(super) const WRITE_BLOCK: u8 = op::WRITE_BLOCK;
