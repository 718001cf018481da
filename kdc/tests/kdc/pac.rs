//! The PAC on its way from ticket to ticket, and every one that is refused.

use kerbox_kdc::{Pac, PacAccount};
use kerbox_krb5::client::{Credentials, InitialRequest, Secret, TgsRequest};
use kerbox_krb5::messages::{AuthorizationData, EncTicketPart, PaData, PaDataType, TicketFlags};
use kerbox_krb5::{EncryptionKey, Error, ErrorCode, KeyUsage, Principal};

use crate::support::{Pair, REALM, principal, refused};

const HTTP: &str = "HTTP/localhost";
const NN: &str = "nn/localhost";
const KRBTGT: &str = "krbtgt/EXAMPLE.COM";

fn pair(pac: Pac) -> Pair {
    let pair = Pair::new();
    let mut database = pair.kdc.database_mut();
    database.realm_mut(REALM).expect("our realm").pac = pac;
    database
        .change(&principal(HTTP), |entry| {
            entry.delegates_to = vec![principal(NN)];
            entry.attributes.apply("+ok_to_auth_as_delegate").expect("kadmin's name");
        })
        .expect("it is there");
    drop(database);
    pair
}

fn open(pair: &Pair, ticket: &Credentials, server: &str) -> EncTicketPart {
    ticket.ticket.open(&pair.keys(server)[0]).expect("the server's first key")
}

/// The bytes of a ticket's PAC.
fn pac_of(part: &EncTicketPart) -> Option<Vec<u8>> {
    let first = part.authorization_data.first()?;
    let inner = AuthorizationData::decode_list(&first.data).ok()?;
    (inner[0].ad_type == AuthorizationData::WIN2K_PAC).then(|| inner[0].data.clone())
}

/// The buffers of a PAC: type, place and length.
fn places(pac: &[u8]) -> Vec<(u32, usize, usize)> {
    let number = |at: usize| u32::from_le_bytes(pac[at..at + 4].try_into().expect("four bytes"));
    let line = |index: u32| 8 + 16 * index as usize;
    (0..number(0))
        .map(|index| {
            let at = line(index);
            (number(at), number(at + 8) as usize, number(at + 4) as usize)
        })
        .collect()
}

fn kinds(part: &EncTicketPart) -> Vec<u32> {
    let mut kinds: Vec<u32> = places(&pac_of(part).expect("a PAC")).iter().map(|place| place.0).collect();
    kinds.sort_unstable();
    kinds
}

fn buffer(part: &EncTicketPart, kind: u32) -> Vec<u8> {
    let pac = pac_of(part).expect("a PAC");
    let place = places(&pac).into_iter().find(|place| place.0 == kind).expect("it is there");
    pac[place.1..place.1 + place.2].to_vec()
}

/// The ticket with its PAC changed, under the same key.
fn with_pac(pair: &mut Pair, ticket: &Credentials, server: &str, change: impl FnOnce(&mut Vec<u8>)) -> Credentials {
    let key = pair.keys(server)[0].clone();
    let mut part = open(pair, ticket, server);
    let mut list = AuthorizationData::decode_list(&part.authorization_data[0].data).expect("a container");
    change(&mut list[0].data);
    part.authorization_data[0].data = AuthorizationData::encode_list(&list);
    reseal(pair, ticket, &part, &key)
}

fn reseal(pair: &mut Pair, ticket: &Credentials, part: &EncTicketPart, key: &EncryptionKey) -> Credentials {
    let mut forged = ticket.clone();
    forged.ticket = part.seal(ticket.ticket.server.clone(), key, Some(1), &mut pair.rng);
    forged
}

/// Signs a PAC as whoever has only this key can: in the server's buffer.
fn sign(pac: &mut [u8], key: &EncryptionKey) {
    let places = places(pac);
    let checksum = |kind: u32| {
        let (_, start, length) = *places.iter().find(|place| place.0 == kind).expect("a signature");
        start + 4..start + length
    };
    let kdcs = pac[checksum(7)].to_vec();
    for kind in [6, 7] {
        pac[checksum(kind)].fill(0);
    }
    let of_server = key.checksum(KeyUsage(17), pac);
    pac[checksum(6)].copy_from_slice(&of_server);
    pac[checksum(7)].copy_from_slice(&kdcs);
}

fn s4u2proxy(pair: &mut Pair, service: &Credentials, evidence: &Credentials) -> Result<Credentials, Error> {
    let request = TgsRequest::s4u2proxy(principal(NN), service, evidence.ticket.clone());
    pair.tgs(service, request)
}

