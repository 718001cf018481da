//! Refused armors (RFC 6113, 5.4), with MIT's numbers and texts.

use kerbox_krb5::client::{Credentials, TgsRequest};
use kerbox_krb5::crypto::krb_fx_cf2;
use kerbox_krb5::messages::{
    Checksum, EncryptedData, FastArmoredReq, FastReq, FastResponse, KrbError, PaData, PaDataType,
    decode_fast_reply,
};
use kerbox_krb5::{EncryptionKey, ErrorCode, KeyUsage};

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::authenticators::with_authenticator;
use crate::support::{Pair, krb_error, principal};
use kerbox_kdc::testing::armor::{self, Parts};

/// Returns the answer to alice's AS-REQ in an armor with the NameNode's ticket, and the armor key.
fn ask(pair: &mut Pair, change: impl FnOnce(&mut Parts)) -> (Vec<u8>, EncryptionKey) {
    let armor = pair.login("nn/localhost");
    let (request, key) =
        armor::request(&armor, principal("alice"), pair.now, &mut pair.rng, change);
    (pair.answer(&request), key)
}

/// Returns the number and the text of a refusal outside the armor.
fn refused(pair: &mut Pair, change: impl FnOnce(&mut Parts)) -> (ErrorCode, String) {
    let error = krb_error(&ask(pair, change).0);
    (error.code, error.text.unwrap_or_default())
}

/// Returns the error inside the armor, and the other padata there.
pub(crate) fn inside(answer: &[u8], armor_key: &EncryptionKey) -> (KrbError, Vec<PaData>) {
    let outer = krb_error(answer);
    let padata = PaData::decode_list(&outer.data.expect("e-data")).expect("a list");
    let element = PaData::find(&padata, PaDataType::FX_FAST).expect("the armor");
    let sealed = decode_fast_reply(&element.value).expect("PA-FX-FAST-REPLY");
    let response = FastResponse::decode(
        &sealed
            .open(armor_key, KeyUsage::FAST_REP)
            .expect("the armor's key"),
    )
    .expect("ours");
    let error = PaData::find(&response.padata, PaDataType::FX_ERROR).expect("the error");
    (
        KrbError::decode(&error.value).expect("a KRB-ERROR"),
        response.padata,
    )
}

#[test]
fn what_is_asked_in_a_right_armor_is_answered_in_it() {
    let mut pair = Pair::new();
    let (answer, key) = ask(&mut pair, |_| {});
    let (error, padata) = inside(&answer, &key);
    assert_eq!(
        (error.code, error.text.as_deref()),
        (ErrorCode::KDC_ERR_PREAUTH_REQUIRED, Some("NEEDED_PREAUTH"))
    );
    assert!(PaData::find(&padata, PaDataType::ENCRYPTED_CHALLENGE).is_some());
    assert!(
        PaData::find(&padata, PaDataType::ENC_TIMESTAMP).is_none(),
        "nothing to guess at outside"
    );
}

#[test]
fn armors_that_are_none_are_refused() {
    let mut pair = Pair::new();
    pair.add("host/localhost", &[]);
    let expected = [
        ErrorCode::KDC_ERR_PREAUTH_FAILED,
        ErrorCode::KDC_ERR_PREAUTH_FAILED,
        ErrorCode::KDC_ERR_POLICY,
        ErrorCode::KRB_AP_ERR_BADMATCH,
        ErrorCode::KRB_AP_ERR_SKEW,
        ErrorCode::KRB_AP_ERR_BAD_INTEGRITY,
        ErrorCode::KRB_AP_ERR_NOT_US,
        ErrorCode::KRB_AP_ERR_BAD_INTEGRITY,
        ErrorCode::KRB_AP_ERR_BAD_INTEGRITY,
        ErrorCode::KRB_AP_ERR_MODIFIED,
        ErrorCode::KRB_AP_ERR_MODIFIED,
        ErrorCode::KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS,
    ];
    for ((why, change), expected) in armor::SPOILT.into_iter().zip(expected) {
        assert_eq!(
            refused(&mut pair, change),
            (expected, "FIND_FAST".to_owned()),
            "{why}"
        );
    }
    // Options that are not critical may have any value.
    let (answer, key) = ask(&mut pair, |parts| parts.options = 0x8000);
    assert_eq!(
        inside(&answer, &key).0.code,
        ErrorCode::KDC_ERR_PREAUTH_REQUIRED
    );
}

