//! The settings of DataNodes.

use std::time::Duration;

use super::value::{ConfigError, Entry};

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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DatanodeSettings {
    /// `dfs.datanode.directoryscan.interval`: the interval at which DataNodes compare replicas with
    /// their files; zero disables the scan.
    pub directory_scan_interval: Duration,
    /// `dfs.datanode.simulateddatastorage.capacity`: the capacity that each DataNode reports, in
    /// bytes, whatever its disk has. 1 TiB here instead of Hadoop's 2, whose DataNodes obey the key
    /// only if they simulate their storage.
    pub capacity: u64,
}

impl Default for DatanodeSettings {
    fn default() -> Self {
        Self {
            directory_scan_interval: Duration::from_secs(6 * 3600),
            capacity: 1 << 40,
        }
    }
}

impl DatanodeSettings {
    /// Sets the field behind a key. Returns false if the key is another's.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "dfs.datanode.directoryscan.interval" => {
                self.directory_scan_interval = entry.duration(Duration::from_secs(1))?;
            }
            "dfs.datanode.simulateddatastorage.capacity" => self.capacity = entry.bytes()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
