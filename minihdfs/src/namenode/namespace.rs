//! The tree of inodes (Hadoop's `FSDirectory`): resolution of paths, adding, moving, removing.

use std::borrow::Cow;
use std::sync::Arc;

use kerbox_krb5::Timestamp;

use super::acl::Acl;
use super::id_map::IdMap;
use super::inode::{Directory, Inode, InodeId, InodeKind, PERMISSION_BITS, Quota, ROOT};
use super::path;
use crate::HdfsError;

/// What is not in the tree, and not in a listing of the root.
pub(super) const RESERVED: &str = "/.reserved";
/// Below it inodes are named by their numbers.
const RESERVED_INODES: &str = "/.reserved/.inodes/";
/// Below it is the whole tree once more, as it would be without decryption.
const RESERVED_RAW: &str = "/.reserved/raw";

/// Whether no file can be made at `path`: `/.reserved`, and what is below it but names neither an
/// inode nor a raw path.
pub(super) fn is_reserved(path: &str) -> bool {
    let below = |directory: &str| {
        path.strip_prefix(directory)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    below(RESERVED) && !below(RESERVED_RAW) && !path.starts_with(RESERVED_INODES)
}

/// The tree.
#[derive(Debug)]
pub(super) struct Namespace {
    inodes: IdMap<Inode>,
    last_id: InodeId,
}

/// A path, and how much of it there is.
#[derive(Clone, Debug)]
pub(super) struct ResolvedPath<'a> {
    path: Cow<'a, str>,
    existing: Vec<InodeId>,
    depth: usize,
    raw: bool,
}

impl ResolvedPath<'_> {
    /// The path without a slash at its end, and without `/.reserved`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The inodes along the path as far as they exist, from the root on. If one before the end is a
    /// file, it is the last.
    pub(super) fn existing(&self) -> &[InodeId] {
        &self.existing
    }

    /// How many inodes the whole path has: 1 for the root.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// What the path names, if it exists.
    pub(super) fn last(&self) -> Option<InodeId> {
        (self.existing.len() == self.depth).then(|| self.existing[self.depth - 1])
    }

    /// What holds the last component, if it exists; the root's is the root.
    pub(super) fn parent(&self) -> Option<InodeId> {
        match self.depth {
            1 => Some(ROOT),
            depth => self.existing.get(depth - 2).copied(),
        }
    }

    /// The nearest ancestor that exists, not the inode itself.
    pub(super) fn nearest_ancestor(&self) -> Option<InodeId> {
        let ancestors = self.existing.len().min(self.depth.saturating_sub(1));
        ancestors.checked_sub(1).map(|index| self.existing[index])
    }

    /// The components that do not exist.
    pub(super) fn missing(&self) -> impl Iterator<Item = &str> {
        path::components(&self.path).skip(self.existing.len() - 1)
    }

    /// Whether it was written with `/.reserved/raw`.
    pub(super) fn is_raw(&self) -> bool {
        self.raw
    }
}

/// What a new inode is, besides what its parent decides.
pub(super) struct NewInode {
    pub(super) owner: Arc<str>,
    pub(super) mode: u16,
    /// The mode before the client's umask, if it told: it counts where the parent has a default
    /// access control list.
    pub(super) unmasked: Option<u16>,
    pub(super) kind: InodeKind,
}

impl Namespace {
    /// A root of this owner and group with mode 0755.
    pub(super) fn new(now: Timestamp, owner: Arc<str>, group: Arc<str>) -> Self {
        let root = Inode {
            id: ROOT,
            parent: ROOT,
            name: "".into(),
            owner,
            group,
            mode: 0o755,
            modification_time: now.as_millis(),
            access_time: 0,
            acl: Acl::default(),
            xattrs: Vec::new(),
            storage_policy: 0,
            kind: InodeKind::Directory(Directory {
                quota: Quota::ROOT,
                ..Directory::default()
            }),
        };
        Self {
            inodes: IdMap::from_iter([(ROOT, root)]),
            last_id: ROOT,
        }
    }

    /// An inode whose number came from the tree under the same lock.
    ///
    /// # Panics
    /// If there is none: the tree is broken then.
    pub(super) fn inode(&self, id: InodeId) -> &Inode {
        self.inodes
            .get(&id)
            .expect("the tree only names inodes that exist")
    }

    /// As [`inode`](Self::inode).
    pub(super) fn inode_mut(&mut self, id: InodeId) -> &mut Inode {
        self.inodes
            .get_mut(&id)
            .expect("the tree only names inodes that exist")
    }

    /// The inode of a number that a client told.
    pub(super) fn get(&self, id: InodeId) -> Option<&Inode> {
        self.inodes.get(&id)
    }

