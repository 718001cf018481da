//! Tokens of GSS-API, and the AP-REQ in them.

use kerbox_krb5::ap_exchange::ApAcceptor;
use kerbox_krb5::gss::{GssAcceptor, GssContext, GssInitiator, GssInitiatorOptions};

use crate::world::{NOW, rng, world};

/// Any AP-REQ.
pub fn ap_request(bytes: &[u8]) {
    let world = world();
    let _ = ApAcceptor::new(&world.keytab, Some(&world.service)).accept(NOW, bytes);
}

/// Any first token to an acceptor, and any answer to an initiator.
pub fn gss_context_token(bytes: &[u8]) {
    let world = world();
    ap_request(bytes);
    let acceptor = GssAcceptor::new(ApAcceptor::new(&world.keytab, Some(&world.service)));
    let _ = acceptor.accept(NOW, bytes, &mut rng());
    let options = GssInitiatorOptions::default();
    let (initiator, _) =
        GssInitiator::new(&world.ticket, options, NOW, &mut rng()).expect("supported");
    let _ = initiator.finish(Some(bytes));
}

/// Any wrap or MIC token in an established context.
pub fn gss_message(bytes: &[u8]) {
    let (initiator, acceptor) = contexts();
    for mut context in [initiator, acceptor] {
        let mut message = Vec::new();
        if context.receiver.unwrap_into(bytes, &mut message).is_err() {
            assert!(message.is_empty());
        }
        let _ = context.receiver.verify_mic(b"message", bytes);
    }
}

/// Both sides' contexts, the same every time.
fn contexts() -> (GssContext, GssContext) {
    let world = world();
    let options = GssInitiatorOptions::default();
    let (initiator, token) =
        GssInitiator::new(&world.ticket, options, NOW, &mut rng()).expect("supported");
    let acceptor = GssAcceptor::new(ApAcceptor::new(&world.keytab, Some(&world.service)));
    let (accepted, answer) = acceptor
        .accept(NOW, &token, &mut rng())
        .expect("a right token");
    (
        initiator.finish(answer.as_deref()).expect("a right answer"),
        accepted,
    )
}

pub(crate) fn context_seeds() -> Vec<Vec<u8>> {
    let world = world();
    let options = GssInitiatorOptions::default();
    let (_, token) = GssInitiator::new(&world.ticket, options, NOW, &mut rng()).expect("supported");
    let acceptor = GssAcceptor::new(ApAcceptor::new(&world.keytab, Some(&world.service)));
    let (_, answer) = acceptor
        .accept(NOW, &token, &mut rng())
        .expect("a right token");
    [Some(token), answer].into_iter().flatten().collect()
}

pub(crate) fn message_seeds() -> Vec<Vec<u8>> {
    let (initiator, acceptor) = contexts();
    let mut seeds = Vec::new();
    for mut context in [initiator, acceptor] {
        for sealed in [true, false] {
            let mut token = Vec::new();
            context
                .sender
                .wrap_into(sealed, b"message", &mut rng(), &mut token);
            seeds.push(token);
        }
        seeds.push(context.sender.mic(b"message"));
    }
    seeds
}
