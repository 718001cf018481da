//! Edits of snapshots.

use super::Reason;
use crate::namenode::edit::Edit;
use crate::namenode::state::inode::{InodeId, Millis};
use crate::namenode::state::{Effects, State};

impl State {
    pub(super) fn change_snapshots(
        &mut self,
        edit: &Edit,
        effects: &mut Effects,
    ) -> Result<(), Reason> {
        match edit {
            Edit::AllowSnapshot { snapshot_root } => {
                let id = self.directory(snapshot_root)?;
                self.namespace.allow_snapshots(id);
                Ok(())
            }
            Edit::DisallowSnapshot { snapshot_root } => {
                let id = self.directory(snapshot_root)?;
                self.namespace.disallow_snapshots(id)
            }
            Edit::CreateSnapshot {
                snapshot_root,
                snapshot_name,
                mtime,
                ..
            } => {
                let id = self.directory(snapshot_root)?;
                self.create_snapshot(id, snapshot_name, *mtime)
            }
            Edit::DeleteSnapshot {
                snapshot_root,
                snapshot_name,
                mtime,
                ..
            } => {
                let id = self.directory(snapshot_root)?;
                self.namespace
                    .delete_snapshot(id, snapshot_name, *mtime, effects)
            }
            Edit::RenameSnapshot {
                snapshot_root,
                snapshot_old_name,
                snapshot_new_name,
                mtime,
                ..
            } => {
                let id = self.directory(snapshot_root)?;
                let names = (snapshot_old_name.as_str(), snapshot_new_name.as_str());
                self.namespace.rename_snapshot(id, names, *mtime)
            }
            _ => Ok(()),
        }
    }

    fn create_snapshot(&mut self, root: InodeId, name: &str, mtime: Millis) -> Result<(), Reason> {
        self.namespace.create_snapshot(root, name, mtime)?;
        if self.namespace.snapshots().captures_open_files() {
            let open: Vec<InodeId> = self.leases.files_after(0).into_keys().collect();
            for file in open {
                if self.namespace.is_within(file, root) {
                    self.namespace.keep(file);
                }
            }
        }
        Ok(())
    }

    fn directory(&self, path: &str) -> Result<InodeId, Reason> {
        let id = self.existing(path)?;
        if !self.namespace.inode(id).is_directory() {
            return Err(format!("{path} is not a directory"));
        }
        Ok(id)
    }
}
