//! The conditions under which a NameNode that starts leaves safe mode.

use std::time::Duration;

use super::value::{ConfigError, Entry};

/// The settings of safe mode at the start (`dfs.namenode.safemode.*`).
///
/// ```
/// use minihdfs::config::{HdfsConfig, SafeModeSettings};
///
/// let mut config = HdfsConfig::default();
/// config.set("dfs.namenode.safemode.min.datanodes", "2")?;
/// let expected = SafeModeSettings { min_datanodes: 2, ..SafeModeSettings::default() };
/// assert_eq!(config.safe_mode, expected);
/// # Ok::<(), minihdfs::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SafeModeSettings {
    /// `dfs.namenode.safemode.threshold-pct`: the part of all complete blocks that must be
    /// reported. Above 1 the NameNode never leaves safe mode on its own.
    pub threshold: f32,
    /// `dfs.namenode.safemode.replication.min`: the number of replicas with which a block counts
    /// as reported; `None`: `dfs.namenode.replication.min`.
    pub replication: Option<u16>,
    /// `dfs.namenode.safemode.min.datanodes`: the number of live DataNodes.
    pub min_datanodes: usize,
    /// `dfs.namenode.safemode.extension`: the time from when enough was reported. Zero here
    /// instead of Hadoop's 30 s, as in its `MiniDFSCluster`, because tests would wait for it.
    pub extension: Duration,
}

impl Default for SafeModeSettings {
    fn default() -> Self {
        Self {
            threshold: 0.999,
            replication: None,
            min_datanodes: 0,
            extension: Duration::ZERO,
        }
    }
}

impl SafeModeSettings {
    /// Sets the field behind a key. Returns false if the key is another's.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "dfs.namenode.safemode.threshold-pct" => {
                let threshold = entry.value.parse().ok();
                self.threshold = threshold
                    .filter(|number: &f32| number.is_finite())
                    .ok_or_else(|| {
                        entry.error("write the part of all blocks as a number, for instance 0.999")
                    })?;
            }
            "dfs.namenode.safemode.replication.min" => {
                self.replication = Some(entry.number(1, 512)?);
            }
            "dfs.namenode.safemode.min.datanodes" => {
                self.min_datanodes = entry.number(0, usize::from(u16::MAX))?;
            }
            "dfs.namenode.safemode.extension" => {
                self.extension = entry.duration(Duration::from_millis(1))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
