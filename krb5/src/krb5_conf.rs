//! Writes krb5.conf files that work with MIT, Heimdal and the JDK.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use crate::{EncryptionType, Error};

/// The content of a krb5.conf.
///
/// One file can describe several realms, with or without a default realm. DNS lookups and host name
/// canonicalization are off, so that a test does not depend on the machine's resolver.
///
/// ```
/// use kerbox_krb5::krb5_conf::{Krb5Conf, RealmServers};
///
/// let mut conf = Krb5Conf::default();
/// conf.default_realm = Some("EXAMPLE.COM".into());
/// conf.realms.insert("EXAMPLE.COM".into(), RealmServers::kdc("127.0.0.1:8888".parse().unwrap()));
/// conf.domain_realm.insert("localhost".into(), "EXAMPLE.COM".into());
/// assert!(conf.to_text()?.contains("kdc = 127.0.0.1:8888\n"));
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Krb5Conf {
    /// The realm of names without one. Without it, such names are rejected.
    pub default_realm: Option<String>,
    /// The encryption types that a client requests and accepts, best first. For weak types, the
    /// file also contains the settings with which each library enables them.
    pub enctypes: Vec<EncryptionType>,
    /// The message length in bytes from which a client tries TCP first: 1 for always, `None` for
    /// each library's own limit. (0 means opposite things to MIT and the JDK.) Heimdal has no such
    /// setting; it needs a `tcp/` before the server's address.
    pub udp_preference_limit: Option<u32>,
    /// The time after which the JDK and Heimdal retry a KDC, in whole seconds. MIT uses its own
    /// timing.
    pub kdc_timeout: Duration,
    /// The number of times the JDK and Heimdal try a KDC.
    pub max_retries: u32,
    /// Additional settings of `[libdefaults]`: `ticket_lifetime`, `forwardable`... They are written
    /// before the settings above.
    pub libdefaults: BTreeMap<String, String>,
    /// The realms and their servers.
    pub realms: BTreeMap<String, RealmServers>,
    /// The realms of hosts (`name`) and domains (`.name`).
    pub domain_realm: BTreeMap<String, String>,
    /// The intermediate realms between a client's realm and a service's (the key). An empty list
    /// stands for the direct path.
    pub capaths: BTreeMap<(String, String), Vec<String>>,
}

impl Default for Krb5Conf {
    fn default() -> Self {
        Self {
            default_realm: None,
            enctypes: EncryptionType::DEFAULT.to_vec(),
            udp_preference_limit: None,
            kdc_timeout: Duration::from_secs(3),
            max_retries: 3,
            libdefaults: BTreeMap::new(),
            realms: BTreeMap::new(),
            domain_realm: BTreeMap::new(),
            capaths: BTreeMap::new(),
        }
    }
}

/// A realm's servers, each as `address:port`. Heimdal also supports `tcp/address:port`, which MIT
/// treats as a strange host name.
///
/// ```
/// use kerbox_krb5::krb5_conf::{Krb5Conf, RealmServers};
///
/// let mut servers = RealmServers::kdc("127.0.0.1:88".parse().expect("an address"));
/// servers.kdcs.push("127.0.0.1:8888".to_owned()); // clients try it if the first is down
/// servers.settings.insert("auth_to_local".to_owned(), "DEFAULT".to_owned());
/// let mut conf = Krb5Conf::default();
/// conf.realms.insert("EXAMPLE.COM".to_owned(), servers);
/// assert!(conf.to_text()?.contains("auth_to_local = DEFAULT"));
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealmServers {
    /// The KDCs, in the order in which clients try them.
    pub kdcs: Vec<String>,
    /// The servers for password changes.
    pub kpasswd_servers: Vec<String>,
    /// Additional settings of the realm: `auth_to_local`, `admin_server`...
    pub settings: BTreeMap<String, String>,
}

impl RealmServers {
    /// Creates a realm with one KDC.
    #[must_use]
    pub fn kdc(address: SocketAddr) -> Self {
        Self {
            kdcs: vec![address.to_string()],
            ..Self::default()
        }
    }
}

