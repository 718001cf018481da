//! Block tokens and data encryption keys (Hadoop's `BlockTokenSecretManager`).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use kerbox_krb5::Timestamp;
use rand::Rng;

use super::block_keys::BlockKeys;
use super::block_settings::BlockTokenSettings;
use super::{SecretManager, TokenUser};
use crate::proto::hdfs::DataEncryptionKeyProto;
use crate::protocol::ExportedBlockKeys;
use crate::token::{AccessMode, BlockTokenIdentifier, StorageType, Token};
use crate::{HdfsError, base64};

/// A requested access to a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockAccess<'a> {
    /// The block pool.
    pub block_pool_id: &'a str,
    /// The block.
    pub block_id: u64,
    /// Its generation stamp, used only in messages.
    pub generation_stamp: u64,
    /// The requested operation.
    pub mode: AccessMode,
    /// The requested storage types; empty if the operation names none.
    pub storage_types: &'a [StorageType],
    /// The requested storages; empty if the operation names none.
    pub storage_ids: &'a [String],
}

/// A key for encrypted data transfer (`DataEncryptionKey`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataEncryptionKey {
    /// The id of the block key that it was derived from.
    pub key_id: i32,
    /// The block pool.
    pub block_pool_id: String,
    /// The nonce that it was derived from.
    pub nonce: Bytes,
    /// The derived key.
    pub encryption_key: Bytes,
    /// The time until which clients should use it.
    pub expiry_date: Timestamp,
    /// The cipher that clients should use; `None` leaves the choice to them.
    pub encryption_algorithm: Option<String>,
}

impl DataEncryptionKey {
    /// Returns the DIGEST-MD5 user name of this key.
    #[must_use]
    pub fn sasl_user_name(&self) -> String {
        format!(
            "{} {} {}",
            self.key_id,
            self.block_pool_id,
            base64::encode(&self.nonce)
        )
    }

    /// Returns the DIGEST-MD5 password of this key.
    #[must_use]
    pub fn sasl_password(&self) -> String {
        base64::encode(&self.encryption_key)
    }
}

impl From<DataEncryptionKey> for DataEncryptionKeyProto {
    fn from(key: DataEncryptionKey) -> Self {
        Self {
            key_id: key.key_id.cast_unsigned(),
            block_pool_id: key.block_pool_id,
            nonce: key.nonce,
            encryption_key: key.encryption_key,
            expiry_date: key.expiry_date.as_millis().cast_unsigned(),
            encryption_algorithm: key.encryption_algorithm,
        }
    }
}

/// The keys of one block pool. The NameNode generates them, issues tokens, and hands the keys to
/// its DataNodes, which check tokens.
///
/// ```
/// use kerbox_krb5::Timestamp;
/// use minihdfs::config::HdfsConfig;
/// use minihdfs::secret_manager::{BlockAccess, BlockTokenSecretManager, BlockTokenSettings};
/// use minihdfs::token::AccessMode;
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
///
/// let now = Timestamp::from_secs(1_700_000_000);
/// let settings = BlockTokenSettings::new(&HdfsConfig::default(), "BP-1");
/// let keys = BlockTokenSecretManager::new(settings, now, &mut rng);
/// let token = keys.issue(now, "alice", 7, &[AccessMode::Read], &[], &[]);
/// let mut access = BlockAccess {
///     block_pool_id: "BP-1",
///     block_id: 7,
///     generation_stamp: 1001,
///     mode: AccessMode::Read,
///     storage_types: &[],
///     storage_ids: &[],
/// };
/// assert_eq!(keys.check_access(now, &token, &access)?.user_id, "alice");
/// access.mode = AccessMode::Write;
/// assert!(keys.check_access(now, &token, &access).is_err());
/// # Ok::<(), minihdfs::HdfsError>(())
/// ```
pub struct BlockTokenSecretManager {
    settings: BlockTokenSettings,
    keys: Mutex<BlockKeys>,
}

impl BlockTokenSecretManager {
    /// Creates a manager with its first two keys; `rng` seeds its own generator.
    #[must_use]
    pub fn new(settings: BlockTokenSettings, now: Timestamp, rng: &mut impl Rng) -> Self {
        let keys = Mutex::new(BlockKeys::new(&settings, now, rng));
        Self { settings, keys }
    }

    /// Creates the manager of a DataNode, which gets keys by [`add_keys`](Self::add_keys) and
    /// generates none; `rng` seeds its own generator.
    #[must_use]
    pub fn for_datanode(settings: BlockTokenSettings, now: Timestamp, rng: &mut impl Rng) -> Self {
        let keys = Mutex::new(BlockKeys::empty(now, rng));
        Self { settings, keys }
    }

    /// Returns all keys, for DataNodes (`exportKeys`).
    #[must_use]
    pub fn export_keys(&self) -> ExportedBlockKeys {
        self.keys().export(&self.settings)
    }

