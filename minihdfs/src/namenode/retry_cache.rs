//! Answers kept for clients that repeat a call because the connection broke (`RetryCache`).

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use kerbox_krb5::Timestamp;

use crate::Caller;

/// How many answers are kept at most, so that many clients cannot fill the memory.
const CAPACITY: usize = 1 << 16;

type Key = ([u8; 16], i32);

/// The encoded answers of calls that must not be executed twice, by client id and call id. A call that failed may be tried again.
#[derive(Debug)]
pub(super) struct RetryCache {
    expiry: Duration,
    answers: HashMap<Key, Box<[u8]>>,
    order: VecDeque<(Timestamp, Key)>,
}

impl RetryCache {
    /// Answers are kept for `expiry`; zero keeps none.
    pub(super) fn new(expiry: Duration) -> Self {
        Self {
            expiry,
            answers: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    fn key(&self, caller: &Caller) -> Option<Key> {
        let skip = self.expiry.is_zero() || caller.call_id < 0 || caller.client_id == [0; 16];
        (!skip).then_some((caller.client_id, caller.call_id))
    }

    /// The answer to this very call, if it was answered before.
    pub(super) fn get(&mut self, now: Timestamp, caller: &Caller) -> Option<&[u8]> {
        self.forget(now);
        self.answers.get(&self.key(caller)?).map(AsRef::as_ref)
    }

    /// Keeps the answer to a call.
    pub(super) fn put(&mut self, now: Timestamp, caller: &Caller, answer: &[u8]) {
        let Some(key) = self.key(caller) else { return };
        if self.order.len() >= CAPACITY
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
        self.answers.insert(key, answer.into());
        self.order.push_back((now + self.expiry, key));
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((_, key)) = self.order.pop_front_if(|(until, _)| *until <= now) {
            self.answers.remove(&key);
        }
    }
}
