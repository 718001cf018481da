//! The PAC in our tickets, as read and verified by the `krb5` crate.

use kerbox_kdc::Pac;
use krb5::pac::verify_ticket;

use crate::support::{REALM, Served, principal, theirs};

/// Returns the first key of a principal as that crate's type.
fn key(served: &Served, name: &str) -> krb5::Key {
    let database = served.kdc.database();
    let entry = database.get(&principal(name)).expect("it is there");
    let key = entry.service_key().expect("a key").key();
    krb5::Key::new(key.enctype().0, key.as_bytes().to_vec()).expect("a key")
}

#[test]
fn a_realm_that_asks_for_it_has_a_signed_pac_in_its_service_tickets() {
    let served = Served::start();
    let krbtgt = key(&served, "krbtgt/EXAMPLE.COM");
    let service = key(&served, "nn/localhost");
    let ticket = |served: &Served| {
        let tgt = served.login("alice");
        served
            .client()
            .service_ticket(&tgt, &theirs("nn/localhost"))
            .expect("a ticket")
            .ticket
    };
    assert!(
        verify_ticket(&ticket(&served), &service, &krbtgt)
            .expect("a ticket")
            .is_none()
    );

    served
        .kdc
        .database_mut()
        .realm_mut(REALM)
        .expect("our realm")
        .pac = Pac::Minimal;
    let pac = verify_ticket(&ticket(&served), &service, &krbtgt)
        .expect("all signatures")
        .expect("a PAC");
    let info = pac
        .client_info()
        .expect("well-formed")
        .expect("it is there");
    assert_eq!(info.name, "alice");
    // The ticket's checksum, the client, the server's and the KDC's signatures, and the full
    // checksum.
    assert_eq!(pac.buffer_types().collect::<Vec<_>>(), [16, 10, 6, 7, 19]);

    let change =
        |entry: &mut kerbox_kdc::PrincipalEntry| entry.attributes.apply("+no_auth_data_required");
    served
        .kdc
        .database_mut()
        .change(&principal("nn/localhost"), change)
        .expect("it is there")
        .expect("kadmin's name");
    assert!(
        verify_ticket(&ticket(&served), &service, &krbtgt)
            .expect("a ticket")
            .is_none()
    );
}
