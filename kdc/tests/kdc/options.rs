//! Options, times and encryption types that cannot be granted, with MIT's numbers and texts.

use std::time::Duration;

use kerbox_krb5::client::{InitialRequest, Secret, TgsExchange, TgsRequest};
use kerbox_krb5::messages::KdcOptions;
use kerbox_krb5::{EncryptionType, ErrorCode};

use crate::support::{Pair, assert_refused, principal, refused, set};

#[test]
fn options_that_only_a_tgs_request_may_have() {
    let mut pair = Pair::new();
    for option in [
        KdcOptions::FORWARDED,
        KdcOptions::PROXY,
        KdcOptions::RENEW,
        KdcOptions::VALIDATE,
        KdcOptions::ENC_TKT_IN_SKEY,
        KdcOptions::CNAME_IN_ADDL_TKT,
    ] {
        let result = pair.login_with("alice", |request| request.options |= option);
        assert_refused!(result, KDC_ERR_BADOPTION, "INVALID AS OPTIONS");
    }
    let result = pair.login_with("alice", |request| {
        request.options |= KdcOptions::REQUEST_ANONYMOUS;
    });
    assert_refused!(result, KDC_ERR_BADOPTION, "VALIDATE_ANONYMOUS_PRINCIPAL");
}

#[test]
fn a_ticket_that_would_end_before_it_begins_is_issued_and_has_expired() {
    let mut pair = Pair::new();
    let ticket = pair
        .login_with("alice", |request| request.lifetime = Duration::ZERO)
        .expect("as MIT's KDC does");
    assert_eq!(ticket.end_time, ticket.start_time);
    let late = (pair.now + Duration::from_secs(3600)).whole_second();
    let ticket = pair
        .login_with("alice", |request| {
            request.start = Some(late);
            request.lifetime = Duration::ZERO;
        })
        .expect("a postdated one");
    assert_eq!((ticket.start_time, ticket.end_time), (late, late));
    let ended = pair
        .login_with("alice", |request| {
            request.enctypes.truncate(1);
            request.lifetime = Duration::from_secs(1);
        })
        .expect("a short one");
    pair.advance(400);
    let result = pair.service(&ended, "nn/localhost");
    assert_refused!(result, KRB_AP_ERR_TKT_EXPIRED, "PROCESS_TGS");
}

#[test]
fn encryption_types_that_nobody_knows() {
    let mut pair = Pair::new();
    for enctypes in [
        vec![],
        vec![EncryptionType(1), EncryptionType(i32::MIN)],
        vec![EncryptionType(23)],
    ] {
        let keys = Secret::Keys(pair.keys("alice"));
        let mut request = InitialRequest::new(principal("alice"));
        request.enctypes = enctypes.clone();
        assert_refused!(
            pair.initial(request, keys),
            KDC_ERR_ETYPE_NOSUPP,
            "BAD_ENCRYPTION_TYPE"
        );
        let tgt = pair.login("alice");
        let mut request = TgsRequest::service(principal("nn/localhost"), &tgt);
        request.enctypes = enctypes;
        assert_refused!(
            pair.tgs(&tgt, request),
            KDC_ERR_ETYPE_NOSUPP,
            "BAD_ENCRYPTION_TYPE"
        );
    }
}

#[test]
fn options_that_the_ticket_does_not_allow() {
    let mut pair = Pair::new();
    let tgt = pair.login_with("alice", |request| {
        request.options = KdcOptions::NONE;
        request.renewable_lifetime = Duration::ZERO;
    });
    let tgt = tgt.expect("a plain ticket");
    let renew = TgsRequest::renew(&tgt);
    assert_refused!(
        pair.tgs(&tgt, renew),
        KDC_ERR_BADOPTION,
        "TICKET NOT RENEWABLE"
    );
    let forward = TgsRequest::forward(&tgt, Vec::new());
    assert_refused!(
        pair.tgs(&tgt, forward),
        KDC_ERR_BADOPTION,
        "TGT NOT FORWARDABLE"
    );
    let validate = TgsRequest::validate(&tgt);
    assert_refused!(
        pair.tgs(&tgt, validate),
        KDC_ERR_BADOPTION,
        "VALIDATE VALID TICKET"
    );
    for (option, text) in [
        (KdcOptions::PROXY, "TGT NOT PROXIABLE"),
        (KdcOptions::POSTDATED, "TGT NOT POSTDATABLE"),
    ] {
        let mut request = TgsRequest::service(principal("nn/localhost"), &tgt);
        request.options |= option;
        assert_eq!(
            refused(pair.tgs(&tgt, request)),
            (ErrorCode::KDC_ERR_BADOPTION, text.to_owned())
        );
    }
    let proxiable = pair.login("alice");
    let mut request = TgsRequest::renew(&proxiable);
    request.options = KdcOptions::PROXY;
    assert_refused!(
        pair.tgs(&proxiable, request),
        KDC_ERR_BADOPTION,
        "CAN'T PROXY TGT"
    );
}