    /// Adds the keys of the NameNode (`addKeys`). Keys of earlier calls stay until they expire.
    pub fn add_keys(&self, now: Timestamp, exported: &ExportedBlockKeys) {
        self.keys().add_exported(now, exported);
    }

    /// Returns the settings that it was created with.
    #[must_use]
    pub fn settings(&self) -> &BlockTokenSettings {
        &self.settings
    }

    /// Issues a token that allows `user`, a short name, to perform `modes` on the block.
    #[must_use]
    pub fn issue(
        &self,
        now: Timestamp,
        user: &str,
        block_id: u64,
        modes: &[AccessMode],
        storage_types: &[StorageType],
        storage_ids: &[String],
    ) -> Token {
        let (key_id, key) = {
            let keys = self.keys();
            let (key_id, key) = keys.current();
            (key_id, key.clone())
        };
        let identifier = BlockTokenIdentifier {
            expiry_date: now + self.settings.token_lifetime,
            key_id,
            user_id: user.to_owned(),
            block_pool_id: self.settings.block_pool_id.clone(),
            block_id,
            modes: modes.to_vec(),
            storage_types: storage_types.to_vec(),
            storage_ids: storage_ids.to_vec(),
            handshake_secret: Bytes::new(),
        };
        let bytes = if self.settings.protobuf {
            identifier.to_protobuf()
        } else {
            identifier.to_legacy()
        };
        let password = key.password(&bytes);
        Token {
            identifier: bytes.into(),
            password: Bytes::copy_from_slice(&password),
            kind: Token::BLOCK.to_owned(),
            service: String::new(),
        }
    }

    /// Checks that `token` allows `access` at `now`. Fails with `SecretManager$InvalidToken`. The
    /// checks are in Hadoop's order, with the password last.
    pub fn check_access(
        &self,
        now: Timestamp,
        token: &Token,
        access: &BlockAccess<'_>,
    ) -> Result<BlockTokenIdentifier, HdfsError> {
        let identifier = BlockTokenIdentifier::from_bytes(&token.identifier).map_err(|_| {
            HdfsError::invalid_token(format!(
                "Unable to de-serialize block token identifier for user=null, block={access}, access mode={}",
                access.mode.as_str_name()
            ))
        })?;
        let refused = |why: &str| {
            Err(HdfsError::invalid_token(format!(
                "Block token with {identifier} {why}"
            )))
        };
        if identifier.block_pool_id != access.block_pool_id
            || identifier.block_id != access.block_id
        {
            return refused(&format!("doesn't apply to block {access}"));
        }
        if identifier.expiry_date < now {
            return refused("is expired.");
        }
        if !identifier.modes.contains(&access.mode) {
            return refused(&format!(
                "doesn't have {} permission",
                access.mode.as_str_name()
            ));
        }
        contains_all(
            "StorageTypes",
            &type_names(&identifier.storage_types),
            &type_names(access.storage_types),
        )?;
        contains_all(
            "StorageIDs",
            &names(&identifier.storage_ids),
            &names(access.storage_ids),
        )?;
        let Some(key) = self.keys().get(identifier.key_id).cloned() else {
            return Err(unknown_block_key(&identifier));
        };
        if !key.verify(&token.identifier, &token.password) {
            return refused("doesn't have the correct token password");
        }
        Ok(identifier)
    }

    /// Returns a new key for encrypted data transfer.
    #[must_use]
    pub fn data_encryption_key(&self, now: Timestamp) -> DataEncryptionKey {
        let mut keys = self.keys();
        let mut nonce = [0; 8];
        keys.rng.fill_bytes(&mut nonce);
        let (key_id, key) = keys.current();
        DataEncryptionKey {
            key_id,
            block_pool_id: self.settings.block_pool_id.clone(),
            nonce: Bytes::copy_from_slice(&nonce),
            encryption_key: Bytes::copy_from_slice(&key.password(&nonce)),
            expiry_date: now + self.settings.token_lifetime,
            encryption_algorithm: self.settings.encryption_algorithm.clone(),
        }
    }

    /// Returns the time of the next key update.
    #[must_use]
    pub fn next_deadline(&self) -> Timestamp {
        self.keys().next_update
    }

    /// Updates the keys if that is due. Returns true if it did.
    pub fn tick(&self, now: Timestamp) -> bool {
        let due = self.next_deadline() <= now;
        if due {
            self.update_keys(now);
        }
        due
    }

    /// Retires the current key at once. Tokens made with it stay valid until they expire.
    pub fn update_keys(&self, now: Timestamp) {
        self.keys().update(&self.settings, now);
    }

    /// Deletes all keys, so that every existing token and encryption key becomes unknown, as after
    /// reformatting the NameNode. A running DataNode keeps the keys that it has.
    pub fn clear_keys(&self, now: Timestamp) {
        self.keys().clear(&self.settings, now);
    }

    /// Returns the id of the key for new tokens.
    #[must_use]
    pub fn current_key_id(&self) -> i32 {
        self.keys().current().0
    }

