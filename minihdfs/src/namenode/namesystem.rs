//! The data that the NameNode's lock guards, and the operations that need several parts of it.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use kerbox_events::{Event, Server, StateChange, TimerKind};
use kerbox_krb5::Timestamp;
use rand::Rng;

use crate::HdfsError;
use crate::config::HdfsConfig;
use crate::namenode::blocks::{BlockInfo, BlockManager, Changed};
use crate::namenode::edit::{Edit, FileFields, PermissionStatus, RpcIds};
use crate::namenode::edit_sink::{EditSink, NoEdits};
use crate::namenode::events::timer;
use crate::namenode::inotify::EditEvents;
use crate::namenode::renewals::Renewals;
use crate::namenode::safe_mode::{Reported, SafeMode};
use crate::namenode::snapshot_gc::SnapshotGc;
use crate::namenode::state::State;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::lease::LeaseManager;
use crate::namenode::state::lengths::total;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::snapshot::view::View;
use crate::namenode::upkeep::Upkeep;
use crate::protocol::Block;

/// The data that the NameNode's lock guards (Hadoop's `FSNamesystem`): the state, which must
/// survive, and what can be rebuilt from reports.
pub(crate) struct Namesystem {
    state: State,
    /// Reached by calls that change the state, which are alone: never locked.
    sink: Mutex<Box<dyn EditSink>>,
    /// The edits as events, once a client has asked for them.
    pub(crate) events: Option<Box<EditEvents>>,
    pub(crate) renewals: Renewals,
    /// The address from which a file was opened last, and its text.
    last_machine: Option<(IpAddr, Arc<str>)>,
    pub(crate) blocks: BlockManager,
    pub(crate) safe_mode: SafeMode,
    /// `None` if snapshots are removed when they are deleted.
    pub(super) snapshot_gc: Option<SnapshotGc>,
    /// `None` without files.
    pub(super) upkeep: Option<Upkeep>,
}

