//! The connection limits shared by the accept loops of both servers: the number of connections, the
//! memory they hold, and the choice of which one to close.
//!
//! A connection is cheap for a peer that has not identified itself, so such connections are few,
//! hold little, and are closed first. Among identified users, the one with the largest share loses
//! a connection.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::task::{AbortHandle, JoinSet};

/// The limits on connections and bytes of one port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The maximum number of connections of any kind.
    pub(crate) connections: usize,
    /// The maximum number of connections whose peer is not yet identified.
    pub(crate) unknown: usize,
    /// The maximum number of input and output bytes that unidentified connections hold together.
    pub(crate) unknown_bytes: usize,
    /// The maximum number of input and output bytes that identified connections hold together.
    pub(crate) known_bytes: usize,
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
    /// Set once the peer is identified.
    user: OnceLock<Arc<str>>,
    held: AtomicUsize,
    active: AtomicU64,
}

/// A connection's own entry in its port's table, removed on drop.
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
    slot: Arc<Slot>,
}

impl Connections {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            tasks: JoinSet::new(),
            places: Arc::new(Places {
                limits,
                table: Mutex::default(),
                unknown_bytes: AtomicUsize::new(0),
                known_bytes: AtomicUsize::new(0),
                activity: AtomicU64::new(0),
            }),
        }
    }

    /// Starts serving a connection. Closes another one if there are too many.
    pub(crate) fn spawn<F>(&mut self, serve: impl FnOnce(Place) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.places.make_room();
        let place = self.places.clone().place();
        let slot = place.slot.clone();
        let abort = self.tasks.spawn(serve(place));
        // The slot was created here, so nothing is set yet.
        let _ = slot.abort.set(abort);
    }

    /// Closes the most expendable connection, after the system has run out of file descriptors:
    /// the oldest unidentified one, or else the most silent one of the user with the most, if that
    /// user has more than [`FAIR_SHARE`].
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
            tracing::debug!("a connection was cut to make room for others");
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
    pub(crate) fn known(&self, user: &str) {
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

    /// Records the number of input and output bytes the connection holds in memory. If the port
    /// then holds too much, the largest connection is closed, which may be this one.
    pub(crate) fn holds(&self, bytes: usize) {
        if self.places.hold(&self.slot, bytes) {
            self.places.make_memory(self.slot.user.get().is_some());
        }
    }

    /// Records activity of the peer.
    pub(crate) fn is_active(&self) {
        let now = self.places.activity.fetch_add(1, Relaxed);
        self.slot.active.store(now, Relaxed);
    }
}

