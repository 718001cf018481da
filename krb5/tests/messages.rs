//! Compares the messages with bytes that MIT wrote, and decodes invalid bytes.

use kerbox_krb5::messages::{
    ApRep, ApReq, Authenticator, AuthorizationData, EncApRepPart, EncKrbPrivPart, EncryptedData,
    EtypeInfo2Entry, KdcReply, KdcRequest, KdcRequestBody, KrbCred, KrbError, KrbPriv, KrbSafe,
    PaData, PaEncTsEnc, PaForUser, PaS4uX509User, Ticket, decode_fast_reply, encode_fast_reply,
};
use kerbox_krb5::{Error, Principal, Timestamp};

fn encodings() -> Vec<(String, Vec<u8>)> {
    include_str!("../testdata/mit_encodings.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, hex) = line.split_once(": ").expect("a name and bytes");
            let bytes = hex
                .split_whitespace()
                .map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits"))
                .collect();
            (name.to_owned(), bytes)
        })
        .collect()
}

/// Decodes by the encoding's name and encodes again.
fn recode(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let kind = name
        .trim_start_matches("encode_krb5_")
        .split('(')
        .next()
        .unwrap_or_default()
        .trim_end();
    Ok(match kind {
        "authenticator" => Authenticator::decode(bytes)?.encode(),
        "ticket" => Ticket::decode(bytes)?.encode(),
        "as_rep" | "tgs_rep" => KdcReply::decode(bytes)?.encode(),
        "as_req" | "tgs_req" => KdcRequest::decode(bytes)?.encode(),
        "kdc_req_body" => KdcRequestBody::decode(bytes)?.encode(),
        "ap_req" => ApReq::decode(bytes)?.encode(),
        "ap_rep" => ApRep::decode(bytes)?.encode(),
        "ap_rep_enc_part" => EncApRepPart::decode(bytes)?.encode(),
        "safe" => KrbSafe::decode(bytes)?.encode(),
        "priv" => KrbPriv::decode(bytes)?.encode(),
        "enc_priv_part" => EncKrbPrivPart::decode(bytes)?.encode(),
        "cred" => KrbCred::decode(bytes)?.encode(),
        "error" => KrbError::decode(bytes)?.encode(),
        "authorization_data" => {
            AuthorizationData::encode_list(&AuthorizationData::decode_list(bytes)?)
        }
        "padata_sequence" => PaData::encode_list(&PaData::decode_list(bytes)?),
        "etype_info2" => EtypeInfo2Entry::encode_list(&EtypeInfo2Entry::decode_list(bytes)?),
        "pa_enc_ts" => PaEncTsEnc::decode(bytes)?.encode(),
        "enc_data" => EncryptedData::decode(bytes)?.encode(),
        "pa_fx_fast_reply" => encode_fast_reply(&decode_fast_reply(bytes)?),
        "pa_s4u_x509_user" => PaS4uX509User::decode(bytes)?.encode(),
        "pa_for_user" => PaForUser::decode(bytes)?.encode(),
        other => panic!("nothing decodes {other}"),
    })
}

#[test]
fn what_mit_encodes_is_read_and_written_byte_for_byte() {
    let encodings = encodings();
    assert!(encodings.len() > 25);
    for (name, bytes) in encodings {
        let again = recode(&name, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again, bytes, "{name}");
    }
}

#[test]
fn the_body_of_a_request_is_kept_as_it_came() {
    let encodings = encodings();
    let find = |wanted: &str| {
        &encodings
            .iter()
            .find(|(name, _)| name == wanted)
            .expect("it is in the file")
            .1
    };
    let request = KdcRequest::decode(find("encode_krb5_as_req")).expect("MIT's AS-REQ");
    assert_eq!(&request.raw_body, find("encode_krb5_kdc_req_body"));
    assert_eq!(
        request.body.server,
        Some(Principal::new("ATHENA.MIT.EDU", ["hftsai", "extra"]))
    );
    assert_eq!(request.body.till, Timestamp::from_secs(771_228_197));
}

#[test]
fn every_truncation_is_refused() {
    for (name, bytes) in encodings() {
        for length in 0..bytes.len() {
            assert!(
                recode(&name, &bytes[..length]).is_err(),
                "{name} cut to {length}"
            );
        }
    }
}

