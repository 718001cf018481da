//! The answers of the last two minutes. A request that is repeated byte for byte gets the same
//! answer.
//!
//! A client that received no answer sends its UDP request again. That is not a replay and must not
//! be treated as one.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use kerbox_krb5::Timestamp;

const KEPT_FOR: Duration = Duration::from_secs(120);
/// The maximum total size of the stored requests and answers.
const MAX_BYTES: usize = 512 * 1024;
/// The maximum size of one request with its answer, so that a single one cannot drive out all
/// others. Longer ones come over TCP, where clients do not resend.
const MOST_OF_ONE: usize = MAX_BYTES / 8;

/// A request with its answer.
struct Answered {
    at: Timestamp,
    request: Box<[u8]>,
    answer: Box<[u8]>,
}

impl Answered {
    fn len(&self) -> usize {
        self.request.len() + self.answer.len()
    }
}

#[derive(Default)]
pub(crate) struct Lookaside {
    /// By the hashes of the requests, which are long: each is read once to find it and once to
    /// store it. Of two requests with the same hash, the later one is kept.
    answers: HashMap<u64, Answered>,
    /// The hashes in the order of arrival.
    order: VecDeque<u64>,
    hasher: RandomState,
    bytes: usize,
}

impl Lookaside {
    /// Returns the earlier answer to this request.
    pub(crate) fn find(&self, request: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        let answered = self.answers.get(&self.hasher.hash_one(request))?;
        let is_it = *answered.request == *request && now.distance(answered.at) <= KEPT_FOR;
        is_it.then(|| answered.answer.to_vec())
    }

    /// Stores an answer, and drops the oldest ones beyond the limit.
    pub(crate) fn keep(&mut self, request: &[u8], answer: &[u8], now: Timestamp) {
        if request.len().saturating_add(answer.len()) > MOST_OF_ONE {
            return;
        }
        let hash = self.hasher.hash_one(request);
        let answered = Answered {
            at: now,
            request: request.into(),
            answer: answer.into(),
        };
        self.bytes += answered.len();
        match self.answers.insert(hash, answered) {
            Some(old) => self.bytes = self.bytes.saturating_sub(old.len()),
            None => self.order.push_back(hash),
        }
        while let Some(oldest) = self.order.front() {
            let answered = self.answers.get(oldest);
            let stale = answered.is_none_or(|it| now.distance(it.at) > KEPT_FOR);
            if !stale && self.bytes <= MAX_BYTES {
                break;
            }
            if let Some(answered) = self.answers.remove(oldest) {
                self.bytes = self.bytes.saturating_sub(answered.len());
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_for_two_minutes() {
        let mut lookaside = Lookaside::default();
        let at = Timestamp::from_secs;
        lookaside.keep(b"request", b"answer", at(0));
        assert_eq!(
            lookaside.find(b"request", at(120)).as_deref(),
            Some(&b"answer"[..])
        );
        assert_eq!(lookaside.find(b"request", at(121)), None);
        lookaside.keep(b"another", b"answer", at(121));
        assert_eq!((lookaside.answers.len(), lookaside.bytes), (1, 13));
    }

    #[test]
    fn what_is_long_drives_nothing_out() {
        let mut lookaside = Lookaside::default();
        lookaside.keep(b"request", b"answer", Timestamp::EPOCH);
        lookaside.keep(&[1; 1 << 20], b"answer", Timestamp::EPOCH);
        lookaside.keep(b"another", &[1; MOST_OF_ONE], Timestamp::EPOCH);
        assert!(lookaside.find(b"request", Timestamp::EPOCH).is_some());
        assert_eq!((lookaside.answers.len(), lookaside.bytes), (1, 13));
    }

    #[test]
    fn memory_stays_bounded() {
        let mut lookaside = Lookaside::default();
        for number in 0..10_000_u32 {
            lookaside.keep(&number.to_be_bytes(), &[0; 1000], Timestamp::EPOCH);
        }
        assert!(lookaside.bytes <= MAX_BYTES);
        assert_eq!(lookaside.answers.len(), lookaside.order.len());
        assert!(
            lookaside
                .find(&9_999_u32.to_be_bytes(), Timestamp::EPOCH)
                .is_some()
        );
        assert!(
            lookaside
                .find(&0_u32.to_be_bytes(), Timestamp::EPOCH)
                .is_none()
        );
    }
}
