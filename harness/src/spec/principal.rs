//! Principals that a fixture starts with or that are added while it runs. Their names omit the
//! realm, which may not be known yet.

use std::path::PathBuf;
use std::time::Duration;

use kerbox_kdc::{NewKeys, PacAccount};
use kerbox_krb5::{EncryptionKey, EncryptionType, Principal, Timestamp};

use crate::Error;
use crate::spec::file_names::{KeytabName, default_keytab};

/// Keys, each with its version.
///
/// ```
/// use kerbox::spec::Keys;
/// use kerbox::{EncryptionType, NewPrincipal, Realm};
/// use kerbox_krb5::EncryptionKey;
///
/// let key = EncryptionKey::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16])?;
/// let keys: Keys = vec![(3, key)]; // as another KDC made it
/// let service = NewPrincipal::new("svc/www").keys(keys);
/// let realm = Realm::builder().principal(service).start_blocking()?;
/// # Ok::<(), kerbox::Error>(())
/// ```
pub type Keys = Vec<(u32, EncryptionKey)>;

/// A principal to add to a realm.
///
/// ```
/// use std::time::Duration;
/// use kerbox::NewPrincipal;
///
/// let short_lived = NewPrincipal::new("carol")
///     .password("secret")
///     .max_life(Duration::from_secs(30))
///     .attribute("-allow_forwardable");
/// let realm = kerbox::Realm::builder().principal(short_lived).start_blocking()?;
/// let ticket = realm.login_blocking("carol")?.ticket();
/// assert_eq!(ticket.end_time.since(ticket.start_time), Duration::from_secs(30));
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct NewPrincipal {
    /// The name as given: `alice`, `nn/localhost`, or with a realm.
    pub name: String,
    /// The password that its keys are derived from; `None`: random keys.
    pub password: Option<String>,
    /// True if it has random keys in addition to those of its password.
    pub random_keys: bool,
    /// Keys used instead of random ones or a password's.
    pub keys: Keys,
    /// The keytab that [`keys`](Self::keys) were read from, for display.
    pub import: Option<PathBuf>,
    /// The file in `keytabs/` that gets its keys; `None`: the default name, if it has one.
    pub keytab: Option<String>,
    /// Its key types, the preferred one first; `None`: the realm's.
    pub enctypes: Option<Vec<EncryptionType>>,
    /// The version of its keys; `None`: 1.
    pub kvno: Option<u32>,
    /// The maximum lifetime of its tickets; `None`: the realm's.
    pub max_life: Option<Duration>,
    /// The maximum renewable lifetime of its tickets; `None`: the realm's.
    pub max_renewable_life: Option<Duration>,
    /// When it expires.
    pub expires: Option<Timestamp>,
    /// When its password expires.
    pub password_expires: Option<Timestamp>,
    /// Attributes in kadmin's notation, on top of the realm's.
    pub attributes: Vec<String>,
    /// The services that it may call in a user's name (S4U2Proxy).
    pub delegates_to: Vec<String>,
    /// The account that full PACs give for it.
    pub pac_account: PacAccount,
}

