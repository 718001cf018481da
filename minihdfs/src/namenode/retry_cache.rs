//! Answers kept for clients that repeat a call because the connection broke (Hadoop's
//! `RetryCache`).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Timestamp;

use crate::Caller;

/// How many answers, and how many bytes of them, are kept at most: the oldest go first.
const MAX_ANSWERS: usize = 1 << 16;
const MAX_BYTES: usize = 64 << 20;

/// A call as its repetitions share it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Key {
    user: Arc<str>,
    client_id: [u8; 16],
    call_id: i32,
}

/// The encoded answers of calls that must not be executed twice. As with Hadoop, whose
/// `RetryCache.waitForCompletion` expects that a call which failed is tried again, only successes
/// are kept.
#[derive(Debug)]
pub(super) struct RetryCache {
    expiry: Duration,
    answers: HashMap<Key, Box<[u8]>>,
    /// In the order in which they came, with the time at which they go.
    order: VecDeque<(Timestamp, Key)>,
    bytes: usize,
}

impl RetryCache {
    /// Answers are kept for `expiry`; zero keeps none.
    pub(super) fn new(expiry: Duration) -> Self {
        Self {
            expiry,
            answers: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
        }
    }

    fn key(&self, caller: &Caller) -> Option<Key> {
        let skip = self.expiry.is_zero() || caller.call_id < 0 || caller.client_id == [0; 16];
        (!skip).then(|| Key {
            user: Arc::clone(&caller.user.full),
            client_id: caller.client_id,
            call_id: caller.call_id,
        })
    }

    /// The answer to this very call, if it was answered before.
    pub(super) fn get(&mut self, now: Timestamp, caller: &Caller) -> Option<&[u8]> {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
        self.answers.get(&self.key(caller)?).map(AsRef::as_ref)
    }

    /// Keeps the answer to a call that was not answered before.
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
