//! The authenticators that a service has seen (RFC 4120, 3.2.3).

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::Timestamp;

/// The maximum number of remembered authenticators.
const CAPACITY: usize = 1 << 17;

/// Remembers authenticators for as long as their time would be accepted. It locks internally, so
/// that all connections of a service can share one.
///
/// Its memory is bounded: beyond 131072 entries, the one that would expire first is forgotten
/// early.
///
/// ```
/// use std::time::Duration;
/// use kerbox_krb5::Timestamp;
/// use kerbox_krb5::ap_exchange::ReplayCache;
///
/// let (cache, now) = (ReplayCache::default(), Timestamp::from_secs(1_700_000_000));
/// let end = now + Duration::from_secs(300);
/// assert!(cache.store(now, end, b"an authenticator"));
/// assert!(!cache.store(now, end, b"an authenticator"));
/// assert!(cache.store(end, end + Duration::from_secs(1), b"an authenticator")); // forgotten
/// ```
#[derive(Debug, Default)]
pub struct ReplayCache(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    hashes: HashSet<[u8; 16]>,
    by_end: BTreeSet<(Timestamp, [u8; 16])>,
}

impl ReplayCache {
    /// Remembers an encrypted authenticator until `end`. Returns `false` if it was seen before.
    pub fn store(&self, now: Timestamp, end: Timestamp, authenticator: &[u8]) -> bool {
        let digest = Sha256::digest(authenticator);
        let mut hash = [0; 16];
        hash.copy_from_slice(&digest[..16]);
        // The two sets change together, and neither change can panic half-way.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget(now);
        if !seen.hashes.insert(hash) {
            return false;
        }
        seen.by_end.insert((end, hash));
        true
    }

    /// Returns the number of remembered authenticators.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .hashes
            .len()
    }

    /// Returns whether the cache is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Seen {
    /// Forgets what has expired, and makes room for one more.
    fn forget(&mut self, now: Timestamp) {
        while let Some((end, hash)) = self.by_end.first().copied() {
            if end > now && self.by_end.len() < CAPACITY {
                break;
            }
            self.by_end.pop_first();
            self.hashes.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_remembered_until_its_end() {
        let cache = ReplayCache::default();
        let at = Timestamp::from_secs;
        assert!(cache.store(at(0), at(10), b"a"));
        assert!(!cache.store(at(9), at(19), b"a"));
        assert!(cache.store(at(9), at(19), b"b"));
        assert_eq!(cache.len(), 2);
        assert!(cache.store(at(10), at(20), b"c"));
        assert_eq!(cache.len(), 2, "a is forgotten");
    }

    #[test]
    fn its_memory_is_bounded() {
        let cache = ReplayCache::default();
        for number in 0..=CAPACITY as u64 {
            assert!(cache.store(
                Timestamp::EPOCH,
                Timestamp::from_secs(1),
                &number.to_be_bytes()
            ));
        }
        assert_eq!(cache.len(), CAPACITY);
    }
}
