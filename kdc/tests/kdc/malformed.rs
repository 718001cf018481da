//! Invalid bytes and unusual requests. The KDC must give a defined answer or none, and continue to
//! serve.

use kerbox_krb5::client::{AsExchange, InitialRequest, Secret, TgsExchange, TgsRequest};
use kerbox_krb5::messages::{
    EncryptedData, KdcOptions, KdcRequest, KdcRequestBody, KrbError, MessageType, PaData,
    PaDataType, TicketFlags,
};
use kerbox_krb5::{ErrorCode, Timestamp};

use crate::authenticators::{rebind, with_authenticator};
use crate::support::{Pair, REALM, principal, refused};
use kerbox_kdc::testing::corpus;

#[test]
fn what_is_no_request_gets_no_answer() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    for bytes in [
        &b""[..],
        b"\x6A",
        b"\x6A\xFF",
        b"\x6C\xFF",
        b"\xFF\xFF",
        &[0; 65_507],
        &tgt.ticket.encode(),
    ] {
        let reply = pair.send(bytes);
        assert_eq!((reply.message, reply.close), (None, true));
    }
    assert!(tgt.flags.contains(TicketFlags::INITIAL));
}

#[test]
fn no_truncated_or_flipped_request_panics_or_is_granted() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let request = TgsRequest::service(principal("nn/localhost"), &tgt);
    let (_, tgs) = TgsExchange::new(&tgt, request, pair.now, &mut pair.rng).expect("a request");
    let mut initial = InitialRequest::new(principal("alice"));
    initial.preauthenticate = true;
    let keys = Secret::Keys(pair.keys("alice"));
    let (_, as_req) = AsExchange::new(initial, keys, pair.now, &mut pair.rng).expect("a request");
    for bytes in [as_req, tgs] {
        for length in 0..bytes.len() {
            assert_eq!(pair.send(&bytes[..length]).message, None);
        }
        // The checksum of a TGS request covers its body.
        let body = KdcRequest::decode(&bytes).expect("our own").raw_body.len();
        let protected = MessageType::of(&bytes) == Some(MessageType::TGS_REQ);
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[place] ^= 1 << bit;
                let answer = pair.send(&flipped).message;
                let granted =
                    answer.as_deref().and_then(MessageType::of) == Some(MessageType::TGS_REP);
                assert!(
                    !(granted && protected && place >= bytes.len() - body),
                    "bit {bit} of byte {place}"
                );
            }
        }
    }
}

#[test]
fn requests_that_nobody_sends_are_refused_or_get_no_answer() {
    let mut pair = Pair::new();
    let mut answered = 0;
    for (what, bytes) in corpus::cases(REALM) {
        let reply = pair.send(&bytes);
        let Some(answer) = reply.message else {
            assert!(reply.close, "{what}");
            continue;
        };
        // Alice must pre-authenticate, so nothing is granted, whatever the request contains.
        let error = KrbError::decode(&answer).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_ne!(error.code, ErrorCode::KDC_ERR_NONE, "{what}");
        answered += 1;
    }
    assert!(answered > 500, "most of them can be read: {answered}");
    assert!(pair.login_with("alice", |_| {}).is_ok());
}

#[test]
fn requests_with_any_byte_one_more_or_less_are_survived() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let (_, tgs) = TgsExchange::new(
        &tgt,
        TgsRequest::service(principal("nn/localhost"), &tgt),
        pair.now,
        &mut pair.rng,
    )
    .expect("a request");
    for bytes in [corpus::Request::new("alice", REALM).encode(), tgs] {
        for place in 0..bytes.len() {
            for change in [1, 0xFF] {
                let mut changed = bytes.clone();
                changed[place] = changed[place].wrapping_add(change);
                let _ = pair.send(&changed);
            }
            // One byte duplicated, and one removed.
            let mut longer = bytes.clone();
            longer.insert(place, bytes[place]);
            let mut shorter = bytes.clone();
            shorter.remove(place);
            for changed in [longer, shorter] {
                let _ = pair.send(&changed);
            }
        }
    }
    assert!(pair.login_with("alice", |_| {}).is_ok());
}

