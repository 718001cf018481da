//! The tree of inodes (Hadoop's `FSDirectory`): resolving paths, adding, moving, removing.

use std::borrow::Cow;
use std::sync::Arc;

use kerbox_krb5::Timestamp;
use smol_str::SmolStr;

use crate::HdfsError;
use crate::namenode::access::acl::AclEntry;
use crate::namenode::edit::PermissionStatus;
use crate::namenode::id_table::IdTable;
use crate::namenode::path;
use crate::namenode::state::inode::{
    Directory, Inode, InodeId, InodeKind, Millis, PERMISSION_BITS, ROOT,
};
use crate::namenode::state::names::Names;
use crate::namenode::state::quota::{Counts, Quota};
use crate::namenode::state::snapshot::{SnapshotId, Snapshots};

/// The reserved directory, which is neither in the tree nor in a listing of the root.
pub(crate) const RESERVED: &str = "/.reserved";
/// The prefix of paths that name inodes by their ids.
const RESERVED_INODES: &str = "/.reserved/.inodes/";
/// The prefix of raw paths, which show the whole tree without decryption.
const RESERVED_RAW: &str = "/.reserved/raw";

/// Returns true if no file can be created at `path`: `/.reserved` itself, and paths below it that
/// are neither inode paths nor raw paths.
pub(crate) fn is_reserved(path: &str) -> bool {
    let below = |directory: &str| {
        path.strip_prefix(directory)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    below(RESERVED) && !below(RESERVED_RAW) && !path.starts_with(RESERVED_INODES)
}

/// The tree of inodes.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    pub(super) inodes: IdTable<Inode>,
    /// The names of owners and groups.
    pub(super) names: Names,
    last_id: InodeId,
    snapshots: Snapshots,
}

impl PartialEq for Namespace {
    fn eq(&self, other: &Self) -> bool {
        // Which names are shared is no part of the tree.
        self.inodes == other.inodes
            && self.last_id == other.last_id
            && self.snapshots == other.snapshots
    }
}

/// A path and its existing inodes.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedPath<'a> {
    path: Cow<'a, str>,
    existing: Vec<InodeId>,
    depth: usize,
    raw: bool,
    link: bool,
    /// The snapshot that the path goes through, if it exists.
    snapshot: Option<SnapshotId>,
    /// The index of the component `.snapshot`, if it stands for snapshots.
    dot_snapshot: Option<usize>,
}

/// The name under which a directory shows its snapshots.
const DOT_SNAPSHOT: &str = ".snapshot";

impl ResolvedPath<'_> {
    /// Returns the path without a trailing slash and without the `/.reserved` prefix.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Returns the existing inodes along the path, starting at the root. If a file comes before the
    /// end of the path, it is the last.
    pub(crate) fn existing(&self) -> &[InodeId] {
        &self.existing
    }

    /// Returns the number of inodes in the complete path: 1 for the root.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Returns the inode that the path names, if it exists.
    pub(crate) fn last(&self) -> Option<InodeId> {
        (self.existing.len() == self.depth).then(|| self.existing[self.depth - 1])
    }

    /// Returns the directory of the last component, if it exists; for the root, the root itself.
    pub(crate) fn parent(&self) -> Option<InodeId> {
        match self.depth {
            1 => Some(ROOT),
            depth => self.existing.get(depth - 2).copied(),
        }
    }

    /// Returns the nearest existing ancestor, excluding the inode itself.
    pub(crate) fn nearest_ancestor(&self) -> Option<InodeId> {
        let ancestors = self.existing.len().min(self.depth.saturating_sub(1));
        ancestors.checked_sub(1).map(|index| self.existing[index])
    }

    /// Returns the components that do not exist.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &str> {
        path::components(&self.path).skip(self.existing.len() - 1)
    }

    /// Returns this path as one that may end in a symbolic link, which is then meant itself
    /// (`DirOp.READ_LINK` and `WRITE_LINK`).
    pub(crate) fn not_following(mut self) -> Self {
        self.link = true;
        self
    }

    /// Returns true if a symbolic link at the end of the path is meant itself.
    pub(crate) fn means_link(&self) -> bool {
        self.link
    }

    /// Returns true if the path goes through a directory's snapshots, and cannot be changed.
    pub(crate) fn is_snapshot(&self) -> bool {
        self.dot_snapshot.is_some()
    }

    /// Returns the directory whose snapshots the path names, if it ends there.
    pub(crate) fn directory_of_snapshots(&self) -> Option<InodeId> {
        let last = path::components(&self.path).count();
        let ends = self.dot_snapshot.is_some_and(|index| index == last);
        ends.then(|| self.existing[self.existing.len() - 1])
    }

    /// Returns the directory through whose snapshots the path goes.
    pub(crate) fn root_of_snapshot(&self) -> Option<InodeId> {
        self.dot_snapshot.map(|dot| self.existing[dot - 1])
    }

    /// Returns the snapshot that the path goes through, if it exists.
    pub(crate) fn snapshot(&self) -> Option<SnapshotId> {
        self.snapshot
    }

    /// Returns the path up to its component `index`, where 0 is the root (`getPath`).
    pub(crate) fn up_to(&self, index: usize) -> String {
        let mut path = String::new();
        for component in path::components(&self.path).take(index) {
            path.push('/');
            path.push_str(component);
        }
        if path.is_empty() {
            "/".to_owned()
        } else {
            path
        }
    }

    /// Returns the index of the component that names the existing inode `index`. The component
    /// `.snapshot` names no inode.
    pub(crate) fn component(&self, index: usize) -> usize {
        index + usize::from(self.dot_snapshot.is_some_and(|dot| dot <= index))
    }

    /// Returns true if the path began with `/.reserved/raw`.
    pub(crate) fn is_raw(&self) -> bool {
        self.raw
    }
}

