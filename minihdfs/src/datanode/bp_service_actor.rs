//! The DataNode's conversation with its NameNode (Hadoop's `BPServiceActor`): registration,
//! heartbeats and the commands in their responses, reports. A NameNode that cannot be reached is
//! tried again with every heartbeat.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kerbox_events::{Ending, Event, Ruling, rule};
use kerbox_krb5::Timestamp;

use super::life::Transfer;
use super::node::DataNode;
use crate::HdfsError;
use crate::datanode::recovery_worker::recover_block;
use crate::error::Class;
use crate::protocol::{
    BadBlock, Block, BlockStatus, DatanodeCommand, DatanodeError, DatanodeStorage,
    ReceivedDeletedBlock, RecoveringBlock,
};

/// Returns true if the NameNode has not answered at all.
fn is_unreachable(error: &HdfsError) -> bool {
    matches!(error.kind(), Class::Connect | Class::SocketTimeout)
}

impl DataNode {
    /// Registers for the first time. A NameNode that cannot be reached yet is no error.
    pub(super) fn introduce(&self, now: Timestamp) -> Result<(), HdfsError> {
        match self.register(now) {
            Err(error) if is_unreachable(&error) => {
                tracing::warn!(datanode = self.number(), %error, "the NameNode cannot be reached yet");
                Ok(())
            }
            registered => registered,
        }
    }

    /// Sends a heartbeat and executes the commands in the response.
    pub(crate) fn heartbeat(&self, now: Timestamp) {
        self.life().next_heartbeat = now + self.heartbeat_interval;
        // Lowered first: what is ordered from now on may be too late for this response.
        self.signal.lower();
        let event = |_| Event::Heartbeat {
            datanode: self.number(),
        };
        if rule::<Infallible>(&*self.hook, now, event) == Ruling::End(Ending::Silent) {
            return;
        }
        let answered = self.catch_up(now).and_then(|()| {
            let namenode = self.namenode(now, "sendHeartbeat")?;
            namenode.send_heartbeat(now, &self.registration, &self.heartbeat_report())
        });
        match answered {
            Ok(commands) => commands
                .into_iter()
                .for_each(|command| self.execute(now, command)),
            Err(error) => {
                tracing::warn!(datanode = self.number(), %error, "the NameNode refused a heartbeat");
                if *error.kind() == Class::DisallowedDatanode {
                    // As Hadoop's: it ends if the NameNode does not want it any more.
                    self.stop();
                }
            }
        }
    }

    /// Registers if that has not succeeded yet, and reports the changes that wait.
    fn catch_up(&self, now: Timestamp) -> Result<(), HdfsError> {
        if !self.life().unreported.is_registered {
            self.register(now)?;
        }
        match self.report_changes(now) {
            // The response to the heartbeat orders a registration.
            Err(error) if !is_unreachable(&error) => Ok(()),
            reported => reported,
        }
    }

    fn execute(&self, now: Timestamp, command: DatanodeCommand) {
        match command {
            DatanodeCommand::Register => {
                if let Err(error) = self.register(now) {
                    tracing::warn!(datanode = self.number(), %error, "the NameNode refused a registration");
                }
            }
            DatanodeCommand::Invalidate(blocks) => {
                blocks.into_iter().for_each(|block| self.delete(now, block));
            }
            DatanodeCommand::Recover(recovery) => self.recover(now, recovery),
            DatanodeCommand::BalancerBandwidth(bandwidth) => {
                self.balancer_bandwidth.store(bandwidth, Ordering::Relaxed);
            }
            DatanodeCommand::Finalize => self.finalize_upgrade(),
            DatanodeCommand::UpdateKeys(keys) => self.block_tokens.add_keys(now, &keys),
            DatanodeCommand::Transfer {
                block,
                targets,
                storages,
            } => {
                let server = {
                    let mut life = self.life();
                    life.transfers.push(Transfer {
                        block,
                        targets,
                        storages,
                    });
                    life.server.take()
                };
                if let Some(server) = server {
                    server.wake();
                }
            }
        }
    }

    /// Removes what was kept of the time before an upgrade. A failure is tried again with the next
    /// report.
    fn finalize_upgrade(&self) {
        if let Err(error) = self.store.finalize_upgrade() {
            tracing::warn!(datanode = self.number(), %error, "an upgrade is not finalized");
        }
    }

    /// Recovers a block as its primary DataNode.
    fn recover(&self, now: Timestamp, recovery: RecoveringBlock) {
        let Some(node) = self.me.upgrade() else {
            return;
        };
        let order = recovery.clone();
        let task = move || {
            let namenode = node.namenode(now, "commitBlockSynchronization");
            let recovered = namenode
                .and_then(|namenode| recover_block(now, &recovery, namenode, &node.peers_at(now)));
            if let Err(error) = recovered {
                tracing::warn!(datanode = node.number(), block = %recovery.block, %error, "a block recovery failed");
            }
        };
        self.peers.run(&order, Box::new(task));
    }

