//! The limits on a port's connections: their number, the memory they hold, and the choice of which
//! one to close.
//!
//! A connection is cheap for a peer that has not identified itself, so such connections are few,
//! hold little, and are closed first. Among identified users, the one with the largest share loses
//! a connection.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::task::{AbortHandle, JoinSet};

use crate::gate::{Cuttable, Peer, register};
use crate::idle::{IdleRule, IdleSince};

/// The limits on connections and bytes of one port.
///
/// ```
/// use kerbox_net::Limits;
///
/// const LIMITS: Limits = Limits {
///     connections: 4096,
///     unknown: 1024, // connections without a user are few and hold little
///     unknown_bytes: 16 << 20,
///     known_bytes: 64 << 20,
/// };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of connections of any kind.
    pub connections: usize,
    /// The maximum number of connections whose peer is not yet identified.
    pub unknown: usize,
    /// The maximum number of input and output bytes that unidentified connections hold together.
    pub unknown_bytes: usize,
    /// The maximum number of input and output bytes that identified connections hold together.
    pub known_bytes: usize,
}

/// The number of connections that an identified user keeps when the system has run out of file
/// descriptors. The shortage may have other causes than that user.
const FAIR_SHARE: u64 = 16;

/// The connections of a port. Dropping this closes them.
pub(crate) struct Connections {
    tasks: JoinSet<()>,
    places: Arc<Places>,
}

struct Places {
    limits: Limits,
    table: Mutex<Table>,
    unknown_bytes: AtomicUsize,
    known_bytes: AtomicUsize,
    /// A counter that orders connections by their last activity.
    activity: AtomicU64,
    /// The rule for idle connections, if there is one.
    idle_rule: OnceLock<IdleRule>,
}

#[derive(Default)]
struct Table {
    next: u64,
    /// The connections by number, in order of arrival.
    slots: BTreeMap<u64, Arc<Slot>>,
    unknown: BTreeSet<u64>,
}

#[derive(Default)]
struct Slot {
    abort: OnceLock<AbortHandle>,
    /// The peer's address, if it is known.
    peer: OnceLock<SocketAddr>,
    /// Set once the peer is identified.
    user: OnceLock<Arc<str>>,
    /// What protects the connection.
    protection: OnceLock<&'static str>,
    held: AtomicUsize,
    active: AtomicU64,
    idle: IdleSince,
}

/// A connection's own entry in its port's table, removed on drop.
///
/// ```
/// use kerbox_net::Place;
///
/// // In a server, `Accepted` has the place of its connection.
/// let place = Place::alone("alice");
/// place.holds(4096); // the request that it has read so far
/// assert_eq!(place.held(), 4096);
/// ```
pub struct Place {
    places: Arc<Places>,
    number: u64,
    slot: Arc<Slot>,
}

impl Connections {
    /// Creates the table of a port without connections.
    pub(crate) fn new(limits: Limits) -> Self {
        let places = Arc::new(Places {
            limits,
            table: Mutex::default(),
            unknown_bytes: AtomicUsize::new(0),
            known_bytes: AtomicUsize::new(0),
            activity: AtomicU64::new(0),
            idle_rule: OnceLock::new(),
        });
        let cuttable: Arc<dyn Cuttable> = Arc::clone(&places) as _;
        register(Arc::downgrade(&cuttable));
        Self {
            tasks: JoinSet::new(),
            places,
        }
    }

    /// Sets the rule for idle connections. Later calls change nothing.
    pub(crate) fn set_idle_rule(&self, rule: IdleRule) {
        // The first one stays.
        let _ = self.places.idle_rule.set(rule);
    }

    /// Starts serving a connection. Closes another one if there are too many.
    pub(crate) fn spawn<F>(&mut self, peer: Option<SocketAddr>, serve: impl FnOnce(Place) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.places.make_room();
        let place = self.places.clone().place();
        let slot = place.slot.clone();
        if let Some(peer) = peer {
            // The slot was created here, so nothing is set yet.
            let _ = slot.peer.set(peer);
        }
        let abort = self.tasks.spawn(crate::inherited(serve(place)));
        // The slot was created here, so nothing is set yet.
        let _ = slot.abort.set(abort);
    }

