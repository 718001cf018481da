//! The queries for keytabs.

use kerbox_krb5::Principal;
use kerbox_krb5::keytab::{Keytab, KeytabEntry};

use super::options::parse_keysalts;
use super::{Failure, NAME, Session};
use crate::mit::database::{NewKeys, Secret};
use crate::mit::keysalt::KeySalt;

const ADD_USAGE: &str = "Usage: ktadd [-k[eytab] keytab] [-q] [-e keysaltlist] [-norandkey] \
                         [principal | -glob princ-exp] [...]";
const REMOVE_USAGE: &str = "Usage: ktremove [-k[eytab] keytab] [-q] principal \
                            [kvno|\"all\"|\"old\"]";

/// The options of ktadd.
#[derive(Default)]
struct Wanted {
    file: Option<String>,
    quiet: bool,
    keep_keys: bool,
    keysalts: Option<Vec<KeySalt>>,
    names: Vec<String>,
}

impl Session<'_> {
    pub(super) fn keytab_add(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let wanted = self.wanted(arguments)?;
        let by_default = self.configuration.default_keytab.as_deref();
        let file = keytab_file(wanted.file.as_deref(), by_default)?;
        let mut keytab = if std::fs::metadata(&file).is_ok_and(|file| file.len() > 0) {
            read_keytab(&file)?
        } else {
            Keytab::default()
        };
        for name in &wanted.names {
            let principal = self.principal("ktadd", Some(name))?;
            self.add_to(&mut keytab, &file, name, &principal, &wanted)?;
        }
        keytab
            .write(file.as_ref())
            .map_err(|error| format!("{NAME}: {error} while adding key to keytab").into())
    }

    fn wanted(&self, arguments: &[&str]) -> Result<Wanted, String> {
        let mut wanted = Wanted::default();
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| ADD_USAGE.to_owned());
            match argument {
                "-glob" => {
                    let pattern = value()?;
                    let names = self.matching(pattern);
                    wanted.names.extend(names.into_iter().map(str::to_owned));
                }
                "-e" => wanted.keysalts = Some(parse_keysalts("ktadd", value()?)?),
                "-norandkey" => wanted.keep_keys = true,
                "-q" => wanted.quiet = true,
                option if option.starts_with("-k") => wanted.file = Some(value()?.to_owned()),
                option if option.starts_with('-') => {
                    return Err(format!(
                        "{NAME}: {option} is no option of ktadd\n{ADD_USAGE}"
                    ));
                }
                name => wanted.names.push(name.to_owned()),
            }
        }
        if wanted.keep_keys && wanted.keysalts.is_some() {
            return Err("cannot specify keysaltlist when not changing key".to_owned());
        }
        match wanted.names.is_empty() && !arguments.contains(&"-glob") {
            true => Err(ADD_USAGE.to_owned()),
            false => Ok(wanted),
        }
    }

    fn add_to(
        &mut self,
        keytab: &mut Keytab,
        file: &str,
        name: &str,
        principal: &Principal,
        wanted: &Wanted,
    ) -> Result<(), String> {
        let Some(entry) = self.database.principals.get(&principal.to_string()) else {
            return Err(format!("{NAME}: Principal {name} does not exist."));
        };
        let mut entry = entry.clone();
        if !wanted.keep_keys {
            let failed =
                |why: &dyn std::fmt::Display| format!("{NAME}: {why} while changing {name}'s key");
            let keysalts = self.keysalts(&entry, wanted.keysalts.as_deref());
            let keysalts = keysalts.map_err(|why| failed(&why))?;
            let kvno = entry.next_kvno();
            let new = NewKeys {
                secret: Secret::Random,
                keysalts: &keysalts,
                kvno,
                keep_old: false,
            };
            self.give_keys(principal, &mut entry, &new)
                .map_err(|error| failed(&error))?;
        }
        for stored in &entry.keys {
            let key = self.master.of(&entry).and_then(|with| stored.open(with));
            let Some(key) = key else {
                eprintln!(
                    "{NAME}: the key of {name} with kvno {} and type {} cannot be decrypted",
                    stored.kvno, stored.enctype
                );
                continue;
            };
            let enctype = key.enctype();
            let new = KeytabEntry::new(principal.clone(), stored.kvno, key, self.now);
            keytab.push(new);
            if !wanted.quiet {
                println!(
                    "Entry for principal {name} with kvno {}, encryption type {enctype} added to keytab WRFILE:{file}.",
                    stored.kvno
                );
            }
        }
        self.database
            .principals
            .insert(principal.to_string(), entry);
        Ok(())
    }

    pub(super) fn keytab_remove(&self, arguments: &[&str]) -> Result<(), Failure> {
        let (mut file, mut quiet, mut names) = (None, false, Vec::new());
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            match argument {
                "-q" => quiet = true,
                option if option.starts_with("-k") => {
                    file = Some(rest.next().ok_or_else(|| REMOVE_USAGE.to_owned())?);
                }
                option if option.starts_with('-') => {
                    let why = format!("{NAME}: {option} is no option of ktremove\n{REMOVE_USAGE}");
                    return Err(why.into());
                }
                word => names.push(word),
            }
        }
        let (name, which) = match *names.as_slice() {
            [name] => (name, None),
            [name, which] => (name, Some(which)),
            _ => return Err(REMOVE_USAGE.to_owned().into()),
        };
        let file = keytab_file(file, self.configuration.default_keytab.as_deref())?;
        let principal = self.principal("ktremove", Some(name))?;
        let mut keytab = read_keytab(&file)?;
        let place = format!("keytab WRFILE:{file}");
        let removed = to_remove(&keytab, &principal, name, which, &place)
            .map_err(|why| format!("{NAME}: {why}"))?;
        for kvno in &removed {
            keytab.remove(&principal, Some(*kvno));
        }
        keytab
            .write(file.as_ref())
            .map_err(|error| format!("{NAME}: {error} while writing keytab"))?;
        for kvno in removed.iter().filter(|_| !quiet) {
            println!(
                "Entry for principal {name} with kvno {kvno} removed from keytab WRFILE:{file}."
            );
        }
        Ok(())
    }
}

