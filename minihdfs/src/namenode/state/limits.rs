//! Limits on names and directories, and quotas (Hadoop's `FSDirectory.verify…`,
//! `DirectoryWithQuotaFeature`).

use crate::HdfsError;
use crate::config::HdfsConfig;
use crate::namenode::path;
use crate::namenode::state::inode::{Directory, InodeId, ROOT};
use crate::namenode::state::lengths::add;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::quota::Quota;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::namenode::state::storage_policy::{ByType, WITH_QUOTA, index};
use crate::proto::hdfs::StorageTypeProto;
use crate::user::MAX_NAME;

/// Fails if a name is too long to be kept; `what` says which name it is.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), HdfsError> {
    if name.len() <= MAX_NAME {
        return Ok(());
    }
    Err(HdfsError::hadoop_illegal_argument(format!(
        "The {what} has {} bytes: at most {MAX_NAME} are kept, so send a shorter one",
        name.len()
    )))
}

/// Fails if a path that does not exist is too long. One by an inode's id is short, so what it
/// stands for is checked as well.
pub(crate) fn check_new_path(path: &ResolvedPath<'_>, operation: &str) -> Result<(), HdfsError> {
    match path.last() {
        Some(_) => Ok(()),
        None => path::check_length(path.path(), operation),
    }
}

/// Fails for names that cannot be created in a directory: `.reserved` in the root, `.snapshot`
/// anywhere, and names that are too long.
pub(crate) fn check_new_name(
    name: &str,
    directory: impl Fn() -> String,
    config: &HdfsConfig,
) -> Result<(), HdfsError> {
    if name == ".reserved" && directory() == "/" {
        return Err(HdfsError::hadoop_illegal_argument(
            "File name \".reserved\" is reserved and cannot be created. \
             If this is during upgrade change the name of the existing file or directory to another name before upgrading to the new release.",
        ));
    }
    check_component_length(name, directory, config)?;
    if name == ".snapshot" {
        return Err(HdfsError::hadoop_illegal_argument(
            "\".snapshot\" is a reserved name.",
        ));
    }
    Ok(())
}

/// Fails if a name is too long for an entry of `directory`, whose path the error gives.
pub(crate) fn check_component_length(
    name: &str,
    directory: impl Fn() -> String,
    config: &HdfsConfig,
) -> Result<(), HdfsError> {
    let limit = config.limits.max_component_length;
    if limit == 0 || name.len() <= limit {
        return Ok(());
    }
    Err(HdfsError::new(
        "org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException",
        format!(
            "The maximum path component name limit of {name} in directory {} is exceeded: limit={limit} length={}",
            directory(),
            name.len()
        ),
    ))
}

/// Fails if a directory has no room for another child.
pub(crate) fn check_directory_items(
    namespace: &Namespace,
    parent: InodeId,
    config: &HdfsConfig,
) -> Result<(), HdfsError> {
    let items = namespace
        .inode(parent)
        .as_directory()
        .map_or(0, |directory| directory.children.len());
    if items < config.limits.max_directory_items {
        return Ok(());
    }
    Err(HdfsError::new(
        "org.apache.hadoop.hdfs.protocol.FSLimitException$MaxDirectoryItemsExceededException",
        format!(
            "The directory item limit of {} is exceeded: limit={} items={}",
            namespace.full_path(parent),
            config.limits.max_directory_items,
            items + 1
        ),
    ))
}

/// An addition to a subtree.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Charge {
    pub(crate) inodes: u64,
    /// The inodes that are removed before.
    pub(crate) removed: u64,
    pub(crate) space: u64,
    /// The bytes on storages of each type.
    pub(crate) types: ByType<u64>,
}

impl Namespace {
    /// Fails if the subtree at `top` would be too deep at the path `to`.
    ///
    /// Hadoop does not check this, but every lookup below takes time in proportion to the depth.
    pub(crate) fn check_depth(
        &self,
        top: InodeId,
        to: &ResolvedPath<'_>,
        operation: &str,
    ) -> Result<(), HdfsError> {
        let mut before = 1;
        let mut id = top;
        while id != ROOT {
            before += 1;
            id = self.inode(id).parent;
        }
        if to.depth() <= before {
            return Ok(());
        }
        // The root is no level of a path.
        let mut depth = to.depth() - 1;
        let mut level = vec![top];
        loop {
            level = level
                .iter()
                .filter_map(|id| self.inode(*id).as_directory())
                .flat_map(|directory| directory.children.ids())
                .collect();
            if level.is_empty() {
                return Ok(());
            }
            depth += 1;
            if depth > path::MAX_DEPTH {
                return Err(path::too_long(operation));
            }
        }
    }

