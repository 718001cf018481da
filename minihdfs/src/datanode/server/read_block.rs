//! READ_BLOCK and COPY_BLOCK: sending packets.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use kerbox_events::{Changes, Event, Operation};

use super::connection::{Connection, READ_TIMEOUT};
use super::faults::{Running, ask, disk_error};
use super::request::{WantedStorage, block_of, check_access, refusal, refused};
use crate::HdfsError;
use crate::datanode::block_store::{ReadRange, ReplicaReader};
use crate::datanode::node::DataNode;
use crate::datanode::packet::Packet;
use crate::proto::hdfs::{
    BlockOpResponseProto, ClientReadStatusProto, OpCopyBlockProto, OpReadBlockProto,
    ReadOpChecksumInfoProto, Status,
};
use crate::protocol::Block;
use crate::token::AccessMode;

/// The amount of data collected for one write to the socket: several packets, but small enough to
/// stay in the CPU cache.
const BATCH: usize = 256 << 10;

/// Serves a read. Returns true if the connection can be used for another operation.
pub(super) async fn read_block(
    node: &Arc<DataNode>,
    connection: &mut Connection,
    request: OpReadBlockProto,
) -> io::Result<bool> {
    let event = |outcome| Event::ReadBlock {
        datanode: node.number(),
        block: request.header.base_header.block.block_id,
        offset: request.offset,
        length: request.len,
        outcome,
    };
    let (journal, ruling) = Running::begin(node, connection, event).await?;
    let opened = match ruling {
        Err(exception) => Err(Box::new(refused(&exception, None))),
        Ok(changes) => open_range(node, connection.peer, &request)
            .map(|(block, reader)| (block, reader, changes.corrupt)),
    };
    let (block, mut reader, corrupt) = match opened {
        Ok(opened) => opened,
        Err(refused) => {
            journal.end(refused.status());
            connection.send(&*refused).await?;
            return Ok(false);
        }
    };
    connection.outbox.message(&opened_answer(&reader));
    let sent = send_packets(node, connection, block, &mut reader, corrupt).await;
    report_damage(node, &reader, &sent);
    // A client that has read enough closes the connection.
    sent?;
    journal.end(Status::Success);
    let Ok(status) = connection
        .message::<ClientReadStatusProto>(READ_TIMEOUT)
        .await
    else {
        return Ok(false);
    };
    Ok(matches!(
        status.status(),
        Status::Success | Status::ChecksumOk
    ))
}

/// Checks the token, and opens the range of the replica that a client asks for.
fn open_range(
    node: &DataNode,
    peer: SocketAddr,
    request: &OpReadBlockProto,
) -> Result<(Block, ReplicaReader), Box<BlockOpResponseProto>> {
    let header = &request.header.base_header;
    let mode = AccessMode::Read;
    check_access(
        node,
        peer,
        "READ_BLOCK",
        header,
        mode,
        WantedStorage::default(),
    )
    .map_err(|denied| Box::new(denied.answer(None)))?;
    let range = ReadRange {
        offset: request.offset,
        length: request.len,
        checksums: request.send_checksums(),
    };
    let opened =
        block_of(node, &header.block).and_then(|block| Ok((block, node.store.read(block, range)?)));
    opened.map_err(|error| {
        node.check_replica(node.clock.now(), header.block.block_id);
        let why = format!(
            "opReadBlock {}:blk_{}_{} received exception {error}",
            header.block.pool_id, header.block.block_id, header.block.generation_stamp
        );
        Box::new(refusal(Status::Error, None, why))
    })
}

/// Reports damage found while reading the replica to the NameNode.
pub(super) fn report_damage(node: &DataNode, reader: &ReplicaReader, sent: &io::Result<()>) {
    let (now, block) = (node.clock.now(), reader.block());
    if let Some(at) = reader.damaged_at() {
        tracing::warn!(datanode = node.number(), %block, at, "a replica does not match its checksums");
        node.report_bad_block(now, block);
    } else if sent.is_err() {
        // Usually the client has read enough, but the file may also have ended too early.
        node.check_replica(now, block.id);
    }
}

