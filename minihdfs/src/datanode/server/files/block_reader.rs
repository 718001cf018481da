//! The data of one block, from one DataNode.

use std::io::{self, ErrorKind};

use bytes::Bytes;
use kerbox_net::within;

use super::FileClient;
use crate::HdfsError;
use crate::datanode::checksum::DataChecksum;
use crate::datanode::packet::Packet;
use crate::datanode::server::connection::{Connection, READ_TIMEOUT, invalid};
use crate::datanode::server::request::{op, put_operation};
use crate::proto::hdfs::{
    BaseHeaderProto, BlockOpResponseProto, ClientOperationHeaderProto, ClientReadStatusProto,
    DatanodeInfoProto, LocatedBlockProto, OpReadBlockProto, Status,
};

/// The buffer space for one read: several packets.
const READ_ROOM: usize = 256 << 10;

/// A read under way.
pub(super) struct BlockReader {
    connection: Connection,
    checksum: DataChecksum,
    /// The offset in the block of the next byte that is wanted.
    position: u64,
    end: u64,
}

impl BlockReader {
    /// Asks a DataNode for the bytes of a block from `start` to `end`.
    pub(super) async fn open(
        client: &FileClient,
        located: &LocatedBlockProto,
        from: &DatanodeInfoProto,
        (start, end): (u64, u64),
    ) -> io::Result<Self> {
        let token = located.block_token.clone();
        let mut connection = client.connect(&from.id, &token.clone().into()).await?;
        let request = OpReadBlockProto {
            header: ClientOperationHeaderProto {
                base_header: BaseHeaderProto {
                    block: located.b.clone(),
                    token: Some(token),
                    trace_info: None,
                },
                client_name: client.name.clone(),
            },
            offset: start,
            len: end.saturating_sub(start),
            send_checksums: Some(true),
            caching_strategy: None,
        };
        put_operation(&mut connection, op::READ_BLOCK, &request);
        connection.flush().await?;
        let answer: BlockOpResponseProto = connection.message(READ_TIMEOUT).await?;
        let info = answer.read_op_checksum_info;
        let (Status::Success, Some(info)) = (answer.status(), info) else {
            return Err(io::Error::other(format!(
                "{}:{} answered {}: {}",
                from.id.ip_addr,
                from.id.xfer_port,
                answer.status().as_str_name(),
                answer.message()
            )));
        };
        Ok(Self {
            connection,
            checksum: DataChecksum::from_proto(info.checksum).map_err(invalid)?,
            position: start,
            end,
        })
    }

    /// Returns the next bytes; `None` at the end of the range.
    pub(super) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if self.position >= self.end {
                return Ok(None);
            }
            let Some(packet) = Packet::parse(self.connection.inbox.bytes()).map_err(invalid)?
            else {
                self.fill().await?;
                continue;
            };
            if self.checksum.verify(packet.data, packet.checksums).is_err() {
                return Err(invalid(HdfsError::checksum("Checksum error")));
            }
            let first = u64::try_from(packet.header.offset_in_block).unwrap_or(0);
            let (from, to) = (self.position.max(first), packet.end().min(self.end));
            let (length, last) = (packet.bytes.len(), packet.header.last_packet_in_block);
            let range = from.saturating_sub(first) as usize..to.saturating_sub(first) as usize;
            // Data that lies before the wanted range is skipped, and nothing may be left out.
            let is_gap = first > self.position;
            let wanted = packet.data.get(range).filter(|data| !data.is_empty());
            let wanted = wanted.map(Bytes::copy_from_slice);
            self.connection.inbox.consume(length);
            if let Some(wanted) = wanted.filter(|_| !is_gap) {
                self.position = to;
                if self.position >= self.end {
                    self.acknowledge().await;
                }
                return Ok(Some(wanted));
            }
            if last || is_gap {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        let connection = &mut self.connection;
        let filled = async {
            loop {
                connection.stream.readable().await?;
                if connection.try_fill(READ_ROOM)? > 0 {
                    return Ok(());
                }
            }
        };
        within(READ_TIMEOUT, filled).await
    }

    /// Tells the DataNode that the checksums were right. It may have gone on already.
    async fn acknowledge(&mut self) {
        let status = ClientReadStatusProto {
            status: Status::ChecksumOk.into(),
        };
        let _ = self.connection.send(&status).await;
    }
}
