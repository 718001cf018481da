//! Permission checks on inodes (Hadoop's `FSPermissionChecker`).

use std::fmt;
use std::sync::Arc;

use crate::HdfsError;
use crate::namenode::access::symlink::unresolved;
use crate::namenode::acl::AclEntry;
use crate::namenode::state::inode::{Inode, InodeId, ROOT, STICKY};
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::namenode::state::snapshot::view::View;
use crate::proto::hdfs::acl_entry_proto::AclEntryTypeProto as Type;

/// The rwx bits that an operation requires (`FsAction`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FsAction(pub(crate) u8);

impl FsAction {
    pub(crate) const EXECUTE: Self = Self(1);
    pub(crate) const WRITE: Self = Self(2);
    pub(crate) const READ: Self = Self(4);
    pub(crate) const READ_EXECUTE: Self = Self(5);
    pub(crate) const ALL: Self = Self(7);

    /// Returns true if these bits, of which the last three count, include the action.
    pub(crate) fn is_in(self, bits: u16) -> bool {
        u16::from(self.0) & !bits == 0
    }
}

impl fmt::Display for FsAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            "NONE",
            "EXECUTE",
            "WRITE",
            "WRITE_EXECUTE",
            "READ",
            "READ_EXECUTE",
            "READ_WRITE",
            "ALL",
        ];
        f.write_str(names[usize::from(self.0 & 7)])
    }
}

/// The requirements of an operation, besides traversal of the ancestors, which is always checked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Need {
    /// The caller must own the inode.
    pub(crate) owner: bool,
    /// Access to the nearest existing ancestor.
    pub(crate) ancestor: Option<FsAction>,
    /// Access to the parent, if it exists. WRITE also checks its sticky bit.
    pub(crate) parent: Option<FsAction>,
    /// Access to the inode itself, if it exists.
    pub(crate) path: Option<FsAction>,
    /// Access to the directory and every directory below it.
    pub(crate) subtree: Option<Subtree>,
}

/// The access that an operation needs in a whole tree, in the order in which Hadoop walks through
/// it: that decides what it refuses first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subtree {
    /// All rights, except in empty directories. In reverse order of names.
    Deleted,
    /// In reverse order of names.
    Read(FsAction),
    /// To read and to search. In the order of names.
    Summed,
}

impl Subtree {
    fn action(self) -> FsAction {
        match self {
            Self::Deleted => FsAction::ALL,
            Self::Read(action) => action,
            Self::Summed => FsAction::READ_EXECUTE,
        }
    }
}

impl Need {
    pub(crate) const TRAVERSE: Self = Self {
        owner: false,
        ancestor: None,
        parent: None,
        path: None,
        subtree: None,
    };
    pub(crate) const OWNER: Self = Self {
        owner: true,
        ..Self::TRAVERSE
    };

    pub(crate) const fn path(action: FsAction) -> Self {
        Self {
            path: Some(action),
            ..Self::TRAVERSE
        }
    }

    pub(crate) const fn ancestor(action: FsAction) -> Self {
        Self {
            ancestor: Some(action),
            ..Self::TRAVERSE
        }
    }

    pub(crate) const fn parent(action: FsAction) -> Self {
        Self {
            parent: Some(action),
            ..Self::TRAVERSE
        }
    }
}

/// The permissions of one caller.
#[derive(Debug)]
pub(crate) struct PermissionChecker<'a> {
    pub(crate) user: &'a Arc<str>,
    pub(crate) groups: Arc<[String]>,
    pub(crate) superuser: bool,
    /// `dfs.permissions.enabled`
    pub(crate) enabled: bool,
    /// The called method, for error messages.
    pub(crate) method: &'a str,
}

