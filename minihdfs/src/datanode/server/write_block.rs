//! WRITE_BLOCK: packets in, and on to the next DataNode.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use kerbox_events::{Event, Outcome};
use tokio::io::Interest;
use tokio::time::timeout;

use super::connection::{Connection, READ_TIMEOUT, WRITE_TIMEOUT, invalid};
use super::faults::{Ruling, obey};
use super::xceiver::{WRITE_BLOCK, WantedStorage, block_of, check_access, outcome, put_operation, refusal, token_of};
use crate::HdfsError;
use crate::datanode::block_store::ReplicaWriter;
use crate::datanode::checksum::DataChecksum;
use crate::datanode::link::{Block, BlockStatus};
use crate::datanode::node::DataNode;
use crate::datanode::packet::{Packet, put_ack};
use crate::datanode::pipeline::{Completion, Pipeline};
use crate::proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use crate::proto::hdfs::{BlockOpResponseProto, OpWriteBlockProto, Status, StorageTypeProto};
use crate::token::AccessMode;

/// How much may be read at once: several packets.
const READ_ROOM: usize = 256 << 10;

/// How much may wait for the next DataNode before no more is read.
const MAX_BACKLOG: usize = 1 << 20;

/// Serves a write, to its end or its failure; the connection is not used again.
pub(super) async fn write_block(node: &Arc<DataNode>, mut connection: Connection, request: OpWriteBlockProto) -> io::Result<()> {
    let event = |outcome| Event::WriteBlock {
        datanode: node.number(),
        block: request.header.base_header.block.block_id,
        downstream: request.targets.len(),
        outcome,
    };
    let verdict = node.ask(event);
    let set_up = match obey(node, &mut connection, verdict).await? {
        Ruling::Refuse { class, message } => Err(refusal(Status::Error, Some(String::new()), format!("{class}: {message}"))),
        Ruling::Go { spoil } => set_up(node, connection.peer, &request).await.map(|set_up| (set_up, spoil)),
    };
    let (SetUp { writer, mirror, answer }, spoil) = match set_up {
        Ok(set_up) => set_up,
        Err(answer) => {
            node.record(event(outcome(answer.status())));
            return connection.send(&answer).await;
        }
    };
    let kind = Kind::of(&request);
    if kind.is_client_pipeline() {
        connection.outbox.message(&answer);
    }
    connection.flush().await?;
    let Some((writer, completion)) = writer else {
        // PIPELINE_CLOSE_RECOVERY ends here.
        node.record(event(outcome(answer.status())));
        return Ok(());
    };
    if answer.status() != Status::Success {
        node.record(event(outcome(answer.status())));
        return Ok(());
    }
    let downstream = if mirror.is_some() { request.targets.len() } else { 0 };
    let pipeline = Pipeline::new(writer, completion, kind.is_client_pipeline(), downstream);
    let mut streaming = Streaming {
        node,
        upstream: connection,
        mirror,
        pipeline,
        nth: 0,
        spoil,
    };
    let streamed = streaming.run().await;
    node.record(event(match &streamed {
        Ok(status) => outcome(*status),
        Err(_) => Outcome::Disconnected,
    }));
    streamed?;
    if kind == Kind::Transfer {
        let answer = BlockOpResponseProto {
            status: Status::Success.into(),
            ..BlockOpResponseProto::default()
        };
        streaming.upstream.send(&answer).await?;
    }
    Ok(())
}

/// Who writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A client, or the DataNode before this one in its pipeline: every packet is acknowledged.
    Client,
    /// A DataNode that copies a replica for a client's recovery: answered once, at the end.
    Transfer,
    /// A DataNode that copies a replica because the NameNode ordered it: never answered.
    Replication,
}

impl Kind {
    fn of(request: &OpWriteBlockProto) -> Self {
        if matches!(request.stage(), Stage::TransferRbw | Stage::TransferFinalized) {
            Self::Transfer
        } else if request.header.client_name.is_empty() {
            Self::Replication
        } else {
            Self::Client
        }
    }

    fn is_client_pipeline(self) -> bool {
        self == Self::Client
    }
}

