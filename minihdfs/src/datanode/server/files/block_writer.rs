//! One block that is being written, through a pipeline of DataNodes.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::{FileClient, reach};
use crate::HdfsError;
use crate::datanode::checksum::DataChecksum;
use crate::datanode::node::DataNode;
use crate::datanode::packet::{HEADER_LENGTH, HEARTBEAT, put_header};
use crate::datanode::server::connection::{Connection, READ_TIMEOUT, invalid};
use crate::datanode::server::request::{op, put_operation};
use crate::proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use crate::proto::hdfs::{
    BaseHeaderProto, BlockOpResponseProto, ClientOperationHeaderProto, DatanodeInfoProto,
    ExtendedBlockProto, LocatedBlockProto, OpWriteBlockProto, PipelineAckProto, Status,
    StorageTypeProto,
};

/// `dfs.client.write.max-packets-in-flight`
const MAX_IN_FLIGHT: usize = 80;

/// A block under construction.
pub(super) struct BlockWriter {
    node: Arc<DataNode>,
    connection: Connection,
    /// The uuid of the first DataNode of the pipeline.
    first: String,
    checksum: DataChecksum,
    block: ExtendedBlockProto,
    /// The number of bytes of the block that were sent, or were there before.
    offset: u64,
    seqno: i64,
    in_flight: VecDeque<i64>,
}

/// The reason why a pipeline cannot be set up.
pub(super) struct SetUpFailed {
    /// The index of the DataNode that failed.
    pub(super) node: usize,
    pub(super) error: io::Error,
}

impl BlockWriter {
    /// Sets up the pipeline of a block. For an append, `located` has the block as it is, with its
    /// old generation stamp, and `generation_stamp` is the new one.
    pub(super) async fn open(
        client: &FileClient,
        located: &LocatedBlockProto,
        stage: Stage,
        generation_stamp: u64,
        checksum: DataChecksum,
    ) -> Result<Self, SetUpFailed> {
        let at_first = |error| SetUpFailed { node: 0, error };
        let Some(first) = located.locs.first() else {
            let error = HdfsError::io("The block has no DataNode to be written to");
            return Err(at_first(invalid(error)));
        };
        let token = located.block_token.clone().into();
        let mut connection = client.connect(&first.id, &token).await.map_err(at_first)?;
        let request = request(client, located, stage, generation_stamp, checksum);
        put_operation(&mut connection, op::WRITE_BLOCK, &request);
        connection.flush().await.map_err(at_first)?;
        let answer: BlockOpResponseProto =
            connection.message(READ_TIMEOUT).await.map_err(at_first)?;
        if answer.status() != Status::Success {
            return Err(refused(&answer, located));
        }
        let offset = located.b.num_bytes();
        Ok(Self {
            node: Arc::clone(&client.node),
            connection,
            first: first.id.datanode_uuid.clone(),
            checksum,
            block: ExtendedBlockProto {
                generation_stamp,
                ..located.b.clone()
            },
            offset,
            seqno: 0,
            in_flight: VecDeque::new(),
        })
    }

    /// Returns the number of bytes of the block so far.
    pub(super) fn length(&self) -> u64 {
        self.offset
    }

    /// Sends a packet. Its data begins at a chunk's begin, or lies within one chunk.
    pub(super) async fn send(&mut self, data: &[u8]) -> io::Result<()> {
        while self.in_flight.len() >= MAX_IN_FLIGHT {
            self.take_ack().await?;
        }
        reach(&self.node, &self.first).await?;
        let seqno = self.seqno;
        self.seqno = seqno.saturating_add(1);
        self.put(seqno, data, false);
        self.offset = self.offset.saturating_add(data.len() as u64);
        self.in_flight.push_back(seqno);
        self.connection.flush().await
    }

    /// Shows the pipeline that the writer is alive, although it has nothing to send.
    pub(super) async fn beat(&mut self) -> io::Result<()> {
        self.put(HEARTBEAT, &[], false);
        self.connection.flush().await
    }

