//! Packets of data and their acks.
//!
//! ```text
//! int32   4 + length of the checksums + length of the data
//! int16   length of the header
//! header  PacketHeaderProto: fixed-size fields, 25 bytes, or 27 with syncBlock
//! checksums, data
//! ```

use prost::Message;
use prost::encoding::encode_varint;

use crate::HdfsError;
use crate::proto::hdfs::{PacketHeaderProto, Status};

/// The seqno of heartbeat packets, which only show that the writer is alive, and of their acks.
pub(crate) const HEARTBEAT: i64 = -1;

/// The length of the fields before the checksums in packets that we send. libhdfs3 requires headers
/// of exactly 25 bytes.
pub(crate) const HEADER_LENGTH: usize = 6 + 25;

/// The longest accepted packet (`dfs.data.transfer.max.packet.size`).
pub(crate) const MAX_PACKET: usize = 16 << 20;

/// A packet, borrowed from the received bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) header: PacketHeaderProto,
    pub(crate) checksums: &'a [u8],
    pub(crate) data: &'a [u8],
    /// The complete packet as received, for forwarding to the next DataNode.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Parses the first packet of `bytes`; `None` if more bytes are needed.
    ///
    /// # Errors
    /// Fails if the lengths contradict each other or exceed 16 MiB. The bytes that follow are then
    /// meaningless.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Option<Self>, HdfsError> {
        let Some((prefix, _)) = bytes.split_first_chunk::<6>() else {
            return Ok(None);
        };
        let payload = i32::from_be_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]);
        let header = usize::from(u16::from_be_bytes([prefix[4], prefix[5]]));
        let payload = usize::try_from(payload)
            .ok()
            .filter(|payload| (4..=MAX_PACKET).contains(&(payload + header)) && *payload >= 4)
            .ok_or_else(|| {
                HdfsError::io(format!(
                    "Incorrect value for packet payload size: {payload}"
                ))
            })?;
        let length = 6 + header + payload - 4;
        let Some(bytes) = bytes.get(..length) else {
            return Ok(None);
        };
        let (head, body) = bytes[6..].split_at(header);
        let header = PacketHeaderProto::decode(head)
            .map_err(|error| HdfsError::io(format!("Cannot read a packet's header: {error}")))?;
        let checksums = usize::try_from(header.data_len)
            .ok()
            .and_then(|data| body.len().checked_sub(data))
            .ok_or_else(|| {
                HdfsError::io(format!(
                    "Invalid packet: data length {} exceeds data and checksums of {} bytes together",
                    header.data_len,
                    body.len()
                ))
            })?;
        let (checksums, data) = body.split_at(checksums);
        Ok(Some(Packet {
            header,
            checksums,
            data,
            bytes,
        }))
    }

    /// Returns true if the packet is a heartbeat, without data. A packet with data is a data
    /// packet, whatever its seqno.
    pub(crate) fn is_heartbeat(&self) -> bool {
        self.header.seqno == HEARTBEAT && self.data.is_empty() && !self.header.last_packet_in_block
    }

    /// Returns the offset in the block at which its data ends.
    pub(crate) fn end(&self) -> u64 {
        u64::try_from(self.header.offset_in_block)
            .unwrap_or(0)
            .saturating_add(self.data.len() as u64)
    }
}

/// Writes the fields before the checksums of a packet without syncBlock.
pub(crate) fn put_header(
    out: &mut [u8; HEADER_LENGTH],
    offset: u64,
    seqno: i64,
    last: bool,
    checksums: usize,
    data: usize,
) {
    // Both are at most MAX_PACKET.
    out[0..4].copy_from_slice(&((4 + checksums + data) as u32).to_be_bytes());
    out[4..6].copy_from_slice(&25u16.to_be_bytes());
    out[6] = 0x09;
    out[7..15].copy_from_slice(&offset.to_le_bytes());
    out[15] = 0x11;
    out[16..24].copy_from_slice(&seqno.to_le_bytes());
    out[24] = 0x18;
    out[25] = last.into();
    out[26] = 0x25;
    out[27..31].copy_from_slice(&(data as u32).to_le_bytes());
}