#[test]
fn no_flipped_bit_and_no_changed_byte_panics() {
    for (name, bytes) in encodings() {
        let mut changed = bytes.clone();
        for place in 0..bytes.len() {
            for change in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF] {
                changed[place] = bytes[place] ^ change;
                let _ = recode(&name, &changed);
            }
            changed[place] = bytes[place];
        }
    }
}

#[test]
fn nesting_without_end_is_refused() {
    for nest in [[0x30, 0x80], [0x6A, 0x80], [0xA0, 0x80], [0x24, 0x80]] {
        let mut bytes = vec![0x6A, 0x80];
        for _ in 0..100_000 {
            bytes.extend_from_slice(&nest);
        }
        assert!(KdcRequest::decode(&bytes).is_err());
        assert!(KrbError::decode(&bytes).is_err());
    }
}

/// Encodes by hand an AS-REQ with only these `kdc-options` and this `nonce`.
fn as_request(options: &[u8], nonce: &[u8]) -> Vec<u8> {
    let tlv = |tag: u8, contents: &[u8]| {
        [
            &[tag, u8::try_from(contents.len()).expect("short")],
            contents,
        ]
        .concat()
    };
    let body = tlv(
        0x30,
        &[
            tlv(0xA0, &tlv(0x03, options)),
            tlv(0xA2, &tlv(0x1B, b"R")),
            tlv(0xA5, &tlv(0x18, b"19700101000000Z")),
            tlv(0xA7, &tlv(0x02, nonce)),
            tlv(0xA8, &tlv(0x30, &tlv(0x02, &[18]))),
        ]
        .concat(),
    );
    let request = [
        tlv(0xA1, &[2, 1, 5]),
        tlv(0xA2, &[2, 1, 10]),
        tlv(0xA4, &body),
    ]
    .concat();
    tlv(0x6A, &tlv(0x30, &request))
}

#[test]
fn flags_of_any_length_are_taken() {
    let options = |bits: &[u8]| {
        KdcRequest::decode(&as_request(bits, &[1])).map(|request| request.body.options.0)
    };
    assert_eq!(options(&[0, 0x40, 0x80, 0, 0x10]), Ok(0x4080_0010));
    assert_eq!(options(&[0, 0x40]), Ok(0x4000_0000));
    assert_eq!(options(&[0]), Ok(0));
    assert_eq!(options(&[7, 0xFF]), Ok(0x8000_0000));
    assert_eq!(options(&[0, 0x40, 0x80, 0, 0x10, 0xFF]), Ok(0x4080_0010));
    for malformed in [&[][..], &[8, 0], &[1]] {
        assert!(options(malformed).is_err());
    }
}

#[test]
fn nonces_are_taken_negative_and_with_five_bytes_and_given_back_as_they_came() {
    for (nonce, expected) in [
        (&[0xFF][..], -1),
        (&[0x80, 0, 0, 0], i64::from(i32::MIN)),
        (&[0, 0xFF, 0xFF, 0xFF, 0xFF], i64::from(u32::MAX)),
    ] {
        let request =
            KdcRequest::decode(&as_request(&[0, 0, 0, 0, 0], nonce)).expect("a client's nonce");
        assert_eq!(request.body.nonce, expected);
        let again = KdcRequestBody::decode(&request.body.encode()).expect("our own");
        assert_eq!(again.nonce, expected);
    }
    assert!(KdcRequest::decode(&as_request(&[0, 0, 0, 0, 0], &[1, 0, 0, 0, 0])).is_err());
}

#[test]
fn names_are_utf8_and_what_is_not_matches_nobody() {
    let name = |bytes: &[u8]| {
        let mut message = encodings()
            .into_iter()
            .find(|(name, _)| name == "encode_krb5_ticket")
            .expect("it is there")
            .1;
        let place = message
            .windows(6)
            .position(|window| window == b"hftsai")
            .expect("the name");
        message[place..place + bytes.len()].copy_from_slice(bytes);
        Ticket::decode(&message)
            .expect("still a ticket")
            .server
            .components()[0]
            .clone()
    };
    assert_eq!(name("h\u{e4}n\u{df}".as_bytes()), "h\u{e4}n\u{df}");
    assert_eq!(name(b"\xE4tsai"), "\u{FFFD}tsaii");
}