/// A write that may begin.
struct SetUp {
    /// `None` if the replica was only to be completed.
    writer: Option<(ReplicaWriter, Completion)>,
    mirror: Option<Connection>,
    answer: BlockOpResponseProto,
}

/// Checks the token, finds or makes the replica, connects the DataNodes after this one.
async fn set_up(node: &Arc<DataNode>, peer: SocketAddr, request: &OpWriteBlockProto) -> Result<SetUp, BlockOpResponseProto> {
    let header = &request.header.base_header;
    let storage_type = [request.storage_type()];
    let storage = WantedStorage {
        types: &storage_type,
        ids: request.storage_id.as_slice(),
    };
    check_access(node, peer, "WRITE_BLOCK", header, AccessMode::Write, storage).map_err(|error| {
        let own = node.registration().transfer_address().to_string();
        refusal(Status::ErrorAccessToken, Some(own), error.message())
    })?;
    let writer = open_replica(node, request).map_err(|error| {
        tracing::info!(datanode = node.number(), block = header.block.block_id, %error, "a write is refused");
        refusal(Status::Error, Some(String::new()), error.to_string())
    })?;
    let mut answer = BlockOpResponseProto {
        status: Status::Success.into(),
        // Present even if empty: the Go client reads five bytes at least.
        first_bad_link: Some(String::new()),
        ..BlockOpResponseProto::default()
    };
    let mut mirror = None;
    if let Some(target) = request.targets.first() {
        match connect_mirror(node, request).await {
            Ok((connection, below)) => {
                mirror = Some(connection);
                if let Some(below) = below {
                    answer = below;
                    answer.first_bad_link.get_or_insert_default();
                }
            }
            // A replication goes on without the ones after it.
            Err(error) if Kind::of(request) != Kind::Client => {
                tracing::info!(datanode = node.number(), target = %target.id.ip_addr, %error, "a replication goes on without its mirror");
            }
            Err(error) => {
                let bad = format!("{}:{}", target.id.ip_addr, target.id.xfer_port);
                return Err(refusal(
                    Status::Error,
                    Some(bad),
                    format!("Cannot connect to the next DataNode: {error}"),
                ));
            }
        }
    }
    Ok(SetUp { writer, mirror, answer })
}

/// The replica that the stage asks for, and what becomes of it at the end.
fn open_replica(node: &Arc<DataNode>, request: &OpWriteBlockProto) -> Result<Option<(ReplicaWriter, Completion)>, HdfsError> {
    let block = block_of(node, &request.header.base_header.block)?;
    let checksum = DataChecksum::from_proto(request.requested_checksum)?;
    let stage = Stage::try_from(request.stage).map_err(|_| HdfsError::io(format!("Unknown stage {}", request.stage)))?;
    let new_stamp = request.latest_generation_stamp;
    let (min, max) = (request.min_bytes_rcvd, request.max_bytes_rcvd);
    let kind = Kind::of(request);
    if kind == Kind::Transfer && !request.targets.is_empty() {
        return Err(HdfsError::io(format!(
            "{} does not support multiple targets [{}]",
            stage.as_str_name(),
            request.targets.len()
        )));
    }
    let store = &node.store;
    let now = node.clock.now();
    let writer = match stage {
        _ if kind == Kind::Replication => store.create_temporary(block, checksum)?,
        Stage::PipelineSetupCreate => {
            let writer = store.create_rbw(block, checksum)?;
            node.tell(now, writer.block(), BlockStatus::Receiving);
            writer
        }
        Stage::PipelineSetupAppend => store.append(block, new_stamp, min, checksum)?,
        Stage::PipelineSetupAppendRecovery => store.recover_append(block, new_stamp, min, checksum)?,
        Stage::PipelineSetupStreamingRecovery => store.recover_rbw(block, new_stamp, (min, max), checksum)?,
        Stage::PipelineCloseRecovery => {
            let completed = store.recover_close(block, new_stamp, min)?;
            node.tell(now, completed, BlockStatus::Received);
            return Ok(None);
        }
        Stage::TransferRbw => return Ok(Some((store.create_temporary(block, checksum)?, Completion::ConvertToRbw))),
        Stage::TransferFinalized => store.create_temporary(block, checksum)?,
        Stage::DataStreaming | Stage::PipelineClose => {
            return Err(HdfsError::io(format!(
                "{} is no stage with which a client sets up a pipeline",
                stage.as_str_name()
            )));
        }
    };
    if matches!(stage, Stage::PipelineSetupAppend | Stage::PipelineSetupAppendRecovery) && kind == Kind::Client {
        node.tell(now, writer.block(), BlockStatus::Receiving);
    }
    Ok(Some((writer, Completion::Finalize)))
}

