//! `[[further_realm]]`, `[[trust]]`, `[capaths]` and `[domain_realm]`: the realm's relations to
//! other realms.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use kerbox_krb5::{EncryptionType, Principal};

use super::RealmSettings;
use super::keys::{self, Keys};
use super::section::Section;
use super::show::{list, quoted};
use super::text::{duration, parse_duration};
use super::values::{Attribute, enctype_name, parse_enctype, parse_name, parse_realm};

/// All relations to other realms.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct OtherRealms {
    pub(crate) further: Vec<FurtherRealm>,
    pub(crate) trusts: Vec<TrustSettings>,
    /// Maps a client's realm and a service's realm to the realms in between.
    pub(crate) capaths: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Maps hosts and domains to realms.
    pub(crate) domain_realm: BTreeMap<String, String>,
}

/// The settings in `[[further_realm]]`, another realm of the same KDC. Absent settings are as in
/// `[realm]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FurtherRealm {
    pub(crate) name: String,
    pub(crate) max_life: Option<Duration>,
    pub(crate) max_renewable_life: Option<Duration>,
    pub(crate) enctypes: Option<Vec<EncryptionType>>,
    pub(crate) attributes: Option<Vec<Attribute>>,
}

/// The settings in `[[trust]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TrustSettings {
    /// The other realm.
    pub(crate) realm: String,
    pub(crate) direction: Direction,
    /// Random keys if there is neither a password nor keys.
    pub(crate) password: Option<String>,
    /// The keys for the other realm's clients who come here.
    pub(crate) keys_in: Keys,
    /// The keys for our clients who go there.
    pub(crate) keys_out: Keys,
    /// The keytab that the keys come from.
    pub(crate) import: Option<PathBuf>,
    pub(crate) enctypes: Option<Vec<EncryptionType>>,
    pub(crate) kvno: Option<u32>,
    /// The other realm's KDCs, for the clients.
    pub(crate) kdc: Vec<String>,
}

/// The direction of a trust.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Both,
    /// The other realm's clients come here.
    In,
    /// Our clients go there.
    Out,
}

impl Direction {
    pub(crate) fn is_in(self) -> bool {
        self != Self::Out
    }

    pub(crate) fn is_out(self) -> bool {
        self != Self::In
    }

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "both" => Ok(Self::Both),
            "in" => Ok(Self::In),
            "out" => Ok(Self::Out),
            _ => Err(format!(
                "{text:?} is no direction; write \"both\", \"in\" (its clients come here) or \"out\" (ours go there)"
            )),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

impl OtherRealms {
    /// Returns whether the KDC also serves this realm, in addition to its first.
    pub(super) fn serves(&self, realm: &str) -> bool {
        self.further.iter().any(|further| further.name == realm)
    }

    /// Reads the further realms. This comes first because principals may belong to them.
    pub(super) fn read_further(&mut self, top: &mut Section<'_, '_>, realm: &RealmSettings) {
        for mut section in top.tables("further_realm") {
            let name = section.text("name", parse_realm);
            let read = FurtherRealm {
                name: name.unwrap_or_default(),
                max_life: section.text("max_life", parse_duration),
                max_renewable_life: section.text("max_renewable_life", parse_duration),
                enctypes: section.list("enctypes", parse_enctype),
                attributes: section.list("attributes", Attribute::parse),
            };
            if !section.has("name") {
                section.problem("it needs a name, as in name = \"OTHER.TEST\"");
            }
            if read.name == realm.name || self.serves(&read.name) {
                section.problem(format!("the realm {:?} is here already", read.name));
            }
            if read.enctypes.as_ref().is_some_and(Vec::is_empty) {
                section.problem("enctypes is empty; leave it out for those of [realm]");
            }
            if read.max_life.is_some_and(|life| life.is_zero()) {
                section.problem("max_life is zero, so that no ticket could ever be used");
            }
            section.finish();
            if !read.name.is_empty() {
                self.further.push(read);
            }
        }
    }

