//! What the KDC refuses, with MIT's numbers and texts: one test for each check.

use std::time::Duration;

use kerbox_kdc::{NewKeys, PrincipalEntry};
use kerbox_krb5::client::{AsExchange, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest};
use kerbox_krb5::messages::{
    ApOptions, ApReq, Authenticator, AuthorizationData, Checksum, EncryptedData, KdcOptions, KdcRequest, MessageType, PaData, PaDataType,
    PaEncTsEnc, TicketFlags,
};
use kerbox_krb5::{ChecksumType, EncryptionType, ErrorCode, KeyUsage, Principal, Timestamp};

use crate::support::{Pair, krb_error, principal, refused};

/// Changes a principal of the database.
fn change(pair: &Pair, name: &str, change: impl FnOnce(&mut PrincipalEntry)) {
    pair.kdc.database_mut().change(&principal(name), change).expect("it is there");
}

fn set(pair: &Pair, name: &str, setting: &str) {
    change(pair, name, |entry| entry.attributes.apply(setting).expect("kadmin's name"));
}

/// Asserts the number and the text of a refusal.
macro_rules! assert_refused {
    ($result:expr, $code:ident, $text:literal) => {
        assert_eq!(refused($result), (ErrorCode::$code, $text.to_owned()))
    };
}

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
    assert_refused!(pair.service(&tgt, "no/such"), KDC_ERR_S_PRINCIPAL_UNKNOWN, "LOOKING_UP_SERVER");
}

#[test]
fn a_wrong_key() {
    let mut pair = Pair::new();
    let bobs = pair.keys("bob");
    let result = pair.initial(InitialRequest::new(principal("alice")), Secret::Keys(bobs));
    assert_refused!(result, KDC_ERR_PREAUTH_FAILED, "PREAUTH_FAILED");
}

#[test]
fn a_key_that_was_changed() {
    let mut pair = Pair::new();
    let old = pair.keys("alice");
    pair.kdc
        .update(|database, rng| database.change_keys(&principal("alice"), &NewKeys::Random, true, rng))
        .expect("changed");
    let result = pair.initial(InitialRequest::new(principal("alice")), Secret::Keys(old));
    assert_refused!(result, KDC_ERR_PREAUTH_FAILED, "PREAUTH_FAILED");
}

/// An AS-REQ of alice with this PA-ENC-TIMESTAMP.
fn with_timestamp(pair: &mut Pair, value: Vec<u8>) -> (ErrorCode, String) {
    let keys = Secret::Keys(pair.keys("alice"));
    let (_, bytes) = AsExchange::new(InitialRequest::new(principal("alice")), keys, pair.now, &mut pair.rng).expect("a request");
    let mut message = KdcRequest::decode(&bytes).expect("our own");
    message.padata = vec![PaData::new(PaDataType::ENC_TIMESTAMP, value)];
    let answer = pair.answer(&message.encode());
    if MessageType::of(&answer) == Some(MessageType::AS_REP) {
        return (ErrorCode::KDC_ERR_NONE, String::new());
    }
    let error = krb_error(&answer);
    (error.code, error.text.unwrap_or_default())
}

fn timestamp(pair: &mut Pair, at: Timestamp) -> Vec<u8> {
    let key = pair.keys("alice")[0].clone();
    let plaintext = PaEncTsEnc { timestamp: at }.encode();
    EncryptedData::seal(&key, None, KeyUsage::AS_REQ_PA_ENC_TIMESTAMP, &plaintext, &mut pair.rng).encode()
}

#[test]
fn a_timestamp_beyond_the_skew() {
    let mut pair = Pair::new();
    for (offset, expected) in [
        (-301, ErrorCode::KRB_AP_ERR_SKEW),
        (-300, ErrorCode::KDC_ERR_NONE),
        (300, ErrorCode::KDC_ERR_NONE),
        (301, ErrorCode::KRB_AP_ERR_SKEW),
    ] {
        let value = timestamp(&mut pair, Timestamp::from_secs(1_700_000_000 + offset));
        assert_eq!(with_timestamp(&mut pair, value).0, expected, "{offset} s");
    }
}

