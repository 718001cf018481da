//! Keys of principals, sealed as in MIT's database.

use kerbox_krb5::crypto::KeyUsage;
use kerbox_krb5::{EncryptionKey, EncryptionType};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::mit::hex::{hex, unhex};
use crate::mit::keysalt::SaltType;

/// A principal's key. Its value is encrypted with another key: a master key, or, for former
/// passwords, that of `kadmin/history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKey {
    pub(crate) kvno: u32,
    pub(crate) enctype: i32,
    /// In hexadecimal: the key's length in two bytes, little-endian, and the encrypted key.
    pub(crate) sealed: String,
    /// `None`: the principal's default salt.
    pub(crate) salt: Option<String>,
    /// The salt's type, by the name that kadmin prints, or by its number if it is not known here.
    /// `None` if the database holds none, which means the default type.
    #[serde(default)]
    pub(crate) salt_type: Option<String>,
}

impl StoredKey {
    /// Seals a key; `salt` is `Some` if it is not the default one.
    pub(crate) fn seal(
        kvno: u32,
        key: &EncryptionKey,
        salt: Option<&str>,
        with: &EncryptionKey,
        rng: &mut impl Rng,
    ) -> Self {
        Self {
            kvno,
            enctype: key.enctype().0,
            sealed: hex(&seal(key, with, rng)),
            salt: salt.map(str::to_owned),
            salt_type: salt.map(|_| SaltType::Special.name().to_owned()),
        }
    }

    /// Decrypts the key. `None` if it was sealed with another key, or is of a type that is not
    /// supported.
    pub(crate) fn open(&self, with: &EncryptionKey) -> Option<EncryptionKey> {
        open(EncryptionType(self.enctype), &unhex(&self.sealed)?, with)
    }

    /// Seals the same key anew. `None` if it cannot be opened.
    pub(crate) fn reseal(
        &self,
        from: &EncryptionKey,
        to: &EncryptionKey,
        rng: &mut impl Rng,
    ) -> Option<Self> {
        let sealed = hex(&seal(&self.open(from)?, to, rng));
        Some(Self {
            sealed,
            ..self.clone()
        })
    }

    /// Returns true if the salt is of a type that is known here.
    pub(crate) fn has_known_salt(&self) -> bool {
        let mut known = self.salt_type.iter();
        known.all(|name| SaltType::named(name).is_some())
    }

    /// Returns the salt's number in MIT's database; 0 for the default type.
    pub(crate) fn salt_number(&self) -> i32 {
        let number = |name: &String| {
            SaltType::named(name).map_or_else(|| name.parse().ok(), |known| Some(known.number()))
        };
        self.salt_type.as_ref().and_then(number).unwrap_or(0)
    }

    /// Returns the salt as MIT's database holds it; empty for the default one.
    pub(crate) fn salt_bytes(&self) -> &[u8] {
        self.salt.as_deref().unwrap_or_default().as_bytes()
    }

    /// Returns true if the key belongs to this password.
    pub(in crate::mit) fn is_of(
        &self,
        password: &str,
        default_salt: &str,
        with: &EncryptionKey,
    ) -> bool {
        let salt = self.salt.as_deref().unwrap_or(default_salt);
        let Some(key) = self.open(with) else {
            return false;
        };
        let derived =
            EncryptionKey::from_password(key.enctype(), password.as_bytes(), salt.as_bytes(), None);
        derived.is_ok_and(|derived| derived.as_bytes() == key.as_bytes())
    }
}

/// The key usage of keys in the database.
const USAGE: KeyUsage = KeyUsage(0);

/// Encrypts a key as MIT's database holds it.
pub(crate) fn seal(key: &EncryptionKey, with: &EncryptionKey, rng: &mut impl Rng) -> Vec<u8> {
    // No key is longer than 32 bytes.
    let length = u16::try_from(key.as_bytes().len()).unwrap_or(u16::MAX);
    let mut sealed = length.to_le_bytes().to_vec();
    sealed.extend(with.encrypt(USAGE, key.as_bytes(), rng));
    sealed
}

/// Decrypts a key of MIT's database.
pub(crate) fn open(
    enctype: EncryptionType,
    sealed: &[u8],
    with: &EncryptionKey,
) -> Option<EncryptionKey> {
    let (length, ciphertext) = sealed.split_first_chunk()?;
    let plain = with.decrypt(USAGE, ciphertext).ok()?;
    // Old types pad the plain text.
    let bytes = plain.get(..usize::from(u16::from_le_bytes(*length)))?;
    EncryptionKey::new(enctype, bytes).ok()
}
