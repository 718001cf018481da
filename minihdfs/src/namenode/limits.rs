//! Limits on names and directories, and quotas (Hadoop's `FSDirectory.verify…`,
//! `DirectoryWithQuotaFeature`).

use super::inode::{InodeId, Quota, ROOT};
use super::namespace::{Namespace, ResolvedPath};
use super::path;
use crate::HdfsError;
use crate::config::HdfsConfig;

/// What a subtree takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) files: u64,
    pub(super) directories: u64,
    /// Bytes of the files, each counted once. What is being written counts as far as it is known.
    pub(super) length: u64,
    /// Bytes of all replicas. A block that is being written counts with its full size.
    pub(super) space: u64,
}

impl Usage {
    pub(super) fn inodes(self) -> u64 {
        self.files + self.directories
    }
}

/// Refuses names that cannot be created: `.reserved` at the root, `.snapshot` anywhere, too long
/// ones.
pub(super) fn check_new_names(
    path: &ResolvedPath<'_>,
    config: &HdfsConfig,
) -> Result<(), HdfsError> {
    if path::components(path.path()).next() == Some(".reserved") {
        return Err(HdfsError::hadoop_illegal_argument(
            "File name \".reserved\" is reserved and cannot be created. \
             If this is during upgrade change the name of the existing file or directory to another name before upgrading to the new release.",
        ));
    }
    for name in path.missing() {
        if name == ".snapshot" {
            return Err(HdfsError::hadoop_illegal_argument(
                "\".snapshot\" is a reserved name.",
            ));
        }
        let limit = config.max_component_length;
        if limit != 0 && name.len() > limit {
            return Err(HdfsError::new(
                "org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException",
                format!(
                    "The maximum path component name limit of {name} in directory {} is exceeded: limit={limit} length={}",
                    path::parent(path.path()),
                    name.len()
                ),
            ));
        }
    }
    Ok(())
}

/// Refuses one more child of a directory that is full.
pub(super) fn check_directory_items(
    namespace: &Namespace,
    parent: InodeId,
    config: &HdfsConfig,
) -> Result<(), HdfsError> {
    let items = namespace
        .inode(parent)
        .as_directory()
        .map_or(0, |directory| directory.children.len());
    if items < config.max_directory_items {
        return Ok(());
    }
    Err(HdfsError::new(
        "org.apache.hadoop.hdfs.protocol.FSLimitException$MaxDirectoryItemsExceededException",
        format!(
            "The directory item limit of {} is exceeded: limit={} items={}",
            namespace.full_path(parent),
            config.max_directory_items,
            items + 1
        ),
    ))
}

/// What adds to a subtree.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Charge {
    pub(super) inodes: u64,
    pub(super) space: u64,
    /// Whether the inodes come one after another: then the first that is too many is the one to
    /// complain of.
    pub(super) one_by_one: bool,
}

impl Namespace {
    /// Walks the subtree at `top`; `space` tells a file's (length, space).
    pub(super) fn usage(&self, top: InodeId, space: &impl Fn(InodeId) -> (u64, u64)) -> Usage {
        let mut usage = Usage::default();
        let mut pending = vec![top];
        while let Some(id) = pending.pop() {
            if let Some(directory) = self.inode(id).as_directory() {
                usage.directories += 1;
                pending.extend(directory.children.values());
            } else {
                let (length, space) = space(id);
                usage.files += 1;
                usage.length += length;
                usage.space += space;
            }
        }
        usage
    }

    /// Whether `parent`, or a directory above it and below `below`, has a quota.
    pub(super) fn has_quota(&self, parent: InodeId, below: InodeId) -> bool {
        let mut id = parent;
        while id != below {
            let inode = self.inode(id);
            if inode.as_directory().is_some_and(|directory| {
                directory.quota != Quota::default() && directory.quota != Quota::ROOT
            }) {
                return true;
            }
            id = inode.parent;
        }
        false
    }

    /// Refuses what would exceed the quota of `parent` or of a directory above it, up to but
    /// without `below`, where a rename has its source and destination in common.
    pub(super) fn check_quota(
        &self,
        parent: InodeId,
        below: Option<InodeId>,
        charge: Charge,
        space: &impl Fn(InodeId) -> (u64, u64),
    ) -> Result<(), HdfsError> {
        let mut id = parent;
        while Some(id) != below {
            let inode = self.inode(id);
            let quota = inode
                .as_directory()
                .map(|directory| directory.quota)
                .unwrap_or_default();
            if quota != Quota::default() && quota != Quota::ROOT {
                let usage = self.usage(id, space);
                let (inodes, bytes) = (usage.inodes() + charge.inodes, usage.space + charge.space);
                if let Some(limit) = quota
                    .namespace
                    .filter(|limit| charge.inodes > 0 && inodes > *limit)
                {
                    return Err(HdfsError::new(
                        "org.apache.hadoop.hdfs.protocol.NSQuotaExceededException",
                        format!(
                            "The NameSpace quota (directories and files) of directory {} is exceeded: quota={limit} file count={}",
                            self.full_path(id),
                            if charge.one_by_one {
                                usage.inodes().max(limit) + 1
                            } else {
                                inodes
                            }
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
            }
            if id == ROOT {
                break;
            }
            id = inode.parent;
        }
        Ok(())
    }
}

/// `1.50 KB`, as Hadoop's `TraditionalBinaryPrefix` writes it.
fn in_words(bytes: u64) -> String {
    let exponent = (bytes.max(1).ilog2() / 10) as usize;
    match ["", "K", "M", "G", "T", "P", "E"].get(exponent) {
        None | Some(&"") => format!("{bytes} B"),
        Some(prefix) => format!(
            "{:.2} {prefix}B",
            bytes as f64 / (1_u64 << (10 * exponent)) as f64
        ),
    }
}
