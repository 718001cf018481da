//! The space that a subtree takes of each storage type. It is counted when a quota by type asks for
//! it, and not kept.

use crate::namenode::state::inode::{InodeId, InodeKind};
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::snapshot::view::View;
use crate::namenode::state::storage_policy::{ByType, by_type};

impl Namespace {
    /// Returns the bytes of each type that the subtree at `top` takes.
    pub(crate) fn space_by_type(&self, top: InodeId) -> ByType<u64> {
        self.space_by_type_under(top, self.storage_policy(top))
    }

    /// Same as [`space_by_type`](Self::space_by_type), if `top` inherited this policy.
    pub(crate) fn space_by_type_under(&self, top: InodeId, inherited: u8) -> ByType<u64> {
        self.view(None).space_by_type(top, inherited)
    }
}

impl View<'_> {
    /// Returns the bytes of each type that the subtree at `top` takes, if it inherited this policy.
    pub(crate) fn space_by_type(self, top: InodeId, inherited: u8) -> ByType<u64> {
        let mut total: ByType<u64> = ByType::default();
        let mut pending = vec![(top, inherited)];
        while let Some((id, inherited)) = pending.pop() {
            let inode = self.inode(id);
            let policy = match inode.storage_policy {
                0 => inherited,
                own => own,
            };
            match &inode.kind {
                InodeKind::Directory(_) => {
                    pending.extend(self.children(id).map(|child| (child, policy)));
                }
                InodeKind::File(file) => {
                    let space = by_type(policy, file.replication, file.charged());
                    for (total, space) in total.iter_mut().zip(space) {
                        *total = total.saturating_add(space);
                    }
                }
                InodeKind::Symlink(_) => {}
            }
        }
        total
    }
}
