//! The queries that change principals.

use super::options::{Command, Options};
use super::{Failure, Session};
use crate::mit::database::{NewKeys, Secret};
use crate::mit::entry::Entry;
use crate::mit::flags::REQUIRES_PWCHANGE;

impl Session<'_> {
    pub(super) fn add(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let mut options = Options::parse(Command::Add, arguments, self.now)?;
        let principal = self.principal("add_principal", options.principal)?;
        self.default_policy(&principal.to_string(), &mut options);
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
        entry.modified_by = Some(self.administrator.clone());
        entry.expires = self.configuration.expiration.map(|time| time.as_secs());
        for change in &self.configuration.flags {
            entry.change_flags(*change);
        }
        options.apply(&mut entry);
        if !options.no_key {
            let creating = |why: &dyn std::fmt::Display| {
                format!("add_principal: {why} while creating \"{principal}\".")
            };
            let secret = options.secret(Command::Add)?;
            let keysalts = self.keysalts(&entry, options.keysalts.as_deref());
            let keysalts = keysalts.map_err(|why| creating(&why))?;
            if let Secret::Password(password) = secret {
                self.check_password(&entry, &principal, password)
                    .map_err(|why| creating(&why))?;
                entry.password_expires = options
                    .password_expires
                    .unwrap_or_else(|| self.password_expires(&entry));
            }
            let kvno = options.kvno.unwrap_or(1);
            let new = NewKeys {
                secret,
                keysalts: &keysalts,
                kvno,
                keep_old: false,
            };
            self.give_keys(&principal, &mut entry, &new)
                .map_err(|error| creating(&error))?;
        }
        self.database
            .principals
            .insert(principal.to_string(), entry);
        self.info(&format!("Principal \"{principal}\" created."));
        Ok(())
    }

    /// Assigns the policy `default`, if it exists, to a new principal without a given policy.
    fn default_policy(&self, principal: &str, options: &mut Options<'_>) {
        const DEFAULT: &str = "default";
        self.warn_of_policy(options);
        if options.policy.is_some() {
            return;
        }
        let assigned = match self.database.policies.contains_key(DEFAULT) {
            true => "assigning \"default\"",
            false => "defaulting to no policy",
        };
        if self.database.policies.contains_key(DEFAULT) {
            options.policy = Some(Some(DEFAULT));
        }
        if !self.script {
            eprintln!("No policy specified for {principal}; {assigned}");
        }
    }

    pub(super) fn modify(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let options = Options::parse(Command::Modify, arguments, self.now)?;
        let principal = self.principal("modify_principal", options.principal)?;
        let (now, administrator) = (self.now, self.administrator.clone());
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
        entry.modified_by = Some(administrator);
        self.info(&format!("Principal \"{principal}\" modified."));
        Ok(())
    }

    pub(super) fn change_password(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let options = Options::parse(Command::ChangePassword, arguments, self.now)?;
        let principal = self.principal("change_password", options.principal)?;
        let secret = options.secret(Command::ChangePassword)?;
        let doing = match secret {
            Secret::Password(_) => "changing password for",
            Secret::Random => "randomizing key for",
        };
        let failed = |why: &dyn std::fmt::Display| {
            format!("change_password: {why} while {doing} \"{principal}\".")
        };
        let missing = || failed(&"Principal does not exist");
        let entry = self.database.principals.get(&principal.to_string());
        let mut entry = entry.ok_or_else(missing)?.clone();
        let keysalts = self.keysalts(&entry, options.keysalts.as_deref());
        let keysalts = keysalts.map_err(|why| failed(&why))?;
        if let Secret::Password(password) = secret {
            self.check_password(&entry, &principal, password)
                .map_err(|why| failed(&why))?;
        }
        entry.flags &= !REQUIRES_PWCHANGE;
        entry.password_expires = self.password_expires(&entry);
        entry.modified = self.now.as_secs();
        entry.modified_by = Some(self.administrator.clone());
        let kvno = entry.next_kvno();
        let new = NewKeys {
            secret,
            keysalts: &keysalts,
            kvno,
            keep_old: options.keep_old,
        };
        self.give_keys(&principal, &mut entry, &new)
            .map_err(|error| failed(&error))?;
        self.database
            .principals
            .insert(principal.to_string(), entry);
        self.info(&match secret {
            Secret::Password(_) => format!("Password for \"{principal}\" changed."),
            Secret::Random => format!("Key for \"{principal}\" randomized."),
        });
        Ok(())
    }

    pub(super) fn delete(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let (name, force) = match *arguments {
            ["-force", name] => (name, true),
            [name] => (name, false),
            _ => {
                return Err("usage: delete_principal [-force] principal"
                    .to_owned()
                    .into());
            }
        };
        let principal = self.principal("delete_principal", Some(name))?;
        // Like MIT's, a script is not asked for confirmation.
        if !force && !self.script {
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
        self.info(&format!(
            "Principal \"{principal}\" deleted.\nMake sure that you have removed this principal from all ACLs before reusing."
        ));
        Ok(())
    }

    pub(super) fn rename(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let (old, new, force) = match *arguments {
            ["-force", old, new] => (old, new, true),
            [old, new] => (old, new, false),
            _ => {
                let usage = "usage: rename_principal [-force] old_principal new_principal";
                return Err(usage.to_owned().into());
            }
        };
        let old = self.principal("rename_principal", Some(old))?;
        let new = self.principal("rename_principal", Some(new))?;
        if !force && !self.script {
            print!(
                "Are you sure you want to rename the principal \"{old}\" to \"{new}\"? (yes/no): "
            );
            if !super::yes() {
                return Err(format!("Principal \"{old}\" not renamed").into());
            }
        }
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
        // The keys were derived with the old name's salt, so store it explicitly.
        for key in &mut entry.keys {
            if key.salt.is_none() {
                key.salt = Some(old.default_salt());
                key.salt_type = Some("special".to_owned());
            }
        }
        entry.modified_by = Some(self.administrator.clone());
        self.database.principals.insert(new.to_string(), entry);
        self.info(&format!(
            "Principal \"{old}\" renamed to \"{new}\".\nMake sure that you have removed the old principal from all ACLs before reusing."
        ));
        Ok(())
    }
}
