//! Edits of attributes: permissions, times, quotas, lists.

use super::Reason;
use crate::namenode::acl::{Acl, AclEntry};
use crate::namenode::edit::Edit;
use crate::namenode::state::inode::{InodeId, Millis, ROOT};
use crate::namenode::state::quota::Quota;
use crate::namenode::state::storage_policy::index;
use crate::namenode::state::{Effects, State};
use crate::proto::hdfs::StorageTypeProto;

/// `HdfsConstants.QUOTA_DONT_SET`: leaves the quota unchanged.
const DONT_SET: i64 = i64::MAX;
/// `HdfsConstants.QUOTA_RESET`: removes the limit.
const RESET: i64 = -1;

impl State {
    pub(super) fn set_attribute(
        &mut self,
        edit: &Edit,
        effects: &mut Effects,
    ) -> Result<(), Reason> {
        match edit {
            Edit::SetReplication { path, replication } => {
                self.set_replication(path, *replication, effects)?;
            }
            Edit::SetPermissions { src, mode } => self.inode_at(src)?.mode = *mode,
            Edit::SetOwner {
                src,
                username,
                groupname,
            } => {
                let id = self.existing(src)?;
                let (owner, group) = (username.as_deref(), groupname.as_deref());
                self.namespace.set_owner(id, owner, group);
            }
            Edit::Times { path, mtime, atime } => self.set_times(path, *mtime, *atime)?,
            Edit::SetQuota {
                src,
                ns_quota,
                ds_quota,
            } => self.set_quota(src, *ns_quota, *ds_quota)?,
            Edit::SetQuotaByStorageType {
                src,
                storage_type,
                ds_quota,
            } => self.set_type_quota(src, *storage_type, *ds_quota)?,
            Edit::SetAcl { src, entries } => self.set_acl(src, entries)?,
            Edit::SetXAttr { src, xattr, .. } => {
                self.inode_at(src)?.change_xattrs(|all| {
                    all.retain(|known| !known.is_same_as(xattr));
                    all.insert(0, xattr.clone());
                });
            }
            Edit::RemoveXAttr { src, xattr, .. } => {
                let inode = self.inode_at(src)?;
                inode.change_xattrs(|all| all.retain(|known| !known.is_same_as(xattr)));
            }
            Edit::SetStoragePolicy { path, policy_id } => {
                self.inode_at(path)?.storage_policy = *policy_id;
                self.namespace.note_storage_policy(*policy_id);
            }
            _ => {}
        }
        Ok(())
    }

    /// Sets times. A negative one stays as it is.
    fn set_times(&mut self, path: &str, mtime: Millis, atime: Millis) -> Result<(), Reason> {
        let id = self.existing(path)?;
        if mtime >= 0 || self.namespace.snapshots().captures_access_times() {
            self.namespace.keep(id);
        }
        let inode = self.namespace.inode_mut(id);
        if mtime >= 0 {
            inode.modification_time = mtime;
        }
        if atime >= 0 {
            inode.access_time = atime;
        }
        Ok(())
    }

    fn set_replication(
        &mut self,
        path: &str,
        replication: u16,
        effects: &mut Effects,
    ) -> Result<(), Reason> {
        let id = self.file(path)?;
        self.namespace.keep(id);
        self.recount(id, |state| {
            state.file_mut(id)?.replication = replication;
            let replication = state.namespace.block_replication(id);
            let source = state.namespace.source_alone(id);
            let blocks = state.file_mut(id)?.blocks.iter().copied();
            let stored = blocks.chain(source).map(|block| (block, id, replication));
            effects.stored.extend(stored);
            state.namespace.replicate_earlier(id, effects);
            Ok(())
        })
    }

    fn set_quota(&mut self, src: &str, ns_quota: i64, ds_quota: i64) -> Result<(), Reason> {
        let (id, old) = self.quota_of(src)?;
        let changed = |old: Option<u64>, new: i64| match new {
            DONT_SET => old,
            _ => u64::try_from(new).ok(),
        };
        // The root always has a namespace quota. Clearing it restores the default, which cannot be
        // reached.
        let namespace = match ns_quota {
            RESET if id == ROOT => Quota::ROOT.namespace,
            quota => changed(old.namespace, quota),
        };
        let space = changed(old.space, ds_quota);
        let quota = Quota {
            namespace,
            space,
            ..old
        };
        self.namespace.keep(id);
        self.namespace.set_quota(id, quota);
        Ok(())
    }

    fn set_acl(&mut self, src: &str, entries: &[AclEntry]) -> Result<(), Reason> {
        let inode = self.inode_at(src)?;
        let (acl, mode) = if entries.is_empty() {
            inode.acl().removed(inode.mode)
        } else {
            Acl::stored(entries.to_vec(), inode.mode)
        };
        inode.set_acl(acl);
        inode.mode = mode;
        Ok(())
    }

    fn set_type_quota(
        &mut self,
        src: &str,
        storage_type: StorageTypeProto,
        ds_quota: i64,
    ) -> Result<(), Reason> {
        let (id, mut quota) = self.quota_of(src)?;
        quota.types[index(storage_type)] = u64::try_from(ds_quota).ok();
        self.namespace.keep(id);
        self.namespace.set_quota(id, quota);
        Ok(())
    }

    fn quota_of(&self, src: &str) -> Result<(InodeId, Quota), Reason> {
        let id = self.existing(src)?;
        let directory = self.namespace.inode(id).as_directory();
        let directory = directory.ok_or_else(|| format!("{src} is not a directory"))?;
        Ok((id, directory.quota()))
    }
}
