//! AS requests in an armor (RFC 6113, 5.4), valid and invalid, for tests of the KDC alone and next
//! to MIT's krb5kdc.

use std::time::Duration;

use kerbox_krb5::client::{AsExchange, Credentials, InitialRequest, Secret};
use kerbox_krb5::crypto::krb_fx_cf2;
use kerbox_krb5::messages::{
    ApOptions, ApReq, Authenticator, Checksum, EncryptedData, FastArmoredReq, FastReq, KdcRequest,
    KdcRequestBody, PaData, PaDataType,
};
use kerbox_krb5::{ChecksumType, EncryptionKey, EncryptionType, KeyUsage, Principal, Timestamp};
use rand::Rng;

/// The parts of an armored request, each of which a test can corrupt.
pub struct Parts {
    /// The armor; its authenticator is sealed last.
    pub ap_req: ApReq,
    /// The armor's authenticator.
    pub authenticator: Authenticator,
    /// The key of the armor's ticket.
    pub ticket_key: EncryptionKey,
    /// The armor's type.
    pub armor_type: i32,
    /// False for a request without any armor.
    pub armored: bool,
    /// FAST options.
    pub options: u32,
    /// The inner request's body.
    pub body: KdcRequestBody,
    /// The inner request's pre-authentication.
    pub inner_padata: Vec<PaData>,
    /// Replaces the correct checksum.
    pub checksum: Option<Checksum>,
}

impl Parts {
    /// The parts of a valid request.
    fn new(
        armor: &Credentials,
        body: KdcRequestBody,
        subkey: EncryptionKey,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Self {
        Self {
            ap_req: ApReq {
                options: ApOptions::NONE,
                ticket: armor.ticket.clone(),
                authenticator: EncryptedData::seal(&armor.key, None, KeyUsage(0), b"", rng),
            },
            authenticator: Authenticator {
                client: armor.client.clone(),
                checksum: None,
                ctime: now,
                subkey: Some(subkey),
                seq_number: None,
                authorization_data: Vec::new(),
            },
            ticket_key: armor.key.clone(),
            armor_type: FastArmoredReq::AP_REQUEST,
            armored: true,
            options: 0,
            body,
            inner_padata: Vec::new(),
            checksum: None,
        }
    }
}

/// Builds a request of `client` in an armor with this ticket. Returns it with the armor key.
pub fn request(
    armor: &Credentials,
    client: Principal,
    now: Timestamp,
    rng: &mut impl Rng,
    change: impl FnOnce(&mut Parts),
) -> (Vec<u8>, EncryptionKey) {
    let (_, bytes) = AsExchange::new(
        InitialRequest::new(client),
        Secret::Keys(Vec::new()),
        now,
        rng,
    )
    .expect("a request");
    let outer = KdcRequest::decode(&bytes).expect("our own");
    let subkey = EncryptionKey::random(armor.key.enctype(), rng).expect("a supported type");
    let mut parts = Parts::new(armor, outer.body.clone(), subkey.clone(), now, rng);
    change(&mut parts);
    let usage = KeyUsage::AP_REQ_AUTHENTICATOR;
    parts.ap_req.authenticator = EncryptedData::seal(
        &parts.ticket_key,
        None,
        usage,
        &parts.authenticator.encode(),
        rng,
    );
    let armor_key =
        krb_fx_cf2(&subkey, &parts.ticket_key, b"subkeyarmor", b"ticketarmor").expect("two keys");
    let inner = FastReq {
        options: parts.options,
        padata: parts.inner_padata,
        raw_body: parts.body.encode(),
    };
    let keyed = Checksum::keyed(&armor_key, KeyUsage::FAST_REQ_CHKSUM, &outer.raw_body);
    let armored = FastArmoredReq {
        armor: parts
            .armored
            .then(|| (parts.armor_type, parts.ap_req.encode())),
        checksum: parts.checksum.unwrap_or(keyed),
        enc_part: EncryptedData::seal(&armor_key, None, KeyUsage::FAST_ENC, &inner.encode(), rng),
    };
    let mut request = outer;
    request.padata = vec![PaData::new(PaDataType::FX_FAST, armored.encode())];
    (request.encode(), armor_key)
}

/// A change to a request.
pub type Change = fn(&mut Parts);

/// Invalid armors. The ticket must be one for `nn/localhost`.
pub const SPOILT: [(&str, Change); 12] = [
    ("none", |parts| parts.armored = false),
    ("another type", |parts| parts.armor_type = 2),
    ("no subkey", |parts| parts.authenticator.subkey = None),
    ("another client's authenticator", |parts| {
        parts.authenticator.client = Principal::new(parts.authenticator.client.realm(), ["bob"]);
    }),
    ("an old authenticator", |parts| {
        parts.authenticator.ctime = parts.authenticator.ctime + Duration::from_secs(301);
    }),
    ("a ticket of another name", |parts| {
        parts.ap_req.ticket.server =
            Principal::new(parts.authenticator.client.realm(), ["host", "localhost"]);
    }),
    ("another realm's ticket", |parts| {
        parts.ap_req.ticket.server = Principal::krbtgt("NOWHERE", "NOWHERE");
    }),
    ("a spoilt ticket", |parts| {
        parts.ap_req.ticket.enc_part.cipher[20] ^= 1;
    }),
    ("a session key of nobody", |parts| {
        parts.ticket_key = EncryptionKey::new(EncryptionType::AES256_CTS_HMAC_SHA1_96, &[7; 32])
            .expect("32 bytes");
    }),
    ("an unkeyed checksum", |parts| {
        parts.checksum = Some(Checksum {
            checksum_type: ChecksumType::SHA1,
            bytes: vec![0; 20],
        });
    }),
    ("a wrong checksum", |parts| {
        parts.checksum = Some(Checksum {
            checksum_type: ChecksumType(16),
            bytes: vec![0; 12],
        });
    }),
    ("an option that must be understood", |parts| {
        parts.options = 0x2000_0000;
    }),
];

/// Incomplete requests inside a valid armor (CVE-2021-37750 and similar).
pub const INSIDE: [(&str, Change); 5] = [
    ("nothing wrong", |_| {}),
    ("no server", |parts| parts.body.server = None),
    ("no client", |parts| parts.body.client = None),
    ("no encryption types", |parts| parts.body.enctypes.clear()),
    ("an empty challenge", |parts| {
        parts.inner_padata = vec![PaData::new(PaDataType::ENCRYPTED_CHALLENGE, Vec::new())];
    }),
];
