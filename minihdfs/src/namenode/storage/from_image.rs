//! A namespace that is read from an image alone, to look at it.

use std::sync::Arc;

use kerbox_krb5::Timestamp;
use rand::Rng;

use crate::config::HdfsConfig;
use crate::namenode::retry_cache::RetryCache;
use crate::namenode::saved::Saved;
use crate::namenode::service::NameNodeIdentity;
use crate::namenode::state::State;
use crate::namenode::storage::error::StorageError;
use crate::namenode::storage::image::load_image;
use crate::secret_manager::{DelegationTokenSecretManager, DelegationTokenSettings};

impl Saved {
    /// Reads an image (`fsimage_N`), whose blocks are nowhere. A NameNode that starts with it
    /// answers everything that the image knows, and stays in safe mode. `file` names the image in
    /// errors.
    ///
    /// # Errors
    /// Fails if the image is damaged, has another layout version, or holds what Kerbox does not
    /// serve.
    pub fn from_image(
        file: &str,
        bytes: &[u8],
        config: &HdfsConfig,
        identity: &NameNodeIdentity,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<Self, StorageError> {
        let settings = DelegationTokenSettings::from(config);
        let tokens = Arc::new(DelegationTokenSecretManager::new(settings, now, rng));
        let superuser = identity.superuser.as_str().into();
        let group = config.superuser_group.as_str().into();
        let state = State::new(now, superuser, group, tokens);
        let mut state = state.capturing(&config.snapshots);
        load_image(&mut state, file, bytes)?;
        let (address, pool_number) = (identity.address, rng.next_u32() >> 1);
        Ok(Self {
            state,
            retry_cache: RetryCache::new(config.retry_cache_expiry),
            formatted: now,
            block_pool_id: format!("BP-{pool_number}-{address}-{}", now.as_millis()).into(),
            is_image: true,
        })
    }
}