impl<'a> PermissionChecker<'a> {
    pub(crate) fn user(&self) -> &'a Arc<str> {
        self.user
    }

    pub(crate) fn is_superuser(&self) -> bool {
        self.superuser
    }

    pub(crate) fn is_member_of(&self, group: &str) -> bool {
        self.groups.iter().any(|name| name == group)
    }

    pub(crate) fn check_superuser(&self, operation: &str) -> Result<(), HdfsError> {
        // With dfs.permissions.enabled = false Hadoop skips this check as well.
        if self.superuser || !self.enabled {
            return Ok(());
        }
        Err(HdfsError::access_control(format!(
            "Access denied for user {}. Superuser privilege is required for operation {operation}",
            self.user
        )))
    }

    /// Returns true if this caller bypasses permission checks.
    pub(crate) fn is_exempt(&self) -> bool {
        self.superuser || !self.enabled
    }

    /// Checks traversal of the ancestors, then `need`. An ancestor that is a file is an error for
    /// every caller.
    pub(crate) fn check(
        &self,
        namespace: &Namespace,
        path: &ResolvedPath<'_>,
        need: Need,
    ) -> Result<(), HdfsError> {
        self.traverse(namespace, path)
            .map_err(NoWay::reading)
            .and_then(|()| self.check_traversed(namespace, path, need))
    }

    /// Checks that no file and no symbolic link is on the way to the end of a path, whether or not
    /// the caller may traverse it.
    pub(crate) fn check_way(
        &self,
        namespace: &Namespace,
        path: &ResolvedPath<'_>,
    ) -> Result<(), HdfsError> {
        self.walk(namespace, path, true).map_err(NoWay::reading)
    }

    /// Same as [`check_way`](Self::check_way), for operations that Hadoop resolves without their
    /// caller (`FSDirectory.getINodesInPath`): a file on the way fails with
    /// `ParentNotDirectoryException`.
    pub(crate) fn check_way_without_caller(
        &self,
        namespace: &Namespace,
        path: &ResolvedPath<'_>,
    ) -> Result<(), HdfsError> {
        self.walk(namespace, path, true).map_err(NoWay::creating)
    }

    /// Same as [`check`](Self::check), for operations that change something. Only the superuser may
    /// change anything below `/.reserved/raw` (`FSDirectory.resolvePath`).
    pub(crate) fn check_change(
        &self,
        namespace: &Namespace,
        path: &ResolvedPath<'_>,
        need: Need,
    ) -> Result<(), HdfsError> {
        self.check_raw(path)?;
        self.traverse(namespace, path).map_err(NoWay::reading)?;
        check_writable(path)?;
        self.check_traversed(namespace, path, need)
    }

    fn check_raw(&self, path: &ResolvedPath<'_>) -> Result<(), HdfsError> {
        if path.is_raw() {
            self.check_superuser(match self.method {
                // Hadoop has no name for these here.
                "abandonBlock" | "complete" | "create" | "fsync" | "recoverLease" => "null",
                "addBlock" => "getAdditionalBlock",
                "rename2" => "rename",
                method => method,
            })?;
        }
        Ok(())
    }

    /// Same as [`check_change`](Self::check_change), for operations that create something. An
    /// ancestor that is a file fails with `ParentNotDirectoryException`.
    pub(crate) fn check_creation(
        &self,
        namespace: &Namespace,
        path: &ResolvedPath<'_>,
        need: Need,
    ) -> Result<(), HdfsError> {
        self.check_raw(path)?;
        self.traverse(namespace, path).map_err(NoWay::creating)?;
        check_writable(path)?;
        self.check_traversed(namespace, path, need)
    }

    fn traverse(&self, namespace: &Namespace, path: &ResolvedPath<'_>) -> Result<(), NoWay> {
        self.walk(namespace, path, self.is_exempt())
    }

    fn walk(
        &self,
        namespace: &Namespace,
        path: &ResolvedPath<'_>,
        exempt: bool,
    ) -> Result<(), NoWay> {
        let view = path.view(namespace);
        let ancestors = path.existing().len().min(path.depth() - 1);
        for (index, id) in path.existing()[..ancestors].iter().enumerate() {
            let inode = view.inode(*id);
            if let Some(target) = inode.as_symlink() {
                let index = path.component(index);
                return Err(NoWay::Denied(unresolved(path.path(), index, target)));
            }
            if !inode.is_directory() {
                let path = path.up_to(path.component(index));
                return Err(NoWay::NotADirectory(format!("{path} (is not a directory)")));
            }
            if !exempt {
                self.check_inode(inode, FsAction::EXECUTE, || path.up_to(index))
                    .map_err(NoWay::Denied)?;
            }
        }
        let last = path.last().filter(|_| !path.means_link());
        if let Some(target) = last.and_then(|id| view.inode(id).as_symlink()) {
            let index = path.component(path.depth() - 1);
            return Err(NoWay::Denied(unresolved(path.path(), index, target)));
        }
        Ok(())
    }

    /// Checks what an operation needs besides the traversal of a path, which was checked before.
    pub(crate) fn check_traversed(
        &self,
        namespace: &Namespace,
        path: &ResolvedPath<'_>,
        need: Need,
    ) -> Result<(), HdfsError> {
        if self.is_exempt() {
            return Ok(());
        }
        let view = path.view(namespace);
        let last = path.last().map(|id| view.inode(id));
        let parent = path.parent().map(|id| view.inode(id));
        if let (Some(FsAction::WRITE), Some(parent), Some(last)) = (need.parent, parent, last)
            && last.id != ROOT
        {
            check_sticky(self.user, view, (parent, parent), last)?;
        }
        if let Some(action) = need.ancestor
            && path.depth() > 1
            && let Some(id) = path.nearest_ancestor()
        {
            self.check_inode(view.inode(id), action, || view.full_path(id))?;
        }
        if let (Some(action), Some(parent)) = (need.parent, parent)
            && path.depth() > 1
        {
            self.check_inode(parent, action, || view.full_path(parent.id))?;
        }
        if let Some(last) = last {
            // Hadoop counts `.snapshot` among the components here, although it is no inode.
            let place = || path.up_to(path.depth() - 1);
            if let Some(action) = need.path {
                self.check_inode(last, action, place)?;
            }
            if let Some(subtree) = need.subtree {
                self.check_subtree(view, last, subtree)?;
            }
            if need.owner && last.owner != *self.user {
                return Err(HdfsError::access_control(format!(
                    "Permission denied. user={} is not the owner of inode={}",
                    self.user,
                    place()
                )));
            }
        }
        Ok(())
    }

    fn check_subtree(
        &self,
        view: View<'_>,
        top: &Inode,
        subtree: Subtree,
    ) -> Result<(), HdfsError> {
        let deleted = matches!(subtree, Subtree::Deleted);
        let summed = matches!(subtree, Subtree::Summed);
        let mut pending: Vec<InodeId> = vec![top.id];
        while let Some(id) = pending.pop() {
            let inode = view.inode(id);
            if !inode.is_directory() {
                continue;
            }
            if !(deleted && view.children_len(id) == 0) {
                self.check_inode(inode, subtree.action(), || view.full_path(id))?;
            }
            let first = pending.len();
            for child in view.children(id) {
                let child = view.inode(child);
                // Also of those who only read, except for a summary.
                if !summed {
                    check_sticky(self.user, view, (inode, top), child)?;
                }
                if child.is_directory() {
                    pending.push(child.id);
                }
            }
            if summed {
                pending[first..].reverse();
            }
        }
        Ok(())
    }

    fn check_inode(
        &self,
        inode: &Inode,
        action: FsAction,
        path: impl FnOnce() -> String,
    ) -> Result<(), HdfsError> {
        if self.has_permission(inode, action) {
            return Ok(());
        }
        Err(HdfsError::access_control(format!(
            "Permission denied: user={}, access={action}, inode={}",
            self.user,
            describe(&path(), inode)
        )))
    }

    fn has_permission(&self, inode: &Inode, action: FsAction) -> bool {
        if inode.owner == *self.user {
            return action.is_in(inode.mode >> 6);
        }
        let access = inode.acl().access();
        if access.is_empty() {
            let shift = if self.is_member_of(&inode.group) {
                3
            } else {
                0
            };
            return action.is_in(inode.mode >> shift);
        }
        self.has_acl_permission(inode, access, action)
    }

    /// The first match decides: the named user, then all groups together, then others. Named
    /// entries and groups are masked.
    fn has_acl_permission(&self, inode: &Inode, access: &[AclEntry], action: FsAction) -> bool {
        let mask = inode.mode >> 3;
        let grants = |entry: &AclEntry| action.is_in(u16::from(entry.permissions) & mask);
        let mut in_a_group = false;
        for entry in access {
            match entry.kind {
                Type::User if entry.name.as_ref() == Some(self.user) => return grants(entry),
                Type::Group if self.is_member_of(entry.name.as_deref().unwrap_or(&inode.group)) => {
                    if grants(entry) {
                        return true;
                    }
                    in_a_group = true;
                }
                _ => {}
            }
        }
        !in_a_group && action.is_in(inode.mode)
    }
}

