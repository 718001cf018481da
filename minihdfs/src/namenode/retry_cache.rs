//! Responses kept for clients that repeat a call after their connection broke (Hadoop's
//! `RetryCache`).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Timestamp;

use crate::Caller;
use crate::namenode::edit::RpcIds;

/// The maximum number of responses, and of their bytes. The oldest are dropped first.
const MAX_ANSWERS: usize = 1 << 16;
const MAX_BYTES: usize = 64 << 20;

/// The identity of a call, shared by its repetitions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    client_id: [u8; 16],
    call_id: i32,
}

/// The response to a call.
#[derive(Debug)]
struct Answer {
    /// The user who called; `None` if the response was made from an edit, which does not say so.
    user: Option<Arc<str>>,
    /// The encoded response; `None` if the edit does not hold it.
    bytes: Option<Box<[u8]>>,
}

impl Answer {
    fn len(&self) -> usize {
        self.bytes.as_ref().map_or(0, |bytes| bytes.len())
    }
}

/// What is known about a call that was executed before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Executed<'a> {
    /// The encoded response.
    Answered(&'a [u8]),
    /// The response depends on what DataNodes have reported since.
    Unanswered,
}

/// The encoded responses of calls that must not be executed twice. Only successful calls are kept,
/// as in Hadoop, whose `RetryCache.waitForCompletion` expects a failed call to be executed again.
#[derive(Debug)]
pub(super) struct RetryCache {
    expiry: Duration,
    answers: HashMap<Key, Answer>,
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

    /// Returns the cache with what it holds, and leaves it empty.
    pub(super) fn take(&mut self) -> Self {
        let empty = Self::new(self.expiry);
        std::mem::replace(self, empty)
    }

    fn key(&self, rpc: RpcIds) -> Option<Key> {
        // Clients without an id, and calls that are never retried, have no identity to look up.
        let skip = self.expiry.is_zero() || rpc.call_id < 0 || rpc.client_id == [0; 16];
        (!skip).then_some(Key {
            client_id: rpc.client_id,
            call_id: rpc.call_id,
        })
    }

    /// Returns what is known about this call, if it was executed before.
    pub(super) fn get(&mut self, now: Timestamp, caller: &Caller) -> Option<Executed<'_>> {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
        let answer = self.answers.get(&self.key(caller.into())?)?;
        let user = answer.user.as_ref();
        let is_theirs = user.is_none_or(|user| *user == caller.user.full);
        is_theirs.then_some(match &answer.bytes {
            Some(bytes) => Executed::Answered(bytes),
            None => Executed::Unanswered,
        })
    }

    /// Stores the response to a call.
    pub(super) fn put(&mut self, now: Timestamp, caller: &Caller, answer: &[u8]) {
        let user = Some(Arc::clone(&caller.user.full));
        self.insert(now, caller.into(), user, Some(answer.into()));
    }

    /// Stores the response to the call that made an edit; `None` if the edit does not hold it.
    pub(super) fn put_replayed(&mut self, now: Timestamp, rpc: RpcIds, answer: Option<Vec<u8>>) {
        self.insert(now, rpc, None, answer.map(Into::into));
    }

    fn insert(
        &mut self,
        now: Timestamp,
        rpc: RpcIds,
        user: Option<Arc<str>>,
        bytes: Option<Box<[u8]>>,
    ) {
        let Some(key) = self.key(rpc) else { return };
        let answer = Answer { user, bytes };
        self.bytes += answer.len();
        if let Some(before) = self.answers.insert(key, answer) {
            self.bytes -= before.len();
        }
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
