//! The operations of one connection (Hadoop's `DataXceiver`).

use std::io::{self, ErrorKind};
use std::sync::Arc;

use super::connection::{Connection, READ_TIMEOUT, invalid};
use super::request::{VERSION, op, refusal};
use super::{block_checksum, read_block, replace_block, transfer, write_block};
use crate::HdfsError;
use crate::datanode::node::DataNode;
use crate::proto::hdfs::Status;

/// Serves operations until the client closes the connection, is silent for too long, or is
/// rejected.
pub(super) async fn run(node: &Arc<DataNode>, connection: &mut Connection) -> io::Result<()> {
    if let Some(protection) = &node.protection {
        connection.accept_handshake(node, protection).await?;
    }
    loop {
        let Some(code) = next_operation(connection).await? else {
            return Ok(());
        };
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
                return Box::pin(block_checksum::block_checksum(node, connection, request)).await;
            }
            op::TRANSFER_BLOCK => {
                let request = connection.request().await?;
                return Box::pin(transfer::transfer_block(node, connection, request)).await;
            }
            op::COPY_BLOCK => {
                let request = connection.request().await?;
                return Box::pin(read_block::copy_block(node, connection, request)).await;
            }
            op::REPLACE_BLOCK => {
                let request = connection.request().await?;
                return Box::pin(replace_block::replace_block(node, connection, request)).await;
            }
            op::REQUEST_SHORT_CIRCUIT_FDS..=op::REQUEST_SHORT_CIRCUIT_SHM
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
        if node.keepalive.is_zero() {
            return Ok(());
        }
        connection.rest();
        match connection.idle(node.clock.now()).await {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            waited => waited?,
        }
    }
}

/// Reads the code of the next operation; `None` if the client has closed the connection, or is
/// silent for too long.
async fn next_operation(connection: &mut Connection) -> io::Result<Option<u8>> {
    let [high, low, code] = match connection.bytes::<3>(READ_TIMEOUT).await {
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::TimedOut) => {
            return Ok(None);
        }
        read => read?,
    };
    let version = u16::from_be_bytes([high, low]);
    if version != VERSION {
        return Err(invalid(HdfsError::io(format!(
            "Version Mismatch (Expected: {VERSION}, Received: {version} )"
        ))));
    }
    Ok(Some(code))
}
