//! PA-SPAKE, the messages of SPAKE pre-authentication (RFC 9588, 4).

use rasn::prelude::*;

use super::EncryptedData;
use super::data::WireEncryptedData;
use super::wire;
use crate::Error;

/// `PA-SPAKE`.
///
/// ```
/// use kerbox_krb5::messages::{PaSpake, SpakeFactor};
///
/// let support = PaSpake::Support(vec![1]);
/// assert_eq!(PaSpake::decode(&support.encode())?, support);
/// let no_second_factor = SpakeFactor { factor_type: 1, data: None };
/// assert_eq!(SpakeFactor::decode(&no_second_factor.encode())?.factor_type, 1);
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PaSpake {
    /// The groups that the client supports, best first.
    Support(Vec<i32>),
    /// The KDC's group, public value and the types of the second factors that it accepts.
    Challenge {
        /// The group's number.
        group: i32,
        /// The KDC's public value.
        public: Vec<u8>,
        /// The types of second factors.
        factors: Vec<i32>,
    },
    /// The client's public value, and its encrypted [`SpakeFactor`].
    Response {
        /// The client's public value.
        public: Vec<u8>,
        /// The encrypted factor.
        factor: EncryptedData,
    },
    /// Another message of a second factor.
    Encrypted(EncryptedData),
}

/// `SPAKESecondFactor`: its type and data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpakeFactor {
    /// The type.
    pub factor_type: i32,
    /// The data, whose form depends on the type.
    pub data: Option<Vec<u8>>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireSupport {
    #[rasn(tag(explicit(0)))]
    groups: Vec<i32>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireFactor {
    #[rasn(tag(explicit(0)))]
    factor_type: i32,
    #[rasn(tag(explicit(1)))]
    data: Option<OctetString>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireChallenge {
    #[rasn(tag(explicit(0)))]
    group: i32,
    #[rasn(tag(explicit(1)))]
    pubkey: OctetString,
    #[rasn(tag(explicit(2)))]
    factors: Vec<WireFactor>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireResponse {
    #[rasn(tag(explicit(0)))]
    pubkey: OctetString,
    #[rasn(tag(explicit(1)))]
    factor: WireEncryptedData,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(choice)]
enum WireSpake {
    #[rasn(tag(explicit(0)))]
    Support(WireSupport),
    #[rasn(tag(explicit(1)))]
    Challenge(WireChallenge),
    #[rasn(tag(explicit(2)))]
    Response(WireResponse),
    #[rasn(tag(explicit(3)))]
    Encrypted(WireEncryptedData),
}

impl PaSpake {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&match self {
            Self::Support(groups) => WireSpake::Support(WireSupport {
                groups: groups.clone(),
            }),
            Self::Challenge {
                group,
                public,
                factors,
            } => WireSpake::Challenge(WireChallenge {
                group: *group,
                pubkey: public.clone().into(),
                factors: factors
                    .iter()
                    .map(|factor_type| WireFactor {
                        factor_type: *factor_type,
                        data: None,
                    })
                    .collect(),
            }),
            Self::Response { public, factor } => WireSpake::Response(WireResponse {
                pubkey: public.clone().into(),
                factor: factor.into(),
            }),
            Self::Encrypted(data) => WireSpake::Encrypted(data.into()),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Ok(match wire::decode("PA-SPAKE", bytes)? {
            WireSpake::Support(support) => Self::Support(support.groups),
            WireSpake::Challenge(challenge) => Self::Challenge {
                group: challenge.group,
                public: challenge.pubkey.to_vec(),
                factors: challenge
                    .factors
                    .into_iter()
                    .map(|factor| factor.factor_type)
                    .collect(),
            },
            WireSpake::Response(response) => Self::Response {
                public: response.pubkey.to_vec(),
                factor: response.factor.into(),
            },
            WireSpake::Encrypted(data) => Self::Encrypted(data.into()),
        })
    }
}

impl SpakeFactor {
    /// SF-NONE: no second factor.
    pub const NONE: i32 = 1;

    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireFactor {
            factor_type: self.factor_type,
            data: self.data.clone().map(Into::into),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let factor: WireFactor = wire::decode("SPAKESecondFactor", bytes)?;
        Ok(Self {
            factor_type: factor.factor_type,
            data: factor.data.map(|data| data.to_vec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9588, appendix B.
    #[test]
    fn the_messages_of_the_rfc() {
        let support = PaSpake::Support(vec![1]);
        let encoded = b"\xA0\x09\x30\x07\xA0\x05\x30\x03\x02\x01\x01";
        assert_eq!(support.encode(), encoded);
        assert_eq!(PaSpake::decode(encoded), Ok(support));
        let challenge = PaSpake::Challenge {
            group: 1,
            public: vec![7; 32],
            factors: vec![SpakeFactor::NONE],
        };
        let encoded = [
            &b"\xA1\x36\x30\x34\xA0\x03\x02\x01\x01\xA1\x22\x04\x20"[..],
            &[7; 32],
            b"\xA2\x09\x30\x07\x30\x05\xA0\x03\x02\x01\x01",
        ]
        .concat();
        assert_eq!(challenge.encode(), encoded);
        assert_eq!(PaSpake::decode(&encoded), Ok(challenge));
        for length in 0..encoded.len() {
            assert!(PaSpake::decode(&encoded[..length]).is_err(), "{length}");
        }
    }
}
