//! The computations of SPAKE pre-authentication (RFC 9588) in the group edwards25519: both sides
//! derive the same keys from the client's key and from two fresh public values. A recorded exchange
//! does not let anyone guess a password.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use rand::Rng;
use sha2::{Digest, Sha256};

use crate::crypto::{krb_fx_cf2, prf_plus};
use crate::{EncryptionKey, Error};

/// The number of the group edwards25519.
pub const EDWARDS25519: i32 = 1;

/// The length of private values, public values and hashes.
const LENGTH: usize = 32;

/// The constant in the KDC's public value (RFC 9588, 4).
const M: [u8; LENGTH] = [
    0xd0, 0x48, 0x03, 0x2c, 0x6e, 0xa0, 0xb6, 0xd6, 0x97, 0xdd, 0xc2, 0xe8, 0x6b, 0xda, 0x85, 0xa3,
    0x3a, 0xda, 0xc9, 0x20, 0xf1, 0xbf, 0x18, 0xe1, 0xb0, 0xc6, 0xd1, 0x66, 0xa5, 0xce, 0xcd, 0xaf,
];
/// The constant in the client's public value.
const N: [u8; LENGTH] = [
    0xd3, 0xbf, 0xb5, 0x18, 0xf4, 0x4f, 0x34, 0x30, 0xf2, 0x9d, 0x0c, 0x92, 0xaf, 0x50, 0x38, 0x65,
    0xa1, 0xed, 0x32, 0x81, 0xdc, 0x69, 0xb3, 0x5d, 0xd8, 0x68, 0xba, 0x85, 0xf8, 0x86, 0xc4, 0xab,
];

/// A private value, a public value or their result.
pub type Value = [u8; LENGTH];

/// A side of the exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Side {
    /// The KDC.
    Kdc,
    /// The client.
    Client,
}

impl Side {
    /// Returns the constants of this side's public value and of the other one's.
    const fn constants(self) -> (&'static Value, &'static Value) {
        match self {
            Self::Kdc => (&M, &N),
            Self::Client => (&N, &M),
        }
    }
}

/// The client's key, and the multiplier that is derived from it.
///
/// ```
/// use kerbox_krb5::spake::{Side, Spake, Transcript};
/// use kerbox_krb5::{EncryptionKey, EncryptionType};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
///
/// let key = EncryptionKey::random(EncryptionType::AES128_CTS_HMAC_SHA1_96, &mut rng)?;
/// let spake = Spake::new(&key); // both sides know the client's key
/// let [ours, theirs] = [(); 2].map(|()| Spake::private(&mut rng));
/// let sent = spake.public(Side::Client, &ours).expect("a point");
/// let received = spake.public(Side::Kdc, &theirs).expect("a point");
/// let result = spake.result(Side::Client, &ours, &received).expect("a good value");
/// assert_eq!(spake.result(Side::Kdc, &theirs, &sent), Some(result));
///
/// let mut transcript = Transcript::default();
/// transcript.add(&[&received, &sent]);
/// let reply_key = spake.derive(&result, &transcript, b"the request's body", 0)?;
/// assert_eq!(reply_key.enctype(), key.enctype());
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
pub struct Spake {
    key: EncryptionKey,
    multiplier: Vec<u8>,
    w: Scalar,
}

impl Spake {
    /// Derives the multiplier of a client's key.
    #[must_use]
    pub fn new(key: &EncryptionKey) -> Self {
        let pepper = [&b"SPAKEsecret"[..], &EDWARDS25519.to_be_bytes()].concat();
        let multiplier = prf_plus(key, &pepper, LENGTH);
        let mut bytes = [0; LENGTH];
        bytes.copy_from_slice(&multiplier);
        Self {
            key: key.clone(),
            multiplier,
            w: Scalar::from_bytes_mod_order(bytes),
        }
    }

