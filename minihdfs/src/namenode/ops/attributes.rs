//! Permissions, owners, times, replication.

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::edit::Edit;
use crate::namenode::state::inode::{InodeId, PERMISSION_BITS};
use crate::namenode::state::limits::{Charge, check_name};
use crate::namenode::state::resolve::RESERVED;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::namenode::state::storage_policy::{by_type, less};
use crate::proto::hdfs::{
    SetOwnerRequestProto, SetOwnerResponseProto, SetPermissionRequestProto,
    SetPermissionResponseProto, SetReplicationRequestProto, SetReplicationResponseProto,
    SetTimesRequestProto, SetTimesResponseProto,
};
use crate::rpc::Call;

/// Returns the inode of a path. Fails if it does not exist.
pub(super) fn existing(path: &ResolvedPath<'_>) -> Result<InodeId, HdfsError> {
    path.last()
        .ok_or_else(|| HdfsError::file_not_found(format!("File does not exist: {}", path.path())))
}

/// Same as [`existing`], with Hadoop's message for operations reserved to owners.
pub(super) fn owned(path: &ResolvedPath<'_>) -> Result<InodeId, HdfsError> {
    path.last().ok_or_else(|| {
        HdfsError::file_not_found(format!("Directory/File does not exist {}", path.path()))
    })
}

/// Same as [`existing`], for access control lists and extended attributes.
pub(super) fn found(path: &ResolvedPath<'_>) -> Result<InodeId, HdfsError> {
    path.last()
        .ok_or_else(|| HdfsError::file_not_found(format!("cannot find {}", path.path())))
}

/// Same as [`existing`], for storage policies and quotas.
pub(super) fn file_or_directory(path: &ResolvedPath<'_>) -> Result<InodeId, HdfsError> {
    path.last().ok_or_else(|| {
        HdfsError::file_not_found(format!("File/Directory does not exist: {}", path.path()))
    })
}

/// Fails for `/.reserved` itself, which is not an inode and cannot be changed.
pub(super) fn check_not_reserved(src: &str) -> Result<(), HdfsError> {
    if src == RESERVED {
        return Err(HdfsError::invalid_path(format!(
            "Invalid path name {RESERVED}"
        )));
    }
    Ok(())
}