    fn register(&self, now: Timestamp) -> Result<(), HdfsError> {
        self.life().unreported.is_registered = false;
        let namenode = self.namenode(now, "registerDatanode")?;
        if let Some(keys) = namenode.register_datanode(now, &self.registration)? {
            self.block_tokens.add_keys(now, &keys);
        }
        namenode.attach_signal(&self.registration, &self.signal);
        // The report of all replicas says what these would.
        self.life().unreported.take();
        self.report_all(now)?;
        self.life().unreported.is_registered = true;
        Ok(())
    }

    /// Reports every replica.
    pub(super) fn report_all(&self, now: Timestamp) -> Result<(), HdfsError> {
        for (storage, replicas) in self.store.reports() {
            let namenode = self.namenode(now, "blockReport")?;
            let order = namenode.block_report(now, &self.registration, &storage, &replicas)?;
            if order == Some(DatanodeCommand::Finalize) {
                self.finalize_upgrade();
            }
        }
        Ok(())
    }

    fn delete(&self, now: Timestamp, block: Block) {
        match self.store.delete(block) {
            Ok(Some((deleted, storage))) => {
                self.tell_in(now, &storage, deleted, BlockStatus::Deleted);
            }
            Ok(None) => {
                tracing::debug!(datanode = self.number(), %block, "there is no such replica to delete");
            }
            Err(error) => {
                tracing::warn!(datanode = self.number(), %block, %error, "a replica cannot be deleted");
            }
        }
    }

    /// Reports a change of a replica to the NameNode. If that fails, it is reported again with the
    /// next heartbeat.
    pub(crate) fn tell(&self, now: Timestamp, block: Block, status: BlockStatus) {
        self.tell_in(now, &self.storage_of(block.id), block, status);
    }

    /// Same as [`tell`](Self::tell), for a replica that is, or was, in this storage.
    pub(super) fn tell_in(
        &self,
        now: Timestamp,
        storage: &DatanodeStorage,
        block: Block,
        status: BlockStatus,
    ) {
        let change = ReceivedDeletedBlock {
            block,
            status,
            delete_hint: None,
        };
        self.tell_change_in(now, storage, change);
    }

    /// Same as [`tell`](Self::tell), for any change.
    pub(crate) fn tell_change(&self, now: Timestamp, change: ReceivedDeletedBlock) {
        self.tell_change_in(now, &self.storage_of(change.block.id), change);
    }

    fn tell_change_in(
        &self,
        now: Timestamp,
        storage: &DatanodeStorage,
        change: ReceivedDeletedBlock,
    ) {
        let (block, status) = (change.block, change.status);
        self.life().unreported.add(storage, change);
        if let Err(error) = self.report_changes(now) {
            tracing::warn!(datanode = self.number(), %block, ?status, %error, "the NameNode refused a report");
        }
    }

    /// Reports the changes that the NameNode does not know.
    fn report_changes(&self, now: Timestamp) -> Result<(), HdfsError> {
        let mut changes = self.life().unreported.take();
        while let Some((storage, in_it)) = changes.pop_front() {
            let reported = self
                .namenode(now, "blockReceivedAndDeleted")
                .and_then(|namenode| {
                    let registration = &self.registration;
                    namenode.block_received_and_deleted(now, registration, &storage, &in_it)
                });
            if reported.is_err() {
                changes.push_front((storage, in_it));
                self.life().unreported.put_back(changes);
                return reported;
            }
        }
        Ok(())
    }

    /// Reports to the NameNode that a replica does not match its checksums.
    pub(crate) fn report_bad_block(&self, now: Timestamp, block: Block) {
        let bad = BadBlock {
            block,
            datanode: Arc::clone(&self.registration.uuid),
            storage_id: self.storage_of(block.id).id,
        };
        let reported = self
            .namenode(now, "reportBadBlocks")
            .and_then(|namenode| namenode.report_bad_blocks(now, &[bad]));
        if let Err(error) = reported {
            tracing::warn!(datanode = self.number(), %block, %error, "the NameNode refused a report");
        }
    }

    /// Reports a problem to the NameNode.
    pub(crate) fn report_error(&self, now: Timestamp, error: DatanodeError, message: &str) {
        let reported = self
            .namenode(now, "errorReport")
            .and_then(|namenode| namenode.error_report(now, &self.registration, error, message));
        if let Err(error) = reported {
            tracing::warn!(datanode = self.number(), message, %error, "the NameNode refused a report");
        }
    }
}
