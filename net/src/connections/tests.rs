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
        self.connections.spawn(None, |place| {
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

#[test]
fn connections_are_shown_with_their_users_and_protection() {
    let mut port = Port::new();
    port.connect(None);
    port.connect(Some("alice")).protected("auth-conf");
    let mut seen = Vec::new();
    port.connections.places.show(&mut |peer| {
        seen.push((peer.user.map(str::to_owned), peer.protection));
    });
    let alice = (Some("alice".to_owned()), Some("auth-conf"));
    assert_eq!(seen, [(None, None), alice]);
}
