//! Several realms in one KDC: trust, paths through other realms, referrals, and other names.

use kerbox_kdc::{NewKeys, NewPrincipal, RealmConfig};
use kerbox_krb5::client::{Credentials, InitialRequest, Secret, TgsRequest};
use kerbox_krb5::messages::{KdcOptions, TicketFlags, TransitedEncoding};
use kerbox_krb5::{Error, ErrorCode, NameType, Principal};

use crate::support::{Pair, REALM, assert_refused, principal, refused};

const MIDDLE: &str = "MIDDLE.ORG";
const FAR: &str = "FAR.NET";

/// Creates realms in which EXAMPLE.COM and MIDDLE.ORG trust each other, and so do MIDDLE.ORG and
/// FAR.NET; each has a service.
fn pair() -> Pair {
    let mut pair = Pair::new();
    let mut database = pair.kdc.database_mut();
    for realm in [MIDDLE, FAR] {
        database
            .add_realm(RealmConfig::new(realm), &mut pair.rng)
            .expect("a new realm");
        let host = Principal::new(
            realm,
            ["HTTP".to_owned(), format!("www.{}", realm.to_lowercase())],
        );
        database
            .add(NewPrincipal::new(host, NewKeys::Random), &mut pair.rng)
            .expect("a new principal");
    }
    for (from, to) in [
        (REALM, MIDDLE),
        (MIDDLE, REALM),
        (MIDDLE, FAR),
        (FAR, MIDDLE),
    ] {
        database
            .add_trust(from, to, NewKeys::Random, &mut pair.rng)
            .expect("a new trust");
    }
    drop(database);
    pair
}

fn http(realm: &str) -> Principal {
    Principal::new(
        realm,
        ["HTTP".to_owned(), format!("www.{}", realm.to_lowercase())],
    )
    .with_name_type(NameType::SRV_HST)
}

fn ask(pair: &mut Pair, ticket: &Credentials, server: Principal) -> Result<Credentials, Error> {
    pair.tgs(ticket, TgsRequest::service(server, ticket))
}

#[test]
fn a_client_of_one_realm_comes_to_a_service_of_another() {
    let mut pair = pair();
    let tgt = pair.login("alice");
    let cross =
        ask(&mut pair, &tgt, Principal::krbtgt(MIDDLE, REALM)).expect("a ticket for the other KDC");
    assert!(!cross.flags.contains(TicketFlags::INITIAL));
    let ticket = ask(&mut pair, &cross, http(MIDDLE)).expect("a service ticket");
    assert_eq!(ticket.client, principal("alice"));
    assert!(ticket.flags.contains(TicketFlags::TRANSITED_POLICY_CHECKED));
    // There is no realm between the two.
    let database = pair.kdc.database();
    let key = database
        .get(&http(MIDDLE))
        .and_then(|entry| entry.service_key().cloned())
        .expect("a key");
    assert_eq!(
        ticket.ticket.open(key.key()).expect("its key").transited,
        TransitedEncoding::default()
    );
}

#[test]
fn a_ticket_of_another_realm_that_tells_no_version_opens_with_the_last_three_keys() {
    let mut pair = pair();
    let tgt = pair.login("alice");
    let trust = Principal::krbtgt(MIDDLE, REALM);
    let mut cross = ask(&mut pair, &tgt, trust.clone()).expect("a ticket for the other KDC");
    // Other KDCs omit the version or write a zero.
    for told in [None, Some(0)] {
        cross.ticket.enc_part.kvno = told;
        assert!(ask(&mut pair, &cross, http(MIDDLE)).is_ok(), "{told:?}");
    }
    for kvno in 2..=4 {
        let rotated = pair
            .kdc
            .update(|database, rng| database.change_keys(&trust, &NewKeys::Random, true, rng));
        assert_eq!(rotated, Ok(kvno));
        for told in [None, Some(0)] {
            cross.ticket.enc_part.kvno = told;
            let answer = ask(&mut pair, &cross, http(MIDDLE));
            if kvno < 4 {
                assert!(answer.is_ok(), "{told:?}, newest {kvno}");
            } else {
                assert_refused!(answer, KRB_AP_ERR_BAD_INTEGRITY, "PROCESS_TGS");
            }
        }
    }
    // If the version is given, no other is tried.
    cross.ticket.enc_part.kvno = Some(1);
    assert!(ask(&mut pair, &cross, http(MIDDLE)).is_ok());
    cross.ticket.enc_part.kvno = Some(2);
    assert_refused!(
        ask(&mut pair, &cross, http(MIDDLE)),
        KRB_AP_ERR_BAD_INTEGRITY,
        "PROCESS_TGS"
    );
}

