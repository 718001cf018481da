//! Usage and quotas of trees.

use super::attributes::{existing, file_or_directory};
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need, Subtree};
use crate::namenode::edit::Edit;
use crate::namenode::state::inode::ROOT;
use crate::namenode::state::lengths::LONGEST;
use crate::namenode::state::quota::Quota;
use crate::namenode::state::storage_policy::{ByType, WITH_QUOTA, index};
use crate::proto::hdfs::{
    ContentSummaryProto, GetContentSummaryRequestProto, GetContentSummaryResponseProto,
    GetQuotaUsageRequestProto, GetQuotaUsageResponseProto, QuotaUsageProto, SetQuotaRequestProto,
    SetQuotaResponseProto, StorageTypeQuotaInfoProto, StorageTypeQuotaInfosProto,
};
use crate::rpc::Call;

/// `HdfsConstants.QUOTA_DONT_SET`: leaves the quota unchanged.
const DONT_SET: u64 = i64::MAX as u64;
/// `HdfsConstants.QUOTA_RESET`, -1: no quota. Responses use it too.
const RESET: u64 = u64::MAX;

impl NameNode {
    /// Returns totals of a tree or a file.
    pub(crate) fn get_content_summary(
        &self,
        call: &Call<'_>,
        request: GetContentSummaryRequestProto,
    ) -> Result<GetContentSummaryResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(&request.path)?.not_following();
        checker.check(ns.namespace(), &path, whole(Subtree::Summed))?;
        let id = existing(&path)?;
        let view = path.view(ns.namespace());
        let summary = view.summary(id);
        let (usage, of_snapshots) = (summary.all, summary.of_snapshots);
        let quota = view.present_quota(id);
        let erasure_coding_policy = match view.inode(id).as_file() {
            Some(_) => "Replicated",
            None => "",
        };
        Ok(GetContentSummaryResponseProto {
            summary: ContentSummaryProto {
                length: usage.length,
                file_count: usage.files.saturating_add(usage.symlinks),
                directory_count: usage.directories,
                quota: quota.namespace.unwrap_or(RESET),
                space_consumed: usage.space,
                space_quota: quota.space.unwrap_or(RESET),
                type_quota_infos: type_quotas(&quota, view.length_by_type(id)),
                snapshot_length: Some(of_snapshots.length),
                snapshot_file_count: Some(of_snapshots.files),
                snapshot_directory_count: Some(of_snapshots.directories),
                snapshot_space_consumed: Some(of_snapshots.space),
                erasure_coding_policy: Some(erasure_coding_policy.to_owned()),
            },
        })
    }

    /// Returns the usage of a tree as counted by its quotas.
    pub(crate) fn get_quota_usage(
        &self,
        call: &Call<'_>,
        request: GetQuotaUsageRequestProto,
    ) -> Result<GetQuotaUsageResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(&request.path)?.not_following();
        let need = whole(Subtree::Read(FsAction::READ_EXECUTE));
        checker.check(ns.namespace(), &path, need)?;
        let id = file_or_directory(&path)?;
        let view = path.view(ns.namespace());
        let quota = view.present_quota(id);
        let usage = match quota == Quota::default() {
            true => view.summary(id).all,
            false => view.charged_usage(id),
        };
        let is_present = ns.namespace().get(id).is_some() && !view.is_root_of_snapshot(id);
        let types = if quota.types.iter().any(Option::is_some) && is_present {
            ns.namespace().space_by_type(id)
        } else {
            view.length_by_type(id)
        };
        Ok(GetQuotaUsageResponseProto {
            usage: QuotaUsageProto {
                file_and_directory_count: usage.inodes(),
                quota: quota.namespace.unwrap_or(RESET),
                space_consumed: usage.space,
                space_quota: quota.space.unwrap_or(RESET),
                type_quota_infos: type_quotas(&quota, types),
            },
        })
    }

    /// Sets or clears the quotas of a directory, or its quota for a storage type.
    pub(crate) fn set_quota(
        &self,
        call: &Call<'_>,
        request: SetQuotaRequestProto,
    ) -> Result<SetQuotaResponseProto, HdfsError> {
        let checker = self.checker(call);
        checker.check_superuser(operation(&request))?;
        let mut ns = self.lock_to_write(format_args!("set quota on {}", request.path))?;
        let path = ns.namespace().resolve(&request.path)?;
        checker.check_change(ns.namespace(), &path, Need::TRAVERSE)?;
        if [request.namespace_quota, request.storagespace_quota]
            .iter()
            .any(|value| *value > DONT_SET && *value != RESET)
        {
            return Err(HdfsError::illegal_argument(format!(
                "Illegal value for nsQuota or ssQuota : {} and {}",
                request.namespace_quota.cast_signed(),
                request.storagespace_quota.cast_signed()
            )));
        }
        let storage_type = request
            .storage_type
            .is_some()
            .then(|| request.storage_type());
        if storage_type.is_some() && request.namespace_quota != DONT_SET {
            return Err(HdfsError::unsupported_action(format!(
                "Failed to set quota by storage type because eitherdfs.quota.by.storage.type.enabled is set to true or nsQuota value is illegal {}",
                request.namespace_quota.cast_signed()
            )));
        }
        let id = path.last().ok_or_else(|| {
            HdfsError::file_not_found(format!("Directory does not exist: {}", path.path()))
        })?;
        let Some(directory) = ns.namespace().inode(id).as_directory() else {
            return Err(HdfsError::new(
                "org.apache.hadoop.fs.PathIsNotDirectoryException",
                format!("`{}': Is not a directory", path.path()),
            ));
        };
        if let Some(storage_type) = storage_type {
            let before = directory.quota().types[index(storage_type)];
            if request.storagespace_quota != DONT_SET && before != limit(request.storagespace_quota)
            {
                ns.log(&Edit::SetQuotaByStorageType {
                    src: path.path().to_owned(),
                    storage_type,
                    ds_quota: request.storagespace_quota.cast_signed(),
                })?;
            }
        } else if changes(directory.quota(), id == ROOT, &request) {
            ns.log(&Edit::SetQuota {
                src: path.path().to_owned(),
                ns_quota: request.namespace_quota.cast_signed(),
                ds_quota: request.storagespace_quota.cast_signed(),
            })?;
        }
        Ok(SetQuotaResponseProto {})
    }
}

