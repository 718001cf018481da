//! What the NameNode's lock guards, and the operations that need several parts of it.

use std::sync::Arc;

use kerbox_events::{Event, Server, StateChange, TimerKind};
use kerbox_krb5::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::HdfsError;
use crate::config::HdfsConfig;
use crate::namenode::block_manager::{BlockInfo, BlockManager, BlockState};
use crate::namenode::datanode_manager::DatanodeManager;
use crate::namenode::service::timer;
use crate::namenode::state::inode::{Inode, InodeId, InodeKind};
use crate::namenode::state::lease::LeaseManager;
use crate::namenode::state::limits::{add, total};
use crate::namenode::state::namespace::Namespace;

/// What the NameNode's lock guards (Hadoop's `FSNamesystem`).
#[derive(Debug)]
pub(crate) struct Namesystem {
    pub(crate) namespace: Namespace,
    pub(crate) blocks: BlockManager,
    pub(crate) datanodes: DatanodeManager,
    pub(crate) leases: LeaseManager,
    pub(crate) rng: StdRng,
    /// The number of changes, like the edit log's transaction id.
    pub(crate) transaction: i64,
    pub(crate) safe_mode: bool,
}

impl Namesystem {
    pub(crate) fn new(
        config: &HdfsConfig,
        superuser: Arc<str>,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self {
            namespace: Namespace::new(now, superuser, config.superuser_group.as_str().into()),
            blocks: BlockManager::new(config.min_replication),
            datanodes: DatanodeManager::new(
                config.dead_datanode_interval(),
                config.stale_datanode_interval,
            ),
            leases: LeaseManager::new(config.lease_hard_limit),
            rng: StdRng::from_seed(seed),
            transaction: 1,
            safe_mode: false,
        }
    }

    pub(crate) fn tick(&mut self, now: Timestamp, fired: &mut Vec<Event>) {
        let dead = self.datanodes.bury_dead(now);
        for index in &dead {
            let registration = &self.datanodes.get(*index).registration;
            fired.push(timer(
                TimerKind::Heartbeat,
                &registration.transfer_address().to_string(),
            ));
            fired.push(Event::State {
                server: Server::DataNode(self.datanodes.number(*index)),
                change: StateChange::Dead,
                subject: "".into(),
            });
        }
        if !dead.is_empty() {
            self.blocks
                .check_all(now, &mut self.datanodes, &mut self.rng);
        }
        self.blocks.tick(now, &mut self.datanodes, &mut self.rng);
        self.tick_leases(now, fired);
        self.tick_recoveries(now, fired);
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        [
            self.datanodes.next_deadline(),
            self.blocks.next_deadline(),
            self.leases.next_deadline(),
            self.next_recovery_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Returns the file at a path's end. Fails with the errors of Hadoop's `INodeFile.valueOf`.
    pub(crate) fn file_of(&self, last: Option<InodeId>, path: &str) -> Result<InodeId, HdfsError> {
        match last {
            None => Err(HdfsError::file_not_found(format!(
                "File does not exist: {path}"
            ))),
            Some(id) if self.namespace.inode(id).is_directory() => Err(HdfsError::file_not_found(
                format!("Path is not a file: {path}"),
            )),
            Some(id) => Ok(id),
        }
    }

    /// Returns the blocks of a file, in order; empty for a directory.
    pub(crate) fn blocks_of(&self, file: InodeId) -> impl DoubleEndedIterator<Item = &BlockInfo> {
        let blocks = self
            .namespace
            .inode(file)
            .as_file()
            .map(|file| file.blocks.as_slice());
        blocks
            .unwrap_or_default()
            .iter()
            .map(|id| self.blocks.block(*id))
    }

    pub(crate) fn last_block(&self, file: InodeId) -> Option<&BlockInfo> {
        self.blocks_of(file).next_back()
    }

    /// Returns the file's length, with the known length of the block being written.
    pub(crate) fn file_length(&self, file: InodeId) -> u64 {
        total(self.blocks_of(file).map(|info| info.block.length))
    }

    /// Returns a file's length and the space of its replicas. A block being written counts with its
    /// full size.
    pub(crate) fn file_usage(&self, id: InodeId) -> (u64, u64) {
        let Some(file) = self.namespace.inode(id).as_file() else {
            return (0, 0);
        };
        let mut usage = (0, 0_u64);
        for info in self.blocks_of(id) {
            let written = matches!(
                info.state,
                BlockState::UnderConstruction | BlockState::UnderRecovery(_)
            );
            let charged = if written {
                info.block.length.max(file.block_size)
            } else {
                info.block.length
            };
            usage.0 = add(usage.0, info.block.length);
            usage.1 = add(usage.1, charged.saturating_mul(file.replication.into()));
        }
        usage
    }

    /// Removes an inode and its subtree, with their blocks and leases.
    pub(crate) fn remove_tree(&mut self, now: Timestamp, id: InodeId) {
        for inode in self.namespace.remove(now, id) {
            self.drop_content(&inode);
        }
    }

    /// Orders the deletion of the blocks of a removed inode, and ends its lease.
    fn drop_content(&mut self, inode: &Inode) {
        let InodeKind::File(file) = &inode.kind else {
            return;
        };
        for block in &file.blocks {
            self.blocks.remove(*block, &mut self.datanodes);
        }
        if let Some(writer) = &file.writer {
            self.leases.remove(&writer.holder, inode.id);
        }
    }

    /// Removes blocks from the end of a file.
    pub(crate) fn drop_last_blocks(&mut self, file: InodeId, keep: usize) {
        if let Some(file) = self.namespace.inode_mut(file).as_file_mut() {
            for block in file.blocks.drain(keep.min(file.blocks.len())..) {
                self.blocks.remove(block, &mut self.datanodes);
            }
        }
    }

    /// Closes a file: removes its lease and updates its modification time.
    pub(crate) fn close_file(&mut self, now: Timestamp, id: InodeId) {
        let inode = self.namespace.inode_mut(id);
        inode.modification_time = now.as_millis();
        if let Some(writer) = inode.as_file_mut().and_then(|file| file.writer.take()) {
            self.leases.remove(&writer.holder, id);
        }
    }
}