/// Returns the versions of the entries to remove: the highest, a given one, all, or all but the
/// highest.
fn to_remove(
    keytab: &Keytab,
    principal: &Principal,
    name: &str,
    which: Option<&str>,
    place: &str,
) -> Result<Vec<u32>, String> {
    let of_principal = keytab
        .entries()
        .filter(|entry| entry.principal() == principal);
    let entries: Vec<&KeytabEntry> = of_principal.collect();
    let none = || format!("No entry for principal {name} exists in {place}");
    let newest = entries.iter().copied();
    let newest = newest.reduce(|best, entry| if is_newer(entry, best) { entry } else { best });
    let highest = newest.ok_or_else(none)?.kvno();
    let kvnos: Vec<u32> = entries.iter().map(|entry| entry.kvno()).collect();
    let chosen = |fits: &dyn Fn(u32) -> bool| -> Vec<u32> {
        kvnos.iter().copied().filter(|kvno| fits(*kvno)).collect()
    };
    let (chosen, missing) = match which {
        None => (chosen(&|kvno| kvno == highest), none()),
        Some("all") => (kvnos, none()),
        Some("old") => {
            let only = format!("There is only one entry for principal {name} in {place}");
            (chosen(&|kvno| kvno != highest), only)
        }
        Some(number) => {
            let wanted: u32 = number
                .parse()
                .map_err(|_| format!("{number:?} is no version, \"all\" or \"old\""))?;
            let missing =
                format!("No entry for principal {name} with kvno {wanted} exists in {place}");
            (chosen(&|kvno| kvno == wanted), missing)
        }
    };
    match chosen.is_empty() {
        true => Err(missing),
        false => Ok(chosen),
    }
}

/// Returns true if `entry` is newer than `other`, as MIT's library decides: a low version that is
/// as young as a high one follows it, because versions start again.
fn is_newer(entry: &KeytabEntry, other: &KeytabEntry) -> bool {
    const LOW: u32 = 128;
    const HIGH: u32 = 240;
    let follows = |a: &KeytabEntry, b: &KeytabEntry| {
        a.timestamp() >= b.timestamp() && a.kvno() < LOW && b.kvno() > HIGH
    };
    follows(entry, other) || !follows(other, entry) && entry.kvno() > other.kvno()
}

/// Returns the file of `-k`, `KRB5_KTNAME` or `default_keytab_name`. There is no default, because
/// MIT's would be the machine's own keytab.
fn keytab_file(option: Option<&str>, by_default: Option<&str>) -> Result<String, String> {
    let variable = std::env::var("KRB5_KTNAME").ok();
    let name = option
        .or(variable.as_deref())
        .or(by_default)
        .ok_or_else(|| {
            format!(
                "{NAME}: no keytab is named: give -k, or set KRB5_KTNAME or default_keytab_name \
             (without them MIT's would take this machine's /etc/krb5.keytab)"
            )
        })?;
    let plain = name
        .strip_prefix("WRFILE:")
        .or_else(|| name.strip_prefix("FILE:"))
        .unwrap_or(name);
    let kind = plain.split_once(':').map_or("", |(kind, _)| kind);
    let is_kind = |kind: &str| kind.len() > 1 && kind.bytes().all(|c| c.is_ascii_uppercase());
    match is_kind(kind) || plain.contains("%{") {
        true => Err(format!(
            "{NAME}: keytab {name}: only files by their names can be written"
        )),
        false => Ok(plain.to_owned()),
    }
}

fn read_keytab(file: &str) -> Result<Keytab, String> {
    Keytab::read(file.as_ref())
        .map_err(|error| format!("{NAME}: {error} while opening keytab WRFILE:{file}"))
}
