//! The `krb5` crate inside an armor (RFC 6113).

use crate::support::{Served, theirs};
use crate::tickets::refused;

#[test]
fn a_password_is_shown_by_an_encrypted_challenge_in_an_armor() {
    let served = Served::start();
    let armor = served.login("nn/localhost");
    let client = served.client().with_fast_armor(armor);
    let tgt = client
        .login_with_password(&theirs("alice"), "alice-pw")
        .expect("a ticket");
    assert_eq!(tgt.client.to_string(), "alice@EXAMPLE.COM");
    let ticket = client
        .service_ticket(&tgt, &theirs("HTTP/localhost"))
        .expect("a service ticket");
    assert_eq!(ticket.client.to_string(), "alice@EXAMPLE.COM");
    let by_keytab = client.login_with_keytab(&theirs("bob"), &served.keytab("bob"));
    assert!(by_keytab.is_ok());
}

#[test]
fn refusals_come_inside_of_the_armor() {
    let served = Served::start();
    let armor = served.login("nn/localhost");
    let client = served.client().with_fast_armor(armor);
    assert_eq!(
        refused(client.login_with_password(&theirs("alice"), "wrong")),
        Some(24)
    );
    assert_eq!(
        refused(client.login_with_password(&theirs("mallory"), "x")),
        Some(6)
    );
    let tgt = client
        .login_with_password(&theirs("alice"), "alice-pw")
        .expect("a ticket");
    assert_eq!(
        refused(client.service_ticket(&tgt, &theirs("no/such"))),
        Some(7)
    );
}

#[test]
fn an_armor_must_be_a_ticket_granting_ticket_that_is_valid() {
    let served = Served::start();
    let tgt = served.login("nn/localhost");
    let service = served
        .client()
        .service_ticket(&tgt, &theirs("HTTP/localhost"))
        .expect("a service ticket");
    let not_a_tgt = served.client().with_fast_armor(service);
    assert!(
        not_a_tgt
            .login_with_password(&theirs("alice"), "alice-pw")
            .is_err()
    );
    served
        .clock
        .advance(std::time::Duration::from_secs(25 * 3600));
    let expired = served.client().with_fast_armor(tgt);
    assert!(
        expired
            .login_with_password(&theirs("alice"), "alice-pw")
            .is_err()
    );
}
