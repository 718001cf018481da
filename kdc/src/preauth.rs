//! Pre-authentication of an AS exchange: PA-ENC-TIMESTAMP, and the padata with which a client
//! derives its key (RFC 4120, 5.2.7).

use kerbox_krb5::messages::{
    EncryptedData, EtypeInfo2Entry, EtypeInfoEntry, PaData, PaDataType, PaEncTsEnc,
};
use kerbox_krb5::{EncryptionKey, EncryptionType, ErrorCode, KeyUsage, Timestamp};

use crate::database::RealmConfig;
use crate::{PrincipalEntry, PrincipalKey};

/// The keys that a client proved to have, or is assumed to have.
///
/// A principal may have random keys, stored in a keytab, and keys derived from a password, of the
/// same types and version.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeysOf {
    Keytab,
    Password,
}

/// Returns the client's key that encrypts the reply: that of the first requested type for which it
/// has one.
pub(crate) fn client_key<'a>(
    client: &'a PrincipalEntry,
    enctypes: &[EncryptionType],
    of: KeysOf,
) -> Option<&'a PrincipalKey> {
    enctypes.iter().find_map(|&enctype| {
        let mut found = None;
        for key in client.keys_of(None).filter(|key| key.enctype() == enctype) {
            found = Some(key);
            if key.is_of_password() == (of == KeysOf::Password) {
                break;
            }
        }
        found
    })
}

/// Returns PA-ETYPE-INFO2 for this key, preceded by PA-ETYPE-INFO for a client that may not know
/// the newer form. As with MIT, `s2kparams` is left out, which stands for the default number of
/// iterations.
pub(crate) fn etype_info(
    key: &PrincipalKey,
    asked: &[EncryptionType],
) -> impl Iterator<Item = PaData> + use<> {
    let entry = EtypeInfo2Entry {
        enctype: key.enctype(),
        salt: Some(key.salt().to_owned()),
        s2kparams: None,
    };
    let old = is_old(asked).then(|| {
        let entry = EtypeInfoEntry {
            enctype: key.enctype(),
            salt: Some(key.salt().as_bytes().to_vec()),
        };
        let value = EtypeInfoEntry::encode_list(&[entry]);
        PaData::new(PaDataType::ETYPE_INFO, value)
    });
    let value = EtypeInfo2Entry::encode_list(&[entry]);
    let new = PaData::new(PaDataType::ETYPE_INFO2, value);
    old.into_iter().chain([new])
}

/// Returns PA-PW-SALT, for replies to a client that may not know anything newer.
pub(crate) fn password_salt(key: &PrincipalKey, asked: &[EncryptionType]) -> Option<PaData> {
    is_old(asked).then(|| PaData::new(PaDataType::PW_SALT, key.salt().as_bytes().to_vec()))
}

/// Returns whether a client supports none of the types introduced with PA-ETYPE-INFO2 or later (RFC
/// 4120, 5.2.7.5), that is, AES and Camellia.
fn is_old(asked: &[EncryptionType]) -> bool {
    /// camellia128-cts-cmac and camellia256-cts-cmac (RFC 6803).
    const CAMELLIA: [EncryptionType; 2] = [EncryptionType(25), EncryptionType(26)];
    let is_new = |enctype| EncryptionType::DEFAULT.contains(enctype) || CAMELLIA.contains(enctype);
    !asked.iter().any(is_new)
}

/// Returns the METHOD-DATA with which a client can authenticate, in MIT's order.
pub(crate) fn hints(
    key: Option<&PrincipalKey>,
    asked: &[EncryptionType],
    hardware_only: bool,
    armored: bool,
) -> Vec<PaData> {
    let mut hints = vec![PaData::new(PaDataType::FX_FAST, Vec::new())];
    if let Some(key) = key {
        hints.extend(etype_info(key, asked));
        if !hardware_only {
            let method = if armored {
                PaDataType::ENCRYPTED_CHALLENGE
            } else {
                PaDataType::ENC_TIMESTAMP
            };
            hints.push(PaData::new(method, Vec::new()));
        }
    }
    hints
}

