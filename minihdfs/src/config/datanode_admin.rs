//! The lists of DataNodes, and how DataNodes leave service.

use std::time::Duration;

use super::value::{ConfigError, Entry};

/// The class of `dfs.namenode.hosts.provider.classname` for lists in JSON.
const COMBINED: &str = "CombinedHostFileManager";
const PACKAGE: &str = "org.apache.hadoop.hdfs.server.blockmanagement.";

/// The settings of decommissioning and maintenance.
///
/// ```
/// use minihdfs::config::{DatanodeAdminSettings, HdfsConfig};
///
/// let mut config = HdfsConfig::default();
/// config.set("dfs.hosts.exclude", "/etc/hadoop/leaving")?;
/// let DatanodeAdminSettings { hosts_exclude, .. } = config.datanode_admin;
/// assert_eq!(hosts_exclude, "/etc/hadoop/leaving");
/// # Ok::<(), minihdfs::config::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatanodeAdminSettings {
    /// `dfs.hosts`: the file with the DataNodes that may register; empty if there is none.
    pub hosts: String,
    /// `dfs.hosts.exclude`: the file with the DataNodes to decommission; empty if there is none.
    pub hosts_exclude: String,
    /// True if `dfs.hosts` is in JSON and says everything (`CombinedHostFileManager` in
    /// `dfs.namenode.hosts.provider.classname`).
    pub combined: bool,
    /// `dfs.namenode.decommission.interval`: the time between two looks at DataNodes that leave.
    pub interval: Duration,
    /// `dfs.namenode.maintenance.replication.min`: the number of replicas that must stay in service
    /// while others are in maintenance.
    pub min_maintenance_replication: u16,
}

impl Default for DatanodeAdminSettings {
    fn default() -> Self {
        Self {
            hosts: String::new(),
            hosts_exclude: String::new(),
            combined: false,
            interval: Duration::from_secs(30),
            min_maintenance_replication: 1,
        }
    }
}

impl DatanodeAdminSettings {
    /// Sets the field behind a key. Returns false if the key is another's.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "dfs.hosts" => self.hosts = entry.value.to_owned(),
            "dfs.hosts.exclude" => self.hosts_exclude = entry.value.to_owned(),
            "dfs.namenode.hosts.provider.classname" => {
                self.combined = match entry.value.strip_prefix(PACKAGE) {
                    Some(COMBINED) => true,
                    Some("HostFileManager") => false,
                    _ => {
                        return Err(entry.error(format!(
                            "write {PACKAGE}HostFileManager or {PACKAGE}{COMBINED}"
                        )));
                    }
                }
            }
            "dfs.namenode.decommission.interval" => {
                self.interval = entry.duration(Duration::from_secs(1))?;
                if self.interval.is_zero() {
                    return Err(entry.error("write a duration longer than zero"));
                }
            }
            "dfs.namenode.maintenance.replication.min" => {
                self.min_maintenance_replication = entry.number(0, 512)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
