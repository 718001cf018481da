//! A test client that does only what it is asked to do.

use super::*;
use crate::datanode::stream::Outbox;

pub(super) const CRC32C: ChecksumProto = ChecksumProto {
    r#type: ChecksumTypeProto::ChecksumCrc32c as i32,
    bytes_per_checksum: 512,
};

pub(super) fn header(block: Block, token: Token, client: &str) -> ClientOperationHeaderProto {
    ClientOperationHeaderProto {
        base_header: BaseHeaderProto {
            block: ExtendedBlockProto {
                pool_id: POOL.to_owned(),
                block_id: block.id,
                generation_stamp: block.generation_stamp,
                num_bytes: Some(block.length),
            },
            token: Some(token.into()),
            trace_info: None,
        },
        client_name: client.to_owned(),
    }
}

pub(super) fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 31 + index / 251) as u8)
        .collect()
}

pub(super) async fn begin_write(
    connection: &mut Connection,
    request: &OpWriteBlockProto,
) -> BlockOpResponseProto {
    put_operation(connection, op::WRITE_BLOCK, request);
    connection.flush().await.expect("taken");
    connection.message(READ_TIMEOUT).await.expect("answered")
}

pub(super) fn put_packet(
    connection: &mut Connection,
    seqno: i64,
    offset: usize,
    data: &[u8],
    last: bool,
) {
    append_packet(&mut connection.outbox, seqno, offset, data, last);
}

pub(super) fn append_packet(
    outbox: &mut Outbox,
    seqno: i64,
    offset: usize,
    data: &[u8],
    last: bool,
) {
    let checksum = DataChecksum::from_proto(CRC32C).expect("a plain size");
    let sums = checksum.length_of(data.len());
    let mut packet = vec![0; HEADER_LENGTH + sums + data.len()];
    let (head, body) = packet
        .split_first_chunk_mut::<HEADER_LENGTH>()
        .expect("longer");
    put_header(head, offset as u64, seqno, last, sums, data.len());
    checksum.compute(data, &mut body[..sums]);
    body[sums..].copy_from_slice(data);
    outbox.unit(&packet);
}

/// Sends `data` in packets from `offset` on, and waits for each ack.
pub(super) async fn write_all(
    connection: &mut Connection,
    offset: usize,
    data: &[u8],
    last: bool,
) -> io::Result<Vec<PipelineAckProto>> {
    let mut acks = Vec::new();
    let mut position = offset;
    for (seqno, piece) in data.chunks(64_512).enumerate() {
        put_packet(connection, seqno as i64, position, piece, false);
        connection.flush().await?;
        acks.push(connection.message(READ_TIMEOUT).await?);
        position += piece.len();
    }
    if last {
        put_packet(connection, acks.len() as i64, position, &[], true);
        connection.flush().await?;
        acks.push(connection.message(READ_TIMEOUT).await?);
    }
    Ok(acks)
}

pub(super) async fn begin_read(
    connection: &mut Connection,
    token: Token,
    offset: usize,
    length: usize,
) -> io::Result<BlockOpResponseProto> {
    let request = OpReadBlockProto {
        header: header(BLOCK, token, "client"),
        offset: offset as u64,
        len: length as u64,
        ..OpReadBlockProto::default()
    };
    put_operation(connection, op::READ_BLOCK, &request);
    connection.flush().await?;
    connection.message(READ_TIMEOUT).await
}

/// Returns the verified packets of a read, up to the empty one.
pub(super) async fn read_packets(connection: &mut Connection) -> io::Result<Vec<u8>> {
    let checksum = DataChecksum::from_proto(CRC32C).expect("a plain size");
    let mut data = Vec::new();
    let mut seqno = 0;
    loop {
        let Some(packet) = Packet::parse(connection.inbox.bytes()).map_err(connection::invalid)?
        else {
            connection.fill().await?;
            continue;
        };
        assert_eq!(
            (packet.header.seqno, packet.header.sync_block),
            (seqno, None)
        );
        seqno += 1;
        if let Err(at) = checksum.verify(packet.data, packet.checksums) {
            return Err(io::Error::other(format!("damaged at {}", data.len() + at)));
        }
        data.extend_from_slice(packet.data);
        let (length, last) = (packet.bytes.len(), packet.header.last_packet_in_block);
        connection.inbox.consume(length);
        if last {
            return Ok(data);
        }
    }
}

pub(super) async fn read_on(
    connection: &mut Connection,
    token: Token,
    length: usize,
) -> io::Result<Vec<u8>> {
    let answer = begin_read(connection, token, 0, length).await?;
    if answer.status() != Status::Success {
        return Err(io::Error::other(format!(
            "{}: {}",
            answer.status().as_str_name(),
            answer.message()
        )));
    }
    let data = read_packets(connection).await?;
    let status = ClientReadStatusProto {
        status: Status::ChecksumOk.into(),
    };
    connection.send(&status).await?;
    Ok(data)
}