impl Krb5Conf {
    /// Returns the file's text. Fails if a name or value contains characters that would break it.
    pub fn to_text(&self) -> Result<String, Error> {
        let mut text = Text::default();
        text.section("libdefaults");
        for (key, value) in self.all_libdefaults() {
            text.setting(&key, &value)?;
        }
        if !self.realms.is_empty() {
            text.section("realms");
        }
        for (realm, servers) in &self.realms {
            text.open(realm)?;
            for kdc in &servers.kdcs {
                text.setting("kdc", kdc)?;
            }
            for server in &servers.kpasswd_servers {
                text.setting("kpasswd_server", server)?;
            }
            for (key, value) in &servers.settings {
                text.setting(key, value)?;
            }
            text.close();
        }
        if !self.domain_realm.is_empty() {
            text.section("domain_realm");
        }
        for (domain, realm) in &self.domain_realm {
            text.setting(domain, realm)?;
        }
        self.write_capaths(&mut text)?;
        Ok(text.0)
    }

    fn all_libdefaults(&self) -> BTreeMap<String, String> {
        let mut settings: BTreeMap<_, _> = [
            ("dns_lookup_kdc", "false".to_owned()),
            ("dns_lookup_realm", "false".to_owned()),
            ("dns_canonicalize_hostname", "false".to_owned()),
            ("rdns", "false".to_owned()),
            // The JDK would read a bare number as milliseconds, Heimdal as seconds.
            (
                "kdc_timeout",
                format!("{}s", self.kdc_timeout.as_secs().max(1)),
            ),
            ("max_retries", self.max_retries.to_string()),
        ]
        .into();
        if let Some(limit) = self.udp_preference_limit {
            settings.insert("udp_preference_limit", limit.to_string());
        }
        if !self.enctypes.is_empty() {
            let names: Vec<_> = self.enctypes.iter().map(ToString::to_string).collect();
            for key in [
                "permitted_enctypes",
                "default_tkt_enctypes",
                "default_tgs_enctypes",
            ] {
                settings.insert(key, names.join(" "));
            }
            // This is Heimdal's key. A name that Heimdal does not know would keep its programs from
            // starting.
            let names: Vec<_> = names
                .iter()
                .filter(|name| !name.starts_with("camellia"))
                .map(|name| name.replace("arcfour-hmac", "arcfour-hmac-md5"))
                .collect();
            if !names.is_empty() {
                settings.insert("default_etypes", names.join(" "));
            }
        }
        if self.enctypes.iter().any(|enctype| enctype.is_weak()) {
            // MIT up to 1.20 reads the first key, MIT 1.21 and later the others.
            for key in ["allow_weak_crypto", "allow_rc4", "allow_des3"] {
                settings.insert(key, "true".to_owned());
            }
        }
        if let Some(realm) = &self.default_realm {
            settings.insert("default_realm", realm.clone());
        }
        let mut settings: BTreeMap<_, _> = settings
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        settings.extend(self.libdefaults.clone());
        settings
    }

    fn write_capaths(&self, text: &mut Text) -> Result<(), Error> {
        let mut open: Option<&str> = None;
        for ((client, server), over) in &self.capaths {
            match open {
                None => text.section("capaths"),
                Some(before) if before != client => text.close(),
                Some(_) => {}
            }
            if open != Some(client) {
                text.open(client)?;
                open = Some(client);
            }
            if over.is_empty() {
                text.setting(server, ".")?;
            }
            for realm in over {
                text.setting(server, realm)?;
            }
        }
        if open.is_some() {
            text.close();
        }
        Ok(())
    }
}

/// The text written so far.
#[derive(Default)]
struct Text(String);

impl Text {
    fn section(&mut self, name: &str) {
        self.line(format_args!("[{name}]"));
    }

    fn open(&mut self, name: &str) -> Result<(), Error> {
        let name = checked_name(name)?;
        self.line(format_args!(" {name} = {{"));
        Ok(())
    }

    fn close(&mut self) {
        self.line(format_args!(" }}"));
    }

    fn setting(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let key = checked_name(key)?;
        if value.is_empty()
            || value.contains(|c: char| c.is_control() || "{}\"".contains(c))
            || value.trim() != value
        {
            return Err(Error::Krb5Conf {
                text: value.to_owned(),
            });
        }
        self.line(format_args!(" {key} = {value}"));
        Ok(())
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a String takes everything");
    }
}

