//! The answers of the last two minutes. A request that is repeated byte for byte gets the same
//! answer.
//!
//! A client that received no answer sends its UDP request again. That is not a replay and must not
//! be treated as one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Timestamp;

const KEPT_FOR: Duration = Duration::from_secs(120);
/// The maximum total size of the stored requests and answers.
const MAX_BYTES: usize = 512 * 1024;
/// The maximum size of one request with its answer, so that a single one cannot drive out all
/// others. Longer ones come over TCP, where clients do not resend.
const MOST_OF_ONE: usize = MAX_BYTES / 8;

type Bytes = Arc<[u8]>;

#[derive(Default)]
pub(crate) struct Lookaside {
    answers: HashMap<Bytes, (Timestamp, Bytes)>,
    /// The requests in the order of arrival.
    order: VecDeque<Bytes>,
    bytes: usize,
}

impl Lookaside {
    /// Returns the earlier answer to this request.
    pub(crate) fn find(&self, request: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        let (at, answer) = self.answers.get(request)?;
        (now.distance(*at) <= KEPT_FOR).then(|| answer.to_vec())
    }

    /// Stores an answer, and drops the oldest ones beyond the limit.
    pub(crate) fn keep(&mut self, request: &[u8], answer: &[u8], now: Timestamp) {
        if request.len().saturating_add(answer.len()) > MOST_OF_ONE {
            return;
        }
        let request: Bytes = request.into();
        if let Some((_, old)) = self.answers.insert(request.clone(), (now, answer.into())) {
            self.bytes = self.bytes.saturating_sub(old.len());
        } else {
            self.bytes += request.len();
            self.order.push_back(request);
        }
        self.bytes += answer.len();
        while let Some(oldest) = self.order.front() {
            let stale = self
                .answers
                .get(oldest)
                .is_none_or(|(at, _)| now.distance(*at) > KEPT_FOR);
            if !stale && self.bytes <= MAX_BYTES {
                break;
            }
            if let Some((_, answer)) = self.answers.remove(oldest) {
                self.bytes = self.bytes.saturating_sub(oldest.len() + answer.len());
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
