//! One principal of the database.

use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::{EncryptionKey, EncryptionType, Principal, Timestamp};
use rand::Rng;

use super::{Attributes, PrincipalKey};
use crate::{DatabaseError, PacAccount, PasswordPolicy};

/// What the KDC knows of a principal.
#[derive(Clone, Debug)]
pub struct PrincipalEntry {
    /// Its name.
    pub principal: Principal,
    /// What it may and must.
    pub attributes: Attributes,
    /// The longest life of its tickets; the realm's if absent.
    pub max_life: Option<Duration>,
    /// How long its tickets can be renewed at the most; as the realm says if absent.
    pub max_renewable_life: Option<Duration>,
    /// When the principal expires.
    pub expires: Option<Timestamp>,
    /// When its password expires.
    pub password_expires: Option<Timestamp>,
    /// What its new passwords must be like; as the realm says if absent.
    pub password_policy: Option<PasswordPolicy>,
    /// As a service: the types of session keys that it knows. If empty, those of its keys and
    /// aes256-cts-hmac-sha1-96.
    pub session_enctypes: Vec<EncryptionType>,
    /// As a service: to which services it may come in a user's name (S4U2Proxy).
    pub delegates_to: Vec<Principal>,
    /// As a service: which services may come to it in a user's name (resource-based delegation).
    pub delegates_from: Vec<Principal>,
    /// As which account full PACs know it.
    pub pac_account: PacAccount,
    keys: Vec<PrincipalKey>,
    /// The passwords of keys that are gone, the newest first.
    former_passwords: Vec<Arc<str>>,
}

/// How many former passwords are remembered.
const REMEMBERED: usize = 32;

/// The keys that a principal begins with, or is given anew.
#[derive(Clone)]
pub enum NewKeys {
    /// Random keys: those of services, which have them in a keytab.
    Random,
    /// The keys of a password.
    Password(String),
    /// Both, for a user: a keytab and a password serve, and the password's keys are derived only if
    /// somebody comes with it. Tickets for the principal are in its random keys: a keytab that is
    /// made of the password opens none.
    RandomAndPassword(String),
    /// These keys, one for each type.
    Given(Vec<EncryptionKey>),
    /// These keys, each of a version of its own: those of another database, or of a keytab.
    Imported(Vec<(u32, EncryptionKey)>),
}

/// A principal to be added: everything but the name may stay as it is.
#[derive(Clone)]
pub struct NewPrincipal {
    /// The entry as it will be, without keys.
    pub entry: PrincipalEntry,
    /// Its keys.
    pub keys: NewKeys,
    /// The types of its keys, the best first; the realm's if absent.
    pub enctypes: Option<Vec<EncryptionType>>,
    /// The keys' version.
    pub kvno: u32,
    /// The salt of its password; by default the realm and the name.
    pub salt: Option<String>,
    /// Settings in kadmin's form that are applied to the realm's default attributes.
    pub attributes: Vec<String>,
}

impl NewPrincipal {
    /// `principal` with these keys.
    #[must_use]
    pub fn new(principal: Principal, keys: NewKeys) -> Self {
        Self {
            entry: PrincipalEntry::new(principal),
            keys,
            enctypes: None,
            kvno: 1,
            salt: None,
            attributes: Vec::new(),
        }
    }

    /// Adds a setting in kadmin's form.
    #[must_use]
    pub fn attribute(mut self, setting: impl Into<String>) -> Self {
        self.attributes.push(setting.into());
        self
    }
}

impl PrincipalEntry {
    /// An entry without keys, attributes and limits.
    #[must_use]
    pub fn new(principal: Principal) -> Self {
        Self {
            principal,
            attributes: Attributes::NONE,
            max_life: None,
            max_renewable_life: None,
            expires: None,
            password_expires: None,
            password_policy: None,
            session_enctypes: Vec::new(),
            delegates_to: Vec::new(),
            delegates_from: Vec::new(),
            pac_account: PacAccount::default(),
            keys: Vec::new(),
            former_passwords: Vec::new(),
        }
    }

    /// Its passwords, the present one first.
    pub(crate) fn passwords(&self) -> impl Iterator<Item = &str> {
        let present = self.keys.iter().find_map(PrincipalKey::password);
        present
            .into_iter()
            .chain(&self.former_passwords)
            .map(|password| &**password)
    }

    /// Whether a key of the newest version that is given, not made of a password that is known, is
    /// this password's.
    pub(crate) fn has_key_of(&self, password: &str) -> bool {
        let given = self.keys_of(None).find(|key| !key.is_of_password());
        given.is_some_and(|key| {
            let derived = EncryptionKey::from_password(
                key.enctype(),
                password.as_bytes(),
                key.salt().as_bytes(),
                None,
            );
            derived.is_ok_and(|derived| derived.as_bytes() == key.key().as_bytes())
        })
    }

