//! The changes of what must survive, as Hadoop's edit log names them (`FSEditLogOp`).
//!
//! A call checks, makes edits, and applies them. A state is a function of its edits: applied in
//! order to a formatted state, they give an equal one. Paths are absolute and without
//! `/.reserved`.

use std::sync::Arc;

use crate::Caller;
use crate::namenode::acl::AclEntry;
use crate::namenode::cache_info::{CacheDirectiveInfo, CachePoolInfo};
use crate::namenode::xattr::XAttr;
use crate::proto::hdfs::StorageTypeProto;
use crate::protocol::Block;
use crate::secret_manager::TokenEdit;

/// The identity of the client's call, by which a repetition is recognized (`RpcIds`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RpcIds {
    /// The client's id; zeros for changes that no client has requested.
    pub client_id: [u8; 16],
    /// The number of the call on the client's side; negative if it is never repeated.
    pub call_id: i32,
}

impl RpcIds {
    /// The ids of a change that no client has requested (`RpcConstants.INVALID_CALL_ID`).
    pub const NONE: Self = Self {
        client_id: [0; 16],
        call_id: -2,
    };
}

impl From<&Caller> for RpcIds {
    fn from(caller: &Caller) -> Self {
        Self {
            client_id: caller.client_id,
            call_id: caller.call_id,
        }
    }
}

/// Owner, group and mode (`PermissionStatus`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PermissionStatus {
    /// The owner's short name.
    pub owner: Arc<str>,
    /// The group.
    pub group: Arc<str>,
    /// The permission bits. With an access control list, the group bits are its mask.
    pub mode: u16,
}

/// The fields shared by `OP_ADD` and `OP_CLOSE` (`AddCloseOp`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileFields {
    /// The inode's id.
    pub inode_id: u64,
    /// The file.
    pub path: String,
    /// The number of replicas.
    pub replication: u16,
    /// The modification time, in milliseconds since the epoch.
    pub mtime: i64,
    /// The access time, in milliseconds since the epoch.
    pub atime: i64,
    /// The size at which a writer starts the next block.
    pub block_size: u64,
    /// All blocks, in order; empty for `OP_ADD`.
    pub blocks: Vec<Block>,
    /// Owner, group and mode.
    pub permissions: PermissionStatus,
}

