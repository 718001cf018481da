//! `[[further_realm]]`, `[[trust]]`, `[capaths]` and `[domain_realm]`: the realm's relations to
//! other realms.

use std::fmt;

use kerbox::Trust;
use kerbox::spec::duration::{parse as parse_duration, to_text as duration};
use kerbox::spec::{Direction, FurtherRealm, Keys, OtherRealms, RealmSpec};
use kerbox_krb5::{EncryptionType, Principal};

use super::keys;
use super::names::own_name;
use super::section::Section;
use super::toml_text::{list, quoted};
use super::values::{enctype_name, parse_attribute, parse_enctype, parse_name, parse_realm};

fn parse_direction(text: &str) -> Result<Direction, String> {
    match text {
        "both" => Ok(Direction::Both),
        "in" => Ok(Direction::In),
        "out" => Ok(Direction::Out),
        _ => Err(format!(
            "{text:?} is no direction; write \"both\", \"in\" (its clients come here) or \"out\" (ours go there)"
        )),
    }
}

const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Both => "both",
        Direction::In => "in",
        Direction::Out => "out",
    }
}

/// Returns whether the KDC also serves the realm `name`, in addition to its first.
pub(super) fn serves(realm: &RealmSpec, name: &str) -> bool {
    let mut further = realm.others.further.iter();
    further.any(|further| further.name == name)
}

/// Reads the further realms. This comes first because principals may belong to them.
pub(super) fn read_further(top: &mut Section<'_, '_>, realm: &mut RealmSpec) {
    for mut section in top.tables("further_realm") {
        let name = section.text("name", parse_realm);
        let mut read = FurtherRealm::new(name.unwrap_or_default());
        read.max_life = section.text("max_life", parse_duration);
        read.max_renewable_life = section.text("max_renewable_life", parse_duration);
        read.enctypes = section.list("enctypes", parse_enctype);
        read.attributes = section.list("attributes", parse_attribute);
        if !section.has("name") {
            section.problem("it needs a name, as in name = \"OTHER.TEST\"");
        }
        if read.name == own_name(realm) || serves(realm, &read.name) {
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
            realm.others.further.push(read);
        }
    }
}

/// Reads the other tables.
pub(super) fn read(top: &mut Section<'_, '_>, realm: &mut RealmSpec) {
    for section in top.tables("trust") {
        if let Some(trust) = read_trust(section, realm) {
            realm.others.trusts.push(trust);
        }
    }
    if let Some(section) = top.table("capaths") {
        for (client, ways) in section.named_lists(parse_realm, parse_step) {
            let ways = ways.into_iter().map(|(server, through)| {
                let through = through.into_iter().filter(|realm| realm != ".");
                (server, through.collect())
            });
            realm.others.capaths.insert(client, ways.collect());
        }
    }
    if let Some(section) = top.table("domain_realm") {
        let is_realm = |host: &str, realm: &str| {
            parse_realm(realm)
                .map(drop)
                .map_err(|why| format!("{host}: {why}"))
        };
        realm.others.domain_realm = section.scalars(is_realm).into_iter().collect();
    }
}

fn read_trust(mut section: Section<'_, '_>, ours: &RealmSpec) -> Option<Trust> {
    let realm = section.text("realm", parse_realm);
    let direction = section.text("direction", parse_direction);
    let direction = direction.unwrap_or_default();
    let password = section.text("password", parse_name);
    let enctypes = section.list("enctypes", parse_enctype);
    let kvno = section.number("kvno", 1);
    let kdcs = section.list("kdc", parse_kdc).unwrap_or_default();
    let given = keys::read(&mut section);
    let Some(realm) = realm else {
        if !section.has("realm") {
            section.problem("it needs a realm, as in realm = \"CORP.TEST\"");
        }
        section.finish();
        return None;
    };
    check_trust(&section, &realm, direction, ours);
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
    let own = own_name(ours);
    let mut read = Trust::with_random_keys(&realm);
    read.keys_in = keys(direction.is_in(), own, &realm);
    read.keys_out = keys(direction.is_out(), &realm, own);
    read.import = given.path();
    read.direction = direction;
    read.password = password;
    read.enctypes = enctypes;
    read.kvno = kvno;
    read.kdcs = kdcs;
    section.finish();
    Some(read)
}

