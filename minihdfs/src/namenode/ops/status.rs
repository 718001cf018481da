//! Response messages shared by many methods: status of special directories, located blocks,
//! DataNodes.

use bytes::Bytes;
use kerbox_krb5::Timestamp;

use crate::namenode::NameNode;
use crate::namenode::blocks::{BlockInfo, Datanode, DatanodeIndex};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::lengths::add;
use crate::proto::common::TokenProto;
use crate::proto::hdfs::hdfs_file_status_proto::FileType;
use crate::proto::hdfs::{
    DatanodeIdProto, DatanodeInfoProto, ExtendedBlockProto, FsPermissionProto, HdfsFileStatusProto,
    LocatedBlockProto, LocatedBlocksProto,
};
use crate::protocol::{Block, DatanodeRegistration, DatanodeStorage};
use crate::token::{AccessMode, StorageType};

/// The range of a file whose blocks are requested.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockRange {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl BlockRange {
    /// Returns true if a block that starts and ends there is asked for, when `any` says whether an
    /// earlier one is. The first block that ends after the offset always is.
    pub(crate) fn has(self, start: u64, end: u64, any: bool) -> bool {
        // Like Java's numbers, so that a huge length ends before the offset.
        let until = self.offset.wrapping_add(self.length).cast_signed();
        end > self.offset && (!any || start.cast_signed() < until)
    }

    pub(crate) const ALL: Self = Self {
        offset: 0,
        length: i64::MAX as u64,
    };
}

/// Returns the time in milliseconds since the epoch, as used in messages.
pub(crate) fn millis(time: Timestamp) -> u64 {
    time.as_millis().cast_unsigned()
}

pub(crate) fn datanode_id(node: &DatanodeRegistration) -> DatanodeIdProto {
    DatanodeIdProto {
        ip_addr: node.ip.to_string(),
        host_name: node.host_name.to_string(),
        datanode_uuid: node.uuid.to_string(),
        xfer_port: node.transfer_port.into(),
        info_port: node.info_port.into(),
        ipc_port: node.ipc_port.into(),
        info_secure_port: (node.info_secure_port > 0).then(|| node.info_secure_port.into()),
    }
}

pub(crate) fn datanode_info(node: &Datanode) -> DatanodeInfoProto {
    let (capacity, used, remaining) = (node.capacity(), node.dfs_used(), node.remaining());
    DatanodeInfoProto {
        id: datanode_id(&node.registration),
        capacity: Some(capacity),
        dfs_used: Some(used),
        remaining: Some(remaining),
        block_pool_used: Some(used),
        last_update: Some(millis(node.last_heartbeat)),
        last_update_monotonic: Some(millis(node.last_heartbeat)),
        xceiver_count: Some(node.xceivers),
        location: Some(node.location.to_string()),
        admin_state: Some(node.admin_state as i32),
        non_dfs_used: Some(capacity.saturating_sub(used).saturating_sub(remaining)),
        ..DatanodeInfoProto::default()
    }
}

/// Returns the status of a directory that is no inode and has no owner.
pub(super) fn nameless_directory(perm: u32) -> HdfsFileStatusProto {
    HdfsFileStatusProto {
        file_type: FileType::IsDir.into(),
        permission: FsPermissionProto { perm },
        children_num: Some(0),
        block_replication: Some(0),
        blocksize: Some(0),
        ..HdfsFileStatusProto::default()
    }
}

impl NameNode {
    /// Returns the status of an inode. `name` stands for its path and is empty in most responses.
    pub(crate) fn file_status(
        &self,
        ns: &Namesystem,
        id: InodeId,
        name: Bytes,
    ) -> HdfsFileStatusProto {
        self.file_status_in(ns, ns.namespace().view(None), id, name)
    }

    /// Returns the status of `/.reserved` or of an entry in its listing. These directories have no
    /// owner and are in no tree.
    pub(crate) fn reserved_status(&self, name: Bytes) -> HdfsFileStatusProto {
        let group = if name.is_empty() {
            ""
        } else {
            &self.config.superuser_group
        };
        let perm = if name.is_empty() { 0o1770 } else { 0o770 };
        let time = if name.is_empty() {
            0
        } else {
            self.storage_info().c_time.cast_unsigned()
        };
        HdfsFileStatusProto {
            path: name,
            group: group.to_owned(),
            modification_time: time,
            access_time: time,
            ..nameless_directory(perm)
        }
    }

