//! Keys in files. Their types may be unsupported by this crate.

use std::fmt;

use crate::{EncryptionKey, EncryptionType};

/// A key with its type as stored in a file. Its bytes survive even if it is unusable.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StoredKey {
    enctype: EncryptionType,
    key: Result<EncryptionKey, Vec<u8>>,
}

impl StoredKey {
    /// Creates a key from a keytab or credential cache, where the type has 16 bits.
    pub(crate) fn new(enctype: u16, bytes: &[u8]) -> Self {
        let enctype = EncryptionType(enctype.cast_signed().into());
        Self {
            enctype,
            key: EncryptionKey::new(enctype, bytes).map_err(|_| bytes.to_vec()),
        }
    }

    pub(crate) fn enctype(&self) -> EncryptionType {
        self.enctype
    }

    pub(crate) fn enctype16(&self) -> u16 {
        self.enctype.0 as u16
    }

    /// Returns the key, if its type is supported and its length correct.
    pub(crate) fn key(&self) -> Option<&EncryptionKey> {
        self.key.as_ref().ok()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.key {
            Ok(key) => key.as_bytes(),
            Err(bytes) => bytes,
        }
    }
}

impl From<EncryptionKey> for StoredKey {
    fn from(key: EncryptionKey) -> Self {
        Self {
            enctype: key.enctype(),
            key: Ok(key),
        }
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredKey({})", self.enctype)
    }
}
