//! The contents of PACs, and which of them each ticket gets.

use kerbox_kdc::Pac;
use kerbox_krb5::client::{InitialRequest, Secret, TgsRequest};
use kerbox_krb5::messages::{AuthorizationData, PaData, PaDataType};
use kerbox_krb5::{ErrorCode, Principal};

use super::{HTTP, KRBTGT, NN, buffer, kinds, open, pac_of, pair, reseal, s4u2proxy, sign};
use crate::support::{REALM, principal, refused};

#[test]
fn a_ticket_granting_ticket_says_more_to_kdcs_than_a_service_ticket_to_services() {
    let mut pair = pair(Pac::Full);
    let tgt = pair.login("alice");
    let ticket = pair.service(&tgt, NN).expect("a ticket");
    let (of_tgt, of_service) = (open(&pair, &tgt, KRBTGT), open(&pair, &ticket, NN));
    // Logon information, the server's and the KDC's signatures, client, UPN, attributes, requestor;
    // for services also the ticket checksum and the full checksum.
    assert_eq!(kinds(&of_tgt), [1, 6, 7, 10, 12, 17, 18]);
    assert_eq!(kinds(&of_service), [1, 6, 7, 10, 12, 16, 19]);
    for kind in [1, 10, 12] {
        assert_eq!(
            buffer(&of_tgt, kind),
            buffer(&of_service, kind),
            "buffer {kind} is copied"
        );
    }
    // A renewed ticket-granting ticket is still one.
    let renewed = pair.tgs(&tgt, TgsRequest::renew(&tgt)).expect("renewed");
    assert_eq!(kinds(&open(&pair, &renewed, KRBTGT)), kinds(&of_tgt));
}

#[test]
fn a_service_ticket_of_a_login_is_signed_whole_and_says_nothing_to_kdcs() {
    let mut pair = pair(Pac::Full);
    let ticket = pair
        .login_with("alice", |request| request.server = principal(NN))
        .expect("a ticket");
    assert_eq!(kinds(&open(&pair, &ticket, NN)), [1, 6, 7, 10, 12, 16, 19]);
    // A user may have a ticket for changing passwords, whose key does not belong to a service.
    let changepw = pair
        .login_with("alice", |request| {
            request.server = principal("kadmin/changepw");
        })
        .expect("a ticket");
    assert_eq!(
        kinds(&open(&pair, &changepw, "kadmin/changepw")),
        [1, 6, 7, 10, 12]
    );
}

#[test]
fn a_pac_comes_from_one_realm_to_another_signed_by_the_key_that_they_share() {
    let mut pair = pair(Pac::Full);
    let middle = "MIDDLE.ORG";
    let host = Principal::new(middle, ["HTTP", "www.middle.org"]);
    let mut database = pair.kdc.database_mut();
    let mut other = kerbox_kdc::RealmConfig::new(middle);
    other.pac = Pac::Full;
    database
        .add_realm(other, &mut pair.rng)
        .expect("a new realm");
    let new = kerbox_kdc::NewPrincipal::new(host.clone(), kerbox_kdc::NewKeys::Random);
    database.add(new, &mut pair.rng).expect("a new principal");
    database
        .add_trust(REALM, middle, kerbox_kdc::NewKeys::Random, &mut pair.rng)
        .expect("a new trust");
    let key = |name: &Principal| {
        database
            .get(name)
            .and_then(|entry| entry.service_key())
            .expect("a key")
            .key()
            .clone()
    };
    let (trust, of_host) = (key(&Principal::krbtgt(middle, REALM)), key(&host));
    drop(database);

    let tgt = pair.login("alice");
    let cross = pair
        .tgs(
            &tgt,
            TgsRequest::service(Principal::krbtgt(middle, REALM), &tgt),
        )
        .expect("a ticket for the other KDC");
    let ticket = pair
        .tgs(&cross, TgsRequest::service(host.clone(), &cross))
        .expect("a service ticket");
    let (of_tgt, of_cross) = (
        open(&pair, &tgt, KRBTGT),
        cross.ticket.open(&trust).expect("the shared key"),
    );
    let part = ticket.ticket.open(&of_host).expect("the host's key");
    assert_eq!(
        (kinds(&of_cross), kinds(&part)),
        (kinds(&of_tgt), vec![1, 6, 7, 10, 12, 16, 19])
    );
    // Alice belongs to her own domain there too.
    assert_eq!(buffer(&part, 1), buffer(&of_tgt, 1));
    // The signature of a key outside the trust does not count.
    let mut forged = of_cross;
    let mut list =
        AuthorizationData::decode_list(&forged.authorization_data[0].data).expect("a container");
    sign(&mut list[0].data, &of_host);
    forged.authorization_data[0].data = AuthorizationData::encode_list(&list);
    let forged = reseal(&mut pair, &cross, &forged, &trust);
    assert_eq!(
        refused(pair.tgs(&forged, TgsRequest::service(host, &forged))),
        (ErrorCode::KRB_AP_ERR_MODIFIED, "HEADER_PAC".to_owned())
    );
}

