//! The retry cache: a call that must not run twice is answered from here when it comes again (Hadoop's `RetryCache`).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kerbox_krb5::Timestamp;

use crate::error::HdfsError;
use crate::user::Caller;

/// The methods of ClientProtocol that Hadoop annotates `@AtMostOnce`, sorted. All others may be repeated.
const AT_MOST_ONCE: [&str; 27] = [
    "addCacheDirective",
    "addCachePool",
    "addErasureCodingPolicies",
    "append",
    "concat",
    "create",
    "createEncryptionZone",
    "createSnapshot",
    "createSymlink",
    "delete",
    "deleteSnapshot",
    "disableErasureCodingPolicy",
    "enableErasureCodingPolicy",
    "modifyCacheDirective",
    "modifyCachePool",
    "removeCacheDirective",
    "removeCachePool",
    "removeErasureCodingPolicy",
    "removeXAttr",
    "rename",
    "rename2",
    "renameSnapshot",
    "saveNamespace",
    "setErasureCodingPolicy",
    "setXAttr",
    "unsetErasureCodingPolicy",
    "updatePipeline",
];

/// How many answers, and how many bytes of them, are kept at most: the oldest go first.
const MAX_ENTRIES: usize = 65_536;
const MAX_BYTES: usize = 64 << 20;

/// Who called, and the call's identity, which its repetitions share.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    user: Arc<str>,
    client_id: [u8; 16],
    call_id: i32,
}

/// Answers to calls that must not run twice. A call that failed may: it is the state of the NameNode that will have changed.
pub(crate) struct RetryCache {
    expiry: Duration,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    answers: HashMap<Key, Box<[u8]>>,
    /// In the order in which they were added, with the time at which they go.
    order: VecDeque<(Timestamp, Key)>,
    bytes: usize,
}

impl RetryCache {
    pub(crate) fn new(expiry: Duration) -> Self {
        Self {
            expiry,
            entries: Mutex::default(),
        }
    }

    /// Whether repetitions of this call are answered from the cache.
    pub(crate) fn covers(protocol: &str, method: &str, client_id: &[u8], call_id: i32) -> bool {
        client_id.len() == 16
            && call_id >= 0
            && protocol == "org.apache.hadoop.hdfs.protocol.ClientProtocol"
            && AT_MOST_ONCE.binary_search(&method).is_ok()
    }

    /// Appends the answer to `out`: the one that the call got before, or what `run` appends now.
    ///
    /// A repetition that comes while the first is still running waits for it: the lock is held meanwhile.
    /// All these calls change the namespace, and would wait for each other there.
    pub(crate) fn answer(
        &self,
        now: Timestamp,
        caller: &Caller,
        out: &mut Vec<u8>,
        run: impl FnOnce(&mut Vec<u8>) -> Result<(), HdfsError>,
    ) -> Result<(), HdfsError> {
        let key = Key {
            user: Arc::clone(&caller.user.full),
            client_id: caller.client_id,
            call_id: caller.call_id,
        };
        let mut entries = self.lock();
        entries.expire(now);
        if let Some(answer) = entries.answers.get(&key) {
            out.extend_from_slice(answer);
            return Ok(());
        }
        let start = out.len();
        run(out)?;
        entries.add(now + self.expiry, key, &out[start..]);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // The entries are whole even if a call panicked: nothing is changed while it runs.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn expire(&mut self, now: Timestamp) {
        while self
            .order
            .front()
            .is_some_and(|(end, _)| *end <= now || self.order.len() > MAX_ENTRIES || self.bytes > MAX_BYTES)
        {
            if let Some((_, key)) = self.order.pop_front()
                && let Some(answer) = self.answers.remove(&key)
            {
                self.bytes -= answer.len();
            }
        }
    }

    fn add(&mut self, end: Timestamp, key: Key, answer: &[u8]) {
        self.bytes += answer.len();
        self.answers.insert(key.clone(), answer.into());
        self.order.push_back((end, key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::{AuthMethod, User};

    fn caller(user: &str, call_id: i32) -> Caller {
        let mut caller = Caller::new(User::simple(user), AuthMethod::Simple, [127, 0, 0, 1].into());
        caller.client_id = [7; 16];
        caller.call_id = call_id;
        caller
    }

    fn answer(cache: &RetryCache, now: i64, caller: &Caller, answer: &[u8]) -> Vec<u8> {
        let mut out = vec![0];
        cache
            .answer(Timestamp::from_secs(now), caller, &mut out, |out| {
                out.extend_from_slice(answer);
                Ok(())
            })
            .expect("it succeeds");
        out
    }

    #[test]
    fn a_repeated_call_gets_the_first_answer_for_ten_minutes() {
        let cache = RetryCache::new(Duration::from_mins(10));
        let alice = caller("alice", 3);
        assert_eq!(answer(&cache, 0, &alice, b"first"), b"\0first");
        assert_eq!(answer(&cache, 599, &alice, b"second"), b"\0first");
        assert_eq!(answer(&cache, 600, &alice, b"third"), b"\0third");
        assert_eq!(answer(&cache, 600, &caller("alice", 4), b"other call"), b"\0other call");
        assert_eq!(answer(&cache, 600, &caller("bob", 3), b"other user"), b"\0other user");
    }

    #[test]
    fn a_call_that_failed_runs_again() {
        let cache = RetryCache::new(Duration::from_mins(10));
        let (alice, mut out) = (caller("alice", 3), Vec::new());
        let refused = cache.answer(Timestamp::EPOCH, &alice, &mut out, |_| Err(HdfsError::safe_mode("not yet")));
        assert!(refused.is_err());
        assert_eq!(answer(&cache, 0, &alice, b"now"), b"\0now");
    }

    #[test]
    fn only_at_most_once_methods_of_identified_calls_are_covered() {
        const CLIENT: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";
        assert!(AT_MOST_ONCE.is_sorted());
        assert!(RetryCache::covers(CLIENT, "rename2", &[0; 16], 0));
        assert!(!RetryCache::covers(CLIENT, "addBlock", &[0; 16], 0));
        assert!(!RetryCache::covers(CLIENT, "rename2", &[0; 3], 0));
        assert!(!RetryCache::covers(CLIENT, "rename2", &[0; 16], -3));
        assert!(!RetryCache::covers("org.apache.hadoop.ha.HAServiceProtocol", "create", &[0; 16], 0));
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = RetryCache::new(Duration::from_mins(10));
        for call_id in 0..(MAX_ENTRIES as i32 + 10) {
            answer(&cache, 0, &caller("alice", call_id), b"x");
        }
        assert!(cache.lock().answers.len() <= MAX_ENTRIES + 1);
        assert_eq!(cache.lock().answers.len(), cache.lock().order.len());
    }
}