/// The permissions of a new inode, which it inherits in part.
pub(crate) struct Inherited {
    pub(crate) permissions: PermissionStatus,
    /// The complete access control list; empty if the mode is all there is.
    pub(crate) acl: Vec<AclEntry>,
}

/// The requested owner and mode of a new inode.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    pub(crate) owner: Arc<str>,
    pub(crate) mode: u16,
    /// The mode before the client's umask, if the client sent it. It is used if the parent has a
    /// default access control list.
    pub(crate) unmasked: Option<u16>,
}

impl Namespace {
    /// Creates a root with this owner and group and mode 0755.
    pub(crate) fn new(now: Timestamp, owner: Arc<str>, group: Arc<str>) -> Self {
        let mut names = Names::default();
        let root = Inode {
            id: ROOT,
            parent: ROOT,
            name: SmolStr::default(),
            owner: names.share(owner),
            group: names.share(group),
            modification_time: now.as_millis(),
            access_time: 0,
            features: None,
            mode: 0o755,
            storage_policy: 0,
            kind: InodeKind::Directory(Directory::default()),
        };
        let mut inodes = IdTable::default();
        inodes.insert(ROOT, root);
        let mut namespace = Self {
            inodes,
            names,
            last_id: ROOT,
            snapshots: Snapshots::default(),
        };
        namespace.set_quota(ROOT, Quota::ROOT);
        namespace
    }

    /// Returns the directories with snapshots.
    pub(crate) fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    /// Same as [`snapshots`](Self::snapshots), but mutable.
    pub(super) fn snapshots_mut(&mut self) -> &mut Snapshots {
        &mut self.snapshots
    }

    /// Returns an inode whose id came from the tree under the same lock.
    ///
    /// # Panics
    /// Panics if there is no such inode, since the tree is then inconsistent.
    pub(crate) fn inode(&self, id: InodeId) -> &Inode {
        self.inodes
            .get(id)
            .expect("the tree only names inodes that exist")
    }

    /// Same as [`inode`](Self::inode), but mutable.
    pub(super) fn inode_mut(&mut self, id: InodeId) -> &mut Inode {
        self.inodes
            .get_mut(id)
            .expect("the tree only names inodes that exist")
    }

