//! `create`, `destroy` and `stash`.

use kerbox_krb5::EncryptionType;

use super::{Task, no_more, options};
use crate::mit::database::{Database, remove};
use crate::mit::master::{MasterKeys, key_of, write_stash};
use crate::mit::password::{ask, yes};
use crate::mit::place::named_stash;

/// The type of a master key if none is named.
const DEFAULT_TYPE: EncryptionType = EncryptionType::AES256_CTS_HMAC_SHA1_96;

impl Task {
    pub(super) fn create(&mut self, words: &[&str]) -> Result<(), String> {
        // Weak randomness (-W) is never used.
        let (found, rest) = options("create", words, "sW", "")?;
        no_more("create", &rest)?;
        let path = self.configuration.database.clone();
        let failed = |why: &dyn std::fmt::Display| {
            format!("{why} while creating database '{}'", path.display())
        };
        let principal = self.configuration.master()?;
        println!(
            "Initializing database '{}' for realm '{}',\nmaster key name '{principal}'",
            path.display(),
            self.configuration.realm
        );
        if path.symlink_metadata().is_ok() {
            return Err(failed(&"File exists"));
        }
        let password = match self.password.take() {
            Some(password) => password,
            None => {
                println!(
                    "You will be prompted for the database Master Password.\n\
                     It is important that you NOT FORGET this password."
                );
                ask(true)?
            }
        };
        let enctype = self.master_enctype();
        let key = key_of(&principal, enctype, &password)?;
        let master = MasterKeys::first(principal, self.kvno.unwrap_or(1), key);
        let database = Database::create(&self.configuration, &master, self.now, &mut self.rng)
            .map_err(|error| failed(&error))?;
        if found.iter().any(|(letter, _)| *letter == 's') {
            self.write_stash(&master)?;
        }
        database.write_new(&path).map_err(|error| failed(&error))
    }

    /// Returns the type of a new master key.
    pub(super) fn master_enctype(&self) -> EncryptionType {
        self.configuration.master_enctype.unwrap_or(DEFAULT_TYPE)
    }

    /// Writes all master keys into the stash file.
    pub(super) fn write_stash(&self, master: &MasterKeys) -> Result<(), String> {
        let path = &self.configuration.stash;
        write_stash(path, master.principal(), master.keys(), self.now)
            .map_err(|why| format!("{why} while storing key"))
    }

    pub(super) fn destroy(&mut self, words: &[&str]) -> Result<(), String> {
        let (found, rest) = options("destroy", words, "f", "")?;
        no_more("destroy", &rest)?;
        let path = &self.configuration.database;
        let failed = |why: &dyn std::fmt::Display| {
            format!("{why} while deleting database '{}'", path.display())
        };
        // A file that is not ours is never deleted.
        Database::read(path).map_err(|error| failed(&error))?;
        if found.is_empty() {
            let question = format!(
                "Deleting KDC database stored in '{}', are you sure?",
                path.display()
            );
            if !yes(&question) {
                return Err(format!("the database '{}' is not deleted", path.display()));
            }
            println!("OK, deleting database '{}'...", path.display());
        }
        remove(path).map_err(|error| failed(&error))?;
        println!("** Database '{}' destroyed.", path.display());
        Ok(())
    }

    pub(super) fn stash(&mut self, words: &[&str]) -> Result<(), String> {
        let (found, rest) = options("stash", words, "", "f")?;
        no_more("stash", &rest)?;
        let database = self.read()?;
        // Without a readable stash file, the password is asked for, as MIT's program does.
        let master = match self.master(&database) {
            Err(why) if self.password.is_none() && !self.by_hand => {
                eprintln!("kdb5_util: {why}");
                self.by_hand = true;
                self.master(&database)?
            }
            Err(why) => return Err(why),
            Ok(master) => {
                println!("Using existing stashed keys to update stash file.");
                master
            }
        };
        if let Some((_, path)) = found.last() {
            self.configuration.stash = named_stash(path, "-f")?;
        }
        self.write_stash(&master)
    }
}
