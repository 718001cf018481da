//! Refusals due to the states of clients and servers, with MIT's numbers and texts.

use std::time::Duration;

use kerbox_krb5::client::{InitialRequest, Secret};
use kerbox_krb5::{ErrorCode, Principal};

use crate::support::{Pair, assert_refused, change, principal, refused, set};

#[test]
fn unknown_clients_and_servers() {
    let mut pair = Pair::new();
    let stranger = InitialRequest::new(principal("mallory"));
    let result = pair.initial(stranger, Secret::Password("x".to_owned()));
    assert_refused!(result, KDC_ERR_C_PRINCIPAL_UNKNOWN, "CLIENT_NOT_FOUND");
    let elsewhere = InitialRequest::new(Principal::new("ELSEWHERE", ["alice"]));
    let result = pair.initial(elsewhere, Secret::Password("x".to_owned()));
    assert_refused!(result, KDC_ERR_C_PRINCIPAL_UNKNOWN, "CLIENT_NOT_FOUND");
    let result = pair.login_with("alice", |request| request.server = principal("no/such"));
    assert_refused!(result, KDC_ERR_S_PRINCIPAL_UNKNOWN, "SERVER_NOT_FOUND");
    let tgt = pair.login("alice");
    assert_refused!(
        pair.service(&tgt, "no/such"),
        KDC_ERR_S_PRINCIPAL_UNKNOWN,
        "LOOKING_UP_SERVER"
    );
}

#[test]
fn states_of_the_client() {
    let mut pair = Pair::new();
    let past = pair.now - Duration::from_secs(1);
    set(&pair, "alice", "-allow_tix");
    assert_refused!(
        pair.login_with("alice", |_| {}),
        KDC_ERR_CLIENT_REVOKED,
        "CLIENT LOCKED OUT"
    );
    set(&pair, "alice", "+needchange");
    assert_refused!(
        pair.login_with("alice", |_| {}),
        KDC_ERR_KEY_EXPIRED,
        "REQUIRED PWCHANGE"
    );
    change(&pair, "alice", |entry| entry.password_expires = Some(past));
    assert_refused!(
        pair.login_with("alice", |_| {}),
        KDC_ERR_KEY_EXPIRED,
        "CLIENT KEY EXPIRED"
    );
    change(&pair, "alice", |entry| entry.expires = Some(past));
    assert_refused!(
        pair.login_with("alice", |_| {}),
        KDC_ERR_NAME_EXP,
        "CLIENT EXPIRED"
    );
    set(&pair, "bob", "+requires_hwauth");
    assert_refused!(
        pair.login_with("bob", |_| {}),
        KDC_ERR_PREAUTH_REQUIRED,
        "NEEDED_HW_PREAUTH"
    );
}

#[test]
fn an_expired_password_still_opens_the_password_service() {
    let mut pair = Pair::new();
    let past = pair.now - Duration::from_secs(1);
    change(&pair, "alice", |entry| entry.password_expires = Some(past));
    let ticket = pair
        .login_with("alice", |request| {
            request.server = principal("kadmin/changepw");
        })
        .expect("a ticket");
    assert_eq!(ticket.lifetime(), Duration::from_secs(300));
    let tgt = pair.login("bob");
    assert_refused!(
        pair.service(&tgt, "kadmin/changepw"),
        KDC_ERR_POLICY,
        "TGT BASED NOT ALLOWED"
    );
}

#[test]
fn states_of_the_server_in_an_as_exchange() {
    let mut pair = Pair::new();
    let past = pair.now - Duration::from_secs(1);
    let ask = |pair: &mut Pair| {
        pair.login_with("alice", |request| {
            request.server = principal("nn/localhost");
        })
    };
    assert!(ask(&mut pair).is_ok());
    set(&pair, "nn/localhost", "-allow_svr");
    assert_refused!(
        ask(&mut pair),
        KDC_ERR_MUST_USE_USER2USER,
        "SERVICE NOT ALLOWED"
    );
    set(&pair, "nn/localhost", "-allow_tix");
    assert_refused!(
        ask(&mut pair),
        KDC_ERR_S_PRINCIPAL_UNKNOWN,
        "SERVICE LOCKED OUT"
    );
    change(&pair, "nn/localhost", |entry| entry.expires = Some(past));
    assert_refused!(ask(&mut pair), KDC_ERR_SERVICE_EXP, "SERVICE EXPIRED");
}

#[test]
fn states_of_the_server_in_a_tgs_exchange() {
    let mut pair = Pair::new();
    pair.add("carol", &["-requires_preauth"]);
    let (alice, carol) = (pair.login("alice"), pair.login("carol"));
    assert_refused!(
        pair.service(&carol, "nn/localhost"),
        KRB_ERR_GENERIC,
        "NO PREAUTH"
    );
    let ask = |pair: &mut Pair| pair.service(&alice, "nn/localhost");
    assert!(ask(&mut pair).is_ok());
    let past = pair.now - Duration::from_secs(1);
    change(&pair, "nn/localhost", |entry| entry.expires = Some(past));
    assert_refused!(ask(&mut pair), KDC_ERR_SERVICE_EXP, "SERVICE EXPIRED");
    set(&pair, "nn/localhost", "+requires_hwauth");
    assert_refused!(ask(&mut pair), KRB_ERR_GENERIC, "NO HW PREAUTH");
    set(&pair, "nn/localhost", "-allow_tgs_req");
    assert_refused!(ask(&mut pair), KDC_ERR_POLICY, "TGT BASED NOT ALLOWED");
    set(&pair, "nn/localhost", "-allow_svr");
    assert_refused!(
        ask(&mut pair),
        KDC_ERR_MUST_USE_USER2USER,
        "SERVER NOT ALLOWED"
    );
    set(&pair, "nn/localhost", "-allow_tix");
    assert_refused!(
        ask(&mut pair),
        KDC_ERR_S_PRINCIPAL_UNKNOWN,
        "SERVER LOCKED OUT"
    );
    set(&pair, "nn/localhost", "-allow_renewable");
    assert_refused!(ask(&mut pair), KDC_ERR_POLICY, "NON-RENEWABLE TICKET");
}

#[test]
fn flags_that_a_principal_may_not_have_are_left_out() {
    let mut pair = Pair::new();
    for setting in ["-allow_forwardable", "-allow_proxiable", "-allow_renewable"] {
        set(&pair, "alice", setting);
    }
    assert_eq!(pair.login("alice").flags.letters(), "IA");
    set(&pair, "nn/localhost", "+ok_as_delegate");
    set(&pair, "nn/localhost", "-allow_forwardable");
    let tgt = pair.login("bob");
    assert_eq!(
        pair.service(&tgt, "nn/localhost")
            .expect("a ticket")
            .flags
            .letters(),
        "PRATO"
    );
    set(&pair, "alice", "-allow_postdated");
    let start = pair.now + Duration::from_secs(60);
    let result = pair.login_with("alice", |request| request.start = Some(start));
    assert_refused!(result, KDC_ERR_CANNOT_POSTDATE, "POSTDATE NOT ALLOWED");
}