    /// Closes the most expendable connection, after the system has run out of file descriptors:
    /// the oldest unidentified one, or else the most silent one of the user with the most, if that
    /// user has more than `FAIR_SHARE`.
    pub(crate) fn shed(&self) {
        let mut table = self.places.table();
        let spared = table.unknown.first().copied().or_else(|| {
            let (user, connections) = table.greediest(|_| 1)?;
            (connections > FAIR_SHARE).then(|| table.largest_of(user, silence))?
        });
        if let Some(number) = spared {
            self.places.cut(&mut table, number);
        }
    }

    /// Waits for a connection to end; `None` if there are no connections.
    pub(crate) async fn ended(&mut self) -> Option<()> {
        self.tasks.join_next().await.map(|_| ())
    }

    /// Closes every connection. When this returns, their sockets are closed.
    pub(crate) async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
    }
}

impl Places {
    fn table(&self) -> MutexGuard<'_, Table> {
        // No code panics half-way through a change under this lock.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(self: Arc<Self>) -> Place {
        let slot = Arc::new(Slot::default());
        slot.active
            .store(self.activity.fetch_add(1, Relaxed), Relaxed);
        let number = {
            let mut table = self.table();
            let number = table.next;
            table.next += 1;
            table.slots.insert(number, slot.clone());
            table.unknown.insert(number);
            number
        };
        Place {
            places: self,
            number,
            slot,
        }
    }

    /// Closes one connection if the limit is reached.
    fn make_room(&self) {
        let mut table = self.table();
        let full = table.slots.len() >= self.limits.connections;
        if !full && table.unknown.len() < self.limits.unknown {
            return;
        }
        let unknown = table.unknown.first().copied();
        let spared = unknown.or_else(|| table.of_the_greediest(|_| 1, silence));
        if let Some(number) = spared {
            self.cut(&mut table, number);
        }
    }

    /// Closes the largest connection, either among the unidentified ones or of the user who holds
    /// the most.
    fn make_memory(&self, known: bool) {
        let held = |slot: &Slot| slot.held.load(Relaxed) as u64;
        let mut table = self.table();
        let spared = if known {
            table.of_the_greediest(held, held)
        } else {
            let unknown = table.unknown.iter().copied();
            unknown.max_by_key(|number| table.slots.get(number).map_or(0, |slot| held(slot)))
        };
        if let Some(number) = spared {
            self.cut(&mut table, number);
        }
    }

    fn cut(&self, table: &mut Table, number: u64) {
        table.unknown.remove(&number);
        if let Some(slot) = table.slots.remove(&number) {
            self.hold(&slot, 0);
            if let Some(abort) = slot.abort.get() {
                abort.abort();
            }
            tracing::debug!(number, "a connection was cut");
        }
    }

    /// Records what a connection holds. Returns true if its kind holds too much in total.
    fn hold(&self, slot: &Slot, bytes: usize) -> bool {
        let (total, limit) = if slot.user.get().is_some() {
            (&self.known_bytes, self.limits.known_bytes)
        } else {
            (&self.unknown_bytes, self.limits.unknown_bytes)
        };
        let before = slot.held.swap(bytes, Relaxed);
        // Wrapping arithmetic, so that concurrent updates still add up.
        total.fetch_add(bytes.wrapping_sub(before), Relaxed);
        bytes > before && total.load(Relaxed) > limit
    }
}

impl Cuttable for Places {
    fn cut(&self, matches: &dyn Fn(&Peer<'_>) -> bool) -> usize {
        let mut table = self.table();
        let slots = table.slots.iter();
        let matching = slots.filter(|(_, slot)| matches(&slot.seen()));
        let numbers: Vec<u64> = matching.map(|(number, _)| *number).collect();
        for number in &numbers {
            self.cut(&mut table, *number);
        }
        numbers.len()
    }

    fn show(&self, see: &mut dyn FnMut(&Peer<'_>)) {
        // Whoever sees them may take long, and must not hold up new ones.
        let slots: Vec<_> = self.table().slots.values().cloned().collect();
        slots.iter().for_each(|slot| see(&slot.seen()));
    }

    fn next_idle_end(&self) -> Option<i64> {
        let rule = self.idle_rule.get()?;
        rule.next_end(self.table().slots.values().map(|slot| &slot.idle))
    }

    fn close_idle(&self, now: i64) -> usize {
        let Some(rule) = self.idle_rule.get() else {
            return 0;
        };
        let mut table = self.table();
        let slots = table.slots.iter();
        let due = rule.due(now, slots.map(|(number, slot)| (*number, &slot.idle)));
        for number in &due {
            self.cut(&mut table, *number);
        }
        due.len()
    }
}

impl Slot {
    /// Returns what is seen of the connection from outside.
    fn seen(&self) -> Peer<'_> {
        Peer {
            address: self.peer.get().copied(),
            user: self.user.get().map(|user| &**user),
            protection: self.protection.get().copied(),
        }
    }
}

impl Table {
    /// Finds the user with the largest total `share` and returns that user's connection with the
    /// largest `measure`.
    fn of_the_greediest(
        &self,
        share: impl Fn(&Slot) -> u64,
        measure: impl Fn(&Slot) -> u64,
    ) -> Option<u64> {
        let (greediest, _) = self.greediest(share)?;
        self.largest_of(greediest, measure)
    }