    /// Returns the ids of the known keys.
    #[must_use]
    pub fn key_ids(&self) -> Vec<i32> {
        self.keys().ids()
    }

    fn keys(&self) -> MutexGuard<'_, BlockKeys> {
        // Every change of the keys is completed under the lock, so a panic elsewhere cannot have
        // left them inconsistent.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretManager for BlockTokenSecretManager {
    /// The user name of a block token is its identifier.
    fn sasl_password(&self, now: Timestamp, user_name: &str) -> Result<String, HdfsError> {
        let identifier = BlockTokenIdentifier::from_sasl_user_name(user_name)?;
        let bytes = base64::decode(user_name).unwrap_or_default();
        if identifier.expiry_date < now {
            return Err(HdfsError::invalid_token(format!(
                "Block token with {identifier} is expired."
            )));
        }
        let keys = self.keys();
        let key = keys
            .get(identifier.key_id)
            .ok_or_else(|| unknown_block_key(&identifier))?;
        Ok(base64::encode(&key.password(&bytes)))
    }

    fn token_user(&self, user_name: &str) -> Result<TokenUser, HdfsError> {
        Ok(TokenUser {
            effective: BlockTokenIdentifier::from_sasl_user_name(user_name)?.user(),
            real: None,
        })
    }
}

/// The same keys, used in DIGEST-MD5 for user names that denote data encryption keys
/// (`dfs.encrypt.data.transfer`).
///
/// ```
/// use std::sync::Arc;
///
/// use kerbox_krb5::Timestamp;
/// use minihdfs::HdfsError;
/// use minihdfs::secret_manager::{
///     BlockTokenSecretManager, DataEncryptionKey, EncryptionKeys, SecretManager,
/// };
///
/// /// Returns the password of a client that got this key from the NameNode.
/// fn password(
///     keys: Arc<BlockTokenSecretManager>,
///     key: &DataEncryptionKey,
///     now: Timestamp,
/// ) -> Result<String, HdfsError> {
///     EncryptionKeys(keys).sasl_password(now, &key.sasl_user_name())
/// }
/// ```
pub struct EncryptionKeys(pub Arc<BlockTokenSecretManager>);

impl SecretManager for EncryptionKeys {
    /// The user name is `keyId blockPoolId nonce`. An unknown key fails with
    /// `InvalidEncryptionKeyException`, which makes clients fetch a new one.
    fn sasl_password(&self, _now: Timestamp, user_name: &str) -> Result<String, HdfsError> {
        let malformed = |why: &str| HdfsError::io(format!("Provided name '{user_name}' {why}"));
        let parts: Vec<_> = user_name.split(' ').collect();
        let [key_id, _block_pool_id, nonce] = parts[..] else {
            return Err(malformed(&format!(
                "has {} components instead of the expected 3.",
                parts.len()
            )));
        };
        let key_id: i32 = key_id
            .parse()
            .map_err(|_| malformed("has a key id that is not a number"))?;
        let nonce =
            base64::decode(nonce).ok_or_else(|| malformed("has a nonce that is not base64"))?;
        let keys = self.0.keys();
        let key = keys.get(key_id).ok_or_else(|| {
            HdfsError::invalid_encryption_key(format!(
                "Can't re-compute encryption key for nonce, since the required block key (keyID={key_id}) doesn't exist. Current key: {}",
                keys.current().0
            ))
        })?;
        Ok(base64::encode(&key.password(&nonce)))
    }

    /// An encryption key belongs to no user, so its name is used as the user.
    fn token_user(&self, user_name: &str) -> Result<TokenUser, HdfsError> {
        Ok(TokenUser {
            effective: user_name.to_owned(),
            real: None,
        })
    }
}

impl fmt::Display for BlockAccess<'_> {
    /// Formats the block as Hadoop's messages do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:blk_{}_{}",
            self.block_pool_id, self.block_id, self.generation_stamp
        )
    }
}

fn type_names(types: &[StorageType]) -> Vec<&str> {
    types.iter().map(StorageType::as_str_name).collect()
}

fn names(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn unknown_block_key(identifier: &BlockTokenIdentifier) -> HdfsError {
    HdfsError::invalid_token(format!(
        "Can't re-compute password for {identifier}, since the required block key (keyID={}) doesn't exist.",
        identifier.key_id
    ))
}

/// Checks that the token's list contains every requested item, at least as often as it is
/// requested. An empty request is always allowed.
fn contains_all(what: &str, candidates: &[&str], requested: &[&str]) -> Result<(), HdfsError> {
    if requested.is_empty() || candidates.is_empty() {
        return Ok(());
    }
    let mut left = candidates.to_vec();
    for wanted in requested {
        let Some(at) = left.iter().position(|have| have == wanted) else {
            return Err(HdfsError::invalid_token(format!(
                "Block token with {what} [{}] not valid for access with {what} [{}]",
                candidates.join(", "),
                requested.join(", ")
            )));
        };
        left.swap_remove(at);
    }
    Ok(())
}
