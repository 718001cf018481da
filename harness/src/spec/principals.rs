//! Principals that a fixture starts with or that are added while it runs. Their names omit the
//! realm, which may not be known yet.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use kerbox_kdc::{NewKeys, PacAccount};
use kerbox_krb5::{EncryptionKey, EncryptionType, Principal, Timestamp};

use crate::Error;

/// A principal to add to a realm.
///
/// ```
/// use std::time::Duration;
/// use kerbox::NewPrincipal;
///
/// let short_lived = NewPrincipal::new("carol").password("secret").max_life(Duration::from_secs(30)).attribute("-allow_forwardable");
/// ```
#[derive(Clone, Debug)]
pub struct NewPrincipal {
    name: String,
    password: Option<String>,
    /// True if it has random keys in addition to those of its password.
    random_keys: bool,
    keys: Vec<(u32, EncryptionKey)>,
    keytab: Option<String>,
    enctypes: Option<Vec<EncryptionType>>,
    kvno: u32,
    max_life: Option<Duration>,
    max_renewable_life: Option<Duration>,
    expires: Option<Timestamp>,
    password_expires: Option<Timestamp>,
    attributes: Vec<String>,
    delegates_to: Vec<String>,
    pac_account: PacAccount,
}

impl NewPrincipal {
    /// Describes the principal `alice`, `nn/localhost`, or a name with its realm. It gets random
    /// keys.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            password: None,
            random_keys: false,
            keys: Vec::new(),
            keytab: None,
            enctypes: None,
            kvno: 1,
            max_life: None,
            max_renewable_life: None,
            expires: None,
            password_expires: None,
            attributes: Vec::new(),
            delegates_to: Vec::new(),
            pac_account: PacAccount::default(),
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
        self.kvno = kvno;
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
        new.kvno = self.kvno;
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

/// Returns the default keytab name of a user or of a Hadoop daemon.
fn default_keytab(principal: &Principal) -> Option<String> {
    match principal.components() {
        [user] => Some(format!("{}.keytab", file_name(user))),
        [service, host] if host == "localhost" => {
            let file = match &**service {
                "nn" | "dn" | "sn" => format!("{service}.service.keytab"),
                "HTTP" => "spnego.service.keytab".to_owned(),
                "hdfs" | "host" => format!("{service}.keytab"),
                _ => return None,
            };
            Some(file)
        }
        _ => None,
    }
}

/// The wanted name of a principal's keytab file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum KeytabName {
    /// Requested by the user.
    Asked(String),
    /// The default name, used unless another principal has it.
    Usual(String),
}

impl KeytabName {
    /// Returns the default for a principal without a requested name.
    pub(crate) fn usual(principal: &Principal) -> Self {
        let joined = || format!("{}.keytab", file_name(&principal.components().join(".")));
        Self::Usual(default_keytab(principal).unwrap_or_else(joined))
    }
}

/// Shortens a name to at most 200 bytes and keeps its end. File systems allow 255.
pub(crate) fn shortened(name: &str, end: &str) -> String {
    const LONGEST: usize = 200;
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(name);
    let begin = &name[..name.floor_char_boundary(LONGEST / 2)];
    format!("{begin}-{hash:016x}{end}")
}

/// Returns a file name that stays in its directory and differs for each `name`.
pub(crate) fn escaped_file_name(name: &str) -> String {
    let mut escaped = String::new();
    for character in name.chars() {
        if character.is_alphanumeric() || "._-@".contains(character) {
            escaped.push(character);
        } else {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                escaped.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if escaped.starts_with('.') {
        escaped.insert(0, '%');
    }
    escaped
}

/// Returns a file name that stays in its directory. Two names may map to the same one.
pub(crate) fn file_name(name: &str) -> String {
    let safe = |character: char| {
        if character.is_alphanumeric() || "._-@".contains(character) {
            character
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(safe).collect();
    let name = shortened(&name, "");
    if name.starts_with('.') {
        format!("_{name}")
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keytab_of(name: &str) -> String {
        match KeytabName::usual(&Principal::parse(name, "R").expect("a name")) {
            KeytabName::Usual(name) | KeytabName::Asked(name) => name,
        }
    }

    #[test]
    fn keytabs_have_their_usual_names_and_stay_in_their_directory() {
        assert_eq!(keytab_of("alice"), "alice.keytab");
        assert_eq!(keytab_of("nn/localhost"), "nn.service.keytab");
        assert_eq!(keytab_of("HTTP/localhost"), "spnego.service.keytab");
        assert_eq!(
            keytab_of("kafka/broker.example.com"),
            "kafka.broker.example.com.keytab"
        );
        assert_eq!(
            keytab_of(r"..\/..\/etc\/passwd"),
            "_.._.._etc_passwd.keytab"
        );
    }
}
