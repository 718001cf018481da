//! The folders of a DataNode's replicas, and what identifies them.

use std::path::Path;
use std::sync::Arc;

use minihdfs::config::HdfsConfig;
use minihdfs::datanode::{DataStorage, StorageFolder};
use minihdfs::namenode::storage::server::Lock;
use minihdfs::protocol::NamespaceInfo;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::Error;

/// The file that Hadoop locks, too.
const LOCK: &str = "in_use.lock";

/// The folders of a DataNode.
#[derive(Debug)]
pub(crate) struct DataFolders {
    pub(crate) uuid: Arc<str>,
    pub(crate) storages: Vec<StorageFolder>,
    /// Those of folders that outlive the fixture.
    _locks: Vec<Lock>,
}

impl DataFolders {
    /// Returns the folders below a directory that the fixture alone uses.
    pub(crate) fn of_fixture(storages: Vec<StorageFolder>, uuid: Arc<str>) -> Self {
        Self {
            uuid,
            storages,
            _locks: Vec::new(),
        }
    }

    /// Locks and opens folders that outlive the fixture, which Hadoop may have made. Those that are
    /// not new have ids of their own.
    pub(crate) fn kept(
        storages: Vec<StorageFolder>,
        namespace: &NamespaceInfo,
        uuid: &str,
    ) -> Result<Self, Error> {
        let mut locks = Vec::with_capacity(storages.len());
        for storage in &storages {
            let path = &storage.path;
            let made = std::fs::create_dir_all(path);
            made.map_err(Error::io(format!("make the directory {}", path.display())))?;
            locks.push(Lock::take(&path.join(LOCK))?);
        }
        let opened = DataStorage::open(storages, namespace, uuid)?;
        Ok(Self {
            uuid: opened.uuid,
            storages: opened.folders,
            _locks: locks,
        })
    }
}

/// Returns the storages of a DataNode. The id of the first one is given, and the others follow from
/// it.
pub(crate) fn storages(
    directory: &Path,
    config: &HdfsConfig,
    first: &Arc<str>,
) -> Vec<StorageFolder> {
    let seed = first.bytes().fold(0_u64, |seed, byte| {
        seed.wrapping_mul(257).wrapping_add(byte.into())
    });
    let mut rng = StdRng::seed_from_u64(seed);
    let mut next = Some(Arc::clone(first));
    StorageFolder::below(directory, config, || {
        let given = next.take();
        given.unwrap_or_else(|| format!("DS-{}", uuid(&mut rng)).into())
    })
}

/// Returns a random (version 4) UUID as text.
pub(crate) fn uuid(rng: &mut StdRng) -> String {
    let random: u128 = rng.random();
    let uuid = uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid();
    uuid.to_string()
}