    /// Draws a private value.
    pub fn private(rng: &mut impl Rng) -> Value {
        let mut bytes = [0; 2 * LENGTH];
        rng.fill_bytes(&mut bytes);
        Scalar::from_bytes_mod_order_wide(&bytes).to_bytes()
    }

    /// Returns the public value of a private one; `None` never happens.
    #[must_use]
    pub fn public(&self, side: Side, private: &Value) -> Option<Value> {
        let (own, _) = side.constants();
        // The multiple of 8 removes what a peer may hide in the small subgroup.
        let x = Scalar::from_bytes_mod_order(*private) * Scalar::from(8_u8);
        let point = EdwardsPoint::mul_base(&x) + point(own)? * self.w;
        Some(point.compress().to_bytes())
    }

    /// Returns the result of a private value and the other side's public one. `None` if the latter
    /// is not a point of the curve, or if the result would not depend on the private value.
    #[must_use]
    pub fn result(&self, side: Side, private: &Value, peer: &[u8]) -> Option<Value> {
        let (_, other) = side.constants();
        let peer = point(peer.try_into().ok()?)?;
        let difference = (peer - point(other)? * self.w).mul_by_cofactor();
        let result = difference * Scalar::from_bytes_mod_order(*private);
        (result != EdwardsPoint::identity()).then(|| result.compress().to_bytes())
    }

    /// Derives key number `number` from the result, the transcript and the encoded request body.
    /// Number 0 is the reply key, number 1 encrypts the client's factor.
    pub fn derive(
        &self,
        result: &Value,
        transcript: &Transcript,
        body: &[u8],
        number: u32,
    ) -> Result<EncryptionKey, Error> {
        let enctype = self.key.enctype();
        let mut seed = Vec::new();
        for block in 1_u8.. {
            if seed.len() >= enctype.seed_len() {
                break;
            }
            let mut hash = Sha256::new();
            for part in [
                &b"SPAKEkey"[..],
                &EDWARDS25519.to_be_bytes(),
                &enctype.0.to_be_bytes(),
                &self.multiplier,
                result,
                &transcript.0,
                body,
                &number.to_be_bytes(),
                &[block],
            ] {
                hash.update(part);
            }
            seed.extend(hash.finalize());
        }
        seed.truncate(enctype.seed_len());
        let derived = EncryptionKey::random_to_key(enctype, &seed)?;
        krb_fx_cf2(&self.key, &derived, b"SPAKE", b"keyderiv")
    }
}

fn point(bytes: &Value) -> Option<EdwardsPoint> {
    CompressedEdwardsY(*bytes).decompress()
}

/// The hash of the messages so far.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Transcript([u8; LENGTH]);