#[cfg(test)]
impl Place {
    /// Returns the only place of a port, identified as `user`.
    pub(crate) fn alone(user: &str) -> Self {
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

    pub(crate) fn held(&self) -> usize {
        self.slot.held.load(Relaxed)
    }

    pub(crate) fn activity(&self) -> u64 {
        self.slot.active.load(Relaxed)
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
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        connections: 4,
        unknown: 2,
        unknown_bytes: 100,
        known_bytes: 1000,
    };

    /// Connections by label, each of which stays until it is closed.
    struct Port {
        connections: Connections,
        places: Vec<Arc<Place>>,
        runtime: tokio::runtime::Runtime,
    }

    impl Port {
        fn new() -> Self {
            Self::with(LIMITS)
        }

        fn with(limits: Limits) -> Self {
            Self {
                connections: Connections::new(limits),
                places: Vec::new(),
                runtime: tokio::runtime::Builder::new_current_thread()
                    .build()
                    .expect("a runtime"),
            }
        }

        fn connect(&mut self, user: Option<&str>) -> Arc<Place> {
            let _inside = self.runtime.enter();
            let mut taken = None;
            self.connections.spawn(|place| {
                let place = Arc::new(place);
                taken = Some(place);
                std::future::pending()
            });
            let place = taken.expect("it was made");
            if let Some(user) = user {
                place.known(user);
            }
            self.places.push(place.clone());
            place
        }

        /// Returns the numbers of the remaining connections.
        fn left(&self) -> Vec<u64> {
            self.connections
                .places
                .table()
                .slots
                .keys()
                .copied()
                .collect()
        }
    }

    #[test]
    fn the_oldest_that_is_unknown_makes_room() {
        let mut port = Port::new();
        port.connect(Some("alice"));
        for _ in 0..3 {
            port.connect(None);
        }
        assert_eq!(port.left(), [0, 2, 3]);
        port.connections.shed();
        assert_eq!(port.left(), [0, 3]);
    }

    #[test]
    fn among_users_the_one_with_most_loses_what_was_silent_longest() {
        let mut port = Port::new();
        port.connect(Some("alice"));
        let eves = [
            port.connect(Some("eve")),
            port.connect(Some("eve")),
            port.connect(Some("eve")),
        ];
        eves[0].is_active();
        port.connect(None);
        assert_eq!(port.left(), [0, 1, 3, 4]);
        // A flood of unidentified connections closes no user's connection.
        for _ in 0..10 {
            port.connect(None);
        }
        assert_eq!(port.left(), [0, 1, 3, 14]);
    }

    #[test]
    fn without_file_descriptors_the_greediest_user_loses_what_was_silent_longest() {
        let mut port = Port::with(Limits {
            connections: 1000,
            ..LIMITS
        });
        let eves: Vec<_> = (0..17).map(|_| port.connect(Some("eve"))).collect();
        port.connect(Some("alice"));
        eves[0].is_active();
        port.connections.shed();
        assert!(!port.left().contains(&1), "it was silent for longest");
        assert_eq!(port.left().len(), 17);
        port.connections.shed();
        assert_eq!(port.left().len(), 17, "sixteen are no greed");
    }

    #[test]
    fn a_connection_is_not_identified_while_it_is_being_cut() {
        let places = Connections::new(LIMITS).places;
        let place = places.clone().place();
        place.holds(10);
        std::thread::scope(|scope| {
            let mut table = places.table();
            let known = scope.spawn(|| place.known("alice"));
            for _ in 0..10_000 {
                std::thread::yield_now();
                assert!(place.slot.user.get().is_none());
            }
            places.cut(&mut table, place.number);
            drop(table);
            known.join().expect("no panic");
        });
        let counted = [&places.unknown_bytes, &places.known_bytes].map(|bytes| bytes.load(Relaxed));
        assert_eq!((place.held(), counted), (0, [0, 0]));
    }

    #[test]
    fn whoever_holds_most_is_cut_among_their_like() {
        let mut port = Port::new();
        let (first, second) = (port.connect(None), port.connect(None));
        second.holds(70);
        first.holds(31);
        assert_eq!(port.left(), [0], "the second held more");
        let alice = port.connect(Some("alice"));
        let eves = [port.connect(Some("eve")), port.connect(Some("eve"))];
        alice.holds(400);
        eves[0].holds(299);
        eves[1].holds(302);
        assert_eq!(port.left(), [0, 2, 3], "eve holds most, in two pieces");
        let bytes = |port: &Port| port.connections.places.known_bytes.load(Relaxed);
        assert_eq!(bytes(&port), 699);
        alice.holds(0);
        assert_eq!(bytes(&port), 299);
    }

    #[test]
    fn what_a_connection_held_is_free_when_it_ends() {
        let mut port = Port::new();
        let place = port.connect(None);
        place.holds(50);
        place.known("alice");
        let places = port.connections.places.clone();
        assert_eq!(places.unknown_bytes.load(Relaxed), 0);
        assert_eq!(places.known_bytes.load(Relaxed), 50);
        drop(place);
        port.places.clear();
        assert_eq!(places.known_bytes.load(Relaxed), 0);
        assert!(port.left().is_empty());
    }
}
