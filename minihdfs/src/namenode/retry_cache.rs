//! Responses kept for clients that repeat a call after their connection broke (Hadoop's
//! `RetryCache`).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Timestamp;

use crate::Caller;

/// The maximum number of responses, and of their bytes. The oldest are dropped first.
const MAX_ANSWERS: usize = 1 << 16;
const MAX_BYTES: usize = 64 << 20;

/// The identity of a call, shared by its repetitions.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Key {
    user: Arc<str>,
    client_id: [u8; 16],
    call_id: i32,
}

/// The encoded responses of calls that must not be executed twice. Only successful calls are kept,
/// as in Hadoop, whose `RetryCache.waitForCompletion` expects a failed call to be executed again.
#[derive(Debug)]
pub(super) struct RetryCache {
    expiry: Duration,
    answers: HashMap<Key, Box<[u8]>>,
    /// The keys in order of arrival, with their expiry times.
    order: VecDeque<(Timestamp, Key)>,
    bytes: usize,
}

impl RetryCache {
    /// Creates a cache that keeps responses for `expiry`; zero keeps none.
    pub(super) fn new(expiry: Duration) -> Self {
        Self {
            expiry,
            answers: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
        }
    }

    fn key(&self, caller: &Caller) -> Option<Key> {
        // Clients without an id, and calls that are never retried, have no identity to look up.
        let skip = self.expiry.is_zero() || caller.call_id < 0 || caller.client_id == [0; 16];
        (!skip).then(|| Key {
            user: Arc::clone(&caller.user.full),
            client_id: caller.client_id,
            call_id: caller.call_id,
        })
    }

    /// Returns the response to this call, if it was served before.
    pub(super) fn get(&mut self, now: Timestamp, caller: &Caller) -> Option<&[u8]> {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
        self.answers.get(&self.key(caller)?).map(AsRef::as_ref)
    }

    /// Stores the response to a call.
    pub(super) fn put(&mut self, now: Timestamp, caller: &Caller, answer: &[u8]) {
        let Some(key) = self.key(caller) else { return };
        self.bytes += answer.len();
        self.answers.insert(key.clone(), answer.into());
        self.order.push_back((now + self.expiry, key));
        while self.order.len() > MAX_ANSWERS || self.bytes > MAX_BYTES {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front()
            && let Some(answer) = self.answers.remove(&key)
        {
            self.bytes -= answer.len();
        }
    }
}