impl Transcript {
    /// Restores a transcript.
    #[must_use]
    pub fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// Returns the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// Adds a message, given in parts.
    pub fn add(&mut self, parts: &[&[u8]]) {
        let mut hash = Sha256::new();
        hash.update(self.0);
        for part in parts {
            hash.update(part);
        }
        self.0 = hash.finalize().into();
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::EncryptionType;

    fn bytes(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .chars()
            .filter_map(|digit| Some(digit.to_digit(16)? as u8))
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    fn value(text: &str) -> Value {
        bytes(text).try_into().expect("32 bytes")
    }

    /// The RFC's private values are multiples of 8 already.
    fn eighth(mut value: Value) -> Value {
        for at in 0..LENGTH {
            let next = value.get(at + 1).copied().unwrap_or(0);
            value[at] = value[at] >> 3 | next << 5;
        }
        value
    }

    /// A test vector.
    struct Vector {
        enctype: EncryptionType,
        key: &'static str,
        multiplier: &'static str,
        x: &'static str,
        y: &'static str,
        t: &'static str,
        s: &'static str,
        result: &'static str,
        transcript: &'static str,
        keys: [&'static str; 2],
    }

    /// RFC 9588, appendix B: the vectors of edwards25519.
    const VECTORS: [Vector; 4] = [
        Vector {
            enctype: EncryptionType::DES3_CBC_SHA1_KD,
            key: "850BB51358548CD05E86768C313E3BFEF7511937DCF72C3E",
            multiplier: "686D84730CB8679AE95416C6567C6A63F2C9CEF124F7A3371AE81E11CAD42A37",
            x: "201012D07BFD48DDFA33C4AAC4FB1E229FB0D043CFE65EBFB14399091C71A723",
            y: "500B294797B8B042ACA1BEDC0F5931A4F52C537B3608B2D05CC8A2372F439F25",
            t: "18F511E750C97B592ACD30DB7D9E5FCA660389102E6BF610C1BFBED4616C8362",
            s: "5D10705E0D1E43D5DBF30240CCFBDE4A0230C70D4C79147AB0B317EDAD2F8AE7",
            result: "25BDE0D875F0FEB5755F45BA5E857889D916ECF7476F116AA31DC3E037EC4292",
            transcript: "EAAA08807D0616026FF51C849EFBF35BA0CE3C5300E7D486DA46351B13D4605B",
            keys: [
                "BAF12FAE7CD958CBF1A29BFBC71F89CE49E03E295D89DAFD",
                "64F73DD9C41908206BCEC1F719026B574F9D13463D7A2520",
            ],
        },
        Vector {
            enctype: EncryptionType::RC4_HMAC,
            key: "8846F7EAEE8FB117AD06BDD830B7586C",
            multiplier: "7C86659D29CF2B2EA93BFE79C3CEFB8850E82215B3EA6FCD896561D48048F49C",
            x: "C8A62E7B626F44CAD807B2D695450697E020D230A738C5CD5691CC781DCE8754",
            y: "18FE7C1512708C7FD06DB270361F04593775BC634CEAF45347E5C11C38AAE017",
            t: "7DB465F1C08C64983A19F560BCE966FE5306C4B447F70A5BCA14612A92DA1D63",
            s: "38F8D4568090148EBC9FD17C241B4CC2769505A7CA6F3F7104417B72B5B5CF54",
            result: "03E75EDD2CD7E7677642DD68736E91700953AC55DC650E3C2A1B3B4ACDB800F8",
            transcript: "F4B208458017DE6EF7F6A307D47D87DB6C2AF1D291B726860F68BC08BFEF440A",
            keys: [
                "770B720C82384CBB693E85411EEDECBA",
                "621DEEC88E2865837C4D3462BB50A1D5",
            ],
        },
        Vector {
            enctype: EncryptionType::AES128_CTS_HMAC_SHA1_96,
            key: "FCA822951813FB252154C883F5EE1CF4",
            multiplier: "0D591B197B667E083C2F5F98AC891D3C9F99E710E464E62F1FB7C9B67936F3EB",
            x: "50BE049A5A570FA1459FB9F666E6FD80602E4E87790A0E567F12438A2C96C138",
            y: "B877AFE8612B406D96BE85BD9F19D423E95BE96C0E1E0B5824127195C3ED5917",
            t: "9E9311D985C1355E022D7C3C694AD8D6F7AD6D647B68A90B0FE46992818002DA",
            s: "FBE08F7F96CD5D4139E7C9ECCB95E79B8ACE41E270A60198C007DF18525B628E",
            result: "C2F7F99997C585E6B686CEB62DB42F17CC70932DEF3BB4CF009E36F22EA5473D",
            transcript: "951285F107C87F0169B9C918A1F51F60CB1A75B9F8BB799A99F53D03ADD94B5F",
            keys: [
                "548022D58A7C47EAE8C49DCCF6BAA407",
                "B2C9BA0E13FC8AB3A9D96B51B601CF4A",
            ],
        },
        Vector {
            enctype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
            key: "01B897121D933AB44B47EB5494DB15E50EB74530DBDAE9B634D65020FF5D88C1",
            multiplier: "E902341590A1B4BB4D606A1C643CCCB3F2108F1B6AA97B381012B9400C9E3F4E",
            x: "88C6C0A4F0241EF217C9788F02C32D00B72E4310748CD8FB5F94717607E6417D",
            y: "88B859DF58EF5C69BACDFE681C582754EAAB09A74DC29CFF50B328613C232F55",
            t: "6F301AACAE1220E91BE42868C163C5009AEEA1E9D9E28AFCFC339CDA5E7105B5",
            s: "9E2CC32908FC46273279EC75354B4AEAFA70C3D99A4D507175ED70D80B255DDA",
            result: "CF57F58F6E60169D2ECC8F20BB923A8E4C16E5BC95B9E64B5DC870DA7026321B",
            transcript: "1C605649D4658B58CBE79A5FAF227ACC16C355C58B7DADE022F90C158FE5ED8E",
            keys: [
                "A9BFA71C95C575756F922871524B65288B3F695573CCC0633E87449568210C23",
                "1865A9EE1EF0640EC28AC007391CAC624C42639C714767A974E99AA10003015F",
            ],
        },
    ];

    #[test]
    fn the_vectors_of_the_rfc() {
        for vector in VECTORS {
            let enctype = vector.enctype;
            let key = EncryptionKey::new(enctype, &bytes(vector.key)).expect("a key");
            let spake = Spake::new(&key);
            assert_eq!(spake.multiplier, bytes(vector.multiplier), "{enctype}");
            let (x, y) = (eighth(value(vector.x)), eighth(value(vector.y)));
            let (t, s) = (value(vector.t), value(vector.s));
            assert_eq!(spake.public(Side::Kdc, &x), Some(t));
            assert_eq!(spake.public(Side::Client, &y), Some(s));
            let result = value(vector.result);
            assert_eq!(spake.result(Side::Kdc, &x, &s), Some(result));
            assert_eq!(spake.result(Side::Client, &y, &t), Some(result));

            let support = bytes("A0093007A0053003020101");
            let challenge = format!(
                "A1363034A003020101A1220420{}A20930073005A003020101",
                vector.t
            );
            let mut transcript = Transcript::default();
            transcript.add(&[&support, &bytes(&challenge)]);
            transcript.add(&[&s]);
            assert_eq!(transcript.as_bytes()[..], bytes(vector.transcript));
            let body = format!(
                "3075A00703050000000000A1143012A003020101A10B30091B0772616562757\
                 26EA2101B0E415448454E412E4D49542E454455A3233021A003020102A11A3018\
                 1B066B72627467741B0E415448454E412E4D49542E454455A511180F31393730\
                 303130313030303030305AA703020100A80530030201{:02X}",
                enctype.0
            );
            for (number, expected) in (0..).zip(vector.keys) {
                let derived = spake.derive(&result, &transcript, &bytes(&body), number);
                let derived = derived.expect("a supported type");
                assert_eq!(derived.as_bytes(), bytes(expected), "{enctype} {number}");
            }
        }
    }

    #[test]
    fn what_is_not_a_point_or_reveals_the_result_is_refused() {
        let mut rng = StdRng::seed_from_u64(1);
        let key = EncryptionKey::random(EncryptionType::AES128_CTS_HMAC_SHA1_96, &mut rng);
        let spake = Spake::new(&key.expect("a supported type"));
        let x = Spake::private(&mut rng);
        for length in [0, 31, 33] {
            assert_eq!(spake.result(Side::Kdc, &x, &vec![1; length]), None);
        }
        // Two is the y of no point.
        let mut bad = [0; LENGTH];
        bad[0] = 2;
        assert_eq!(spake.result(Side::Kdc, &x, &bad), None);
        // The other side's private value would be zero.
        let zero = spake.public(Side::Client, &[0; LENGTH]).expect("a point");
        assert_eq!(spake.result(Side::Kdc, &x, &zero), None);
    }
}
