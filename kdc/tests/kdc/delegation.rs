//! S4U2Self and S4U2Proxy.

use kerbox_krb5::client::{Credentials, TgsRequest};
use kerbox_krb5::messages::{
    Checksum, KdcOptions, PaData, PaDataType, PaForUser, PaPacOptions, TicketFlags,
};
use kerbox_krb5::{Error, ErrorCode, KeyUsage, Principal};

use crate::support::{Pair, principal, refused};

const HTTP: &str = "HTTP/localhost";
const NN: &str = "nn/localhost";

/// Creates a pair in which HTTP may delegate to the NameNode.
fn pair() -> Pair {
    let pair = Pair::new();
    pair.kdc
        .database_mut()
        .change(&principal(HTTP), |entry| {
            entry.delegates_to = vec![principal(NN)];
            entry
                .attributes
                .apply("+ok_to_auth_as_delegate")
                .expect("kadmin's name");
        })
        .expect("it is there");
    pair
}

fn s4u2self(pair: &mut Pair, service: &Credentials, user: &str) -> Result<Credentials, Error> {
    pair.tgs(service, TgsRequest::s4u2self(principal(user), service))
}

fn s4u2proxy(
    pair: &mut Pair,
    service: &Credentials,
    evidence: &Credentials,
    server: &str,
) -> Result<Credentials, Error> {
    let request = TgsRequest::s4u2proxy(principal(server), service, evidence.ticket.clone());
    pair.tgs(service, request)
}

#[test]
fn a_service_gets_a_ticket_to_itself_and_with_it_one_to_another_in_a_user_s_name() {
    let mut pair = pair();
    let service = pair.login(HTTP);
    let evidence = s4u2self(&mut pair, &service, "alice").expect("S4U2Self");
    assert_eq!(
        (&evidence.client, &evidence.server),
        (&principal("alice"), &principal(HTTP))
    );
    assert!(evidence.flags.contains(TicketFlags::FORWARDABLE));
    let ticket = s4u2proxy(&mut pair, &service, &evidence, NN).expect("S4U2Proxy");
    let part = ticket
        .ticket
        .open(&pair.keys(NN)[0])
        .expect("the NameNode's key");
    assert_eq!(
        (part.client, ticket.server),
        (principal("alice"), principal(NN))
    );
}

#[test]
fn a_ticket_that_the_user_sent_serves_as_evidence() {
    let mut pair = pair();
    let (service, alice) = (pair.login(HTTP), pair.login("alice"));
    let sent = pair.service(&alice, HTTP).expect("a ticket");
    assert_eq!(
        s4u2proxy(&mut pair, &service, &sent, NN)
            .expect("S4U2Proxy")
            .client,
        principal("alice")
    );
    // The ticket-granting service's keys may have changed in the meantime.
    let krbtgt = Principal::krbtgt("EXAMPLE.COM", "EXAMPLE.COM");
    let rotate = |pair: &Pair| {
        let keys = kerbox_kdc::NewKeys::Random;
        pair.kdc
            .update(|database, rng| database.change_keys(&krbtgt, &keys, true, rng))
            .expect("rotated")
    };
    rotate(&pair);
    assert!(s4u2proxy(&mut pair, &service, &sent, NN).is_ok());
}

#[test]
fn evidence_that_a_service_made_itself_is_refused() {
    let mut pair = pair();
    let (service, alice) = (pair.login(HTTP), pair.login("alice"));
    let sent = pair.service(&alice, HTTP).expect("a ticket");
    let key = pair.keys(HTTP)[0].clone();
    let part = sent.ticket.open(&key).expect("the service's own key");
    let forge = |pair: &mut Pair, change: fn(&mut kerbox_krb5::messages::EncTicketPart)| {
        let mut part = part.clone();
        change(&mut part);
        let mut forged = sent.clone();
        forged.ticket = part.seal(principal(HTTP), &key, Some(1), &mut pair.rng);
        forged
    };
    let same = forge(&mut pair, |_| {});
    assert!(s4u2proxy(&mut pair, &service, &same, NN).is_ok());
    for forged in [
        forge(&mut pair, |part| part.client = principal("bob")),
        forge(&mut pair, |part| part.flags |= TicketFlags::OK_AS_DELEGATE),
        forge(&mut pair, |part| part.authorization_data.clear()),
    ] {
        let refused = refused(s4u2proxy(&mut pair, &service, &forged, NN));
        assert_eq!(refused.0, ErrorCode::KRB_AP_ERR_MODIFIED);
    }
}

#[test]
fn the_resource_may_be_the_one_that_allows() {
    let mut pair = Pair::new();
    pair.kdc
        .database_mut()
        .change(&principal(NN), |entry| {
            entry.delegates_from = vec![principal(HTTP)];
        })
        .expect("it is there");
    let service = pair.login(HTTP);
    let evidence = s4u2self(&mut pair, &service, "alice").expect("S4U2Self");
    let not_asked = s4u2proxy(&mut pair, &service, &evidence, NN);
    assert_eq!(
        refused(not_asked),
        (
            ErrorCode::KDC_ERR_BADOPTION,
            "NOT_ALLOWED_TO_DELEGATE".to_owned()
        )
    );
    let mut request = TgsRequest::s4u2proxy(principal(NN), &service, evidence.ticket);
    let options = PaPacOptions(PaPacOptions::RESOURCE_BASED).encode();
    request
        .padata
        .push(PaData::new(PaDataType::PAC_OPTIONS, options));
    assert_eq!(
        pair.tgs(&service, request).expect("S4U2Proxy").client,
        principal("alice")
    );
}