    /// Returns the user with the largest total `share`, and the total.
    fn greediest(&self, share: impl Fn(&Slot) -> u64) -> Option<(&str, u64)> {
        let mut shares: HashMap<&str, u64> = HashMap::new();
        for slot in self.slots.values() {
            if let Some(user) = slot.user.get() {
                let sum = shares.entry(user).or_default();
                *sum = sum.saturating_add(share(slot));
            }
        }
        shares.into_iter().max_by_key(|(_, share)| *share)
    }

    /// Returns the user's connection with the largest `measure`.
    fn largest_of(&self, user: &str, measure: impl Fn(&Slot) -> u64) -> Option<u64> {
        self.slots
            .iter()
            .filter(|(_, slot)| slot.user.get().is_some_and(|own| **own == *user))
            .max_by_key(|(_, slot)| measure(slot))
            .map(|(number, _)| *number)
    }
}

/// Returns a number that is larger for a connection that was silent for longer.
fn silence(slot: &Slot) -> u64 {
    u64::MAX - slot.active.load(Relaxed)
}

impl Place {
    /// Marks the peer as identified, and as authenticated where that is required.
    pub fn known(&self, user: &str) {
        if self.slot.user.get().is_some() {
            return;
        }
        // Another task may close this connection meanwhile, which also moves what it holds.
        let mut table = self.places.table();
        let held = self.slot.held.load(Relaxed);
        self.places.hold(&self.slot, 0);
        // Only this connection's own task sets it.
        let _ = self.slot.user.set(user.into());
        self.places.hold(&self.slot, held);
        table.unknown.remove(&self.number);
    }

    /// Records what protects the connection, in its protocol's word. Later calls change nothing.
    ///
    /// ```
    /// kerbox_net::Place::alone("alice").protected("auth-conf");
    /// ```
    pub fn protected(&self, protection: &'static str) {
        // The first one stays.
        let _ = self.slot.protection.set(protection);
    }

    /// Records the number of input and output bytes the connection holds in memory. If the port
    /// then holds too much, the largest connection is closed, which may be this one.
    pub fn holds(&self, bytes: usize) {
        if self.places.hold(&self.slot, bytes) {
            self.places.make_memory(self.slot.user.get().is_some());
        }
    }

    /// Returns the only place of a port of its own, identified as `user`, for tests and for
    /// connections that no port has accepted.
    #[must_use]
    pub fn alone(user: &str) -> Self {
        let limits = Limits {
            connections: 1,
            unknown: 1,
            unknown_bytes: usize::MAX,
            known_bytes: usize::MAX,
        };
        let place = Connections::new(limits).places.place();
        place.known(user);
        place
    }

    /// Returns the number of bytes that the connection holds.
    #[must_use]
    pub fn held(&self) -> usize {
        self.slot.held.load(Relaxed)
    }

    /// Returns true if the peer is identified.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.slot.user.get().is_some()
    }

    /// Returns a number that grows with each activity of any connection of the port: its value at
    /// the last activity of this one.
    #[must_use]
    pub fn activity(&self) -> u64 {
        self.slot.active.load(Relaxed)
    }

    /// Records activity of the peer, which ends an idle time.
    pub fn is_active(&self) {
        let now = self.places.activity.fetch_add(1, Relaxed);
        self.slot.active.store(now, Relaxed);
        self.slot.idle.clear();
    }

    /// Records that the connection is idle since `now`, in microseconds of its server's clock, and
    /// may be closed by the port's [`IdleRule`] until there is activity.
    pub fn idle_since(&self, now: i64) {
        self.slot.idle.set(now);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.hold(&self.slot, 0);
        let mut table = self.places.table();
        table.slots.remove(&self.number);
        table.unknown.remove(&self.number);
    }
}

#[cfg(test)]
mod tests;