#[test]
fn a_timestamp_that_is_none() {
    let mut pair = Pair::new();
    let key = pair.keys("alice")[0].clone();
    let usage = KeyUsage::AS_REQ_PA_ENC_TIMESTAMP;
    let garbage = EncryptedData::seal(&key, None, usage, b"garbage", &mut pair.rng).encode();
    let mut other_type = EncryptedData::seal(&key, None, usage, b"", &mut pair.rng);
    other_type.enctype = EncryptionType(1);
    let unknown = other_type.encode();
    let short = EncryptedData {
        enctype: key.enctype(),
        cipher: vec![0; 5],
        ..other_type
    };
    for value in [Vec::new(), vec![0x30], garbage, unknown, short.encode()] {
        let refused = with_timestamp(&mut pair, value);
        assert_eq!(refused, (ErrorCode::KDC_ERR_PREAUTH_FAILED, "PREAUTH_FAILED".to_owned()));
    }
}

#[test]
fn no_empty_element_of_any_type_counts_as_preauthentication() {
    let mut pair = Pair::new();
    let keys = Secret::Keys(pair.keys("alice"));
    let (_, bytes) = AsExchange::new(InitialRequest::new(principal("alice")), keys, pair.now, &mut pair.rng).expect("a request");
    for pa_type in -10..200 {
        let mut message = KdcRequest::decode(&bytes).expect("our own");
        message.padata = vec![PaData::new(PaDataType(pa_type), Vec::new())];
        let Some(answer) = pair.send(&message.encode()).message else {
            continue;
        };
        let code = krb_error(&answer).code;
        assert_ne!(code, ErrorCode::KDC_ERR_NONE, "type {pa_type}");
    }
}

#[test]
fn states_of_the_client() {
    let mut pair = Pair::new();
    let past = pair.now - Duration::from_secs(1);
    set(&pair, "alice", "-allow_tix");
    assert_refused!(pair.login_with("alice", |_| {}), KDC_ERR_CLIENT_REVOKED, "CLIENT LOCKED OUT");
    set(&pair, "alice", "+needchange");
    assert_refused!(pair.login_with("alice", |_| {}), KDC_ERR_KEY_EXPIRED, "REQUIRED PWCHANGE");
    change(&pair, "alice", |entry| entry.password_expires = Some(past));
    assert_refused!(pair.login_with("alice", |_| {}), KDC_ERR_KEY_EXPIRED, "CLIENT KEY EXPIRED");
    change(&pair, "alice", |entry| entry.expires = Some(past));
    assert_refused!(pair.login_with("alice", |_| {}), KDC_ERR_NAME_EXP, "CLIENT EXPIRED");
    set(&pair, "bob", "+requires_hwauth");
    assert_refused!(pair.login_with("bob", |_| {}), KDC_ERR_PREAUTH_REQUIRED, "NEEDED_HW_PREAUTH");
}

#[test]
fn an_expired_password_still_opens_the_password_service() {
    let mut pair = Pair::new();
    let past = pair.now - Duration::from_secs(1);
    change(&pair, "alice", |entry| entry.password_expires = Some(past));
    let ticket = pair
        .login_with("alice", |request| request.server = principal("kadmin/changepw"))
        .expect("a ticket");
    assert_eq!(ticket.lifetime(), Duration::from_secs(300));
    let tgt = pair.login("bob");
    assert_refused!(pair.service(&tgt, "kadmin/changepw"), KDC_ERR_POLICY, "TGT BASED NOT ALLOWED");
}

#[test]
fn states_of_the_server_in_an_as_exchange() {
    let mut pair = Pair::new();
    let past = pair.now - Duration::from_secs(1);
    let ask = |pair: &mut Pair| pair.login_with("alice", |request| request.server = principal("nn/localhost"));
    assert!(ask(&mut pair).is_ok());
    set(&pair, "nn/localhost", "-allow_svr");
    assert_refused!(ask(&mut pair), KDC_ERR_MUST_USE_USER2USER, "SERVICE NOT ALLOWED");
    set(&pair, "nn/localhost", "-allow_tix");
    assert_refused!(ask(&mut pair), KDC_ERR_S_PRINCIPAL_UNKNOWN, "SERVICE LOCKED OUT");
    change(&pair, "nn/localhost", |entry| entry.expires = Some(past));
    assert_refused!(ask(&mut pair), KDC_ERR_SERVICE_EXP, "SERVICE EXPIRED");
}

