//! Creating and deleting directories and trees.

use std::sync::Arc;

use kerbox_krb5::Timestamp;

use super::attributes::check_not_reserved;
use super::snapshots::check_no_snapshots;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need, Subtree};
use crate::namenode::edit::Edit;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::path;
use crate::namenode::state::inode::{InodeId, PERMISSION_BITS};
use crate::namenode::state::limits::{
    Charge, check_directory_items, check_new_name, check_new_path,
};
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
                    request.src
                )));
            }
            return Ok(MkdirsResponseProto { result: true });
        }
        checker.check_traversed(ns.namespace(), &path, Need::ancestor(FsAction::WRITE))?;
        if !request.create_parent {
            check_parent(&ns, &path)?;
        }
        check_new_path(&path, "mkdirs")?;
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
        let parent = self.make_ancestors(call.now, &mut ns, &path, &above)?;
        let name = path::name(path.path());
        self.add_directory(call.now, &mut ns, parent, name, &creation)?;
        Ok(MkdirsResponseProto { result: true })
    }

    /// Fails if a directory cannot have another child of this name: because of the name, the limit
    /// on items or a quota.
    fn check_child(&self, ns: &Namesystem, parent: InodeId, name: &str) -> Result<(), HdfsError> {
        let namespace = ns.namespace();
        check_new_name(name, || namespace.full_path(parent), &self.config)?;
        check_directory_items(namespace, parent, &self.config)?;
        let charge = Charge {
            inodes: 1,
            ..Charge::default()
        };
        namespace.check_quota(parent, None, charge)
    }

    /// Creates the missing directories above a path, and returns the last one. Fails if that one
    /// cannot have another child of the path's name. Like Hadoop's, a call that fails may leave
    /// directories that it has made.
    pub(super) fn make_ancestors(
        &self,
        now: Timestamp,
        ns: &mut Namesystem,
        path: &ResolvedPath<'_>,
        creation: &Creation,
    ) -> Result<InodeId, HdfsError> {
        let existing = path.existing();
        let mut parent = existing[existing.len() - 1];
        let mut names = path.missing().peekable();
        while let Some(name) = names.next() {
            self.check_child(ns, parent, name)?;
            if names.peek().is_some() {
                parent = self.add_directory(now, ns, parent, name, creation)?;
            }
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
        let edit = Edit::Mkdir {
            inode_id,
            path: namespace.path_of_child(parent, name),
            timestamp: now.as_millis(),
            permissions: inherited.permissions,
            acl: inherited.acl,
        };
        ns.log_at(parent, &edit)?;
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
            subtree: Some(Subtree::Deleted),
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
        let edit = Edit::Delete {
            path: path.path().to_owned(),
            timestamp: call.now.as_millis(),
            rpc: call.caller.into(),
        };
        ns.log_at(id, &edit)?;
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
