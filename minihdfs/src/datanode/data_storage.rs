//! The identity of a DataNode's folders: a `VERSION` for each, and one for the block pool in it
//! (`DataStorage`, `BlockPoolSliceStorage`).
//!
//! A DataNode follows the upgrade of its NameNode: the folder of the pool is kept as `previous`,
//! whose replicas have a name in the new one, too.

use std::cmp::Ordering;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::block_store::StorageFolder;
use crate::HdfsError;
use crate::protocol::NamespaceInfo;
use crate::storage_directory::{
    CURRENT, Properties, StorageDirectory, TransitionError, VERSION, failed, pool_line, to_text,
};

/// The version of the files of a DataNode (`DataNodeLayoutVersion`): that of Hadoop 2.8 and later.
pub(super) const LAYOUT_VERSION: i32 = -57;
const DATA_NODE: &str = "DATA_NODE";
/// The files in which Hadoop's DataNode remembers the replicas for its next start. They are wrong
/// once another one has changed these. Hadoop removes the first itself when it has read it.
const CACHES: [&str; 2] = ["replicas", "dfsUsed"];
/// The folders with replicas.
const WITH_REPLICAS: [&str; 2] = ["finalized", "rbw"];

/// The folders of a DataNode that outlives its process, with what identifies them.
///
/// ```
/// use minihdfs::datanode::{DataStorage, StorageFolder};
/// use minihdfs::protocol::NamespaceInfo;
///
/// let place = tempfile::tempdir()?;
/// let folders = vec![StorageFolder::disk(place.path(), "DS-1")];
/// let namespace = NamespaceInfo { block_pool_id: "BP-1".into(), ..NamespaceInfo::default() };
/// let storage = DataStorage::open(folders.clone(), &namespace, "uuid-1")?;
/// assert_eq!(&*storage.uuid, "uuid-1");
/// let again = DataStorage::open(folders, &namespace, "another")?;
/// assert_eq!(&*again.uuid, "uuid-1"); // as the folder has it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DataStorage {
    /// The identity of the DataNode.
    pub uuid: Arc<str>,
    /// Its folders, with the ids of their storages.
    pub folders: Vec<StorageFolder>,
}

impl DataStorage {
    /// Opens folders for the replicas of a namespace, and identifies those that are new: with the
    /// ids that they are given, and `uuid`, if no other folder has one. Upgrades the pools of a
    /// namespace that was upgraded.
    ///
    /// # Errors
    /// Fails, as Hadoop does, if a folder belongs to another namespace, another DataNode or another
    /// layout version, or if it cannot be read or written.
    pub fn open(
        mut folders: Vec<StorageFolder>,
        namespace: &NamespaceInfo,
        uuid: &str,
    ) -> Result<Self, HdfsError> {
        let mut found: Option<Arc<str>> = None;
        for folder in &mut folders {
            StorageDirectory::new(&folder.path).recover()?;
            let Some(known) = identity(folder, namespace)? else {
                continue;
            };
            let first = found.get_or_insert_with(|| Arc::clone(&known));
            if *first != known {
                let root = folder.path.display();
                return Err(HdfsError::io(format!(
                    "Directory {root} is in an inconsistent state: Root {root}: \
                     DatanodeUuid={known}, does not match {first} from other StorageDirectory."
                )));
            }
        }
        let uuid = found.unwrap_or_else(|| uuid.into());
        for folder in &folders {
            write_identity(folder, namespace, &uuid)?;
            open_pool(&folder.path, namespace)?;
        }
        Ok(Self { uuid, folders })
    }
}

/// Returns the DataNode to which a folder belongs, and sets the id of its storage; `None` if the
/// folder is new.
fn identity(
    folder: &mut StorageFolder,
    namespace: &NamespaceInfo,
) -> Result<Option<Arc<str>>, HdfsError> {
    let path = folder.path.join(CURRENT).join(VERSION);
    let Some(properties) = read(&path)? else {
        return Ok(None);
    };
    let unusable = |reason| HdfsError::io(format!("{}: {reason}", path.display()));
    properties.check_kind(DATA_NODE).map_err(unusable)?;
    check_layout(&properties).map_err(unusable)?;
    let cluster = properties.text("clusterID").map_err(unusable)?;
    if cluster != &*namespace.storage.cluster_id {
        return Err(HdfsError::io(format!(
            "Incompatible clusterIDs in {}: namenode clusterID = {}; datanode clusterID = {cluster}",
            folder.path.display(),
            namespace.storage.cluster_id
        )));
    }
    folder.storage.id = properties.text("storageID").map_err(unusable)?.into();
    let uuid = properties.text("datanodeUuid").map_err(unusable)?;
    Ok(Some(uuid.into()))
}

fn check_layout(properties: &Properties) -> Result<(), String> {
    match properties.number("layoutVersion")? {
        LAYOUT_VERSION => Ok(()),
        other => Err(format!(
            "layoutVersion is {other}, and Kerbox reads {LAYOUT_VERSION} (Hadoop 2.8 to 3.5): \
             start a DataNode of one of these on it first"
        )),
    }
}