#[test]
fn states_of_the_server_in_a_tgs_exchange() {
    let mut pair = Pair::new();
    pair.add("carol", &["-requires_preauth"]);
    let (alice, carol) = (pair.login("alice"), pair.login("carol"));
    assert_refused!(pair.service(&carol, "nn/localhost"), KRB_ERR_GENERIC, "NO PREAUTH");
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
    assert_refused!(ask(&mut pair), KDC_ERR_MUST_USE_USER2USER, "SERVER NOT ALLOWED");
    set(&pair, "nn/localhost", "-allow_tix");
    assert_refused!(ask(&mut pair), KDC_ERR_S_PRINCIPAL_UNKNOWN, "SERVER LOCKED OUT");
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
    assert_eq!(pair.service(&tgt, "nn/localhost").expect("a ticket").flags.letters(), "PRATO");
    set(&pair, "alice", "-allow_postdated");
    let start = pair.now + Duration::from_secs(60);
    let result = pair.login_with("alice", |request| request.start = Some(start));
    assert_refused!(result, KDC_ERR_CANNOT_POSTDATE, "POSTDATE NOT ALLOWED");
}

#[test]
fn options_that_only_a_tgs_request_may_have() {
    let mut pair = Pair::new();
    for option in [
        KdcOptions::FORWARDED,
        KdcOptions::PROXY,
        KdcOptions::RENEW,
        KdcOptions::VALIDATE,
        KdcOptions::ENC_TKT_IN_SKEY,
        KdcOptions::CNAME_IN_ADDL_TKT,
    ] {
        let result = pair.login_with("alice", |request| request.options |= option);
        assert_refused!(result, KDC_ERR_BADOPTION, "INVALID AS OPTIONS");
    }
    let result = pair.login_with("alice", |request| request.options |= KdcOptions::REQUEST_ANONYMOUS);
    assert_refused!(result, KDC_ERR_BADOPTION, "VALIDATE_ANONYMOUS_PRINCIPAL");
}

#[test]
fn a_ticket_that_would_end_before_it_begins() {
    let mut pair = Pair::new();
    let result = pair.login_with("alice", |request| request.lifetime = Duration::ZERO);
    assert_refused!(result, KDC_ERR_NEVER_VALID, "NEVER_VALID");
}

#[test]
fn encryption_types_that_nobody_knows() {
    let mut pair = Pair::new();
    for enctypes in [vec![], vec![EncryptionType(1), EncryptionType(i32::MIN)], vec![EncryptionType(23)]] {
        let keys = Secret::Keys(pair.keys("alice"));
        let mut request = InitialRequest::new(principal("alice"));
        request.enctypes = enctypes.clone();
        assert_refused!(pair.initial(request, keys), KDC_ERR_ETYPE_NOSUPP, "BAD_ENCRYPTION_TYPE");
        let tgt = pair.login("alice");
        let mut request = TgsRequest::service(principal("nn/localhost"), &tgt);
        request.enctypes = enctypes;
        assert_refused!(pair.tgs(&tgt, request), KDC_ERR_ETYPE_NOSUPP, "BAD_ENCRYPTION_TYPE");
    }
}

#[test]
fn options_that_the_ticket_does_not_allow() {
    let mut pair = Pair::new();
    let tgt = pair.login_with("alice", |request| {
        request.options = KdcOptions::NONE;
        request.renewable_lifetime = Duration::ZERO;
    });
    let tgt = tgt.expect("a plain ticket");
    let renew = TgsRequest::renew(&tgt);
    assert_refused!(pair.tgs(&tgt, renew), KDC_ERR_BADOPTION, "TICKET NOT RENEWABLE");
    let forward = TgsRequest::forward(&tgt, Vec::new());
    assert_refused!(pair.tgs(&tgt, forward), KDC_ERR_BADOPTION, "TGT NOT FORWARDABLE");
    let validate = TgsRequest::validate(&tgt);
    assert_refused!(pair.tgs(&tgt, validate), KDC_ERR_BADOPTION, "VALIDATE VALID TICKET");
    for (option, text) in [
        (KdcOptions::PROXY, "TGT NOT PROXIABLE"),
        (KdcOptions::POSTDATED, "TGT NOT POSTDATABLE"),
    ] {
        let mut request = TgsRequest::service(principal("nn/localhost"), &tgt);
        request.options |= option;
        assert_eq!(refused(pair.tgs(&tgt, request)), (ErrorCode::KDC_ERR_BADOPTION, text.to_owned()));
    }
    let proxiable = pair.login("alice");
    let mut request = TgsRequest::renew(&proxiable);
    request.options = KdcOptions::PROXY;
    assert_refused!(pair.tgs(&proxiable, request), KDC_ERR_BADOPTION, "CAN'T PROXY TGT");
}

