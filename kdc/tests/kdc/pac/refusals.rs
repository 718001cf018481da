//! All reasons for refusing a PAC, with MIT's numbers and texts.

use kerbox_kdc::{Pac, PacAccount};
use kerbox_krb5::client::{Credentials, TgsRequest};
use kerbox_krb5::messages::{AuthorizationData, EncTicketPart, PaData, PaDataType, TicketFlags};
use kerbox_krb5::{ErrorCode, Principal};

use super::{HTTP, KRBTGT, NN, open, pac_of, pair, places, reseal, s4u2proxy, sign, with_pac};
use crate::support::{Pair, REALM, principal, refused};

fn refused_by(pair: &mut Pair, tgt: &Credentials) -> Option<(ErrorCode, String)> {
    match pair.service(tgt, NN) {
        Ok(_) => None,
        error => Some(refused(error)),
    }
}

#[test]
fn tampered_pacs_of_ticket_granting_tickets_are_refused() {
    let mut pair = pair(Pac::Full);
    let tgt = pair.login("alice");
    let same = with_pac(&mut pair, &tgt, KRBTGT, |_| {});
    assert!(pair.service(&same, NN).is_ok());
    let pac = pac_of(&open(&pair, &tgt, KRBTGT)).expect("a PAC");
    for (kind, start, length) in places(&pac) {
        let spoilt = with_pac(&mut pair, &tgt, KRBTGT, |pac| pac[start + length - 1] ^= 1);
        match (kind, refused_by(&mut pair, &spoilt)) {
            // As with MIT, only the server's signature counts in a ticket-granting ticket, whose
            // key is the KDC's own.
            (7, None) => {}
            (7, other) => panic!("the KDC's signature: {other:?}"),
            (_, refusal) => assert_eq!(
                refusal,
                Some((ErrorCode::KRB_AP_ERR_MODIFIED, "HEADER_PAC".to_owned())),
                "{kind}"
            ),
        }
    }
}

#[test]
fn pacs_that_lead_out_of_themselves_are_refused() {
    let mut pair = pair(Pac::Full);
    let tgt = pair.login("alice");
    let generic = Some((ErrorCode::KRB_ERR_GENERIC, "HEADER_PAC".to_owned()));
    let put = |at: usize, bytes: &'static [u8]| {
        move |pac: &mut Vec<u8>| pac[at..at + bytes.len()].copy_from_slice(bytes)
    };
    for (why, change) in [
        (
            "CVE-2022-42898, the count",
            Box::new(put(0, &[0xFF; 4])) as Box<dyn FnOnce(&mut Vec<u8>)>,
        ),
        (
            "CVE-2022-42898, an overflow of the table",
            Box::new(put(0, &[1, 0, 0, 0x10])),
        ),
        ("no buffers", Box::new(put(0, &[0; 4]))),
        ("another version", Box::new(put(4, &[1]))),
        ("a length past the end", Box::new(put(12, &[0xFF; 4]))),
        (
            "a place past the end",
            Box::new(put(16, &[0xF8, 0xFF, 0xFF, 0xFF])),
        ),
        (
            "the farthest place",
            Box::new(put(16, &[0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])),
        ),
        ("a place in the table", Box::new(put(16, &[8, 0, 0, 0]))),
        (
            "the second buffer over the first",
            Box::new(|pac| pac.copy_within(16..24, 32)),
        ),
        ("nothing", Box::new(Vec::clear)),
        ("one byte", Box::new(|pac| pac.truncate(1))),
        ("half", Box::new(|pac| pac.truncate(pac.len() / 2))),
        // Inputs that once crashed MIT's parser (lib/krb5/krb/t_pac.c).
        (
            "a fuzzer's",
            Box::new(|pac| *pac = include_bytes!("../../../testdata/pac_fuzz1.bin").to_vec()),
        ),
        (
            "another fuzzer's",
            Box::new(|pac| *pac = include_bytes!("../../../testdata/pac_fuzz2.bin").to_vec()),
        ),
    ] {
        let forged = with_pac(&mut pair, &tgt, KRBTGT, change);
        assert_eq!(refused_by(&mut pair, &forged), generic, "{why}");
    }
}

