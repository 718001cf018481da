//! Opening files for writing: create and append.

use std::sync::Arc;

use bytes::Bytes;

use super::tree::check_parent;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::edit::{Edit, FileFields, RpcIds};
use crate::namenode::lease_recovery::{Claim, RecoverLeaseOp};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::path;
use crate::namenode::state::inode::{InodeId, PERMISSION_BITS};
use crate::namenode::state::limits::{Charge, check_name, check_new_path};
use crate::namenode::state::namespace::Creation;
use crate::namenode::state::resolve::is_reserved;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::namenode::state::storage_policy::{LAZY_PERSIST, by_type, or_hot};
use crate::proto::hdfs::{
    AppendRequestProto, AppendResponseProto, CreateFlagProto, CreateRequestProto,
    CreateResponseProto, LocatedBlockProto,
};
use crate::rpc::Call;
use crate::token::AccessMode;

/// The `CreateFlag`s of a request.
#[derive(Clone, Copy)]
pub(super) struct Flags(pub(super) u32);

impl Flags {
    pub(super) fn has(self, flag: CreateFlagProto) -> bool {
        self.0 & flag as u32 != 0
    }
}

impl NameNode {
    /// Creates and opens a file. Replaces an existing one if the flags say so.
    pub(crate) fn create(
        &self,
        call: &Call<'_>,
        request: CreateRequestProto,
    ) -> Result<CreateResponseProto, HdfsError> {
        let flags = Flags(request.create_flag);
        path::check_length(&request.src, "create")?;
        if !path::is_valid(&request.src) || is_reserved(&request.src) {
            return Err(HdfsError::invalid_path(format!(
                "Invalid path name {}",
                request.src
            )));
        }
        check_name("client's name", &request.client_name)?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("create file{}", request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        checker.check_creation(ns.namespace(), &path, Need::ancestor(FsAction::WRITE))?;
        if let Some(id) = path.last() {
            if ns.namespace().inode(id).is_directory() {
                return Err(HdfsError::file_already_exists(format!(
                    "{} already exists as a directory",
                    path.path()
                )));
            }
            if flags.has(CreateFlagProto::Overwrite) {
                checker.check_traversed(ns.namespace(), &path, Need::path(FsAction::WRITE))?;
            }
        } else {
            if !request.create_parent {
                check_parent(&ns, &path)?;
            }
            if !flags.has(CreateFlagProto::Create) {
                return Err(HdfsError::file_not_found(format!(
                    "Can't overwrite non-existent {}",
                    request.src
                )));
            }
        }
        self.check_block_size(request.block_size)?;
        let replication = self.verified_replication(request.replication, || {
            format!("{}, clientName={}", request.src, call.caller.address)
        })?;
        check_new_path(&path, "create")?;
        if let Some(id) = path.last() {
            self.check_replacement(call, &mut ns, &path, id, flags, &request.client_name)?;
        }
        let id = self.add_file(call, &mut ns, &path, &request, replication)?;
        ns.renew_lease(call.now, &request.client_name);
        Ok(CreateResponseProto {
            fs: Some(self.file_status(&ns, id, Bytes::new())),
        })
    }

    fn check_block_size(&self, block_size: u64) -> Result<(), HdfsError> {
        let least = self.config.limits.min_block_size;
        if block_size >= least && block_size.cast_signed() >= 0 {
            return Ok(());
        }
        Err(HdfsError::io(format!(
            "Specified block size {} is less than configured minimum value dfs.namenode.fs-limits.min-block-size={least}",
            block_size.cast_signed()
        )))
    }

    /// Fails if a new file may not replace the existing one.
    fn check_replacement(
        &self,
        call: &Call<'_>,
        ns: &mut Namesystem,
        path: &ResolvedPath<'_>,
        id: InodeId,
        flags: Flags,
        holder: &str,
    ) -> Result<(), HdfsError> {
        if flags.has(CreateFlagProto::Overwrite) {
            return check_room_instead(call, ns, path, id);
        }
        let claim = Claim {
            op: RecoverLeaseOp::Create,
            path: path.path(),
            holder,
            machine: call.caller.address,
        };
        // Takes over an expired lease although the call fails in any case, as Hadoop does.
        ns.take_over(call.now, id, claim)?;
        Err(HdfsError::file_already_exists(format!(
            "{} for client {} already exists",
            path.path(),
            call.caller.address
        )))
    }

    fn add_file(
        &self,
        call: &Call<'_>,
        ns: &mut Namesystem,
        path: &ResolvedPath<'_>,
        request: &CreateRequestProto,
        replication: u16,
    ) -> Result<InodeId, HdfsError> {
        let owner = &call.caller.user.short;
        let parent = match path.last() {
            Some(id) => ns.namespace().inode(id).parent,
            None => {
                let above: Creation = Self::mode_above_file(ns, path, owner);
                self.make_ancestors(call.now, ns, path, &above)?
            }
        };
        let creation = Creation {
            owner: Arc::clone(owner),
            mode: request.masked.perm as u16 & PERMISSION_BITS,
            unmasked: request.unmasked.map(|mode| mode.perm as u16),
        };
        let posix = self.config.posix_acl_inheritance;
        let inherited = ns.namespace().inherited(parent, &creation, false, posix);
        let inode_id = ns.namespace().last_id() + 1;
        let now = call.now.as_millis();
        let edit = Edit::Add {
            file: FileFields {
                inode_id,
                path: path.path().to_owned(),
                replication,
                mtime: now,
                atime: now,
                block_size: request.block_size,
                blocks: Vec::new(),
                permissions: inherited.permissions,
            },
            acl: inherited.acl,
            client_name: ns.leases().named(&request.client_name),
            client_machine: ns.machine(call.caller.address),
            overwrite: path.last().is_some(),
            rpc: call.caller.into(),
        };
        ns.log_at(parent, &edit)?;
        Ok(inode_id)
    }

    /// Opens a file for appending. The response contains the last block if it has room.
    pub(crate) fn append(
        &self,
        call: &Call<'_>,
        request: AppendRequestProto,
    ) -> Result<AppendResponseProto, HdfsError> {
        check_name("client's name", &request.client_name)?;
        let flags = Flags(request.flag.unwrap_or(CreateFlagProto::Append as u32));
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("append to file{}", request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        checker.check_change(ns.namespace(), &path, Need::TRAVERSE)?;
        if path
            .last()
            .is_some_and(|id| ns.namespace().inode(id).is_directory())
        {
            return Err(HdfsError::file_already_exists(format!(
                "Cannot append to directory {}; already exists as a directory.",
                path.path()
            )));
        }
        checker.check_change(ns.namespace(), &path, Need::path(FsAction::WRITE))?;
        let id = path.last().ok_or_else(|| {
            HdfsError::file_not_found(format!(
                "Failed to append to non-existent file {} for client {}",
                path.path(),
                call.caller.address
            ))
        })?;
        check_not_in_memory(&ns, id, "append to", path.path())?;
        let claim = Claim {
            op: RecoverLeaseOp::Append,
            path: path.path(),
            holder: &request.client_name,
            machine: call.caller.address,
        };
        ns.take_over(call.now, id, claim)?;
        self.check_last_block(&ns, id, path.path())?;
        check_room_in_last_block(&ns, id)?;
        let new_block = flags.has(CreateFlagProto::NewBlock);
        let edit = Edit::Append {
            path: path.path().to_owned(),
            client_name: ns.leases().named(&request.client_name),
            client_machine: ns.machine(call.caller.address),
            new_block,
            rpc: call.caller.into(),
        };
        ns.log_at(id, &edit)?;
        ns.renew_lease(call.now, &request.client_name);
        Ok(self.appended(call, &mut ns, id, new_block))
    }

    /// Returns what a client needs to know about a file that it has opened for appending.
    pub(super) fn appended(
        &self,
        call: &Call<'_>,
        ns: &mut Namesystem,
        id: InodeId,
        new_block: bool,
    ) -> AppendResponseProto {
        let block = self.block_to_append(call, ns, id, new_block);
        AppendResponseProto {
            block,
            stat: Some(self.file_status(ns, id, Bytes::new())),
        }
    }

    /// Fails if the last block does not have the replicas needed for appending.
    pub(super) fn check_last_block(
        &self,
        ns: &Namesystem,
        id: InodeId,
        path: &str,
    ) -> Result<(), HdfsError> {
        let Some(last) = ns.last_block(id) else {
            return Ok(());
        };
        if last.live(&ns.blocks.datanodes).count() < usize::from(self.config.min_replication) {
            return Err(HdfsError::io(format!(
                "append: lastBlock={} of src={path} is not sufficiently replicated yet.",
                last.block()
            )));
        }
        Ok(())
    }

    /// Reopens the last block if it is not full. If the client asked for a new block, the last one
    /// is returned without locations.
    fn block_to_append(
        &self,
        call: &Call<'_>,
        ns: &mut Namesystem,
        id: InodeId,
        new_block: bool,
    ) -> Option<LocatedBlockProto> {
        let block_size = ns.namespace().inode(id).as_file()?.block_size;
        let last = ns.last_block(id)?;
        let offset = ns.file_length(id).saturating_sub(last.block().length);
        if new_block {
            return Some(self.located_block(call.now, ns, last, offset, &[], None));
        }
        if last.block().length >= block_size {
            return None;
        }
        let targets: Vec<_> = last.live(&ns.blocks.datanodes).collect();
        let block = last.block().id;
        ns.blocks.reopen(block, targets.clone());
        let info = ns.blocks.block(block);
        let grant = Some((&*call.caller.user.short, AccessMode::Write));
        Some(self.located_block(call.now, ns, info, offset, &targets, grant))
    }
}

/// Fails if a quota that is exceeded already has no room for a file in place of another. The other
/// one is then gone: Hadoop deletes it before it checks.
fn check_room_instead(
    call: &Call<'_>,
    ns: &mut Namesystem,
    path: &ResolvedPath<'_>,
    id: InodeId,
) -> Result<(), HdfsError> {
    let namespace = ns.namespace();
    let charge = Charge {
        inodes: 1,
        removed: (!namespace.is_in_snapshot(id)).into(),
        ..Charge::default()
    };
    let parent = namespace.inode(id).parent;
    if let Err(refusal) = namespace.check_quota(parent, None, charge) {
        ns.log(&Edit::Delete {
            path: path.path().to_owned(),
            timestamp: call.now.as_millis(),
            rpc: RpcIds::NONE,
        })?;
        return Err(refusal);
    }
    Ok(())
}

/// Fails for a file under the policy `LAZY_PERSIST`.
pub(super) fn check_not_in_memory(
    ns: &Namesystem,
    id: InodeId,
    action: &str,
    path: &str,
) -> Result<(), HdfsError> {
    if ns.namespace().storage_policy(id) == LAZY_PERSIST {
        return Err(HdfsError::unsupported_operation(format!(
            "Cannot {action} lazy persist file {path}"
        )));
    }
    Ok(())
}

/// Fails if quotas have no room for the rest of the last block, which counts with its full size
/// while it is written (`FSDirAppendOp.verifyQuotaForUCBlock`).
fn check_room_in_last_block(ns: &Namesystem, id: InodeId) -> Result<(), HdfsError> {
    let namespace = ns.namespace();
    let inode = namespace.inode(id);
    let (Some(file), Some(last)) = (inode.as_file(), ns.last_block(id)) else {
        return Ok(());
    };
    let room = file.block_size.saturating_sub(last.block().length);
    let charge = Charge {
        space: room.saturating_mul(file.replication.into()),
        types: by_type(or_hot(namespace.storage_policy(id)), file.replication, room),
        ..Charge::default()
    };
    namespace.check_quota(inode.parent, None, charge)
}