    /// Follows `path` as far as it exists.
    pub(super) fn resolve<'a>(&self, path: &'a str) -> Result<ResolvedPath<'a>, HdfsError> {
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
        if !self.inodes.contains_key(&id) {
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
        for component in path::components(&path) {
            depth += 1;
            if let Some(child) = directory.and_then(|directory| directory.children.get(component)) {
                existing.push(*child);
                directory = self.inode(*child).as_directory();
            } else {
                directory = None;
            }
        }
        ResolvedPath {
            path,
            existing,
            depth,
            raw,
        }
    }

    /// The path of an inode.
    pub(super) fn full_path(&self, id: InodeId) -> String {
        if id == ROOT {
            return "/".to_owned();
        }
        let mut names = Vec::new();
        let mut inode = self.inode(id);
        while inode.id != ROOT {
            names.push(&*inode.name);
            inode = self.inode(inode.parent);
        }
        let mut path = String::with_capacity(names.iter().map(|name| name.len() + 1).sum());
        for name in names.into_iter().rev() {
            path.push('/');
            path.push_str(name);
        }
        path
    }

    /// Whether `id` is `ancestor` or lies below it.
    pub(super) fn is_within(&self, id: InodeId, ancestor: InodeId) -> bool {
        let mut id = id;
        while id != ancestor && id != ROOT {
            id = self.inode(id).parent;
        }
        id == ancestor
    }

    /// Adds a child that is not there yet. Its group is the parent's (the BSD rule), and the
    /// parent's default access control list applies.
    pub(super) fn add(
        &mut self,
        now: Timestamp,
        parent: InodeId,
        name: &str,
        new: NewInode,
        inherit_acl: bool,
    ) -> InodeId {
        self.last_id += 1;
        let id = self.last_id;
        let name: Arc<str> = name.into();
        let holder = self.inode_mut(parent);
        holder.modification_time = now.as_millis();
        let group = Arc::clone(&holder.group);
        let is_directory = matches!(new.kind, InodeKind::Directory(_));
        let asked = new.unmasked.filter(|_| inherit_acl).unwrap_or(new.mode) & PERMISSION_BITS;
        let (acl, mode) = holder
            .acl
            .inherited(asked, is_directory)
            .unwrap_or_else(|| (Acl::default(), new.mode & PERMISSION_BITS));
        holder
            .as_directory_mut()
            .expect("parents are directories")
            .children
            .insert(Arc::clone(&name), id);
        let access_time = if is_directory { 0 } else { now.as_millis() };
        let inode = Inode {
            id,
            parent,
            name,
            owner: new.owner,
            group,
            mode,
            modification_time: now.as_millis(),
            access_time,
            acl,
            xattrs: Vec::new(),
            storage_policy: 0,
            kind: new.kind,
        };
        self.inodes.insert(id, inode);
        id
    }

    /// Takes an inode and all below it out of the tree, and hands them over: the root of the
    /// subtree first.
    pub(super) fn remove(&mut self, now: Timestamp, id: InodeId) -> Vec<Inode> {
        let top = self
            .inodes
            .remove(&id)
            .expect("the tree only names inodes that exist");
        let parent = self.inode_mut(top.parent);
        parent.modification_time = now.as_millis();
        parent
            .as_directory_mut()
            .expect("parents are directories")
            .children
            .remove(&*top.name);
        let mut removed = vec![top];
        let mut next = 0;
        while next < removed.len() {
            let children: Vec<InodeId> = removed[next]
                .as_directory()
                .map(|directory| directory.children.values().copied().collect())
                .unwrap_or_default();
            removed.extend(
                children
                    .iter()
                    .filter_map(|child| self.inodes.remove(child)),
            );
            next += 1;
        }
        removed
    }

    /// Moves an inode to where no inode is. The modification times of both parents change, its own
    /// does not.
    pub(super) fn rename(
        &mut self,
        now: Timestamp,
        id: InodeId,
        new_parent: InodeId,
        new_name: &str,
    ) {
        let new_name: Arc<str> = new_name.into();
        let inode = self.inode_mut(id);
        let old_parent = std::mem::replace(&mut inode.parent, new_parent);
        let old_name = std::mem::replace(&mut inode.name, Arc::clone(&new_name));
        for (parent, name, child) in [
            (old_parent, old_name, None),
            (new_parent, new_name, Some(id)),
        ] {
            let parent = self.inode_mut(parent);
            parent.modification_time = now.as_millis();
            let children = &mut parent
                .as_directory_mut()
                .expect("parents are directories")
                .children;
            match child {
                None => children.remove(&*name),
                Some(child) => children.insert(name, child),
            };
        }
    }

    /// The storage policy in force for an inode: its own, or the nearest ancestor's; 0 if none is
    /// set.
    pub(super) fn storage_policy(&self, id: InodeId) -> u8 {
        let mut inode = self.inode(id);
        while inode.storage_policy == 0 && inode.id != ROOT {
            inode = self.inode(inode.parent);
        }
        inode.storage_policy
    }
}
