//! The checksum of a file: the MD5 of the MD5s of its blocks' checksums.

use std::io;

use md5::{Digest, Md5};

use super::FileClient;
use crate::HdfsError;
use crate::datanode::server::connection::READ_TIMEOUT;
use crate::datanode::server::request::{op, put_operation};
use crate::proto::hdfs::{
    BaseHeaderProto, BlockOpResponseProto, ChecksumTypeProto, DatanodeInfoProto, LocatedBlockProto,
    OpBlockChecksumProto, OpBlockChecksumResponseProto, Status,
};

/// The length of Java's buffer for the blocks' MD5s at first. The whole buffer is digested.
const FIRST_BUFFER: usize = 32;

/// A file's checksum (Hadoop's `MD5MD5CRC32FileChecksum`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FileChecksum {
    pub(crate) bytes_per_crc: u32,
    pub(crate) crc_per_block: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) kind: ChecksumTypeProto,
}

impl FileChecksum {
    /// Returns the name of the algorithm.
    pub(crate) fn algorithm(&self) -> String {
        let kind = match self.kind {
            ChecksumTypeProto::ChecksumNull => "NULL",
            ChecksumTypeProto::ChecksumCrc32 => "CRC32",
            ChecksumTypeProto::ChecksumCrc32c => "CRC32C",
        };
        let (blocks, bytes) = (self.crc_per_block, self.bytes_per_crc);
        format!("MD5-of-{blocks}MD5-of-{bytes}{kind}")
    }

    /// Returns the 28 bytes of the checksum.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.bytes_per_crc.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.crc_per_block.to_be_bytes());
        bytes.extend_from_slice(&self.md5);
        bytes
    }

    fn of_blocks(blocks: &[OpBlockChecksumResponseProto]) -> Self {
        let mut sums = Vec::new();
        for block in blocks {
            sums.extend_from_slice(&block.block_checksum);
        }
        let length = sums.len().next_power_of_two().max(FIRST_BUFFER);
        sums.resize(length, 0);
        let first = blocks.first();
        Self {
            bytes_per_crc: first.map_or(0, |block| block.bytes_per_crc),
            crc_per_block: first
                .filter(|_| blocks.len() > 1)
                .map_or(0, |block| block.crc_per_block),
            md5: Md5::digest(&sums).into(),
            kind: first.map_or(ChecksumTypeProto::ChecksumCrc32, |block| block.crc_type()),
        }
    }
}

impl FileClient {
    /// Returns the checksum of a file.
    pub(crate) async fn file_checksum(&self, path: &str) -> Result<FileChecksum, HdfsError> {
        let located = self.locate(path).await?;
        let mut blocks = Vec::new();
        for block in &located.blocks {
            blocks.push(self.block_checksum(path, block).await?);
        }
        Ok(FileChecksum::of_blocks(&blocks))
    }

    /// Asks the DataNodes that have a block, until one answers.
    async fn block_checksum(
        &self,
        path: &str,
        located: &LocatedBlockProto,
    ) -> Result<OpBlockChecksumResponseProto, HdfsError> {
        for node in &located.locs {
            match self.ask_checksum(located, node).await {
                Ok(sum) => return Ok(sum),
                Err(error) => tracing::info!(path, %error, "a DataNode gives no checksum"),
            }
        }
        Err(HdfsError::io(format!(
            "Fail to get block MD5 for blk_{}_{}",
            located.b.block_id, located.b.generation_stamp
        )))
    }

    async fn ask_checksum(
        &self,
        located: &LocatedBlockProto,
        node: &DatanodeInfoProto,
    ) -> io::Result<OpBlockChecksumResponseProto> {
        let token = located.block_token.clone();
        let mut connection = self.connect(&node.id, &token.clone().into()).await?;
        let request = OpBlockChecksumProto {
            header: BaseHeaderProto {
                block: located.b.clone(),
                token: Some(token),
                trace_info: None,
            },
            block_checksum_options: None,
        };
        put_operation(&mut connection, op::BLOCK_CHECKSUM, &request);
        connection.flush().await?;
        let answer: BlockOpResponseProto = connection.message(READ_TIMEOUT).await?;
        match (answer.status(), answer.checksum_response) {
            (Status::Success, Some(sum)) => Ok(sum),
            (status, _) => Err(io::Error::other(status.as_str_name())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_has_hadoops_checksum() {
        let sum = FileChecksum::of_blocks(&[]);
        assert_eq!(sum.algorithm(), "MD5-of-0MD5-of-0CRC32");
        let hex: String = sum
            .bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            format!("{}70bc8f4b72a86921468bf8e8441dce51", "0".repeat(24))
        );
    }
}