#[test]
fn pacs_without_a_required_part_are_refused_however_they_are_signed() {
    let mut pair = pair(Pac::Full);
    let tgt = pair.login("alice");
    let key = pair.keys(KRBTGT)[0].clone();
    let no_client = with_pac(&mut pair, &tgt, KRBTGT, |pac| {
        let line = places(pac)
            .iter()
            .position(|place| place.0 == 10)
            .expect("a client")
            * 16
            + 8;
        pac[line] = 99;
        sign(pac, &key);
    });
    assert_eq!(
        refused_by(&mut pair, &no_client),
        Some((ErrorCode::KDC_ERR_BADOPTION, "HEADER_PAC".to_owned()))
    );
    let no_signature = with_pac(&mut pair, &tgt, KRBTGT, |pac| {
        let line = places(pac)
            .iter()
            .position(|place| place.0 == 6)
            .expect("a signature")
            * 16
            + 8;
        pac[line] = 99;
    });
    assert_eq!(
        refused_by(&mut pair, &no_signature),
        Some((ErrorCode::KRB_ERR_GENERIC, "HEADER_PAC".to_owned()))
    );
    assert!(pair.service(&tgt, NN).is_ok());
}

#[test]
fn a_signature_without_a_key_or_of_another_key_is_refused() {
    let mut pair = pair(Pac::Minimal);
    let tgt = pair.login("alice");
    let signature = |pac: &[u8]| {
        places(pac)
            .into_iter()
            .find(|place| place.0 == 6)
            .expect("a signature")
            .1
    };
    for (checksum_type, code) in [
        (1_i32, ErrorCode::KRB_AP_ERR_INAPP_CKSUM),
        (7, ErrorCode::KRB_AP_ERR_INAPP_CKSUM),
        (-138, ErrorCode::KRB_AP_ERR_MODIFIED),
    ] {
        let forged = with_pac(&mut pair, &tgt, KRBTGT, |pac| {
            let at = signature(pac);
            pac[at..at + 4].copy_from_slice(&checksum_type.to_le_bytes());
        });
        assert_eq!(
            refused_by(&mut pair, &forged),
            Some((code, "HEADER_PAC".to_owned())),
            "{checksum_type}"
        );
    }
    let other = pair.keys("bob")[0].clone();
    let forged = with_pac(&mut pair, &tgt, KRBTGT, |pac| sign(pac, &other));
    assert_eq!(
        refused_by(&mut pair, &forged),
        Some((ErrorCode::KRB_AP_ERR_MODIFIED, "HEADER_PAC".to_owned()))
    );
}

#[test]
fn the_pac_of_another_client_or_login_is_refused() {
    let mut pair = pair(Pac::Full);
    let (alice, key) = (pair.login("alice"), pair.keys(KRBTGT)[0].clone());
    pair.advance(5);
    let (bob, later) = (pair.login("bob"), pair.login("alice"));
    let mut part = open(&pair, &alice, KRBTGT);
    for other in [bob, later] {
        part.authorization_data = open(&pair, &other, KRBTGT).authorization_data;
        let forged = reseal(&mut pair, &alice, &part, &key);
        assert_eq!(
            refused_by(&mut pair, &forged),
            Some((ErrorCode::KDC_ERR_BADOPTION, "HEADER_PAC".to_owned()))
        );
    }
}

#[test]
fn a_name_that_came_to_another_account_gets_nothing_with_the_old_ticket() {
    let mut pair = pair(Pac::Full);
    let tgt = pair.login("alice");
    let rename = |entry: &mut kerbox_kdc::PrincipalEntry| {
        entry.pac_account = PacAccount {
            rid: Some(4242),
            ..PacAccount::default()
        };
    };
    pair.kdc
        .database_mut()
        .change(&principal("alice"), rename)
        .expect("alice");
    assert_eq!(
        refused_by(&mut pair, &tgt),
        Some((
            ErrorCode::KDC_ERR_TGT_REVOKED,
            "HEADER_PAC_REQUESTOR".to_owned()
        ))
    );
}

