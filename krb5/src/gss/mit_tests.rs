//! Contexts recorded from MIT's library, in which our code replaces one side or the other.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::ap_exchange::ApAcceptor;
use crate::testing::unhex;
use crate::{Keytab, Timestamp};

const MESSAGE: &[u8] = b"a message of MIT";

/// Unwraps the message as MIT signed it, and as MIT sealed it.
fn unwrap_both(receiver: &mut MessageReceiver, tokens: [&[u8]; 2], enctype: &str) {
    for (token, was_sealed) in tokens.into_iter().zip([false, true]) {
        let mut out = Vec::new();
        let unwrapped = receiver.unwrap_into(token, &mut out);
        assert_eq!(unwrapped, Ok(was_sealed), "{enctype}");
        assert_eq!(out, MESSAGE);
    }
}

#[test]
fn contexts_of_mits_library_are_accepted_and_its_messages_opened_and_made() {
    let mut contexts = 0;
    for line in include_str!("../../testdata/gss_mit.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let fields: Vec<_> = line.split(' ').collect();
        let [enctype, time, rest @ ..] = &fields[..] else {
            panic!("{line}")
        };
        let [
            keytab,
            token,
            signed,
            sealed,
            mic,
            acceptor_signed,
            acceptor_sealed,
            acceptor_mic,
        ] = <[_; 8]>::try_from(rest)
            .expect("eight more fields")
            .map(unhex);
        let now = Timestamp::from_secs(time.parse().expect("a number"));
        let keytab = Keytab::parse(&keytab).expect("MIT's keytab");
        let service = Principal::new("EXAMPLE.COM", ["nn", "localhost"]);
        let acceptor = GssAcceptor::new(ApAcceptor::new(&keytab, Some(&service)));
        let mut rng = StdRng::seed_from_u64(1);
        let (mut context, reply) = acceptor.accept(now, &token, &mut rng).expect("MIT's token");
        assert_eq!(context.peer.to_string(), "alice@EXAMPLE.COM");
        assert_eq!(reply, None);

        let is_old = ContextKey::is_old(&context.sender.key.key);
        let initiators_key = context.sender.key.clone();
        let number = u32::try_from(context.sender.next).expect("32 bits at the beginning");
        let mut initiator = MessageReceiver::new(Role::Initiator, initiators_key, number, true);
        unwrap_both(&mut context.receiver, [&signed, &sealed], enctype);
        assert_eq!(context.receiver.verify_mic(MESSAGE, &mic), Ok(()));
        unwrap_both(
            &mut initiator,
            [&acceptor_signed, &acceptor_sealed],
            enctype,
        );
        assert_eq!(initiator.verify_mic(MESSAGE, &acceptor_mic), Ok(()));

        let mut ours = Vec::new();
        let sender = &mut context.sender;
        sender.wrap_into(false, MESSAGE, &mut rng, &mut ours);
        // Old tokens have a confounder even if nothing is encrypted.
        if is_old {
            assert_eq!(ours.len(), acceptor_signed.len());
        } else {
            assert_eq!(ours, acceptor_signed, "nothing in it is random");
        }
        sender.wrap_into(true, MESSAGE, &mut rng, &mut ours);
        assert_eq!(context.sender.mic(MESSAGE), acceptor_mic);
        contexts += 1;
    }
    assert_eq!(contexts, 8, "one of each encryption type");
}
