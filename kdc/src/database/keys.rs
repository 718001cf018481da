//! The long-lived keys of principals. A password's key is derived when it is first needed, then
//! kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use kerbox_krb5::{EncryptionKey, EncryptionType};

/// One key of a principal: of one version and one encryption type.
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
    /// A key that is known.
    #[must_use]
    pub fn given(kvno: u32, key: EncryptionKey, salt: Arc<str>) -> Self {
        Self {
            kvno,
            enctype: key.enctype(),
            salt,
            source: Source::Given(key),
        }
    }

    /// The key of a password, which is derived when it is first asked for.
    ///
    /// The type must be one that [`EncryptionType::is_supported`] knows.
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

    /// The version as messages tell it: MIT's library leaves a zero out, and takes one that it finds
    /// for a message that was changed.
    pub(crate) fn told_kvno(&self) -> Option<u32> {
        (self.kvno != 0).then_some(self.kvno)
    }

    /// Its type.
    #[must_use]
    pub fn enctype(&self) -> EncryptionType {
        self.enctype
    }

    /// The salt of the password that it comes of, or would come of: clients are told it in either
    /// case.
    #[must_use]
    pub fn salt(&self) -> &str {
        &self.salt
    }

    /// Whether it comes of a password.
    #[must_use]
    pub fn is_of_password(&self) -> bool {
        matches!(self.source, Source::Password { .. })
    }

    /// The password that it comes of.
    pub(super) fn password(&self) -> Option<&Arc<str>> {
        match &self.source {
            Source::Password { password, .. } => Some(password),
            Source::Given(_) => None,
        }
    }

    /// Whether it has been derived, or need not be.
    #[cfg(test)]
    pub(crate) fn is_known(&self) -> bool {
        match &self.source {
            Source::Given(_) => true,
            Source::Password { derived, .. } => derived.get().is_some(),
        }
    }

    /// The key itself. The first call for a password costs a key derivation: milliseconds, in an
    /// unoptimised build over 100 ms.
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

/// Password, salt and type: what a derived key depends on.
type Derivation = (EncryptionType, Arc<str>, Arc<str>);

/// How many derived keys the process keeps. Fixtures by the hundred use the same few passwords, and
/// the same realm's name.
const KEPT: usize = 1024;
/// How long password and salt may be to be kept there: users choose them.
const LONGEST: usize = 1024;

fn password_key(enctype: EncryptionType, password: &Arc<str>, salt: &Arc<str>) -> EncryptionKey {
    static DERIVED: OnceLock<Mutex<HashMap<Derivation, EncryptionKey>>> = OnceLock::new();
    let derived = DERIVED.get_or_init(Mutex::default);
    // A map is whole between its calls, so a panic elsewhere cannot have spoilt it.
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