#[test]
fn a_ticket_granting_ticket_says_more_to_kdcs_than_a_service_ticket_to_services() {
    let mut pair = pair(Pac::Full);
    let tgt = pair.login("alice");
    let ticket = pair.service(&tgt, NN).expect("a ticket");
    let (of_tgt, of_service) = (open(&pair, &tgt, KRBTGT), open(&pair, &ticket, NN));
    // Logon, server's and KDC's signatures, client, UPN, attributes, requestor; for services the ticket's and the full one.
    assert_eq!(kinds(&of_tgt), [1, 6, 7, 10, 12, 17, 18]);
    assert_eq!(kinds(&of_service), [1, 6, 7, 10, 12, 16, 19]);
    for kind in [1, 10, 12] {
        assert_eq!(buffer(&of_tgt, kind), buffer(&of_service, kind), "buffer {kind} is copied");
    }
    // A renewed one is a ticket-granting ticket still.
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
    // A user may have a ticket for changing passwords whose key is no service's.
    let changepw = pair
        .login_with("alice", |request| request.server = principal("kadmin/changepw"))
        .expect("a ticket");
    assert_eq!(kinds(&open(&pair, &changepw, "kadmin/changepw")), [1, 6, 7, 10, 12]);
}

#[test]
fn a_pac_comes_from_one_realm_to_another_signed_by_the_key_that_they_share() {
    let mut pair = pair(Pac::Full);
    let middle = "MIDDLE.ORG";
    let host = Principal::new(middle, ["HTTP", "www.middle.org"]);
    let mut database = pair.kdc.database_mut();
    let mut other = kerbox_kdc::RealmConfig::new(middle);
    other.pac = Pac::Full;
    database.add_realm(other, &mut pair.rng).expect("a new realm");
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
        .tgs(&tgt, TgsRequest::service(Principal::krbtgt(middle, REALM), &tgt))
        .expect("a ticket for the other KDC");
    let ticket = pair
        .tgs(&cross, TgsRequest::service(host.clone(), &cross))
        .expect("a service ticket");
    let (of_tgt, of_cross) = (open(&pair, &tgt, KRBTGT), cross.ticket.open(&trust).expect("the shared key"));
    let part = ticket.ticket.open(&of_host).expect("the host's key");
    assert_eq!((kinds(&of_cross), kinds(&part)), (kinds(&of_tgt), vec![1, 6, 7, 10, 12, 16, 19]));
    // Alice is of her own domain there, too.
    assert_eq!(buffer(&part, 1), buffer(&of_tgt, 1));
    // Whoever is no party to the trust signs nothing.
    let mut forged = of_cross;
    let mut list = AuthorizationData::decode_list(&forged.authorization_data[0].data).expect("a container");
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
    pair.kdc.database_mut().change(&principal("alice"), join).expect("alice");
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
    // PAC_ATTRIBUTES_INFO: two bits, of which the first says "requested", the second "given implicitly".
    assert_eq!(buffer(&login(Some(true)).0, 17), [2, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(buffer(&login(None).0, 17), [2, 0, 0, 0, 2, 0, 0, 0]);
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
            // As MIT's: of a ticket-granting ticket, whose key is the KDC's own, the server's signature counts alone.
            (7, None) => {}
            (7, other) => panic!("the KDC's signature: {other:?}"),
            (_, refusal) => assert_eq!(refusal, Some((ErrorCode::KRB_AP_ERR_MODIFIED, "HEADER_PAC".to_owned())), "{kind}"),
        }
    }
}

fn refused_by(pair: &mut Pair, tgt: &Credentials) -> Option<(ErrorCode, String)> {
    match pair.service(tgt, NN) {
        Ok(_) => None,
        error => Some(refused(error)),
    }
}

