//! Restoring a state from an image: the inodes first, then their places in the tree.
//!
//! - `snapshots`: what snapshots show

mod snapshots;

use bytes::Bytes;

use crate::namenode::acl::Acl;
use crate::namenode::edit::{Edit, PermissionStatus};
use crate::namenode::state::State;
use crate::namenode::state::children::Children;
use crate::namenode::state::inode::{Inode, InodeId, InodeKind, Millis, ROOT};
use crate::namenode::state::lengths::LONGEST;
use crate::namenode::state::name::Name;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::quota::{Counts, Quota, QuotaFeature};
use crate::namenode::state::snapshot::recorded::Recorded;
use crate::namenode::xattr::XAttr;

/// The parent of an inode that has no place yet.
const NO_PLACE: InodeId = 0;

/// The numbers with which a state goes on after an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counters {
    /// The last transaction whose effects are in the image.
    pub(crate) transaction_id: i64,
    /// The highest id that an inode ever had.
    pub(crate) last_inode_id: InodeId,
    /// The highest id that a cache directive ever had.
    pub(crate) last_directive_id: i64,
    /// The highest id that a block ever had.
    pub(crate) last_allocated_block_id: u64,
    /// The highest generation stamp so far.
    pub(crate) generation_stamp: u64,
    /// The number of the master key in use, and of the last token.
    pub(crate) tokens: (i32, i32),
}

/// A formatted state that becomes that of an image. [`finish`](Self::finish) ends it; a state for
/// which that fails must not be used.
pub(crate) struct Restoring<'a> {
    state: &'a mut State,
    /// The directories with limits, which are counted once the tree is complete.
    quotas: Vec<(InodeId, Quota)>,
    recorded: Recorded,
    has_root: bool,
}

impl State {
    /// Begins to turn this formatted state into that of an image.
    pub(crate) fn restoring(&mut self) -> Restoring<'_> {
        Restoring {
            state: self,
            quotas: Vec::new(),
            recorded: Recorded::default(),
            has_root: false,
        }
    }
}