/// Connects the next DataNode, and has it connect the ones after it. Gives its answer, if it gives one.
async fn connect_mirror(node: &Arc<DataNode>, request: &OpWriteBlockProto) -> io::Result<(Connection, Option<BlockOpResponseProto>)> {
    let Some((target, rest)) = request.targets.split_first() else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let storage_type = request.target_storage_types.first();
    let mut onward = OpWriteBlockProto {
        targets: rest.to_vec(),
        source: None,
        storage_type: Some(storage_type.copied().unwrap_or_else(|| StorageTypeProto::Disk.into())),
        storage_id: request.target_storage_ids.first().cloned(),
        pinning: request.target_pinnings.first().copied(),
        ..request.clone()
    };
    for_the_rest(&mut onward.target_storage_types);
    for_the_rest(&mut onward.target_storage_ids);
    for_the_rest(&mut onward.target_pinnings);
    let token = token_of(&request.header.base_header);
    let mut mirror = Connection::connect(node, &target.id, &token).await?;
    put_operation(&mut mirror, WRITE_BLOCK, &onward);
    mirror.flush().await?;
    if Kind::of(request) != Kind::Client {
        return Ok((mirror, None));
    }
    let below = mirror.message(READ_TIMEOUT + READ_TIMEOUT * rest.len() as u32).await?;
    Ok((mirror, Some(below)))
}

/// The list as the next DataNode gets it: its own entry stands elsewhere.
fn for_the_rest<T>(list: &mut Vec<T>) {
    if !list.is_empty() {
        list.remove(0);
    }
}

/// A pipeline at work.
struct Streaming<'a> {
    node: &'a Arc<DataNode>,
    upstream: Connection,
    mirror: Option<Connection>,
    pipeline: Pipeline,
    nth: u64,
    spoil: bool,
}

