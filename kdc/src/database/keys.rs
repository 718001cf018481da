//! The long-term keys of principals. A password's key is derived on first use and then cached.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use kerbox_krb5::{EncryptionKey, EncryptionType};

/// A principal's key of one version and one encryption type.
///
/// ```
/// use kerbox_kdc::PrincipalKey;
/// use kerbox_krb5::{EncryptionKey, EncryptionType};
///
/// let key = EncryptionKey::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16])?;
/// let key = PrincipalKey::given(3, key, "EXAMPLE.COMalice".into());
/// assert_eq!((key.kvno, key.salt()), (3, "EXAMPLE.COMalice"));
/// assert!(!key.is_of_password());
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone)]
pub struct PrincipalKey {
    /// The version.
    pub kvno: u32,
    enctype: EncryptionType,
    salt: Arc<str>,
    source: Source,
}

#[derive(Clone)]
enum Source {
    Given(EncryptionKey),
    Password {
        password: Arc<str>,
        derived: Arc<OnceLock<EncryptionKey>>,
    },
}

impl PrincipalKey {
    /// Creates a key from its value.
    #[must_use]
    pub fn given(kvno: u32, key: EncryptionKey, salt: Arc<str>) -> Self {
        Self {
            kvno,
            enctype: key.enctype(),
            salt,
            source: Source::Given(key),
        }
    }

    /// Creates a key from a password. It is derived on first use.
    ///
    /// The type must satisfy [`EncryptionType::is_supported`].
    #[must_use]
    pub(super) fn of_password(
        kvno: u32,
        enctype: EncryptionType,
        password: Arc<str>,
        salt: Arc<str>,
    ) -> Self {
        Self {
            kvno,
            enctype,
            salt,
            source: Source::Password {
                password,
                derived: Arc::new(OnceLock::new()),
            },
        }
    }

    /// Returns the version as messages carry it. MIT's library omits a zero, and treats a zero that
    /// it receives as a modified message.
    pub(crate) fn told_kvno(&self) -> Option<u32> {
        (self.kvno != 0).then_some(self.kvno)
    }

    /// Returns the encryption type.
    #[must_use]
    pub fn enctype(&self) -> EncryptionType {
        self.enctype
    }

    /// Returns the salt of the password. A random key has one too, since clients receive a salt in
    /// either case.
    #[must_use]
    pub fn salt(&self) -> &str {
        &self.salt
    }

    /// Returns whether the key is derived from a password.
    #[must_use]
    pub fn is_of_password(&self) -> bool {
        matches!(self.source, Source::Password { .. })
    }

    /// Returns the password from which the key is derived.
    pub(super) fn password(&self) -> Option<&Arc<str>> {
        match &self.source {
            Source::Password { password, .. } => Some(password),
            Source::Given(_) => None,
        }
    }

    /// Returns whether the key is already derived, or was given.
    #[cfg(test)]
    pub(crate) fn is_known(&self) -> bool {
        match &self.source {
            Source::Given(_) => true,
            Source::Password { derived, .. } => derived.get().is_some(),
        }
    }

    /// Returns the key. For a password, the first call derives it, which takes milliseconds, and
    /// over 100 ms in an unoptimised build.
    #[must_use]
    pub fn key(&self) -> &EncryptionKey {
        match &self.source {
            Source::Given(key) => key,
            Source::Password { password, derived } => {
                derived.get_or_init(|| password_key(self.enctype, password, &self.salt))
            }
        }
    }
}

impl fmt::Debug for PrincipalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "key version {} of {}{}",
            self.kvno,
            self.enctype,
            if self.is_of_password() {
                " of a password"
            } else {
                ""
            }
        )
    }
}

/// The inputs of a derived key: type, password and salt.
type Derivation = (EncryptionType, Arc<str>, Arc<str>);

/// The number of derived keys to cache in this process. Hundreds of fixtures use the same few
/// passwords, and the same realm's name.
const KEPT: usize = 1024;
/// The longest password and salt to cache, since users choose them.
const LONGEST: usize = 1024;

fn password_key(enctype: EncryptionType, password: &Arc<str>, salt: &Arc<str>) -> EncryptionKey {
    static DERIVED: OnceLock<Mutex<HashMap<Derivation, EncryptionKey>>> = OnceLock::new();
    let derived = DERIVED.get_or_init(Mutex::default);
    // No call leaves the map half changed, so after a panic elsewhere it is still valid.
    let lock = || {
        derived
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    };
    let derivation = (enctype, password.clone(), salt.clone());
    if let Some(key) = lock().get(&derivation) {
        return key.clone();
    }
    let key = EncryptionKey::from_password(enctype, password.as_bytes(), salt.as_bytes(), None)
        .expect("the type was checked when the principal was added, and default parameters are always taken");
    if password.len().saturating_add(salt.len()) > LONGEST {
        return key;
    }
    let mut derived = lock();
    if derived.len() >= KEPT {
        derived.clear();
    }
    derived.insert(derivation, key.clone());
    key
}