#[test]
fn a_renewed_or_forwarded_ticket_of_another_server() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let mut request = TgsRequest::renew(&tgt);
    request.server = principal("nn/localhost");
    assert_eq!(refused(pair.tgs(&tgt, request)).0, ErrorCode::KDC_ERR_SERVER_NOMATCH);
}

#[test]
fn a_service_ticket_in_the_place_of_a_ticket_granting_ticket() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let ticket = pair.service(&tgt, "nn/localhost").expect("a ticket");
    assert_refused!(pair.service(&ticket, "HTTP/localhost"), KRB_AP_ERR_NOT_US, "BAD TGS SERVER NAME");
    let mut renewed = TgsRequest::renew(&ticket);
    renewed.options = KdcOptions::RENEW | KdcOptions::RENEWABLE;
    assert!(pair.tgs(&ticket, renewed).is_ok());
}

#[test]
fn a_ticket_past_its_end_and_the_skew() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    pair.advance(10 * 3600 + 300);
    assert!(pair.service(&tgt, "nn/localhost").is_ok());
    pair.advance(1);
    assert_refused!(pair.service(&tgt, "nn/localhost"), KRB_AP_ERR_TKT_EXPIRED, "PROCESS_TGS");
    let renew = TgsRequest::renew(&tgt);
    assert_refused!(pair.tgs(&tgt, renew), KRB_AP_ERR_TKT_EXPIRED, "PROCESS_TGS");
}

#[test]
fn a_client_whose_clock_is_off() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let request = TgsRequest::service(principal("nn/localhost"), &tgt);
    let theirs = pair.now + Duration::from_secs(301);
    let (exchange, bytes) = TgsExchange::new(&tgt, request, theirs, &mut pair.rng).expect("a request");
    assert_refused!(exchange.finish(&pair.answer(&bytes)), KRB_AP_ERR_SKEW, "PROCESS_TGS");
}

#[test]
fn a_ticket_of_an_unknown_or_forged_service() {
    let mut pair = Pair::new();
    let mut tgt = pair.login("alice");
    tgt.ticket.server = principal("no/such");
    assert_refused!(pair.service(&tgt, "nn/localhost"), KDC_ERR_S_PRINCIPAL_UNKNOWN, "PROCESS_TGS");
    let mut tgt = pair.login("alice");
    tgt.ticket.server = principal("nn/localhost");
    assert_refused!(pair.service(&tgt, "HTTP/localhost"), KRB_AP_ERR_BAD_INTEGRITY, "PROCESS_TGS");
    let mut tgt = pair.login("alice");
    tgt.ticket.enc_part.kvno = Some(9);
    assert_refused!(pair.service(&tgt, "nn/localhost"), KRB_ERR_GENERIC, "PROCESS_TGS");
    // A ticket-granting ticket in one of krbtgt's weaker keys.
    let weak = pair.keys("krbtgt/EXAMPLE.COM")[1].clone();
    let mut tgt = pair.login("alice");
    let part = tgt.ticket.open(&pair.keys("krbtgt/EXAMPLE.COM")[0]).expect("the first key");
    tgt.ticket = part.seal(tgt.ticket.server.clone(), &weak, Some(1), &mut pair.rng);
    assert_refused!(pair.service(&tgt, "nn/localhost"), KRB_AP_ERR_BAD_INTEGRITY, "PROCESS_TGS");
}

/// A TGS-REQ for `nn/localhost` whose AP-REQ is `change`d before it is sealed.
fn with_authenticator(
    pair: &mut Pair,
    tgt: &Credentials,
    change: impl FnOnce(&mut Authenticator, &mut ApReq, &mut KdcRequest),
) -> (ErrorCode, String) {
    let request = TgsRequest::service(principal("nn/localhost"), tgt);
    let (_, bytes) = TgsExchange::new(tgt, request, pair.now, &mut pair.rng).expect("a request");
    let mut message = KdcRequest::decode(&bytes).expect("our own");
    let mut ap_req = ApReq::decode(&message.padata[0].value).expect("our own");
    let usage = KeyUsage::TGS_REQ_AUTHENTICATOR;
    let mut authenticator = Authenticator::decode(&ap_req.authenticator.open(&tgt.key, usage).expect("our key")).expect("our own");
    message.padata.clear();
    change(&mut authenticator, &mut ap_req, &mut message);
    ap_req.authenticator = EncryptedData::seal(&tgt.key, None, usage, &authenticator.encode(), &mut pair.rng);
    message.padata.insert(0, PaData::new(PaDataType::TGS_REQ, ap_req.encode()));
    let answer = pair.answer(&message.encode());
    if MessageType::of(&answer) == Some(MessageType::TGS_REP) {
        return (ErrorCode::KDC_ERR_NONE, String::new());
    }
    let error = krb_error(&answer);
    (error.code, error.text.unwrap_or_default())
}

