//! `VERSION`: an identity as Java's properties.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::str::FromStr;

/// The properties of a file.
pub(crate) struct Properties(BTreeMap<String, String>);

impl Properties {
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.starts_with(['#', '!']));
        let pairs = lines.filter_map(|line| line.split_once('='));
        let pairs = pairs.map(|(key, value)| (key.trim().to_owned(), unescape(value.trim())));
        Self(pairs.collect())
    }

    /// Returns a property, which may be missing.
    pub(crate) fn find(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Returns a property that must be there.
    pub(crate) fn text(&self, key: &str) -> Result<&str, String> {
        self.find(key).ok_or_else(|| format!("{key} is missing"))
    }

    /// Returns a number that must be there.
    pub(crate) fn number<N: FromStr>(&self, key: &str) -> Result<N, String> {
        let value = self.text(key)?;
        let number = value.parse();
        number.map_err(|_| format!("{key} is {value}, which is no number for it"))
    }

    /// Fails if the storage is of another kind of server.
    pub(crate) fn check_kind(&self, wanted: &str) -> Result<(), String> {
        match self.text("storageType")? {
            kind if kind == wanted => Ok(()),
            kind => Err(format!("storageType is {kind} instead of {wanted}")),
        }
    }
}

/// Returns the contents of a file with these properties.
pub(crate) fn to_text(properties: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (key, value) in properties {
        let _infallible = writeln!(text, "{key}={}", escape(value));
    }
    text
}

/// Returns the line of the `VERSION` of a block pool that names it.
pub(crate) fn pool_line(pool: &str) -> String {
    format!("blockpoolID={}", escape(pool))
}

/// Escapes a value as `Properties.store` does; names of clusters have no other special characters.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '\\' | ':' | '=' | '#' | '!') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn unescape(value: &str) -> String {
    value
        .replace("\\\\", "\0")
        .replace('\\', "")
        .replace('\0', "\\")
}
