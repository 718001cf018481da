//! Writes dumps.

use std::fmt::Write;

use super::line::{put_octets, put_tagged};
use super::{Format, policies};
use crate::mit::configuration::Configuration;
use crate::mit::database::Database;
use crate::mit::entry::{Entry, StoredKey};
use crate::mit::hex::hex;
use crate::mit::tagged::{self, KADMIN_DATA};

/// The length of MIT's fixed part of a principal.
const BASE_LENGTH: u32 = 38;

/// The parts of a dump.
pub(in crate::mit) struct Dump<'a> {
    pub(in crate::mit) format: Format,
    /// Returns true for the principals to dump. `None`: all of them, and the policies.
    pub(in crate::mit) chosen: Option<&'a dyn Fn(&str) -> bool>,
    /// Last principal first.
    pub(in crate::mit) reversed: bool,
}

/// Returns the text of a dump, and the names of its principals. Lifetimes that the database does
/// not set are those of `configuration`.
pub(in crate::mit) fn dump<'a>(
    database: &'a Database,
    configuration: &Configuration,
    how: &Dump<'_>,
) -> (String, Vec<&'a str>) {
    let mut text = format!("{}\n", how.format.header());
    let chosen = |name: &str| how.chosen.is_none_or(|chosen| chosen(name));
    let principals = database.principals.iter();
    let mut principals: Vec<(&String, &Entry)> =
        principals.filter(|(name, _)| chosen(name)).collect();
    if how.reversed {
        principals.reverse();
    }
    for (name, entry) in &principals {
        principal(&mut text, name, entry, configuration, how.format);
    }
    if how.chosen.is_none() {
        for (name, policy) in &database.policies {
            policies::write(&mut text, name, policy, how.format);
        }
    }
    let names = principals.into_iter().map(|(name, _)| name.as_str());
    (text, names.collect())
}

fn principal(
    text: &mut String,
    name: &str,
    entry: &Entry,
    configuration: &Configuration,
    format: Format,
) {
    let mut tagged = tagged::all(entry);
    if format == Format::Beta7 {
        tagged.retain(|(kind, _)| *kind != KADMIN_DATA);
    }
    let extra = &entry.loaded.extra;
    let _ = write!(
        text,
        "princ\t{BASE_LENGTH}\t{}\t{}\t{}\t{}\t{name}\t",
        name.len(),
        tagged.len(),
        entry.keys.len(),
        extra.len() / 2,
    );
    let max_life = entry.max_life().unwrap_or(configuration.max_life);
    let max_renewable = configuration.max_renewable_life;
    let max_renewable = entry.max_renewable_life().unwrap_or(max_renewable);
    let _ = write!(
        text,
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
        entry.flags.cast_signed(),
        max_life.as_secs(),
        max_renewable.as_secs(),
        entry.expires.unwrap_or(0),
        entry.password_expires.unwrap_or(0),
        entry.loaded.last_success,
        entry.loaded.last_failed,
        entry.loaded.failures,
    );
    put_tagged(text, &tagged);
    text.push('\t');
    for key in &entry.keys {
        put_key(text, key);
    }
    text.push_str(put_octets(extra));
    text.push_str(";\n");
}

fn put_key(text: &mut String, key: &StoredKey) {
    let parts = if key.salt_type.is_some() { 2 } else { 1 };
    let StoredKey {
        kvno,
        enctype,
        sealed,
        ..
    } = key;
    let length = sealed.len() / 2;
    let sealed = put_octets(sealed);
    let _ = write!(text, "{parts}\t{kvno}\t{enctype}\t{length}\t{sealed}\t");
    if parts == 2 {
        let salt = key.salt_bytes();
        let number = key.salt_number();
        let _ = write!(
            text,
            "{number}\t{}\t{}\t",
            salt.len(),
            put_octets(&hex(salt))
        );
    }
}