    /// Reads the other tables.
    pub(super) fn read(&mut self, top: &mut Section<'_, '_>, realm: &RealmSettings) {
        for section in top.tables("trust") {
            if let Some(trust) = self.read_trust(section, realm) {
                self.trusts.push(trust);
            }
        }
        if let Some(section) = top.table("capaths") {
            for (client, ways) in section.named_lists(parse_realm, parse_step) {
                let ways = ways.into_iter().map(|(server, through)| {
                    let through = through.into_iter().filter(|realm| realm != ".");
                    (server, through.collect())
                });
                self.capaths.insert(client, ways.collect());
            }
        }
        if let Some(section) = top.table("domain_realm") {
            let is_realm = |host: &str, realm: &str| {
                parse_realm(realm)
                    .map(drop)
                    .map_err(|why| format!("{host}: {why}"))
            };
            self.domain_realm = section.scalars(is_realm).into_iter().collect();
        }
    }

    fn read_trust(
        &self,
        mut section: Section<'_, '_>,
        ours: &RealmSettings,
    ) -> Option<TrustSettings> {
        let realm = section.text("realm", parse_realm);
        let direction = section.text("direction", Direction::parse);
        let direction = direction.unwrap_or(Direction::Both);
        let password = section.text("password", parse_name);
        let enctypes = section.list("enctypes", parse_enctype);
        let kvno = section.number("kvno", 1);
        let kdc = section.list("kdc", parse_kdc).unwrap_or_default();
        let given = keys::read(&mut section);
        let Some(realm) = realm else {
            if !section.has("realm") {
                section.problem("it needs a realm, as in realm = \"CORP.TEST\"");
            }
            section.finish();
            return None;
        };
        self.check_trust(&section, &realm, direction, ours);
        if enctypes.as_ref().is_some_and(Vec::is_empty) {
            section.problem("enctypes is empty; leave it out for the realm's");
        }
        let keys = |wanted: bool, server: &str, client: &str| {
            let principal = Principal::krbtgt(server, client);
            if wanted {
                given.of(&principal, &section)
            } else {
                Keys::new()
            }
        };
        let read = TrustSettings {
            keys_in: keys(direction.is_in(), &ours.name, &realm),
            keys_out: keys(direction.is_out(), &realm, &ours.name),
            import: given.path(),
            realm,
            direction,
            password,
            enctypes,
            kvno,
            kdc,
        };
        section.finish();
        Some(read)
    }

    /// Checks a trust for problems beyond its single values.
    fn check_trust(
        &self,
        section: &Section<'_, '_>,
        realm: &str,
        direction: Direction,
        ours: &RealmSettings,
    ) {
        if realm == ours.name {
            section.problem("a realm needs no trust in itself; name another one");
        }
        let overlaps = |other: &&TrustSettings| {
            other.realm == realm
                && (other.direction.is_in() && direction.is_in()
                    || other.direction.is_out() && direction.is_out())
        };
        if self.trusts.iter().any(|other| overlaps(&other)) {
            section.problem(format!(
                "a trust with {realm:?} in this direction stands here twice; join the two"
            ));
        }
        let secret = ["password", "keys", "import"].into_iter();
        if !self.serves(realm) && !secret.clone().any(|key| section.has(key)) {
            section.problem(format!(
                "it needs a password, keys or import that the KDC of {realm:?} has too; only a [[further_realm]] can do without"
            ));
        }
        if self.serves(realm) && section.has("kdc") {
            section.problem(format!(
                "{realm:?} is served here, and clients find it by themselves; leave out kdc"
            ));
        }
    }