/// COPY_BLOCK: reads the whole block for a balancer.
pub(super) async fn copy_block(
    node: &Arc<DataNode>,
    connection: &mut Connection,
    request: OpCopyBlockProto,
) -> io::Result<()> {
    let event = |outcome| Event::DataTransfer {
        datanode: node.number(),
        operation: Operation::CopyBlock,
        block: request.header.block.block_id,
        outcome,
    };
    let (journal, ruling) = Running::begin(node, connection, event).await?;
    let opened = match ruling {
        Err(exception) => Err(Box::new(refused(&exception, None))),
        Ok(changes) => check_access(
            node,
            connection.peer,
            Operation::CopyBlock.name(),
            &request.header,
            AccessMode::Copy,
            WantedStorage::default(),
        )
        .map_err(|denied| Box::new(denied.answer(None)))
        .and_then(|()| {
            open_whole(node, &request)
                .map_err(|error| Box::new(refusal(Status::Error, None, error.to_string())))
        })
        .map(|(block, reader)| (block, reader, changes.corrupt)),
    };
    let (block, mut reader, corrupt) = match opened {
        Ok(opened) => opened,
        Err(refused) => {
            journal.end(refused.status());
            return connection.send(&*refused).await;
        }
    };
    connection.outbox.message(&opened_answer(&reader));
    let sent = send_packets(node, connection, block, &mut reader, corrupt).await;
    report_damage(node, &reader, &sent);
    sent?;
    journal.end(Status::Success);
    // Java's writeChar('d'), which BlockBalanceThrottler's counterpart expects.
    connection.outbox.unit(&[0, b'd']);
    connection.flush().await
}

fn open_whole(
    node: &DataNode,
    request: &OpCopyBlockProto,
) -> Result<(Block, ReplicaReader), HdfsError> {
    let block = block_of(node, &request.header.block)?;
    let reader = node.store.read_whole(block).inspect_err(|_| {
        node.check_replica(node.clock.now(), block.id);
    })?;
    Ok((block, reader))
}

fn opened_answer(reader: &ReplicaReader) -> BlockOpResponseProto {
    BlockOpResponseProto {
        status: Status::Success.into(),
        read_op_checksum_info: Some(ReadOpChecksumInfoProto {
            checksum: reader.checksum().to_proto(),
            chunk_offset: reader.chunk_offset(),
        }),
        ..BlockOpResponseProto::default()
    }
}

/// Sends all packets of a read, after the output that is already pending.
pub(super) async fn send_packets(
    node: &Arc<DataNode>,
    connection: &mut Connection,
    block: Block,
    reader: &mut ReplicaReader,
    corrupt: bool,
) -> io::Result<()> {
    let mut nth = 0;
    while let Some(length) = reader.next_length() {
        nth += 1;
        let mut changes = Changes::default();
        if node.hook.watching() {
            // Earlier packets are actually sent before the fault takes effect.
            connection.flush().await?;
            let event = || Event::Packet {
                datanode: node.number(),
                block: block.id,
                nth,
                writing: false,
                length,
            };
            changes = ask(node, connection, event).await?;
            if changes.disk_error {
                return Err(disk_error());
            }
        }
        connection.outbox.unit_with(length, |packet| {
            reader.read_packet(packet)?;
            damage(packet, corrupt || changes.corrupt, changes.wrong_checksums);
            Ok::<_, io::Error>(())
        })?;
        if connection.outbox.length() >= BATCH {
            connection.flush().await?;
        }
    }
    connection.flush().await
}

/// Changes a byte of a packet's data or of its checksums. The last packet has neither, and headers
/// stay readable.
fn damage(packet: &mut [u8], data: bool, checksums: bool) {
    if !data && !checksums {
        return;
    }
    let Ok(Some(parsed)) = Packet::parse(packet) else {
        return;
    };
    // The data is at the end of a packet, and its checksums come right before.
    let sums_end = packet.len() - parsed.data.len();
    let (has_data, has_checksums) = (!parsed.data.is_empty(), !parsed.checksums.is_empty());
    if data
        && has_data
        && let Some(last) = packet.last_mut()
    {
        *last ^= 0xff;
    }
    if checksums && has_checksums {
        packet[sums_end - 1] ^= 0xff;
    }
}
