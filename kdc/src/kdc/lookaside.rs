//! The answers of the last two minutes. A request that is repeated byte for byte gets the same
//! answer.
//!
//! A client that received no answer sends its UDP request again. That is not a replay and must not
//! be treated as one.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use kerbox_krb5::Timestamp;

use crate::byte_hash::{Hash, HashKey, Hashed};

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
    /// Of two requests with the same hash, the later one is kept.
    answers: HashMap<Hash, Answered, Hashed>,
    /// The hashes in the order of arrival.
    order: VecDeque<Hash>,
    key: HashKey,
    bytes: usize,
}

impl Lookaside {
    /// Returns the hash by which a request is found and stored.
    pub(crate) fn hash(&self, request: &[u8]) -> Hash {
        self.key.hash(request)
    }

    /// Returns the earlier answer to this request.
    pub(crate) fn find(&self, hash: Hash, request: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        let answered = self.answers.get(&hash)?;
        let is_it = *answered.request == *request && now.distance(answered.at) <= KEPT_FOR;
        is_it.then(|| answered.answer.to_vec())
    }

    /// Stores an answer, and drops the oldest ones beyond the limit.
    pub(crate) fn keep(&mut self, hash: Hash, request: &[u8], answer: &[u8], now: Timestamp) {
        if request.len().saturating_add(answer.len()) > MOST_OF_ONE {
            return;
        }
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

    fn find(lookaside: &Lookaside, request: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        lookaside.find(lookaside.hash(request), request, now)
    }

    fn keep(lookaside: &mut Lookaside, request: &[u8], answer: &[u8], now: Timestamp) {
        lookaside.keep(lookaside.hash(request), request, answer, now);
    }

    #[test]
    fn an_answer_is_kept_for_two_minutes() {
        let mut lookaside = Lookaside::default();
        let at = Timestamp::from_secs;
        keep(&mut lookaside, b"request", b"answer", at(0));
        assert_eq!(
            find(&lookaside, b"request", at(120)).as_deref(),
            Some(&b"answer"[..])
        );
        assert_eq!(find(&lookaside, b"request", at(121)), None);
        keep(&mut lookaside, b"another", b"answer", at(121));
        assert_eq!((lookaside.answers.len(), lookaside.bytes), (1, 13));
    }

    #[test]
    fn what_is_long_drives_nothing_out() {
        let mut lookaside = Lookaside::default();
        keep(&mut lookaside, b"request", b"answer", Timestamp::EPOCH);
        keep(&mut lookaside, &[1; 1 << 20], b"answer", Timestamp::EPOCH);
        keep(
            &mut lookaside,
            b"another",
            &[1; MOST_OF_ONE],
            Timestamp::EPOCH,
        );
        assert!(find(&lookaside, b"request", Timestamp::EPOCH).is_some());
        assert_eq!((lookaside.answers.len(), lookaside.bytes), (1, 13));
    }

    #[test]
    fn memory_stays_bounded() {
        let mut lookaside = Lookaside::default();
        for number in 0..10_000_u32 {
            keep(
                &mut lookaside,
                &number.to_be_bytes(),
                &[0; 1000],
                Timestamp::EPOCH,
            );
        }
        assert!(lookaside.bytes <= MAX_BYTES);
        assert_eq!(lookaside.answers.len(), lookaside.order.len());
        assert!(find(&lookaside, &9_999_u32.to_be_bytes(), Timestamp::EPOCH).is_some());
        assert!(find(&lookaside, &0_u32.to_be_bytes(), Timestamp::EPOCH).is_none());
    }
}
