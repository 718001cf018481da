//! The tree of inodes (Hadoop's `FSDirectory`): adding, moving, removing.

use std::sync::Arc;

use kerbox_krb5::Timestamp;
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::namenode::acl::AclEntry;
use crate::namenode::edit::PermissionStatus;
use crate::namenode::id_table::IdTable;
use crate::namenode::path;
use crate::namenode::state::children::Place;
use crate::namenode::state::inode::{
    Directory, Inode, InodeId, InodeKind, Millis, PERMISSION_BITS, ROOT,
};
use crate::namenode::state::kept::Snapshots;
use crate::namenode::state::owner_names::OwnerNames;
use crate::namenode::state::quota::{Counts, Quota};

/// The tree of inodes.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    pub(super) inodes: IdTable<Inode>,
    /// The names of owners and groups.
    pub(super) names: OwnerNames,
    last_id: InodeId,
    snapshots: Snapshots,
    /// True once an inode had a storage policy.
    has_storage_policies: bool,
}

impl PartialEq for Namespace {
    fn eq(&self, other: &Self) -> bool {
        // Which names are shared is no part of the tree.
        self.inodes == other.inodes
            && self.last_id == other.last_id
            && self.snapshots == other.snapshots
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
        let mut names = OwnerNames::default();
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
            has_storage_policies: false,
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

    /// Returns true if an inode exists and is at a path of an edit.
    pub(super) fn is_at(&self, id: InodeId, path: &str) -> bool {
        let (mut id, mut rest) = (id, path);
        while let Some(inode) = self.get(id) {
            if id == ROOT {
                return rest.is_empty() || path == "/";
            }
            let above = rest.strip_suffix(inode.name.as_str());
            let Some(above) = above.and_then(|above| above.strip_suffix('/')) else {
                return false;
            };
            (id, rest) = (inode.parent, above);
        }
        false
    }

    /// Returns the path of an inode; of one that only snapshots show, the one that it had last.
    pub(crate) fn full_path(&self, id: InodeId) -> String {
        if id == ROOT {
            return "/".to_owned();
        }
        self.path_through(id, SmallVec::new())
    }

    /// Returns the path that a child of this name has, or would have.
    pub(crate) fn path_of_child(&self, directory: InodeId, name: &str) -> String {
        self.path_through(directory, SmallVec::from_slice(&[name]))
    }

    /// Returns the path of what has these names, the last first, below an inode.
    fn path_through<'a>(&'a self, id: InodeId, mut names: SmallVec<[&'a str; 16]>) -> String {
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

    /// Adds an inode to its parent, at the free place of its name.
    pub(super) fn add(&mut self, mut inode: Inode, place: Place) {
        let (id, parent) = (inode.id, inode.parent);
        let above = self.inode(parent);
        // Most inodes have the names of their directory, which are shared already.
        let names = [Arc::clone(&above.owner), Arc::clone(&above.group)];
        for (name, of_parent) in [&mut inode.owner, &mut inode.group].into_iter().zip(names) {
            *name = if *name == of_parent {
                of_parent
            } else {
                self.names.share(Arc::clone(name))
            };
        }
        self.last_id = self.last_id.max(id);
        self.touch_with_child(parent, inode.modification_time);
        let inode = self.inodes.insert(id, inode);
        let (name, counts) = (inode.name.clone(), Counts::of(inode));
        self.link_at(parent, place, id, &name);
        self.charge(parent, counts, Counts::default());
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
    /// Something that was moved may replace it.
    pub(super) fn remove(
        &mut self,
        timestamp: Millis,
        id: InodeId,
        is_replaced: bool,
    ) -> Vec<Inode> {
        let counts = self.count(id, true);
        self.charge(self.inode(id).parent, Counts::default(), counts);
        let parent = self.inode(id).parent;
        self.keep_children(parent);
        self.keep_subtree(id, is_replaced);
        self.unlink(id);
        self.touch(parent, timestamp);
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

    /// Moves an inode to a path that does not exist. Changes the modification times of both
    /// parents, unless they are later, but not its own.
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
        self.keep_children(old_parent);
        // Hadoop records a change of the inode itself, too, which `snapshotDiff` shows.
        self.keep(id);
        self.keep_place(id, new_parent);
        self.unlink(id);
        let inode = self.inode_mut(id);
        inode.parent = new_parent;
        inode.name = new_name.into();
        let mtime = inode.modification_time;
        self.touch_with_child(new_parent, mtime);
        self.link(id);
        self.touch(old_parent, timestamp);
        self.touch(new_parent, timestamp);
    }

    /// Returns the effective storage policy of an inode: its own or the nearest ancestor's; 0 if
    /// none is set.
    pub(crate) fn storage_policy(&self, id: InodeId) -> u8 {
        self.view(None).storage_policy(id)
    }

    /// Returns false if no inode ever had a storage policy.
    pub(super) fn has_storage_policies(&self) -> bool {
        self.has_storage_policies
    }

    /// Notes that an inode has a storage policy.
    pub(super) fn note_storage_policy(&mut self, policy: u8) {
        self.has_storage_policies |= policy != 0;
    }
}
