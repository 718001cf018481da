//! `[[principal]]`.

use kerbox::NewPrincipal;
use kerbox::spec::RealmSpec;
use kerbox::spec::duration::parse as parse_duration;
use kerbox_kdc::PacAccount;
use kerbox_krb5::{Principal, Timestamp};
use toml::de::DeValue;

use super::names::{own_name, same_name};
use super::section::Section;
use super::text::{parse_time, timestamp};
use super::values::{parse_attribute, parse_enctype, parse_file_name, parse_name};
use super::{keys, other_realms};

/// Reads a principal; `before` are those of the tables before. `None` without a name.
pub(super) fn read_principal(
    mut section: Section<'_, '_>,
    realm: &RealmSpec,
    before: &[NewPrincipal],
) -> Option<NewPrincipal> {
    let own_realm = own_name(realm);
    let principal = |text: &str| parse_principal(text, own_realm);
    let name = section.text("name", principal);
    let given = keys::read(&mut section);
    let mut read = NewPrincipal::new(name.unwrap_or_default());
    read.password = section.text("password", parse_name);
    read.random_keys = section.take("random_keys", flag).unwrap_or_default();
    read.import = given.path();
    read.keytab = section.text("keytab", parse_file_name);
    read.enctypes = section.list("enctypes", parse_enctype);
    read.kvno = section.number("kvno", 1);
    read.max_life = section.text("max_life", parse_duration);
    read.max_renewable_life = section.text("max_renewable_life", parse_duration);
    read.expires = section.take("expires", time);
    read.password_expires = section.take("password_expires", time);
    read.attributes = section
        .list("attributes", parse_attribute)
        .unwrap_or_default();
    read.delegates_to = section.list("delegates_to", principal).unwrap_or_default();
    read.pac_account = PacAccount {
        rid: section.number("rid", 1),
        primary_group: section.number("primary_group", 1),
        groups: section.numbers("groups", 1).unwrap_or_default(),
        full_name: section.text("full_name", parse_name),
    };
    if read.name.is_empty() {
        if !section.has("name") {
            section.problem("it needs a name, as in name = \"carol\"");
        }
        section.finish();
        return None;
    }
    if let Ok(principal) = Principal::parse(&read.name, own_realm) {
        read.keys = given.of(&principal, &section);
        check_realm(&section, &principal, realm);
    }
    check(&section, &read, realm, before);
    section.finish();
    Some(read)
}

fn parse_principal(text: &str, own_realm: &str) -> Result<String, String> {
    match Principal::parse(text, own_realm) {
        Ok(principal) if principal.components().iter().all(|part| !part.is_empty()) => {
            Ok(text.to_owned())
        }
        Ok(_) => Err(format!(
            "{text:?} is not a principal's name: a part of it is empty"
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// Checks that the KDC serves the principal's realm.
fn check_realm(section: &Section<'_, '_>, principal: &Principal, realm: &RealmSpec) {
    let served = |name: &str| name == own_name(realm) || other_realms::serves(realm, name);
    let is_served =
        served(principal.realm()) || principal.is_krbtgt() && served(&principal.components()[1]);
    if !is_served {
        section.problem(format!(
            "the realm {:?} is not served here; add a [[further_realm]] of that name",
            principal.realm()
        ));
    }
}

/// Checks a principal for problems beyond its single values.
fn check(
    section: &Section<'_, '_>,
    read: &NewPrincipal,
    realm: &RealmSpec,
    before: &[NewPrincipal],
) {
    if before
        .iter()
        .any(|other| same_name(&other.name, &read.name, own_name(realm)))
    {
        section.problem(format!("{:?} stands here twice; join the two", read.name));
    }
    if read.random_keys && read.password.is_none() {
        section.problem("random_keys is for a principal with a password: others' keys are random");
    }
    if read.enctypes.as_ref().is_some_and(Vec::is_empty) {
        section.problem("enctypes is empty; leave it out for the realm's");
    }
    for (key, own, ceiling) in [
        ("max_life", read.max_life, realm.max_life),
        (
            "max_renewable_life",
            read.max_renewable_life,
            realm.max_renewable_life,
        ),
    ] {
        if own.is_some_and(|own| own > ceiling) {
            section.problem(format!(
                "the realm's {key} is lower than that of {:?}; raise [realm] {key} too",
                read.name
            ));
        }
    }
}

pub(super) fn time(value: &DeValue<'_>) -> Result<Timestamp, String> {
    match value {
        DeValue::Datetime(time) => {
            timestamp(time).ok_or_else(|| format!("{time} is no point in time: date, time and zone are needed, as in 2020-01-01T00:00:00Z"))
        }
        DeValue::String(text) => parse_time(text),
        _ => Err(String::from(
            "it is not a time; write RFC 3339 without quotes, as in 2020-01-01T00:00:00Z",
        )),
    }
}

pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, String> {
    match value {
        DeValue::Boolean(flag) => Ok(*flag),
        _ => Err(String::from("it is true or false, without quotes")),
    }
}