    /// Writes the settings in the syntax of `kerbox.toml`.
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let enctypes = |f: &mut fmt::Formatter<'_>, enctypes: &Option<Vec<EncryptionType>>| {
            let Some(enctypes) = enctypes else {
                return Ok(());
            };
            let names = enctypes.iter().map(|enctype| enctype_name(*enctype));
            writeln!(f, "enctypes = {}", list(names))
        };
        for realm in &self.further {
            writeln!(f, "\n[[further_realm]]")?;
            writeln!(f, "name = {}", quoted(&realm.name))?;
            for (key, life) in [
                ("max_life", realm.max_life),
                ("max_renewable_life", realm.max_renewable_life),
            ] {
                if let Some(life) = life {
                    writeln!(f, "{key} = {}", quoted(&duration(life)))?;
                }
            }
            enctypes(f, &realm.enctypes)?;
            if let Some(attributes) = &realm.attributes {
                writeln!(f, "attributes = {}", list(attributes))?;
            }
        }
        for trust in &self.trusts {
            writeln!(f, "\n[[trust]]")?;
            writeln!(f, "realm = {}", quoted(&trust.realm))?;
            writeln!(f, "direction = {}", quoted(trust.direction.name()))?;
            if trust.password.is_some() {
                writeln!(f, "# password: set, and not shown")?;
            }
            let keys = match trust.direction {
                Direction::Out => &trust.keys_out,
                _ => &trust.keys_in,
            };
            keys::show(f, keys, trust.import.as_deref())?;
            enctypes(f, &trust.enctypes)?;
            if let Some(kvno) = trust.kvno {
                writeln!(f, "kvno = {kvno}")?;
            }
            if !trust.kdc.is_empty() {
                writeln!(f, "kdc = {}", list(&trust.kdc))?;
            }
        }
        for (client, ways) in &self.capaths {
            writeln!(f, "\n[capaths.{}]", quoted(client))?;
            for (server, through) in ways {
                writeln!(f, "{} = {}", quoted(server), list(through))?;
            }
        }
        if !self.domain_realm.is_empty() {
            writeln!(f, "\n[domain_realm]")?;
        }
        for (host, realm) in &self.domain_realm {
            writeln!(f, "{} = {}", quoted(host), quoted(realm))?;
        }
        Ok(())
    }
}

/// Parses an intermediate realm; `.` is krb5.conf's notation for the direct path.
fn parse_step(text: &str) -> Result<String, String> {
    match text {
        "." => Ok(text.to_owned()),
        _ => parse_realm(text),
    }
}

/// Parses a KDC's address in krb5.conf's syntax.
fn parse_kdc(text: &str) -> Result<String, String> {
    let whole = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && !"{}#;\"=".contains(c));
    whole.then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "{text:?} is not where a KDC listens; write a host and a port, as in \"10.0.0.1:88\""
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::file::read;

    const WHOLE: &str = r#"
[realm]
name = "A.TEST"
[[further_realm]]
name = "B.TEST"
max_life = "1h"
max_renewable_life = "1d"
enctypes = ["aes128-cts-hmac-sha1-96"]
attributes = ["-requires_preauth"]
[[principal]]
name = "carol@B.TEST"
[[trust]]
realm = "B.TEST"
direction = "out"
enctypes = ["aes128-cts-hmac-sha1-96"]
kvno = 3
[capaths]
"A.TEST" = { "C.TEST" = ["B.TEST"], "D.TEST" = ["."] }
[domain_realm]
"www.b.test" = "B.TEST"
".b.test" = "B.TEST"
"#;

    #[test]
    fn what_is_shown_reads_as_the_same_settings() {
        let settings = read("a", WHOLE).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(settings.others.capaths["A.TEST"]["C.TEST"], ["B.TEST"]);
        assert!(settings.others.capaths["A.TEST"]["D.TEST"].is_empty());
        let shown = settings.to_string();
        let again = read("b", &shown).unwrap_or_else(|problems| panic!("{problems:?}: {shown}"));
        assert_eq!(again, settings, "{shown}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let key = "0123456789abcdef0123456789abcdef";
        let text = format!(
            "[[trust]]\nrealm = \"B\"\npassword = \"geheim\"\n[[trust]]\nrealm = \"C\"\nkeys = [{{ enctype = \"aes128-cts\", kvno = 2, key = \"{key}\" }}]\n"
        );
        let settings = read("a", &text).unwrap_or_else(|problems| panic!("{problems:?}"));
        let shown = settings.to_string();
        assert!(!shown.contains("geheim") && !shown.contains(key), "{shown}");
        assert!(
            shown.contains("# keys: version 2 of aes128-cts-hmac-sha1-96; not shown"),
            "{shown}"
        );
    }
}
