//! The assignment of principals to files in `keytabs/`, so that no principal's keys overwrite
//! another's.

use std::collections::BTreeMap;

use kerbox_krb5::Principal;

use crate::Error;
use crate::spec::file_names::{KeytabName, escaped_file_name, shortened};

/// The files by lower-case name, because some file systems ignore case.
#[derive(Debug, Default)]
pub(crate) struct KeytabFiles(BTreeMap<String, KeytabFile>);

#[derive(Debug)]
struct KeytabFile {
    name: String,
    principals: Vec<Principal>,
}

impl KeytabFiles {
    /// Assigns a file to `principal` and returns the file's name. Principals may share a name that
    /// was requested explicitly. A default name belongs to one principal: if another has it, the
    /// file is named after the principal's full name.
    pub(crate) fn give(
        &mut self,
        name: &KeytabName,
        principal: &Principal,
    ) -> Result<String, Error> {
        match name {
            KeytabName::Asked(name) => {
                check(name)?;
                let file = self.entry(name);
                if file.name != *name {
                    return Err(taken(
                        name,
                        &format!("{} has almost the same name", file.name),
                    ));
                }
                if !file.principals.contains(principal) {
                    file.principals.push(principal.clone());
                }
                Ok(file.name.clone())
            }
            KeytabName::Usual(usual) => {
                let full = format!("{}.keytab", escaped_file_name(&principal.to_string()));
                for name in [usual, &shortened(&full, ".keytab")] {
                    let file = self.entry(name);
                    if file.principals.is_empty() || file.principals == [principal.clone()] {
                        file.principals = vec![principal.clone()];
                        return Ok(file.name.clone());
                    }
                }
                Err(taken(
                    usual,
                    "it and the full name are other principals' files",
                ))
            }
        }
    }

    /// Returns the file that holds only this principal's keys.
    pub(crate) fn of(&self, principal: &Principal) -> Option<String> {
        let mut files = self.0.values();
        files
            .find(|file| file.principals == [principal.clone()])
            .map(|file| file.name.clone())
    }

    /// Returns the principals whose keys a file holds.
    pub(crate) fn principals(&self, name: &str) -> Vec<Principal> {
        let file = self.0.get(&name.to_lowercase());
        file.map(|file| file.principals.clone()).unwrap_or_default()
    }

    /// Iterates over the files with the principals whose keys they hold.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[Principal])> {
        self.0.values().map(|file| (&*file.name, &*file.principals))
    }

    fn entry(&mut self, name: &str) -> &mut KeytabFile {
        self.0
            .entry(name.to_lowercase())
            .or_insert_with(|| KeytabFile {
                name: name.to_owned(),
                principals: Vec::new(),
            })
    }
}

/// Fails if a name is not a valid file name within the folder.
fn check(name: &str) -> Result<(), Error> {
    let fits = !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && !name.contains(|c: char| c == '/' || c == '\\' || c.is_control());
    if fits {
        return Ok(());
    }
    Err(Error::Setting {
        key: "keytab".to_owned(),
        value: name.to_owned(),
        why: "it is a file in keytabs/: name it without a folder, in at most 200 bytes, as in \
              kafka.keytab"
            .to_owned(),
    })
}

fn taken(name: &str, why: &str) -> Error {
    Error::Setting {
        key: "keytab".to_owned(),
        value: name.to_owned(),
        why: format!("{why}: give the principal a keytab's name of its own"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_fold_to_one_get_files_of_their_own() {
        let mut files = KeytabFiles::default();
        let mut give = |name: &str| {
            let principal = Principal::parse(name, "R").expect("a name");
            let usual = KeytabName::usual(&principal);
            files.give(&usual, &principal).expect("a name is free")
        };
        assert_eq!(give("a b"), "a_b.keytab");
        assert_eq!(give("a:b"), "a%3Ab@R.keytab");
        assert_eq!(give("a b"), "a_b.keytab");
        assert_eq!(give("alice"), "alice.keytab");
        assert_eq!(give("Alice"), "Alice@R.keytab");
        assert_eq!(give("alice@OTHER"), "alice@OTHER.keytab");
        assert_eq!(give("kafka/b"), "kafka.b.keytab");
        assert_eq!(give("kafka.b"), "kafka.b@R.keytab");
        let long = "x".repeat(300);
        assert!(give(&long).len() <= 210);
        assert_ne!(give(&long), give(&format!("{long}y")));
    }

    #[test]
    fn a_file_that_is_asked_for_can_be_shared_and_stays_in_its_folder() {
        let mut files = KeytabFiles::default();
        let [one, two] = ["one", "two"].map(|name| Principal::new("R", [name]));
        let asked = |name: &str| KeytabName::Asked(name.to_owned());
        for principal in [&one, &two] {
            files
                .give(&asked("both of.keytab"), principal)
                .expect("free");
        }
        assert_eq!(files.principals("both of.keytab").len(), 2);
        for name in ["Both of.keytab", "", "../x", "a/b", ".kerbox", "a\nb"] {
            assert!(files.give(&asked(name), &one).is_err(), "{name:?}");
        }
    }
}
