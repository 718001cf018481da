//! Arbitrary input in arbitrary pieces causes no panic and no unbounded memory use.

use super::client::{SASL, SIMPLE, call, call_of, context, header, sasl};
use super::*;
use crate::proto::common::rpc_sasl_proto::SaslState;

fn conversations() -> Vec<(Client, Vec<u8>)> {
    let calls = [
        context(Some("alice"), None),
        call(1, "getGroupsForUser"),
        call(2, "fail"),
    ]
    .concat();
    let negotiate = sasl(SaslState::Negotiate, None, &[]);
    vec![
        (simple(), [SIMPLE, &calls].concat()),
        (simple(), [SASL, &negotiate, &calls].concat()),
        (
            secure(QualityOfProtection::Privacy),
            [SASL, &negotiate].concat(),
        ),
    ]
}

#[test]
fn the_answer_does_not_depend_on_how_the_bytes_are_cut() {
    for index in 0..conversations().len() {
        let (mut whole, bytes) = conversations().swap_remove(index);
        let (expected, _) = whole.feed(&bytes);
        for cut in 0..bytes.len() {
            let (mut client, _) = conversations().swap_remove(index);
            let (first, _) = client.feed(&bytes[..cut]);
            let (second, _) = client.feed(&bytes[cut..]);
            assert_eq!([first, second].concat(), expected, "cut at {cut}");
        }
        let (mut client, _) = conversations().swap_remove(index);
        let by_byte: Vec<u8> = bytes
            .iter()
            .flat_map(|byte| client.feed(&[*byte]).0)
            .collect();
        assert_eq!(by_byte, expected);
    }
}

#[test]
fn a_flipped_byte_never_panics() {
    for index in 0..conversations().len() {
        let (_, bytes) = conversations().swap_remove(index);
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let (mut client, mut bytes) = conversations().swap_remove(index);
                bytes[at] ^= flip;
                client.feed(&bytes);
            }
        }
    }
}

#[test]
fn a_varint_cut_at_the_limit_of_parts_never_panics() {
    // With the fields before it, the cut varint meets the limit while it is read byte by byte.
    let body = [&[0x10, 0x00].repeat(24_999)[..], &[0x10, 0x80, 0x80]].concat();
    let mut payload = Vec::new();
    prost::encoding::encode_varint(body.len() as u64, &mut payload);
    payload.extend(&body);
    for call_id in [-33, -3] {
        let header = prost::Message::encode_length_delimited_to_vec(&header(call_id));
        let message = client::frame(&[header, payload.clone()]);
        let (mut client, _) = conversations().swap_remove(1);
        let (_, step) = client.feed(&[SASL, &message].concat());
        assert_eq!(step, Step::Close);
    }
    let (mut client, bytes) = conversations().swap_remove(0);
    client.feed(&bytes);
    let method = "getGroupsForUser";
    let call = client::raw_call(&header(7), CLIENT_PROTOCOL, 1, method, payload);
    let reply = client.ask(&call);
    let (_, message) = reply.exception();
    assert!(
        message.starts_with("Cannot decode the request of"),
        "{message}"
    );
}

#[test]
fn a_client_that_does_not_read_is_not_served_without_end() {
    let (mut client, bytes) = conversations().swap_remove(0);
    client.feed(&bytes);
    let calls = call(9, "getGroupsForUser").repeat(10_000);
    client.session.input().extend_from_slice(&calls);
    let step = client.session.advance(NOW, &mut rng());
    assert_eq!(step, Step::Write);
    assert!(client.session.output().len() < OUTPUT_HIGH_WATER + 1_000);
    let mut answered = 0;
    loop {
        answered += client::replies(&std::mem::take(client.session.output())).len();
        match client.session.advance(NOW, &mut rng()) {
            Step::Write => {}
            step => {
                assert_eq!(step, Step::Read);
                answered += client::replies(client.session.output()).len();
                break;
            }
        }
    }
    assert_eq!(answered, 10_000);
}

#[test]
fn names_of_methods_that_do_not_exist_are_neither_kept_nor_repeated_whole() {
    let (mut client, bytes) = conversations().swap_remove(0);
    client.feed(&bytes);
    let known = client.session.methods.len();
    for letter in ["x", "y", "z"] {
        let name = letter.repeat(5 << 20);
        for (protocol, method) in [(CLIENT_PROTOCOL, name.as_str()), (name.as_str(), "fail")] {
            let reply = client.ask(&call_of(&header(3), protocol, 1, method));
            let (_, message) = reply.exception();
            assert!(message.contains("… (cut: 5242880 bytes)"), "{message}");
            assert!(message.len() < 3_000);
        }
    }
    assert_eq!(client.session.methods.len(), known);
    client.ask(&call(4, "getGroupsForUser"));
    assert_eq!(client.session.methods.len(), known, "that one is known");
}

#[test]
fn a_flood_of_frames_gives_others_their_turn() {
    let (mut client, bytes) = conversations().swap_remove(0);
    client.feed(&bytes);
    let ping = client::frame(&[prost::Message::encode_length_delimited_to_vec(&header(-4))]);
    let (output, step) = client.feed(&ping.repeat(100));
    assert_eq!((output, step), (Vec::new(), Step::Write));
    assert_eq!(client.feed(&[]), (Vec::new(), Step::Read));
}

#[test]
fn a_session_knows_what_it_holds_and_what_will_take_long() {
    let (mut client, bytes) = conversations().swap_remove(0);
    client.feed(&bytes);
    assert_eq!(client.session.held(), 0);
    let long = client::call_with(5, "getGroupsForUser", &"u".repeat(100_000));
    client.feed(&long[..90_000]);
    assert_eq!(client.session.held(), 90_000);
    assert!(!client.session.is_costly(), "it is not here yet");
    client.session.input().extend_from_slice(&long[90_000..]);
    assert!(client.session.is_costly());
    client.session.advance(NOW, &mut rng());
    assert!(!client.session.is_costly());
    assert!(client.session.held() > 100_000, "the answer");
}

#[test]
fn large_requests_and_replies_leave_no_memory_behind() {
    let qop = QualityOfProtection::Privacy;
    let (mut plain, greeting) = conversations().swap_remove(0);
    plain.feed(&greeting);
    let mut private = secure(qop);
    private.log_in("alice", qop);
    let greeting = private.wrap(&context(None, None));
    private.feed(&greeting);
    let long = client::call_with(5, "getGroupsForUser", &"u".repeat(200_000));
    let wrapped = private.wrap(&long);
    for (mut client, request) in [(plain, long), (private, wrapped)] {
        client.session.input().extend_from_slice(&request);
        assert!(client.session.held() >= 200_000);
        client.session.advance(NOW, &mut rng());
        let session = &mut client.session;
        let output = session.output.capacity();
        let held = session.held();
        assert!(held >= output - (16 << 10), "{held} with {output}");
        assert!(held < output + 1000, "what was consumed is free: {held}");
        session.written();
        assert_eq!(session.held(), 0);
        for buffer in [&session.output, &session.plaintext, &session.held] {
            assert!(buffer.capacity() <= 64 << 10, "{}", buffer.capacity());
        }
    }
}