#[test]
fn a_renewed_or_forwarded_ticket_of_another_server() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let mut request = TgsRequest::renew(&tgt);
    request.server = principal("nn/localhost");
    assert_eq!(
        refused(pair.tgs(&tgt, request)).0,
        ErrorCode::KDC_ERR_SERVER_NOMATCH
    );
}

#[test]
fn a_service_ticket_in_the_place_of_a_ticket_granting_ticket() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let ticket = pair.service(&tgt, "nn/localhost").expect("a ticket");
    assert_refused!(
        pair.service(&ticket, "HTTP/localhost"),
        KRB_AP_ERR_NOT_US,
        "BAD TGS SERVER NAME"
    );
    let mut renewed = TgsRequest::renew(&ticket);
    renewed.options = KdcOptions::RENEW | KdcOptions::RENEWABLE;
    assert!(pair.tgs(&ticket, renewed).is_ok());
}

#[test]
fn a_ticket_past_its_end_and_the_skew() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    pair.advance(10 * 3600 + 300);
    assert!(pair.service(&tgt, "nn/localhost").is_ok());
    pair.advance(1);
    assert_refused!(
        pair.service(&tgt, "nn/localhost"),
        KRB_AP_ERR_TKT_EXPIRED,
        "PROCESS_TGS"
    );
    let renew = TgsRequest::renew(&tgt);
    assert_refused!(pair.tgs(&tgt, renew), KRB_AP_ERR_TKT_EXPIRED, "PROCESS_TGS");
}

#[test]
fn a_client_whose_clock_is_off() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let request = TgsRequest::service(principal("nn/localhost"), &tgt);
    let theirs = pair.now + Duration::from_secs(301);
    let (exchange, bytes) =
        TgsExchange::new(&tgt, request, theirs, &mut pair.rng).expect("a request");
    assert_refused!(
        exchange.finish(&pair.answer(&bytes)),
        KRB_AP_ERR_SKEW,
        "PROCESS_TGS"
    );
}

#[test]
fn user_to_user_with_the_wrong_ticket() {
    let mut pair = Pair::new();
    let (alice, bob) = (pair.login("alice"), pair.login("bob"));
    let mut none = TgsRequest::user_to_user(principal("bob"), &alice, bob.ticket.clone());
    none.additional_tickets.clear();
    assert_refused!(pair.tgs(&alice, none), KDC_ERR_BADOPTION, "NO_2ND_TKT");
    let own = TgsRequest::user_to_user(principal("bob"), &alice, alice.ticket.clone());
    assert_refused!(
        pair.tgs(&alice, own),
        KDC_ERR_SERVER_NOMATCH,
        "2ND_TKT_MISMATCH"
    );
    let service = pair.service(&bob, "nn/localhost").expect("a ticket");
    let not_tgs = TgsRequest::user_to_user(principal("bob"), &alice, service.ticket);
    assert_refused!(pair.tgs(&alice, not_tgs), KDC_ERR_POLICY, "2ND_TKT_NOT_TGS");
    let mut unknown = bob.ticket.clone();
    unknown.server = principal("no/such");
    let unknown = TgsRequest::user_to_user(principal("bob"), &alice, unknown);
    assert_refused!(
        pair.tgs(&alice, unknown),
        KDC_ERR_S_PRINCIPAL_UNKNOWN,
        "2ND_TKT_SERVER"
    );
    set(&pair, "bob", "-allow_dup_skey");
    let disallowed = TgsRequest::user_to_user(principal("bob"), &alice, bob.ticket);
    assert_refused!(
        pair.tgs(&alice, disallowed),
        KDC_ERR_POLICY,
        "DUP_SKEY DISALLOWED"
    );
}
