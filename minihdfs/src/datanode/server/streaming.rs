//! The packets of a write pipeline, from the socket into the replica and to the next DataNode, and
//! the acks in the opposite direction.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use kerbox_events::{Changes, Event};
use kerbox_net::within;
use tokio::io::Interest;

use super::connection::{Connection, READ_TIMEOUT, WRITE_TIMEOUT, invalid};
use super::faults::{ask, dial, disk_error};
use crate::datanode::node::DataNode;
use crate::datanode::packet::{Packet, put_ack};
use crate::datanode::pipeline::Pipeline;
use crate::proto::hdfs::Status;
use crate::protocol::{Block, BlockStatus, ReceivedDeletedBlock};

/// The buffer space for the first read: more than a small file needs.
const FIRST_ROOM: usize = 16 << 10;

/// The most buffer space for one read: several packets. Blocks as large come from the system and
/// are cleared before use, which would cost a small file more than its bytes.
const READ_ROOM: usize = 256 << 10;

/// The number of pending bytes, of packets for the next DataNode or of acks for the previous one,
/// at which no more packets are accepted.
const MAX_BACKLOG: usize = 1 << 20;

/// A running pipeline.
pub(super) struct Streaming<'a> {
    node: &'a Arc<DataNode>,
    upstream: &'a mut Connection,
    mirror: Option<Connection>,
    /// The uuid of the next DataNode.
    next: String,
    pipeline: Pipeline,
    /// The buffer space for the next read. It doubles while reads fill it.
    room: usize,
    /// The number of packets that faults were asked about.
    nth: u64,
    /// The number of acks that faults were asked about.
    nth_ack: u64,
    spoil: bool,
    /// The uuid of the DataNode whose replica the new one replaces.
    replaces: Option<Arc<str>>,
}

impl<'a> Streaming<'a> {
    /// Creates a pipeline that receives packets from `upstream` and forwards them to `mirror`, the
    /// DataNode with this uuid. `spoil`, for a fault, corrupts the stored data.
    pub(super) fn new(
        node: &'a Arc<DataNode>,
        upstream: &'a mut Connection,
        mirror: Option<(Connection, String)>,
        pipeline: Pipeline,
        spoil: bool,
    ) -> Self {
        let (mirror, next) = mirror.unzip();
        Self {
            node,
            upstream,
            mirror,
            next: next.unwrap_or_default(),
            pipeline,
            room: FIRST_ROOM,
            nth: 0,
            nth_ack: 0,
            spoil,
            replaces: None,
        }
    }

    /// Has the NameNode delete the replica of the DataNode with this uuid once the block is here.
    pub(super) fn replacing(mut self, datanode: &str) -> Self {
        self.replaces = Some(datanode.into());
        self
    }

