//! Bytes that no server should send.

use rand::RngExt;

use super::refusals::frame;
use super::*;

/// A client without security that waits for the calls 0 and 1.
fn waiting() -> ClientConnection {
    let mut client = connection(Identity::simple("alice"), settings());
    client.call(call(0, "x"), NOW);
    client.call(call(1, "x"), NOW);
    client
}

fn failure(bytes: &[u8]) -> String {
    let mut client = waiting();
    client.input().extend_from_slice(bytes);
    let step = client.advance(NOW, &mut StdRng::seed_from_u64(1));
    assert_eq!(step, ClientStep::Close);
    let replies: Vec<_> = std::iter::from_fn(|| client.next_reply()).collect();
    assert_eq!(replies.len(), 2, "all calls fail");
    client.failure().expect("a reason").to_string()
}

#[test]
fn responses_come_in_any_order_and_in_any_pieces() {
    let bytes = [
        frame(9, &[7; 16], b"nobody waits for this"),
        frame(1, &[7; 16], b"one"),
        frame(0, &[], b"zero"),
    ]
    .concat();
    let mut client = waiting();
    let mut replies = Vec::new();
    for byte in bytes {
        client.input().push(byte);
        let step = client.advance(NOW, &mut StdRng::seed_from_u64(1));
        assert_eq!(step, ClientStep::Read);
        replies.extend(client.next_reply());
    }
    let contents: Vec<_> = replies
        .into_iter()
        .map(|reply| (reply.call_id, reply.outcome.expect("a response")))
        .collect();
    assert_eq!(contents, [(1, b"one".to_vec()), (0, b"zero".to_vec())]);
}

#[test]
fn a_call_that_is_given_up_gets_no_reply() {
    let mut client = waiting();
    client.forget(0);
    client.input().extend(frame(0, &[7; 16], b"late"));
    client.advance(NOW, &mut StdRng::seed_from_u64(1));
    assert_eq!(client.next_reply(), None);
    client.fail(RpcError::Lost("End of File".to_owned()));
    assert_eq!(client.next_reply().map(|reply| reply.call_id), Some(1));
    assert_eq!(client.next_reply(), None);
    client.call(call(2, "x"), NOW);
    let reply = client.next_reply().expect("calls after the end fail");
    assert_eq!(reply.outcome, Err(RpcError::Lost("End of File".to_owned())));
}

#[test]
fn frames_that_are_no_responses_end_the_connection() {
    let long = "the length 134217729, and at most 134217728 is allowed";
    let mut excess = frame(0, &[7; 16], b"zero");
    excess[3] += 1;
    excess.push(0);
    for (bytes, expected) in [
        (b"HTTP/1.1 404".to_vec(), "has the length"),
        (vec![0xff; 4], "the length -1"),
        (0x0800_0001_u32.to_be_bytes().to_vec(), long),
        (vec![0; 4], "cannot be decoded"),
        (vec![0, 0, 0, 1, 0], "cannot be decoded"),
        (excess, "1 bytes are left over"),
        (
            frame(0, &[8; 16], b""),
            "Client IDs not matched: local ID=07070707070707070707070707070707, ID in \
             response=08080808080808080808080808080808",
        ),
    ] {
        let why = failure(&bytes);
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn a_wrapped_connection_takes_nothing_that_is_not_wrapped_or_was_changed() {
    for qop in [Integrity, Privacy] {
        let mut pair = Pair::secure(qop, alice());
        pair.who(0).expect("a response");
        pair.client.call(call(1, "x"), pair.now);
        pair.client.input().extend(frame(1, &[7; 16], b""));
        assert_eq!(pair.drive(), ClientStep::Close);
        let error = pair.client.next_reply().expect("a reply").outcome;
        assert_eq!(
            error,
            Err(RpcError::Protocol(
                "Server sent non-wrapped response".to_owned()
            ))
        );

        let mut pair = Pair::secure(qop, alice());
        pair.who(0).expect("a response");
        let mut wrapped = pair.received.clone();
        // The last message again: its number is taken.
        let tail = last_frame(&wrapped);
        pair.client.call(call(1, "x"), pair.now);
        pair.client
            .input()
            .extend_from_slice(&wrapped[tail.clone()]);
        assert_eq!(pair.drive(), ClientStep::Close);
        assert!(matches!(pair.client.failure(), Some(RpcError::Sasl(_))));
        *wrapped.last_mut().expect("bytes") ^= 1;
        let mut pair = Pair::secure(qop, alice());
        pair.who(0).expect("a response");
        pair.client.input().extend_from_slice(&wrapped[tail]);
        assert_eq!(pair.drive(), ClientStep::Close);
    }
}

/// Returns the place of the last frame in a stream.
fn last_frame(stream: &[u8]) -> std::ops::Range<usize> {
    let mut start = 0;
    loop {
        let length = stream[start..].first_chunk::<4>().expect("a length");
        let end = start + 4 + u32::from_be_bytes(*length) as usize;
        if end == stream.len() {
            return start..end;
        }
        start = end;
    }
}

#[test]
fn whatever_a_server_sends_nothing_panics_and_every_call_ends() {
    let identities = [
        Identity::simple("alice"),
        Identity::token(token("bob")),
        alice(),
    ];
    for (number, identity) in identities.into_iter().enumerate() {
        let qop = [Authentication, Integrity, Privacy][number];
        let mut pair = match number {
            0 => Pair::simple(identity.clone()),
            _ => Pair::secure(qop, identity.clone()),
        };
        pair.who(0).expect("a response");
        let stream = pair.received;
        let mut rng = StdRng::seed_from_u64(number as u64);
        for _ in 0..2000 {
            let mut changed = stream.clone();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..changed.len());
                match rng.random_range(0..3) {
                    0 => changed[at] = rng.random(),
                    1 => changed.truncate(at + 1),
                    _ => changed.insert(at, rng.random()),
                }
            }
            let mut client = connection(identity.clone(), settings());
            client.call(call(0, "x"), NOW);
            client.input().extend_from_slice(&changed);
            let mut parties = parties();
            for _ in 0..3 {
                if let ClientStep::Ticket(_) = client.advance(NOW, &mut rng) {
                    client.ticket(Ok(parties.credentials()), NOW, &mut rng);
                }
            }
            client.fail(RpcError::Lost("End of File".to_owned()));
            assert!(client.next_reply().is_some());
            assert_eq!(client.next_reply(), None);
        }
    }
}