impl NewPrincipal {
    /// Describes the principal `alice`, `nn/localhost`, or a name with its realm. It gets random
    /// keys.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Returns the name as given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Derives its keys from this password, for a service too: a keytab made elsewhere from the
    /// password is equivalent to ours. Keys are derived when first needed; a keytab needs them at
    /// the start. One key takes a millisecond, or a tenth of a second in an unoptimised build.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self.random_keys = false;
        self
    }

    /// Gives a user this password in addition to random keys. The password's keys are derived only
    /// when the user presents it, so that it costs a fixture no start-up time. The keytab has the
    /// random keys.
    #[must_use]
    pub fn password_besides(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self.random_keys = true;
        self
    }

    /// Sets its keys, each with its version, instead of random ones or those of a password. For
    /// example, keys from another KDC.
    #[must_use]
    pub fn keys(mut self, keys: impl IntoIterator<Item = (u32, EncryptionKey)>) -> Self {
        self.keys = keys.into_iter().collect();
        self
    }

    /// Sets the file in `keytabs/` that gets its keys; principals may share one. Default:
    /// `NAME.keytab` for users, none for services. The file name includes the realm if it would
    /// clash with another principal's.
    #[must_use]
    pub fn keytab(mut self, file: impl Into<String>) -> Self {
        self.keytab = Some(file.into());
        self
    }

    /// Sets its key types, the preferred one first. Default: the realm's. The clients' krb5.conf
    /// permits those of the principals that a fixture starts with.
    #[must_use]
    pub fn enctypes(mut self, enctypes: impl IntoIterator<Item = EncryptionType>) -> Self {
        self.enctypes = Some(enctypes.into_iter().collect());
        self
    }

    /// Sets the version of its keys. Default: 1.
    #[must_use]
    pub fn kvno(mut self, kvno: u32) -> Self {
        self.kvno = Some(kvno);
        self
    }

    /// Sets the maximum lifetime of its tickets. Default: the realm's.
    #[must_use]
    pub fn max_life(mut self, life: Duration) -> Self {
        self.max_life = Some(life);
        self
    }

    /// Sets the maximum renewable lifetime of its tickets. Default: the realm's.
    #[must_use]
    pub fn max_renewable_life(mut self, life: Duration) -> Self {
        self.max_renewable_life = Some(life);
        self
    }

    /// Sets when it expires.
    #[must_use]
    pub fn expires(mut self, at: Timestamp) -> Self {
        self.expires = Some(at);
        self
    }

    /// Sets when its password expires.
    #[must_use]
    pub fn password_expires(mut self, at: Timestamp) -> Self {
        self.password_expires = Some(at);
        self
    }

    /// Adds an attribute in kadmin's notation, on top of the realm's: `-requires_preauth`,
    /// `-allow_tix`, `+ok_as_delegate`, ….
    #[must_use]
    pub fn attribute(mut self, setting: impl Into<String>) -> Self {
        self.attributes.push(setting.into());
        self
    }

    /// Allows it, as a service, to request tickets to this service in a user's name (S4U2Proxy).
    #[must_use]
    pub fn delegates_to(mut self, service: impl Into<String>) -> Self {
        self.delegates_to.push(service.into());
        self
    }

    /// Sets the account that full PACs give for it. Default: identifiers are derived from its name.
    #[must_use]
    pub fn pac_account(mut self, account: PacAccount) -> Self {
        self.pac_account = account;
        self
    }

    /// Returns the file in `keytabs/` that gets its keys, unless another principal has a default
    /// name first; `None` if it gets no file.
    #[must_use]
    pub fn keytab_file(&self, realm: &str) -> Option<String> {
        let principal = Principal::parse(&self.name, realm).ok()?;
        self.keytab_name(&principal).map(|name| match name {
            KeytabName::Asked(name) | KeytabName::Usual(name) => name,
        })
    }

    /// Returns the name of its keytab, if it gets one.
    pub(crate) fn keytab_name(&self, principal: &Principal) -> Option<KeytabName> {
        match &self.keytab {
            Some(file) => Some(KeytabName::Asked(file.clone())),
            None => default_keytab(principal).map(KeytabName::Usual),
        }
    }

    /// Returns the types of its keys, if they differ from the realm's.
    pub(crate) fn own_enctypes(&self) -> impl Iterator<Item = EncryptionType> {
        let given = self.keys.iter().map(|(_, key)| key.enctype());
        self.enctypes.iter().flatten().copied().chain(given)
    }

    /// Converts it to the KDC's type.
    pub(crate) fn in_realm(self, realm: &str) -> Result<kerbox_kdc::NewPrincipal, Error> {
        let keys = match self.password {
            _ if !self.keys.is_empty() => NewKeys::Imported(self.keys),
            Some(password) if self.random_keys => NewKeys::RandomAndPassword(password),
            Some(password) => NewKeys::Password(password),
            None => NewKeys::Random,
        };
        let mut new = kerbox_kdc::NewPrincipal::new(Principal::parse(&self.name, realm)?, keys);
        new.enctypes = self.enctypes;
        new.kvno = self.kvno.unwrap_or(1);
        new.attributes = self.attributes;
        new.entry.max_life = self.max_life;
        new.entry.max_renewable_life = self.max_renewable_life;
        new.entry.expires = self.expires;
        new.entry.password_expires = self.password_expires;
        new.entry.pac_account = self.pac_account;
        let services = self
            .delegates_to
            .iter()
            .map(|service| Principal::parse(service, realm));
        new.entry.delegates_to = services.collect::<Result<_, _>>()?;
        Ok(new)
    }
}