#[test]
fn authenticators_that_do_not_fit() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let mut code = |change: &dyn Fn(&mut Authenticator, &mut ApReq, &mut KdcRequest)| with_authenticator(&mut pair, &tgt, change).0;
    assert_eq!(code(&|_, _, _| {}), ErrorCode::KDC_ERR_NONE);
    assert_eq!(
        code(&|authenticator, _, _| authenticator.client = principal("bob")),
        ErrorCode::KRB_AP_ERR_BADMATCH
    );
    assert_eq!(
        code(&|authenticator, _, _| authenticator.checksum = None),
        ErrorCode::KRB_AP_ERR_INAPP_CKSUM
    );
    assert_eq!(
        code(&|_, ap_req, _| ap_req.options = ApOptions::MUTUAL_REQUIRED),
        ErrorCode::KDC_ERR_POLICY
    );
    assert_eq!(
        code(&|_, _, message| {
            message.body.options |= KdcOptions::RENEWABLE_OK;
            message.raw_body = message.body.encode();
        }),
        ErrorCode::KRB_AP_ERR_BAD_INTEGRITY,
        "a body that the checksum does not cover"
    );
    assert_eq!(
        code(&|authenticator, _, _| authenticator.authorization_data = vec![AuthorizationData {
            ad_type: AuthorizationData::FX_ARMOR,
            data: Vec::new(),
        }]),
        ErrorCode::KDC_ERR_POLICY
    );
}

#[test]
fn checksums_without_a_key_or_of_another_kind() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let unkeyed = [
        ChecksumType::CRC32,
        ChecksumType::RSA_MD4,
        ChecksumType::RSA_MD5,
        ChecksumType::SHA1,
    ];
    for checksum_type in unkeyed {
        let (code, _) = with_authenticator(&mut pair, &tgt, |authenticator, _, _| {
            authenticator.checksum = Some(Checksum {
                checksum_type,
                bytes: vec![0; 16],
            });
        });
        assert_eq!(code, ErrorCode::KRB_AP_ERR_INAPP_CKSUM, "{checksum_type:?}");
    }
    let short = |authenticator: &mut Authenticator, _: &mut ApReq, _: &mut KdcRequest| {
        let checksum = authenticator.checksum.as_mut().expect("we send one");
        checksum.bytes.truncate(1);
    };
    assert_eq!(with_authenticator(&mut pair, &tgt, short).0, ErrorCode::KRB_AP_ERR_BAD_INTEGRITY);
    let key = tgt.key.clone();
    let other_usage = move |authenticator: &mut Authenticator, _: &mut ApReq, message: &mut KdcRequest| {
        let usage = KeyUsage::AP_REQ_AUTHENTICATOR_CHECKSUM;
        authenticator.checksum = Some(Checksum::keyed(&key, usage, &message.raw_body));
    };
    assert_eq!(
        with_authenticator(&mut pair, &tgt, other_usage).0,
        ErrorCode::KRB_AP_ERR_BAD_INTEGRITY
    );
}

