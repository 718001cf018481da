//! The bytes of a file, from DataNodes that have its blocks.

use std::net::SocketAddr;

use bytes::Bytes;

use super::block_reader::BlockReader;
use super::{FileClient, exception};
use crate::HdfsError;
use crate::error::Class;
use crate::proto::hdfs::{
    DatanodeIdProto, GetBlockLocationsRequestProto, GetBlockLocationsResponseProto,
    GetReplicaVisibleLengthRequestProto, GetReplicaVisibleLengthResponseProto, LocatedBlockProto,
    LocatedBlocksProto,
};
use crate::rpc::client::Identity;
use crate::rpc::client::driver::{RpcClient, RpcTarget};

const CLIENT_DATANODE_PROTOCOL: (&str, u64) =
    ("org.apache.hadoop.hdfs.protocol.ClientDatanodeProtocol", 1);

/// The class of the error for a block whose length no DataNode gives.
const UNKNOWN_LENGTH: &str = "org.apache.hadoop.hdfs.CannotObtainBlockLengthException";

/// A range of a file, read from its begin to its end.
pub(crate) struct FileReader {
    client: FileClient,
    path: String,
    blocks: Vec<LocatedBlockProto>,
    position: u64,
    end: u64,
    current: Option<BlockReader>,
    /// DataNodes that failed in the current block, by UUID.
    failed: Vec<String>,
}

impl FileClient {
    /// Opens a file for reading. Fails if the caller may not read it.
    pub(crate) async fn open(
        self,
        path: &str,
        offset: u64,
        length: Option<u64>,
    ) -> Result<FileReader, HdfsError> {
        let located = self.locate(path).await?;
        let mut blocks = located.blocks;
        let mut end = located.file_length;
        if !located.is_last_block_complete
            && let Some(last) = located.last_block
        {
            let written = self.visible_length(&last).await?;
            end = end.saturating_add(written);
            blocks.retain(|block| block.b.block_id != last.b.block_id);
            let mut last = last;
            last.b.num_bytes = Some(written);
            blocks.push(last);
        }
        if offset > end {
            return Err(HdfsError::io("Cannot seek after EOF"));
        }
        let wanted = length.map_or(end, |length| offset.saturating_add(length));
        Ok(FileReader {
            client: self,
            path: path.to_owned(),
            blocks,
            position: offset,
            end: wanted.min(end),
            current: None,
            failed: Vec::new(),
        })
    }

    /// Returns all blocks of a file.
    pub(super) async fn locate(&self, path: &str) -> Result<LocatedBlocksProto, HdfsError> {
        let request = GetBlockLocationsRequestProto {
            src: path.to_owned(),
            offset: 0,
            length: i64::MAX.cast_unsigned(),
        };
        let answer: GetBlockLocationsResponseProto =
            self.call("getBlockLocations", &request).await?;
        answer
            .locations
            .ok_or_else(|| HdfsError::file_not_found(format!("File does not exist: {path}")))
    }

    /// Returns the length of a block that is being written: that of the first DataNode that
    /// answers. It is 0 only if no DataNode has the block.
    async fn visible_length(&self, last: &LocatedBlockProto) -> Result<u64, HdfsError> {
        let mut may_exist = false;
        for location in &last.locs {
            match self.ask_length(last, &location.id).await {
                Ok(length) => return Ok(length),
                Err(error) => may_exist |= *error.kind() != Class::ReplicaNotFound,
            }
        }
        if may_exist {
            return Err(HdfsError::new(UNKNOWN_LENGTH, unknown_length(last)));
        }
        if last.locs.is_empty() && last.b.num_bytes() > 0 {
            return Err(HdfsError::io("Could not obtain the last block locations."));
        }
        Ok(0)
    }