#[test]
fn a_ticket_of_another_realm_s_kdc_opens_nothing_here_but_what_it_is_for() {
    let mut pair = pair();
    let tgt = pair.login("alice");
    let refused_code = refused(ask(&mut pair, &tgt, http(MIDDLE)));
    assert_eq!(
        refused_code,
        (
            ErrorCode::KRB_AP_ERR_NOT_US,
            "BAD TGS SERVER INSTANCE".to_owned()
        )
    );
    // A ticket that another realm issued in the name of a client of ours.
    let cross =
        ask(&mut pair, &tgt, Principal::krbtgt(MIDDLE, REALM)).expect("a ticket for the other KDC");
    let back =
        ask(&mut pair, &cross, Principal::krbtgt(REALM, MIDDLE)).expect("MIDDLE.ORG does not mind");
    let lineage = refused(ask(&mut pair, &back, principal("nn/localhost")));
    assert_eq!(
        lineage,
        (ErrorCode::KDC_ERR_POLICY, "INVALID LINEAGE".to_owned())
    );
}

#[test]
fn a_way_over_a_third_realm_must_be_configured() {
    let mut pair = pair();
    let tgt = pair.login("alice");
    let no_way = refused(ask(&mut pair, &tgt, Principal::krbtgt(FAR, REALM)));
    assert_eq!(
        no_way,
        (
            ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN,
            "UNKNOWN_SERVER".to_owned()
        )
    );
    let middle = ask(&mut pair, &tgt, Principal::krbtgt(MIDDLE, REALM)).expect("the first hop");
    let far = ask(&mut pair, &middle, Principal::krbtgt(FAR, MIDDLE)).expect("the second hop");
    let not_on_its_way = refused(ask(&mut pair, &far, http(FAR)));
    assert_eq!(
        not_on_its_way,
        (ErrorCode::KDC_ERR_POLICY, "BAD_TRANSIT".to_owned())
    );

    pair.kdc
        .database_mut()
        .capaths_mut()
        .set(REALM, FAR, vec![MIDDLE.to_owned()]);
    let ticket = ask(&mut pair, &far, http(FAR)).expect("a service ticket");
    let database = pair.kdc.database();
    let key = database
        .get(&http(FAR))
        .and_then(|entry| entry.service_key().cloned())
        .expect("a key");
    drop(database);
    let part = ticket.ticket.open(key.key()).expect("its key");
    assert_eq!(
        (part.client, part.transited.contents),
        (principal("alice"), MIDDLE.as_bytes().to_vec())
    );
    // Asked for the last KDC's ticket, ours returns one for the next KDC on the path.
    let next =
        ask(&mut pair, &tgt, Principal::krbtgt(FAR, REALM)).expect("a ticket for the next KDC");
    assert_eq!(next.server, Principal::krbtgt(MIDDLE, REALM));
    // As with MIT's KDC, a client that asks to skip the check is refused.
    let mut unchecked = TgsRequest::service(http(FAR), &far);
    unchecked.options |= KdcOptions::DISABLE_TRANSITED_CHECK;
    assert_eq!(refused(pair.tgs(&far, unchecked.clone())).1, "BAD_TRANSIT");
    // Unless the realm allows it. The service can see that the path was not checked.
    pair.kdc
        .database_mut()
        .realm_mut(FAR)
        .expect("served")
        .reject_bad_transit = false;
    let unchecked = pair.tgs(&far, unchecked).expect("a ticket");
    let checked = ask(&mut pair, &far, http(FAR)).expect("a ticket");
    let flag = TicketFlags::TRANSITED_POLICY_CHECKED;
    assert!(!unchecked.flags.contains(flag));
    assert!(checked.flags.contains(flag));
}

