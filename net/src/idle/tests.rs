use std::future::pending;
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::{Connections, Gate, Limits, Place};

const LIMITS: Limits = Limits {
    connections: 9,
    unknown: 9,
    unknown_bytes: 100,
    known_bytes: 100,
};

/// A second in microseconds.
const SECOND: i64 = 1_000_000;

/// Opens a connection that is idle since `since`, if at all.
fn open(connections: &mut Connections, since: Option<i64>) -> Receiver<()> {
    let (open, closed) = channel();
    connections.spawn(None, |place: Place| {
        if let Some(since) = since {
            place.idle_since(since);
        }
        async move {
            let _both = (place, open);
            pending::<()>().await;
        }
    });
    closed
}

/// Creates the connections of a server behind a gate, which are closed after ten seconds if
/// there are `threshold` of them.
async fn behind(gate: &Gate, threshold: usize) -> Connections {
    let limit = Duration::from_secs(10);
    let made = async { Connections::new(LIMITS) };
    let connections = gate.clone().run(made).await;
    connections.set_idle_rule(IdleRule { limit, threshold });
    connections
}

#[tokio::test]
async fn an_idle_connection_ends_by_the_clock_and_a_busy_one_stays() {
    let gate = Gate::default();
    let mut connections = behind(&gate, 0).await;
    let busy = open(&mut connections, None);
    assert_eq!(gate.next_idle_end(), None);
    let idle = open(&mut connections, Some(5 * SECOND));
    let later = open(&mut connections, Some(6 * SECOND));
    assert_eq!(gate.next_idle_end(), Some(15 * SECOND));
    assert_eq!(gate.close_idle(15 * SECOND - 1), 0);
    assert_eq!(gate.close_idle(15 * SECOND), 1);
    connections.ended().await;
    assert!(idle.recv().is_err(), "it has ended");
    assert_eq!(gate.next_idle_end(), Some(16 * SECOND));
    connections.shutdown().await;
    assert!(later.recv().is_err() && busy.recv().is_err());
    assert_eq!(gate.next_idle_end(), None);
}

#[tokio::test]
async fn what_arrives_ends_the_idle_time() {
    let gate = Gate::default();
    let mut connections = behind(&gate, 0).await;
    let (give, taken) = tokio::sync::oneshot::channel();
    connections.spawn(None, |place| async move {
        place.idle_since(0);
        let _ = give.send(place);
    });
    let place = taken.await.expect("its task runs");
    place.is_active();
    assert_eq!(gate.next_idle_end(), None);
    assert_eq!(gate.close_idle(i64::MAX), 0);
    place.idle_since(7 * SECOND);
    assert_eq!(gate.next_idle_end(), Some(17 * SECOND));
}

#[tokio::test]
async fn below_the_threshold_all_stay_and_above_it_the_longest_idle_go() {
    let gate = Gate::default();
    let mut connections = behind(&gate, 3).await;
    let newer = open(&mut connections, Some(2 * SECOND));
    let oldest = open(&mut connections, Some(SECOND));
    assert_eq!(gate.next_idle_end(), None);
    assert_eq!(gate.close_idle(i64::MAX), 0);
    let newest = open(&mut connections, Some(3 * SECOND));
    assert_eq!(gate.next_idle_end(), Some(11 * SECOND));
    assert_eq!(gate.close_idle(i64::MAX), 1);
    connections.ended().await;
    assert!(oldest.recv().is_err());
    drop((newer, newest));
}

#[tokio::test]
async fn a_paused_server_closes_nothing() {
    let gate = Gate::default();
    let mut connections = behind(&gate, 0).await;
    let _idle = open(&mut connections, Some(0));
    gate.close();
    assert_eq!(gate.next_idle_end(), None);
    assert_eq!(gate.close_idle(i64::MAX), 0);
    gate.open();
    assert_eq!(gate.close_idle(i64::MAX), 1);
}
