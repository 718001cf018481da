//! Tickets that are presented again: nothing that has changed since the first time is overlooked.

use std::time::Duration;

use kerbox_kdc::{NewKeys, PrincipalKey};
use kerbox_krb5::client::Credentials;
use kerbox_krb5::{EncryptionKey, ErrorCode, Principal};

use crate::support::{Pair, REALM, assert_refused, refused, set};

/// Returns a KDC and a ticket with which it has issued another one.
fn presented() -> (Pair, Credentials) {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    pair.service(&tgt, "nn/localhost").expect("a ticket");
    (pair, tgt)
}

fn krbtgt() -> Principal {
    Principal::krbtgt(REALM, REALM)
}

#[test]
fn a_ticket_is_still_refused_once_it_has_expired() {
    let (mut pair, tgt) = presented();
    pair.now = tgt.end_time + Duration::from_secs(301);
    assert_refused!(
        pair.service(&tgt, "nn/localhost"),
        KRB_AP_ERR_TKT_EXPIRED,
        "PROCESS_TGS"
    );
}

#[test]
fn a_changed_ticket_is_refused_although_its_original_was_presented() {
    let (mut pair, tgt) = presented();
    for place in [0, tgt.ticket.enc_part.cipher.len() - 1] {
        let mut changed = tgt.clone();
        changed.ticket.enc_part.cipher[place] ^= 1;
        assert_refused!(
            pair.service(&changed, "nn/localhost"),
            KRB_AP_ERR_BAD_INTEGRITY,
            "PROCESS_TGS"
        );
    }
    pair.service(&tgt, "nn/localhost").expect("the original");
}

#[test]
fn another_session_key_does_not_fit_a_ticket_that_was_presented() {
    let (mut pair, mut tgt) = presented();
    tgt.key = EncryptionKey::random(tgt.key.enctype(), &mut pair.rng).expect("a known type");
    assert_refused!(
        pair.service(&tgt, "nn/localhost"),
        KRB_AP_ERR_BAD_INTEGRITY,
        "PROCESS_TGS"
    );
}

#[test]
fn a_rotated_key_opens_the_ticket_as_long_as_it_is_kept() {
    let (mut pair, tgt) = presented();
    let rotate = |pair: &mut Pair, keep_old| {
        let mut database = pair.kdc.database_mut();
        let changed = database.change_keys(&krbtgt(), &NewKeys::Random, keep_old, &mut pair.rng);
        changed.expect("it is there");
    };
    rotate(&mut pair, true);
    pair.service(&tgt, "nn/localhost")
        .expect("the old key is there");
    rotate(&mut pair, false);
    assert_refused!(
        pair.service(&tgt, "nn/localhost"),
        KRB_ERR_GENERIC,
        "PROCESS_TGS"
    );
}

#[test]
fn another_key_of_the_same_version_does_not_open_it() {
    let (mut pair, tgt) = presented();
    let mut database = pair.kdc.database_mut();
    let changed = database.change(&krbtgt(), |entry| {
        let first = &entry.keys()[0];
        let key = EncryptionKey::random(first.enctype(), &mut pair.rng).expect("a known type");
        let key = PrincipalKey::given(first.kvno, key, first.salt().into());
        entry.set_keys(vec![key]);
    });
    changed.expect("it is there");
    drop(database);
    assert_refused!(
        pair.service(&tgt, "nn/localhost"),
        KRB_AP_ERR_BAD_INTEGRITY,
        "PROCESS_TGS"
    );
}

#[test]
fn a_locked_or_removed_ticket_granting_service_grants_nothing_more() {
    let (mut pair, tgt) = presented();
    let name = format!("krbtgt/{REALM}");
    set(&pair, &name, "-allow_tix");
    assert_refused!(
        pair.service(&tgt, "nn/localhost"),
        KDC_ERR_S_PRINCIPAL_UNKNOWN,
        "PROCESS_TGS"
    );
    set(&pair, &name, "+allow_tix");
    pair.service(&tgt, "nn/localhost")
        .expect("it is allowed again");
    let removed = pair.kdc.database_mut().remove(&krbtgt());
    removed.expect("it is there");
    assert_refused!(
        pair.service(&tgt, "nn/localhost"),
        KDC_ERR_S_PRINCIPAL_UNKNOWN,
        "PROCESS_TGS"
    );
}
