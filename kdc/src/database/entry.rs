//! One principal of the database.

use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::{EncryptionKey, EncryptionType, Principal, Timestamp};
use rand::Rng;

use super::{Attributes, PrincipalKey};
use crate::{DatabaseError, PacAccount, PasswordPolicy};

/// A principal as stored in the database.
///
/// ```
/// use kerbox_kdc::{NewKeys, NewPrincipal, PrincipalDatabase, RealmConfig};
/// use kerbox_krb5::{Principal, Timestamp};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
///
/// let mut database = PrincipalDatabase::new();
/// database.add_realm(RealmConfig::new("EXAMPLE.COM"), &mut rng)?;
/// let alice = Principal::new("EXAMPLE.COM", ["alice"]);
/// database.add(NewPrincipal::new(alice.clone(), NewKeys::Random), &mut rng)?;
/// let end = Timestamp::from_secs(1_800_000_000);
/// database.change(&alice, |entry| entry.expires = Some(end))?;
/// let entry = database.get(&alice).expect("she was added");
/// assert_eq!((entry.expires, entry.kvno()), (Some(end), 1));
/// # Ok::<(), kerbox_kdc::DatabaseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PrincipalEntry {
    /// Its name.
    pub principal: Principal,
    /// Its permissions and duties.
    pub attributes: Attributes,
    /// The longest lifetime of its tickets; the realm's if absent.
    pub max_life: Option<Duration>,
    /// The longest time for which its tickets can be renewed; the realm's if absent.
    pub max_renewable_life: Option<Duration>,
    /// The time at which the principal expires.
    pub expires: Option<Timestamp>,
    /// The time at which its password expires.
    pub password_expires: Option<Timestamp>,
    /// The policy for its new passwords; the realm's if absent.
    pub password_policy: Option<PasswordPolicy>,
    /// As a service: the session key types that it supports. If empty, the types of its keys and
    /// aes256-cts-hmac-sha1-96.
    pub session_enctypes: Vec<EncryptionType>,
    /// As a service: the services to which it may delegate (S4U2Proxy).
    pub delegates_to: Vec<Principal>,
    /// As a service: the services that may delegate to it (resource-based delegation).
    pub delegates_from: Vec<Principal>,
    /// The Windows account that full PACs give for it.
    pub pac_account: PacAccount,
    pub(super) keys: Vec<PrincipalKey>,
    /// The passwords of former keys, newest first.
    pub(super) former_passwords: Vec<Arc<str>>,
}

/// The number of former passwords to remember.
const REMEMBERED: usize = 32;

/// A principal's first or new keys.
///
/// ```
/// use kerbox_kdc::{NewKeys, NewPrincipal};
/// use kerbox_krb5::{EncryptionKey, EncryptionType, Principal};
///
/// let [user, service] = [["alice"], ["svc"]].map(|name| Principal::new("EXAMPLE.COM", name));
/// let by_password = NewPrincipal::new(user, NewKeys::Password("secret".to_owned()));
/// let key = EncryptionKey::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16])?;
/// let from_elsewhere = NewPrincipal::new(service, NewKeys::Imported(vec![(3, key)]));
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum NewKeys {
    /// Random keys, as for services, which have them in a keytab.
    Random,
    /// Keys derived from a password.
    Password(String),
    /// Both, for a user who may log in with a keytab or a password. The password's keys are derived
    /// only if the password is used. Tickets for the principal are encrypted with its random keys,
    /// so a keytab made from the password cannot decrypt them.
    RandomAndPassword(String),
    /// The given keys, one for each type.
    Given(Vec<EncryptionKey>),
    /// The given keys, each with its own version, for instance from another database or a keytab.
    Imported(Vec<(u32, EncryptionKey)>),
}

/// A principal to add. Everything but the name has a default.
///
/// ```
/// use kerbox_kdc::{NewKeys, NewPrincipal};
/// use kerbox_krb5::Principal;
///
/// let name = Principal::new("EXAMPLE.COM", ["HTTP", "localhost"]);
/// let mut service = NewPrincipal::new(name, NewKeys::Random).attribute("+ok_as_delegate");
/// service.kvno = 7;
/// ```
#[derive(Clone)]
pub struct NewPrincipal {
    /// The entry to store, without keys.
    pub entry: PrincipalEntry,
    /// Its keys.
    pub keys: NewKeys,
    /// The types of its keys, best first; the realm's if absent.
    pub enctypes: Option<Vec<EncryptionType>>,
    /// The version of its keys.
    pub kvno: u32,
    /// The salt of its password; made from realm and name by default.
    pub salt: Option<String>,
    /// Settings in kadmin's form, applied to the realm's default attributes.
    pub attributes: Vec<String>,
}

impl NewPrincipal {
    /// Creates `principal` with these keys.
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
    /// Creates an entry without keys, attributes or limits.
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

    /// Returns its passwords, the current one first.
    pub(crate) fn passwords(&self) -> impl Iterator<Item = &str> {
        let present = self.keys.iter().find_map(PrincipalKey::password);
        present
            .into_iter()
            .chain(&self.former_passwords)
            .map(|password| &**password)
    }

    /// Returns whether the newest version has a given key (not one derived from a stored password)
    /// that equals the key derived from this password.
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

    /// Returns all its keys: newest version first, and within a version strongest type first.
    #[must_use]
    pub fn keys(&self) -> &[PrincipalKey] {
        &self.keys
    }

    /// Returns the newest version; 0 without keys.
    #[must_use]
    pub fn kvno(&self) -> u32 {
        self.keys.first().map_or(0, |key| key.kvno)
    }

    /// Returns the keys of this version, or of the newest if `kvno` is `None`.
    pub fn keys_of(&self, kvno: Option<u32>) -> impl Iterator<Item = &PrincipalKey> {
        let kvno = kvno.unwrap_or_else(|| self.kvno());
        self.keys.iter().filter(move |key| key.kvno == kvno)
    }

    /// Returns the key that encrypts tickets for this service: the first of the newest version.
    #[must_use]
    pub fn service_key(&self) -> Option<&PrincipalKey> {
        self.keys.first()
    }

    /// Replaces all keys with these, for instance with those of another database.
    pub fn set_keys(&mut self, keys: Vec<PrincipalKey>) {
        self.keys = keys;
        // A stable sort: within a version, the order of types stays, which is that of preference.
        self.keys.sort_by_key(|key| std::cmp::Reverse(key.kvno));
    }

    /// Sets keys of a new version. Older ones stay if `keep_old`. Returns the version.
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
        // A refused change must leave the principal able to log in.
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

    /// Removes the keys of versions older than `keep_from`, or of all but the newest if it is
    /// `None`.
    pub fn purge_keys(&mut self, keep_from: Option<u32>) {
        let newest = self.kvno();
        let keep_from = keep_from.unwrap_or(newest).min(newest);
        self.keys.retain(|key| key.kvno >= keep_from);
    }

    /// Adds keys of this version before older ones.
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
