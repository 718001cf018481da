//! Clients that support only the oldest forms, and servers whose keys have no version.

use kerbox_kdc::{NewKeys, NewPrincipal, RealmConfig};
use kerbox_krb5::client::{AsExchange, InitialRequest, Secret};
use kerbox_krb5::messages::{EtypeInfoEntry, KdcReply, PaData, PaDataType};
use kerbox_krb5::{EncryptionType, ErrorCode, Principal};

use crate::support::{Pair, krb_error, principal};

const OLD: &str = "OLD.ORG";

/// Returns the padata types in the answer to a client with these encryption types: in the hints, or
/// in the reply.
fn answer(pair: &mut Pair, enctypes: &[i32], attributes: &[&str]) -> Vec<PaData> {
    let name = Principal::new(OLD, ["alice"]);
    let mut realm = RealmConfig::new(OLD);
    realm.enctypes = vec![EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD];
    realm.enctypes.extend(EncryptionType::DEFAULT);
    let mut new = NewPrincipal::new(name.clone(), NewKeys::Random);
    new.attributes = attributes.iter().map(ToString::to_string).collect();
    let added = pair.kdc.update(|database, rng| {
        let _ = database.remove(&name);
        database.add_realm(realm, rng)?;
        database.add(new, rng)
    });
    added.expect("a new principal");
    let mut request = InitialRequest::new(name);
    request.enctypes = enctypes.iter().copied().map(EncryptionType).collect();
    let (_, bytes) = AsExchange::new(request, Secret::Keys(Vec::new()), pair.now, &mut pair.rng)
        .expect("a request");
    let answer = pair.answer(&bytes);
    if let Ok(reply) = KdcReply::decode(&answer) {
        return reply.padata;
    }
    let error = krb_error(&answer);
    assert_eq!(error.code, ErrorCode::KDC_ERR_PREAUTH_REQUIRED);
    PaData::decode_list(&error.data.expect("e-data")).expect("METHOD-DATA")
}

fn types(padata: &[PaData]) -> Vec<i32> {
    padata.iter().map(|element| element.pa_type.0).collect()
}

#[test]
fn clients_of_old_types_alone_get_the_old_hints_besides() {
    let mut pair = Pair::new();
    // RC4, DES and one of Microsoft's own numbers: the types that Windows XP requested.
    let hints = answer(&mut pair, &[23, -133, 3, 1], &[]);
    assert_eq!(types(&hints), [136, 11, 19, 2, 133]);
    let info = PaData::find(&hints, PaDataType::ETYPE_INFO).expect("ETYPE-INFO");
    assert_eq!(
        EtypeInfoEntry::decode_list(&info.value),
        Ok(vec![EtypeInfoEntry {
            enctype: EncryptionType::RC4_HMAC,
            salt: Some(b"OLD.ORGalice".to_vec()),
        }])
    );
    let reply = answer(&mut pair, &[16, 23], &["-requires_preauth"]);
    assert_eq!(types(&reply), [11, 19, 3]);
    let salt = PaData::find(&reply, PaDataType::PW_SALT).expect("PW-SALT");
    assert_eq!(salt.value, b"OLD.ORGalice");
}

#[test]
fn clients_of_any_new_type_get_the_new_form_alone() {
    let mut pair = Pair::new();
    for new in [17, 18, 19, 20, 25, 26] {
        let hints = answer(&mut pair, &[23, new], &[]);
        assert_eq!(types(&hints), [136, 19, 2, 133], "{new}");
    }
    let reply = answer(&mut pair, &[23, 18], &["-requires_preauth"]);
    assert_eq!(types(&reply), [19]);
}

#[test]
fn keys_of_version_zero_are_told_without_a_version() {
    let mut pair = Pair::new();
    for name in ["zoe", "zero/localhost"] {
        let mut new = NewPrincipal::new(principal(name), NewKeys::Random);
        new.kvno = 0;
        let added = pair.kdc.update(|database, rng| database.add(new, rng));
        added.expect("a new principal");
    }
    let tgt = pair.login("zoe");
    let ticket = pair.service(&tgt, "zero/localhost").expect("a ticket");
    assert_eq!(ticket.ticket.enc_part.kvno, None);
    assert_eq!(pair.kdc.issued().last().expect("the last").kvno, None);
    let keytab = pair
        .kdc
        .database()
        .keytab([&principal("zero/localhost")], pair.now)
        .expect("its keys");
    let key = keytab.find(&principal("zero/localhost"), None, None);
    let key = key.and_then(|entry| entry.key()).expect("a key");
    assert!(ticket.ticket.open(key).is_ok());
}
