//! Principals that a fixture begins with, or that are added while it runs; named without the realm,
//! which may not be known yet.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use kerbox_kdc::{NewKeys, PacAccount};
use kerbox_krb5::{EncryptionKey, EncryptionType, Principal, Timestamp};

use crate::Error;

/// A principal to be added to a realm.
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
    /// Whether it has random keys besides those of its password.
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
    /// `alice`, `nn/localhost`, or a name with its realm. It gets random keys.
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

    /// The name as given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its keys are those of this password, of a service too: a keytab that is made of the password
    /// elsewhere is as good as ours. They are derived when first needed, for a keytab at the start;
    /// a key takes a millisecond, in an unoptimised build a tenth of a second.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self.random_keys = false;
        self
    }

    /// A user who has random keys, and can also come with this password, whose keys are derived
    /// only then: such a user costs a fixture no time. Its keytab has the random keys.
    #[must_use]
    pub fn password_besides(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self.random_keys = true;
        self
    }

    /// Its keys, each of its version, in place of random ones or a password's: those of another
    /// KDC, for instance.
    #[must_use]
    pub fn keys(mut self, keys: impl IntoIterator<Item = (u32, EncryptionKey)>) -> Self {
        self.keys = keys.into_iter().collect();
        self
    }

    /// The file in `keytabs/` that gets its keys; principals may share one. Default: `NAME.keytab`
    /// for users, none for services; with the realm in it if another's file has that name.
    #[must_use]
    pub fn keytab(mut self, file: impl Into<String>) -> Self {
        self.keytab = Some(file.into());
        self
    }

    /// The types of its keys, the best first. Default: the realm's. Clients' krb5.conf permits those
    /// of the principals that a fixture begins with.
    #[must_use]
    pub fn enctypes(mut self, enctypes: impl IntoIterator<Item = EncryptionType>) -> Self {
        self.enctypes = Some(enctypes.into_iter().collect());
        self
    }

    /// The version of its keys. Default: 1.
    #[must_use]
    pub fn kvno(mut self, kvno: u32) -> Self {
        self.kvno = kvno;
        self
    }

    /// The longest life of its tickets. Default: the realm's.
    #[must_use]
    pub fn max_life(mut self, life: Duration) -> Self {
        self.max_life = Some(life);
        self
    }

    /// How long its tickets can be renewed. Default: as the realm says.
    #[must_use]
    pub fn max_renewable_life(mut self, life: Duration) -> Self {
        self.max_renewable_life = Some(life);
        self
    }

    /// When it expires.
    #[must_use]
    pub fn expires(mut self, at: Timestamp) -> Self {
        self.expires = Some(at);
        self
    }

    /// When its password expires.
    #[must_use]
    pub fn password_expires(mut self, at: Timestamp) -> Self {
        self.password_expires = Some(at);
        self
    }

    /// A setting in kadmin's form, on top of the realm's: `-requires_preauth`, `-allow_tix`,
    /// `+ok_as_delegate`, ….
    #[must_use]
    pub fn attribute(mut self, setting: impl Into<String>) -> Self {
        self.attributes.push(setting.into());
        self
    }

    /// As a service: it may come to this service in a user's name (S4U2Proxy).
    #[must_use]
    pub fn delegates_to(mut self, service: impl Into<String>) -> Self {
        self.delegates_to.push(service.into());
        self
    }

    /// As which account full PACs know it. Default: identifiers are derived from its name.
    #[must_use]
    pub fn pac_account(mut self, account: PacAccount) -> Self {
        self.pac_account = account;
        self
    }

    /// The keytab that it gets, if any.
    pub(crate) fn keytab_name(&self, principal: &Principal) -> Option<KeytabName> {
        match &self.keytab {
            Some(file) => Some(KeytabName::Asked(file.clone())),
            None => default_keytab(principal).map(KeytabName::Usual),
        }
    }

    /// The types of its keys, if they are not the realm's.
    pub(crate) fn own_enctypes(&self) -> impl Iterator<Item = EncryptionType> {
        let given = self.keys.iter().map(|(_, key)| key.enctype());
        self.enctypes.iter().flatten().copied().chain(given)
    }

    /// As the KDC takes it.
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

/// The usual names of keytabs: users' own, and those of Hadoop's daemons.
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

/// How the file of a principal's keys is to be called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum KeytabName {
    /// As the user wants it.
    Asked(String),
    /// As it is usually called, if no other principal has that name.
    Usual(String),
}

impl KeytabName {
    /// For a principal of which nothing was said.
    pub(crate) fn usual(principal: &Principal) -> Self {
        let joined = || format!("{}.keytab", file_name(&principal.components().join(".")));
        Self::Usual(default_keytab(principal).unwrap_or_else(joined))
    }
}

/// A name in at most 200 bytes, of which its end stays. File systems allow 255.
pub(crate) fn shortened(name: &str, end: &str) -> String {
    const LONGEST: usize = 200;
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(name);
    let begin = &name[..name.floor_char_boundary(LONGEST / 2)];
    format!("{begin}-{hash:016x}{end}")
}

/// A name that stays in its directory, different for each `name`.
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

/// A name that stays in its directory. Two names may become one.
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
