//! Rolls keys of a cluster and its realm while everything runs.

use crate::Error;
use crate::cluster::Cluster;
use crate::spec::KeyKind;

impl Cluster {
    /// Replaces keys while everything runs, as administrators and timers do, and returns the
    /// version or number of the new key. The journal shows it.
    ///
    /// ```
    /// use kerbox::{Cluster, KeyKind};
    ///
    /// let cluster = Cluster::secure().start_blocking()?;
    /// let alice = cluster.login_blocking("alice")?;
    /// assert_eq!(cluster.roll_keys(&KeyKind::Krbtgt)?, 2);
    /// alice.renew_blocking()?; // the old key is still known
    /// cluster.roll_keys(&KeyKind::DelegationTokens)?;
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn roll_keys(&self, keys: &KeyKind) -> Result<i64, Error> {
        self.hdfs().roll_keys(self.realm(), keys)
    }
}
