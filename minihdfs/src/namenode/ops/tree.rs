//! Creating and deleting directories and trees.

use std::sync::Arc;

use kerbox_krb5::Timestamp;

use super::attributes::check_not_reserved;
use super::snapshots::check_no_snapshots;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::edit::Edit;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::path;
use crate::namenode::state::inode::{InodeId, PERMISSION_BITS};
use crate::namenode::state::limits::{Charge, check_directory_items, check_new_names};
use crate::namenode::state::namespace::Creation;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::proto::hdfs::{
    DeleteRequestProto, DeleteResponseProto, MkdirsRequestProto, MkdirsResponseProto,
};
use crate::rpc::Call;

/// The bits added to implicitly created directories, so that owners can write and search them
/// (`u+wx`).
const IMPLICIT: u16 = 0o300;

/// The bits that such directories take from the requested mode, which exclude the sticky bit.
const RWX: u16 = 0o777;

impl NameNode {
    /// Creates a directory and its missing ancestors. An existing directory is unchanged.
    pub(crate) fn mkdirs(
        &self,
        call: &Call<'_>,
        request: MkdirsRequestProto,
    ) -> Result<MkdirsResponseProto, HdfsError> {
        path::check_length(&request.src, "mkdirs")?;
        path::check_creatable(&request.src)?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("create directory {}", request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        checker.check_creation(ns.namespace(), &path, Need::TRAVERSE)?;
        if let Some(id) = path.last() {
            if !ns.namespace().inode(id).is_directory() {
                return Err(HdfsError::file_already_exists(format!(
                    "Path is not a directory: {}",
                    path.path()
                )));
            }
            return Ok(MkdirsResponseProto { result: true });
        }
        checker.check_creation(ns.namespace(), &path, Need::ancestor(FsAction::WRITE))?;
        if !request.create_parent {
            check_parent(&ns, &path)?;
        }
        check_new_names(&path, "mkdirs", &self.config)?;
        let creation = Creation {
            owner: Arc::clone(&call.caller.user.short),
            mode: request.masked.perm as u16 & PERMISSION_BITS,
            unmasked: request.unmasked.map(|mode| mode.perm as u16),
        };
        let above = Creation {
            owner: Arc::clone(&creation.owner),
            mode: creation.mode & RWX | IMPLICIT,
            unmasked: creation.unmasked.map(|mode| mode & RWX | IMPLICIT),
        };
        let missing = path.missing().count();
        self.check_room(&ns, &path, missing as u64)?;
        let parent = self.make_missing(call.now, &mut ns, &path, missing - 1, &above)?;
        let name = path::name(path.path());
        self.add_directory(call.now, &mut ns, parent, name, &creation)?;
        Ok(MkdirsResponseProto { result: true })
    }

    /// Fails if quotas or the limit on items do not allow this many more inodes.
    pub(super) fn check_room(
        &self,
        ns: &Namesystem,
        path: &ResolvedPath<'_>,
        inodes: u64,
    ) -> Result<(), HdfsError> {
        let existing = path.existing();
        let parent = existing[existing.len() - 1];
        check_directory_items(ns.namespace(), parent, &self.config)?;
        let charge = Charge {
            inodes,
            one_by_one: true,
            ..Charge::default()
        };
        ns.namespace().check_quota(parent, None, charge)
    }

    /// Creates the first `count` missing components of a path, and returns the last one that then
    /// exists.
    pub(super) fn make_missing(
        &self,
        now: Timestamp,
        ns: &mut Namesystem,
        path: &ResolvedPath<'_>,
        count: usize,
        creation: &Creation,
    ) -> Result<InodeId, HdfsError> {
        let existing = path.existing();
        let mut parent = existing[existing.len() - 1];
        for name in path.missing().take(count) {
            parent = self.add_directory(now, ns, parent, name, creation)?;
        }
        Ok(parent)
    }

    /// Creates a directory, and returns its id.
    pub(crate) fn add_directory(
        &self,
        now: Timestamp,
        ns: &mut Namesystem,
        parent: InodeId,
        name: &str,
        creation: &Creation,
    ) -> Result<InodeId, HdfsError> {
        let namespace = ns.namespace();
        let posix = self.config.posix_acl_inheritance;
        let inherited = namespace.inherited(parent, creation, true, posix);
        let inode_id = namespace.last_id() + 1;
        ns.log(&Edit::Mkdir {
            inode_id,
            path: path::join(&namespace.full_path(parent), name),
            timestamp: now.as_millis(),
            permissions: inherited.permissions,
            acl: inherited.acl,
        })?;
        Ok(inode_id)
    }

    /// Returns the mode of directories that `create` makes implicitly: that of their parent
    /// directory, and `u+wx`.
    pub(super) fn mode_above_file(
        ns: &Namesystem,
        path: &ResolvedPath<'_>,
        owner: &Arc<str>,
    ) -> Creation {
        let existing = path.existing();
        let nearest = ns.namespace().inode(existing[existing.len() - 1]);
        Creation {
            owner: Arc::clone(owner),
            mode: nearest.mode & RWX | IMPLICIT,
            unmasked: None,
        }
    }

    /// Deletes a file, or a directory with its contents. Returns false if the path does not exist
    /// or is the root.
    pub(crate) fn delete(
        &self,
        call: &Call<'_>,
        request: DeleteRequestProto,
    ) -> Result<DeleteResponseProto, HdfsError> {
        check_not_reserved(&request.src)?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("delete {}", request.src))?;
        let path = ns.namespace().resolve(&request.src)?.not_following();
        let need = Need {
            subtree: Some((FsAction::ALL, true)),
            ..Need::parent(FsAction::WRITE)
        };
        checker.check_change(ns.namespace(), &path, need)?;
        let Some(id) = path.last() else {
            return Ok(DeleteResponseProto { result: false });
        };
        let children = ns
            .namespace()
            .inode(id)
            .as_directory()
            .map_or(0, |directory| directory.children.len());
        if children > 0 && !request.recursive {
            return Err(HdfsError::path_is_not_empty_directory(format!(
                "`{} is non empty': Directory is not empty",
                path.path()
            )));
        }
        if path.depth() == 1 {
            return Ok(DeleteResponseProto { result: false });
        }
        check_no_snapshots(&ns, id)?;
        ns.log(&Edit::Delete {
            path: path.path().to_owned(),
            timestamp: call.now.as_millis(),
            rpc: call.caller.into(),
        })?;
        Ok(DeleteResponseProto { result: true })
    }
}

/// Checks that the parent exists and is a directory (`FSDirectory.verifyParentDir`).
pub(super) fn check_parent(ns: &Namesystem, path: &ResolvedPath<'_>) -> Result<(), HdfsError> {
    let directory = path::parent(path.path());
    match path.parent() {
        None => Err(HdfsError::file_not_found(format!(
            "Parent directory doesn't exist: {directory}"
        ))),
        Some(id) if !ns.namespace().inode(id).is_directory() => Err(
            HdfsError::parent_not_directory(format!("Parent path is not a directory: {directory}")),
        ),
        Some(_) => Ok(()),
    }
}