impl NameNode {
    /// Sets the mode; only for the owner. With an access control list the group bits are its mask.
    pub(crate) fn set_permission(
        &self,
        call: &Call<'_>,
        request: SetPermissionRequestProto,
    ) -> Result<SetPermissionResponseProto, HdfsError> {
        check_not_reserved(&request.src)?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("set permission for {}", request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        checker.check_change(ns.namespace(), &path, Need::OWNER)?;
        let id = owned(&path)?;
        let mode = request.permission.perm as u16 & PERMISSION_BITS;
        if ns.namespace().inode(id).mode != mode {
            let src = path.path().to_owned();
            ns.log_at(id, &Edit::SetPermissions { src, mode })?;
        }
        Ok(SetPermissionResponseProto {})
    }

    /// Sets owner and group. Only the superuser may change the owner. The owner may set the group
    /// to one that they belong to.
    pub(crate) fn set_owner(
        &self,
        call: &Call<'_>,
        request: SetOwnerRequestProto,
    ) -> Result<SetOwnerResponseProto, HdfsError> {
        check_not_reserved(&request.src)?;
        check_name("owner's name", request.username())?;
        check_name("group's name", request.groupname())?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("set owner for {}", request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        checker.check_change(ns.namespace(), &path, Need::OWNER)?;
        let id = owned(&path)?;
        let (user, group) = (request.username.as_deref(), request.groupname.as_deref());
        let (user, group) = (
            user.filter(|name| !name.is_empty()),
            group.filter(|name| !name.is_empty()),
        );
        if !checker.is_exempt() {
            let caller = checker.user();
            if user.is_some_and(|user| *user != **caller) {
                return Err(HdfsError::access_control(format!(
                    "User {caller} is not a super user (non-super user cannot change owner)."
                )));
            }
            if let Some(group) = group.filter(|group| !checker.is_member_of(group)) {
                return Err(HdfsError::access_control(format!(
                    "User {caller} does not belong to {group}"
                )));
            }
        }
        let inode = ns.namespace().inode(id);
        let (user, group) = (
            user.filter(|user| **user != *inode.owner),
            group.filter(|group| **group != *inode.group),
        );
        if user.is_some() || group.is_some() {
            let edit = Edit::SetOwner {
                src: path.path().to_owned(),
                username: user.map(str::to_owned),
                groupname: group.map(str::to_owned),
            };
            ns.log_at(id, &edit)?;
        }
        Ok(SetOwnerResponseProto {})
    }

    /// Sets times in milliseconds; a negative value leaves a time unchanged.
    pub(crate) fn set_times(
        &self,
        call: &Call<'_>,
        request: SetTimesRequestProto,
    ) -> Result<SetTimesResponseProto, HdfsError> {
        let given = |time: u64| i64::try_from(time).ok();
        let (modified, accessed) = (given(request.mtime), given(request.atime));
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("set times {}", request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        checker.check_change(ns.namespace(), &path, Need::path(FsAction::WRITE))?;
        let id = path.last().ok_or_else(|| {
            HdfsError::file_not_found(format!("File/Directory {} does not exist.", path.path()))
        })?;
        let inode = ns.namespace().inode(id);
        let (modified, accessed) = (
            modified.filter(|time| *time != inode.modification_time),
            accessed.filter(|time| *time != inode.access_time),
        );
        if modified.is_some() || accessed.is_some() {
            let edit = Edit::Times {
                path: path.path().to_owned(),
                mtime: modified.unwrap_or(-1),
                atime: accessed.unwrap_or(-1),
            };
            ns.log_at(id, &edit)?;
        }
        Ok(SetTimesResponseProto {})
    }

    /// Sets the replication. Returns false if the path is not a file.
    pub(crate) fn set_replication(
        &self,
        call: &Call<'_>,
        request: SetReplicationRequestProto,
    ) -> Result<SetReplicationResponseProto, HdfsError> {
        let replication = self.verified_replication(request.replication, || request.src.clone())?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("set replication for {}", request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        checker.check_change(ns.namespace(), &path, Need::path(FsAction::WRITE))?;
        let Some((id, file)) = path
            .last()
            .and_then(|id| Some((id, ns.namespace().inode(id).as_file()?)))
        else {
            return Ok(SetReplicationResponseProto { result: false });
        };
        let before = file.replication;
        let added = u64::from(replication.saturating_sub(before));
        if added > 0 {
            let length = ns.file_length(id);
            let policy = ns.namespace().storage_policy(id);
            let charge = Charge {
                space: length.saturating_mul(added),
                types: less(
                    by_type(policy, replication, length),
                    by_type(policy, before, length),
                ),
                ..Charge::default()
            };
            let parent = ns.namespace().inode(id).parent;
            ns.namespace().check_quota(parent, None, charge)?;
        }
        if replication != before {
            let path = path.path().to_owned();
            ns.log_at(id, &Edit::SetReplication { path, replication })?;
            for block in ns.current_blocks(id) {
                ns.check_redundancy(call.now, block.id);
            }
        }
        Ok(SetReplicationResponseProto { result: true })
    }

    /// Checks that the replication is within `dfs.namenode.replication.min` and
    /// `dfs.replication.max` (`BlockManager.verifyReplication`).
    pub(super) fn verified_replication(
        &self,
        replication: u32,
        subject: impl Fn() -> String,
    ) -> Result<u16, HdfsError> {
        let (least, most) = (self.config.min_replication, self.config.max_replication);
        let replication = replication.cast_signed();
        if replication < i32::from(least) {
            return Err(HdfsError::io(format!(
                "Requested replication factor of {replication} is less than the required minimum of {least} for {}",
                subject()
            )));
        }
        u16::try_from(replication)
            .ok()
            .filter(|replication| *replication <= most)
            .ok_or_else(|| {
                HdfsError::io(format!(
                    "Requested replication factor of {replication} exceeds maximum of {most} for {}",
                    subject()
                ))
            })
    }
}