/// Returns the name if every library reads it back unchanged: it must not contain blanks or
/// characters with a special meaning.
fn checked_name(name: &str) -> Result<&str, Error> {
    if name.is_empty()
        || name.contains(|c: char| c.is_control() || c.is_whitespace() || "{}[]=#;\"*".contains(c))
    {
        return Err(Error::Krb5Conf {
            text: name.to_owned(),
        });
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf() -> Krb5Conf {
        let mut conf = Krb5Conf {
            default_realm: Some("A.TEST".into()),
            udp_preference_limit: Some(1),
            ..Krb5Conf::default()
        };
        conf.libdefaults.insert("forwardable".into(), "true".into());
        conf.libdefaults.insert("kdc_timeout".into(), "1s".into());
        let mut servers = RealmServers::kdc("127.0.0.1:1088".parse().expect("an address"));
        servers.kdcs.push("[::1]:1088".into());
        servers.kpasswd_servers.push("127.0.0.1:1464".into());
        conf.realms.insert("A.TEST".into(), servers);
        conf.realms.insert(
            "B.TEST".into(),
            RealmServers::kdc("127.0.0.1:2088".parse().expect("an address")),
        );
        conf.domain_realm
            .insert("localhost".into(), "A.TEST".into());
        conf.domain_realm.insert(".b.test".into(), "B.TEST".into());
        conf.capaths
            .insert(("A.TEST".into(), "B.TEST".into()), Vec::new());
        conf.capaths
            .insert(("A.TEST".into(), "C.TEST".into()), vec!["B.TEST".into()]);
        conf.capaths
            .insert(("C.TEST".into(), "A.TEST".into()), vec!["B.TEST".into()]);
        conf
    }

    #[test]
    fn a_file_tells_of_several_realms() {
        let enctypes = "aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96 aes256-cts-hmac-sha384-192 aes128-cts-hmac-sha256-128";
        assert_eq!(
            conf().to_text().expect("nothing strange"),
            format!(
                "[libdefaults]
 default_etypes = {enctypes}
 default_realm = A.TEST
 default_tgs_enctypes = {enctypes}
 default_tkt_enctypes = {enctypes}
 dns_canonicalize_hostname = false
 dns_lookup_kdc = false
 dns_lookup_realm = false
 forwardable = true
 kdc_timeout = 1s
 max_retries = 3
 permitted_enctypes = {enctypes}
 rdns = false
 udp_preference_limit = 1
[realms]
 A.TEST = {{
 kdc = 127.0.0.1:1088
 kdc = [::1]:1088
 kpasswd_server = 127.0.0.1:1464
 }}
 B.TEST = {{
 kdc = 127.0.0.1:2088
 }}
[domain_realm]
 .b.test = B.TEST
 localhost = A.TEST
[capaths]
 A.TEST = {{
 B.TEST = .
 C.TEST = B.TEST
 }}
 C.TEST = {{
 A.TEST = B.TEST
 }}
"
            )
        );
    }

    #[test]
    fn a_weak_type_is_allowed_by_every_name_that_libraries_know() {
        let mut conf = conf();
        conf.enctypes.push(EncryptionType::RC4_HMAC);
        let text = conf.to_text().expect("nothing strange");
        for key in ["allow_weak_crypto", "allow_rc4", "allow_des3"] {
            assert!(text.contains(&format!(" {key} = true\n")));
        }
        let types_of = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(&format!(" {key} = ")))
        };
        assert!(
            types_of("permitted_enctypes").is_some_and(|types| types.ends_with(" arcfour-hmac"))
        );
        assert!(
            types_of("default_etypes").is_some_and(|types| types.ends_with(" arcfour-hmac-md5"))
        );
    }

    #[test]
    fn a_type_that_heimdal_does_not_know_is_not_among_its_own() {
        let mut conf = conf();
        conf.enctypes = vec![EncryptionType::CAMELLIA256_CTS_CMAC];
        let text = conf.to_text().expect("nothing strange");
        assert!(text.contains(" permitted_enctypes = camellia256-cts-cmac\n"));
        assert!(!text.contains("default_etypes"), "{text}");
    }

    #[test]
    fn names_and_values_that_would_break_the_file_are_refused() {
        for name in ["", "A B", "A\nB", "A{", "A=B", "[A]", "#A"] {
            let mut conf = conf();
            conf.realms.insert(name.into(), RealmServers::default());
            assert_eq!(conf.to_text(), Err(Error::Krb5Conf { text: name.into() }));
        }
        for value in ["", " A", "A\n[realms]", "}"] {
            let mut conf = conf();
            conf.libdefaults.insert("forwardable".into(), value.into());
            assert_eq!(conf.to_text(), Err(Error::Krb5Conf { text: value.into() }));
        }
    }
}