#[test]
fn a_ticket_request_without_one_of_its_parts_is_refused() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    // CVE-2021-37750, CVE-2021-3671: without a server; then without every other optional part.
    type Change = fn(&mut KdcRequestBody);
    let changes: [(&str, Change, Option<ErrorCode>); 5] = [
        (
            "server",
            |body| body.server = None,
            Some(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN),
        ),
        ("client", |body| body.client = Some(principal("bob")), None),
        ("from", |body| body.from = Some(Timestamp::EPOCH), None),
        ("renew till", |body| body.rtime = None, None),
        (
            "enctypes",
            |body| body.enctypes.clear(),
            Some(ErrorCode::KDC_ERR_ETYPE_NOSUPP),
        ),
    ];
    for (what, change, code) in changes {
        let (refused, _) = with_authenticator(&mut pair, &tgt, |authenticator, _, message| {
            change(&mut message.body);
            rebind(authenticator, message, &tgt);
        });
        assert_eq!(refused, code.unwrap_or(ErrorCode::KDC_ERR_NONE), "{what}");
    }
}

#[test]
fn second_tickets_without_end_or_sense_are_refused() {
    let mut pair = Pair::new();
    let (alice, bob) = (pair.login("alice"), pair.login("bob"));
    let mut many = TgsRequest::user_to_user(principal("bob"), &alice, bob.ticket.clone());
    many.additional_tickets = vec![bob.ticket.clone(); 1000];
    assert!(pair.tgs(&alice, many).is_ok(), "the first one counts");
    let mut garbage = bob.ticket;
    garbage.enc_part.cipher.truncate(3);
    let garbage = TgsRequest::user_to_user(principal("bob"), &alice, garbage);
    assert_eq!(refused(pair.tgs(&alice, garbage)).1, "2ND_TKT_DECRYPT");
    // Without the option they are ignored.
    let mut unasked = TgsRequest::service(principal("nn/localhost"), &alice);
    unasked.additional_tickets = vec![alice.ticket.clone(); 3];
    assert!(pair.tgs(&alice, unasked).is_ok());
}

#[test]
fn s4u_elements_that_are_cut_or_doubled_are_refused() {
    let mut pair = Pair::new();
    let service = pair.login("HTTP/localhost");
    let http = principal("HTTP/localhost");
    let element = {
        let (_, bytes) = TgsExchange::new(
            &service,
            TgsRequest::s4u2self(principal("alice"), &service),
            pair.now,
            &mut pair.rng,
        )
        .expect("a request");
        let message = KdcRequest::decode(&bytes).expect("our own");
        PaData::find(&message.padata, PaDataType::FOR_USER)
            .expect("it is there")
            .clone()
    };
    for length in 0..element.value.len() {
        let mut request = TgsRequest::service(http.clone(), &service);
        request.padata.push(PaData::new(
            PaDataType::FOR_USER,
            element.value[..length].to_vec(),
        ));
        assert_eq!(
            refused(pair.tgs(&service, request)).0,
            ErrorCode::KRB_ERR_GENERIC,
            "{length}"
        );
    }
    // A repeated element has no further effect.
    let mut twice = TgsRequest::s4u2self(principal("alice"), &service);
    twice.padata = vec![element];
    assert_eq!(
        pair.tgs(&service, twice).expect("S4U2Self").client,
        principal("alice")
    );
}

#[test]
fn renewal_and_validation_fail_in_every_branch_without_harm() {
    // CVE-2010-1230, CVE-2011-0284, CVE-2023-39975: invalid frees in cleanup code.
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    for option in [
        KdcOptions::RENEW,
        KdcOptions::VALIDATE,
        KdcOptions::FORWARDED,
        KdcOptions::PROXY,
    ] {
        let (code, text) = with_authenticator(&mut pair, &tgt, |authenticator, _, message| {
            message.body.server = Some(tgt.server.clone());
            message.body.options = option;
            message.body.enc_authorization_data = Some(EncryptedData {
                enctype: tgt.key.enctype(),
                kvno: None,
                cipher: vec![0; 60],
            });
            rebind(authenticator, message, &tgt);
        });
        let expected = match option {
            KdcOptions::VALIDATE => (ErrorCode::KDC_ERR_BADOPTION, "VALIDATE VALID TICKET"),
            KdcOptions::PROXY => (ErrorCode::KDC_ERR_BADOPTION, "CAN'T PROXY TGT"),
            _ => (ErrorCode::KRB_AP_ERR_BAD_INTEGRITY, "HANDLE_AUTHDATA"),
        };
        assert_eq!((code, &*text), expected, "{option:?}");
    }
    assert!(pair.tgs(&tgt, TgsRequest::renew(&tgt)).is_ok());
}
