//! The whole corpus over both transports. Each request must get a valid answer or none, and the
//! next client must be served.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use kerbox_krb5::ErrorCode;
use kerbox_krb5::client::{AsExchange, AsStep, InitialRequest, Secret, TgsExchange, TgsRequest};
use kerbox_krb5::messages::{KrbError, frame};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::prober::Prober;
use crate::support::{REALM, Served, principal};
use kerbox_kdc::testing::corpus::{self, Request};

/// The maximum size of a datagram.
const DATAGRAM: usize = 65_507;

#[test]
fn every_bad_request_is_answered_alike_over_datagrams_and_connections() {
    let served = Served::start();
    let mut prober = Prober::new(served.address);
    for (what, bytes) in corpus::cases(REALM) {
        // Ask over TCP first, so that the KDC's answer cache does not make the two equal.
        let by_tcp = prober
            .connection(&bytes)
            .map(|answer| KrbError::decode(&answer).expect("a KRB-ERROR").code);
        let by_udp = (bytes.len() <= DATAGRAM)
            .then(|| prober.datagram(&bytes))
            .flatten();
        let by_udp = by_udp.map(|answer| KrbError::decode(&answer).expect("a KRB-ERROR").code);
        if bytes.len() <= DATAGRAM && by_udp != Some(ErrorCode::KRB_ERR_RESPONSE_TOO_BIG) {
            assert_eq!(by_tcp, by_udp, "{what}");
        }
    }
    assert_eq!(
        served.login("alice").client.to_string(),
        "alice@EXAMPLE.COM"
    );
}

#[test]
fn ticket_requests_that_are_cut_or_changed_are_answered_alike_over_both() {
    let served = Served::start();
    let mut prober = Prober::new(served.address);
    let request = ticket_request(&served, &mut prober);
    let granted = |answer: Option<Vec<u8>>| {
        answer.map(|answer| KrbError::decode(&answer).map(|error| error.code).ok())
    };
    assert_eq!(
        granted(prober.datagram(&request)),
        Some(None),
        "as it is, it is granted"
    );
    let cut = (0..request.len())
        .step_by(7)
        .map(|length| request[..length].to_vec());
    let changed = (0..request.len()).step_by(3).map(|at| {
        let mut changed = request.clone();
        changed[at] ^= 1 << (at % 8);
        changed
    });
    for bytes in cut.chain(changed) {
        let by_tcp = granted(prober.connection(&bytes));
        let by_udp = granted(prober.datagram(&bytes));
        assert_eq!(by_tcp, by_udp, "{bytes:02x?}");
    }
    assert_eq!(
        served.login("alice").client.to_string(),
        "alice@EXAMPLE.COM"
    );
}

/// Creates alice's request for a ticket to the NameNode.
fn ticket_request(served: &Served, prober: &mut Prober) -> Vec<u8> {
    let mut rng = StdRng::seed_from_u64(3);
    let now = served.clock.now();
    let keytab = served
        .kdc
        .database()
        .keytab([&principal("alice")], now)
        .expect("a known principal");
    let keys = keytab
        .entries()
        .filter_map(|entry| entry.key().cloned())
        .collect();
    let request = InitialRequest::new(principal("alice"));
    let (mut exchange, mut bytes) =
        AsExchange::new(request, Secret::Keys(keys), now, &mut rng).expect("a request");
    let tgt = loop {
        let answer = prober.datagram(&bytes).expect("answered");
        match exchange
            .step(&answer, &mut rng)
            .expect("a ticket in the end")
        {
            AsStep::Send(next) => bytes = next,
            AsStep::Done(tgt) => break tgt,
        }
    };
    let wanted = TgsRequest::service(principal("nn/localhost"), &tgt);
    TgsExchange::new(&tgt, wanted, now, &mut rng)
        .expect("a request")
        .1
}

#[test]
fn a_request_in_a_datagram_s_form_on_a_connection_is_a_length_beyond_measure() {
    let served = Served::start();
    let mut stream = TcpStream::connect(served.address).expect("the KDC listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a socket");
    stream
        .write_all(&Request::new("alice", REALM).encode())
        .expect("sent");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .expect("the connection ends");
    let error = KrbError::decode(&answer[4..]).expect("a KRB-ERROR");
    assert_eq!(error.code, ErrorCode::KRB_ERR_FIELD_TOOLONG);
}

#[test]
fn connections_that_end_in_the_middle_leave_nothing_behind() {
    let served = Served::start();
    let mut prober = Prober::new(served.address);
    assert_eq!(prober.datagram(b""), None);
    let before = served.tasks();
    let request = frame(&Request::new("alice", REALM).encode());
    for length in [0, 1, 3, 4, 5, request.len() - 1, request.len()] {
        let mut stream = TcpStream::connect(served.address).expect("the KDC listens");
        stream.write_all(&request[..length]).expect("sent");
        // Closes the connection without reading anything.
        drop(stream);
        assert_eq!(prober.datagram(b""), None);
    }
    // Sends a length and then nothing, while others are served.
    let mut silent = TcpStream::connect(served.address).expect("the KDC listens");
    silent.write_all(&[0, 0, 1, 0]).expect("sent");
    assert!(served.login("alice").ticket.len() > 100);
    drop(silent);
    for _ in 0..10_000 {
        if served.tasks() <= before {
            return;
        }
        assert_eq!(prober.datagram(b""), None);
    }
    panic!("{} tasks, {before} before", served.tasks());
}

#[test]
fn bad_requests_to_the_password_service_are_refused_or_get_no_answer_over_both() {
    let served = Served::start();
    let mut prober = Prober::new(served.address);
    let message = |version: u16, ap_req: &[u8], rest: &[u8]| {
        let length = 6 + ap_req.len() + rest.len();
        let numbers = [length, version.into(), ap_req.len()];
        let header: Vec<u8> = numbers
            .iter()
            .flat_map(|number| u16::try_from(*number).expect("short").to_be_bytes())
            .collect();
        [&header[..], ap_req, rest].concat()
    };
    let mut wrong_length = message(1, b"x", b"y");
    wrong_length[1] += 1;
    let mut no_ap_req = message(1, b"x", b"y");
    no_ap_req[5] = 0xFF;
    for (answered, bytes) in [
        (false, message(0, b"x", b"y")),
        (false, message(2, b"x", b"y")),
        (false, message(1, b"", b"y")),
        (false, message(0xFF80, b"", b"")),
        // An AP-REP (CVE-2002-2443): two services must never answer each other's answers.
        (false, message(1, b"\x6F\x03\x30\x01\x00", b"y")),
        (false, wrong_length),
        (false, no_ap_req),
        (true, message(1, b"\x6E\x02\x30\x00", b"y")),
        (true, message(0xFF80, &[0x6E; 3000], &[0x75; 3000])),
    ] {
        for answer in [prober.datagram(&bytes), prober.connection(&bytes)] {
            // The password service's error is not a bare KRB-ERROR, but one in its frame.
            let error = answer
                .as_deref()
                .map(|answer| KrbError::decode(&answer[6..]).expect("a KRB-ERROR").code);
            assert_eq!(error.is_some(), answered, "{bytes:02x?}: {error:?}");
        }
    }
    assert_eq!(
        served
            .kdc
            .database()
            .get(&principal("alice"))
            .expect("alice")
            .kvno(),
        1
    );
}
