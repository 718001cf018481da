//! Datagrams and connections, valid and invalid.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{Event, Hook, Latch, Verdict};
use kerbox_kdc::server::MAX_CONNECTIONS;
use kerbox_krb5::client::{AsExchange, InitialRequest, Secret};
use kerbox_krb5::messages::{KrbError, frame};
use kerbox_krb5::{ErrorCode, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Served, principal, theirs};

/// Creates an AS-REQ without pre-authentication.
fn request(seed: u64) -> Vec<u8> {
    let request = InitialRequest::new(principal("alice"));
    let now = Timestamp::from_secs(1_700_000_000);
    AsExchange::new(
        request,
        Secret::Keys(Vec::new()),
        now,
        &mut StdRng::seed_from_u64(seed),
    )
    .expect("a request")
    .1
}

fn connect(served: &Served) -> TcpStream {
    let stream = TcpStream::connect(served.address).expect("the KDC listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a socket");
    stream
}

/// Reads one framed answer; `None` if the connection ended.
fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).ok()?;
    let mut answer = vec![0; u32::from_be_bytes(header) as usize];
    stream.read_exact(&mut answer).expect("the whole answer");
    Some(answer)
}

#[track_caller]
fn code(answer: &[u8]) -> ErrorCode {
    KrbError::decode(answer).expect("a KRB-ERROR").code
}

#[test]
fn over_datagrams_alone_and_over_connections_alone() {
    let served = Served::start();
    for udp in [true, false] {
        let client = served.client().with_udp(udp);
        let tgt = client
            .login_with_keytab(&theirs("alice"), &served.keytab("alice"))
            .expect("a ticket");
        assert!(client.service_ticket(&tgt, &theirs("nn/localhost")).is_ok());
    }
}

#[test]
fn a_client_comes_by_tcp_when_the_answer_is_too_long_for_a_datagram() {
    let served = Served::start_with(|kdc| kdc.with_udp_limit(300));
    assert_eq!(
        served.login("alice").client.to_string(),
        "alice@EXAMPLE.COM"
    );
}

#[test]
fn a_connection_ends_with_its_answer_whatever_comes_after_the_request() {
    let served = Served::start();
    // The client does not close its side: it may wait for the server to close.
    let mut stream = connect(&served);
    let garbage = [0; 100_000];
    stream
        .write_all(&[&frame(&request(1))[..], &garbage].concat())
        .expect("sent");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("the end, no reset");
    assert_eq!(code(&all[4..]), ErrorCode::KDC_ERR_PREAUTH_REQUIRED);
    assert_eq!(frame(&all[4..]), all);
}

#[test]
fn long_requests_that_do_not_end_keep_nobody_else_from_being_answered() {
    let served = Served::start();
    let stuck: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = connect(&served);
            stream
                .write_all(&0x000F_FFFF_u32.to_be_bytes())
                .expect("sent");
            stream.write_all(&[0; 1000]).expect("sent");
            stream
        })
        .collect();
    let mut stream = connect(&served);
    stream.write_all(&frame(&request(1))).expect("sent");
    assert_eq!(
        code(&read(&mut stream).expect("an answer")),
        ErrorCode::KDC_ERR_PREAUTH_REQUIRED
    );
    drop(stuck);
}

#[test]
fn a_request_that_trickles_in_is_answered() {
    let served = Served::start();
    let mut stream = connect(&served);
    for byte in frame(&request(1)) {
        stream.write_all(&[byte]).expect("sent");
    }
    assert_eq!(
        code(&read(&mut stream).expect("an answer")),
        ErrorCode::KDC_ERR_PREAUTH_REQUIRED
    );
}

#[test]
fn a_length_beyond_all_measure_is_refused_and_the_connection_closed() {
    let served = Served::start();
    for length in [0x7FFF_FFFF_u32, 0xFFFF_FFFF, 0x8000_0001, 0x0010_0001] {
        let mut stream = connect(&served);
        stream.write_all(&length.to_be_bytes()).expect("sent");
        assert_eq!(
            code(&read(&mut stream).expect("an answer")),
            ErrorCode::KRB_ERR_FIELD_TOOLONG
        );
        assert_eq!(read(&mut stream), None);
    }
}

#[test]
fn what_is_no_request_ends_the_connection_and_gets_no_datagram() {
    let served = Served::start();
    for bytes in [&b""[..], b"\x6A\xFF", b"\xFF\xFF"] {
        let mut stream = connect(&served);
        stream.write_all(&frame(bytes)).expect("sent");
        assert_eq!(read(&mut stream), None);
    }
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(served.address).expect("a socket");
    for bytes in [&b""[..], b"\x6A\xFF", &[0; 60_000]] {
        socket.send(bytes).expect("sent");
    }
    // The received answer is for this request, not for the data before it.
    socket.send(&request(1)).expect("sent");
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a socket");
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer).expect("an answer");
    assert_eq!(code(&answer[..length]), ErrorCode::KDC_ERR_PREAUTH_REQUIRED);
}