/// Appends a delimited PipelineAckProto: this DataNode's status, then those of the ones after it.
///
/// Writes all fields, as Hadoop does, so that the message is never shorter than the 5 bytes that
/// the Go client reads at once.
pub(crate) fn put_ack(
    out: &mut Vec<u8>,
    seqno: i64,
    replies: impl Iterator<Item = Status> + Clone,
) {
    let zigzag = ((seqno << 1) ^ (seqno >> 63)) as u64;
    let count = replies.clone().count();
    let length = 1
        + prost::encoding::encoded_len_varint(zigzag)
        + 2 * count
        + 2
        + 1
        + prost::encoding::encoded_len_varint(count as u64)
        + count;
    encode_varint(length as u64, out);
    out.push(0x08);
    encode_varint(zigzag, out);
    for reply in replies.clone() {
        out.extend_from_slice(&[0x10, reply as u8]);
    }
    out.extend_from_slice(&[0x18, 0x00, 0x22]);
    encode_varint(count as u64, out);
    // The upper bits would signal congestion; the lower four repeat the status.
    out.extend(replies.map(|reply| reply as u8));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::hdfs::PipelineAckProto;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        digits
            .chunks(2)
            .map(|pair| {
                u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex")
            })
            .collect()
    }

    const HELLO: &str = "0000000d 0019 09 0000000000000000 11 0000000000000000 18 00 25 05000000 9a71bb4c 68656c6c6f";

    #[test]
    fn a_data_packet_reads_as_hadoop_writes_it() {
        let hello = bytes(HELLO);
        let packet = Packet::parse(&hello)
            .expect("well-formed")
            .expect("complete");
        assert_eq!(packet.data, b"hello");
        assert_eq!(packet.checksums, bytes("9a71bb4c"));
        assert_eq!(
            (packet.header.seqno, packet.header.last_packet_in_block),
            (0, false)
        );
        assert_eq!(packet.bytes, hello);
        let mut header = [0; HEADER_LENGTH];
        put_header(&mut header, 0, 0, false, 4, 5);
        assert_eq!(header, hello[..HEADER_LENGTH]);
    }

    #[test]
    fn the_last_packet_and_a_heartbeat_read_as_hadoop_writes_them() {
        let last = bytes("00000004 0019 09 0500000000000000 11 0100000000000000 18 01 25 00000000");
        let packet = Packet::parse(&last)
            .expect("well-formed")
            .expect("complete");
        assert!(packet.header.last_packet_in_block && packet.data.is_empty() && packet.end() == 5);
        let mut header = [0; HEADER_LENGTH];
        put_header(&mut header, 5, 1, true, 0, 0);
        assert_eq!(header, *last);
        let heartbeat =
            bytes("00000004 0019 09 0000000000000000 11 ffffffffffffffff 18 00 25 00000000");
        assert!(
            Packet::parse(&heartbeat)
                .expect("well-formed")
                .expect("complete")
                .is_heartbeat()
        );
    }

    #[test]
    fn a_packet_with_sync_block_is_two_bytes_longer() {
        let packet =
            bytes("00000004 001b 09 0500000000000000 11 0100000000000000 18 00 25 00000000 28 01");
        let packet = Packet::parse(&packet)
            .expect("well-formed")
            .expect("complete");
        assert_eq!(packet.header.sync_block, Some(true));
    }

    #[test]
    fn a_packet_cut_anywhere_asks_for_more() {
        let hello = bytes(HELLO);
        for length in 0..hello.len() {
            assert_eq!(
                Packet::parse(&hello[..length]).expect("not wrong yet"),
                None,
                "{length}"
            );
        }
    }

    #[test]
    fn contradicting_lengths_are_refused_and_no_bytes_panic() {
        for wrong in [
            "00000003 0019",
            "ffffffff 0019",
            "7fffffff 0019",
            "01000001 0000",
            // A data length beyond the payload, a negative one, and a header that is not a valid
            // message.
            "00000008 0019 09 0000000000000000 11 0000000000000000 18 00 25 05000000 9a71bb4c",
            "00000004 0019 09 0000000000000000 11 0000000000000000 18 00 25 ffffffff",
            "00000004 0002 ffff",
        ] {
            assert!(Packet::parse(&bytes(wrong)).is_err(), "{wrong}");
        }
        let hello = bytes(HELLO);
        for position in 0..hello.len() {
            for bit in 0..8 {
                let mut flipped = hello.clone();
                flipped[position] ^= 1 << bit;
                if let Ok(Some(packet)) = Packet::parse(&flipped) {
                    let _ = (packet.end(), packet.is_heartbeat());
                }
            }
        }
    }

    #[test]
    fn acks_are_written_as_hadoop_writes_them() {
        for (seqno, replies, expected) in [
            (0, vec![Status::Success], "09 08 00 10 00 18 00 22 01 00"),
            (
                HEARTBEAT,
                vec![Status::Success],
                "09 08 01 10 00 18 00 22 01 00",
            ),
            (
                7,
                vec![Status::Success, Status::Success, Status::Error],
                "0f 08 0e 10 00 10 00 10 01 18 00 22 03 00 00 01",
            ),
        ] {
            let mut ack = Vec::new();
            put_ack(&mut ack, seqno, replies.iter().copied());
            assert_eq!(ack, bytes(expected));
            let read = PipelineAckProto::decode_length_delimited(&*ack).expect("a message");
            assert_eq!(read.seqno, seqno);
            assert!(read.reply().eq(replies));
        }
    }
}
