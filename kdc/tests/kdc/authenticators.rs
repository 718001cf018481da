//! Invalid tickets and authenticators of TGS requests, with MIT's numbers and texts.

use kerbox_krb5::client::{
    AsExchange, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::messages::{
    ApOptions, ApReq, Authenticator, AuthorizationData, Checksum, EncryptedData, KdcOptions,
    KdcRequest, MessageType, PaData, PaDataType,
};
use kerbox_krb5::{ChecksumType, EncryptionKey, EncryptionType, ErrorCode, KeyUsage};

use crate::support::{Pair, assert_refused, krb_error, principal, refused};

#[test]
fn a_ticket_of_an_unknown_or_forged_service() {
    let mut pair = Pair::new();
    let mut tgt = pair.login("alice");
    tgt.ticket.server = principal("no/such");
    assert_refused!(
        pair.service(&tgt, "nn/localhost"),
        KDC_ERR_S_PRINCIPAL_UNKNOWN,
        "PROCESS_TGS"
    );
    let mut tgt = pair.login("alice");
    tgt.ticket.server = principal("nn/localhost");
    assert_refused!(
        pair.service(&tgt, "HTTP/localhost"),
        KRB_AP_ERR_BAD_INTEGRITY,
        "PROCESS_TGS"
    );
    let mut tgt = pair.login("alice");
    tgt.ticket.enc_part.kvno = Some(9);
    assert_refused!(
        pair.service(&tgt, "nn/localhost"),
        KRB_ERR_GENERIC,
        "PROCESS_TGS"
    );
    // A ticket-granting ticket encrypted with one of krbtgt's weaker keys.
    let weak = pair.keys("krbtgt/EXAMPLE.COM")[1].clone();
    let mut tgt = pair.login("alice");
    let part = tgt
        .ticket
        .open(&pair.keys("krbtgt/EXAMPLE.COM")[0])
        .expect("the first key");
    tgt.ticket = part.seal(tgt.ticket.server.clone(), &weak, Some(1), &mut pair.rng);
    assert_refused!(
        pair.service(&tgt, "nn/localhost"),
        KRB_AP_ERR_BAD_INTEGRITY,
        "PROCESS_TGS"
    );
}

/// Creates a TGS-REQ for `nn/localhost` whose AP-REQ is `change`d before it is encrypted.
pub(crate) fn with_authenticator(
    pair: &mut Pair,
    tgt: &Credentials,
    change: impl FnOnce(&mut Authenticator, &mut ApReq, &mut KdcRequest),
) -> (ErrorCode, String) {
    let request = TgsRequest::service(principal("nn/localhost"), tgt);
    let (_, bytes) = TgsExchange::new(tgt, request, pair.now, &mut pair.rng).expect("a request");
    let mut message = KdcRequest::decode(&bytes).expect("our own");
    let mut ap_req = ApReq::decode(&message.padata[0].value).expect("our own");
    let usage = KeyUsage::TGS_REQ_AUTHENTICATOR;
    let mut authenticator =
        Authenticator::decode(&ap_req.authenticator.open(&tgt.key, usage).expect("our key"))
            .expect("our own");
    message.padata.clear();
    change(&mut authenticator, &mut ap_req, &mut message);
    ap_req.authenticator = EncryptedData::seal(
        &tgt.key,
        None,
        usage,
        &authenticator.encode(),
        &mut pair.rng,
    );
    message
        .padata
        .insert(0, PaData::new(PaDataType::TGS_REQ, ap_req.encode()));
    let answer = pair.answer(&message.encode());
    if MessageType::of(&answer) == Some(MessageType::TGS_REP) {
        return (ErrorCode::KDC_ERR_NONE, String::new());
    }
    let error = krb_error(&answer);
    (error.code, error.text.unwrap_or_default())
}

/// Recomputes the checksum for the current body.
pub(crate) fn rebind(
    authenticator: &mut Authenticator,
    message: &mut KdcRequest,
    tgt: &Credentials,
) {
    message.raw_body = message.body.encode();
    let usage = KeyUsage::TGS_REQ_AUTHENTICATOR_CHECKSUM;
    authenticator.checksum = Some(Checksum::keyed(&tgt.key, usage, &message.raw_body));
}

#[test]
fn authenticators_that_do_not_fit() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let mut code = |change: &dyn Fn(&mut Authenticator, &mut ApReq, &mut KdcRequest)| {
        with_authenticator(&mut pair, &tgt, change).0
    };
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
        code(
            &|authenticator, _, _| authenticator.authorization_data = vec![AuthorizationData {
                ad_type: AuthorizationData::FX_ARMOR,
                data: Vec::new(),
            }]
        ),
        ErrorCode::KDC_ERR_POLICY
    );
}