fn write_identity(
    folder: &StorageFolder,
    namespace: &NamespaceInfo,
    uuid: &str,
) -> Result<(), TransitionError> {
    let current = folder.path.join(CURRENT);
    if current.join(VERSION).exists() {
        return Ok(());
    }
    fs::create_dir_all(&current).map_err(failed("create", &current))?;
    let text = to_text(&[
        ("storageID", &folder.storage.id),
        ("clusterID", &namespace.storage.cluster_id),
        ("cTime", "0"),
        ("datanodeUuid", uuid),
        ("storageType", DATA_NODE),
        ("layoutVersion", &LAYOUT_VERSION.to_string()),
    ]);
    write(&current, &text)
}

/// Opens the folder of the block pool, and upgrades it if the namespace was upgraded.
fn open_pool(folder: &Path, namespace: &NamespaceInfo) -> Result<(), HdfsError> {
    let root = folder.join(CURRENT).join(&*namespace.block_pool_id);
    fs::create_dir_all(&root).map_err(failed("create", &root))?;
    let directory = StorageDirectory::new(&root);
    directory.recover()?;
    let path = directory.current().join(VERSION);
    let Some(properties) = read(&path)? else {
        return Ok(write_pool(&directory.current(), namespace)?);
    };
    let unusable = |reason| HdfsError::io(format!("{}: {reason}", path.display()));
    check_layout(&properties).map_err(unusable)?;
    check_pool(&properties, &root, namespace)?;
    let known: i64 = properties.number("cTime").map_err(unusable)?;
    let wanted = namespace.storage.c_time;
    match known.cmp(&wanted) {
        Ordering::Equal => Ok(remove_caches(&directory.current())?),
        Ordering::Less => Ok(upgrade(&directory, namespace)?),
        Ordering::Greater => Err(HdfsError::io(format!(
            "Datanode state: LV = {LAYOUT_VERSION} CTime = {known} is newer than the namespace \
             state: LV = {} CTime = {wanted}",
            namespace.storage.layout_version
        ))),
    }
}

fn remove_caches(current: &Path) -> Result<(), TransitionError> {
    for name in CACHES {
        let path = current.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Fails if the folder of a pool is of another namespace.
fn check_pool(
    properties: &Properties,
    root: &Path,
    namespace: &NamespaceInfo,
) -> Result<(), HdfsError> {
    let wanted = namespace.storage.namespace_id.to_string();
    for (key, wanted) in [
        ("namespaceID", &*wanted),
        ("blockpoolID", &*namespace.block_pool_id),
    ] {
        let found = properties.find(key).unwrap_or_default();
        if found != wanted {
            return Err(HdfsError::io(format!(
                "Incompatible {key}s in {}: namenode {key} = {wanted}; datanode {key} = {found}",
                root.display()
            )));
        }
    }
    Ok(())
}

/// Keeps the pool as it is, and makes one with the same replicas and the new time.
fn upgrade(directory: &StorageDirectory, namespace: &NamespaceInfo) -> Result<(), TransitionError> {
    directory.finalize(&pool_line(&namespace.block_pool_id))?;
    let old = directory.begin_upgrade()?;
    for name in WITH_REPLICAS {
        let from = old.join(name);
        if from.is_dir() {
            link_all(&from, &directory.current().join(name))?;
        }
    }
    write_pool(&directory.current(), namespace)?;
    directory.end_upgrade()
}

/// Gives every file below a folder a second name below another one.
fn link_all(from: &Path, to: &Path) -> Result<(), TransitionError> {
    fs::create_dir_all(to).map_err(failed("create", to))?;
    for entry in fs::read_dir(from).map_err(failed("list", from))? {
        let entry = entry.map_err(failed("list", from))?;
        let (old, new) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(failed("read", &old))?;
        if kind.is_dir() {
            link_all(&old, &new)?;
        } else if kind.is_file() {
            fs::hard_link(&old, &new).map_err(failed("link", &old))?;
        }
    }
    Ok(())
}

fn write_pool(current: &Path, namespace: &NamespaceInfo) -> Result<(), TransitionError> {
    fs::create_dir_all(current).map_err(failed("create", current))?;
    let text = to_text(&[
        ("namespaceID", &namespace.storage.namespace_id.to_string()),
        ("cTime", &namespace.storage.c_time.to_string()),
        ("blockpoolID", &namespace.block_pool_id),
        ("layoutVersion", &LAYOUT_VERSION.to_string()),
    ]);
    write(current, &text)
}

fn read(path: &Path) -> Result<Option<Properties>, HdfsError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Properties::parse(&text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error).into()),
    }
}

/// Writes the `VERSION` of a folder beside its place, and renames it into it.
fn write(folder: &Path, text: &str) -> Result<(), TransitionError> {
    let (unfinished, path) = (folder.join("VERSION.tmp"), folder.join(VERSION));
    let written = fs::File::create(&unfinished).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(failed("write", &unfinished))?;
    fs::rename(&unfinished, &path).map_err(failed("rename", &unfinished))
}

impl From<TransitionError> for HdfsError {
    fn from(error: TransitionError) -> Self {
        Self::io(error.to_string())
    }
}

#[cfg(test)]
mod tests;