#[test]
fn a_request_without_its_parts() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let request = TgsRequest::service(principal("nn/localhost"), &tgt);
    let (_, bytes) = TgsExchange::new(&tgt, request, pair.now, &mut pair.rng).expect("a request");
    let mut message = KdcRequest::decode(&bytes).expect("our own");
    message.padata.clear();
    assert_eq!(
        krb_error(&pair.answer(&message.encode())).code,
        ErrorCode::KDC_ERR_PADATA_TYPE_NOSUPP
    );
    let no_server = with_authenticator(&mut pair, &tgt, |authenticator, _, message| {
        message.body.server = None;
        message.raw_body = message.body.encode();
        let usage = KeyUsage::TGS_REQ_AUTHENTICATOR_CHECKSUM;
        authenticator.checksum = Some(Checksum::keyed(&tgt.key, usage, &message.raw_body));
    });
    assert_eq!(no_server, (ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN, "NULL_SERVER".to_owned()));
    let keys = Secret::Keys(pair.keys("alice"));
    let (_, bytes) = AsExchange::new(InitialRequest::new(principal("alice")), keys, pair.now, &mut pair.rng).expect("a request");
    let message = KdcRequest::decode(&bytes).expect("our own");
    let mut without_client = message.body.clone();
    without_client.client = None;
    let mut without_server = message.body;
    without_server.server = None;
    for (body, text) in [(without_client, "NULL_CLIENT"), (without_server, "NULL_SERVER")] {
        let request = KdcRequest::new(MessageType::AS_REQ, Vec::new(), body);
        assert_eq!(krb_error(&pair.answer(&request.encode())).text.as_deref(), Some(text));
    }
}

#[test]
fn user_to_user_with_the_wrong_ticket() {
    let mut pair = Pair::new();
    let (alice, bob) = (pair.login("alice"), pair.login("bob"));
    let mut none = TgsRequest::user_to_user(principal("bob"), &alice, bob.ticket.clone());
    none.additional_tickets.clear();
    assert_refused!(pair.tgs(&alice, none), KDC_ERR_BADOPTION, "NO_2ND_TKT");
    let own = TgsRequest::user_to_user(principal("bob"), &alice, alice.ticket.clone());
    assert_refused!(pair.tgs(&alice, own), KDC_ERR_SERVER_NOMATCH, "2ND_TKT_MISMATCH");
    let service = pair.service(&bob, "nn/localhost").expect("a ticket");
    let not_tgs = TgsRequest::user_to_user(principal("bob"), &alice, service.ticket);
    assert_refused!(pair.tgs(&alice, not_tgs), KDC_ERR_POLICY, "2ND_TKT_NOT_TGS");
    let mut unknown = bob.ticket.clone();
    unknown.server = principal("no/such");
    let unknown = TgsRequest::user_to_user(principal("bob"), &alice, unknown);
    assert_refused!(pair.tgs(&alice, unknown), KDC_ERR_S_PRINCIPAL_UNKNOWN, "2ND_TKT_SERVER");
    set(&pair, "bob", "-allow_dup_skey");
    let disallowed = TgsRequest::user_to_user(principal("bob"), &alice, bob.ticket);
    assert_refused!(pair.tgs(&alice, disallowed), KDC_ERR_POLICY, "DUP_SKEY DISALLOWED");
}

#[test]
fn authorization_data_that_cannot_be_read_or_that_only_a_kdc_says() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let ask = |pair: &mut Pair, ad_type: i32, data: &[u8]| {
        let mut request = TgsRequest::service(principal("nn/localhost"), &tgt);
        request.authorization_data = vec![AuthorizationData {
            ad_type,
            data: data.to_vec(),
        }];
        let ticket = pair.tgs(&tgt, request)?;
        Ok::<_, kerbox_krb5::Error>(
            ticket
                .ticket
                .open(&pair.keys("nn/localhost")[0])
                .expect("its key")
                .authorization_data,
        )
    };
    let harmless = ask(&mut pair, 999, b"x").expect("a ticket");
    assert_eq!(harmless.iter().map(|element| element.ad_type).collect::<Vec<_>>(), [999]);
    assert_eq!(ask(&mut pair, AuthorizationData::WIN2K_PAC, b"x"), Ok(Vec::new()));
    let hidden = AuthorizationData::encode_list(&[AuthorizationData {
        ad_type: AuthorizationData::WIN2K_PAC,
        data: b"x".to_vec(),
    }]);
    assert_eq!(ask(&mut pair, AuthorizationData::IF_RELEVANT, &hidden), Ok(Vec::new()));
    let mandatory = ask(&mut pair, AuthorizationData::MANDATORY_FOR_KDC, b"x");
    assert_refused!(mandatory, KDC_ERR_POLICY, "HANDLE_AUTHDATA");
}

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
                let granted = answer.as_deref().and_then(MessageType::of) == Some(MessageType::TGS_REP);
                assert!(!(granted && protected && place >= bytes.len() - body), "bit {bit} of byte {place}");
            }
        }
    }
}
