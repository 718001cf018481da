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

/// The maximum number of packets that are not acknowledged
/// (`dfs.client.write.max-packets-in-flight`). Hadoop's 80 would hold 5 MiB for each connection.
const MAX_IN_FLIGHT: usize = 16;

/// A block under construction.
pub(super) struct BlockWriter {
    node: Arc<DataNode>,
    connection: Connection,
    /// The DataNodes of the pipeline.
    pub(super) located: LocatedBlockProto,
    pub(super) checksum: DataChecksum,
    pub(super) block: ExtendedBlockProto,
    /// The number of bytes of the block that were sent, or were there before.
    pub(super) offset: u64,
    seqno: i64,
    /// The packets that are not acknowledged yet, the oldest first.
    in_flight: VecDeque<Packet>,
    /// True once every packet but the last one, which has no data, is acknowledged.
    pub(super) is_closing: bool,
    /// True once every DataNode has the whole block.
    pub(super) is_finished: bool,
}

/// A packet that may have to be sent again.
struct Packet {
    seqno: i64,
    /// The place of the data in the block.
    offset: u64,
    data: Vec<u8>,
    is_last: bool,
}

/// The failure of a pipeline.
pub(super) struct PipelineFailed {
    /// The index of the DataNode that failed.
    pub(super) node: usize,
    pub(super) error: io::Error,
}

impl From<io::Error> for PipelineFailed {
    /// Blames the first DataNode for a connection that breaks.
    fn from(error: io::Error) -> Self {
        Self { node: 0, error }
    }
}

/// The number of bytes that a pipeline's DataNodes have, and that they may have.
#[derive(Clone, Copy)]
pub(super) struct Received {
    pub(super) least: u64,
    pub(super) most: u64,
}

impl BlockWriter {
    /// Sets up the pipeline of a block. For an append, `located` has the block as it is, with its
    /// old generation stamp, and `generation_stamp` is the new one.
    pub(super) async fn open(
        client: &FileClient,
        located: LocatedBlockProto,
        stage: Stage,
        generation_stamp: u64,
        checksum: DataChecksum,
    ) -> Result<Self, PipelineFailed> {
        let offset = located.b.num_bytes();
        let received = Received {
            least: offset,
            most: offset,
        };
        let set_up = set_up(
            client,
            &located,
            stage,
            generation_stamp,
            received,
            checksum,
        );
        Ok(Self {
            node: Arc::clone(&client.node),
            connection: set_up.await?,
            checksum,
            block: ExtendedBlockProto {
                generation_stamp,
                ..located.b.clone()
            },
            located,
            offset,
            seqno: 0,
            in_flight: VecDeque::new(),
            is_closing: false,
            is_finished: false,
        })
    }

    /// Returns the number of bytes of the block so far.
    pub(super) fn length(&self) -> u64 {
        self.offset
    }

    /// Returns the number of bytes that every DataNode has acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        let oldest = self.in_flight.front();
        oldest.map_or(self.offset, |packet| packet.offset)
    }

    /// Sends a packet. Its data begins at a chunk's begin, or lies within one chunk. After a
    /// failure it is sent by [`send_again`](Self::send_again).
    pub(super) async fn send(&mut self, data: &[u8]) -> Result<(), PipelineFailed> {
        let packet = Packet {
            seqno: self.next_seqno(),
            offset: self.offset,
            data: data.to_vec(),
            is_last: false,
        };
        self.offset = self.offset.saturating_add(data.len() as u64);
        self.in_flight.push_back(packet);
        self.put_newest().await?;
        while self.in_flight.len() >= MAX_IN_FLIGHT {
            self.take_ack().await?;
        }
        Ok(())
    }

    fn next_seqno(&mut self) -> i64 {
        let seqno = self.seqno;
        self.seqno = seqno.saturating_add(1);
        seqno
    }

    async fn put_newest(&mut self) -> io::Result<()> {
        let first = self.located.locs.first();
        let first = first.map_or("", |first| &first.id.datanode_uuid);
        reach(&self.node, first).await?;
        if let Some(packet) = self.in_flight.back() {
            let unit = unit(
                self.checksum,
                packet.seqno,
                packet.offset,
                &packet.data,
                packet.is_last,
            );
            self.connection.outbox.unit(&unit);
        }
        self.connection.flush().await
    }

    /// Goes on in a new pipeline: sends every packet that was not acknowledged.
    pub(super) async fn send_again(&mut self, connection: Connection) -> io::Result<()> {
        self.connection = connection;
        for packet in &self.in_flight {
            let unit = unit(
                self.checksum,
                packet.seqno,
                packet.offset,
                &packet.data,
                packet.is_last,
            );
            self.connection.outbox.unit(&unit);
            self.connection.flush().await?;
        }
        Ok(())
    }

    /// Shows the pipeline that the writer is alive, although it has nothing to send.
    pub(super) async fn beat(&mut self) -> Result<(), PipelineFailed> {
        let unit = unit(self.checksum, HEARTBEAT, 0, &[], false);
        self.connection.outbox.unit(&unit);
        Ok(self.connection.flush().await?)
    }

    /// Ends the block and waits until every DataNode has it. Returns the block.
    pub(super) async fn finish(&mut self) -> Result<ExtendedBlockProto, PipelineFailed> {
        while !self.in_flight.is_empty() && !self.is_closing {
            self.take_ack().await?;
        }
        if !self.is_closing {
            self.is_closing = true;
            let last = Packet {
                seqno: self.next_seqno(),
                offset: self.offset,
                data: Vec::new(),
                is_last: true,
            };
            self.in_flight.push_back(last);
            self.put_newest().await?;
        }
        while !self.in_flight.is_empty() && !self.is_finished {
            self.take_ack().await?;
        }
        self.block.num_bytes = Some(self.offset);
        Ok(self.block.clone())
    }

    /// Waits for the next ack, which must be a good one for the oldest packet.
    async fn take_ack(&mut self) -> Result<(), PipelineFailed> {
        loop {
            let ack: PipelineAckProto = self.connection.message(READ_TIMEOUT).await?;
            let bad = ack.reply().position(|status| status != Status::Success);
            if let Some(node) = bad {
                let status = ack.reply().nth(node).unwrap_or(Status::Error);
                let error = io::Error::other(format!(
                    "Bad response {} for blk_{}_{}",
                    status.as_str_name(),
                    self.block.block_id,
                    self.block.generation_stamp
                ));
                return Err(PipelineFailed { node, error });
            }
            if ack.seqno == HEARTBEAT {
                continue;
            }
            if self.in_flight.pop_front().map(|packet| packet.seqno) != Some(ack.seqno) {
                let error = io::Error::other(format!(
                    "ResponseProcessor: Expecting seqno for block blk_{}, but received {}",
                    self.block.block_id, ack.seqno
                ));
                return Err(error.into());
            }
            return Ok(());
        }
    }
}