impl Restoring<'_> {
    /// Adds an inode, whose parent is [`NO_PLACE`], or replaces the formatted root.
    pub(crate) fn add(&mut self, mut inode: Inode) -> Result<(), String> {
        let (id, namespace) = (inode.id, &mut self.state.namespace);
        if id == NO_PLACE || id > LONGEST {
            return Err(format!("there is an inode {id}"));
        }
        if id == ROOT {
            if !inode.is_directory() {
                return Err(format!("the root, inode {id}, is not a directory"));
            }
            // The root is its own parent.
            inode.parent = ROOT;
        }
        let is_second = match id {
            ROOT => std::mem::replace(&mut self.has_root, true),
            id => namespace.inodes.get(id).is_some(),
        };
        if is_second {
            return Err(format!("there are two inodes {id}"));
        }
        inode.owner = namespace.names.share(inode.owner);
        inode.group = namespace.names.share(inode.group);
        if let InodeKind::File(file) = &inode.kind
            && let Some(writer) = &file.writer
        {
            self.state.leases.add(&writer.holder, id);
        }
        namespace.set_last_id(id);
        namespace.note_storage_policy(inode.storage_policy);
        namespace.inodes.insert(id, inode);
        Ok(())
    }

    /// Sets the limits of a directory. The root always has some.
    pub(crate) fn set_quota(&mut self, directory: InodeId, quota: Quota) {
        if directory == ROOT || quota != Quota::default() {
            self.quotas.push((directory, quota));
        }
    }

    /// Gives the children of a directory their place. Their order may be another's: Hadoop compares
    /// the bytes of names as numbers with a sign.
    pub(crate) fn place(&mut self, parent: InodeId, mut ids: Vec<InodeId>) -> Result<(), String> {
        let namespace = &mut self.state.namespace;
        for id in &ids {
            let child = namespace.inodes.get_mut(*id);
            let child =
                child.ok_or_else(|| format!("a child {id} of inode {parent} is missing"))?;
            if child.parent != NO_PLACE {
                return Err(format!("inode {id} is in two directories"));
            }
            if child.name.is_empty() {
                return Err(format!("a child {id} of inode {parent} has no name"));
            }
            child.parent = parent;
        }
        let name = |id: &InodeId| Name(namespace.inode(*id).name.as_str());
        if !ids.is_sorted_by(|one, other| name(one) < name(other)) {
            ids.sort_unstable_by(|one, other| name(one).cmp(&name(other)));
        }
        if let Some(pair) = ids.windows(2).find(|pair| name(&pair[0]) == name(&pair[1])) {
            let Name(name) = name(&pair[0]);
            return Err(format!("inode {parent} has two children called {name}"));
        }
        let children = Children::from_sorted(&ids, |id| name(&id).0);
        let directory = namespace.inodes.get_mut(parent);
        let directory = directory.and_then(Inode::as_directory_mut);
        let directory = directory.ok_or_else(|| format!("inode {parent} is not a directory"))?;
        if !directory.children.is_empty() {
            return Err(format!("the children of inode {parent} are in two places"));
        }
        directory.children = children;
        Ok(())
    }

    /// Adds what edits make: cache pools, directives, tokens, master keys.
    pub(crate) fn apply(&mut self, edit: &Edit) -> Result<(), String> {
        self.state.carry_out(edit).map(drop)
    }

    /// Keeps the erasure coding policies, a section's message.
    pub(crate) fn keep_erasure_coding(&mut self, policies: Bytes) {
        self.state.erasure_coding = policies;
    }

    /// Counts what quotas need, and sets the numbers with which the state goes on.
    pub(crate) fn finish(mut self, counters: &Counters) -> Result<(), String> {
        if !self.has_root {
            return Err(format!("inode {ROOT}, the root, is missing"));
        }
        self.recall_snapshots()?;
        let namespace = &mut self.state.namespace;
        // Those below others first, so that every subtree is counted once.
        let quotas = std::mem::take(&mut self.quotas);
        let mut quotas: Vec<_> = quotas
            .into_iter()
            .map(|(id, quota)| (namespace.depth(id), id, quota))
            .collect();
        quotas.sort_unstable_by_key(|(depth, ..)| std::cmp::Reverse(*depth));
        for (_, id, quota) in quotas {
            namespace.set_quota(id, quota);
        }
        namespace.set_last_id(counters.last_inode_id);
        let state = self.state;
        state
            .caching
            .set_last_directive_id(counters.last_directive_id);
        state.tokens.set_counters(counters.tokens);
        state.last_allocated_block_id = counters.last_allocated_block_id;
        state.generation_stamp = counters.generation_stamp;
        state.transaction_id = counters.transaction_id;
        Ok(())
    }
}

impl Inode {
    /// Creates an inode that has no place yet. Its times are those of modification and access.
    pub(crate) fn unplaced(
        (id, name): (InodeId, &str),
        permissions: PermissionStatus,
        (modification_time, access_time): (Millis, Millis),
        kind: InodeKind,
    ) -> Self {
        Self {
            id,
            parent: NO_PLACE,
            name: name.into(),
            owner: permissions.owner,
            group: permissions.group,
            modification_time,
            access_time,
            features: None,
            mode: permissions.mode,
            storage_policy: 0,
            kind,
        }
    }

    /// Sets the limits of a directory that is only kept for snapshots, whose subtree is not
    /// counted.
    fn keep_quota(&mut self, quota: Quota) {
        let feature = QuotaFeature {
            quota,
            counts: Counts::default(),
        };
        let wanted = quota != Quota::default();
        if let Some(directory) = self.as_directory_mut() {
            directory.set_feature(wanted.then(|| Box::new(feature)));
        }
    }

    /// Returns an unplaced inode with what few inodes have.
    pub(crate) fn with_features(mut self, acl: Acl, xattrs: Vec<XAttr>) -> Self {
        if !acl.is_empty() {
            self.set_acl(acl);
        }
        if !xattrs.is_empty() {
            self.change_xattrs(|all| *all = xattrs);
        }
        self
    }
}

impl Namespace {
    /// Returns the number of directories above an inode.
    fn depth(&self, id: InodeId) -> usize {
        let mut depth = 0;
        let mut inode = self.inode(id);
        while inode.id != ROOT {
            inode = self.inode(inode.parent);
            depth += 1;
        }
        depth
    }
}
