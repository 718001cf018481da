//! What snapshots keep, and how many there may be.

use std::time::Duration;

use super::value::{ConfigError, Entry};

/// The settings of snapshots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotSettings {
    /// `dfs.namenode.snapshot.capture.openfiles`: a snapshot has an open file as it was, instead of
    /// as it is when it is closed.
    pub capture_open_files: bool,
    /// `dfs.namenode.snapshot.skip.capture.accesstime-only-change`: a snapshot of a file follows
    /// its access time until something else changes.
    pub skip_access_times: bool,
    /// `dfs.namenode.snapshotdiff.allow.snap-root-descendant`: differences can be asked for
    /// directories below the one with the snapshots.
    pub diff_of_descendants: bool,
    /// `dfs.namenode.snapshot.deletion.ordered`: a snapshot that is deleted before an earlier one
    /// is marked and renamed, and removed when it is the earliest.
    pub deletion_ordered: bool,
    /// `dfs.namenode.snapshot.deletion.ordered.gc.period.ms`: how often one of these is removed.
    pub deletion_period: Duration,
    /// `dfs.namenode.snapshot.trashroot.enabled`: each directory with snapshots has its own trash,
    /// in which clients put what they remove below it.
    pub trash_root: bool,
    /// `dfs.namenode.snapshot.max.limit`: the most snapshots of a directory.
    pub max_per_directory: usize,
    /// `dfs.namenode.snapshot.filesystem.limit`: the most snapshots of all directories.
    pub max_of_all: usize,
    /// `dfs.snapshotdiff-report.limit`: the most entries in one page of differences.
    pub diff_page: usize,
}

impl Default for SnapshotSettings {
    fn default() -> Self {
        Self {
            capture_open_files: false,
            skip_access_times: false,
            diff_of_descendants: true,
            deletion_ordered: false,
            deletion_period: Duration::from_secs(300),
            trash_root: false,
            max_per_directory: 1 << 16,
            max_of_all: 1 << 16,
            diff_page: 1000,
        }
    }
}

impl SnapshotSettings {
    /// Sets the field behind a key. Returns false if the key is another's.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "dfs.namenode.snapshot.capture.openfiles" => {
                self.capture_open_files = entry.boolean()?;
            }
            "dfs.namenode.snapshot.skip.capture.accesstime-only-change" => {
                self.skip_access_times = entry.boolean()?;
            }
            "dfs.namenode.snapshotdiff.allow.snap-root-descendant" => {
                self.diff_of_descendants = entry.boolean()?;
            }
            "dfs.namenode.snapshot.deletion.ordered" => {
                self.deletion_ordered = entry.boolean()?;
            }
            "dfs.namenode.snapshot.deletion.ordered.gc.period.ms" => {
                let period: u64 = entry.number(1, i64::MAX as u64)?;
                self.deletion_period = Duration::from_millis(period);
            }
            "dfs.namenode.snapshot.trashroot.enabled" => self.trash_root = entry.boolean()?,
            "dfs.namenode.snapshot.max.limit" => {
                self.max_per_directory = entry.number(0, 1 << 28)?;
            }
            "dfs.namenode.snapshot.filesystem.limit" => {
                self.max_of_all = entry.number(0, 1 << 28)?;
            }
            "dfs.snapshotdiff-report.limit" => self.diff_page = entry.number(1, 1 << 20)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Fails if the limits contradict each other.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.max_per_directory <= self.max_of_all {
            return Ok(());
        }
        Err(ConfigError::new(
            "dfs.namenode.snapshot.max.limit",
            self.max_per_directory.to_string(),
            "it cannot be greater than dfs.namenode.snapshot.filesystem.limit",
        ))
    }
}
