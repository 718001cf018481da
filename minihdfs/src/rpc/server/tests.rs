use std::io::{Read, Write};
use std::net;
use std::pin::pin;
use std::sync::Mutex;
use std::thread::{self, ThreadId};

use kerbox_events::{Outcome, Verdict};

use super::*;
use crate::rpc::session::tests::client::{SIMPLE, call, call_with, context, replies};
use crate::rpc::testing::{endpoint, security};
use crate::sasl::QualityOfProtection;
use crate::testing::Recorder;

/// Runs `client` against a served port until both have ended. The server is shut down once the
/// client has ended.
fn served<T: Send + 'static>(
    secure: bool,
    rule: fn(&Event) -> Verdict,
    client: impl FnOnce(net::TcpStream) -> T + Send + 'static,
) -> (T, Vec<Event>) {
    let hook = Recorder::ruled(rule);
    let security = secure.then(|| security(QualityOfProtection::Authentication));
    let outcome = serve_client(endpoint(security, &[], hook.clone()), client);
    let events = hook.events();
    (outcome, events)
}

/// Serves a port until `client` and the server have ended.
pub(super) fn serve_client<T: Send + 'static>(
    endpoint: RpcEndpoint,
    client: impl FnOnce(net::TcpStream) -> T + Send + 'static,
) -> T {
    let endpoint = Arc::new(endpoint);
    let listener = net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let outcome = runtime.block_on(async {
        let client = tokio::task::spawn_blocking(move || {
            client(net::TcpStream::connect(address).expect("connected"))
        });
        let server = serve(
            endpoint,
            listener,
            Clock::system(),
            1,
            std::future::pending(),
        );
        let mut client = pin!(client);
        tokio::select! {
            outcome = &mut client => outcome,
            ended = server => {
                ended.expect("the socket can be used");
                client.await
            }
        }
    });
    outcome.expect("the client does not panic")
}

pub(super) fn read_all(mut stream: net::TcpStream) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    stream.read_to_end(&mut output).map(|_| output)
}

pub(super) fn greeting() -> Vec<u8> {
    [
        SIMPLE,
        &context(Some("alice"), None),
        &call(1, "getGroupsForUser"),
    ]
    .concat()
}

#[test]
fn a_refusal_reaches_a_client_that_goes_on_sending() {
    let (output, events) = served(
        true,
        |_| Verdict::Pass,
        |mut stream| {
            stream.write_all(&greeting()).expect("written");
            stream.write_all(&[0; 200_000]).expect("written");
            stream.shutdown(net::Shutdown::Write).expect("shut down");
            read_all(stream)
        },
    );
    let replies = replies(&output.expect("no reset"));
    assert!(
        replies[0]
            .exception()
            .1
            .starts_with("SIMPLE authentication is not enabled.")
    );
    assert!(matches!(events[0], Event::Connection { opened: true, .. }));
}

#[test]
fn calls_are_answered_until_the_client_leaves() {
    let (output, events) = served(
        false,
        |_| Verdict::Pass,
        |mut stream| {
            stream.write_all(&greeting()).expect("written");
            stream.shutdown(net::Shutdown::Write).expect("shut down");
            read_all(stream)
        },
    );
    assert_eq!(
        replies(&output.expect("read"))[0].groups(),
        ["?", "alice", "alice"]
    );
    assert!(
        events
            .iter()
            .any(|event| event.outcome() == Some(&Outcome::Ok))
    );
}

#[test]
fn a_fault_that_kills_the_server_cuts_every_connection() {
    let (output, _) = served(
        false,
        |event| match event {
            Event::RpcCall { .. } => Verdict::Kill,
            _ => Verdict::Pass,
        },
        |mut stream| {
            stream.write_all(&greeting()).expect("written");
            read_all(stream)
        },
    );
    assert!(output.is_err() || output.is_ok_and(|output| output.is_empty()));
}

