//! The block keys: the current one, the next one, and the retired ones.

use std::collections::BTreeMap;

use bytes::Bytes;
use kerbox_krb5::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::SecretKey;
use super::block_settings::BlockTokenSettings;
use crate::protocol::{BlockKey, ExportedBlockKeys};

pub(super) struct BlockKeys {
    pub(super) rng: StdRng,
    keys: BTreeMap<i32, StoredKey>,
    current: i32,
    current_key: SecretKey,
    next: i32,
    pub(super) next_update: Timestamp,
}

struct StoredKey {
    key: SecretKey,
    /// The bytes that `key` was made from, for DataNodes.
    secret: Bytes,
    expiry: Timestamp,
}

impl BlockKeys {
    pub(super) fn new(settings: &BlockTokenSettings, now: Timestamp, rng: &mut impl Rng) -> Self {
        let mut rng = generator(rng);
        // Below 2^31 as in Hadoop, because clients read an encryption key's id as an unsigned
        // number and write it in decimal.
        let current = (rng.next_u32() >> 1).cast_signed();
        Self::starting_at(settings, now, rng, current)
    }

    /// Creates the keys of a DataNode: none that could verify anything, before its NameNode hands
    /// out some. What it issues meanwhile is signed with a key that no server knows.
    pub(super) fn empty(now: Timestamp, rng: &mut impl Rng) -> Self {
        let mut rng = generator(rng);
        Self {
            keys: BTreeMap::new(),
            current: 0,
            current_key: SecretKey::new(&random(&mut rng)),
            next: 0,
            next_update: now,
            rng,
        }
    }

    /// Creates the keys; the first has this id.
    pub(super) fn starting_at(
        settings: &BlockTokenSettings,
        now: Timestamp,
        mut rng: StdRng,
        current: i32,
    ) -> Self {
        let secret = random(&mut rng);
        let mut keys = Self {
            rng,
            keys: BTreeMap::new(),
            current,
            current_key: SecretKey::new(&secret),
            next: current,
            next_update: now + settings.key_update_interval,
        };
        keys.put(current, secret, expiry(settings, now, 2));
        keys.follow(settings, now);
        keys
    }

    /// Returns the key for new tokens.
    pub(super) fn current(&self) -> (i32, &SecretKey) {
        (self.current, &self.current_key)
    }

    pub(super) fn get(&self, id: i32) -> Option<&SecretKey> {
        self.keys.get(&id).map(|key| &key.key)
    }

    pub(super) fn ids(&self) -> Vec<i32> {
        self.keys.keys().copied().collect()
    }

    /// Retires the current key, makes the next one current, and generates another.
    pub(super) fn update(&mut self, settings: &BlockTokenSettings, now: Timestamp) {
        self.keys
            .retain(|id, key| key.expiry >= now || *id == self.current || *id == self.next);
        self.prolong(settings, now, 1, self.current);
        self.set_current(self.next);
        self.prolong(settings, now, 2, self.current);
        self.follow(settings, now);
        self.next_update = now + settings.key_update_interval;
    }

    /// Returns all keys, for DataNodes.
    pub(super) fn export(&self, settings: &BlockTokenSettings) -> ExportedBlockKeys {
        let all = self.keys.iter().map(|(id, key)| BlockKey {
            id: *id,
            expiry: key.expiry,
            secret: key.secret.clone(),
        });
        ExportedBlockKeys {
            key_update_interval: settings.key_update_interval,
            token_lifetime: settings.token_lifetime,
            current: self.current,
            all: all.collect(),
        }
    }

    /// Adds the keys of a NameNode to those of earlier exports that have not expired.
    pub(super) fn add_exported(&mut self, now: Timestamp, exported: &ExportedBlockKeys) {
        self.keys.retain(|_, key| key.expiry >= now);
        for key in &exported.all {
            self.put(key.id, key.secret.clone(), key.expiry);
        }
        self.set_current(exported.current);
    }

    /// Deletes all keys and generates new ones. Nothing issued before can be verified any more.
    pub(super) fn clear(&mut self, settings: &BlockTokenSettings, now: Timestamp) {
        self.keys.clear();
        self.next = after(self.next);
        self.add(settings, now, 2, self.next);
        self.set_current(self.next);
        self.follow(settings, now);
        self.next_update = now + settings.key_update_interval;
    }

    fn follow(&mut self, settings: &BlockTokenSettings, now: Timestamp) {
        self.next = after(self.next);
        self.add(settings, now, 3, self.next);
    }

    fn add(&mut self, settings: &BlockTokenSettings, now: Timestamp, intervals: u32, id: i32) {
        let secret = random(&mut self.rng);
        self.put(id, secret, expiry(settings, now, intervals));
    }

    fn put(&mut self, id: i32, secret: Bytes, expiry: Timestamp) {
        let key = SecretKey::new(&secret);
        self.keys.insert(
            id,
            StoredKey {
                key,
                secret,
                expiry,
            },
        );
    }

    fn set_current(&mut self, id: i32) {
        if let Some(key) = self.keys.get(&id) {
            self.current_key = key.key.clone();
            self.current = id;
        }
    }

    fn prolong(&mut self, settings: &BlockTokenSettings, now: Timestamp, intervals: u32, id: i32) {
        if let Some(key) = self.keys.get_mut(&id) {
            key.expiry = expiry(settings, now, intervals);
        }
    }
}

fn generator(rng: &mut impl Rng) -> StdRng {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    StdRng::from_seed(seed)
}

fn random(rng: &mut StdRng) -> Bytes {
    let mut secret = [0; 20];
    rng.fill_bytes(&mut secret);
    Bytes::copy_from_slice(&secret)
}

/// Returns the id after `id`; wraps from the maximum to 0.
fn after(id: i32) -> i32 {
    id.wrapping_add(1) & i32::MAX
}

/// Returns when a key expires: after this number of intervals of use and the lifetime of the last
/// token made with it.
fn expiry(settings: &BlockTokenSettings, now: Timestamp, intervals: u32) -> Timestamp {
    now + settings.key_update_interval * intervals + settings.token_lifetime
}
