//! The settings of DataNodes.

use std::time::Duration;

use super::value::{ConfigError, Entry};
use crate::token::StorageType;

/// The settings of DataNodes alone.
///
/// ```
/// use minihdfs::config::{DatanodeSettings, HdfsConfig};
///
/// let capacity = ("dfs.datanode.simulateddatastorage.capacity", "20m");
/// let (config, _warnings) = HdfsConfig::from_pairs([capacity])?;
/// let datanode: DatanodeSettings = config.datanode;
/// assert_eq!(datanode.capacity, 20 << 20);
/// # Ok::<(), minihdfs::config::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatanodeSettings {
    /// `dfs.datanode.directoryscan.interval`: the interval at which DataNodes compare replicas with
    /// their files; zero disables the scan.
    pub directory_scan_interval: Duration,
    /// `dfs.datanode.data.dir`: the storages of each DataNode, as `[SSD]name`: folders inside its
    /// own. None of them: its own folder, of type DISK.
    pub storages: Vec<(StorageType, String)>,
    /// `dfs.datanode.failed.volumes.tolerated`: the number of storages that a DataNode can do
    /// without; `None` stands for -1: all but one.
    pub failed_volumes_tolerated: Option<usize>,
    /// `dfs.datanode.simulateddatastorage.capacity`: the capacity that each storage reports, in
    /// bytes, whatever its disk has. 1 TiB here instead of Hadoop's 2, whose DataNodes obey the key
    /// only if they simulate their storage.
    pub capacity: u64,
}

impl Default for DatanodeSettings {
    fn default() -> Self {
        Self {
            directory_scan_interval: Duration::from_secs(6 * 3600),
            storages: Vec::new(),
            failed_volumes_tolerated: Some(0),
            capacity: 1 << 40,
        }
    }
}

impl DatanodeSettings {
    /// Returns the number of storages that a DataNode with so many can do without.
    pub(crate) fn failures_tolerated(&self, storages: usize) -> usize {
        let all_but_one = storages.saturating_sub(1);
        self.failed_volumes_tolerated.unwrap_or(all_but_one)
    }

    /// Fails if a DataNode could do without all its storages.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let storages = self.storages.len().max(1);
        match self.failed_volumes_tolerated {
            Some(tolerated) if tolerated >= storages => Err(ConfigError::new(
                "dfs.datanode.failed.volumes.tolerated",
                tolerated.to_string(),
                format!(
                    "write a number below {storages}, the number of folders in \
                     dfs.datanode.data.dir: a DataNode must keep one"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Sets the field behind a key. Returns false if the key is another's.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "dfs.datanode.directoryscan.interval" => {
                self.directory_scan_interval = entry.duration(Duration::from_secs(1))?;
            }
            "dfs.datanode.data.dir" => self.storages = storages(entry)?,
            "dfs.datanode.failed.volumes.tolerated" => {
                let tolerated = entry.number(-1_i32, i32::MAX)?;
                self.failed_volumes_tolerated = usize::try_from(tolerated).ok();
            }
            "dfs.datanode.simulateddatastorage.capacity" => self.capacity = entry.bytes()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The types that a folder can have.
const KINDS: [StorageType; 5] = [
    StorageType::Disk,
    StorageType::Ssd,
    StorageType::Archive,
    StorageType::RamDisk,
    StorageType::Nvdimm,
];

/// Reads folders with their types (`StorageLocation`).
fn storages(entry: &Entry<'_>) -> Result<Vec<(StorageType, String)>, ConfigError> {
    let mut storages: Vec<(StorageType, String)> = Vec::new();
    for word in entry.list() {
        let typed = word.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (kind, name) = match typed {
            Some((kind, name)) => {
                let kind = kind.to_ascii_uppercase();
                let known = KINDS.into_iter().find(|known| known.as_str_name() == kind);
                let known = known.ok_or_else(|| {
                    let names = KINDS.map(|kind| kind.as_str_name()).join(", ");
                    entry.error(format!("write a type among {names} in the brackets"))
                })?;
                (known, name)
            }
            None => (StorageType::Disk, &*word),
        };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
            return Err(entry.error(
                "write names of letters, digits, - and _, as [DISK]disk1,[SSD]ssd1: the folders \
                 are inside each DataNode's own",
            ));
        }
        if storages.iter().any(|(_, known)| known == name) {
            return Err(entry.error(format!("write {name} once: each storage has its folder")));
        }
        storages.push((kind, name.to_owned()));
    }
    Ok(storages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Vec<(StorageType, String)>, ConfigError> {
        let key = "dfs.datanode.data.dir";
        storages(&Entry { key, value })
    }

    #[test]
    fn folders_have_types() {
        let read_two = read("[SSD]fast, slow").expect("two");
        let expected = [
            (StorageType::Ssd, "fast".to_owned()),
            (StorageType::Disk, "slow".to_owned()),
        ];
        assert_eq!(read_two, expected);
        for (value, mend) in [
            ("[TAPE]a", "write a type among DISK, SSD"),
            ("[SSD]", "write names of letters"),
            ("/data/1", "inside each DataNode's own"),
            ("..", "write names of letters"),
            ("a,[SSD]a", "write a once"),
        ] {
            let refused = read(value).expect_err(value).to_string();
            assert!(refused.contains(mend), "{refused}");
        }
    }
}
