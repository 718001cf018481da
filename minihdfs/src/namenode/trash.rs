//! The trash of directories with snapshots, in which clients put what they remove below these: a
//! rename out of such a directory would take it out of later snapshots.

use kerbox_krb5::Timestamp;

use crate::namenode::namesystem::Namesystem;
use crate::namenode::service::NameNode;
use crate::namenode::state::inode::{InodeId, STICKY};
use crate::namenode::state::namespace::Creation;

/// `FileSystem.TRASH_PREFIX`
const TRASH: &str = ".Trash";

impl NameNode {
    /// Creates the trash of each directory of which snapshots may be taken, if it has none
    /// (`checkAndProvisionSnapshotTrashRoots`).
    pub(super) fn provision_trash(&self, now: Timestamp, ns: &mut Namesystem) {
        if !self.config.snapshots.trash_root {
            return;
        }
        let roots = ns.namespace().snapshots().roots();
        let without = roots.filter(|(root, _)| ns.namespace().child(*root, TRASH).is_none());
        let without: Vec<InodeId> = without.map(|(root, _)| root).collect();
        let creation = Creation {
            owner: self.superuser.clone(),
            mode: STICKY | 0o777,
            unmasked: None,
        };
        for root in without {
            if let Err(error) = self.add_directory(now, ns, root, TRASH, &creation) {
                let directory = ns.namespace().full_path(root);
                tracing::error!(directory, %error, "no trash can be made");
            }
        }
    }
}
