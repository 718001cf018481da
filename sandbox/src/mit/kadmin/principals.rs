//! The queries on principals.

use kerbox_krb5::{EncryptionType, Timestamp};

use super::super::database::{Entry, Secret};
use super::super::date::{print_date, print_delta};
use super::super::glob::glob;
use super::options::{Options, secret};
use super::{Failure, Session, usage};
use crate::settings::Attribute;

impl Session<'_> {
    pub(super) fn add(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let options = Options::parse("add_principal", arguments, self.now)?;
        let principal = self.principal("add_principal", options.principal)?;
        match options.policy {
            None => eprintln!("No policy specified for {principal}; defaulting to no policy"),
            Some(_) => self.warn_of_policy(&options),
        }
        if self
            .database
            .principals
            .contains_key(&principal.to_string())
        {
            return Err(format!(
                "add_principal: Principal or policy already exists while creating \"{principal}\"."
            )
            .into());
        }
        let mut entry = Entry::new(self.now);
        for attribute in &self.configuration.attributes {
            entry.set_attribute(*attribute);
        }
        options.apply(&mut entry);
        if !options.no_key {
            let secret = secret("add_principal", &options)?;
            if let Secret::Password(password) = secret {
                self.check_password(&entry, &principal.default_salt(), password)
                    .map_err(|why| {
                        format!("add_principal: {why} while creating \"{principal}\".")
                    })?;
                entry.password_expires = options
                    .password_expires
                    .unwrap_or_else(|| self.password_expires(&entry));
            }
            let enctypes = options
                .enctypes
                .as_deref()
                .unwrap_or(&self.configuration.enctypes);
            let kvno = options.kvno.unwrap_or(1);
            entry
                .set_keys(
                    &principal,
                    secret,
                    enctypes,
                    kvno,
                    false,
                    self.now,
                    &mut self.rng,
                )
                .map_err(|error| {
                    format!("add_principal: {error} while creating \"{principal}\".")
                })?;
        }
        self.database
            .principals
            .insert(principal.to_string(), entry);
        println!("Principal \"{principal}\" created.");
        Ok(())
    }

    pub(super) fn modify(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let options = Options::parse("modify_principal", arguments, self.now)?;
        let principal = self.principal("modify_principal", options.principal)?;
        let now = self.now;
        self.warn_of_policy(&options);
        let entry = self.entry(
            &principal,
            "modify_principal: Principal does not exist while getting",
        )?;
        options.apply(entry);
        if let Some(kvno) = options.kvno {
            let newest = entry.kvno();
            entry
                .keys
                .iter_mut()
                .filter(|key| key.kvno == newest)
                .for_each(|key| key.kvno = kvno);
        }
        entry.modified = now.as_secs();
        println!("Principal \"{principal}\" modified.");
        Ok(())
    }

    pub(super) fn change_password(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let options = Options::parse("change_password", arguments, self.now)?;
        let principal = self.principal("change_password", options.principal)?;
        let secret = secret("change_password", &options)?;
        let doing = "change_password: Principal does not exist while changing password for";
        let mut entry = self.entry(&principal, doing)?.clone();
        if let Secret::Password(password) = secret {
            self.check_password(&entry, &principal.default_salt(), password)
                .map_err(|why| {
                    format!("change_password: {why} while changing password for \"{principal}\".")
                })?;
        }
        entry.set_attribute(Attribute::taken("needchange"));
        entry.password_expires = self.password_expires(&entry);
        let kvno = entry.kvno() + 1;
        let enctypes = options
            .enctypes
            .as_deref()
            .unwrap_or(&self.configuration.enctypes);
        entry
            .set_keys(
                &principal,
                secret,
                enctypes,
                kvno,
                options.keep_old,
                self.now,
                &mut self.rng,
            )
            .map_err(|error| {
                format!("change_password: {error} while changing password for \"{principal}\".")
            })?;
        self.database
            .principals
            .insert(principal.to_string(), entry);
        match secret {
            Secret::Password(_) => println!("Password for \"{principal}\" changed."),
            Secret::Random => println!("Key for \"{principal}\" randomized."),
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let name = arguments
            .iter()
            .copied()
            .find(|argument| *argument != "-force");
        let principal = self.principal("delete_principal", name)?;
        if !arguments.contains(&"-force") {
            print!("Are you sure you want to delete the principal \"{principal}\"? (yes/no): ");
            if !super::yes() {
                return Err(format!("Principal \"{principal}\" not deleted").into());
            }
        }
        if self
            .database
            .principals
            .remove(&principal.to_string())
            .is_none()
        {
            return Err(format!("delete_principal: Principal does not exist while deleting principal \"{principal}\"").into());
        }
        println!(
            "Principal \"{principal}\" deleted.\nMake sure that you have removed this principal from all ACLs before reusing."
        );
        Ok(())
    }

    pub(super) fn rename(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let mut names = arguments
            .iter()
            .copied()
            .filter(|argument| *argument != "-force");
        let old = self.principal("rename_principal", names.next())?;
        let new = self.principal("rename_principal", names.next())?;
        let refused = |why: &str| {
            Failure::from(format!(
                "rename_principal: {why} while renaming principal \"{old}\" to \"{new}\""
            ))
        };
        if self.database.principals.contains_key(&new.to_string()) {
            return Err(refused("Principal or policy already exists"));
        }
        let Some(mut entry) = self.database.principals.remove(&old.to_string()) else {
            return Err(refused("Principal does not exist"));
        };
        // The keys stay those of the old name's salt.
        for key in &mut entry.keys {
            key.salt.get_or_insert_with(|| old.default_salt());
        }
        self.database.principals.insert(new.to_string(), entry);
        println!(
            "Principal \"{old}\" renamed to \"{new}\".\nMake sure that you have removed the old principal from all ACLs before reusing."
        );
        Ok(())
    }

    pub(super) fn get(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let principal = self.principal(
            "get_principal",
            arguments
                .iter()
                .copied()
                .find(|argument| *argument != "-terse"),
        )?;
        let (max_life, max_renewable) = (
            self.configuration.max_life,
            self.configuration.max_renewable_life,
        );
        let admin = format!("root/admin@{}", self.configuration.realm);
        let entry = self
            .entry(
                &principal,
                "get_principal: Principal does not exist while retrieving",
            )?
            .clone();
        let policy = match &entry.policy {
            None => "[none]".to_owned(),
            Some(name) if self.database.policies.contains_key(name) => name.clone(),
            Some(name) => format!("{name} [does not exist]"),
        };
        let date = |seconds: Option<i64>| print_date(seconds.map(Timestamp::from_secs));
        println!("Principal: {principal}");
        println!("Expiration date: {}", date(entry.expires));
        println!(
            "Last password change: {}",
            date(Some(entry.password_changed))
        );
        println!("Password expiration date: {}", date(entry.password_expires));
        println!(
            "Maximum ticket life: {}",
            print_delta(entry.max_life().unwrap_or(max_life))
        );
        println!(
            "Maximum renewable life: {}",
            print_delta(entry.max_renewable_life().unwrap_or(max_renewable))
        );
        println!("Last modified: {} ({admin})", date(Some(entry.modified)));
        println!(
            "Last successful authentication: [never]\nLast failed authentication: [never]\nFailed password attempts: 0"
        );
        println!("Number of keys: {}", entry.keys.len());
        for key in &entry.keys {
            let salt = if key.salt.is_some() { ":special" } else { "" };
            println!(
                "Key: vno {}, {}{salt}",
                key.kvno,
                EncryptionType(key.enctype)
            );
        }
        let attributes: Vec<&str> = entry.attributes().map(Attribute::database_name).collect();
        println!(
            "MKey: vno 1\nAttributes: {}\nPolicy: {policy}",
            attributes.join(" ")
        );
        Ok(())
    }

    pub(super) fn list(&self, arguments: &[&str]) -> Result<(), Failure> {
        for name in self.database.principals.keys() {
            let matches = |pattern: &&str| {
                glob(pattern, name)
                    || name
                        .split('@')
                        .next()
                        .is_some_and(|short| glob(pattern, short))
            };
            if arguments.first().is_none_or(matches) {
                println!("{name}");
            }
        }
        Ok(())
    }

    pub(super) fn purge(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let principal = self.principal("purgekeys", arguments.last().copied())?;
        let entry = self.entry(
            &principal,
            "purgekeys: Principal does not exist while purging keys for principal",
        )?;
        let keep = match arguments {
            ["-keepkvno", kvno, _] => kvno.parse().map_err(|_| usage("purgekeys"))?,
            _ => entry.kvno(),
        };
        entry.keys.retain(|key| key.kvno >= keep);
        println!("Old keys for principal \"{principal}\" purged.");
        Ok(())
    }

    pub(super) fn set_string(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let [name, key, value] = arguments else {
            return Err(usage("set_string").into());
        };
        let principal = self.principal("set_string", Some(name))?;
        let entry = self.entry(
            &principal,
            "set_string: Principal does not exist while setting attribute on principal",
        )?;
        entry.strings.insert((*key).to_owned(), (*value).to_owned());
        println!("Attribute set for principal \"{principal}\".");
        Ok(())
    }

    pub(super) fn delete_string(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let [name, key] = arguments else {
            return Err(usage("del_string").into());
        };
        let principal = self.principal("del_string", Some(name))?;
        let entry = self.entry(
            &principal,
            "del_string: Principal does not exist while deleting attribute from principal",
        )?;
        entry.strings.remove(*key);
        println!("Attribute removed from principal \"{principal}\".");
        Ok(())
    }

    pub(super) fn strings(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let principal = self.principal("get_strings", arguments.first().copied())?;
        let entry = self.entry(
            &principal,
            "get_strings: Principal does not exist while getting attributes for principal",
        )?;
        if entry.strings.is_empty() {
            println!("(No string attributes.)");
        }
        for (key, value) in &entry.strings {
            println!("{key}: {value}");
        }
        Ok(())
    }
}
