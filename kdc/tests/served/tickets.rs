//! Tickets obtained by the `krb5` crate.

use std::time::Duration;

use crate::support::{Served, principal, theirs};

/// Returns the KRB-ERROR number of a refusal.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(
    result: Result<T, krb5::client::ClientError>,
) -> Option<i32> {
    result.expect_err("a refusal").kdc_code()
}

#[test]
fn a_login_by_keytab_and_by_password_and_a_service_ticket() {
    let served = Served::start();
    let client = served.client();
    let tgt = served.login("alice");
    let by_password = client
        .login_with_password(&theirs("bob"), "bob-pw")
        .expect("a ticket");
    assert_eq!(by_password.client.to_string(), "bob@EXAMPLE.COM");
    let ticket = client
        .service_ticket(&tgt, &theirs("nn/localhost"))
        .expect("a service ticket");
    assert_eq!(ticket.endtime, tgt.endtime);
    assert_eq!(
        refused(client.login_with_password(&theirs("alice"), "wrong")),
        Some(24)
    );
    assert_eq!(
        refused(client.login_with_password(&theirs("mallory"), "x")),
        Some(6)
    );
    assert_eq!(
        refused(client.service_ticket(&tgt, &theirs("no/such"))),
        Some(7)
    );
}

#[test]
fn a_ticket_is_renewed_and_the_renewal_ends_with_its_life() {
    let served = Served::start();
    let client = served
        .client()
        .with_renew_lifetime(Some(Duration::from_secs(7 * 24 * 3600)));
    let tgt = client
        .login_with_keytab(&theirs("alice"), &served.keytab("alice"))
        .expect("a renewable ticket");
    let renewed = client.renew(&tgt).expect("renewed");
    assert_eq!(renewed.renew_till, tgt.renew_till);
    served.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(refused(client.renew(&tgt)), Some(32));
}

#[test]
fn user_to_user() {
    let served = Served::start();
    let (alice, bob) = (served.login("alice"), served.login("bob"));
    assert!(
        served
            .client()
            .user_to_user(&alice, &theirs("bob"), &bob.ticket)
            .is_ok()
    );
}

#[test]
fn a_changed_database_holds_for_the_next_request() {
    let served = Served::start();
    let tgt = served.login("alice");
    served
        .kdc
        .database_mut()
        .remove(&principal("nn/localhost"))
        .expect("it was there");
    assert_eq!(
        refused(
            served
                .client()
                .service_ticket(&tgt, &theirs("nn/localhost"))
        ),
        Some(7)
    );
}

#[test]
fn a_service_acts_in_a_user_s_name() {
    let served = Served::start();
    let delegate = |entry: &mut kerbox_kdc::PrincipalEntry| {
        entry.delegates_to = vec![principal("nn/localhost")];
        entry
            .attributes
            .apply("+ok_to_auth_as_delegate")
            .expect("kadmin's name");
    };
    served
        .kdc
        .database_mut()
        .change(&principal("HTTP/localhost"), delegate)
        .expect("it is there");
    let client = served.client().with_forwardable(true);
    let keytab = served.keytab("HTTP/localhost");
    let tgt = client
        .login_with_keytab(&theirs("HTTP/localhost"), &keytab)
        .expect("a ticket");
    let evidence = client.s4u2self(&tgt, &theirs("alice")).expect("S4U2Self");
    assert_eq!(evidence.client.to_string(), "alice@EXAMPLE.COM");
    let ticket = client
        .s4u2proxy(&tgt, &evidence, &theirs("nn/localhost"))
        .expect("S4U2Proxy");
    assert_eq!(ticket.client.to_string(), "alice@EXAMPLE.COM");
    assert_eq!(
        refused(client.s4u2proxy(&tgt, &evidence, &theirs("bob"))),
        Some(13)
    );
}