/// Returns the bytes of a packet.
fn unit(checksum: DataChecksum, seqno: i64, offset: u64, data: &[u8], is_last: bool) -> Vec<u8> {
    let sums = checksum.length_of(data.len());
    let mut packet = vec![0; HEADER_LENGTH + sums + data.len()];
    if let Some((head, body)) = packet.split_first_chunk_mut::<HEADER_LENGTH>() {
        put_header(head, offset, seqno, is_last, sums, data.len());
        checksum.compute(data, &mut body[..sums]);
        body[sums..].copy_from_slice(data);
    }
    packet
}

/// Connects to the first DataNode of a pipeline and sets the pipeline up.
pub(super) async fn set_up(
    client: &FileClient,
    located: &LocatedBlockProto,
    stage: Stage,
    generation_stamp: u64,
    received: Received,
    checksum: DataChecksum,
) -> Result<Connection, PipelineFailed> {
    let Some(first) = located.locs.first() else {
        let error = HdfsError::io("The block has no DataNode to be written to");
        return Err(invalid(error).into());
    };
    let token = located.block_token.clone().into();
    let mut connection = client.connect(&first.id, &token).await?;
    let request = request(client, located, stage, generation_stamp, received, checksum);
    put_operation(&mut connection, op::WRITE_BLOCK, &request);
    connection.flush().await?;
    let answer: BlockOpResponseProto = connection.message(READ_TIMEOUT).await?;
    if answer.status() != Status::Success {
        return Err(refused(&answer, located));
    }
    Ok(connection)
}

/// Returns the request for a pipeline of the block's DataNodes.
fn request(
    client: &FileClient,
    located: &LocatedBlockProto,
    stage: Stage,
    generation_stamp: u64,
    received: Received,
    checksum: DataChecksum,
) -> OpWriteBlockProto {
    let targets = located.locs.get(1..).unwrap_or_default();
    let (storage_id, target_ids) = match located.storage_i_ds.split_first() {
        Some((first, rest)) => (Some(first.clone()), rest.to_vec()),
        None => (None, Vec::new()),
    };
    let mut kinds = located.storage_types.iter().copied();
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
        min_bytes_rcvd: received.least,
        max_bytes_rcvd: received.most,
        latest_generation_stamp: generation_stamp,
        requested_checksum: checksum.to_proto(),
        storage_type: Some(
            kinds
                .next()
                .unwrap_or_else(|| StorageTypeProto::Disk.into()),
        ),
        target_storage_types: kinds.collect(),
        storage_id,
        target_storage_ids: target_ids,
        ..OpWriteBlockProto::default()
    }
}

/// Returns the failure that an answer means, and the DataNode that it names.
fn refused(answer: &BlockOpResponseProto, located: &LocatedBlockProto) -> PipelineFailed {
    let bad = answer.first_bad_link();
    let is_bad =
        |node: &DatanodeInfoProto| format!("{}:{}", node.id.ip_addr, node.id.xfer_port) == bad;
    PipelineFailed {
        node: located.locs.iter().position(is_bad).unwrap_or(0),
        error: io::Error::other(format!(
            "Got error, status={}, status message {}, ack with firstBadLink as {bad}",
            answer.status().as_str_name(),
            answer.message()
        )),
    }
}