#[test]
fn what_a_login_was_told_stays_until_the_next_one() {
    let mut pair = pair(Pac::Full);
    let tgt = pair.login("alice");
    let before = buffer(&open(&pair, &tgt, KRBTGT), 1);
    let join = |entry: &mut kerbox_kdc::PrincipalEntry| entry.pac_account.groups = vec![1105];
    pair.kdc
        .database_mut()
        .change(&principal("alice"), join)
        .expect("alice");
    let ticket = pair.service(&tgt, NN).expect("a ticket");
    assert_eq!(buffer(&open(&pair, &ticket, NN), 1), before);
    let again = pair.login("alice");
    assert_ne!(buffer(&open(&pair, &again, KRBTGT), 1), before);
}

#[test]
fn a_client_says_whether_it_wants_a_pac() {
    let mut pair = pair(Pac::Full);
    let mut login = |wanted: Option<bool>| {
        let mut request = InitialRequest::new(principal("alice"));
        if let Some(wanted) = wanted {
            // KERB-PA-PAC-REQUEST.
            let value = vec![0x30, 5, 0xA0, 3, 1, 1, if wanted { 0xFF } else { 0 }];
            request.padata = vec![PaData::new(PaDataType::PAC_REQUEST, value)];
        }
        let secret = Secret::Keys(pair.keys("alice"));
        let tgt = pair.initial(request, secret).expect("a ticket");
        let ticket = pair.service(&tgt, NN).expect("a ticket");
        (open(&pair, &tgt, KRBTGT), open(&pair, &ticket, NN))
    };
    let (without, service) = login(Some(false));
    assert_eq!((pac_of(&without), pac_of(&service)), (None, None));
    // PAC_ATTRIBUTES_INFO: two bits, of which the first says "requested", the second "given
    // implicitly".
    assert_eq!(buffer(&login(Some(true)).0, 17), [2, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(buffer(&login(None).0, 17), [2, 0, 0, 0, 2, 0, 0, 0]);
}

#[test]
fn delegation_is_told_in_the_pac_with_every_service_on_the_way() {
    for pac in [Pac::Minimal, Pac::Full] {
        let mut pair = pair(pac);
        let (service, alice) = (pair.login(HTTP), pair.login("alice"));
        let for_user = pair
            .tgs(&service, TgsRequest::s4u2self(principal("alice"), &service))
            .expect("S4U2Self");
        let sent = pair.service(&alice, HTTP).expect("a ticket");
        for evidence in [for_user, sent] {
            let ticket = s4u2proxy(&mut pair, &service, &evidence).expect("S4U2Proxy");
            let part = open(&pair, &ticket, NN);
            assert_eq!(part.client, principal("alice"));
            let info = buffer(&part, 11);
            let utf16 = |text: &str| {
                text.encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect::<Vec<u8>>()
            };
            for text in ["nn/localhost", "HTTP/localhost@EXAMPLE.COM"] {
                let text = utf16(text);
                assert!(
                    info.windows(text.len()).any(|window| window == text),
                    "{info:02x?}"
                );
            }
        }
    }
}

#[test]
fn s4u2self_says_that_a_service_asserted_the_identity() {
    let mut pair = pair(Pac::Full);
    let service = pair.login(HTTP);
    let ticket = pair
        .tgs(&service, TgsRequest::s4u2self(principal("alice"), &service))
        .expect("S4U2Self");
    let info = buffer(&open(&pair, &ticket, HTTP), 1);
    let tgt = pair.login("alice");
    let of_login = buffer(&open(&pair, &tgt, KRBTGT), 1);
    let asserted = |by: u8| [1, 1, 0, 0, 0, 0, 0, 18, by, 0, 0, 0];
    assert!(info.windows(12).any(|window| window == asserted(2)));
    assert!(of_login.windows(12).any(|window| window == asserted(1)));
}