#[test]
fn a_host_of_another_realm_is_referred_to_it() {
    let mut pair = pair();
    pair.kdc
        .database_mut()
        .realm_mut(REALM)
        .expect("our realm")
        .host_realms
        .insert(".middle.org".to_owned(), MIDDLE.to_owned());
    let tgt = pair.login("alice");
    let elsewhere =
        Principal::new(REALM, ["HTTP", "www.middle.org"]).with_name_type(NameType::SRV_HST);
    let mut request = TgsRequest::service(elsewhere, &tgt);
    assert_eq!(
        refused(pair.tgs(&tgt, request.clone())).1,
        "LOOKING_UP_SERVER"
    );
    request.options |= KdcOptions::CANONICALIZE;
    let referral = pair.tgs(&tgt, request).expect("a referral");
    assert_eq!(referral.server, Principal::krbtgt(MIDDLE, REALM));
    assert!(ask(&mut pair, &referral, http(MIDDLE)).is_ok());
    let mut unknown = TgsRequest::service(
        Principal::new(REALM, ["HTTP", "www.unknown.org"]).with_name_type(NameType::SRV_HST),
        &tgt,
    );
    unknown.options |= KdcOptions::CANONICALIZE;
    assert_eq!(refused(pair.tgs(&tgt, unknown)).1, "LOOKING_UP_SERVER");
}

#[test]
fn an_alias_is_as_good_as_the_name_and_canonicalize_tells_it() {
    let mut pair = pair();
    pair.kdc
        .database_mut()
        .add_alias(principal("ally"), &principal("alice"))
        .expect("a new alias");
    let secret = Secret::Keys(pair.keys("alice"));
    let mut request = InitialRequest::new(principal("ally"));
    let plain = pair
        .initial(request.clone(), secret.clone())
        .expect("a ticket");
    assert_eq!(plain.client, principal("ally"));
    request.options |= KdcOptions::CANONICALIZE;
    assert_eq!(
        pair.initial(request, secret).expect("a ticket").client,
        principal("alice")
    );
}

#[test]
fn an_enterprise_name_is_found_here_or_referred() {
    let mut pair = pair();
    let secret = Secret::Keys(pair.keys("alice"));
    let enterprise =
        |name: &str| Principal::new(REALM, [name]).with_name_type(NameType::ENTERPRISE);
    let here = pair
        .initial(
            InitialRequest::new(enterprise("alice@EXAMPLE.COM")),
            secret.clone(),
        )
        .expect("a ticket");
    assert_eq!(here.client, principal("alice"));
    // No service is found by an enterprise name, neither as client nor as server.
    let service = Secret::Keys(pair.keys("nn/localhost"));
    let as_client = pair.initial(
        InitialRequest::new(enterprise("nn/localhost@EXAMPLE.COM")),
        service,
    );
    assert_refused!(as_client, KDC_ERR_C_PRINCIPAL_UNKNOWN, "CLIENT_NOT_FOUND");
    let tgt = pair.login("alice");
    let as_server = ask(&mut pair, &tgt, enterprise("nn/localhost@EXAMPLE.COM"));
    assert_refused!(as_server, KDC_ERR_S_PRINCIPAL_UNKNOWN, "LOOKING_UP_SERVER");
    let elsewhere = pair.initial(
        InitialRequest::new(enterprise("bob@MIDDLE.ORG")),
        secret.clone(),
    );
    let Err(Error::Kdc(error)) = elsewhere else {
        panic!("bob is of another realm")
    };
    assert_eq!(
        (error.code, error.client),
        (
            ErrorCode::KDC_ERR_WRONG_REALM,
            Some(Principal::new(MIDDLE, ["bob"]))
        )
    );
    let unknown = pair.initial(
        InitialRequest::new(enterprise("bob@NOWHERE")),
        secret.clone(),
    );
    assert_eq!(refused(unknown).0, ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN);
    let moved = Principal::new(MIDDLE, ["carol"]);
    pair.kdc
        .database_mut()
        .add_client_referral(principal("carol"), moved.clone());
    let Err(Error::Kdc(error)) = pair.initial(InitialRequest::new(principal("carol")), secret)
    else {
        panic!("carol has moved")
    };
    assert_eq!(
        (error.code, error.client),
        (ErrorCode::KDC_ERR_WRONG_REALM, Some(moved))
    );
}
