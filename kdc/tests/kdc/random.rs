//! A client's random numbers depend on the client alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use kerbox_kdc::{Kdc, Peer};
use kerbox_krb5::client::{
    AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::{EncryptionKey, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::support::{Pair, principal};

const CLIENTS: [&str; 2] = ["alice", "bob"];
const ROUNDS: usize = 20;
static CLIENT_SEED: AtomicU64 = AtomicU64::new(0);

/// A client that logs in, gets a service ticket, and so on, one exchange a step.
struct Client<'a> {
    kdc: &'a Kdc,
    now: Timestamp,
    name: &'static str,
    keys: Vec<EncryptionKey>,
    rng: StdRng,
    exchange: Option<(AsExchange, Vec<u8>)>,
    tgt: Option<Credentials>,
    /// The session keys of its tickets, in the order of issue.
    session_keys: Vec<Vec<u8>>,
}

impl<'a> Client<'a> {
    fn new(pair: &'a Pair, name: &'static str) -> Self {
        Self {
            kdc: &pair.kdc,
            now: pair.now,
            name,
            keys: pair.keys(name),
            // Real clients' nonces differ with each run. They change nothing.
            rng: StdRng::seed_from_u64(CLIENT_SEED.fetch_add(1, Ordering::Relaxed)),
            exchange: None,
            tgt: None,
            session_keys: Vec::new(),
        }
    }

    fn send(&self, request: &[u8]) -> Vec<u8> {
        let reply = self.kdc.handle(self.now, request, Peer::LOCAL);
        reply.message.expect("an answer")
    }

    fn step(&mut self) {
        if let Some(tgt) = self.tgt.take() {
            let request = TgsRequest::service(principal("nn/localhost"), &tgt);
            let (exchange, bytes) =
                TgsExchange::new(&tgt, request, self.now, &mut self.rng).expect("a request");
            let ticket = exchange.finish(&self.send(&bytes)).expect("a ticket");
            self.session_keys.push(ticket.key.as_bytes().to_vec());
            return;
        }
        let (mut exchange, bytes) = self.exchange.take().unwrap_or_else(|| {
            let request = InitialRequest::new(principal(self.name));
            let secret = Secret::Keys(self.keys.clone());
            AsExchange::new(request, secret, self.now, &mut self.rng).expect("a request")
        });
        let answer = self.send(&bytes);
        match exchange.step(&answer, &mut self.rng).expect("no refusal") {
            AsStep::Send(next) => self.exchange = Some((exchange, next)),
            AsStep::Done(tgt) => {
                self.session_keys.push(tgt.key.as_bytes().to_vec());
                self.tgt = Some(*tgt);
            }
        }
    }
}

/// Lets the clients take their steps in this order. Returns each client's session keys.
fn run(order: impl Iterator<Item = usize>) -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let pair = Pair::new();
    let mut clients = CLIENTS.map(|name| Client::new(&pair, name));
    for index in order {
        clients[index].step();
    }
    clients
        .map(|client| (client.name, client.session_keys))
        .into()
}

#[test]
fn clients_get_the_same_session_keys_in_whatever_order_their_requests_come() {
    let one_by_one = run((0..2 * ROUNDS).map(|step| step % 2));
    let keys = one_by_one.values().flatten();
    assert_eq!(keys.collect::<BTreeSet<_>>().len(), 26);
    let first_then_second = run((0..2 * ROUNDS).map(|step| step / ROUNDS));
    assert_eq!(one_by_one, first_then_second);
    let in_bursts = run((0..2 * ROUNDS).map(|step| 1 - step / 5 % 2));
    assert_eq!(one_by_one, in_bursts);
}

#[test]
fn clients_of_one_kdc_at_the_same_time_get_the_session_keys_that_they_get_alone() {
    let alone = run((0..2 * ROUNDS).map(|step| step / ROUNDS));
    let pair = Pair::new();
    let together = std::thread::scope(|scope| {
        let threads = CLIENTS.map(|name| {
            let mut client = Client::new(&pair, name);
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    client.step();
                }
                (name, client.session_keys)
            })
        });
        threads
            .map(|thread| thread.join().expect("no panic"))
            .into()
    });
    assert_eq!(alone, together);
}

#[test]
fn names_that_are_nobodys_leave_a_clients_numbers_alone() {
    let alone = run((0..ROUNDS).map(|_| 0));
    let pair = Pair::new();
    let mut alice = Client::new(&pair, "alice");
    let mut rng = StdRng::seed_from_u64(1);
    for number in 0..ROUNDS {
        let nobody = InitialRequest::new(principal(&format!("nobody{number}")));
        let (_, bytes) = AsExchange::new(nobody, Secret::Keys(Vec::new()), pair.now, &mut rng)
            .expect("a request");
        alice.send(&bytes);
        alice.step();
    }
    assert_eq!(alone["alice"], alice.session_keys);
}