#[test]
fn a_service_without_leave_gets_evidence_that_is_none() {
    let mut pair = pair();
    pair.kdc
        .database_mut()
        .change(&principal(HTTP), |entry| {
            entry.attributes.apply("-ok_to_auth_as_delegate")
        })
        .expect("it is there")
        .expect("kadmin's name");
    let service = pair.login(HTTP);
    let evidence = s4u2self(&mut pair, &service, "alice").expect("S4U2Self");
    assert!(!evidence.flags.contains(TicketFlags::FORWARDABLE));
    let refused = refused(s4u2proxy(&mut pair, &service, &evidence, NN));
    assert_eq!(
        refused,
        (
            ErrorCode::KDC_ERR_BADOPTION,
            "EVIDENCE_TKT_NOT_FORWARDABLE".to_owned()
        )
    );
}

#[test]
fn s4u2self_is_refused_for_others_and_for_unknown_or_locked_users() {
    let mut pair = pair();
    let service = pair.login(HTTP);
    let mut for_another = TgsRequest::s4u2self(principal("alice"), &service);
    for_another.server = principal(NN);
    assert_eq!(
        refused(pair.tgs(&service, for_another)).0,
        ErrorCode::KRB_AP_ERR_BADMATCH
    );
    let unknown = refused(s4u2self(&mut pair, &service, "mallory"));
    assert_eq!(
        unknown,
        (
            ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN,
            "UNKNOWN_S4U2SELF_PRINCIPAL".to_owned()
        )
    );
    let elsewhere = TgsRequest::s4u2self(Principal::new("ELSEWHERE", ["alice"]), &service);
    assert_eq!(
        refused(pair.tgs(&service, elsewhere)).0,
        ErrorCode::KDC_ERR_POLICY
    );
    let mut renew = TgsRequest::renew(&service);
    renew.for_user = Some(principal("alice"));
    assert_eq!(
        refused(pair.tgs(&service, renew)).0,
        ErrorCode::KRB_AP_ERR_BADMATCH
    );
    pair.kdc
        .database_mut()
        .change(&principal("alice"), |entry| {
            entry.attributes.apply("-allow_tix")
        })
        .expect("alice")
        .expect("kadmin's name");
    assert_eq!(
        refused(s4u2self(&mut pair, &service, "alice")).0,
        ErrorCode::KDC_ERR_CLIENT_REVOKED
    );
}

#[test]
fn s4u2self_is_refused_with_a_wrong_checksum() {
    let mut pair = pair();
    let service = pair.login(HTTP);
    let padata = |checksum: Checksum| {
        let element = PaForUser {
            user: principal("alice"),
            checksum,
            auth_package: "Kerberos".to_owned(),
        };
        PaData::new(PaDataType::FOR_USER, element.encode())
    };
    let right = Checksum::keyed(
        &service.key,
        KeyUsage::PA_FOR_USER_CHECKSUM,
        &PaForUser::checksummed(&principal("bob"), "Kerberos"),
    );
    let unkeyed = Checksum {
        checksum_type: kerbox_krb5::ChecksumType::CRC32,
        bytes: vec![0; 4],
    };
    for (element, code) in [
        (padata(right), ErrorCode::KRB_AP_ERR_MODIFIED),
        (padata(unkeyed), ErrorCode::KRB_AP_ERR_INAPP_CKSUM),
        (
            PaData::new(PaDataType::FOR_USER, Vec::new()),
            ErrorCode::KRB_ERR_GENERIC,
        ),
        (
            PaData::new(PaDataType::FOR_X509_USER, vec![0x30, 0x80]),
            ErrorCode::KRB_ERR_GENERIC,
        ),
    ] {
        let mut request = TgsRequest::service(principal(HTTP), &service);
        request.padata.push(element);
        assert_eq!(refused(pair.tgs(&service, request)).0, code);
    }
}

#[test]
fn s4u2proxy_is_refused_without_its_conditions() {
    let mut pair = pair();
    let service = pair.login(HTTP);
    let evidence = s4u2self(&mut pair, &service, "alice").expect("S4U2Self");
    let code = |pair: &mut Pair, change: &dyn Fn(&mut TgsRequest)| {
        let mut request = TgsRequest::s4u2proxy(principal(NN), &service, evidence.ticket.clone());
        change(&mut request);
        refused(pair.tgs(&service, request)).0
    };
    assert_eq!(
        code(&mut pair, &|request| request.additional_tickets.clear()),
        ErrorCode::KDC_ERR_BADOPTION
    );
    assert_eq!(
        code(&mut pair, &|request| request.server = principal("bob")),
        ErrorCode::KDC_ERR_BADOPTION
    );
    let krbtgt = Principal::krbtgt("EXAMPLE.COM", "EXAMPLE.COM");
    assert_eq!(
        code(&mut pair, &|request| {
            request.server = krbtgt.clone();
            request.options |= KdcOptions::FORWARDED;
        }),
        ErrorCode::KDC_ERR_BADOPTION
    );
    assert_eq!(
        code(&mut pair, &|request| request.server = krbtgt.clone()),
        ErrorCode::KDC_ERR_POLICY
    );
    let other = pair.login(NN);
    let not_its_own = s4u2proxy(&mut pair, &other, &evidence, NN);
    assert_eq!(refused(not_its_own).0, ErrorCode::KDC_ERR_SERVER_NOMATCH);
}