    /// All its keys, the newest version first, within a version the strongest type first.
    #[must_use]
    pub fn keys(&self) -> &[PrincipalKey] {
        &self.keys
    }

    /// The newest version; 0 without keys.
    #[must_use]
    pub fn kvno(&self) -> u32 {
        self.keys.first().map_or(0, |key| key.kvno)
    }

    /// The keys of this version; of the newest if none is named.
    pub fn keys_of(&self, kvno: Option<u32>) -> impl Iterator<Item = &PrincipalKey> {
        let kvno = kvno.unwrap_or_else(|| self.kvno());
        self.keys.iter().filter(move |key| key.kvno == kvno)
    }

    /// The key that tickets for this service are encrypted with: the first of the newest version.
    #[must_use]
    pub fn service_key(&self) -> Option<&PrincipalKey> {
        self.keys.first()
    }

    /// Takes these keys in place of all others, for instance those of another database.
    pub fn set_keys(&mut self, keys: Vec<PrincipalKey>) {
        self.keys = keys;
        self.keys.sort_by_key(|key| std::cmp::Reverse(key.kvno));
    }

    /// Gives it keys of a new version; older ones stay if `keep_old`. Returns the version.
    pub fn change_keys(
        &mut self,
        keys: &NewKeys,
        enctypes: &[EncryptionType],
        keep_old: bool,
        rng: &mut impl Rng,
    ) -> Result<u32, DatabaseError> {
        let last = || DatabaseError::LastVersion(self.principal.clone());
        let kvno = self.kvno().checked_add(1).ok_or_else(last)?;
        let salt = self.principal.default_salt();
        let old = std::mem::take(&mut self.keys);
        let former = old.iter().find_map(PrincipalKey::password).cloned();
        let added = self.add_keys(keys, enctypes, kvno, &salt, rng);
        if keep_old || added.is_err() {
            self.keys.extend(old);
            self.keys.sort_by_key(|key| std::cmp::Reverse(key.kvno));
        }
        added?;
        if let Some(password) = former {
            self.former_passwords.insert(0, password);
            self.former_passwords.truncate(REMEMBERED);
        }
        Ok(self.kvno())
    }

    /// Removes the keys of versions older than `keep_from`; of all but the newest if none is named.
    pub fn purge_keys(&mut self, keep_from: Option<u32>) {
        let newest = self.kvno();
        let keep_from = keep_from.unwrap_or(newest).min(newest);
        self.keys.retain(|key| key.kvno >= keep_from);
    }

    /// Adds keys of this version before those of older ones.
    pub(super) fn add_keys(
        &mut self,
        keys: &NewKeys,
        enctypes: &[EncryptionType],
        kvno: u32,
        salt: &str,
        rng: &mut impl Rng,
    ) -> Result<(), DatabaseError> {
        let salt: Arc<str> = salt.into();
        if enctypes.is_empty() && !matches!(keys, NewKeys::Given(_)) {
            return Err(DatabaseError::NoKeyTypes(self.principal.clone()));
        }
        for &enctype in enctypes {
            if !enctype.is_supported() {
                return Err(kerbox_krb5::Error::EncryptionType { enctype }.into());
            }
        }
        let mut added = Vec::new();
        let random = |added: &mut Vec<PrincipalKey>, rng: &mut _| -> Result<(), DatabaseError> {
            for &enctype in enctypes {
                added.push(PrincipalKey::given(
                    kvno,
                    EncryptionKey::random(enctype, rng)?,
                    salt.clone(),
                ));
            }
            Ok(())
        };
        let of_password = |added: &mut Vec<PrincipalKey>, password: &str| {
            let password: Arc<str> = password.into();
            added.extend(enctypes.iter().map(|&enctype| {
                PrincipalKey::of_password(kvno, enctype, password.clone(), salt.clone())
            }));
        };
        match keys {
            NewKeys::Random => random(&mut added, rng)?,
            NewKeys::Password(password) => of_password(&mut added, password),
            NewKeys::RandomAndPassword(password) => {
                random(&mut added, rng)?;
                of_password(&mut added, password);
            }
            NewKeys::Given(keys) => added.extend(
                keys.iter()
                    .map(|key| PrincipalKey::given(kvno, key.clone(), salt.clone())),
            ),
            NewKeys::Imported(keys) => added.extend(
                keys.iter()
                    .map(|(kvno, key)| PrincipalKey::given(*kvno, key.clone(), salt.clone())),
            ),
        }
        self.keys.splice(0..0, added);
        self.keys.sort_by_key(|key| std::cmp::Reverse(key.kvno));
        Ok(())
    }
}