    pub(crate) fn extended_block(&self, block: Block) -> ExtendedBlockProto {
        ExtendedBlockProto {
            pool_id: self.block_pool_id.to_string(),
            block_id: block.id,
            generation_stamp: block.generation_stamp,
            num_bytes: Some(block.length),
        }
    }

    /// Returns a file's block at `offset`, located on these DataNodes, with a token for `user`.
    /// Without `modes` the token is empty.
    pub(crate) fn located_block(
        &self,
        now: Timestamp,
        ns: &Namesystem,
        info: &BlockInfo,
        offset: u64,
        locations: &[DatanodeIndex],
        grant: Option<(&str, AccessMode)>,
    ) -> LocatedBlockProto {
        let nodes = || {
            locations
                .iter()
                .map(|index| ns.blocks.datanodes.get(*index))
        };
        let storages: Vec<DatanodeStorage> = ns.storages_of(info, locations);
        let ids = storages.iter().map(|storage| storage.id.to_string());
        let storage_ids: Vec<String> = ids.collect();
        let types: Vec<StorageType> = storages.iter().map(|storage| storage.kind).collect();
        let block_token = match grant.filter(|_| self.config.uses_block_tokens()) {
            None => TokenProto::default(),
            Some((user, mode)) => {
                let token = self.block_tokens.issue(
                    now,
                    user,
                    info.block().id,
                    &[mode],
                    &types,
                    &storage_ids,
                );
                token.into()
            }
        };
        LocatedBlockProto {
            b: self.extended_block(info.block()),
            offset,
            locs: nodes().map(datanode_info).collect(),
            corrupt: info.is_corrupt(),
            block_token,
            is_cached: vec![false; locations.len()],
            storage_types: types.into_iter().map(Into::into).collect(),
            storage_i_ds: storage_ids,
            block_indices: None,
            block_tokens: Vec::new(),
        }
    }

    /// Returns a file's block at `offset` with all its locations, for `reader`.
    pub(super) fn locate(
        &self,
        now: Timestamp,
        ns: &Namesystem,
        info: &BlockInfo,
        offset: u64,
        reader: Option<&str>,
    ) -> LocatedBlockProto {
        let mut locations = info.locations(&ns.blocks.datanodes);
        let datanodes = &ns.blocks.datanodes;
        locations.sort_by_key(|index| {
            (
                !datanodes.is_in_service(*index),
                datanodes.is_stale(now, *index),
            )
        });
        let grant = reader.map(|user| (user, AccessMode::Read));
        self.located_block(now, ns, info, offset, &locations, grant)
    }

    /// Returns the blocks of a file that overlap the range, for `reader`; without a reader the
    /// tokens are empty.
    pub(crate) fn located_blocks(
        &self,
        now: Timestamp,
        ns: &Namesystem,
        file: InodeId,
        range: BlockRange,
        reader: Option<&str>,
    ) -> LocatedBlocksProto {
        let under_construction = ns
            .namespace()
            .inode(file)
            .as_file()
            .is_some_and(|file| file.writer.is_some());
        let locate = |info: &BlockInfo, offset| self.locate(now, ns, info, offset, reader);
        let mut located = LocatedBlocksProto {
            under_construction,
            ..LocatedBlocksProto::default()
        };
        let mut position = 0_u64;
        for info in ns.blocks_of(file) {
            let length = info.block().length;
            // A block being written may still be empty, but is included anyway.
            let end = position.saturating_add(length.max(1));
            if range.has(position, end, !located.blocks.is_empty()) {
                located.blocks.push(locate(info, position));
            }
            position = add(position, length);
        }
        if let Some(last) = ns.last_block(file) {
            located.file_length = if last.is_complete() {
                position
            } else {
                position.saturating_sub(last.block().length)
            };
            located.last_block = Some(locate(last, position.saturating_sub(last.block().length)));
            located.is_last_block_complete = last.is_complete();
        }
        located
    }
}
