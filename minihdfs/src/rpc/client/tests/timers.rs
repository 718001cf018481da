//! Pings, timeouts and idle connections.

use std::time::Duration;

use super::refusals::frame;
use super::*;

fn seconds(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn client(change: impl FnOnce(&mut ClientSettings)) -> ClientConnection {
    let mut settings = settings();
    change(&mut settings);
    let mut client = connection(Identity::simple("alice"), settings);
    client.output().clear();
    client
}

impl ClientConnection {
    fn at(&mut self, seconds: u64) -> ClientStep {
        self.advance(self::seconds(seconds), &mut StdRng::seed_from_u64(1))
    }
}

#[test]
fn a_silent_server_is_pinged_and_then_given_up() {
    let mut client = client(|_| {});
    client.call(call(0, "x"), NOW);
    client.output().clear();
    assert_eq!(client.next_deadline(), Some(seconds(60)));
    assert_eq!(client.at(59), ClientStep::Read);
    assert!(client.output().is_empty());
    assert_eq!(client.at(60), ClientStep::Read);
    // Call id -4, no client id, retry count -1.
    let ping = b"\0\0\0\x0b\x0a\x08\x02\x10\0\x18\x07\x22\0\x28\x01";
    assert_eq!(client.output(), ping);
    client.output().clear();
    assert_eq!(client.next_deadline(), Some(seconds(120)));
    assert_eq!(client.at(120), ClientStep::Close);
    let reply = client.next_reply().expect("the call fails");
    assert_eq!(
        reply.outcome,
        Err(RpcError::TimedOut(Duration::from_secs(2 * 60)))
    );
}

#[test]
fn without_a_timeout_pings_go_on_and_without_pings_the_timeout_counts() {
    let mut patient = client(|settings| settings.rpc_timeout = Duration::ZERO);
    patient.call(call(0, "x"), NOW);
    for minute in 1..100 {
        patient.output().clear();
        assert_eq!(patient.at(minute * 60), ClientStep::Read);
        assert_eq!(patient.output().len(), 15, "one ping");
    }
    let mut strict = client(|settings| {
        settings.ping = false;
        settings.rpc_timeout = Duration::from_secs(7);
    });
    strict.call(call(0, "x"), NOW);
    assert_eq!(strict.next_deadline(), Some(seconds(7)));
    assert_eq!(strict.at(7), ClientStep::Close);
}

#[test]
fn a_server_that_answers_other_calls_is_not_silent() {
    let mut client = client(|_| {});
    client.call(call(0, "x"), NOW);
    client.call(call(1, "x"), NOW);
    assert_eq!(client.at(60), ClientStep::Read);
    client.input().extend(frame(1, &[7; 16], b""));
    assert_eq!(client.at(100), ClientStep::Read);
    assert_eq!(client.next_reply().map(|reply| reply.call_id), Some(1));
    assert_eq!(client.at(159), ClientStep::Read);
    assert_eq!(client.at(160), ClientStep::Read);
    assert_eq!(client.at(220), ClientStep::Close);
}

#[test]
fn a_connection_without_calls_ends_and_a_new_call_starts_its_time_anew() {
    let mut client = client(|_| {});
    assert_eq!(client.next_deadline(), Some(seconds(10)));
    client.call(call(0, "x"), seconds(9));
    assert_eq!(client.next_deadline(), Some(seconds(69)));
    client.input().extend(frame(0, &[7; 16], b""));
    assert_eq!(client.at(30), ClientStep::Read);
    assert_eq!(client.at(39), ClientStep::Read);
    assert_eq!(client.at(40), ClientStep::Close);
    assert_eq!(client.next_deadline(), None);
}

#[test]
fn a_server_that_does_not_finish_the_handshake_is_given_up() {
    let mut client = connection(alice(), settings());
    client.call(call(0, "x"), NOW);
    assert_eq!(client.at(59), ClientStep::Read);
    assert_eq!(client.at(60), ClientStep::Close);
    let reply = client.next_reply().expect("the call fails");
    assert_eq!(
        reply.outcome,
        Err(RpcError::TimedOut(Duration::from_secs(60)))
    );
}

#[test]
fn policies_pause_as_hadoops_do() {
    let rng = &mut StdRng::seed_from_u64(2);
    let error = RpcError::Remote(RemoteException {
        error: crate::HdfsError::retriable("later"),
        code: None,
    });
    let lost = RpcError::Lost("x".to_owned());
    let sleep = Duration::from_millis(400);
    let fixed = RetryPolicy::FixedSleep {
        max_retries: 2,
        sleep,
    };
    let mut pauses = |policy: &RetryPolicy, error| {
        (0..4)
            .map(|retries| policy.next_attempt(error, retries, &mut *rng))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        pauses(&fixed, &error),
        [Some(sleep), Some(sleep), None, None]
    );
    assert_eq!(pauses(&RetryPolicy::default(), &error), [None; 4]);
    let proportional = RetryPolicy::ProportionalSleep {
        max_retries: 2,
        sleep,
    };
    assert_eq!(
        pauses(&proportional, &error)[..2],
        [Some(sleep), Some(sleep * 2)]
    );
    let exponential = RetryPolicy::ExponentialBackoff {
        max_retries: 3,
        sleep,
    };
    for (index, pause) in pauses(&exponential, &error)[..3].iter().enumerate() {
        let middle = sleep * (1 << index);
        let pause = pause.expect("a pause");
        assert!(pause >= middle / 2 && pause <= middle * 3 / 2, "{pause:?}");
    }
    let by_class = RetryPolicy::ByRemoteException {
        classes: vec![("org.apache.hadoop.ipc.RetriableException".to_owned(), fixed)],
        default: Box::default(),
    };
    assert_eq!(pauses(&by_class, &error)[0], Some(sleep));
    assert_eq!(pauses(&by_class, &lost)[0], None);
}