#[test]
fn a_client_that_trickles_has_one_deadline_for_all() {
    let (taken, _) = served(
        true,
        |_| Verdict::Pass,
        |mut stream| {
            let pause = Some(Duration::from_millis(50));
            stream.set_read_timeout(pause).expect("a timeout");
            let frame = [&b"hrpc\x09\x00\xdf\x00\x00\x04\x00"[..], &[0; 1_000]].concat();
            frame
                .iter()
                .take_while(|byte| {
                    stream.write_all(&[**byte]).is_ok() && !matches!(stream.read(&mut [0]), Ok(0))
                })
                .count()
        },
    );
    assert!((2..200).contains(&taken), "{taken} bytes were taken");
}

/// The threads that asked for a verdict on a call.
static SERVED_BY: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

#[test]
fn a_long_request_is_served_aside_and_the_next_ones_after_it() {
    let (output, _) = served(
        false,
        |event| {
            if matches!(event, Event::RpcCall { .. }) {
                let mut served_by = SERVED_BY.lock().expect("not poisoned");
                served_by.push(thread::current().id());
            }
            Verdict::Pass
        },
        |mut stream| {
            let long = call_with(1, "getGroupsForUser", &"u".repeat(1 << 20));
            let calls = [greeting(), long, call(2, "getGroupsForUser")].concat();
            stream.write_all(&calls).expect("written");
            stream.shutdown(net::Shutdown::Write).expect("shut down");
            read_all(stream)
        },
    );
    let replies = replies(&output.expect("read"));
    assert_eq!(replies[1].groups()[0].len(), 1 << 20);
    assert_eq!(replies[2].groups(), ["?", "alice", "alice"]);
    let served_by = SERVED_BY.lock().expect("not poisoned");
    // The runtime, which serves all other connections, has this thread.
    let runtime = thread::current().id();
    assert_eq!(served_by[0], runtime, "the short request before it");
    assert_ne!(served_by[1], runtime, "the long one keeps nobody waiting");
}

#[test]
fn a_request_of_exactly_the_limit_is_served() {
    let (output, _) = served(
        false,
        |_| Verdict::Pass,
        |mut stream| {
            // First: to build the request takes longer than an unidentified client may take.
            stream.write_all(&greeting()).expect("written");
            let limit = 32 << 20;
            let user = limit - (call_with(1, "fail", &"u".repeat(limit - 100)).len() - 4);
            let longest = call_with(1, "fail", &"u".repeat(limit - 100 + user));
            assert_eq!(longest.len(), 4 + limit);
            stream.write_all(&longest).expect("written");
            stream.shutdown(net::Shutdown::Write).expect("shut down");
            read_all(stream)
        },
    );
    let replies = replies(&output.expect("read"));
    assert_eq!(replies[1].exception().1, "not now");
    assert!(room_for(usize::MAX) == usize::MAX && room_for(100) > 125);
}

#[test]
fn a_chopped_response_arrives_whole_and_a_cut_one_as_far_as_it_was_sent() {
    let ask = |mut stream: net::TcpStream| {
        stream.write_all(&greeting()).expect("written");
        stream.shutdown(net::Shutdown::Write).expect("shut down");
        read_all(stream).expect("no reset")
    };
    let (whole, _) = served(false, |_| Verdict::Pass, ask);
    let (chopped, _) = served(false, |event| on_calls(event, Verdict::ChopReply(3)), ask);
    assert_eq!(chopped, whole);
    let (cut, _) = served(false, |event| on_calls(event, Verdict::CutReply(11)), ask);
    assert_eq!(cut, whole[..11]);
}

fn on_calls(event: &Event, verdict: Verdict) -> Verdict {
    match event {
        Event::RpcCall { .. } => verdict,
        _ => Verdict::Pass,
    }
}

#[test]
fn a_fault_can_answer_a_connection() {
    let (output, events) = served(
        false,
        |event| match event {
            Event::Connection { .. } => Verdict::Disconnect,
            _ => Verdict::Pass,
        },
        read_all,
    );
    assert_eq!(output.expect("closed"), b"");
    assert!(matches!(events[0], Event::Connection { opened: true, .. }));
}