/// Verifies a PA-ENC-TIMESTAMP against the client's newest keys of the type that it names.
pub(crate) fn verify_timestamp(
    client: &PrincipalEntry,
    value: &[u8],
    now: Timestamp,
    realm: &RealmConfig,
) -> Result<KeysOf, ErrorCode> {
    let data = EncryptedData::decode(value).map_err(|_| ErrorCode::KDC_ERR_PREAUTH_FAILED)?;
    // Random keys are tried before password keys, so that none is derived for a client with a
    // keytab.
    for key in client
        .keys_of(None)
        .filter(|key| key.enctype() == data.enctype)
    {
        if let Some(timestamp) = open_timestamp(key.key(), &data) {
            check_skew(timestamp?, now, realm)?;
            return Ok(if key.is_of_password() {
                KeysOf::Password
            } else {
                KeysOf::Keytab
            });
        }
    }
    Err(ErrorCode::KDC_ERR_PREAUTH_FAILED)
}

/// Decrypts the timestamp; `None` if the key is wrong.
fn open_timestamp(
    key: &EncryptionKey,
    data: &EncryptedData,
) -> Option<Result<Timestamp, ErrorCode>> {
    let plaintext = data.open(key, KeyUsage::AS_REQ_PA_ENC_TIMESTAMP).ok()?;
    let timestamp = PaEncTsEnc::decode(&plaintext).map_err(|_| ErrorCode::KDC_ERR_PREAUTH_FAILED);
    Some(timestamp.map(|value| value.timestamp))
}

/// Fails if the client's clock is off by more than the realm allows. Compares whole seconds, as MIT
/// does.
pub(crate) fn check_skew(
    timestamp: Timestamp,
    now: Timestamp,
    realm: &RealmConfig,
) -> Result<(), ErrorCode> {
    if timestamp.whole_second().distance(now.whole_second()) > realm.clock_skew {
        return Err(ErrorCode::KRB_AP_ERR_SKEW);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kerbox_krb5::Principal;
    use kerbox_krb5::client::{AsExchange, InitialRequest, Secret};
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::{Kdc, NewKeys, NewPrincipal, Peer, PrincipalDatabase};

    /// Expensive key derivation must be avoided for unauthenticated clients: a password's key takes
    /// milliseconds.
    #[test]
    fn no_request_derives_more_than_the_key_of_the_type_that_it_names_and_that_once() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut database = PrincipalDatabase::new();
        database
            .add_realm(RealmConfig::new("R"), &mut rng)
            .expect("a first realm");
        let alice = Principal::new("R", ["alice"]);
        let new = NewPrincipal::new(
            alice.clone(),
            NewKeys::Password("a password of this test".to_owned()),
        );
        database.add(new, &mut rng).expect("a new principal");
        let kdc = Kdc::new(database, 1);
        let now = Timestamp::from_secs(1_700_000_000);
        let known = || -> Vec<EncryptionType> {
            let database = kdc.database();
            let entry = database.get(&alice).expect("alice");
            entry
                .keys_of(None)
                .filter(|key| key.is_known())
                .map(PrincipalKey::enctype)
                .collect()
        };
        let mut send = |padata: Vec<PaData>| {
            let mut request = InitialRequest::new(alice.clone());
            request.padata = padata;
            let (_, bytes) = AsExchange::new(request, Secret::Keys(Vec::new()), now, &mut rng)
                .expect("a request");
            assert!(kdc.handle(now, &bytes, Peer::LOCAL).message.is_some());
        };
        for _ in 0..50 {
            send(Vec::new());
        }
        assert_eq!(known(), []);
        let garbage = |enctype| EncryptedData {
            enctype,
            kvno: None,
            cipher: vec![7; 60],
        };
        let aes128 = EncryptionType::AES128_CTS_HMAC_SHA1_96;
        // Types without a key, and repeated elements, of which only the first counts.
        send(vec![PaData::new(
            PaDataType::ENC_TIMESTAMP,
            garbage(EncryptionType::RC4_HMAC).encode(),
        )]);
        assert_eq!(known(), []);
        for _ in 0..50 {
            let elements = EncryptionType::DEFAULT
                .map(garbage)
                .map(|data| PaData::new(PaDataType::ENC_TIMESTAMP, data.encode()));
            let first = PaData::new(PaDataType::ENC_TIMESTAMP, garbage(aes128).encode());
            send([&[first][..], &elements].concat());
        }
        assert_eq!(known(), [aes128]);
    }
}
