//! The random numbers of exchanges.
//!
//! Each exchange has a generator of its own, seeded by the KDC's seed, the exchange's client, and
//! the number of that client's exchanges before. So exchanges share no lock around randomness, and
//! a client gets the same numbers whatever other clients do at the same time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

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
    ours: Clients,
    foreign: Clients,
    /// All clients without a count of their own.
    others: Client,
}

/// The most clients of ours that are counted. Principals that are removed leave a count behind.
const MOST_OURS: usize = 1 << 20;
/// The most foreign clients that are counted: another realm may invent as many as it likes.
const MOST_FOREIGN: usize = 1 << 12;

/// The clients that are counted. An exchange of a client that is known only reads, so exchanges on
/// several cores do not wait for each other.
#[derive(Default)]
struct Clients(RwLock<HashMap<Principal, Client>>);

struct Client {
    /// The digest of the seed and the client's name, which is only computed once.
    digest: [u8; 32],
    exchanges: AtomicU64,
}

impl Client {
    fn new(digest: [u8; 32]) -> Self {
        Self {
            digest,
            exchanges: AtomicU64::new(0),
        }
    }

    /// Returns the digest and the number of exchanges before, and counts this one.
    fn next(&self) -> ([u8; 32], u64) {
        let exchange = self.exchanges.fetch_add(1, Ordering::Relaxed);
        (self.digest, exchange)
    }
}

impl Clients {
    /// Returns the client's digest and the number of its exchanges before, and counts this one.
    /// Returns `None` for a new client beyond the limit.
    fn next(
        &self,
        principal: &Principal,
        most: usize,
        digest: impl FnOnce() -> [u8; 32],
    ) -> Option<([u8; 32], u64)> {
        let clients = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(principal) {
            return Some(client.next());
        }
        if clients.len() >= most {
            return None;
        }
        drop(clients);
        let mut clients = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= most && !clients.contains_key(principal) {
            return None;
        }
        let client = clients
            .entry(principal.clone())
            .or_insert_with(|| Client::new(digest()));
        Some(client.next())
    }
}

impl ExchangeRandom {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            ours: Clients::default(),
            foreign: Clients::default(),
            others: Client::new(digest(seed, 3, None)),
        }
    }

    /// Returns the generator for the next exchange of this client.
    pub(super) fn next(&self, client: ClientOf<'_>) -> StdRng {
        let counted = match client {
            ClientOf::Ours(principal) => {
                let digest = || digest(self.seed, 1, Some(principal));
                self.ours.next(principal, MOST_OURS, digest)
            }
            ClientOf::Foreign(principal) => {
                let digest = || digest(self.seed, 2, Some(principal));
                self.foreign.next(principal, MOST_FOREIGN, digest)
            }
            ClientOf::Unknown => None,
        };
        let (mut seed, exchange) = counted.unwrap_or_else(|| self.others.next());
        for (byte, count) in seed.iter_mut().zip(exchange.to_le_bytes()) {
            *byte ^= count;
        }
        StdRng::from_seed(seed)
    }
}

/// Hashes the seed and a client's name; each text follows its length, so that no two names give
/// the same bytes.
fn digest(seed: u64, kind: u8, principal: Option<&Principal>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update([kind]);
    if let Some(principal) = principal {
        let components = principal.components().iter().map(|it| &**it);
        for text in std::iter::once(principal.realm()).chain(components) {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
    }
    hash.finalize().into()
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
        let counted = |clients: &Clients| clients.0.read().expect("no panic before").len();
        assert_eq!(counted(&random.foreign), MOST_FOREIGN);
        assert_eq!(counted(&random.ours), 0);
        // Beyond the limit nothing is drawn twice either.
        let late = principal("late");
        let [first, second] = [(); 2].map(|()| random.next(ClientOf::Foreign(&late)).next_u64());
        assert_ne!(first, second);
    }
}
