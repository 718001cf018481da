//! Key usage numbers.

/// The purpose for which a key is used (RFC 4120, 7.5.1). It is an input of every key derivation.
///
/// ```
/// use kerbox_krb5::{EncryptionKey, EncryptionType, KeyUsage};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
///
/// let key = EncryptionKey::new(EncryptionType::AES256_CTS_HMAC_SHA1_96, &[7; 32])?;
/// let ticket = key.encrypt(KeyUsage::KDC_REP_TICKET, b"a ticket", &mut rng);
/// assert_eq!(key.decrypt(KeyUsage::KDC_REP_TICKET, &ticket)?, b"a ticket");
/// assert!(key.decrypt(KeyUsage::AS_REP_ENC_PART, &ticket).is_err());
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyUsage(pub u32);

macro_rules! usages {
    ($($name:ident = $number:literal, $meaning:literal;)*) => {
        impl KeyUsage {
            $(#[doc = $meaning] pub const $name: Self = Self($number);)*
        }
    };
}

usages! {
    AS_REQ_PA_ENC_TIMESTAMP = 1, "PA-ENC-TIMESTAMP of an AS-REQ, under the client's key.";
    KDC_REP_TICKET = 2, "A ticket, under the service's key.";
    AS_REP_ENC_PART = 3, "The encrypted part of an AS-REP, under the client's key.";
    TGS_REQ_AUTH_DATA_SESSION_KEY = 4, "Authorization data of a TGS-REQ, under the session key.";
    TGS_REQ_AUTH_DATA_SUBKEY = 5, "Authorization data of a TGS-REQ, under the authenticator's subkey.";
    TGS_REQ_AUTHENTICATOR_CHECKSUM = 6, "The checksum over a TGS-REQ's body, under the session key.";
    TGS_REQ_AUTHENTICATOR = 7, "The authenticator of a TGS-REQ, under the session key.";
    TGS_REP_ENC_PART_SESSION_KEY = 8, "The encrypted part of a TGS-REP, under the session key.";
    TGS_REP_ENC_PART_SUBKEY = 9, "The encrypted part of a TGS-REP, under the authenticator's subkey.";
    AP_REQ_AUTHENTICATOR_CHECKSUM = 10, "The checksum in an AP-REQ's authenticator, under the session key.";
    AP_REQ_AUTHENTICATOR = 11, "The authenticator of an AP-REQ, under the session key.";
    AP_REP_ENC_PART = 12, "The encrypted part of an AP-REP, under the session key.";
    KRB_PRIV_ENC_PART = 13, "The encrypted part of a KRB-PRIV.";
    KRB_CRED_ENC_PART = 14, "The encrypted part of a KRB-CRED.";
    KRB_SAFE_CHECKSUM = 15, "The checksum of a KRB-SAFE.";
    PA_FOR_USER_CHECKSUM = 17, "The checksum of PA-FOR-USER, under the session key (MS-SFU, 2.2.1).";
    AD_KDC_ISSUED_CHECKSUM = 19, "The checksum of AD-KDC-ISSUED.";
    GSS_ACCEPTOR_SEAL = 22, "Wrap tokens, sealed or not, that the acceptor sends (RFC 4121, 2).";
    GSS_ACCEPTOR_SIGN = 23, "MIC tokens that the acceptor sends (RFC 4121, 2).";
    GSS_INITIATOR_SEAL = 24, "Wrap tokens, sealed or not, that the initiator sends (RFC 4121, 2).";
    GSS_INITIATOR_SIGN = 25, "MIC tokens that the initiator sends (RFC 4121, 2).";
    PA_S4U_X509_USER_REQUEST = 26, "The checksum of PA-S4U-X509-USER in a TGS-REQ (MS-SFU, 2.2.2).";
    PA_S4U_X509_USER_REPLY = 27, "The checksum of PA-S4U-X509-USER in a TGS-REP (MS-SFU, 2.2.2).";
    FAST_REQ_CHKSUM = 50, "The checksum of a KrbFastArmoredReq (RFC 6113, 5.4.2).";
    FAST_ENC = 51, "The encrypted KrbFastReq (RFC 6113, 5.4.2).";
    FAST_REP = 52, "The encrypted KrbFastResponse (RFC 6113, 5.4.3).";
    FAST_FINISHED = 53, "The ticket checksum of KrbFastFinished (RFC 6113, 5.4.3).";
    ENC_CHALLENGE_CLIENT = 54, "The client's encrypted challenge (RFC 6113, 5.4.6).";
    ENC_CHALLENGE_KDC = 55, "The KDC's encrypted challenge (RFC 6113, 5.4.6).";
    AS_REQ = 56, "The checksum over an AS-REQ in PA-REQ-ENC-PA-REP (RFC 6806, 11).";
    SPAKE = 65, "The client's factor in a SPAKE response (RFC 9588).";
    PA_FX_COOKIE = 513, "The content of MIT's PA-FX-COOKIE, under the key of the ticket-granting service.";
}

/// The purpose of one of a usage's three keys (RFC 3961, 5.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Encryption,
    Integrity,
    Checksum,
}

impl Purpose {
    /// Returns the usage in four bytes, big-endian, followed by the purpose's byte.
    pub(super) fn constant(self, usage: KeyUsage) -> [u8; 5] {
        let [a, b, c, d] = usage.0.to_be_bytes();
        let purpose = match self {
            Self::Encryption => 0xaa,
            Self::Integrity => 0x55,
            Self::Checksum => 0x99,
        };
        [a, b, c, d, purpose]
    }
}
