//! The volumes of a DataNode: the folders that hold its replicas (Hadoop's `FsVolumeList`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::layout::Layout;
use crate::HdfsError;
use crate::config::HdfsConfig;
use crate::protocol::DatanodeStorage;
use crate::token::StorageType;

/// A folder for replicas, and the storage that it is to the NameNode.
///
/// ```
/// use minihdfs::datanode::StorageFolder;
/// use minihdfs::protocol::DatanodeStorage;
///
/// let folder = StorageFolder::disk("blocks/dn1", "DS-1");
/// assert_eq!(folder.storage, DatanodeStorage::disk("DS-1".into()));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StorageFolder {
    /// The folder, which is created if necessary.
    pub path: PathBuf,
    /// Its id and type.
    pub storage: DatanodeStorage,
}

impl StorageFolder {
    /// Returns the storages of a DataNode with this directory: those that `dfs.datanode.data.dir`
    /// names below it, or the directory itself. `new_id` draws an id for each.
    #[must_use]
    pub fn below(
        directory: &Path,
        config: &HdfsConfig,
        mut new_id: impl FnMut() -> Arc<str>,
    ) -> Vec<Self> {
        let named = &config.datanode.storages;
        if named.is_empty() {
            return vec![Self {
                path: directory.to_owned(),
                storage: DatanodeStorage::disk(new_id()),
            }];
        }
        let folders = named.iter().map(|(kind, name)| Self {
            path: directory.join(name),
            storage: DatanodeStorage {
                id: new_id(),
                kind: *kind,
            },
        });
        folders.collect()
    }

    /// Returns a folder of type DISK.
    #[must_use]
    pub fn disk(path: impl Into<PathBuf>, id: &str) -> Self {
        Self {
            path: path.into(),
            storage: DatanodeStorage::disk(id.into()),
        }
    }
}

/// A volume.
#[derive(Debug)]
pub(super) struct Volume {
    pub(super) folder: StorageFolder,
    pub(super) layout: Layout,
    failed: AtomicBool,
}

impl Volume {
    pub(super) fn storage(&self) -> &DatanodeStorage {
        &self.folder.storage
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

/// All volumes of a DataNode.
#[derive(Debug)]
pub(super) struct Volumes {
    all: Vec<Arc<Volume>>,
    /// The number of choices so far.
    choices: AtomicUsize,
}

impl Volumes {
    /// Creates the folders that do not exist, and removes unfinished replications.
    pub(super) fn open(folders: &[StorageFolder], block_pool: &str) -> io::Result<Self> {
        let mut all = Vec::with_capacity(folders.len());
        for folder in folders {
            let layout = Layout::create(&folder.path, block_pool)?;
            layout.clear_temporary()?;
            all.push(Arc::new(Volume {
                folder: folder.clone(),
                layout,
                failed: AtomicBool::new(false),
            }));
        }
        Ok(Self {
            all,
            choices: AtomicUsize::new(0),
        })
    }

    /// Returns the volumes that work.
    pub(super) fn working(&self) -> impl Iterator<Item = &Arc<Volume>> {
        self.all.iter().filter(|volume| !volume.has_failed())
    }

    pub(super) fn failed(&self) -> usize {
        self.all.iter().filter(|volume| volume.has_failed()).count()
    }

    /// Returns the next volume of a type, each in turn (`RoundRobinVolumeChoosingPolicy`).
    ///
    /// # Errors
    /// Fails with `DiskOutOfSpaceException` if there is none.
    pub(super) fn choose(&self, kind: StorageType) -> Result<Arc<Volume>, HdfsError> {
        let of_kind = || self.working().filter(|it| it.storage().kind == kind);
        let turn = self.choices.fetch_add(1, Ordering::Relaxed);
        let chosen = of_kind().nth(turn % of_kind().count().max(1));
        chosen.cloned().ok_or_else(|| {
            HdfsError::new(
                "org.apache.hadoop.util.DiskChecker$DiskOutOfSpaceException",
                format!(
                    "No more available volumes: none is of type {}",
                    kind.as_str_name()
                ),
            )
        })
    }

    /// Returns the volumes whose folders have disappeared since the last time.
    pub(super) fn find_failures(&self) -> Vec<Arc<Volume>> {
        let gone = self.working().filter(|volume| !volume.layout.is_there());
        let gone: Vec<_> = gone.cloned().collect();
        for volume in &gone {
            volume.failed.store(true, Ordering::Relaxed);
        }
        gone
    }
}