/// One change. Times are in milliseconds since the epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Edit {
    /// `OP_START_LOG_SEGMENT`: changes nothing but the transaction id.
    StartLogSegment,
    /// `OP_END_LOG_SEGMENT`: changes nothing but the transaction id.
    EndLogSegment,
    /// `OP_ADD`: creates a file and opens it, in place of an earlier one if there is one.
    Add {
        /// The file. Its times are those of its creation.
        file: FileFields,
        /// The complete access control list; empty if the mode is all there is.
        acl: Vec<AclEntry>,
        /// The client that writes the file.
        client_name: Arc<str>,
        /// Its address.
        client_machine: Arc<str>,
        /// True if a file at this path is replaced.
        overwrite: bool,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_CLOSE`: ends the writer's lease. All blocks are complete.
    Close(FileFields),
    /// `OP_APPEND`: opens a closed file.
    Append {
        /// The file.
        path: String,
        /// The client that writes the file.
        client_name: Arc<str>,
        /// Its address.
        client_machine: Arc<str>,
        /// True if the writer starts a new block although the last one has room.
        new_block: bool,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_ALLOCATE_BLOCK_ID`
    AllocateBlockId(u64),
    /// `OP_SET_GENSTAMP_V2`
    SetGenstampV2(u64),
    /// `OP_ADD_BLOCK`: adds a block, after which the one before it is complete.
    AddBlock {
        /// The file.
        path: String,
        /// The block before the new one, with its final length.
        penultimate: Option<Block>,
        /// The new block.
        last: Block,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_UPDATE_BLOCKS`: sets the lengths and generation stamps of an open file's blocks, or
    /// removes the last block.
    UpdateBlocks {
        /// The file.
        path: String,
        /// All blocks that it has from now on.
        blocks: Vec<Block>,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_TRUNCATE`
    Truncate {
        /// The file.
        src: String,
        /// The client that truncates it.
        client_name: Arc<str>,
        /// Its address.
        client_machine: Arc<str>,
        /// The length of the file afterwards.
        new_length: u64,
        /// The file's modification time.
        timestamp: i64,
        /// The last block if DataNodes must cut it, with its length before and the generation stamp
        /// of its recovery. An empty one with an id of its own, if a snapshot shows that block: it
        /// gets the bytes that are left. The file is open until the DataNodes have done it.
        truncate_block: Option<Block>,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_CONCAT_DELETE`: moves the blocks of the sources to the target and removes the sources.
    ConcatDelete {
        /// The target.
        trg: String,
        /// The sources, in order.
        srcs: Vec<String>,
        /// The modification time of the target and of its directory.
        timestamp: i64,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_REASSIGN_LEASE`: gives an open file another writer.
    ReassignLease {
        /// The current writer.
        lease_holder: String,
        /// The file.
        path: String,
        /// The new writer.
        new_holder: String,
    },
    /// `OP_MKDIR`: creates one directory.
    Mkdir {
        /// The inode's id.
        inode_id: u64,
        /// The directory.
        path: String,
        /// The modification time of the directory and of its parent.
        timestamp: i64,
        /// Owner, group and mode.
        permissions: PermissionStatus,
        /// The complete access control list; empty if the mode is all there is.
        acl: Vec<AclEntry>,
    },
    /// `OP_SYMLINK`: creates a symbolic link.
    Symlink {
        /// The inode's id.
        inode_id: u64,
        /// The link.
        path: String,
        /// The target.
        value: String,
        /// The modification time of the link and of its directory.
        mtime: i64,
        /// The access time.
        atime: i64,
        /// Owner, group and mode.
        permissions: PermissionStatus,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_RENAME_OLD`: moves to a path that does not exist.
    RenameOld {
        /// The source.
        src: String,
        /// The path afterwards.
        dst: String,
        /// The modification time of both directories.
        timestamp: i64,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_RENAME`: moves, and replaces what is at the destination.
    Rename {
        /// The source.
        src: String,
        /// The path afterwards.
        dst: String,
        /// The modification time of both directories.
        timestamp: i64,
        /// True if the destination may be replaced (`Options.Rename.OVERWRITE`).
        overwrite: bool,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_DELETE`: removes a subtree.
    Delete {
        /// The top of the subtree.
        path: String,
        /// The modification time of its directory.
        timestamp: i64,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_SET_REPLICATION`
    SetReplication {
        /// The file.
        path: String,
        /// The number of replicas.
        replication: u16,
    },
    /// `OP_SET_PERMISSIONS`
    SetPermissions {
        /// The file or directory.
        src: String,
        /// The permission bits.
        mode: u16,
    },
    /// `OP_SET_OWNER`
    SetOwner {
        /// The file or directory.
        src: String,
        /// The new owner; `None` leaves it unchanged.
        username: Option<String>,
        /// The new group; `None` leaves it unchanged.
        groupname: Option<String>,
    },
    /// `OP_TIMES`
    Times {
        /// The file or directory.
        path: String,
        /// The modification time; -1 leaves it unchanged.
        mtime: i64,
        /// The access time; -1 leaves it unchanged.
        atime: i64,
    },
    /// `OP_SET_QUOTA`, with the numbers of ClientProtocol.
    SetQuota {
        /// The directory.
        src: String,
        /// The number of inodes; -1 removes the limit, `Long.MAX_VALUE` leaves it unchanged.
        ns_quota: i64,
        /// The number of bytes; -1 removes the limit, `Long.MAX_VALUE` leaves it unchanged.
        ds_quota: i64,
    },
    /// `OP_SET_QUOTA_BY_STORAGETYPE`
    SetQuotaByStorageType {
        /// The directory.
        src: String,
        /// The storage type.
        storage_type: StorageTypeProto,
        /// The number of bytes; -1 removes the limit.
        ds_quota: i64,
    },
    /// `OP_SET_ACL`
    SetAcl {
        /// The file or directory.
        src: String,
        /// The complete list; empty removes all entries but the permission bits.
        entries: Vec<AclEntry>,
    },
    /// `OP_SET_XATTR`: adds or replaces an attribute.
    SetXAttr {
        /// The file or directory.
        src: String,
        /// The attribute.
        xattr: XAttr,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_REMOVE_XATTR`
    RemoveXAttr {
        /// The file or directory.
        src: String,
        /// The attribute.
        xattr: XAttr,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_SET_STORAGE_POLICY`
    SetStoragePolicy {
        /// The file or directory.
        path: String,
        /// The policy; 0 to inherit the parent's.
        policy_id: u8,
    },
    /// `OP_ALLOW_SNAPSHOT`: lets snapshots of a directory be taken.
    AllowSnapshot {
        /// The directory.
        snapshot_root: String,
    },
    /// `OP_DISALLOW_SNAPSHOT`: forbids snapshots of a directory, which has none.
    DisallowSnapshot {
        /// The directory.
        snapshot_root: String,
    },
    /// `OP_CREATE_SNAPSHOT`
    CreateSnapshot {
        /// The directory.
        snapshot_root: String,
        /// The snapshot's name.
        snapshot_name: String,
        /// The modification time of the directory and of its snapshot.
        mtime: i64,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_DELETE_SNAPSHOT`
    DeleteSnapshot {
        /// The directory.
        snapshot_root: String,
        /// The snapshot's name.
        snapshot_name: String,
        /// The modification time of the directory.
        mtime: i64,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_RENAME_SNAPSHOT`
    RenameSnapshot {
        /// The directory.
        snapshot_root: String,
        /// The snapshot's name.
        snapshot_old_name: String,
        /// Its name afterwards.
        snapshot_new_name: String,
        /// The modification time of the snapshot.
        mtime: i64,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_ADD_CACHE_POOL`: the pool has every field.
    AddCachePool {
        /// The pool.
        pool: CachePoolInfo,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_MODIFY_CACHE_POOL`
    ModifyCachePool {
        /// The changes.
        pool: CachePoolInfo,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_REMOVE_CACHE_POOL`: removes a pool and its directives.
    RemoveCachePool {
        /// The pool.
        pool_name: String,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_ADD_CACHE_DIRECTIVE`: the directive has every field.
    AddCacheDirective {
        /// The directive.
        directive: CacheDirectiveInfo,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_MODIFY_CACHE_DIRECTIVE`
    ModifyCacheDirective {
        /// The changes.
        directive: CacheDirectiveInfo,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_REMOVE_CACHE_DIRECTIVE`
    RemoveCacheDirective {
        /// The directive.
        id: i64,
        /// The call.
        rpc: RpcIds,
    },
    /// `OP_GET_DELEGATION_TOKEN`, `OP_RENEW_DELEGATION_TOKEN`, `OP_CANCEL_DELEGATION_TOKEN` and
    /// `OP_UPDATE_MASTER_KEY`
    Token(TokenEdit),
}

impl Edit {
    /// Returns the variant's name.
    pub(crate) fn name(&self) -> String {
        let whole = format!("{self:?}");
        whole
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect()
    }

    /// Returns the ids of the call that must not be executed twice; `None` for other edits.
    #[must_use]
    pub fn rpc_ids(&self) -> Option<RpcIds> {
        match self {
            Self::Add { rpc, .. }
            | Self::Append { rpc, .. }
            | Self::UpdateBlocks { rpc, .. }
            | Self::Truncate { rpc, .. }
            | Self::ConcatDelete { rpc, .. }
            | Self::Symlink { rpc, .. }
            | Self::RenameOld { rpc, .. }
            | Self::Rename { rpc, .. }
            | Self::Delete { rpc, .. }
            | Self::SetXAttr { rpc, .. }
            | Self::CreateSnapshot { rpc, .. }
            | Self::DeleteSnapshot { rpc, .. }
            | Self::RenameSnapshot { rpc, .. }
            | Self::AddCachePool { rpc, .. }
            | Self::ModifyCachePool { rpc, .. }
            | Self::RemoveCachePool { rpc, .. }
            | Self::AddCacheDirective { rpc, .. }
            | Self::ModifyCacheDirective { rpc, .. }
            | Self::RemoveCacheDirective { rpc, .. }
            | Self::RemoveXAttr { rpc, .. } => Some(*rpc).filter(|rpc| rpc.call_id >= 0),
            _ => None,
        }
    }
}
