//! Code shared by the requests of all operations: the operation code, the block and token, and
//! error replies.

use std::net::SocketAddr;

use kerbox_events::{Exception, Printable};
use prost::Message;

use super::connection::Connection;
use crate::HdfsError;
use crate::datanode::node::DataNode;
use crate::proto::hdfs::{BaseHeaderProto, BlockOpResponseProto, ExtendedBlockProto, Status};
use crate::protocol::Block;
use crate::secret_manager::BlockAccess;
use crate::token::{AccessMode, StorageType, Token};

/// `DataTransferProtocol.DATA_TRANSFER_VERSION`
pub(super) const VERSION: u16 = 28;

/// Operation codes (Hadoop's `Op`).
pub(super) mod op {
    pub(in crate::datanode::server) const WRITE_BLOCK: u8 = 80;
    pub(in crate::datanode::server) const READ_BLOCK: u8 = 81;
    pub(in crate::datanode::server) const REPLACE_BLOCK: u8 = 83;
    pub(in crate::datanode::server) const COPY_BLOCK: u8 = 84;
    pub(in crate::datanode::server) const BLOCK_CHECKSUM: u8 = 85;
    pub(in crate::datanode::server) const TRANSFER_BLOCK: u8 = 86;
    pub(in crate::datanode::server) const REQUEST_SHORT_CIRCUIT_FDS: u8 = 87;
    pub(in crate::datanode::server) const REQUEST_SHORT_CIRCUIT_SHM: u8 = 89;
    pub(in crate::datanode::server) const BLOCK_GROUP_CHECKSUM: u8 = 90;
}

/// Starts an operation on another DataNode.
pub(super) fn put_operation(connection: &mut Connection, code: u8, request: &impl Message) {
    let mut header = Vec::with_capacity(3 + request.encoded_len() + 5);
    header.extend_from_slice(&VERSION.to_be_bytes());
    header.push(code);
    header.extend_from_slice(&request.encode_length_delimited_to_vec());
    connection.outbox.unit(&header);
}

/// Returns a reply with an error.
pub(super) fn refusal(
    status: Status,
    first_bad_link: Option<String>,
    message: impl Into<String>,
) -> BlockOpResponseProto {
    BlockOpResponseProto {
        status: status.into(),
        first_bad_link,
        message: Some(message.into()),
        ..BlockOpResponseProto::default()
    }
}

/// Returns a reply with the exception of a fault.
pub(super) fn refused(
    exception: &Exception,
    first_bad_link: Option<String>,
) -> BlockOpResponseProto {
    let Exception { class, message } = exception;
    refusal(Status::Error, first_bad_link, format!("{class}: {message}"))
}

/// Returns the block that an operation refers to.
///
/// # Errors
/// Fails if it belongs to another block pool.
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

/// The storage that an operation requests.
#[derive(Clone, Copy, Default)]
pub(super) struct WantedStorage<'a> {
    pub(super) types: &'a [StorageType],
    pub(super) ids: &'a [String],
}

/// The error for a token that does not allow the request. As in Hadoop, the reply contains only the
/// status, and the reason goes to the log.
pub(super) struct Denied;

impl Denied {
    pub(super) fn answer(self, first_bad_link: Option<String>) -> BlockOpResponseProto {
        BlockOpResponseProto {
            status: Status::ErrorAccessToken.into(),
            first_bad_link,
            ..BlockOpResponseProto::default()
        }
    }
}

/// Checks that the token allows the request, if tokens are required.
pub(super) fn check_access(
    node: &DataNode,
    peer: SocketAddr,
    operation: &str,
    header: &BaseHeaderProto,
    mode: AccessMode,
    storage: WantedStorage<'_>,
) -> Result<(), Denied> {
    let Some(secrets) = &node.secrets else {
        return Ok(());
    };
    let token = token_of(header);
    let access = BlockAccess {
        block_pool_id: &header.block.pool_id,
        block_id: header.block.block_id,
        generation_stamp: header.block.generation_stamp,
        mode,
        storage_types: storage.types,
        storage_ids: storage.ids,
    };
    match secrets.check_access(node.clock.now(), &token, &access) {
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::warn!(
                datanode = node.number(),
                "Block token verification failed: op={operation}, remoteAddress=/{peer}, message={}",
                Printable(error.message())
            );
            Err(Denied)
        }
    }
}

pub(super) fn token_of(header: &BaseHeaderProto) -> Token {
    header.token.clone().unwrap_or_default().into()
}
