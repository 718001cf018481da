//! Failing pre-authentication, with MIT's numbers and texts.

use kerbox_kdc::NewKeys;
use kerbox_krb5::client::{AsExchange, InitialRequest, Secret};
use kerbox_krb5::messages::{
    EncryptedData, KdcOptions, KdcRequest, MessageType, PaData, PaDataType, PaEncTsEnc,
};
use kerbox_krb5::{EncryptionType, ErrorCode, KeyUsage, NameType, Principal, Timestamp};

use crate::support::{Pair, REALM, assert_refused, krb_error, principal, refused};

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
        .update(|database, rng| {
            database.change_keys(&principal("alice"), &NewKeys::Random, true, rng)
        })
        .expect("changed");
    let result = pair.initial(InitialRequest::new(principal("alice")), Secret::Keys(old));
    assert_refused!(result, KDC_ERR_PREAUTH_FAILED, "PREAUTH_FAILED");
}

/// Returns the refusal of alice's AS-REQ with this PA-ENC-TIMESTAMP.
fn with_timestamp(pair: &mut Pair, value: Vec<u8>) -> (ErrorCode, String) {
    let keys = Secret::Keys(pair.keys("alice"));
    let (_, bytes) = AsExchange::new(
        InitialRequest::new(principal("alice")),
        keys,
        pair.now,
        &mut pair.rng,
    )
    .expect("a request");
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
    EncryptedData::seal(
        &key,
        None,
        KeyUsage::AS_REQ_PA_ENC_TIMESTAMP,
        &plaintext,
        &mut pair.rng,
    )
    .encode()
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
        assert_eq!(
            refused,
            (
                ErrorCode::KDC_ERR_PREAUTH_FAILED,
                "PREAUTH_FAILED".to_owned()
            )
        );
    }
}

#[test]
fn no_empty_element_of_any_type_counts_as_preauthentication() {
    let mut pair = Pair::new();
    let keys = Secret::Keys(pair.keys("alice"));
    let (_, bytes) = AsExchange::new(
        InitialRequest::new(principal("alice")),
        keys,
        pair.now,
        &mut pair.rng,
    )
    .expect("a request");
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
fn a_timestamp_serves_again_and_its_microseconds_count_for_nothing() {
    let mut pair = Pair::new();
    let value = timestamp(&mut pair, Timestamp::from_secs(1_700_000_000));
    for _ in 0..2 {
        // Each time in a new request: MIT's KDC keeps no replay cache for these.
        assert_eq!(
            with_timestamp(&mut pair, value.clone()).0,
            ErrorCode::KDC_ERR_NONE
        );
    }
    let key = pair.keys("alice")[0].clone();
    // PA-ENC-TS-ENC with a million microseconds: out of range, so not a valid time.
    let mut plaintext = vec![0x30, 0x1A, 0xA0, 0x11, 0x18, 0x0F];
    plaintext.extend_from_slice(b"20231114221320Z");
    plaintext.extend_from_slice(&[0xA1, 5, 2, 3, 0x0F, 0x42, 0x40]);
    let usage = KeyUsage::AS_REQ_PA_ENC_TIMESTAMP;
    let value = EncryptedData::seal(&key, None, usage, &plaintext, &mut pair.rng).encode();
    let code = with_timestamp(&mut pair, value).0;
    assert!(
        [ErrorCode::KDC_ERR_NONE, ErrorCode::KDC_ERR_PREAUTH_FAILED].contains(&code),
        "{code:?}"
    );
}

/// Returns the refusal of alice's AS-REQ with a valid timestamp and this cookie.
fn with_cookie(pair: &mut Pair, cookie: &[u8]) -> ErrorCode {
    let mut request = InitialRequest::new(principal("alice"));
    request.preauthenticate = true;
    request.padata = vec![PaData::new(PaDataType::FX_COOKIE, cookie.to_vec())];
    let keys = Secret::Keys(pair.keys("alice"));
    let (_, bytes) = AsExchange::new(request, keys, pair.now, &mut pair.rng).expect("a request");
    let answer = pair.answer(&bytes);
    match MessageType::of(&answer) {
        Some(MessageType::AS_REP) => ErrorCode::KDC_ERR_NONE,
        _ => krb_error(&answer).code,
    }
}

#[test]
fn a_cookie_comes_with_every_hint_and_says_nothing_that_could_be_forged() {
    let mut pair = Pair::new();
    let keys = Secret::Keys(pair.keys("alice"));
    let (_, bytes) = AsExchange::new(
        InitialRequest::new(principal("alice")),
        keys,
        pair.now,
        &mut pair.rng,
    )
    .expect("a request");
    let error = krb_error(&pair.answer(&bytes));
    let hints = PaData::decode_list(&error.data.expect("e-data")).expect("METHOD-DATA");
    let cookie = PaData::find(&hints, PaDataType::FX_COOKIE)
        .expect("a cookie")
        .value
        .clone();
    // The cookie holds no state, since no mechanism here has any. MIT's KDC ignores cookies that it
    // cannot decrypt, whether forged, expired or from another realm. Their state is then missing,
    // but encrypted timestamps do not need any.
    let secure = |kvno: u8| [&b"MIT1\0\0\0"[..], &[kvno], &[0x55; 60]].concat();
    for cookie in [
        cookie,
        b"MIT".to_vec(),
        b"MIT1".to_vec(),
        secure(1),
        secure(9),
        Vec::new(),
        vec![0; 60_000],
    ] {
        assert_eq!(
            with_cookie(&mut pair, &cookie),
            ErrorCode::KDC_ERR_NONE,
            "{} bytes",
            cookie.len()
        );
    }
    // A cookie does not count as pre-authentication.
    let refused = with_padata(
        &mut pair,
        vec![PaData::new(PaDataType::FX_COOKIE, b"KERBOX".to_vec())],
    );
    assert_eq!(
        refused,
        (
            ErrorCode::KDC_ERR_PREAUTH_REQUIRED,
            "NEEDED_PREAUTH".to_owned()
        )
    );
}

/// Returns the refusal of alice's AS-REQ with this padata.
fn with_padata(pair: &mut Pair, padata: Vec<PaData>) -> (ErrorCode, String) {
    let mut request = InitialRequest::new(principal("alice"));
    request.padata = padata;
    let keys = Secret::Keys(pair.keys("alice"));
    let (_, bytes) = AsExchange::new(request, keys, pair.now, &mut pair.rng).expect("a request");
    let error = krb_error(&pair.answer(&bytes));
    (error.code, error.text.unwrap_or_default())
}

#[test]
fn pkinit_is_refused_as_by_a_kdc_without_it_and_told_so() {
    let mut pair = Pair::new();
    let element = PaData::new(PaDataType::PK_AS_REQ, vec![0x30, 0]);
    let told = "NEEDED_PREAUTH: this KDC has no PKINIT (PA-PK-AS-REQ)";
    assert_eq!(
        with_padata(&mut pair, vec![element]),
        (ErrorCode::KDC_ERR_PREAUTH_REQUIRED, told.to_owned())
    );
    // As sent by `kinit -n`.
    let anonymous =
        Principal::new(REALM, ["WELLKNOWN", "ANONYMOUS"]).with_name_type(NameType::WELLKNOWN);
    let mut request = InitialRequest::new(anonymous);
    request.options |= KdcOptions::REQUEST_ANONYMOUS;
    let result = pair.initial(request, Secret::Password("x".to_owned()));
    let told = "CLIENT_NOT_FOUND: anonymous tickets need PKINIT, which this KDC has not";
    assert_eq!(
        refused(result),
        (ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN, told.to_owned())
    );
}