impl Namesystem {
    /// Creates it around a state, whose blocks no DataNode has reported yet. Every lease counts as
    /// just renewed.
    pub(crate) fn new(
        config: &HdfsConfig,
        state: State,
        sink: Box<dyn EditSink>,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Self {
        let mut blocks = BlockManager::new(config, rng);
        let settings = config.safe_mode;
        let replication = settings.replication.unwrap_or(config.min_replication);
        blocks.start_counting(replication.into(), state.generation_stamp());
        for kept in state.namespace().kept_blocks() {
            blocks.restore(kept.block, kept.file, kept.replication, !kept.is_open);
        }
        for inode in state.namespace().iter() {
            let Some(file) = inode.as_file() else {
                continue;
            };
            let replication = state.namespace().block_replication(inode.id);
            let writer = file.writer.as_ref();
            let last_is_open = writer.is_some_and(|writer| writer.last_block_open);
            if let Some(source) = state.namespace().source_alone(inode.id) {
                blocks.restore(source, inode.id, replication, true);
            }
            for (index, block) in file.blocks.iter().enumerate() {
                let is_open = last_is_open && index + 1 == file.blocks.len();
                blocks.restore(*block, inode.id, replication, !is_open);
            }
        }
        let safe_mode = SafeMode::starting(settings, blocks.reported());
        if !safe_mode.is_starting() {
            blocks.stop_counting(now);
        }
        let upkeep = sink.storage();
        let upkeep = upkeep.map(|storage| Upkeep::new(storage, config.storage, now));
        Self {
            state,
            snapshot_gc: SnapshotGc::new(&config.snapshots, now),
            upkeep,
            sink: Mutex::new(sink),
            events: None,
            renewals: Renewals::new(now, config.lease_hard_limit),
            last_machine: None,
            blocks,
            safe_mode,
        }
    }

    /// Returns what was reported since the start.
    pub(crate) fn reported(&self) -> Reported {
        self.blocks.reported()
    }

    /// Ends the safe mode of a start if enough was reported. Returns true if safe mode is off now
    /// and was on before.
    pub(crate) fn check_safe_mode(&mut self, now: Timestamp) -> bool {
        if !self.safe_mode.is_starting() {
            return false;
        }
        let reported = self.reported();
        if !self.safe_mode.check(now, reported) {
            return false;
        }
        self.blocks.stop_counting(now);
        self.has_left_safe_mode()
    }

    fn has_left_safe_mode(&self) -> bool {
        let is_off = !self.safe_mode.is_on();
        if is_off {
            self.blocks.call_in();
        }
        is_off
    }

    /// Turns safe mode off by order, unless that would lose bytes. Returns true if it is off now
    /// and was on before.
    pub(crate) fn leave_safe_mode(&mut self, now: Timestamp, force: bool) -> bool {
        let reported = self.reported();
        if !self.safe_mode.is_on() || !self.safe_mode.leave(reported, force) {
            return false;
        }
        self.blocks.stop_counting(now);
        self.has_left_safe_mode()
    }

    /// Returns what must survive.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Returns the tree.
    pub(crate) fn namespace(&self) -> &Namespace {
        self.state.namespace()
    }

    /// Returns a client's address as text. Files that are opened one after the other share it.
    pub(crate) fn machine(&mut self, address: IpAddr) -> Arc<str> {
        if let Some((last, text)) = &self.last_machine
            && *last == address
        {
            return Arc::clone(text);
        }
        let text: Arc<str> = address.to_string().into();
        self.last_machine = Some((address, Arc::clone(&text)));
        text
    }

    /// Returns the leases.
    pub(crate) fn leases(&self) -> &LeaseManager {
        self.state.leases()
    }

    /// Makes a change that must survive: applies the edit, hands it to the sink, and lets the block
    /// manager follow.
    pub(crate) fn log(&mut self, edit: &Edit) -> Result<(), HdfsError> {
        self.log_found(edit, None)
    }

    /// Same as [`log`](Self::log), if the caller has found the inode at the path of the edit, or
    /// the directory of a new one.
    pub(crate) fn log_at(&mut self, found: InodeId, edit: &Edit) -> Result<(), HdfsError> {
        self.log_found(edit, Some(found))
    }

    fn log_found(&mut self, edit: &Edit, found: Option<InodeId>) -> Result<(), HdfsError> {
        let effects = self.state.apply(edit, found);
        // A misfit means that a check is missing; the call fails and the others go on.
        let effects = effects.map_err(|misfit| HdfsError::io(misfit.to_string()))?;
        let sink = self.sink.get_mut().unwrap_or_else(PoisonError::into_inner);
        sink.log(self.state.transaction_id(), edit);
        if let Some(events) = &mut self.events {
            events.record(self.state.transaction_id(), edit);
        }
        for (block, file, replication) in effects.stored {
            self.blocks.store(block, file, replication);
        }
        for block in effects.removed {
            self.blocks.remove(block);
        }
        self.renewals.forget_ended(self.state.leases());
        Ok(())
    }

    /// Returns the state and leaves another in its place, which no edit changes any more.
    pub(crate) fn end(&mut self, nothing: State) -> State {
        self.sink = Mutex::new(Box::new(NoEdits));
        self.upkeep = None;
        self.safe_mode.enter();
        std::mem::replace(&mut self.state, nothing)
    }

    /// Drops what has lapsed by time alone.
    pub(crate) fn lapse(&mut self, now: Timestamp) {
        self.state.lapse(now);
    }

    /// Schedules the replication of a block's missing replicas and the deletion of surplus ones.
    pub(crate) fn check_redundancy(&mut self, now: Timestamp, block: u64) {
        self.blocks.check_redundancy(now, block);
    }

    /// Completes a committed block if enough replicas are finalized. Returns true if it is
    /// complete.
    pub(crate) fn try_complete(&mut self, block: u64) -> bool {
        self.blocks.try_complete(block)
    }

    /// Renews a client's lease.
    pub(crate) fn renew_lease(&mut self, now: Timestamp, holder: &str) {
        self.renewals.renew(now, holder, self.state.leases());
    }

    /// Returns true if the holder has been silent so long that another client may take over its
    /// files.
    pub(crate) fn is_soft_expired(&self, now: Timestamp, holder: &str) -> bool {
        self.renewals
            .is_soft_expired(now, holder, self.state.leases())
    }

    /// Allocates a generation stamp that was never used.
    pub(crate) fn next_generation_stamp(&mut self) -> Result<u64, HdfsError> {
        let stamp = self.state.generation_stamp().saturating_add(1);
        self.log(&Edit::SetGenstampV2(stamp))?;
        Ok(stamp)
    }

    /// Allocates an empty block that was never used.
    pub(crate) fn next_block(&mut self) -> Result<Block, HdfsError> {
        let id = self.state.last_allocated_block_id().saturating_add(1);
        self.log(&Edit::AllocateBlockId(id))?;
        Ok(Block {
            id,
            generation_stamp: self.next_generation_stamp()?,
            length: 0,
        })
    }

    pub(crate) fn tick(&mut self, now: Timestamp, fired: &mut Vec<Event>) {
        if !self.safe_mode.is_starting() {
            self.tick_silent(now, fired);
        }
        if !self.safe_mode.is_on() {
            self.blocks.tick(now);
            let changed = self.blocks.tick_admin(now);
            fired.extend(changed.into_iter().map(|changed| self.admin_event(changed)));
            self.tick_leases(now, fired);
            self.tick_recoveries(now, fired);
            self.tick_snapshots(now, fired);
        }
    }

    /// Returns the event for a change of a DataNode's service.
    pub(crate) fn admin_event(&self, (index, change): Changed) -> Event {
        Event::State {
            server: Server::DataNode(self.blocks.datanodes.number(index)),
            change,
            subject: "".into(),
        }
    }

    fn tick_silent(&mut self, now: Timestamp, fired: &mut Vec<Event>) {
        for index in self.blocks.bury_silent(now) {
            let registration = &self.blocks.datanodes.get(index).registration;
            fired.push(timer(
                TimerKind::Heartbeat,
                &registration.transfer_address().to_string(),
            ));
            fired.push(Event::State {
                server: Server::DataNode(self.blocks.datanodes.number(index)),
                change: StateChange::Dead,
                subject: "".into(),
            });
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        if self.safe_mode.is_starting() {
            return self.safe_mode.next_deadline();
        }
        let silence = self.blocks.next_silence();
        if self.safe_mode.is_on() {
            return silence;
        }
        [
            silence,
            self.blocks.next_deadline(),
            self.blocks.next_admin_deadline(),
            self.renewals.next_deadline(self.leases()),
            self.next_recovery_deadline(),
            self.next_snapshot_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Returns the file at a path's end. Fails with the errors of Hadoop's `INodeFile.valueOf`.
    pub(crate) fn file_of(&self, last: Option<InodeId>, path: &str) -> Result<InodeId, HdfsError> {
        file_in(self.namespace().view(None), last, path)
    }

    /// Returns the blocks of a file, in order; empty for a directory.
    pub(crate) fn blocks_of(&self, file: InodeId) -> impl DoubleEndedIterator<Item = &BlockInfo> {
        let file = self.namespace().inode(file).as_file();
        let blocks = file.map(|file| file.blocks.as_slice());
        blocks
            .unwrap_or_default()
            .iter()
            .map(|block| self.blocks.block(block.id))
    }

    /// Returns the length of a file in a view of the tree.
    pub(crate) fn length_in(&self, view: View<'_>, file: InodeId) -> u64 {
        let kept = view.kept_length(file);
        kept.unwrap_or_else(|| self.file_length(file))
    }

    /// Returns the blocks of a file in a view of the tree, in order.
    pub(crate) fn blocks_in<'a>(
        &'a self,
        view: View<'a>,
        file: InodeId,
    ) -> impl Iterator<Item = &'a BlockInfo> {
        let blocks = view.inode(file).as_file().map(|file| &file.blocks);
        let blocks = blocks.into_iter().flatten();
        blocks.map(|block| self.blocks.block(block.id))
    }

    pub(crate) fn last_block(&self, file: InodeId) -> Option<&BlockInfo> {
        self.blocks_of(file).next_back()
    }

    /// Returns the file's length, with the known length of the block being written.
    pub(crate) fn file_length(&self, file: InodeId) -> u64 {
        total(self.blocks_of(file).map(|info| info.block().length))
    }

    /// Returns the blocks that a file has according to the block manager, which knows the length of
    /// a block that was committed since the last edit.
    pub(crate) fn current_blocks(&self, file: InodeId) -> Vec<Block> {
        self.blocks_of(file).map(|info| info.block()).collect()
    }

    /// Sets the blocks of an open file, if they are not the same.
    pub(crate) fn update_blocks(
        &mut self,
        id: InodeId,
        blocks: Vec<Block>,
        rpc: RpcIds,
    ) -> Result<(), HdfsError> {
        let file = self.namespace().inode(id).as_file();
        if file.is_some_and(|file| file.blocks == blocks) {
            return Ok(());
        }
        let path = self.namespace().full_path(id);
        self.log_at(id, &Edit::UpdateBlocks { path, blocks, rpc })
    }

    /// Closes a file that has these blocks.
    pub(crate) fn close_file(
        &mut self,
        now: Timestamp,
        id: InodeId,
        blocks: Vec<Block>,
    ) -> Result<(), HdfsError> {
        let inode = self.namespace().inode(id);
        let Some(file) = inode.as_file() else {
            return Ok(());
        };
        let fields = FileFields {
            inode_id: id,
            path: self.namespace().full_path(id),
            replication: file.replication,
            mtime: now.as_millis(),
            atime: inode.access_time,
            block_size: file.block_size,
            blocks,
            permissions: PermissionStatus {
                owner: inode.owner.clone(),
                group: inode.group.clone(),
                mode: inode.mode,
            },
        };
        self.log_at(id, &Edit::Close(fields))
    }
}

/// Returns the file at a path's end in a view of the tree, with the same errors as
/// [`file_of`](Namesystem::file_of).
pub(crate) fn file_in(
    view: View<'_>,
    last: Option<InodeId>,
    path: &str,
) -> Result<InodeId, HdfsError> {
    match last {
        None => Err(HdfsError::file_not_found(format!(
            "File does not exist: {path}"
        ))),
        Some(id) if view.inode(id).as_file().is_none() => Err(HdfsError::file_not_found(format!(
            "Path is not a file: {path}"
        ))),
        Some(id) => Ok(id),
    }
}