#[test]
fn a_service_ticket_is_no_armor() {
    let mut pair = Pair::new();
    let tgt = pair.login("nn/localhost");
    let service = pair
        .tgs(&tgt, TgsRequest::service(principal("HTTP/localhost"), &tgt))
        .expect("a service ticket");
    let (request, _) = armor::request(
        &service,
        principal("alice"),
        pair.now,
        &mut pair.rng,
        |_| {},
    );
    assert_eq!(
        krb_error(&pair.answer(&request)).code,
        ErrorCode::KDC_ERR_SERVER_NOMATCH
    );
}

#[test]
fn requests_inside_without_their_parts_are_refused_inside() {
    let mut pair = Pair::new();
    let expected = [
        (ErrorCode::KDC_ERR_PREAUTH_REQUIRED, "NEEDED_PREAUTH"),
        (ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN, "NULL_SERVER"),
        (ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN, "NULL_CLIENT"),
        (ErrorCode::KDC_ERR_ETYPE_NOSUPP, "BAD_ENCRYPTION_TYPE"),
        (ErrorCode::KDC_ERR_PREAUTH_FAILED, "PREAUTH_FAILED"),
    ];
    for ((why, change), (code, text)) in armor::INSIDE.into_iter().zip(expected) {
        let (answer, key) = ask(&mut pair, change);
        let error = inside(&answer, &key).0;
        assert_eq!(
            (error.code, error.text.as_deref()),
            (code, Some(text)),
            "{why}"
        );
    }
}

#[test]
fn a_client_that_hides_is_named_to_nobody_outside() {
    let mut pair = Pair::new();
    let (answer, key) = ask(&mut pair, |parts| {
        parts.options = FastReq::HIDE_CLIENT_NAMES;
    });
    let outside = krb_error(&answer).client.expect("somebody");
    assert_eq!(outside.components(), ["WELLKNOWN", "ANONYMOUS"]);
    assert_eq!(inside(&answer, &key).0.client, Some(principal("alice")));
}

/// Returns the refusal of a TGS request in an armor whose key is `key` of the subkey.
fn tgs_code(
    pair: &mut Pair,
    tgt: &Credentials,
    key: impl FnOnce(&EncryptionKey) -> EncryptionKey,
    with_armor: bool,
) -> ErrorCode {
    let subkey = EncryptionKey::random(tgt.key.enctype(), &mut pair.rng).expect("a supported type");
    let armor_key = key(&subkey);
    let mut seed = StdRng::seed_from_u64(3);
    with_authenticator(pair, tgt, |authenticator, ap_req, message| {
        authenticator.subkey = Some(subkey);
        let usage = KeyUsage::TGS_REQ_AUTHENTICATOR;
        ap_req.authenticator =
            EncryptedData::seal(&tgt.key, None, usage, &authenticator.encode(), &mut seed);
        let fast = FastReq {
            options: 0,
            padata: Vec::new(),
            raw_body: message.raw_body.clone(),
        };
        let armored = FastArmoredReq {
            armor: with_armor.then(|| (FastArmoredReq::AP_REQUEST, ap_req.encode())),
            checksum: Checksum::keyed(&armor_key, KeyUsage::FAST_REQ_CHKSUM, b"not the AP-REQ"),
            enc_part: EncryptedData::seal(
                &armor_key,
                None,
                KeyUsage::FAST_ENC,
                &fast.encode(),
                &mut seed,
            ),
        };
        message
            .padata
            .push(PaData::new(PaDataType::FX_FAST, armored.encode()));
    })
    .0
}

#[test]
fn ticket_requests_in_a_wrong_armor_are_refused() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let combined = |tgt: &Credentials, subkey: &EncryptionKey| {
        krb_fx_cf2(subkey, &tgt.key, b"subkeyarmor", b"ticketarmor").expect("two keys")
    };
    let own = tgt.clone();
    let right = move |subkey: &EncryptionKey| combined(&own, subkey);
    assert_eq!(
        tgs_code(&mut pair, &tgt, right.clone(), false),
        ErrorCode::KRB_AP_ERR_MODIFIED,
        "a checksum of something else"
    );
    assert_eq!(
        tgs_code(&mut pair, &tgt, right, true),
        ErrorCode::KDC_ERR_PREAUTH_FAILED,
        "an armor of its own"
    );
    assert_eq!(
        tgs_code(&mut pair, &tgt, EncryptionKey::clone, false),
        ErrorCode::KRB_AP_ERR_BAD_INTEGRITY,
        "another key"
    );
}
