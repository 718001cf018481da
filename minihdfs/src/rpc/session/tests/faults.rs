//! Faults in calls and handshakes, and the recorded events.

use std::sync::atomic::{AtomicBool, Ordering};

use kerbox_events::{Event, Latch, Mechanism, Outcome, Verdict};

use super::client::{SIMPLE, call, call_with, context, replies};
use super::*;
use crate::proto::common::rpc_sasl_proto::SaslState;
use crate::testing::Recorder;

fn under(verdict: Verdict) -> (Client, Arc<Recorder>) {
    let hook = Recorder::always(verdict);
    let mut client = Client::new(endpoint(None, &[], hook.clone()));
    client.feed(&[SIMPLE, &context(Some("alice"), None)].concat());
    (client, hook)
}

fn recorded(hook: &Recorder) -> Vec<Outcome> {
    let events = hook.events();
    events
        .iter()
        .filter_map(|event| event.outcome().cloned())
        .collect()
}

#[test]
fn a_call_passes_or_fails_as_the_verdict_says() {
    let (mut client, hook) = under(Verdict::Pass);
    client.ask(&call(1, "getGroupsForUser")).groups();
    client.ask(&call(1, "fail"));
    assert!(matches!(
        recorded(&hook)[..],
        [Outcome::Ok, Outcome::Exception { .. }]
    ));
    let names: Vec<_> = hook.events().iter().map(ToString::to_string).collect();
    assert!(names[0].contains("getGroupsForUser"), "{names:?}");

    let (mut client, hook) = under(Verdict::Exception {
        class: "org.apache.hadoop.ipc.RetriableException".into(),
        message: "busy".into(),
    });
    let reply = client.ask(&call(1, "getGroupsForUser"));
    assert_eq!(
        reply.exception(),
        ("org.apache.hadoop.ipc.RetriableException", "busy")
    );
    assert_eq!(reply.header.status, 1);
    assert!(matches!(recorded(&hook)[..], [Outcome::Exception { .. }]));

    let (mut client, hook) = under(Verdict::Drop);
    assert_eq!(
        client.feed(&call(1, "getGroupsForUser")),
        (Vec::new(), Step::Read)
    );
    assert_eq!(recorded(&hook), [Outcome::Dropped]);

    let (mut client, hook) = under(Verdict::Disconnect);
    assert_eq!(
        client.feed(&call(1, "getGroupsForUser")),
        (Vec::new(), Step::Close)
    );
    assert_eq!(recorded(&hook), [Outcome::Disconnected]);

    let (mut client, hook) = under(Verdict::Kill);
    assert_eq!(
        client.feed(&call(1, "getGroupsForUser")),
        (Vec::new(), Step::Kill)
    );
    assert_eq!(recorded(&hook), [Outcome::Disconnected]);
}

#[test]
fn a_delayed_call_is_answered_after_the_wait() {
    let delay = Duration::from_secs(3);
    let (mut client, hook) = under(Verdict::Delay(delay));
    assert_eq!(
        client.feed(&call(1, "getGroupsForUser")),
        (Vec::new(), Step::Wait(delay))
    );
    assert_eq!(recorded(&hook), []);
    let reply = client.ask(&[]);
    assert_eq!(reply.groups(), ["?", "alice", "alice"]);
    assert_eq!(recorded(&hook), [Outcome::Ok]);
    // Faults are consulted again for the next call.
    assert_eq!(
        client.feed(&call(2, "getGroupsForUser")),
        (Vec::new(), Step::Wait(delay))
    );
}

#[test]
fn a_corrupt_reply_keeps_its_frame() {
    let (mut client, _) = under(Verdict::Corrupt);
    let (output, _) = client.feed(&call(1, "getGroupsForUser"));
    let reply = replies(&output).pop().expect("a reply");
    assert_eq!(reply.header.status, 0);
    assert!(
        prost::Message::decode(reply.message.as_slice())
            .map(|_: GetGroupsForUserResponseProto| ())
            .is_err()
    );
}

#[test]
fn a_handshake_can_be_made_to_fail() {
    let hook = Recorder::always(Verdict::Exception {
        class: "java.io.IOException".into(),
        message: "no".into(),
    });
    let qop = QualityOfProtection::Authentication;
    let mut client = Client::new(endpoint(Some(security(qop)), &[], hook.clone()));
    let reply = client.log_in("alice", qop);
    assert_eq!(reply.exception(), ("java.io.IOException", "no"));
    assert!(matches!(recorded(&hook)[..], [Outcome::Exception { .. }]));
}

#[test]
fn a_handshake_can_be_delayed_or_passed_over_in_silence() {
    let qop = QualityOfProtection::Authentication;
    let delay = Duration::from_secs(2);
    let hook = Recorder::always(Verdict::Delay(delay));
    let mut client = Client::new(endpoint(Some(security(qop)), &[], hook.clone()));
    let initiate = client.token("alice", qop).1;
    assert_eq!(client.feed(&initiate), (Vec::new(), Step::Wait(delay)));
    let reply = client.ask(&[]);
    assert_eq!(reply.sasl().state(), SaslState::Success);
    assert_eq!(recorded(&hook), [Outcome::Ok]);

    let hook = Recorder::always(Verdict::Drop);
    let mut client = Client::new(endpoint(Some(security(qop)), &[], hook.clone()));
    let initiate = client.token("alice", qop).1;
    assert_eq!(client.feed(&initiate), (Vec::new(), Step::Read));
    assert_eq!(recorded(&hook), [Outcome::Dropped]);
}

