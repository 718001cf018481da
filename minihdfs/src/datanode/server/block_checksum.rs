//! The checksum of a block.

use std::io;
use std::sync::Arc;

use kerbox_events::{Event, Operation};
use md5::{Digest, Md5};

use super::connection::Connection;
use super::faults::Running;
use super::request::{WantedStorage, block_of, check_access, refusal, refused};
use crate::HdfsError;
use crate::datanode::block_store::ReadRange;
use crate::datanode::checksum::{CHECKSUM_LENGTH, DataChecksum};
use crate::datanode::node::DataNode;
use crate::proto::hdfs::{
    BlockChecksumTypeProto, BlockOpResponseProto, OpBlockChecksumProto,
    OpBlockChecksumResponseProto, Status,
};
use crate::token::AccessMode;

/// BLOCK_CHECKSUM: a checksum of the block's checksums, which clients use to compare files.
pub(super) async fn block_checksum(
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
    let mut sums = Sums::new(checksum, composite, length);
    let summed = reader.each_checksums(length, |read| sums.add(read));
    summed.map_err(|error| {
        HdfsError::io(format!(
            "Cannot read the checksums of {}: {error}",
            node.store.name(block)
        ))
    })?;
    Ok(BlockOpResponseProto {
        status: Status::Success.into(),
        checksum_response: Some(OpBlockChecksumResponseProto {
            bytes_per_crc: checksum.to_proto().bytes_per_checksum,
            crc_per_block: sums.count,
            block_checksum: sums.finish().into(),
            crc_type: Some(checksum.kind().into()),
            block_checksum_options: options,
        }),
        ..BlockOpResponseProto::default()
    })
}

/// The checksum of a block's checksums.
struct Sums {
    checksum: DataChecksum,
    /// The number of checksums so far.
    count: u64,
    /// The number of bytes whose checksums follow.
    left: u64,
    sum: Sum,
}

enum Sum {
    /// Of the checksums' bytes.
    Md5(Md5),
    /// Of the data, combined from the checksums.
    CompositeCrc(Option<u32>),
}

impl Sums {
    fn new(checksum: DataChecksum, composite: bool, length: u64) -> Self {
        Self {
            checksum,
            count: 0,
            left: length,
            sum: if composite {
                Sum::CompositeCrc(None)
            } else {
                Sum::Md5(Md5::new())
            },
        }
    }

    /// Adds checksums as they are stored.
    fn add(&mut self, read: &[u8]) {
        self.count += (read.len() / CHECKSUM_LENGTH) as u64;
        match &mut self.sum {
            Sum::Md5(md5) => md5.update(read),
            Sum::CompositeCrc(crc) => {
                for sum in read.chunks_exact(CHECKSUM_LENGTH) {
                    let sum = u32::from_be_bytes([sum[0], sum[1], sum[2], sum[3]]);
                    let chunk = self.left.min(self.checksum.bytes_per_checksum());
                    self.left -= chunk;
                    *crc = Some(crc.map_or(sum, |crc| self.checksum.combine(crc, sum, chunk)));
                }
            }
        }
    }

    fn finish(self) -> Vec<u8> {
        match self.sum {
            Sum::Md5(md5) => md5.finalize().to_vec(),
            Sum::CompositeCrc(crc) => crc.unwrap_or_default().to_be_bytes().to_vec(),
        }
    }
}
