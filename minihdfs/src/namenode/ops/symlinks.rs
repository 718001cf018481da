//! Symbolic links, which are off unless enabled (`FSDirSymlinkOp`).

use super::tree::check_parent;
use crate::HdfsError;
use crate::error::Class;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::edit::Edit;
use crate::namenode::path;
use crate::namenode::state::limits::check_new_path;
use crate::namenode::state::namespace::Creation;
use crate::namenode::state::resolve::RESERVED;
use crate::proto::hdfs::{
    CreateSymlinkRequestProto, CreateSymlinkResponseProto, GetFileLinkInfoRequestProto,
    GetFileLinkInfoResponseProto, GetLinkTargetRequestProto, GetLinkTargetResponseProto,
};
use crate::rpc::Call;

/// The permissions of a link, which count for nothing (`FsPermission.getDefault`).
const LINK_MODE: u16 = 0o777;

/// The longest path or target, in bytes.
const MAX_LENGTH: usize = 8000;

impl NameNode {
    /// Creates a link to any text, which need not be the path of anything.
    pub(crate) fn create_symlink(
        &self,
        call: &Call<'_>,
        request: CreateSymlinkRequestProto,
    ) -> Result<CreateSymlinkResponseProto, HdfsError> {
        if request.link.is_empty() {
            return Err(HdfsError::illegal_argument(
                "Can not create a Path from an empty string",
            ));
        }
        if request.link.len() > MAX_LENGTH || request.target.len() > MAX_LENGTH {
            return Err(HdfsError::io("Symlink path exceeds 8000 character limit"));
        }
        if !self.config.symlinks {
            return Err(HdfsError::unsupported_operation("Symlinks not supported"));
        }
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("create symlink {}", request.link))?;
        check_names(&request)?;
        let path = ns.namespace().resolve(&request.link)?.not_following();
        checker.check_change(ns.namespace(), &path, Need::TRAVERSE)?;
        if !request.create_parent {
            check_parent(&ns, &path)?;
        }
        if path.last().is_some() || request.link.ends_with('/') {
            return Err(HdfsError::io(format!(
                "failed to create link {} either because the filename is invalid or the file exists",
                path.path()
            )));
        }
        checker.check_change(ns.namespace(), &path, Need::ancestor(FsAction::WRITE))?;
        check_new_path(&path, "createSymlink")?;
        let owner = &call.caller.user.short;
        let above = Self::mode_above_file(&ns, &path, owner);
        let parent = self.make_ancestors(call.now, &mut ns, &path, &above)?;
        let creation = Creation {
            mode: LINK_MODE,
            ..above
        };
        let namespace = ns.namespace();
        let mut permissions = namespace
            .inherited(parent, &creation, false, false)
            .permissions;
        permissions.mode = LINK_MODE;
        let inode_id = namespace.last_id() + 1;
        let now = call.now.as_millis();
        ns.log(&Edit::Symlink {
            inode_id,
            path: path.path().to_owned(),
            value: request.target,
            mtime: now,
            atime: now,
            permissions,
            rpc: call.caller.into(),
        })?;
        Ok(CreateSymlinkResponseProto {})
    }

    /// Returns the status of a path; of a link itself if one is at its end.
    pub(crate) fn get_file_link_info(
        &self,
        call: &Call<'_>,
        request: GetFileLinkInfoRequestProto,
    ) -> Result<GetFileLinkInfoResponseProto, HdfsError> {
        let fs = self.status_of(call, &request.src, true)?;
        Ok(GetFileLinkInfoResponseProto { fs })
    }

    /// Returns the target of a link at the end of a path, or the path beyond a link in its middle.
    pub(crate) fn get_link_target(
        &self,
        call: &Call<'_>,
        request: GetLinkTargetRequestProto,
    ) -> Result<GetLinkTargetResponseProto, HdfsError> {
        let status = match self.status_of(call, &request.path, true) {
            Err(error) if *error.kind() == Class::UnresolvedPath => {
                return Ok(GetLinkTargetResponseProto {
                    target_path: Some(error.message().to_owned()),
                });
            }
            status => status?,
        };
        let Some(status) = status else {
            return Err(HdfsError::file_not_found(format!(
                "File does not exist: {}",
                request.path
            )));
        };
        let Some(target) = status.symlink else {
            return Err(HdfsError::io(format!(
                "Path {} is not a symbolic link",
                request.path
            )));
        };
        let target_path = String::from_utf8_lossy(&target).into_owned();
        Ok(GetLinkTargetResponseProto {
            target_path: Some(target_path),
        })
    }
}

/// Fails if a link cannot have this name or this target.
fn check_names(request: &CreateSymlinkRequestProto) -> Result<(), HdfsError> {
    if !path::is_valid(&request.link) {
        return Err(HdfsError::invalid_path(format!(
            "Invalid path name Invalid link name: {}",
            request.link
        )));
    }
    if request.target.is_empty() || path::is_within(&request.target, RESERVED) {
        return Err(HdfsError::invalid_path(format!(
            "Invalid path name Invalid target name: {}",
            request.target
        )));
    }
    Ok(())
}
