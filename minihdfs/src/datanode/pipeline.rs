//! One DataNode's part in a write pipeline, without the sockets: packets from upstream, acks from
//! downstream, and acks to upstream.

use std::collections::VecDeque;

use crate::HdfsError;
use crate::datanode::block_store::{ReplicaWriter, WriteError};
use crate::datanode::packet::Packet;
use crate::proto::hdfs::{PipelineAckProto, Status};
use crate::protocol::Block;

/// The number of packets awaiting downstream acks at which no more are accepted.
pub(crate) const MAX_PENDING: usize = 4096;

/// The treatment of the replica after the last packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Completion {
    /// Finalize it.
    Finalize,
    /// Convert it to one that a client continues to write (TRANSFER_RBW).
    ConvertToRbw,
}

/// The DataNodes after this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Downstream {
    None,
    Alive { count: usize },
    Failed,
}

/// Stores packets and acknowledges them in order, each once it is stored here and on all DataNodes
/// downstream.
pub(crate) struct Pipeline {
    writer: ReplicaWriter,
    completion: Completion,
    /// True if each packet is acknowledged. Clients get acks, but DataNodes that copy a replica do
    /// not.
    acks: bool,
    downstream: Downstream,
    pending: VecDeque<Pending>,
    /// The downstream replies for the first packets of `pending`.
    answers: VecDeque<Vec<Status>>,
    /// True after the last packet or one with wrong checksums. No packet may follow.
    closed: bool,
    done: bool,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    seqno: i64,
    /// The offset in the block at which its data ends; 0 for a heartbeat.
    end: u64,
    last: bool,
    status: Status,
}

/// An ack for upstream. If it has a `completed` block, the NameNode must be notified first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ack {
    pub(crate) seqno: i64,
    pub(crate) replies: Vec<Status>,
    /// The block, if this ack completes it.
    pub(crate) completed: Option<Block>,
}

impl Pipeline {
    /// Creates the part of a DataNode with `downstream` DataNodes after it.
    pub(crate) fn new(
        writer: ReplicaWriter,
        completion: Completion,
        acks: bool,
        downstream: usize,
    ) -> Self {
        Self {
            writer,
            completion,
            acks,
            downstream: if downstream == 0 {
                Downstream::None
            } else {
                Downstream::Alive { count: downstream }
            },
            pending: VecDeque::new(),
            answers: VecDeque::new(),
            closed: false,
            done: false,
        }
    }

    /// Returns true if another packet can be accepted now.
    pub(crate) fn wants_packets(&self) -> bool {
        !self.closed && self.pending.len() < MAX_PENDING
    }

    /// Returns true if everything is stored and acknowledged, or an ack has reported an error.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    pub(crate) fn block(&self) -> Block {
        self.writer.block()
    }

    /// Stores a packet. Returns true if it must be forwarded, which is not the case if it does not
    /// match its checksums.
    ///
    /// # Errors
    /// Fails if the packet does not fit the replica or cannot be stored. The connection then ends
    /// without an ack.
    pub(crate) fn take(&mut self, packet: &Packet<'_>, spoil: bool) -> Result<bool, HdfsError> {
        let mut pending = Pending {
            seqno: packet.header.seqno,
            end: 0,
            last: false,
            status: Status::Success,
        };
        if !packet.is_heartbeat() {
            match self.writer.write(packet, spoil) {
                Ok(()) => {
                    pending.end = packet.end();
                    pending.last = packet.header.last_packet_in_block;
                    self.closed = pending.last;
                }
                Err(WriteError::Checksum(error)) => {
                    tracing::info!(%error, "a packet is refused");
                    pending.status = Status::ErrorChecksum;
                    self.closed = true;
                }
                Err(WriteError::Other(error)) => return Err(error),
            }
        }
        self.pending.push_back(pending);
        Ok(pending.status == Status::Success)
    }

    /// Processes an ack from the next DataNode.
    ///
    /// # Errors
    /// Fails if the ack matches no packet, is out of order, or has replies from too many DataNodes.
    pub(crate) fn take_ack(&mut self, ack: &PipelineAckProto) -> Result<(), HdfsError> {
        if let Downstream::Alive { count } = self.downstream
            && ack.reply.len() > count
        {
            return Err(HdfsError::io(format!(
                "The next DataNode acknowledged packet {} for {} DataNodes: only {count} follow",
                ack.seqno,
                ack.reply.len()
            )));
        }
        let expected = self
            .pending
            .get(self.answers.len())
            .map(|pending| pending.seqno);
        if expected != Some(ack.seqno) {
            return Err(HdfsError::io(format!(
                "The next DataNode acknowledged packet {} instead of {expected:?}",
                ack.seqno
            )));
        }
        self.answers.push_back(ack.reply().collect());
        Ok(())
    }

    /// Handles the loss of the connection to the next DataNode: unacknowledged and later packets
    /// are only stored here.
    pub(crate) fn downstream_failed(&mut self) {
        self.downstream = Downstream::Failed;
    }

    /// Returns the next ack, if it is ready.
    ///
    /// # Errors
    /// Fails if the replica cannot be completed.
    pub(crate) fn next_ack(&mut self) -> Result<Option<Ack>, HdfsError> {
        let Some(&pending) = self.pending.front() else {
            return Ok(None);
        };
        let below = match (self.downstream, self.answers.pop_front()) {
            (_, Some(answer)) => answer,
            (Downstream::None, None) => Vec::new(),
            // DataNodes do not acknowledge a copied replica, and a failed one downstream does not
            // affect this one.
            _ if !self.acks => Vec::new(),
            (Downstream::Failed, None) => vec![Status::Error],
            // It was not forwarded, so no DataNode downstream has rejected it.
            (Downstream::Alive { count }, None) if pending.status != Status::Success => {
                vec![Status::Success; count]
            }
            (Downstream::Alive { .. }, None) => return Ok(None),
        };
        self.pending.pop_front();
        let mut replies = Vec::with_capacity(1 + below.len());
        replies.push(pending.status);
        replies.extend(below);
        let everywhere = replies.iter().all(|status| *status == Status::Success);
        if everywhere {
            self.writer.acked(pending.end);
        }
        // After losing a DataNode the client rebuilds the pipeline, and needs a replica that can
        // still be written.
        let completed = if pending.last && everywhere {
            Some(self.complete()?)
        } else {
            None
        };
        self.done = pending.last || pending.status != Status::Success;
        Ok(Some(Ack {
            seqno: pending.seqno,
            replies,
            completed,
        }))
    }

    fn complete(&mut self) -> Result<Block, HdfsError> {
        match self.completion {
            Completion::Finalize => self.writer.finalize(),
            Completion::ConvertToRbw => self.writer.convert_temporary_to_rbw(),
        }
    }

    /// Returns true if packets are acknowledged.
    pub(crate) fn acks(&self) -> bool {
        self.acks
    }
}

#[cfg(test)]
mod tests;