    /// Runs until the last ack is sent. Returns this DataNode's status.
    pub(super) async fn run(&mut self) -> io::Result<Status> {
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
                    self.ask_about_ack().await?;
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
            self.upstream.counts(self.mirror.as_ref());
            let mirror_is_idle = self
                .mirror
                .as_ref()
                .is_none_or(|mirror| mirror.outbox.is_empty());
            if self.pipeline.is_done() && self.upstream.outbox.is_empty() && mirror_is_idle {
                return Ok(status);
            }
            // Packets left in the inbox are processed as soon as acks or the mirror have made room.
            // Their sender may send nothing more that would wake this task.
            if self.has_packet()? {
                tokio::task::yield_now().await;
            } else {
                self.wait().await?;
            }
        }
    }

    /// Returns true if the inbox contains a packet that can be accepted now.
    fn has_packet(&self) -> io::Result<bool> {
        Ok(self.wants_packets()
            && Packet::parse(self.upstream.inbox.bytes())
                .map_err(invalid)?
                .is_some())
    }

    /// Reads once, then stores and forwards the packets in the inbox. Reading more would delay acks
    /// for a client that never pauses.
    async fn take_packets(&mut self) -> io::Result<()> {
        // Nothing more is read while packets are left over, since the inbox would grow without
        // bound.
        if self.wants_packets()
            && !self.has_packet()?
            && self.upstream.try_fill(self.room)? >= self.room
        {
            self.room = READ_ROOM.min(self.room * 2);
        }
        while self.wants_packets() {
            let mut spoil = self.spoil;
            if self.node.hook.watching() {
                let next = Packet::parse(self.upstream.inbox.bytes()).map_err(invalid)?;
                let Some(length) = next.map(|packet| packet.bytes.len()) else {
                    return Ok(());
                };
                let changes = self.ask(length).await?;
                if changes.disk_error {
                    return Err(disk_error());
                }
                spoil |= changes.corrupt;
                if self.mirror.is_some()
                    && let Err(error) = dial(self.node, &self.next).await
                {
                    self.mirror_failed(&error);
                }
            }
            let Some(packet) = Packet::parse(self.upstream.inbox.bytes()).map_err(invalid)? else {
                return Ok(());
            };
            let length = packet.bytes.len();
            let forward = self
                .pipeline
                .take(&packet, spoil && !packet.data.is_empty())
                .map_err(invalid)?;
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

    /// Consults the faults about the next ack. Earlier ones are sent first.
    async fn ask_about_ack(&mut self) -> io::Result<()> {
        if !self.node.hook.watching() {
            return Ok(());
        }
        self.nth_ack += 1;
        self.upstream.flush().await?;
        if let Some(mirror) = &mut self.mirror
            && let Err(error) = mirror.try_flush()
        {
            self.mirror_failed(&error);
        }
        let (datanode, block, nth) = (self.node.number(), self.pipeline.block().id, self.nth_ack);
        let event = || Event::Ack {
            datanode,
            block,
            nth,
        };
        ask(self.node, self.upstream, event).await.map(drop)
    }

    /// Consults the faults about the next packet.
    async fn ask(&mut self, length: usize) -> io::Result<Changes> {
        self.nth += 1;
        let (datanode, block, nth) = (self.node.number(), self.pipeline.block().id, self.nth);
        let event = || Event::Packet {
            datanode,
            block,
            nth,
            writing: true,
            length,
        };
        ask(self.node, self.upstream, event).await
    }

    fn wants_packets(&self) -> bool {
        let has_room = |connection: &Connection| connection.outbox.length() < MAX_BACKLOG;
        self.pipeline.wants_packets()
            && has_room(self.upstream)
            && self.mirror.as_ref().is_none_or(has_room)
    }

    /// Processes the acks received from the next DataNode.
    fn take_acks(&mut self) {
        if !self.pipeline.acks() {
            return;
        }
        let Some(mirror) = &mut self.mirror else {
            return;
        };
        let mut taken = || {
            loop {
                while let Some(ack) = mirror.inbox.message().map_err(invalid)? {
                    self.pipeline.take_ack(&ack).map_err(invalid)?;
                }
                if self.pipeline.is_done() || mirror.try_fill(4 << 10)? == 0 {
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

    /// Reports the block to the NameNode before anything else learns of it, so that the client's
    /// next call finds the block complete.
    fn completed(&self, block: Block) {
        let change = ReceivedDeletedBlock {
            block,
            status: BlockStatus::Received,
            delete_hint: self.replaces.clone(),
        };
        self.node.tell_change(self.node.clock.now(), change);
    }

    /// Waits until one of the sockets is readable or accepts pending output.
    async fn wait(&self) -> io::Result<()> {
        let upstream = interest(self.wants_packets(), self.upstream);
        let mirror = self
            .mirror
            .as_ref()
            .map(|mirror| (mirror, interest(self.pipeline.acks(), mirror)));
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
                // A failed mirror is detected when it is next used.
                _ = mirror => Ok(()),
            }
        };
        let waits_to_send = !self.upstream.outbox.is_empty();
        let limit = if waits_to_send {
            WRITE_TIMEOUT
        } else {
            READ_TIMEOUT
        };
        within(limit, ready).await
    }
}

/// Forwards a packet. Writes it directly to the socket as far as possible, without copying.
fn put_packet(mirror: &mut Connection, mut packet: &[u8]) -> io::Result<()> {
    if mirror.outbox.is_transparent() && mirror.outbox.is_empty() {
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

/// Returns the readiness to wait for on a socket, if any.
fn interest(reading: bool, connection: &Connection) -> Option<Interest> {
    let writing = !connection.outbox.is_empty();
    match (reading, writing) {
        (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
        (true, false) => Some(Interest::READABLE),
        (false, true) => Some(Interest::WRITABLE),
        (false, false) => None,
    }
}
