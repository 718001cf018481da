//! The queries on keytabs.

use kerbox_krb5::keytab::{Keytab, KeytabEntry};

use super::super::database::Secret;
use super::super::glob::glob;
use super::options::parse_enctypes;
use super::{Failure, NAME, Session};

impl Session<'_> {
    pub(super) fn keytab_add(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let (mut file, mut keep_keys, mut enctypes, mut names) = (None, false, None, Vec::new());
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            match argument {
                "-k" | "-keytab" => file = rest.next(),
                "-e" => enctypes = rest.next().and_then(parse_enctypes),
                "-norandkey" => keep_keys = true,
                "-q" => {}
                "-glob" => {
                    let pattern = rest.next().unwrap_or_default();
                    names.extend(
                        self.database
                            .principals
                            .keys()
                            .filter(|name| glob(pattern, name))
                            .cloned(),
                    );
                }
                name => names.push(name.to_owned()),
            }
        }
        let file = keytab_file(file);
        let mut keytab = if std::fs::metadata(&file).is_ok_and(|file| file.len() > 0) {
            read_keytab(&file)?
        } else {
            Keytab::default()
        };
        for name in names {
            let principal = self.principal("ktadd", Some(&name))?;
            let Some(entry) = self.database.principals.get(&principal.to_string()) else {
                return Err(format!("{NAME}: Principal {name} does not exist.").into());
            };
            let mut entry = entry.clone();
            if !keep_keys {
                let enctypes = enctypes.as_deref().unwrap_or(&self.configuration.enctypes);
                let kvno = entry.kvno() + 1;
                entry
                    .set_keys(
                        &principal,
                        Secret::Random,
                        enctypes,
                        kvno,
                        false,
                        self.now,
                        &mut self.rng,
                    )
                    .map_err(|error| format!("{NAME}: {error} while changing {name}'s key"))?;
            }
            for stored in &entry.keys {
                let Some(key) = stored.key() else { continue };
                let enctype = key.enctype();
                keytab.push(KeytabEntry::new(
                    principal.clone(),
                    stored.kvno,
                    key,
                    self.now,
                ));
                println!(
                    "Entry for principal {name} with kvno {}, encryption type {enctype} added to keytab WRFILE:{file}.",
                    stored.kvno
                );
            }
            self.database
                .principals
                .insert(principal.to_string(), entry);
        }
        keytab
            .write(file.as_ref())
            .map_err(|error| format!("{NAME}: {error} while adding key to keytab").into())
    }

    pub(super) fn keytab_remove(&self, arguments: &[&str]) -> Result<(), Failure> {
        let (mut file, mut names) = (None, Vec::new());
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            match argument {
                "-k" | "-keytab" => file = rest.next(),
                "-q" => {}
                word => names.push(word),
            }
        }
        let file = keytab_file(file);
        let name = names.first().copied().unwrap_or_default();
        let principal = self.principal("ktremove", names.first().copied())?;
        let kvno = names.get(1).and_then(|kvno| kvno.parse().ok());
        let mut keytab = read_keytab(&file)?;
        let kvnos: Vec<u32> = keytab
            .entries()
            .filter(|entry| {
                *entry.principal() == principal && kvno.is_none_or(|kvno| entry.kvno() == kvno)
            })
            .map(KeytabEntry::kvno)
            .collect();
        if kvnos.is_empty() {
            return Err(format!(
                "{NAME}: No entry for principal {name} exists in keytab WRFILE:{file}"
            )
            .into());
        }
        keytab.remove(&principal, kvno);
        keytab
            .write(file.as_ref())
            .map_err(|error| format!("{NAME}: {error} while writing keytab"))?;
        for kvno in kvnos {
            println!(
                "Entry for principal {name} with kvno {kvno} removed from keytab WRFILE:{file}."
            );
        }
        Ok(())
    }
}

fn keytab_file(option: Option<&str>) -> String {
    let file = option.map_or_else(
        || std::env::var("KRB5_KTNAME").unwrap_or_else(|_| String::from("/etc/krb5.keytab")),
        str::to_owned,
    );
    let plain = file
        .strip_prefix("WRFILE:")
        .or_else(|| file.strip_prefix("FILE:"));
    plain.map_or_else(|| file.clone(), str::to_owned)
}

fn read_keytab(file: &str) -> Result<Keytab, String> {
    Keytab::read(file.as_ref())
        .map_err(|error| format!("{NAME}: {error} while opening keytab WRFILE:{file}"))
}