#[test]
fn checksums_without_a_key_or_of_another_kind() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    // As MIT's KDC, except that ours accepts none of these, not even a correct one.
    let unkeyed = [
        (ChecksumType::CRC32, ErrorCode::KDC_ERR_SUMTYPE_NOSUPP),
        (ChecksumType::RSA_MD4, ErrorCode::KRB_AP_ERR_BAD_INTEGRITY),
        (ChecksumType::RSA_MD5, ErrorCode::KRB_AP_ERR_BAD_INTEGRITY),
        (ChecksumType::SHA1, ErrorCode::KRB_AP_ERR_BAD_INTEGRITY),
    ];
    for (checksum_type, expected) in unkeyed {
        let (code, _) = with_authenticator(&mut pair, &tgt, |authenticator, _, _| {
            authenticator.checksum = Some(Checksum {
                checksum_type,
                bytes: vec![0; 16],
            });
        });
        assert_eq!(code, expected, "{checksum_type:?}");
    }
    let short = |authenticator: &mut Authenticator, _: &mut ApReq, _: &mut KdcRequest| {
        let checksum = authenticator.checksum.as_mut().expect("we send one");
        checksum.bytes.truncate(1);
    };
    assert_eq!(
        with_authenticator(&mut pair, &tgt, short).0,
        ErrorCode::KRB_ERR_GENERIC
    );
    let key = tgt.key.clone();
    let other_usage =
        move |authenticator: &mut Authenticator, _: &mut ApReq, message: &mut KdcRequest| {
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
        rebind(authenticator, message, &tgt);
    });
    assert_eq!(
        no_server,
        (
            ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN,
            "NULL_SERVER".to_owned()
        )
    );
    let keys = Secret::Keys(pair.keys("alice"));
    let (_, bytes) = AsExchange::new(
        InitialRequest::new(principal("alice")),
        keys,
        pair.now,
        &mut pair.rng,
    )
    .expect("a request");
    let message = KdcRequest::decode(&bytes).expect("our own");
    let mut without_client = message.body.clone();
    without_client.client = None;
    let mut without_server = message.body;
    without_server.server = None;
    for (body, text) in [
        (without_client, "NULL_CLIENT"),
        (without_server, "NULL_SERVER"),
    ] {
        let request = KdcRequest::new(MessageType::AS_REQ, Vec::new(), body);
        assert_eq!(
            krb_error(&pair.answer(&request.encode())).text.as_deref(),
            Some(text)
        );
    }
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
    assert_eq!(
        harmless
            .iter()
            .map(|element| element.ad_type)
            .collect::<Vec<_>>(),
        [999]
    );
    assert_eq!(
        ask(&mut pair, AuthorizationData::WIN2K_PAC, b"x"),
        Ok(Vec::new())
    );
    let hidden = AuthorizationData::encode_list(&[AuthorizationData {
        ad_type: AuthorizationData::WIN2K_PAC,
        data: b"x".to_vec(),
    }]);
    assert_eq!(
        ask(&mut pair, AuthorizationData::IF_RELEVANT, &hidden),
        Ok(Vec::new())
    );
    let mandatory = ask(&mut pair, AuthorizationData::MANDATORY_FOR_KDC, b"x");
    assert_refused!(mandatory, KDC_ERR_POLICY, "HANDLE_AUTHDATA");
}

#[test]
fn an_authenticator_serves_once_more_as_mits_kdc_keeps_no_replay_cache() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let request = TgsRequest::service(principal("nn/localhost"), &tgt);
    let (_, bytes) = TgsExchange::new(&tgt, request, pair.now, &mut pair.rng).expect("a request");
    let message = KdcRequest::decode(&bytes).expect("our own");
    assert_eq!(
        MessageType::of(&pair.answer(&bytes)),
        Some(MessageType::TGS_REP)
    );
    // The same authenticator with other padata, so that the request is not a retransmission.
    let mut again = message.clone();
    again
        .padata
        .push(PaData::new(PaDataType::PAC_OPTIONS, Vec::new()));
    assert_eq!(
        MessageType::of(&pair.answer(&again.encode())),
        Some(MessageType::TGS_REP)
    );
    // With another body, the checksum does not match.
    let mut other = message;
    other.body.server = Some(principal("HTTP/localhost"));
    let other = KdcRequest::new(MessageType::TGS_REQ, other.padata, other.body);
    assert_eq!(
        krb_error(&pair.answer(&other.encode())).code,
        ErrorCode::KRB_AP_ERR_BAD_INTEGRITY
    );
}

#[test]
fn a_subkey_of_another_type_than_the_ticket_s_is_answered_in_it() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let subkey = EncryptionKey::random(EncryptionType::AES128_CTS_HMAC_SHA256_128, &mut pair.rng)
        .expect("a supported type");
    let (code, _) = with_authenticator(&mut pair, &tgt, |authenticator, _, _| {
        authenticator.subkey = Some(subkey);
    });
    assert_eq!(code, ErrorCode::KDC_ERR_NONE);
}
