//! How a NameNode keeps its files: checkpoints, what is kept of old ones, and the room on disk.

use std::time::Duration;

use super::value::{ConfigError, Entry};

/// The settings of a NameNode's files. They have no effect on one that keeps nothing on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StorageSettings {
    /// `dfs.namenode.checkpoint.txns`: the number of transactions after which a checkpoint is made.
    pub checkpoint_txns: i64,
    /// `dfs.namenode.checkpoint.period`: the time after which a checkpoint is made.
    pub checkpoint_period: Duration,
    /// `dfs.namenode.checkpoint.check.period`: the shortest time between two checkpoints.
    pub checkpoint_check_period: Duration,
    /// `dfs.namenode.num.checkpoints.retained`
    pub checkpoints_retained: usize,
    /// `dfs.namenode.num.extra.edits.retained`: the number of transactions that are kept although
    /// the oldest image holds them.
    pub extra_edits_retained: i64,
    /// `dfs.namenode.max.extra.edits.segments.retained`: the number of files that hold them.
    pub extra_segments_retained: usize,
    /// `dfs.namenode.resource.du.reserved`: the bytes that must be free on disk.
    pub reserved: u64,
    /// `dfs.namenode.resource.check.interval`: the time after which the free bytes are looked up
    /// again.
    pub resource_check_interval: Duration,
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self {
            checkpoint_txns: 1_000_000,
            checkpoint_period: Duration::from_secs(3600),
            checkpoint_check_period: Duration::from_secs(60),
            checkpoints_retained: 2,
            extra_edits_retained: 1_000_000,
            extra_segments_retained: 10_000,
            reserved: 100 << 20,
            resource_check_interval: Duration::from_secs(5),
        }
    }
}

impl StorageSettings {
    /// Sets the field behind a key. Returns false if the key is another's.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        let period = |entry: &Entry<'_>, unit| {
            let period = entry.duration(unit)?;
            if period.is_zero() {
                return Err(entry.error("write a duration longer than zero"));
            }
            Ok(period)
        };
        let second = Duration::from_secs(1);
        match entry.key {
            "dfs.namenode.checkpoint.txns" => self.checkpoint_txns = entry.number(1, i64::MAX)?,
            "dfs.namenode.checkpoint.period" => self.checkpoint_period = period(entry, second)?,
            "dfs.namenode.checkpoint.check.period" => {
                self.checkpoint_check_period = period(entry, second)?;
            }
            "dfs.namenode.num.checkpoints.retained" => {
                self.checkpoints_retained = entry.number(1, 1 << 20)?;
            }
            "dfs.namenode.num.extra.edits.retained" => {
                self.extra_edits_retained = entry.number(0, i64::MAX)?;
            }
            "dfs.namenode.max.extra.edits.segments.retained" => {
                self.extra_segments_retained = entry.number(0, 1 << 30)?;
            }
            "dfs.namenode.resource.du.reserved" => self.reserved = entry.bytes()?,
            "dfs.namenode.resource.check.interval" => {
                self.resource_check_interval = period(entry, Duration::from_millis(1))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