    /// Ends the block and waits until every DataNode has it. Returns the block.
    pub(super) async fn finish(mut self) -> io::Result<ExtendedBlockProto> {
        let seqno = self.seqno;
        self.put(seqno, &[], true);
        self.in_flight.push_back(seqno);
        self.connection.flush().await?;
        while !self.in_flight.is_empty() {
            self.take_ack().await?;
        }
        self.block.num_bytes = Some(self.offset);
        Ok(self.block)
    }

    fn put(&mut self, seqno: i64, data: &[u8], last: bool) {
        let sums = self.checksum.length_of(data.len());
        let mut packet = vec![0; HEADER_LENGTH + sums + data.len()];
        if let Some((head, body)) = packet.split_first_chunk_mut::<HEADER_LENGTH>() {
            let offset = if seqno == HEARTBEAT { 0 } else { self.offset };
            put_header(head, offset, seqno, last, sums, data.len());
            self.checksum.compute(data, &mut body[..sums]);
            body[sums..].copy_from_slice(data);
        }
        self.connection.outbox.unit(&packet);
    }

    /// Waits for the next ack, which must be a good one for the oldest packet.
    async fn take_ack(&mut self) -> io::Result<()> {
        loop {
            let ack: PipelineAckProto = self.connection.message(READ_TIMEOUT).await?;
            if let Some(bad) = ack.reply().find(|status| *status != Status::Success) {
                return Err(io::Error::other(format!(
                    "Bad response {} for blk_{}_{}",
                    bad.as_str_name(),
                    self.block.block_id,
                    self.block.generation_stamp
                )));
            }
            if ack.seqno == HEARTBEAT {
                continue;
            }
            if self.in_flight.pop_front() != Some(ack.seqno) {
                return Err(io::Error::other(format!(
                    "ResponseProcessor: Expecting seqno for block blk_{}, but received {}",
                    self.block.block_id, ack.seqno
                )));
            }
            return Ok(());
        }
    }
}

/// Returns the request for a pipeline of the block's DataNodes.
fn request(
    client: &FileClient,
    located: &LocatedBlockProto,
    stage: Stage,
    generation_stamp: u64,
    checksum: DataChecksum,
) -> OpWriteBlockProto {
    let targets = located.locs.get(1..).unwrap_or_default();
    let (storage_id, target_ids) = match located.storage_i_ds.split_first() {
        Some((first, rest)) => (Some(first.clone()), rest.to_vec()),
        None => (None, Vec::new()),
    };
    OpWriteBlockProto {
        header: ClientOperationHeaderProto {
            base_header: BaseHeaderProto {
                block: located.b.clone(),
                token: Some(located.block_token.clone()),
                trace_info: None,
            },
            client_name: client.name.clone(),
        },
        targets: targets.to_vec(),
        stage: stage.into(),
        pipeline_size: located.locs.len() as u32,
        min_bytes_rcvd: located.b.num_bytes(),
        max_bytes_rcvd: located.b.num_bytes(),
        latest_generation_stamp: generation_stamp,
        requested_checksum: checksum.to_proto(),
        storage_type: Some(StorageTypeProto::Disk.into()),
        target_storage_types: vec![StorageTypeProto::Disk.into(); targets.len()],
        storage_id,
        target_storage_ids: target_ids,
        ..OpWriteBlockProto::default()
    }
}

/// Returns the failure that an answer means, and the DataNode that it names.
fn refused(answer: &BlockOpResponseProto, located: &LocatedBlockProto) -> SetUpFailed {
    let bad = answer.first_bad_link();
    let is_bad =
        |node: &DatanodeInfoProto| format!("{}:{}", node.id.ip_addr, node.id.xfer_port) == bad;
    SetUpFailed {
        node: located.locs.iter().position(is_bad).unwrap_or(0),
        error: io::Error::other(format!(
            "Got error, status={}, status message {}, ack with firstBadLink as {bad}",
            answer.status().as_str_name(),
            answer.message()
        )),
    }
}
