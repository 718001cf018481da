//! Storage policies: stored and returned, but without effect on placement, because every storage is
//! a disk.

use super::attributes::file_or_directory;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::edit::Edit;
use crate::namenode::state::storage_policy::{HOT, POLICIES, Policy};
use crate::proto::hdfs::{
    BlockStoragePolicyProto, GetStoragePoliciesRequestProto, GetStoragePoliciesResponseProto,
    GetStoragePolicyRequestProto, GetStoragePolicyResponseProto, SatisfyStoragePolicyRequestProto,
    SatisfyStoragePolicyResponseProto, SetStoragePolicyRequestProto, SetStoragePolicyResponseProto,
    StorageTypeProto, StorageTypesProto, UnsetStoragePolicyRequestProto,
    UnsetStoragePolicyResponseProto,
};
use crate::rpc::Call;

impl Policy {
    fn to_proto(&self) -> BlockStoragePolicyProto {
        let types = |types: &[StorageTypeProto]| StorageTypesProto {
            storage_types: types.iter().map(|kind| i32::from(*kind)).collect(),
        };
        BlockStoragePolicyProto {
            policy_id: self.id.into(),
            name: self.name.to_owned(),
            creation_policy: types(self.creation),
            creation_fallback_policy: Some(types(self.creation_fallback)),
            replication_fallback_policy: Some(types(self.replication_fallback)),
        }
    }
}

impl NameNode {
    /// Returns all policies.
    pub(crate) fn get_storage_policies(
        &self,
        _call: &Call<'_>,
        _request: GetStoragePoliciesRequestProto,
    ) -> Result<GetStoragePoliciesResponseProto, HdfsError> {
        Ok(GetStoragePoliciesResponseProto {
            policies: POLICIES.iter().map(Policy::to_proto).collect(),
        })
    }

    /// Returns the effective policy of a path.
    pub(crate) fn get_storage_policy(
        &self,
        call: &Call<'_>,
        request: GetStoragePolicyRequestProto,
    ) -> Result<GetStoragePolicyResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(&request.path)?.not_following();
        checker.check(ns.namespace(), &path, Need::path(FsAction::READ))?;
        let view = path.view(ns.namespace());
        let id = file_or_directory(&path)?;
        if view.inode(id).as_symlink().is_some() {
            return Err(HdfsError::unsupported_operation(
                "Storage policy are not supported on symlinks",
            ));
        }
        let id = view.storage_policy(id);
        let policy = POLICIES
            .iter()
            .find(|policy| policy.id == id)
            .unwrap_or(&POLICIES[HOT]);
        Ok(GetStoragePolicyResponseProto {
            storage_policy: policy.to_proto(),
        })
    }

    /// Sets the policy of a path.
    pub(crate) fn set_storage_policy(
        &self,
        call: &Call<'_>,
        request: SetStoragePolicyRequestProto,
    ) -> Result<SetStoragePolicyResponseProto, HdfsError> {
        let policy = POLICIES
            .iter()
            .find(|policy| policy.name.eq_ignore_ascii_case(&request.policy_name));
        let policy = policy.ok_or_else(|| {
            HdfsError::hadoop_illegal_argument(format!(
                "Cannot find a block policy with the name {}",
                request.policy_name
            ))
        })?;
        self.change_storage_policy(call, &request.src, Some(policy))?;
        Ok(SetStoragePolicyResponseProto {})
    }

    /// Removes the policy of a path, which then inherits its parent's.
    pub(crate) fn unset_storage_policy(
        &self,
        call: &Call<'_>,
        request: UnsetStoragePolicyRequestProto,
    ) -> Result<UnsetStoragePolicyResponseProto, HdfsError> {
        self.change_storage_policy(call, &request.src, None)?;
        Ok(UnsetStoragePolicyResponseProto {})
    }

    /// Does nothing, because no replicas are moved to satisfy a policy.
    pub(crate) fn satisfy_storage_policy(
        &self,
        _call: &Call<'_>,
        _request: SatisfyStoragePolicyRequestProto,
    ) -> Result<SatisfyStoragePolicyResponseProto, HdfsError> {
        Err(HdfsError::new(
            "org.apache.hadoop.hdfs.server.namenode.UnsupportedActionException",
            "Cannot request to satisfy storage policy when storage policy satisfier feature has been disabled by admin. \
             Seek for an admin help to enable it or use Mover tool.",
        ))
    }

    fn change_storage_policy(
        &self,
        call: &Call<'_>,
        src: &str,
        policy: Option<&Policy>,
    ) -> Result<(), HdfsError> {
        let id = policy.map_or(0, |policy| policy.id);
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("set storage policy for {src}"))?;
        let path = ns.namespace().resolve(src)?;
        checker.check_change(ns.namespace(), &path, Need::path(FsAction::WRITE))?;
        let inode = ns.namespace().inode(file_or_directory(&path)?);
        if let Some(policy) = policy.filter(|policy| policy.name == "LAZY_PERSIST")
            && inode.as_file().is_some()
        {
            return Err(HdfsError::hadoop_illegal_argument(format!(
                "Policy {policy} cannot be set after file creation."
            )));
        }
        if inode.storage_policy != id {
            ns.log(&Edit::SetStoragePolicy {
                path: path.path().to_owned(),
                policy_id: id,
            })?;
        }
        Ok(())
    }
}
