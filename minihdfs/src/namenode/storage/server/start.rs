//! The start of a NameNode from its directory.

use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;

use kerbox_krb5::Timestamp;
use rand::Rng;

use super::checkpointer::{self, Formatted};
use super::directory::NameDirectory;
use super::edit_log::EditLog;
use super::error::Result;
use super::segment_writer::SegmentWriter;
use super::sink::StorageSink;
use super::stored::StoredNamespace;
use crate::config::{HdfsConfig, StorageSettings};
use crate::namenode::replayed_calls;
use crate::namenode::retry_cache::RetryCache;
use crate::namenode::saved::Saved;
use crate::namenode::service::NameNodeIdentity;
use crate::namenode::storage::image::write_image;
use crate::namenode::storage::version::Version;
use crate::secret_manager::{DelegationTokenSecretManager, DelegationTokenSettings};

impl NameDirectory {
    /// Loads the namespace, or formats the directory if it is empty, or upgrades it if it is to be.
    /// Returns what a NameNode starts with, and what takes its edits.
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
    ) -> Result<(Saved, StorageSink)> {
        let settings = DelegationTokenSettings::from(config);
        let tokens = Arc::new(DelegationTokenSecretManager::new(settings, now, rng));
        let formatted = Formatted {
            now,
            superuser: identity.superuser.as_str().into(),
            supergroup: config.superuser_group.as_str().into(),
            tokens: tokens.emptied(now),
            snapshots: config.snapshots.clone(),
        };
        let mut state = formatted.state_with(tokens);
        let mut image = 0;
        let mut retry_cache = RetryCache::new(config.retry_cache_expiry);
        self.check_upgrade()?;
        let version = match self.version()? {
            Some(mut version) => {
                image = self.load(&mut state, &version, &mut |edit, state| {
                    if let Some((rpc, response)) = replayed_calls::response(edit, state) {
                        retry_cache.put_replayed(now, rpc, response);
                    }
                })?;
                if self.upgrade {
                    image = self.do_upgrade(&state, &mut version, now)?;
                }
                version
            }
            None => {
                let version = Version::new(identity.address, now, rng);
                let image = write_image(&state, version.namespace_id);
                self.format(&version, &image)?;
                version
            }
        };
        let block_pool_id = version.block_pool_id.as_str().into();
        let last = state.transaction_id();
        let sink = self.go_on((last, image), version, config.storage, formatted)?;
        let saved = Saved {
            state,
            retry_cache,
            formatted: now,
            block_pool_id,
            is_image: false,
        };
        Ok((saved, sink))
    }

    /// Begins the edits after the last transaction. `image` is that of the newest image.
    fn go_on(
        self,
        (last, image): (i64, i64),
        version: Version,
        settings: StorageSettings,
        formatted: Formatted,
    ) -> Result<StorageSink> {
        let segment = SegmentWriter::begin(self.current.clone(), last)?;
        let edits = EditLog::start(segment, last)?;
        let log = Arc::clone(edits.shared());
        let stored = StoredNamespace::new(self.current, version, settings, log, image);
        let stored = stored.in_directory(self.folders);
        let stored = Arc::new(stored);
        let checkpointer = checkpointer::start(Arc::clone(&stored), formatted)?;
        Ok(StorageSink {
            edits: Some(edits),
            stored,
            checkpointer: Some(checkpointer),
            _lock: self.lock,
        })
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