    async fn ask_length(
        &self,
        last: &LocatedBlockProto,
        node: &DatanodeIdProto,
    ) -> Result<u64, HdfsError> {
        let refused = || HdfsError::io(format!("{}:{} is no address", node.ip_addr, node.ipc_port));
        let ip = node.ip_addr.parse().map_err(|_| refused())?;
        let port = u16::try_from(node.ipc_port).map_err(|_| refused())?;
        let identity = if last.block_token.identifier.is_empty() {
            self.identity.clone()
        } else {
            Identity::token(last.block_token.clone().into())
        };
        let target = RpcTarget {
            address: SocketAddr::new(ip, port),
            protocol: CLIENT_DATANODE_PROTOCOL,
            identity,
            settings: self.settings.clone(),
            tickets: None,
        };
        let own = &self.node;
        let rpc = own.with_rng(|rng| RpcClient::new(target, own.clock.clone(), rng));
        let request = GetReplicaVisibleLengthRequestProto {
            block: last.b.clone(),
        };
        let called = rpc.call("getReplicaVisibleLength", &request).await;
        let answer: GetReplicaVisibleLengthResponseProto =
            called.map_err(|error| exception(&error))?;
        Ok(answer.length)
    }
}

fn unknown_length(block: &LocatedBlockProto) -> String {
    let nodes: Vec<String> = block
        .locs
        .iter()
        .map(|node| format!("{}:{}", node.id.ip_addr, node.id.xfer_port))
        .collect();
    format!(
        "Cannot obtain block length for LocatedBlock{{{}:blk_{}_{}; getBlockSize()={}; \
         corrupt={}; offset={}; locs=[{}]}}",
        block.b.pool_id,
        block.b.block_id,
        block.b.generation_stamp,
        block.b.num_bytes(),
        block.corrupt,
        block.offset,
        nodes.join(", ")
    )
}

impl FileReader {
    /// Returns the number of bytes that are still to be read.
    pub(crate) fn left(&self) -> u64 {
        self.end.saturating_sub(self.position)
    }

    /// Returns the next bytes; `None` at the end. If a DataNode fails, another one goes on.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, HdfsError> {
        while self.position < self.end {
            let mut block = match self.current.take() {
                Some(block) => block,
                None => self.open_block().await?,
            };
            match block.next().await {
                Ok(Some(bytes)) => {
                    self.position = self.position.saturating_add(bytes.len() as u64);
                    self.current = Some(block);
                    return Ok(Some(bytes));
                }
                // The block is read to its end; the next one has DataNodes of its own.
                Ok(None) => self.failed.clear(),
                Err(error) => {
                    tracing::info!(path = %self.path, %error, "a block is read from another DataNode");
                }
            }
        }
        Ok(None)
    }

    /// Opens the block at the position on a DataNode that was not tried before.
    async fn open_block(&mut self) -> Result<BlockReader, HdfsError> {
        let position = self.position;
        let at = self.blocks.iter().find(|block| {
            let end = block.offset.saturating_add(block.b.num_bytes());
            (block.offset..end).contains(&position)
        });
        let Some(block) = at else {
            return Err(HdfsError::io(format!(
                "Premature EOF: {} has no block at offset {position}",
                self.path
            )));
        };
        let start = position.saturating_sub(block.offset);
        let end = block
            .b
            .num_bytes()
            .min(self.end.saturating_sub(block.offset));
        for node in &block.locs {
            if self.failed.contains(&node.id.datanode_uuid) {
                continue;
            }
            // Remembered at once: if it fails later, it is not tried again.
            self.failed.push(node.id.datanode_uuid.clone());
            match BlockReader::open(&self.client, block, node, (start, end)).await {
                Ok(reader) => return Ok(reader),
                Err(error) => {
                    tracing::info!(path = %self.path, %error, "a DataNode cannot be read from");
                }
            }
        }
        Err(HdfsError::io(format!(
            "Could not obtain block: {}:blk_{}_{} file={}",
            block.b.pool_id, block.b.block_id, block.b.generation_stamp, self.path
        )))
    }
}
