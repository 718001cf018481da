//! The random numbers of exchanges.
//!
//! Each exchange has a generator of its own, seeded by the KDC's seed, the exchange's client, and
//! the number of that client's exchanges before. So exchanges share no lock around randomness, and
//! a client gets the same numbers whatever other clients do at the same time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use kerbox_krb5::Principal;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};

/// The client of an exchange, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum ClientOf<'a> {
    /// A principal of the database.
    Ours(&'a Principal),
    /// A client for whom another realm vouches.
    Foreign(&'a Principal),
    /// Not known, or a name that anyone may have invented.
    Unknown,
}

/// The seed of all exchanges, and how many each client has had.
pub(super) struct ExchangeRandom {
    seed: u64,
    ours: [Counts; SHARDS],
    foreign: Counts,
    /// The exchanges of clients without a count of their own.
    others: AtomicU64,
}

/// The number of locks over our clients' counts, so that cores rarely wait for each other.
const SHARDS: usize = 16;
/// The most clients of ours that one shard counts. Principals that are removed leave a count
/// behind.
const MOST_OURS: usize = 1 << 16;
/// The most foreign clients that are counted: another realm may invent as many as it likes.
const MOST_FOREIGN: usize = 1 << 12;

/// Counts by the first bytes of a client's digest.
#[derive(Default)]
struct Counts(Mutex<HashMap<u128, u64>>);

impl Counts {
    /// Returns the count so far and adds one; `None` for a new client beyond the limit.
    fn next(&self, client: u128, most: usize) -> Option<u64> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= most && !counts.contains_key(&client) {
            return None;
        }
        let count = counts.entry(client).or_default();
        let before = *count;
        *count = before.wrapping_add(1);
        Some(before)
    }
}

impl ExchangeRandom {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            ours: Default::default(),
            foreign: Counts::default(),
            others: AtomicU64::new(0),
        }
    }

    /// Returns the generator for the next exchange of this client.
    pub(super) fn next(&self, client: ClientOf<'_>) -> StdRng {
        let (mut digest, count) = match client {
            ClientOf::Ours(principal) => {
                let digest = self.digest(1, Some(principal));
                let shard = &self.ours[usize::from(digest[31]) % SHARDS];
                (digest, shard.next(key(&digest), MOST_OURS))
            }
            ClientOf::Foreign(principal) => {
                let digest = self.digest(2, Some(principal));
                (digest, self.foreign.next(key(&digest), MOST_FOREIGN))
            }
            ClientOf::Unknown => (self.digest(3, None), None),
        };
        let count = count.unwrap_or_else(|| {
            digest = self.digest(3, None);
            self.others.fetch_add(1, Ordering::Relaxed)
        });
        for (byte, count) in digest.iter_mut().zip(count.to_le_bytes()) {
            *byte ^= count;
        }
        StdRng::from_seed(digest)
    }

    /// Hashes the seed and a client's name; each text follows its length, so that no two names give
    /// the same bytes.
    fn digest(&self, kind: u8, principal: Option<&Principal>) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update([kind]);
        if let Some(principal) = principal {
            let components = principal.components().iter().map(String::as_str);
            for text in std::iter::once(principal.realm()).chain(components) {
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
        }
        hash.finalize().into()
    }
}

fn key(digest: &[u8; 32]) -> u128 {
    let (first, _) = digest.split_at(16);
    first
        .iter()
        .fold(0, |key, byte| key << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    fn principal(name: &str) -> Principal {
        Principal::new("R", [name])
    }

    #[test]
    fn a_client_draws_the_same_numbers_whoever_else_draws() {
        let (alice, bob) = (principal("alice"), principal("bob"));
        let draw = |order: &[&Principal]| {
            let random = ExchangeRandom::new(7);
            let mut drawn: Vec<(String, u64)> = order
                .iter()
                .map(|client| {
                    let number = random.next(ClientOf::Ours(client)).next_u64();
                    (client.to_string(), number)
                })
                .collect();
            // Sorted by client; each client's own order stays.
            drawn.sort_by(|a, b| a.0.cmp(&b.0));
            drawn
        };
        let drawn = draw(&[&alice, &bob, &alice, &bob]);
        assert_eq!(drawn, draw(&[&bob, &bob, &alice, &alice]));
        let mut numbers: Vec<u64> = drawn.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 4);
    }

    #[test]
    fn invented_names_take_no_memory_and_foreign_ones_a_limited_amount() {
        let random = ExchangeRandom::new(7);
        for number in 0..2 * MOST_FOREIGN {
            random.next(ClientOf::Foreign(&principal(&number.to_string())));
            random.next(ClientOf::Unknown);
        }
        let counted = |counts: &Counts| counts.0.lock().expect("no panic before").len();
        assert_eq!(counted(&random.foreign), MOST_FOREIGN);
        assert_eq!(random.ours.iter().map(counted).sum::<usize>(), 0);
        // Beyond the limit nothing is drawn twice either.
        let late = principal("late");
        let [first, second] = [(); 2].map(|()| random.next(ClientOf::Foreign(&late)).next_u64());
        assert_ne!(first, second);
    }
}