#[test]
fn silent_connections_make_room_for_others() {
    const SILENT: usize = 1000;
    const { assert!(SILENT > MAX_CONNECTIONS) };
    // Both ends are in this process, and many systems limit a process to 1024 descriptors by
    // default.
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("up to the hard limit is allowed");
    let served = Served::start();
    let silent: Vec<TcpStream> = (0..SILENT).map(|_| connect(&served)).collect();
    let mut stream = connect(&served);
    stream.write_all(&frame(&request(1))).expect("sent");
    assert_eq!(
        code(&read(&mut stream).expect("an answer")),
        ErrorCode::KDC_ERR_PREAUTH_REQUIRED
    );
    let mut first = silent.into_iter().next().expect("there are many");
    assert_eq!(read(&mut first), None, "the first one was closed");
}

/// A hook with the same verdict on every AS exchange.
struct Fault(Verdict);

impl Hook for Fault {
    fn ask(&self, _now: Timestamp, event: &Event) -> Verdict {
        match event {
            Event::AsExchange { .. } => self.0.clone(),
            _ => Verdict::Pass,
        }
    }

    fn record(&self, _now: Timestamp, _event: Event) {}

    fn watching(&self) -> bool {
        true
    }
}

fn faulty(verdict: Verdict) -> Served {
    Served::start_with(|kdc| kdc.with_hook(Arc::new(Fault(verdict))))
}

#[test]
fn a_fault_answers_with_a_code_of_choice() {
    let served = faulty(Verdict::KrbError(ErrorCode::KDC_ERR_SVC_UNAVAILABLE));
    let mut stream = connect(&served);
    stream.write_all(&frame(&request(1))).expect("sent");
    assert_eq!(
        code(&read(&mut stream).expect("an answer")),
        ErrorCode::KDC_ERR_SVC_UNAVAILABLE
    );
}

#[test]
fn a_fault_closes_the_connection_or_stops_the_kdc() {
    let served = faulty(Verdict::Disconnect);
    let mut stream = connect(&served);
    stream.write_all(&frame(&request(1))).expect("sent");
    assert_eq!(read(&mut stream), None);
    assert!(TcpStream::connect(served.address).is_ok());

    let killed = faulty(Verdict::Kill);
    let mut stream = connect(&killed);
    stream.write_all(&frame(&request(1))).expect("sent");
    assert_eq!(read(&mut stream), None);
    let address = killed.address;
    drop(killed);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_fault_spoils_or_delays_the_answer() {
    let served = faulty(Verdict::Corrupt);
    let mut stream = connect(&served);
    stream.write_all(&frame(&request(1))).expect("sent");
    assert!(read(&mut stream).is_some());
    let delayed = faulty(Verdict::Delay(Duration::from_millis(20)));
    let mut stream = connect(&delayed);
    stream.write_all(&frame(&request(1))).expect("sent");
    stream
        .set_read_timeout(Some(Duration::from_millis(5)))
        .expect("a socket");
    assert_eq!(read(&mut stream), None, "nothing comes yet");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a socket");
    assert!(read(&mut stream).is_some());
}

#[test]
fn a_fault_cuts_the_answer_on_both_transports() {
    let served = faulty(Verdict::CutReply(7));
    let mut stream = connect(&served);
    stream.write_all(&frame(&request(1))).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an end");
    assert_eq!(answer.len(), 7);
    let socket = datagrams(&served);
    socket.send(&request(2)).expect("sent");
    assert_eq!(socket.recv(&mut [0; 100]).expect("an answer"), 7);
}

#[test]
fn a_fault_that_says_nothing_keeps_the_connection() {
    for verdict in [Verdict::Drop, Verdict::LoseReply] {
        let served = faulty(verdict);
        let mut stream = connect(&served);
        stream.write_all(&frame(&request(1))).expect("sent");
        stream
            .set_read_timeout(Some(Duration::from_millis(20)))
            .expect("a socket");
        let silent = stream.read(&mut [0]).expect_err("no answer and no end");
        assert!(matches!(
            silent.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        ));
    }
}

#[test]
fn a_held_request_is_answered_on_both_transports_once_it_is_let_go() {
    let latch = Latch::new();
    let served = faulty(Verdict::Hold(latch.clone()));
    let mut stream = connect(&served);
    stream.write_all(&frame(&request(1))).expect("sent");
    let socket = datagrams(&served);
    socket.send(&request(2)).expect("sent");
    socket
        .set_read_timeout(Some(Duration::from_millis(20)))
        .expect("a socket");
    assert!(socket.recv(&mut [0; 100]).is_err(), "nothing comes yet");
    latch.open();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a socket");
    assert!(socket.recv(&mut [0; 4096]).is_ok());
    assert!(read(&mut stream).is_some());
}

fn datagrams(served: &Served) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(served.address).expect("an address");
    socket
}