/// Checks a trust for problems beyond its single values.
fn check_trust(section: &Section<'_, '_>, realm: &str, direction: Direction, ours: &RealmSpec) {
    if realm == own_name(ours) {
        section.problem("a realm needs no trust in itself; name another one");
    }
    let overlaps = |other: &&Trust| {
        other.realm == realm
            && (other.direction.is_in() && direction.is_in()
                || other.direction.is_out() && direction.is_out())
    };
    if ours.others.trusts.iter().any(|other| overlaps(&other)) {
        section.problem(format!(
            "a trust with {realm:?} in this direction stands here twice; join the two"
        ));
    }
    let secret = ["password", "keys", "import"].into_iter();
    if !serves(ours, realm) && !secret.clone().any(|key| section.has(key)) {
        section.problem(format!(
            "it needs a password, keys or import that the KDC of {realm:?} has too; only a [[further_realm]] can do without"
        ));
    }
    if serves(ours, realm) && section.has("kdc") {
        section.problem(format!(
            "{realm:?} is served here, and clients find it by themselves; leave out kdc"
        ));
    }
}

/// Writes the settings in the syntax of `kerbox.toml`.
pub(super) fn show(others: &OtherRealms, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for realm in &others.further {
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
        show_enctypes(f, realm.enctypes.as_deref())?;
        if let Some(attributes) = &realm.attributes {
            writeln!(f, "attributes = {}", list(attributes))?;
        }
    }
    for trust in &others.trusts {
        show_trust(f, trust)?;
    }
    for (client, ways) in &others.capaths {
        writeln!(f, "\n[capaths.{}]", quoted(client))?;
        for (server, through) in ways {
            writeln!(f, "{} = {}", quoted(server), list(through))?;
        }
    }
    if !others.domain_realm.is_empty() {
        writeln!(f, "\n[domain_realm]")?;
    }
    for (host, realm) in &others.domain_realm {
        writeln!(f, "{} = {}", quoted(host), quoted(realm))?;
    }
    Ok(())
}

fn show_trust(f: &mut fmt::Formatter<'_>, trust: &Trust) -> fmt::Result {
    writeln!(f, "\n[[trust]]")?;
    writeln!(f, "realm = {}", quoted(&trust.realm))?;
    let direction = direction_name(trust.direction);
    writeln!(f, "direction = {}", quoted(direction))?;
    if trust.password.is_some() {
        writeln!(f, "# password: set, and not shown")?;
    }
    let keys = match trust.direction {
        Direction::Out => &trust.keys_out,
        _ => &trust.keys_in,
    };
    keys::show(f, keys, trust.import.as_deref())?;
    show_enctypes(f, trust.enctypes.as_deref())?;
    if let Some(kvno) = trust.kvno {
        writeln!(f, "kvno = {kvno}")?;
    }
    if !trust.kdcs.is_empty() {
        writeln!(f, "kdc = {}", list(&trust.kdcs))?;
    }
    Ok(())
}

fn show_enctypes(f: &mut fmt::Formatter<'_>, enctypes: Option<&[EncryptionType]>) -> fmt::Result {
    let Some(enctypes) = enctypes else {
        return Ok(());
    };
    let names = enctypes.iter().map(|enctype| enctype_name(*enctype));
    writeln!(f, "enctypes = {}", list(names))
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
    use crate::settings::file::read;

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
        assert_eq!(
            settings.spec.realm.others.capaths["A.TEST"]["C.TEST"],
            ["B.TEST"]
        );
        assert!(settings.spec.realm.others.capaths["A.TEST"]["D.TEST"].is_empty());
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
            shown.starts_with("# Not the whole configuration"),
            "{shown}"
        );
        assert!(
            shown.contains("# keys: version 2 of aes128-cts-hmac-sha1-96; not shown"),
            "{shown}"
        );
    }
}
