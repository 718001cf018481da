//! Keys that are given to a principal or a trust: `keys` with their bytes, or `import` from a
//! keytab.

use std::fmt;
use std::path::{Path, PathBuf};

use kerbox::spec::Keys;
use kerbox_krb5::{EncryptionKey, Keytab, KeytabEntry, Principal};

use super::section::Section;
use super::toml_text::quoted;
use super::values::{enctype_name, parse_enctype, parse_name};

/// The keys from `keys` or `import`.
pub(super) struct Given {
    /// From `keys`.
    pub(super) keys: Keys,
    /// From `import`: the keytab and its path.
    pub(super) keytab: Option<(PathBuf, Keytab)>,
}

/// Reads `keys` and `import` from a table. At most one may be present, and no password,
/// `random_keys`, kvno or enctypes next to it.
pub(super) fn read(section: &mut Section<'_, '_>) -> Given {
    let mut keys = Keys::new();
    for mut key in section.tables("keys") {
        keys.extend(read_key(&mut key));
        key.finish();
    }
    let file = section.text("import", parse_name);
    let path = file.map(|file| section.beside(&file));
    let keytab = path.and_then(|path| match Keytab::read(&path) {
        Ok(keytab) => Some((path, keytab)),
        Err(why) => {
            section.problem_of(
                "import",
                format!("{} cannot be read as a keytab: {why}", path.display()),
            );
            None
        }
    });
    if section.has("keys") && keys.is_empty() {
        section.problem("keys is empty; leave it out for random ones");
    }
    let source = ["keys", "import"].into_iter().find(|key| section.has(key));
    if let Some(source) = source {
        for other in ["password", "random_keys", "kvno", "enctypes", "import"] {
            if other != source && section.has(other) {
                section.problem(format!(
                    "{source} says which keys it has, of which versions and types; leave out {other}, or {source}"
                ));
            }
        }
    }
    Given { keys, keytab }
}

impl Given {
    /// Returns the keys of `principal`. Reports a problem if the keytab lacks them.
    pub(super) fn of(&self, principal: &Principal, section: &Section<'_, '_>) -> Keys {
        let Some((path, keytab)) = &self.keytab else {
            return self.keys.clone();
        };
        match of_keytab(keytab, principal) {
            Ok(keys) => keys,
            Err(why) => {
                section.problem_of("import", format!("{} {why}", path.display()));
                Keys::new()
            }
        }
    }

    /// Returns the keytab's path.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.keytab.as_ref().map(|(path, _)| path.clone())
    }
}

fn read_key(section: &mut Section<'_, '_>) -> Option<(u32, EncryptionKey)> {
    for needed in ["enctype", "key"] {
        if !section.has(needed) {
            section.problem(format!(
                "it needs {needed}, as in {{ enctype = \"aes256-cts-hmac-sha1-96\", kvno = 1, key = \"00ff…\" }}"
            ));
        }
    }
    let enctype = section.text("enctype", parse_enctype);
    let kvno = section.number("kvno", 1).unwrap_or(1);
    let bytes = section.text("key", parse_hex)?;
    let enctype = enctype?;
    match EncryptionKey::new(enctype, &bytes) {
        Ok(key) => Some((kvno, key)),
        Err(_) => {
            section.problem_of(
                "key",
                format!(
                    "it has {} bytes, and a key of {} has {}",
                    bytes.len(),
                    enctype_name(enctype),
                    enctype.key_len()
                ),
            );
            None
        }
    }
}

fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    // The text is a secret, so the message must not repeat it.
    let wrong = || String::from("it is not hexadecimal; write two digits for each byte");
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    match digits.as_chunks::<2>() {
        (pairs, []) => Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()),
        _ => Err(wrong()),
    }
}

fn of_keytab(keytab: &Keytab, principal: &Principal) -> Result<Keys, String> {
    let entries: Vec<&KeytabEntry> = keytab
        .entries()
        .filter(|entry| entry.principal() == principal)
        .collect();
    let mut keys = Keys::new();
    for entry in &entries {
        let key = entry.key().ok_or_else(|| {
            format!(
                "has a key of {principal} of the type {}, which cannot be used here; take it out, as ktutil's delete_entry does",
                entry.enctype()
            )
        })?;
        keys.push((entry.kvno(), key.clone()));
    }
    if !keys.is_empty() {
        return Ok(keys);
    }
    let mut names: Vec<String> = keytab
        .entries()
        .map(|entry| entry.principal().to_string())
        .collect();
    names.dedup();
    Err(match names.is_empty() {
        true => String::from("holds no key"),
        false => format!(
            "has no key of {principal}; it holds those of {}",
            names.join(", ")
        ),
    })
}

/// Writes the source of the keys, but not the keys themselves.
pub(super) fn show(f: &mut fmt::Formatter<'_>, keys: &Keys, import: Option<&Path>) -> fmt::Result {
    match import {
        Some(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let text = path.display().to_string();
            writeln!(f, "import = {}", quoted(&text))
        }
        None if keys.is_empty() => Ok(()),
        None => {
            let shown = keys
                .iter()
                .map(|(kvno, key)| format!("version {kvno} of {}", enctype_name(key.enctype())));
            let shown: Vec<String> = shown.collect();
            writeln!(f, "# keys: {}; not shown", shown.join(", "))
        }
    }
}
