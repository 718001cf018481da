//! The block keys: the current one, the next one, and the retired ones.

use std::collections::BTreeMap;

use kerbox_krb5::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{BlockTokenSettings, SecretKey};

pub(super) struct BlockKeys {
    pub(super) rng: StdRng,
    keys: BTreeMap<i32, BlockKey>,
    current: i32,
    next: i32,
    pub(super) next_update: Timestamp,
}

struct BlockKey {
    key: SecretKey,
    expiry: Timestamp,
}

impl BlockKeys {
    pub(super) fn new(settings: &BlockTokenSettings, now: Timestamp, rng: &mut impl Rng) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let mut rng = StdRng::from_seed(seed);
        // Below 2^31 as in Hadoop, because clients read an encryption key's id as an unsigned
        // number and write it in decimal.
        let current = (rng.next_u32() >> 1).cast_signed();
        Self::starting_at(settings, now, rng, current)
    }

    /// Creates the keys; the first has this id.
    pub(super) fn starting_at(
        settings: &BlockTokenSettings,
        now: Timestamp,
        rng: StdRng,
        current: i32,
    ) -> Self {
        let mut keys = Self {
            rng,
            keys: BTreeMap::new(),
            current,
            next: current,
            next_update: now + settings.key_update_interval,
        };
        keys.add(settings, now, 2, current);
        keys.follow(settings, now);
        keys
    }

    /// Returns the key for new tokens.
    pub(super) fn current(&self) -> (i32, &SecretKey) {
        (self.current, &self.keys[&self.current].key)
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
        self.current = self.next;
        self.prolong(settings, now, 2, self.current);
        self.follow(settings, now);
        self.next_update = now + settings.key_update_interval;
    }

    /// Deletes all keys and generates new ones. Nothing issued before can be verified any more.
    pub(super) fn clear(&mut self, settings: &BlockTokenSettings, now: Timestamp) {
        self.keys.clear();
        self.current = after(self.next);
        self.next = self.current;
        self.add(settings, now, 2, self.current);
        self.follow(settings, now);
        self.next_update = now + settings.key_update_interval;
    }

    fn follow(&mut self, settings: &BlockTokenSettings, now: Timestamp) {
        self.next = after(self.next);
        self.add(settings, now, 3, self.next);
    }

    fn add(&mut self, settings: &BlockTokenSettings, now: Timestamp, intervals: u32, id: i32) {
        let key = SecretKey::random(&mut self.rng);
        self.keys.insert(
            id,
            BlockKey {
                key,
                expiry: expiry(settings, now, intervals),
            },
        );
    }

    fn prolong(&mut self, settings: &BlockTokenSettings, now: Timestamp, intervals: u32, id: i32) {
        if let Some(key) = self.keys.get_mut(&id) {
            key.expiry = expiry(settings, now, intervals);
        }
    }
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
