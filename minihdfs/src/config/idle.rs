//! The limits on idle connections.

use std::time::Duration;

#[cfg(feature = "web")]
use kerbox_net::IdleRule;

use super::value::{ConfigError, Entry};

/// The settings for idle connections, which count on the servers' clock.
///
/// ```
/// use minihdfs::config::{HdfsConfig, IdleSettings};
///
/// let (config, _) = HdfsConfig::from_pairs([("ipc.client.idlethreshold", "100")])?;
/// let expected = IdleSettings { threshold: 100, ..IdleSettings::default() };
/// assert_eq!(config.idle, expected);
/// # Ok::<(), minihdfs::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdleSettings {
    /// `ipc.client.connection.maxidletime`, after which Java clients close a connection. Servers
    /// wait twice as long.
    pub max_idle_time: Duration,
    /// `ipc.client.idlethreshold`: the number of connections of a port from which on the server
    /// closes idle ones.
    pub threshold: usize,
    /// `dfs.datanode.socket.reuse.keepalive`: the time for which a DataNode waits for another
    /// operation. Zero means that it closes each connection after one operation.
    pub datanode_keepalive: Duration,
    /// `hadoop.http.idle_timeout.ms`: the time for which an HTTP port waits for another request of
    /// a client that it knows. Zero means for ever.
    pub http: Duration,
}

impl Default for IdleSettings {
    fn default() -> Self {
        Self {
            max_idle_time: Duration::from_secs(10),
            threshold: 4000,
            datanode_keepalive: Duration::from_secs(4),
            http: Duration::from_secs(60),
        }
    }
}

impl IdleSettings {
    /// Returns the rule for connections of HTTP ports.
    #[cfg(feature = "web")]
    pub(crate) fn http_rule(&self) -> Option<IdleRule> {
        let limit = Some(self.http).filter(|limit| !limit.is_zero())?;
        Some(IdleRule {
            limit,
            threshold: 0,
        })
    }

    /// Sets the field behind a key. Returns false if the key is another's.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        // Hadoop reads plain numbers here, without units.
        let millis = || {
            let number = entry.number(0, i32::MAX.unsigned_abs())?;
            Ok(Duration::from_millis(number.into()))
        };
        match entry.key {
            "ipc.client.connection.maxidletime" => self.max_idle_time = millis()?,
            "ipc.client.idlethreshold" => self.threshold = entry.number(0, i32::MAX as usize)?,
            "dfs.datanode.socket.reuse.keepalive" => self.datanode_keepalive = millis()?,
            "hadoop.http.idle_timeout.ms" => self.http = millis()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
