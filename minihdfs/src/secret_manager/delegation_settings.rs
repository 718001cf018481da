//! The settings of delegation tokens.

use std::time::Duration;

use crate::config::HdfsConfig;

/// The lifetimes of keys and tokens.
///
/// ```
/// use minihdfs::config::{ConfigError, HdfsConfig};
/// use minihdfs::secret_manager::DelegationTokenSettings;
///
/// let mut config = HdfsConfig::default();
/// config.set("dfs.namenode.delegation.token.renew-interval", "60000")?;
/// assert_eq!(DelegationTokenSettings::from(&config).renew_interval.as_secs(), 60);
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DelegationTokenSettings {
    /// The interval between new master keys (`dfs.namenode.delegation.key.update-interval`).
    pub key_update_interval: Duration,
    /// The validity of a token without renewal (`dfs.namenode.delegation.token.renew-interval`).
    pub renew_interval: Duration,
    /// The time in which a token can be renewed (`dfs.namenode.delegation.token.max-lifetime`).
    pub max_lifetime: Duration,
    /// The interval at which expired tokens are removed.
    pub removal_scan_interval: Duration,
}

impl Default for DelegationTokenSettings {
    /// Hadoop's defaults: a day, a day, a week, an hour.
    fn default() -> Self {
        Self {
            key_update_interval: Duration::from_secs(24 * 3600),
            renew_interval: Duration::from_secs(24 * 3600),
            max_lifetime: Duration::from_secs(7 * 24 * 3600),
            removal_scan_interval: Duration::from_secs(3600),
        }
    }
}

impl From<&HdfsConfig> for DelegationTokenSettings {
    fn from(config: &HdfsConfig) -> Self {
        Self {
            key_update_interval: config.delegation_key_update_interval,
            renew_interval: config.delegation_token_renew_interval,
            max_lifetime: config.delegation_token_max_lifetime,
            ..Self::default()
        }
    }
}
