//! The queries for string attributes, and `purgekeys`.

use super::{Failure, Session};
use crate::mit::strings::{Use, look};

impl Session<'_> {
    pub(super) fn purge(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let usage = "usage: purgekeys [-all|-keepkvno oldest_kvno_to_keep] principal";
        let usage = || Failure::from(usage.to_owned());
        let (name, keep) = match *arguments {
            ["-keepkvno", kvno, name] => (name, Some(kvno.parse().map_err(|_| usage())?)),
            ["-all", name] => (name, Some(u32::MAX)),
            [name] if !name.starts_with('-') => (name, None),
            _ => return Err(usage()),
        };
        let principal = self.principal("purgekeys", Some(name))?;
        let doing = "purgekeys: Principal does not exist while purging keys for principal";
        let entry = self.entry(&principal, doing)?;
        let from = keep.unwrap_or_else(|| entry.kvno());
        entry.keys.retain(|key| key.kvno >= from);
        self.info(&match keep {
            Some(u32::MAX) => format!("All keys for principal \"{principal}\" removed."),
            _ => format!("Old keys for principal \"{principal}\" purged."),
        });
        Ok(())
    }

    pub(super) fn set_string(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let [name, key, value] = *arguments else {
            return Err("usage: set_string principal key value".to_owned().into());
        };
        let principal = self.principal("set_string", Some(name))?;
        let doing = "set_string: Principal does not exist while setting attribute on principal";
        let entry = self.entry(&principal, doing)?;
        if let Use::Refused(why) = look(key, value) {
            return Err(format!(
                "set_string: {why} while setting attribute on principal \"{principal}\""
            )
            .into());
        }
        entry.strings.insert(key.to_owned(), value.to_owned());
        self.info(&format!("Attribute set for principal \"{principal}\"."));
        Ok(())
    }

    pub(super) fn delete_string(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let [name, key] = *arguments else {
            return Err("usage: del_string principal key".to_owned().into());
        };
        let principal = self.principal("del_string", Some(name))?;
        let doing = "del_string: Principal does not exist while deleting attribute from principal";
        let entry = self.entry(&principal, doing)?;
        entry.strings.remove(key);
        self.info(&format!(
            "Attribute removed from principal \"{principal}\"."
        ));
        Ok(())
    }

    pub(super) fn strings(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let [name] = *arguments else {
            return Err("usage: get_strings principal".to_owned().into());
        };
        let principal = self.principal("get_strings", Some(name))?;
        let doing = "get_strings: Principal does not exist while getting attributes for principal";
        let entry = self.entry(&principal, doing)?;
        if entry.strings.is_empty() {
            println!("(No string attributes.)");
        }
        for (key, value) in &entry.strings {
            println!("{key}: {value}");
        }
        Ok(())
    }
}
