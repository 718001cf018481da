//! `get_principal` and `list_principals`.

use kerbox_krb5::{EncryptionType, Timestamp};

use super::{Failure, Session};
use crate::mit::date::{print_date, print_delta};
use crate::mit::entry::{Entry, StoredKey};
use crate::mit::glob::glob;

impl Session<'_> {
    pub(super) fn get(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let (name, terse) = match *arguments {
            ["-terse", name] => (name, true),
            [name] => (name, false),
            _ => return Err("usage: get_principal [-terse] principal".to_owned().into()),
        };
        let principal = self.principal("get_principal", Some(name))?.to_string();
        let entry = self.database.principals.get(&principal).ok_or_else(|| {
            format!("get_principal: Principal does not exist while retrieving \"{principal}\".")
        })?;
        match terse {
            true => self.print_terse(&principal, entry),
            false => self.print(&principal, entry),
        }
        Ok(())
    }

    fn modified_by(&self, entry: &Entry) -> String {
        let unknown = || format!("root/admin@{}", self.configuration.realm);
        entry.modified_by.clone().unwrap_or_else(unknown)
    }

    fn print(&self, principal: &str, entry: &Entry) {
        let policy = match &entry.policy {
            None => "[none]".to_owned(),
            Some(name) if self.database.policies.contains_key(name) => name.clone(),
            Some(name) => format!("{name} [does not exist]"),
        };
        let date = |seconds: Option<i64>| print_date(seconds.map(Timestamp::from_secs));
        let max_life = entry.max_life().unwrap_or(self.configuration.max_life);
        let max_renewable = self.configuration.max_renewable_life;
        let max_renewable = entry.max_renewable_life().unwrap_or(max_renewable);
        let changed = Some(entry.password_changed).filter(|time| *time != 0);
        println!("Principal: {principal}");
        println!("Expiration date: {}", date(entry.expires));
        println!("Last password change: {}", date(changed));
        println!("Password expiration date: {}", date(entry.password_expires));
        println!("Maximum ticket life: {}", print_delta(max_life));
        println!("Maximum renewable life: {}", print_delta(max_renewable));
        println!(
            "Last modified: {} ({})",
            date(Some(entry.modified)),
            self.modified_by(entry)
        );
        println!(
            "Last successful authentication: [never]\nLast failed authentication: [never]\n\
             Failed password attempts: 0"
        );
        println!("Number of keys: {}", entry.keys.len());
        for key in &entry.keys {
            println!("{}", key_line(key));
        }
        let flags: Vec<String> = entry.flag_names().map(|name| format!(" {name}")).collect();
        println!(
            "MKey: vno {}\nAttributes:{}\nPolicy: {policy}",
            self.master.version_of(entry),
            flags.concat()
        );
    }

    /// Prints the fields in MIT's order, for scripts.
    fn print_terse(&self, principal: &str, entry: &Entry) {
        let max_life = entry.max_life().unwrap_or(self.configuration.max_life);
        let max_renewable = self.configuration.max_renewable_life;
        let max_renewable = entry.max_renewable_life().unwrap_or(max_renewable);
        let mut line = format!(
            "\"{principal}\"\t{}\t{}\t{}\t{}\t\"{}\"\t{}\t{}\t{}\t{}\t\"{}\"\t{}\t0\t0\t0\t{}",
            entry.expires.unwrap_or(0),
            entry.password_changed,
            entry.password_expires.unwrap_or(0),
            max_life.as_secs(),
            self.modified_by(entry),
            entry.modified,
            entry.flags,
            entry.kvno(),
            self.master.version_of(entry),
            entry.policy.as_deref().unwrap_or("[none]"),
            max_renewable.as_secs(),
            entry.keys.len(),
        );
        for key in &entry.keys {
            let number = key.salt_number();
            let version = if number == 0 { 1 } else { 2 };
            line.push_str(&format!(
                "\t{version}\t{}\t{}\t{number}",
                key.kvno, key.enctype
            ));
        }
        println!("{line}");
    }

    pub(super) fn list(&self, arguments: &[&str]) -> Result<(), Failure> {
        let pattern = match *arguments {
            [] => "*",
            [pattern] => pattern,
            _ => return Err("usage: get_principals [expression]".to_owned().into()),
        };
        for name in self.matching(pattern) {
            println!("{name}");
        }
        Ok(())
    }

    /// Returns the principals whose names match an expression. Without a realm it matches every
    /// realm.
    pub(super) fn matching<'a>(&'a self, pattern: &str) -> Vec<&'a str> {
        let pattern = match pattern.contains('@') {
            true => pattern.to_owned(),
            false => format!("{pattern}@*"),
        };
        let names = self.database.principals.keys().map(String::as_str);
        names.filter(|name| glob(&pattern, name)).collect()
    }
}

fn key_line(key: &StoredKey) -> String {
    let enctype = EncryptionType(key.enctype);
    let deprecated = match enctype {
        EncryptionType::DES3_CBC_SHA1_KD | EncryptionType::RC4_HMAC => "DEPRECATED:",
        _ => "",
    };
    let salt = match key.salt_type.as_deref() {
        None | Some("normal") => String::new(),
        Some(name) => format!(":{name}"),
    };
    format!("Key: vno {}, {deprecated}{enctype}{salt}", key.kvno)
}
