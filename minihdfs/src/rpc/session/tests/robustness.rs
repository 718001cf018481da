//! Whatever bytes come, in whatever pieces: no panic, no unbounded memory.

use super::client::{SASL, SIMPLE, call, context, sasl};
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