#[test]
fn a_handshake_that_kills_the_server_leaves_a_trace() {
    let qop = QualityOfProtection::Authentication;
    let hook = Recorder::always(Verdict::Kill);
    let mut client = Client::new(endpoint(Some(security(qop)), &[], hook.clone()));
    let initiate = client.token("alice", qop).1;
    assert_eq!(client.feed(&initiate), (Vec::new(), Step::Kill));
    assert_eq!(recorded(&hook), [Outcome::Disconnected]);
}

#[test]
fn a_handshake_is_recorded_with_its_end() {
    let hook = Recorder::always(Verdict::Pass);
    let qop = QualityOfProtection::Authentication;
    let mut client = Client::new(endpoint(Some(security(qop)), &[], hook.clone()));
    client.log_in("alice", qop);
    let events = hook.events();
    let [
        Event::Sasl {
            mechanism,
            user,
            outcome,
            ..
        },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(
        (*mechanism, &**user, outcome),
        (Mechanism::DigestMd5, "alice", &Outcome::Ok)
    );
}

#[test]
fn a_corrupt_reply_has_as_many_bytes_as_the_true_one() {
    let long = call_with(1, "getGroupsForUser", &"u".repeat(84_000));
    let (mut client, _) = under(Verdict::Pass);
    let (whole, _) = client.feed(&long);
    let (mut client, _) = under(Verdict::Corrupt);
    let (corrupt, _) = client.feed(&long);
    assert_eq!(corrupt.len(), whole.len());
    let differ = corrupt.iter().zip(&whole).filter(|(a, b)| a != b).count();
    let message = replies(&whole).pop().expect("a reply").message.len();
    assert_eq!(differ, message, "all of the message and nothing else");
    assert_eq!(
        replies(&corrupt).pop().expect("a reply").message.len(),
        message
    );
}

#[test]
fn a_lost_reply_is_of_a_call_that_was_carried_out() {
    let (mut client, hook) = under(Verdict::LoseReply);
    assert_eq!(
        client.feed(&call(1, "getGroupsForUser")),
        (Vec::new(), Step::Read)
    );
    assert_eq!(
        client.feed(&call(2, "fail")),
        (Vec::new(), Step::Read),
        "an exception is lost as well"
    );
    assert!(matches!(
        recorded(&hook)[..],
        [Outcome::Ok, Outcome::Exception { .. }]
    ));
}

#[test]
fn a_cut_reply_ends_the_connection() {
    let (mut client, _) = under(Verdict::Pass);
    let (whole, _) = client.feed(&call(1, "getGroupsForUser"));
    let (mut client, hook) = under(Verdict::CutReply(9));
    let (cut, step) = client.feed(&call(1, "getGroupsForUser"));
    assert_eq!((&cut[..], step), (&whole[..9], Step::Close));
    assert_eq!(recorded(&hook), [Outcome::Ok]);
}

#[test]
fn a_chopped_reply_is_whole() {
    let (mut client, _) = under(Verdict::ChopReply(5));
    assert_eq!(client.session.piece(), usize::MAX);
    client.session.input().extend(call(1, "getGroupsForUser"));
    let step = client.session.advance(NOW, &mut client.rng);
    assert_eq!((step, client.session.piece()), (Step::Read, 5));
    let output = client.session.output().clone();
    assert_eq!(
        replies(&output).pop().expect("a reply").groups(),
        ["?", "alice", "alice"]
    );
    client.session.written();
    assert_eq!(client.session.piece(), usize::MAX);
}

#[test]
fn a_held_call_or_handshake_goes_on_when_it_is_let_go() {
    let latch = Latch::new();
    let (mut client, hook) = under(Verdict::Hold(latch.clone()));
    assert_eq!(
        client.feed(&call(1, "getGroupsForUser")),
        (Vec::new(), Step::Hold)
    );
    assert_eq!(client.session.latch(), latch);
    assert_eq!(recorded(&hook), []);
    let reply = client.ask(&[]);
    assert_eq!(reply.groups(), ["?", "alice", "alice"]);

    let qop = QualityOfProtection::Authentication;
    let hook = Recorder::always(Verdict::Hold(latch));
    let mut client = Client::new(endpoint(Some(security(qop)), &[], hook.clone()));
    let initiate = client.token("alice", qop).1;
    assert_eq!(client.feed(&initiate), (Vec::new(), Step::Hold));
    let reply = client.ask(&[]);
    assert_eq!(reply.sasl().state(), SaslState::Success);
    assert_eq!(recorded(&hook), [Outcome::Ok]);
}

#[test]
fn a_half_closed_connection_gets_nothing_and_reads_on() {
    let (mut client, hook) = under(Verdict::HalfClose);
    assert_eq!(
        client.feed(&call(1, "getGroupsForUser")),
        (Vec::new(), Step::HalfClose)
    );
    assert_eq!(recorded(&hook), [Outcome::Disconnected]);
}

#[test]
fn a_joined_reply_comes_with_the_next_one() {
    let joined = AtomicBool::new(false);
    let first = Recorder::ruled(move |event| match event {
        Event::RpcCall { .. } if !joined.swap(true, Ordering::Relaxed) => Verdict::JoinReply,
        _ => Verdict::Pass,
    });
    let mut client = Client::new(endpoint(None, &[], first));
    client.feed(&[SIMPLE, &context(Some("alice"), None)].concat());
    let (nothing, step) = client.feed(&call(1, "getGroupsForUser"));
    assert_eq!((nothing.len(), step), (0, Step::Read));
    assert!(client.session.held() > 0);
    let (both, _) = client.feed(&call(2, "getGroupsForUser"));
    let calls: Vec<_> = replies(&both)
        .iter()
        .map(|reply| reply.header.call_id)
        .collect();
    assert_eq!(calls, [1, 2]);
}