#[test]
fn pacs_that_lead_out_of_themselves_are_refused() {
    let mut pair = pair(Pac::Full);
    let tgt = pair.login("alice");
    let generic = Some((ErrorCode::KRB_ERR_GENERIC, "HEADER_PAC".to_owned()));
    let put = |at: usize, bytes: &'static [u8]| move |pac: &mut Vec<u8>| pac[at..at + bytes.len()].copy_from_slice(bytes);
    let key = pair.keys(KRBTGT)[0].clone();
    for (why, change) in [
        (
            "CVE-2022-42898, the count",
            Box::new(put(0, &[0xFF; 4])) as Box<dyn FnOnce(&mut Vec<u8>)>,
        ),
        ("CVE-2022-42898, an overflow of the table", Box::new(put(0, &[1, 0, 0, 0x10]))),
        ("no buffers", Box::new(put(0, &[0; 4]))),
        ("another version", Box::new(put(4, &[1]))),
        ("a length past the end", Box::new(put(12, &[0xFF; 4]))),
        ("a place past the end", Box::new(put(16, &[0xF8, 0xFF, 0xFF, 0xFF]))),
        (
            "the farthest place",
            Box::new(put(16, &[0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])),
        ),
        ("a place in the table", Box::new(put(16, &[8, 0, 0, 0]))),
        ("the second buffer over the first", Box::new(|pac| pac.copy_within(16..24, 32))),
        ("nothing", Box::new(Vec::clear)),
        ("one byte", Box::new(|pac| pac.truncate(1))),
        ("half", Box::new(|pac| pac.truncate(pac.len() / 2))),
        // Inputs that once hurt MIT's parser (lib/krb5/krb/t_pac.c).
        (
            "a fuzzer's",
            Box::new(|pac| *pac = include_bytes!("../../testdata/pac_fuzz1.bin").to_vec()),
        ),
        (
            "another fuzzer's",
            Box::new(|pac| *pac = include_bytes!("../../testdata/pac_fuzz2.bin").to_vec()),
        ),
    ] {
        let forged = with_pac(&mut pair, &tgt, KRBTGT, change);
        assert_eq!(refused_by(&mut pair, &forged), generic, "{why}");
    }
    // Rightly signed, but without what must be there.
    let no_client = with_pac(&mut pair, &tgt, KRBTGT, |pac| {
        let line = places(pac).iter().position(|place| place.0 == 10).expect("a client") * 16 + 8;
        pac[line] = 99;
        sign(pac, &key);
    });
    assert_eq!(
        refused_by(&mut pair, &no_client),
        Some((ErrorCode::KDC_ERR_BADOPTION, "HEADER_PAC".to_owned()))
    );
    let no_signature = with_pac(&mut pair, &tgt, KRBTGT, |pac| {
        let line = places(pac).iter().position(|place| place.0 == 6).expect("a signature") * 16 + 8;
        pac[line] = 99;
    });
    assert_eq!(refused_by(&mut pair, &no_signature), generic);
    assert!(pair.service(&tgt, NN).is_ok());
}

#[test]
fn a_signature_without_a_key_or_of_another_key_is_refused() {
    let mut pair = pair(Pac::Minimal);
    let tgt = pair.login("alice");
    let signature = |pac: &[u8]| places(pac).into_iter().find(|place| place.0 == 6).expect("a signature").1;
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
    pair.kdc.database_mut().change(&principal("alice"), rename).expect("alice");
    assert_eq!(
        refused_by(&mut pair, &tgt),
        Some((ErrorCode::KDC_ERR_TGT_REVOKED, "HEADER_PAC_REQUESTOR".to_owned()))
    );
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
            let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
            for text in ["nn/localhost", "HTTP/localhost@EXAMPLE.COM"] {
                let text = utf16(text);
                assert!(info.windows(text.len()).any(|window| window == text), "{info:02x?}");
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
    // CVE-2020-17049: flags and names in the ticket are the KDC's to say, not the service's.
    for change in [
        (|part: &mut EncTicketPart| part.flags = part.flags.without(TicketFlags::PRE_AUTHENT)) as fn(&mut EncTicketPart),
        |part| part.client = principal("bob"),
        |part| part.end_time = part.end_time + std::time::Duration::from_secs(1),
    ] {
        let mut forged = part.clone();
        change(&mut forged);
        assert_eq!(refusal(&forged), modified("2ND_TKT_PAC"));
    }
    // What the service can sign itself, its own signature, is not enough.
    let mut resigned = part.clone();
    let mut list = AuthorizationData::decode_list(&resigned.authorization_data[0].data).expect("a container");
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
        .update(|database, rng| database.change_keys(&krbtgt, &kerbox_kdc::NewKeys::Random, true, rng))
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
        .login_with(HTTP, |request| request.padata = vec![PaData::new(PaDataType::PAC_REQUEST, no_pac)])
        .expect("a ticket");
    let for_user = pair.tgs(&without, TgsRequest::s4u2self(principal("alice"), &without));
    assert_eq!(refused(for_user), (ErrorCode::KDC_ERR_TGT_REVOKED, "S4U2SELF_NO_PAC".to_owned()));
    let alice = pair.login("alice");
    let sent = pair.service(&alice, HTTP).expect("a ticket");
    assert_eq!(
        refused(s4u2proxy(&mut pair, &without, &sent)),
        (ErrorCode::KDC_ERR_TGT_REVOKED, "S4U2PROXY_NO_HEADER_PAC".to_owned())
    );
    // An ordinary request is as good without.
    assert!(pair.service(&without, NN).is_ok());
}