#[test]
fn evidence_that_a_service_made_itself_is_refused() {
    let mut pair = pair(Pac::Full);
    let (service, alice) = (pair.login(HTTP), pair.login("alice"));
    let sent = pair.service(&alice, HTTP).expect("a ticket");
    let key = pair.keys(HTTP)[0].clone();
    let mut refusal = |part: &EncTicketPart| {
        let forged = reseal(&mut pair, &sent, part, &key);
        s4u2proxy(&mut pair, &service, &forged)
            .map(|_| ())
            .map_err(|error| refused::<()>(Err(error)))
    };
    let part = sent.ticket.open(&key).expect("the service's own key");
    assert_eq!(refusal(&part), Ok(()));
    let modified = |text: &str| Err((ErrorCode::KRB_AP_ERR_MODIFIED, text.to_owned()));
    // CVE-2020-17049: only the KDC may set a ticket's flags and names, not the service.
    for change in [
        (|part: &mut EncTicketPart| part.flags = part.flags.without(TicketFlags::PRE_AUTHENT))
            as fn(&mut EncTicketPart),
        |part| part.client = principal("bob"),
        |part| part.end_time = part.end_time + std::time::Duration::from_secs(1),
    ] {
        let mut forged = part.clone();
        change(&mut forged);
        assert_eq!(refusal(&forged), modified("2ND_TKT_PAC"));
    }
    // The service's own signature, which it can make itself, is not enough.
    let mut resigned = part.clone();
    let mut list =
        AuthorizationData::decode_list(&resigned.authorization_data[0].data).expect("a container");
    let (_, start, _) = places(&list[0].data)[1];
    list[0].data[start + 40] ^= 1;
    sign(&mut list[0].data, &key);
    resigned.authorization_data[0].data = AuthorizationData::encode_list(&list);
    assert_eq!(refusal(&resigned), modified("2ND_TKT_PAC"));
    let mut without = part;
    without.authorization_data.clear();
    assert_eq!(refusal(&without), modified("S4U2PROXY_NO_STKT_PAC"));
}

#[test]
fn signatures_of_former_keys_are_known_until_those_are_purged() {
    let mut pair = pair(Pac::Full);
    let (service, alice) = (pair.login(HTTP), pair.login("alice"));
    let sent = pair.service(&alice, HTTP).expect("a ticket");
    let krbtgt = Principal::krbtgt(REALM, REALM);
    pair.kdc
        .update(|database, rng| {
            database.change_keys(&krbtgt, &kerbox_kdc::NewKeys::Random, true, rng)
        })
        .expect("rotated");
    assert!(s4u2proxy(&mut pair, &service, &sent).is_ok());
    let service = pair.login(HTTP);
    pair.kdc
        .database_mut()
        .change(&krbtgt, |entry| entry.purge_keys(None))
        .expect("purged");
    assert_eq!(
        refused(s4u2proxy(&mut pair, &service, &sent)),
        (ErrorCode::KRB_AP_ERR_MODIFIED, "2ND_TKT_PAC".to_owned())
    );
}

#[test]
fn delegation_is_refused_without_a_pac_in_a_realm_that_has_them() {
    let mut pair = pair(Pac::Full);
    let no_pac = vec![0x30, 5, 0xA0, 3, 1, 1, 0];
    let without = pair
        .login_with(HTTP, |request| {
            request.padata = vec![PaData::new(PaDataType::PAC_REQUEST, no_pac)];
        })
        .expect("a ticket");
    let for_user = pair.tgs(&without, TgsRequest::s4u2self(principal("alice"), &without));
    assert_eq!(
        refused(for_user),
        (ErrorCode::KDC_ERR_TGT_REVOKED, "S4U2SELF_NO_PAC".to_owned())
    );
    let alice = pair.login("alice");
    let sent = pair.service(&alice, HTTP).expect("a ticket");
    assert_eq!(
        refused(s4u2proxy(&mut pair, &without, &sent)),
        (
            ErrorCode::KDC_ERR_TGT_REVOKED,
            "S4U2PROXY_NO_HEADER_PAC".to_owned()
        )
    );
    // An ordinary request works without a PAC too.
    assert!(pair.service(&without, NN).is_ok());
}
