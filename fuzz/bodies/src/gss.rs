//! GSS-API tokens, and the AP-REQ in them.

use kerbox_krb5::ap_exchange::ApAcceptor;
use kerbox_krb5::client::Credentials;
use kerbox_krb5::gss::{GssAcceptor, GssContext, GssInitiator, GssInitiatorOptions};
use kerbox_krb5::testing::{self, Parties};
use kerbox_krb5::{EncryptionType, Keytab, Principal};

use crate::world::{NOW, rng, world};

/// Gives an acceptor any AP-REQ.
pub fn ap_request(bytes: &[u8]) {
    let world = world();
    let _ = ApAcceptor::new(&world.keytab, Some(&world.service)).accept(NOW, bytes);
}

/// Gives an acceptor any first token, and an initiator any answer.
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

/// Gives established contexts any wrap or MIC token, in RFC 4121's form and in the older ones.
pub fn gss_message(bytes: &[u8]) {
    for mut context in contexts() {
        let mut message = Vec::new();
        if context.receiver.unwrap_into(bytes, &mut message).is_err() {
            assert!(message.is_empty());
        }
        let _ = context.receiver.verify_mic(b"message", bytes);
    }
}

/// Establishes both sides' contexts for each message form, the same every time.
fn contexts() -> Vec<GssContext> {
    let world = world();
    let mut contexts = Vec::new();
    let mut establish = |ticket: &Credentials, keytab: &Keytab, service: &Principal, now| {
        let options = GssInitiatorOptions::default();
        let (initiator, token) =
            GssInitiator::new(ticket, options, now, &mut rng()).expect("supported");
        let acceptor = GssAcceptor::new(ApAcceptor::new(keytab, Some(service)));
        let (accepted, answer) = acceptor
            .accept(now, &token, &mut rng())
            .expect("a right token");
        let initiated = initiator.finish(answer.as_deref()).expect("a right answer");
        contexts.extend([initiated, accepted]);
    };
    establish(&world.ticket, &world.keytab, &world.service, NOW);
    for enctype in [EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD] {
        let mut parties = Parties::new(7, enctype, ["hdfs", "localhost"]);
        let ticket = parties.credentials();
        establish(&ticket, &parties.keytab, &parties.service, testing::NOW);
    }
    contexts
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
    let mut seeds = Vec::new();
    for mut context in contexts() {
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