    /// Returns the quotas of `parent` and of the directories between it and `below`, exclusive; up
    /// to the root if that is `None`.
    pub(crate) fn quotas(
        &self,
        parent: InodeId,
        below: Option<InodeId>,
    ) -> impl Iterator<Item = Quota> {
        let path = std::iter::successors(Some(parent), |id| {
            (*id != ROOT).then(|| self.inode(*id).parent)
        });
        path.take_while(move |id| Some(*id) != below)
            .filter_map(|id| self.inode(id).as_directory().map(Directory::quota))
            .filter(|quota| *quota != Quota::default() && *quota != Quota::ROOT)
    }

    /// Fails if the charge exceeds the quota of `parent` or of a directory above it. Stops before
    /// `below`, the common ancestor of a rename's source and destination.
    pub(crate) fn check_quota(
        &self,
        parent: InodeId,
        below: Option<InodeId>,
        charge: Charge,
    ) -> Result<(), HdfsError> {
        let mut id = parent;
        while Some(id) != below {
            let inode = self.inode(id);
            let feature = inode.as_directory().and_then(Directory::feature);
            let quota = feature.map(|feature| feature.quota);
            let limits = |quota: &Quota| *quota != Quota::ROOT && *quota != Quota::default();
            if let Some(quota) = quota.filter(limits) {
                self.check_quota_of(id, &quota, charge)?;
            }
            if id == ROOT {
                break;
            }
            id = inode.parent;
        }
        Ok(())
    }

    /// Fails if the charge exceeds the quota of this directory.
    fn check_quota_of(&self, id: InodeId, quota: &Quota, charge: Charge) -> Result<(), HdfsError> {
        let usage = self.view(None).summary(id).all;
        let (inodes, bytes) = (
            add(usage.inodes().saturating_sub(charge.removed), charge.inodes),
            add(usage.space, charge.space),
        );
        if let Some(limit) = quota
            .namespace
            .filter(|limit| charge.inodes > 0 && inodes > *limit)
        {
            return Err(HdfsError::new(
                "org.apache.hadoop.hdfs.protocol.NSQuotaExceededException",
                format!(
                    "The NameSpace quota (directories and files) of directory {} is exceeded: quota={limit} file count={inodes}",
                    self.full_path(id),
                ),
            ));
        }
        if let Some(limit) = quota
            .space
            .filter(|limit| charge.space > 0 && bytes > *limit)
        {
            return Err(HdfsError::new(
                "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException",
                format!(
                    "The DiskSpace quota of {} is exceeded: quota = {limit} B = {} but diskspace consumed = {bytes} B = {}",
                    self.full_path(id),
                    in_words(limit),
                    in_words(bytes)
                ),
            ));
        }
        self.check_type_quota(id, quota, &charge.types)
    }

    /// Fails if the charge exceeds a directory's quota for a storage type. Counts the subtree, but
    /// only if there is such a quota.
    fn check_type_quota(
        &self,
        id: InodeId,
        quota: &Quota,
        charge: &ByType<u64>,
    ) -> Result<(), HdfsError> {
        let limited = |kind: &StorageTypeProto| {
            quota.types[index(*kind)].is_some() && charge[index(*kind)] > 0
        };
        if !WITH_QUOTA.iter().any(limited) {
            return Ok(());
        }
        let space = self.space_by_type(id);
        for kind in WITH_QUOTA.iter().filter(|kind| limited(kind)) {
            let consumed = add(space[index(*kind)], charge[index(*kind)]);
            let Some(limit) = quota.types[index(*kind)].filter(|limit| consumed > *limit) else {
                continue;
            };
            return Err(HdfsError::quota_by_storage_type_exceeded(format!(
                "Quota by storage type : {} on path : {} is exceeded. quota = {} but space consumed = {}",
                kind.as_str_name(),
                self.full_path(id),
                in_words(limit),
                in_words(consumed)
            )));
        }
        Ok(())
    }
}

/// Formats `1 KB` or `1.50 KB` like Hadoop's `TraditionalBinaryPrefix`. A value that would round up
/// to 1024 of a unit is written in the next unit.
fn in_words(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KB", "MB", "GB", "TB", "PB", "EB"];
    let exponent = (bytes.max(1).ilog2() / 10) as usize;
    let size = 1_u64 << (10 * exponent);
    if bytes.is_multiple_of(size) {
        return format!("{} {}", bytes / size, UNITS[exponent]);
    }
    let told = |exponent: usize| format!("{:.2}", bytes as f64 / 1024_f64.powi(exponent as i32));
    let number = told(exponent);
    if number.starts_with("1024") {
        return format!("{} {}", told(exponent + 1), UNITS[exponent + 1]);
    }
    format!("{number} {}", UNITS[exponent])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::namenode::state::lengths::LONGEST;

    #[test]
    fn sizes_in_words_are_hadoops() {
        for (bytes, words) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KB"),
            (1536, "1.50 KB"),
            ((1 << 20) - 1, "1.00 MB"),
            (1 << 20, "1 MB"),
            (LONGEST, "8.00 EB"),
        ] {
            assert_eq!(in_words(bytes), words);
        }
    }
}
