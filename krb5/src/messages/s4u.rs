//! The padata of S4U2Self and S4U2Proxy (MS-SFU, 2.2).

use rasn::prelude::*;
use rasn_kerberos as rk;

use super::Checksum;
use super::wire::{self, Bits, PrincipalName, Text};
use crate::{EncryptionKey, Error, KeyUsage, Principal};

/// `PA-S4U-X509-USER`: S4U2Self's user, bound to the request by its nonce.
///
/// ```
/// use kerbox_krb5::messages::PaS4uX509User;
/// use kerbox_krb5::{EncryptionKey, Error, KeyUsage, Principal};
///
/// /// Returns the user that a service asks about.
/// fn user(padata: &[u8], key: &EncryptionKey) -> Result<Option<Principal>, Error> {
///     let asked = PaS4uX509User::decode(padata)?;
///     asked.verify(key, KeyUsage::PA_S4U_X509_USER_REQUEST)?;
///     Ok(asked.user)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaS4uX509User {
    /// The request's nonce.
    pub nonce: i64,
    /// The user.
    pub user: Option<Principal>,
    /// The user's certificate; empty if there is none.
    pub certificate: Vec<u8>,
    /// Flags.
    pub options: u32,
    /// A checksum over the encoded user.
    pub checksum: Checksum,
    /// The encoded bytes that the checksum covers.
    raw_user: Vec<u8>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WireUser {
    #[rasn(tag(explicit(0)))]
    nonce: i64,
    #[rasn(tag(explicit(1)))]
    cname: Option<PrincipalName>,
    #[rasn(tag(explicit(2)))]
    crealm: Text,
    #[rasn(tag(explicit(3)))]
    subject_certificate: Option<OctetString>,
    #[rasn(tag(explicit(4)))]
    options: Option<Bits>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WirePaS4uX509User {
    #[rasn(tag(explicit(0)))]
    user_id: Any,
    #[rasn(tag(explicit(1)))]
    checksum: rk::Checksum,
}

impl PaS4uX509User {
    /// The option that requests the reply's own key usage.
    pub const USE_REPLY_KEY_USAGE: u32 = 0x2000_0000;

    /// Creates an element for this user, with a checksum made with `key`.
    #[must_use]
    pub fn new(
        nonce: i64,
        user: Principal,
        options: u32,
        key: &EncryptionKey,
        usage: KeyUsage,
    ) -> Self {
        let raw_user = wire::encode(&WireUser {
            nonce,
            cname: Some((&user).into()),
            crealm: wire::realm_of(&user),
            subject_certificate: None,
            options: (options != 0).then_some(Bits(options)),
        });
        Self {
            nonce,
            user: Some(user),
            certificate: Vec::new(),
            options,
            checksum: Checksum::keyed(key, usage, &raw_user),
            raw_user,
        }
    }

    /// Verifies the checksum. Fails with `KRB_AP_ERR_INAPP_CKSUM` for an unkeyed checksum and with
    /// `KRB_AP_ERR_MODIFIED` for a wrong one.
    pub fn verify(&self, key: &EncryptionKey, usage: KeyUsage) -> Result<(), Error> {
        self.checksum.verify(key, usage, &self.raw_user)
    }

    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WirePaS4uX509User {
            user_id: Any::new(self.raw_user.clone()),
            checksum: (&self.checksum).into(),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "PA-S4U-X509-USER";
        let element: WirePaS4uX509User = wire::decode(WHAT, bytes)?;
        let user: WireUser = wire::decode(WHAT, element.user_id.as_bytes())?;
        Ok(Self {
            nonce: user.nonce,
            user: user.cname.map(|name| name.in_realm(&user.crealm.0)),
            certificate: user
                .subject_certificate
                .map(|certificate| certificate.to_vec())
                .unwrap_or_default(),
            options: user.options.map_or(0, |options| options.0),
            checksum: element.checksum.into(),
            raw_user: element.user_id.into_bytes(),
        })
    }
}

/// `PA-PAC-OPTIONS`: the kinds of delegation that the client supports (MS-KILE, 2.2.10).
///
/// ```
/// use kerbox_krb5::messages::PaPacOptions;
///
/// let options = PaPacOptions(0x1000_0000);
/// assert_eq!(PaPacOptions::decode(&options.encode())?, options);
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaPacOptions(pub u32);

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct WirePaPacOptions {
    #[rasn(tag(explicit(0)))]
    options: Bits,
}

impl PaPacOptions {
    /// Resource-based constrained delegation.
    pub const RESOURCE_BASED: u32 = 0x1000_0000;

    /// Encodes as DER.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        wire::encode(&WirePaPacOptions {
            options: Bits(self.0),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self(
            wire::decode::<WirePaPacOptions>("PA-PAC-OPTIONS", bytes)?
                .options
                .0,
        ))
    }
}
