//! The space that a subtree takes of each storage type. It is counted when it is asked for, and not
//! kept.

use crate::namenode::state::inode::{File, Inode, InodeId, ROOT};
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::snapshot::view::View;
use crate::namenode::state::storage_policy::{ByType, by_type, plus};

impl Namespace {
    /// Returns the bytes of each type that the subtree at `top` takes, with the blocks that only
    /// snapshots keep (`storagespaceConsumed`).
    pub(crate) fn space_by_type(&self, top: InodeId) -> ByType<u64> {
        self.space_by_type_under(top, self.storage_policy(top))
    }

    /// Same as [`space_by_type`](Self::space_by_type), if `top` inherited this policy.
    pub(crate) fn space_by_type_under(&self, top: InodeId, inherited: u8) -> ByType<u64> {
        let space = |policy: u8, id: InodeId| {
            let bytes = u64::try_from(self.charged_bytes(id)).unwrap_or(u64::MAX);
            by_type(policy, self.block_replication(id), bytes)
        };
        let mut total = ByType::default();
        self.view(None).visit(top, inherited, |policy, inode| {
            if inode.as_file().is_some() {
                total = plus(total, space(policy, inode.id));
            }
            if inode.is_directory() {
                self.visit_gone(inode.id, &mut |_, gone| {
                    if gone.as_file().is_some() {
                        total = plus(total, space(self.kept_policy(gone), gone.id));
                    }
                });
            }
        });
        total
    }

    /// Returns the effective storage policy of an inode that may be gone.
    fn kept_policy(&self, inode: &Inode) -> u8 {
        let mut inode = Some(inode);
        while let Some(here) = inode {
            if here.storage_policy != 0 || here.id == ROOT {
                return here.storage_policy;
            }
            inode = self.last_of(here.parent);
        }
        0
    }
}

impl View<'_> {
    /// Returns the bytes of each type that the files below `top` have, in the present tree with
    /// those that only snapshots keep. Files without a policy do not count
    /// (`INodeFile.computeContentSummary`).
    pub(crate) fn length_by_type(self, top: InodeId) -> ByType<u64> {
        let mut total = ByType::default();
        if !self.namespace().has_storage_policies() {
            return total;
        }
        let length = |view: View<'_>, inode: &Inode, file: &File| {
            let kept = view.kept_length(inode.id);
            kept.unwrap_or_else(|| file.usage().0)
        };
        self.visit(top, self.storage_policy(top), |policy, inode| {
            if let Some(file) = inode.as_file() {
                let length = length(self, inode, file);
                total = plus(total, by_type(policy, file.replication, length));
            }
            if self.snapshot().is_none() && inode.is_directory() {
                self.namespace().visit_gone(inode.id, &mut |view, gone| {
                    if let Some(file) = gone.as_file() {
                        let policy = self.namespace().kept_policy(gone);
                        let length = length(view, gone, file);
                        total = plus(total, by_type(policy, file.replication, length));
                    }
                });
            }
        });
        total
    }

    /// Visits the inodes of the subtree at `top`, if it inherited this policy, each with its own
    /// policy.
    fn visit(self, top: InodeId, inherited: u8, mut visit: impl FnMut(u8, &Inode)) {
        let mut pending = vec![(top, inherited)];
        while let Some((id, inherited)) = pending.pop() {
            let inode = self.inode(id);
            let policy = match inode.storage_policy {
                0 => inherited,
                own => own,
            };
            visit(policy, inode);
            pending.extend(self.children(id).map(|child| (child, policy)));
        }
    }
}
