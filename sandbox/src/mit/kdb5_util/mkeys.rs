//! `add_mkey`, `use_mkey`, `list_mkeys` and `purge_mkeys`.

use kerbox_krb5::Timestamp;

use super::{Task, USAGE, no_more, options};
use crate::mit::database::Database;
use crate::mit::date::{parse_date, print_date};
use crate::mit::entry::Entry;
use crate::mit::keysalt;
use crate::mit::master::{MasterKeys, key_of, write_stash};
use crate::mit::password::{ask, yes};
use crate::mit::tagged;

impl Task {
    pub(super) fn add_mkey(&mut self, words: &[&str]) -> Result<(), String> {
        let (found, rest) = options("add_mkey", words, "s", "e")?;
        no_more("add_mkey", &rest)?;
        let mut enctype = self.master_enctype();
        for (_, name) in found.iter().filter(|(letter, _)| *letter == 'e') {
            let named = keysalt::parse_enctype(name);
            enctype = named.map_err(|_| format!("{name} is an invalid enctype"))?;
        }
        let stash = found.iter().any(|(letter, _)| *letter == 's');
        self.change(|task, database| {
            let mut master = task.master(database)?;
            let principal = master.principal().clone();
            println!(
                "Creating new master key for master key principal '{principal}'\n\
                 You will be prompted for a new database Master Password.\n\
                 It is important that you NOT FORGET this password."
            );
            let key = key_of(&principal, enctype, &ask(true)?)?;
            let rng = &mut task.rng;
            let entry = entry_of(database, &master)?;
            let kvno = master.add(entry, key.clone(), rng);
            task.modified(entry, &master);
            if stash {
                // Only the new key, as MIT's program does.
                let path = &task.configuration.stash;
                write_stash(path, &principal, &[(kvno, key)], task.now)
                    .map_err(|why| format!("{why} while storing key"))?;
            }
            Ok(((), true))
        })
    }

    /// Records a change of `K/M`.
    fn modified(&self, entry: &mut Entry, master: &MasterKeys) {
        entry.modified = self.now.as_secs();
        entry.modified_by = Some(master.principal().to_string());
    }

    pub(super) fn use_mkey(&mut self, words: &[&str]) -> Result<(), String> {
        let (kvno, from) = match *words {
            [kvno] => (kvno, self.now.as_secs()),
            [kvno, text] => {
                let parsed = parse_date(text, self.now).flatten();
                let wrong = || format!("could not parse date-time string '{text}'");
                (kvno, parsed.map(Timestamp::as_secs).ok_or_else(wrong)?)
            }
            _ => return Err(USAGE.to_owned()),
        };
        let kvno = kvno.parse().unwrap_or(0);
        self.change(|task, database| {
            let master = task.master(database)?;
            if master.version(kvno).is_none() {
                return Err(format!("Invalid argument {kvno} is an invalid KVNO value"));
            }
            let mut activations = master.activations().to_vec();
            activations.retain(|(known, _)| *known != kvno);
            let at = activations.partition_point(|(_, other)| *other <= from);
            activations.insert(at, (kvno, from));
            if activations[0].1 > task.now.as_secs() {
                return Err(
                    "Invalid argument there must be one master key currently active".to_owned(),
                );
            }
            let entry = entry_of(database, &master)?;
            tagged::set_activations(entry, &activations);
            task.modified(entry, &master);
            Ok(((), true))
        })
    }

    pub(super) fn list_mkeys(&mut self, words: &[&str]) -> Result<(), String> {
        no_more("list_mkeys", words)?;
        let master = self.master(&self.read()?)?;
        let (active, _) = master.active();
        println!("Master keys for Principal: {}", master.principal());
        for (kvno, key) in master.keys() {
            let activations = master.activations().iter();
            let mut from = activations.filter(|(of, _)| of == kvno);
            let from = match from.next() {
                // The epoch is a date here, and not "never".
                Some((_, from)) => {
                    let date = print_date(Some(Timestamp::from_secs(*from)));
                    format!("Active on: {date}")
                }
                None => "No activate time set".to_owned(),
            };
            let mark = if *kvno == active { " *" } else { "" };
            println!("KVNO: {kvno}, Enctype: {}, {from}{mark}", key.enctype());
        }
        Ok(())
    }

    pub(super) fn purge_mkeys(&mut self, words: &[&str]) -> Result<(), String> {
        let (found, rest) = options("purge_mkeys", words, "fnv", "")?;
        no_more("purge_mkeys", &rest)?;
        let has = |wanted| found.iter().any(|(letter, _)| *letter == wanted);
        let (dry_run, verbose) = (has('n'), has('v'));
        let force = has('f') || dry_run;
        self.change(|task, database| {
            let master = task.master(database)?;
            let principal = master.principal().to_string();
            let question = format!(
                "Will purge all unused master keys stored in the '{principal}' principal, are \
                 you sure?"
            );
            if !force && !yes(&question) {
                return Err("nothing is purged".to_owned());
            }
            if master.keys().len() == 1 {
                if verbose {
                    println!("There is only one master key which can not be purged.");
                }
                return Ok(((), false));
            }
            let unused = unused(database, &master);
            match dry_run {
                true => println!("Would purge the following master key(s) from {principal}:"),
                false => println!("Purging the following master key(s) from {principal}:"),
            }
            if unused.contains(&master.given()) {
                return Err(
                    "The stored master key is not current: master key stash file needs \
                            updating, command aborting"
                        .to_owned(),
                );
            }
            for kvno in &unused {
                println!("KVNO: {kvno}");
            }
            if unused.is_empty() {
                println!("All keys in use, nothing purged.");
                return Ok(((), false));
            }
            if dry_run {
                println!("{} key(s) would be purged.", unused.len());
                return Ok(((), false));
            }
            let entry = entry_of(database, &master)?;
            purge(entry, &master, &unused);
            task.modified(entry, &master);
            println!("{} key(s) purged.", unused.len());
            Ok(((), true))
        })
    }
}

/// Returns the entry of `K/M`.
fn entry_of<'a>(database: &'a mut Database, master: &MasterKeys) -> Result<&'a mut Entry, String> {
    let name = master.principal().to_string();
    let entry = database.principals.get_mut(&name);
    entry.ok_or_else(|| "Cannot find master key record in database".to_owned())
}

/// Returns the versions that seal nothing.
fn unused(database: &Database, master: &MasterKeys) -> Vec<u32> {
    let entries = database.principals.values();
    let used: Vec<u32> = entries.map(|entry| master.version_of(entry)).collect();
    let versions = master.keys().iter().map(|(kvno, _)| *kvno);
    versions.filter(|kvno| !used.contains(kvno)).collect()
}

fn purge(entry: &mut Entry, master: &MasterKeys, unused: &[u32]) {
    entry.keys.retain(|key| !unused.contains(&key.kvno));
    let mut activations = master.activations().to_vec();
    activations.retain(|(kvno, _)| !unused.contains(kvno));
    tagged::set_activations(entry, &activations);
    let mut copies = tagged::newest_for_older(entry);
    copies.retain(|copy| !unused.contains(&copy.older));
    tagged::set_newest_for_older(entry, &copies);
}