impl Streaming<'_> {
    /// Until the last ack is sent. Tells this DataNode's part in it.
    async fn run(&mut self) -> io::Result<Status> {
        let mut status = Status::Success;
        loop {
            self.take_packets().await?;
            self.take_acks();
            while let Some(ack) = self.pipeline.next_ack().map_err(invalid)? {
                if let Some(block) = ack.completed {
                    self.completed(block);
                }
                status = ack.replies.first().copied().unwrap_or(Status::Success);
                if self.pipeline.acks() {
                    let mut bytes = Vec::with_capacity(32);
                    put_ack(&mut bytes, ack.seqno, ack.replies.iter().copied());
                    self.upstream.outbox.unit(&bytes);
                }
            }
            self.upstream.try_flush()?;
            if let Some(mirror) = &mut self.mirror
                && let Err(error) = mirror.try_flush()
            {
                self.mirror_failed(&error);
            }
            let mirror_is_idle = self.mirror.as_ref().is_none_or(|mirror| mirror.outbox.bytes().is_empty());
            if self.pipeline.is_done() && self.upstream.outbox.bytes().is_empty() && mirror_is_idle {
                return Ok(status);
            }
            self.wait().await?;
        }
    }

    /// Reads once, then stores and forwards the packets that are there: acks shall not wait for a client that never pauses.
    async fn take_packets(&mut self) -> io::Result<()> {
        if self.wants_packets() {
            self.upstream.try_fill(READ_ROOM)?;
        }
        while self.wants_packets() {
            let mut spoil = self.spoil;
            if self.node.hook.watching() {
                if Packet::parse(self.upstream.inbox.bytes()).map_err(invalid)?.is_none() {
                    return Ok(());
                }
                spoil |= self.ask().await?;
            }
            let Some(packet) = Packet::parse(self.upstream.inbox.bytes()).map_err(invalid)? else {
                return Ok(());
            };
            let length = packet.bytes.len();
            let forward = self.pipeline.take(&packet, spoil && !packet.data.is_empty()).map_err(invalid)?;
            if forward
                && let Some(mirror) = &mut self.mirror
                && let Err(error) = put_packet(mirror, packet.bytes)
            {
                self.mirror_failed(&error);
            }
            self.upstream.inbox.consume(length);
        }
        Ok(())
    }

    /// Asks the faults about the next packet. Tells whether it is to be spoilt.
    async fn ask(&mut self) -> io::Result<bool> {
        self.nth += 1;
        let verdict = self.node.ask(|_| Event::Packet {
            datanode: self.node.number(),
            block: self.pipeline.block().id,
            nth: self.nth,
            writing: true,
        });
        match obey(self.node, &mut self.upstream, verdict).await? {
            Ruling::Go { spoil } => Ok(spoil),
            Ruling::Refuse { class, message } => Err(io::Error::other(format!("{class}: {message}"))),
        }
    }

    fn wants_packets(&self) -> bool {
        self.pipeline.wants_packets() && self.mirror.as_ref().is_none_or(|mirror| mirror.outbox.bytes().len() < MAX_BACKLOG)
    }

    /// Takes the acks of the next DataNode that have come.
    fn take_acks(&mut self) {
        if !self.pipeline.acks() {
            return;
        }
        let Some(mirror) = &mut self.mirror else { return };
        let mut taken = || {
            loop {
                while let Some(ack) = mirror.inbox.message().map_err(invalid)? {
                    self.pipeline.take_ack(&ack).map_err(invalid)?;
                }
                if self.pipeline.is_done() || !mirror.try_fill(4 << 10)? {
                    return Ok(());
                }
            }
        };
        let taken: io::Result<()> = taken();
        if let Err(error) = taken {
            self.mirror_failed(&error);
        }
    }

    fn mirror_failed(&mut self, error: &io::Error) {
        tracing::info!(datanode = self.node.number(), block = %self.pipeline.block(), %error, "the next DataNode of a pipeline failed");
        self.mirror = None;
        self.pipeline.downstream_failed();
    }

    /// Tells the NameNode before anybody else learns of it, so that the client's next call finds the block complete.
    fn completed(&self, block: Block) {
        self.node.tell(self.node.clock.now(), block, BlockStatus::Received);
    }

    /// Until one of the sockets has something to read, or takes something that waits.
    async fn wait(&self) -> io::Result<()> {
        let upstream = interest(self.wants_packets(), &self.upstream);
        let mirror = self.mirror.as_ref().map(|mirror| (mirror, interest(self.pipeline.acks(), mirror)));
        let upstream = async {
            match upstream {
                Some(interest) => self.upstream.stream.ready(interest).await.map(|_| ()),
                None => std::future::pending().await,
            }
        };
        let mirror = async {
            match mirror {
                Some((mirror, Some(interest))) => mirror.stream.ready(interest).await.map(|_| ()),
                _ => std::future::pending().await,
            }
        };
        let ready = async {
            tokio::select! {
                ready = upstream => ready,
                // A mirror that fails is found out when it is used.
                _ = mirror => Ok(()),
            }
        };
        let waits_to_send = !self.upstream.outbox.bytes().is_empty();
        let limit = if waits_to_send { WRITE_TIMEOUT } else { READ_TIMEOUT };
        timeout(limit, ready).await.map_err(|_| io::Error::from(ErrorKind::TimedOut))?
    }
}

/// Sends a packet on: what the socket takes at once goes straight from where it was received.
fn put_packet(mirror: &mut Connection, mut packet: &[u8]) -> io::Result<()> {
    if mirror.outbox.is_transparent() && mirror.outbox.bytes().is_empty() {
        match mirror.stream.try_write(packet) {
            Ok(length) => packet = &packet[length..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    if !packet.is_empty() {
        mirror.outbox.unit(packet);
    }
    Ok(())
}

/// What to wait for at a socket, if there is anything.
fn interest(reading: bool, connection: &Connection) -> Option<Interest> {
    let writing = !connection.outbox.bytes().is_empty();
    match (reading, writing) {
        (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
        (true, false) => Some(Interest::READABLE),
        (false, true) => Some(Interest::WRITABLE),
        (false, false) => None,
    }
}