enum NoWay {
    NotADirectory(String),
    Denied(HdfsError),
}

impl NoWay {
    /// Returns the error of an operation that does not create anything.
    fn reading(self) -> HdfsError {
        match self {
            Self::NotADirectory(message) => HdfsError::access_control(message),
            Self::Denied(error) => error,
        }
    }

    /// Returns the error of an operation that creates something.
    fn creating(self) -> HdfsError {
        match self {
            Self::NotADirectory(message) => HdfsError::parent_not_directory(message),
            Self::Denied(error) => error,
        }
    }
}

/// Fails if a path goes through snapshots, which cannot be changed.
fn check_writable(path: &ResolvedPath<'_>) -> Result<(), HdfsError> {
    if path.is_snapshot() {
        return Err(HdfsError::snapshot_access_control(
            "Modification on a read-only snapshot is disallowed",
        ));
    }
    Ok(())
}

/// Fails if the sticky bit of a directory keeps the user from removing a child. In a tree Hadoop
/// names the attributes of its top instead of the directory's.
fn check_sticky(
    user: &Arc<str>,
    view: View<'_>,
    (parent, shown): (&Inode, &Inode),
    inode: &Inode,
) -> Result<(), HdfsError> {
    if parent.mode & STICKY == 0 || parent.owner == *user || inode.owner == *user {
        return Ok(());
    }
    Err(HdfsError::access_control(format!(
        "Permission denied by sticky bit: user={user}, path={}, parent={}",
        describe(&view.full_path(inode.id), inode),
        describe(&view.full_path(parent.id), shown)
    )))
}

/// Formats an inode as `"/path":owner:group:drwxr-xr-x`.
fn describe(path: &str, inode: &Inode) -> String {
    format!(
        "\"{path}\":{}:{}:{}{}",
        inode.owner,
        inode.group,
        if inode.is_directory() { 'd' } else { '-' },
        symbolic(inode.mode),
    )
}

/// Formats a mode as `rwxr-xr-x`. With the sticky bit the last letter is `t`, or `T` without
/// execute permission.
fn symbolic(mode: u16) -> String {
    let mut text: String = (0..9)
        .map(|index| {
            if mode & (0o400 >> index) != 0 {
                ['r', 'w', 'x'][index % 3]
            } else {
                '-'
            }
        })
        .collect();
    if mode & STICKY != 0 {
        text.pop();
        text.push(if mode & 1 != 0 { 't' } else { 'T' });
    }
    text
}
