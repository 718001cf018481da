//! Restoring snapshots: they are noted while the image is read, and recalled once the tree is
//! known.

use std::collections::HashMap;

use crate::namenode::state::inode::{Inode, InodeId};
use crate::namenode::state::kept::{Moment, SnapshotId};
use crate::namenode::state::quota::Quota;
use crate::namenode::state::restore::Restoring;
use crate::namenode::state::snapshot::recorded::{DirectoryDiff, FileDiff};

impl Restoring<'_> {
    /// Lets snapshots of directories be taken, of which there were so many before.
    pub(crate) fn allow_snapshots(
        &mut self,
        taken: Moment,
        roots: &[InodeId],
    ) -> Result<(), String> {
        let namespace = &mut self.state.namespace;
        for root in roots {
            let is_directory = namespace.get(*root).is_some_and(Inode::is_directory);
            if !is_directory {
                return Err(format!(
                    "inode {root} may have snapshots, and is no directory"
                ));
            }
            namespace.allow_snapshots(*root);
        }
        namespace.set_taken(taken);
        Ok(())
    }

    /// Adds a snapshot: the attributes of its directory, with the snapshot's name.
    pub(crate) fn add_snapshot(&mut self, id: SnapshotId, root: (Inode, Option<Quota>)) {
        let root = self.copy(root);
        self.recorded.snapshots.push((id, root));
    }

    /// Adds what changed in a directory, in the order of the snapshots.
    pub(crate) fn add_directory_diffs(&mut self, id: InodeId, diffs: Vec<DirectoryDiff>) {
        self.recorded.directories.push((id, diffs));
    }

    /// Adds what changed of a file, in the order of the snapshots.
    pub(crate) fn add_file_diffs(&mut self, id: InodeId, diffs: Vec<FileDiff>) {
        self.recorded.files.push((id, diffs));
    }

    /// Notes that an inode was elsewhere before.
    pub(crate) fn add_reference(&mut self, id: InodeId) {
        self.recorded.references.push(id);
    }

    /// Returns attributes that a snapshot keeps, with a directory's limits.
    pub(crate) fn copy(&mut self, (mut inode, quota): (Inode, Option<Quota>)) -> Inode {
        let namespace = &mut self.state.namespace;
        namespace.note_storage_policy(inode.storage_policy);
        let names = &mut namespace.names;
        inode.owner = names.share(inode.owner);
        inode.group = names.share(inode.group);
        if let Some(quota) = quota {
            inode.keep_quota(quota);
        }
        inode
    }

    /// Returns the name of an inode that was added.
    pub(crate) fn name_of(&self, id: InodeId) -> Option<&str> {
        let inode = self.state.namespace.get(id)?;
        Some(inode.name.as_str())
    }

    /// Restores the snapshots, and what only they show. Directories keep their limits, and files
    /// are closed.
    pub(super) fn recall_snapshots(&mut self) -> Result<(), String> {
        let namespace = &mut self.state.namespace;
        let mut removed: HashMap<InodeId, Inode> = namespace.take_unreached();
        let recorded = std::mem::take(&mut self.recorded);
        self.quotas.retain(|(id, quota)| match removed.get_mut(id) {
            Some(inode) => {
                inode.keep_quota(*quota);
                false
            }
            None => true,
        });
        // Snapshots may show the present limits. What counts for them is counted afterwards.
        for (id, quota) in &self.quotas {
            namespace.inode_mut(*id).keep_quota(*quota);
        }
        for (id, inode) in &removed {
            let writer = inode.as_file().and_then(|file| file.writer.as_ref());
            if let Some(writer) = writer {
                self.state.leases.remove(&writer.holder, *id);
            }
        }
        namespace.recall(recorded, &removed)?;
        for (id, _) in &self.quotas {
            namespace.inode_mut(*id).keep_quota(Quota::default());
        }
        Ok(())
    }
}