    /// Returns all inodes, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Inode> {
        self.inodes.values()
    }

    /// Returns the ids of all inodes, in ascending order.
    pub(crate) fn ids(&self) -> Vec<InodeId> {
        self.inodes.ids()
    }

    /// Returns the number of inodes.
    pub(crate) fn len(&self) -> usize {
        self.inodes.len()
    }

    /// Returns the inode with an id sent by a client.
    pub(crate) fn get(&self, id: InodeId) -> Option<&Inode> {
        self.inodes.get(id)
    }

    /// Returns the highest inode id so far.
    pub(crate) fn last_id(&self) -> InodeId {
        self.last_id
    }

    /// Sets the highest inode id so far; ids are never used twice.
    pub(super) fn set_last_id(&mut self, id: InodeId) {
        self.last_id = self.last_id.max(id);
    }

    /// Returns the inode at a path of an edit: absolute, and without `/.reserved`.
    pub(crate) fn find(&self, path: &str) -> Option<InodeId> {
        let mut id = ROOT;
        for component in path::components(path) {
            id = self.child(id, component)?;
        }
        Some(id)
    }

    /// Resolves `path` as far as it exists.
    pub(crate) fn resolve<'a>(&self, path: &'a str) -> Result<ResolvedPath<'a>, HdfsError> {
        if path.starts_with("/.reserved/") {
            return self.resolve_reserved(path);
        }
        Ok(self.walk(path::normalized(path)?, false))
    }

    fn resolve_reserved<'a>(&self, path: &'a str) -> Result<ResolvedPath<'a>, HdfsError> {
        if let Some(rest) = path.strip_prefix(RESERVED_RAW)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            let rest = if rest.is_empty() { "/" } else { rest };
            return Ok(self.walk(path::normalized(rest)?, true));
        }
        let Some(rest) = path.strip_prefix(RESERVED_INODES) else {
            return Ok(self.walk(path::normalized(path)?, false));
        };
        let (number, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let id = number
            .parse::<InodeId>()
            .map_err(|_| HdfsError::file_not_found(format!("Invalid inode path: {path}")))?;
        if self.get(id).is_none() {
            return Err(HdfsError::file_not_found(format!(
                "File for given inode path does not exist: {path}"
            )));
        }
        let path = match rest {
            "" => self.full_path(id),
            rest => path::normalized(&path::join(&self.full_path(id), rest))?.into_owned(),
        };
        Ok(self.walk(path.into(), false))
    }

    fn walk<'a>(&self, path: Cow<'a, str>, raw: bool) -> ResolvedPath<'a> {
        let mut existing = Vec::with_capacity(8);
        existing.push(ROOT);
        let mut directory = self.inode(ROOT).as_directory();
        let mut depth = 1;
        let mut in_snapshots = false;
        for component in path::components(&path) {
            in_snapshots = component == DOT_SNAPSHOT
                && directory.is_some()
                && self.snapshots.is_snapshottable(existing[depth - 1]);
            if in_snapshots {
                break;
            }
            depth += 1;
            if let Some(child) = directory.and_then(|it| self.child_in(it, component)) {
                existing.push(child);
                directory = self.inode(child).as_directory();
            } else {
                directory = None;
            }
        }
        if in_snapshots {
            return self.walk_snapshot(path, existing, raw);
        }
        ResolvedPath {
            path,
            existing,
            depth,
            raw,
            link: false,
            snapshot: None,
            dot_snapshot: None,
        }
    }

    /// Resolves the rest of a path, which goes through the snapshots of the last inode so far.
    fn walk_snapshot<'a>(
        &self,
        path: Cow<'a, str>,
        mut existing: Vec<InodeId>,
        raw: bool,
    ) -> ResolvedPath<'a> {
        let dot = existing.len();
        let snapshot = self.follow(&mut existing, path::components(&path).skip(dot));
        // Without `.snapshot`, but for a path that ends there: it names no inode.
        let components = path::components(&path).count();
        let depth = components + usize::from(components == dot);
        ResolvedPath {
            path,
            existing,
            depth,
            raw,
            link: false,
            snapshot,
            dot_snapshot: Some(dot),
        }
    }

    /// Adds the inodes of a path in the snapshots of the last inode so far. Returns the snapshot.
    fn follow<'c>(
        &self,
        existing: &mut Vec<InodeId>,
        mut components: impl Iterator<Item = &'c str>,
    ) -> Option<SnapshotId> {
        let mut directory = *existing.last()?;
        let name = components.next()?;
        let snapshot = self.snapshots.of(directory)?.named(name)?;
        existing.push(directory);
        let view = self.view(Some(snapshot));
        for component in components {
            let Some(child) = view.child(directory, component) else {
                break;
            };
            existing.push(child);
            directory = child;
        }
        Some(snapshot)
    }

    /// Returns the path of an inode; of one that only snapshots show, the one that it had last.
    pub(crate) fn full_path(&self, id: InodeId) -> String {
        if id == ROOT {
            return "/".to_owned();
        }
        let mut names = Vec::new();
        let mut next = self.last_of(id);
        while let Some(inode) = next.filter(|inode| inode.id != ROOT) {
            names.push(&*inode.name);
            next = self.last_of(inode.parent);
        }
        let mut path = String::with_capacity(names.iter().map(|name| name.len() + 1).sum());
        for name in names.into_iter().rev() {
            path.push('/');
            path.push_str(name);
        }
        path
    }

    /// Returns true if `id` is `ancestor` or is below it.
    pub(crate) fn is_within(&self, id: InodeId, ancestor: InodeId) -> bool {
        let mut id = id;
        while id != ancestor && id != ROOT {
            id = self.inode(id).parent;
        }
        id == ancestor
    }

    /// Returns the permissions of a new child: the parent's group (the BSD rule), and what the
    /// parent's default access control list says.
    pub(crate) fn inherited(
        &self,
        parent: InodeId,
        creation: &Creation,
        is_directory: bool,
        posix_acl_inheritance: bool,
    ) -> Inherited {
        let parent = self.inode(parent);
        let asked = creation.unmasked.filter(|_| posix_acl_inheritance);
        let asked = asked.unwrap_or(creation.mode) & PERMISSION_BITS;
        let (acl, mode) = match parent.acl().inherited(asked, is_directory) {
            Some((acl, mode)) if acl.is_empty() => (Vec::new(), mode),
            Some((acl, mode)) => (acl.logical(mode), mode),
            None => (Vec::new(), creation.mode & PERMISSION_BITS),
        };
        Inherited {
            permissions: PermissionStatus {
                owner: Arc::clone(&creation.owner),
                group: Arc::clone(&parent.group),
                mode,
            },
            acl,
        }
    }

    /// Adds an inode to its parent, which does not have a child of this name.
    pub(super) fn add(&mut self, mut inode: Inode) {
        inode.owner = self.names.share(inode.owner);
        inode.group = self.names.share(inode.group);
        let (id, parent) = (inode.id, inode.parent);
        self.last_id = self.last_id.max(id);
        self.keep(parent);
        self.inode_mut(parent).modification_time = inode.modification_time;
        self.inodes.insert(id, inode);
        self.link(id);
        self.charge(parent, self.count_one(id), Counts::default());
    }

    /// Sets the owner and the group; `None` leaves one unchanged.
    pub(super) fn set_owner(&mut self, id: InodeId, owner: Option<&str>, group: Option<&str>) {
        self.keep(id);
        let mut share = |name: Option<&str>| name.map(|name| self.names.share(name.into()));
        let (owner, group) = (share(owner), share(group));
        let inode = self.inode_mut(id);
        if let Some(owner) = owner {
            inode.owner = owner;
        }
        if let Some(group) = group {
            inode.group = group;
        }
    }

    /// Removes an inode and its subtree, and returns them with the root of the subtree first.
    pub(super) fn remove(&mut self, timestamp: Millis, id: InodeId) -> Vec<Inode> {
        let counts = self.count(id, true);
        self.charge(self.inode(id).parent, Counts::default(), counts);
        let parent = self.inode(id).parent;
        self.keep(parent);
        self.keep_subtree(id);
        self.unlink(id);
        self.inode_mut(parent).modification_time = timestamp;
        let mut removed: Vec<Inode> = self.inodes.remove(id).into_iter().collect();
        let mut next = 0;
        while next < removed.len() {
            let children: Vec<InodeId> = removed[next]
                .as_directory()
                .map(|directory| directory.children.ids().collect())
                .unwrap_or_default();
            removed.extend(
                children
                    .iter()
                    .filter_map(|child| self.inodes.remove(*child)),
            );
            next += 1;
        }
        self.forget_roots(&removed);
        removed
    }

    /// Moves an inode to a path that does not exist. Changes the modification times of both parents
    /// but not its own.
    pub(super) fn rename(
        &mut self,
        timestamp: Millis,
        id: InodeId,
        new_parent: InodeId,
        new_name: &str,
    ) {
        let old_parent = self.inode(id).parent;
        let mut common = new_parent;
        while !self.is_within(old_parent, common) {
            common = self.inode(common).parent;
        }
        if self.keeps_counts(old_parent, common) || self.keeps_counts(new_parent, common) {
            let counts = self.count(id, true);
            self.charge(old_parent, Counts::default(), counts);
            self.charge(new_parent, counts, Counts::default());
        }
        self.keep(old_parent);
        self.keep(new_parent);
        self.keep_place(id, new_parent);
        self.unlink(id);
        let inode = self.inode_mut(id);
        inode.parent = new_parent;
        inode.name = new_name.into();
        self.link(id);
        for parent in [old_parent, new_parent] {
            self.inode_mut(parent).modification_time = timestamp;
        }
    }

    /// Returns the effective storage policy of an inode: its own or the nearest ancestor's; 0 if
    /// none is set.
    pub(crate) fn storage_policy(&self, id: InodeId) -> u8 {
        self.view(None).storage_policy(id)
    }
}