fn whole(subtree: Subtree) -> Need {
    Need {
        subtree: Some(subtree),
        ..Need::TRAVERSE
    }
}

/// Returns the name of the operation that a request stands for.
fn operation(request: &SetQuotaRequestProto) -> &'static str {
    match (request.namespace_quota, request.storagespace_quota) {
        (RESET, DONT_SET) => "clearQuota",
        (DONT_SET, RESET) => "clearSpaceQuota",
        (_, DONT_SET) => "setQuota",
        _ => "setSpaceQuota",
    }
}

/// Returns true if a request changes a quota.
fn changes(quota: Quota, is_root: bool, request: &SetQuotaRequestProto) -> bool {
    let wanted = |old: Option<u64>, asked: u64| match asked {
        DONT_SET => old,
        asked => limit(asked),
    };
    let mut namespace = wanted(quota.namespace, request.namespace_quota);
    if is_root && namespace.is_none() {
        namespace = Quota::ROOT.namespace;
    }
    let space = wanted(quota.space, request.storagespace_quota);
    (namespace, space) != (quota.namespace, quota.space)
}

/// Returns the limit that a request sets; `None` removes it.
fn limit(asked: u64) -> Option<u64> {
    Some(asked).filter(|asked| *asked != RESET)
}

/// Returns the quotas by storage type and what is taken of each, if there are quotas or something
/// is taken.
fn type_quotas(quota: &Quota, space: ByType<u64>) -> Option<StorageTypeQuotaInfosProto> {
    let told = quota.types.iter().any(Option::is_some) || space.iter().any(|bytes| *bytes > 0);
    told.then(|| {
        let infos = WITH_QUOTA.map(|kind| StorageTypeQuotaInfoProto {
            r#type: Some(kind.into()),
            quota: quota.types[index(kind)].unwrap_or(RESET),
            consumed: space[index(kind)].min(LONGEST),
        });
        StorageTypeQuotaInfosProto {
            type_quota_info: infos.to_vec(),
        }
    })
}
