//! The tables of `kdb5_util tabdump`.

use kerbox_krb5::{EncryptionType, Timestamp};

use super::configuration::Configuration;
use super::database::Database;
use super::entry::{Entry, StoredKey};
use super::flags;
use super::hex::hex;

/// A kind of table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    KeyData,
    KeyInfo,
    Flags,
    Lockout,
    Meta,
    Strings,
    TicketPolicy,
}

/// The options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// `-H`: no line with the names of the fields.
    pub(super) no_header: bool,
    /// `-c`: commas and quotes instead of tabs.
    pub(super) csv: bool,
    /// `-e`: empty octets are an empty field, and not -1.
    pub(super) empty: bool,
    /// `-n`: numbers instead of names and dates.
    pub(super) numeric: bool,
}

impl Table {
    pub(super) const ALL: [(&'static str, Self); 7] = [
        ("keydata", Self::KeyData),
        ("keyinfo", Self::KeyInfo),
        ("princ_flags", Self::Flags),
        ("princ_lockout", Self::Lockout),
        ("princ_meta", Self::Meta),
        ("princ_stringattrs", Self::Strings),
        ("princ_tktpolicy", Self::TicketPolicy),
    ];

    /// Returns the table with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, table)| table)
    }

    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::KeyData => &[
                "name", "keyindex", "kvno", "enctype", "key", "salttype", "salt",
            ],
            Self::KeyInfo => &["name", "keyindex", "kvno", "enctype", "salttype", "salt"],
            Self::Flags => &["name", "flag", "value"],
            Self::Lockout => &["name", "last_success", "last_failed", "fail_count"],
            Self::Meta => &[
                "name",
                "modby",
                "modtime",
                "lastpwd",
                "policy",
                "mkvno",
                "hist_kvno",
            ],
            Self::Strings => &["name", "key", "value"],
            Self::TicketPolicy => &[
                "name",
                "expiration",
                "pw_expiration",
                "max_life",
                "max_renew_life",
            ],
        }
    }
}

/// Returns a table of all principals.
pub(super) fn tabdump(
    database: &Database,
    configuration: &Configuration,
    table: Table,
    style: Style,
) -> String {
    let mut text = String::new();
    if !style.no_header {
        let names: Vec<String> = table.fields().iter().map(|&name| name.into()).collect();
        put(&mut text, &names, style);
    }
    for (name, entry) in &database.principals {
        for row in rows(entry, configuration, table, style) {
            let row: Vec<String> = std::iter::once(name.clone()).chain(row).collect();
            put(&mut text, &row, style);
        }
    }
    text
}

/// Returns the rows of a principal, without its name.
fn rows(
    entry: &Entry,
    configuration: &Configuration,
    table: Table,
    style: Style,
) -> Vec<Vec<String>> {
    let date = |seconds: i64| match style.numeric {
        true => (seconds as i32).to_string(),
        false => iso(seconds),
    };
    match table {
        Table::KeyData | Table::KeyInfo => keys(entry, table, style),
        Table::Flags => flag_rows(entry, style),
        Table::Lockout => vec![vec![
            date(entry.loaded.last_success.into()),
            date(entry.loaded.last_failed.into()),
            entry.loaded.failures.to_string(),
        ]],
        Table::Meta => vec![vec![
            entry.modified_by.clone().unwrap_or_default(),
            date(entry.modified),
            date(entry.password_changed),
            entry.policy.clone().unwrap_or_default(),
            entry.mkvno.unwrap_or(1).to_string(),
            entry.history_kvno.unwrap_or(0).to_string(),
        ]],
        Table::Strings => {
            let strings = entry.strings.iter();
            let row = |(key, value): (&String, &String)| vec![key.clone(), value.clone()];
            strings.map(row).collect()
        }
        Table::TicketPolicy => {
            let max_life = entry.max_life().unwrap_or(configuration.max_life);
            let max_renewable = configuration.max_renewable_life;
            let max_renewable = entry.max_renewable_life().unwrap_or(max_renewable);
            vec![vec![
                date(entry.expires.unwrap_or(0)),
                date(entry.password_expires.unwrap_or(0)),
                max_life.as_secs().to_string(),
                max_renewable.as_secs().to_string(),
            ]]
        }
    }
}

fn keys(entry: &Entry, table: Table, style: Style) -> Vec<Vec<String>> {
    let octets = |text: &str| match text.is_empty() && !style.empty {
        true => "-1".to_owned(),
        false => text.to_owned(),
    };
    let row = |(index, key): (usize, &StoredKey)| {
        let enctype = EncryptionType(key.enctype);
        let mut row = vec![index.to_string(), key.kvno.to_string()];
        row.push(match enctype.name().filter(|_| !style.numeric) {
            Some(name) => name.to_owned(),
            None => key.enctype.to_string(),
        });
        if table == Table::KeyData {
            row.push(octets(&key.sealed));
        }
        let salt = key.salt_type.as_deref().unwrap_or("normal");
        row.push(match style.numeric {
            true => key.salt_number().to_string(),
            false => salt.to_owned(),
        });
        row.push(octets(&hex(key.salt_bytes())));
        row
    };
    entry.keys.iter().enumerate().map(row).collect()
}

fn flag_rows(entry: &Entry, style: Style) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for bit in flags::bits() {
        let set = entry.flags & bit != 0;
        let name = match style.numeric {
            true => format!("{bit:#010x}"),
            false => flags::name(bit),
        };
        // Bits without a name are of interest only if they are set.
        if style.numeric || set || !name.starts_with("0x") {
            rows.push(vec![name, u8::from(set).to_string()]);
        }
    }
    rows
}

fn iso(seconds: i64) -> String {
    let time = Timestamp::from_secs(seconds);
    let found = jiff::Timestamp::from_second(time.as_secs());
    found.map_or_else(
        |error| error.to_string(),
        |found| found.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// Writes one line, as MIT's program and the spreadsheets that read it quote it.
fn put(text: &mut String, fields: &[String], style: Style) {
    let separator = if style.csv { ',' } else { '\t' };
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push(separator);
        }
        if style.csv && field.contains([',', '"', '\n']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
    text.push('\n');
}
