//! Encryption types: their numbers, names and sizes.

use std::fmt;

/// An encryption type's number (RFC 3961, 8). Unknown numbers survive decoding.
///
/// ```
/// use kerbox_krb5::EncryptionType;
///
/// let enctype: EncryptionType = "aes256-cts".parse()?; // one of MIT's names
/// assert_eq!(enctype, EncryptionType::AES256_CTS_HMAC_SHA1_96);
/// assert_eq!(enctype.to_string(), "aes256-cts-hmac-sha1-96");
/// assert!(EncryptionType::RC4_HMAC.is_weak());
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EncryptionType(pub i32);

/// Number, name, and the other names that MIT's krb5.conf and kadmin accept.
const NAMES: [(EncryptionType, &str, &[&str]); 8] = [
    (
        EncryptionType::AES256_CTS_HMAC_SHA1_96,
        "aes256-cts-hmac-sha1-96",
        &["aes256-cts", "aes256-sha1"],
    ),
    (
        EncryptionType::AES128_CTS_HMAC_SHA1_96,
        "aes128-cts-hmac-sha1-96",
        &["aes128-cts", "aes128-sha1"],
    ),
    (
        EncryptionType::AES256_CTS_HMAC_SHA384_192,
        "aes256-cts-hmac-sha384-192",
        &["aes256-sha2"],
    ),
    (
        EncryptionType::AES128_CTS_HMAC_SHA256_128,
        "aes128-cts-hmac-sha256-128",
        &["aes128-sha2"],
    ),
    (
        EncryptionType::CAMELLIA256_CTS_CMAC,
        "camellia256-cts-cmac",
        &["camellia256-cts"],
    ),
    (
        EncryptionType::CAMELLIA128_CTS_CMAC,
        "camellia128-cts-cmac",
        &["camellia128-cts"],
    ),
    (
        EncryptionType::DES3_CBC_SHA1_KD,
        "des3-cbc-sha1",
        &["des3-hmac-sha1", "des3-cbc-sha1-kd"],
    ),
    (
        EncryptionType::RC4_HMAC,
        "arcfour-hmac",
        &["rc4-hmac", "arcfour-hmac-md5"],
    ),
];

impl EncryptionType {
    /// des3-cbc-sha1-kd (RFC 3961, 6.3): weak, used only if named explicitly.
    pub const DES3_CBC_SHA1_KD: Self = Self(16);
    /// aes128-cts-hmac-sha1-96 (RFC 3962).
    pub const AES128_CTS_HMAC_SHA1_96: Self = Self(17);
    /// aes256-cts-hmac-sha1-96 (RFC 3962).
    pub const AES256_CTS_HMAC_SHA1_96: Self = Self(18);
    /// aes128-cts-hmac-sha256-128 (RFC 8009).
    pub const AES128_CTS_HMAC_SHA256_128: Self = Self(19);
    /// aes256-cts-hmac-sha384-192 (RFC 8009).
    pub const AES256_CTS_HMAC_SHA384_192: Self = Self(20);
    /// rc4-hmac (RFC 4757): weak, used only if named explicitly.
    pub const RC4_HMAC: Self = Self(23);
    /// camellia128-cts-cmac (RFC 6803): used only if named explicitly, since Heimdal and the JDK do
    /// not support it.
    pub const CAMELLIA128_CTS_CMAC: Self = Self(25);
    /// camellia256-cts-cmac (RFC 6803): used only if named explicitly, since Heimdal and the JDK do
    /// not support it.
    pub const CAMELLIA256_CTS_CMAC: Self = Self(26);

    /// The types that are offered and accepted by default, in MIT's order of preference.
    pub const DEFAULT: [Self; 4] = [
        Self::AES256_CTS_HMAC_SHA1_96,
        Self::AES128_CTS_HMAC_SHA1_96,
        Self::AES256_CTS_HMAC_SHA384_192,
        Self::AES128_CTS_HMAC_SHA256_128,
    ];

    /// The types of keys that principals get by default, the same as with MIT's KDC. Java tools
    /// built on Kerby cannot read keytabs with keys of RFC 8009.
    pub const DEFAULT_KEYS: [Self; 2] =
        [Self::AES256_CTS_HMAC_SHA1_96, Self::AES128_CTS_HMAC_SHA1_96];

    /// Returns the name that MIT's tools print, if the number is known.
    /// [`FromStr`](std::str::FromStr) reads this name and MIT's other names.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES
            .iter()
            .find(|(enctype, ..)| *enctype == self)
            .map(|(_, name, _)| *name)
    }

    /// Returns the type that one of MIT's names stands for, in any case.
    pub(crate) fn named(text: &str) -> Option<Self> {
        let named = |name: &str| name.eq_ignore_ascii_case(text);
        NAMES
            .iter()
            .find(|(_, name, aliases)| named(name) || aliases.iter().any(|alias| named(alias)))
            .map(|(enctype, ..)| *enctype)
    }

    /// Returns whether keys of this type can be created and used.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        self.key_len() > 0
    }

    /// Returns whether the type is broken. Weak types are never offered or accepted unless named
    /// explicitly.
    #[must_use]
    pub const fn is_weak(self) -> bool {
        // Every number below 16 is a form of single DES or was never used; 24 is rc4 with 40 bits.
        self.0 <= 16 || matches!(self.0, 23 | 24)
    }

    /// Returns the length of a key in bytes; 0 for an unsupported type.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::AES128_CTS_HMAC_SHA1_96
            | Self::AES128_CTS_HMAC_SHA256_128
            | Self::RC4_HMAC
            | Self::CAMELLIA128_CTS_CMAC => 16,
            Self::DES3_CBC_SHA1_KD => 24,
            Self::AES256_CTS_HMAC_SHA1_96
            | Self::AES256_CTS_HMAC_SHA384_192
            | Self::CAMELLIA256_CTS_CMAC => 32,
            _ => 0,
        }
    }

    /// Returns the number of random bytes that make a key (`random-to-key` of RFC 3961); 0 for an
    /// unsupported type.
    #[must_use]
    pub const fn seed_len(self) -> usize {
        match self {
            Self::DES3_CBC_SHA1_KD => 21,
            other => other.key_len(),
        }
    }
}

impl fmt::Display for EncryptionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "etype {}", self.0),
        }
    }
}

impl fmt::Debug for EncryptionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
