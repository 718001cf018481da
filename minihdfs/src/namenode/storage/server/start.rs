//! The start of a NameNode from its directory.

use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;

use kerbox_krb5::Timestamp;
use rand::Rng;

use super::directory::NameDirectory;
use super::edit_log::EditLogSink;
use super::error::Result;
use crate::config::HdfsConfig;
use crate::namenode::replayed_calls;
use crate::namenode::retry_cache::RetryCache;
use crate::namenode::saved::Saved;
use crate::namenode::service::NameNodeIdentity;
use crate::namenode::state::State;
use crate::namenode::storage::image::write_formatted;
use crate::namenode::storage::version::Version;
use crate::secret_manager::{DelegationTokenSecretManager, DelegationTokenSettings};

impl NameDirectory {
    /// Loads the namespace, or formats the directory if it is empty. Returns what a NameNode starts
    /// with, and what takes its edits.
    ///
    /// # Errors
    /// Fails if a file cannot be read or written, or contains what Kerbox does not serve. Nothing
    /// is lost: only the incomplete end of the last file of edits is cut off.
    pub fn start(
        self,
        config: &HdfsConfig,
        identity: &NameNodeIdentity,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(Saved, EditLogSink)> {
        let settings = DelegationTokenSettings::from(config);
        let tokens = Arc::new(DelegationTokenSecretManager::new(settings, now, rng));
        let group = config.superuser_group.as_str().into();
        let state = State::new(now, identity.superuser.as_str().into(), group, tokens);
        let mut state = state.capturing(&config.snapshots);
        let mut retry_cache = RetryCache::new(config.retry_cache_expiry);
        let version = match self.version()? {
            Some(version) => {
                self.load(&mut state, &version, &mut |edit, state| {
                    if let Some((rpc, response)) = replayed_calls::response(edit, state) {
                        retry_cache.put_replayed(now, rpc, response);
                    }
                })?;
                version
            }
            None => {
                let version = Version::new(identity.address, now, rng);
                self.format(&version, &write_formatted(&state, version.namespace_id))?;
                version
            }
        };
        let sink = self.begin_edits(state.transaction_id())?;
        let saved = Saved {
            state,
            retry_cache,
            formatted: now,
            block_pool_id: version.block_pool_id.into(),
        };
        Ok((saved, sink))
    }
}

impl Version {
    /// Makes a new identity, for a NameNode at this address.
    fn new(address: IpAddr, now: Timestamp, rng: &mut impl Rng) -> Self {
        let now = now.as_millis();
        let pool_number = rng.next_u32() >> 1;
        Self {
            namespace_id: rng.next_u32() >> 1,
            cluster_id: format!("CID-{}", uuid(rng)),
            c_time: now,
            block_pool_id: format!("BP-{pool_number}-{address}-{now}"),
        }
    }
}

/// Returns a random (version 4) UUID.
fn uuid(rng: &mut impl Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&index) {
            text.push('-');
        }
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}
