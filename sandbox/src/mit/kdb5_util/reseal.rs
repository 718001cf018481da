//! `update_princ_encryption` and `ark`.

use kerbox_krb5::Principal;

use super::{Task, USAGE, options};
use crate::mit::database::{NewKeys, Secret};
use crate::mit::glob::glob;
use crate::mit::keysalt;
use crate::mit::password::yes;

/// The options of `update_princ_encryption`.
struct Reseal {
    pattern: String,
    dry_run: bool,
}

impl Reseal {
    fn announce(&self, active: u32) {
        match self.dry_run {
            true => {
                println!("Principals whose keys WOULD BE re-encrypted to master key vno {active}:");
            }
            false => println!(
                "Principals whose keys are being re-encrypted to master key vno {active} \
                 if necessary:"
            ),
        }
    }

    fn doing(&self, is_current: bool) -> &'static str {
        match (is_current, self.dry_run) {
            (true, true) => "would skip:   ",
            (true, false) => "skipping: ",
            (false, true) => "would update: ",
            (false, false) => "updating: ",
        }
    }

    fn sum_up(&self, updated: usize, current: usize) {
        let would = if self.dry_run {
            "would be updated"
        } else {
            "updated"
        };
        println!(
            "{} principals processed: {updated} {would}, {current} already current",
            updated + current
        );
    }
}

impl Task {
    pub(super) fn update_princ_encryption(&mut self, words: &[&str]) -> Result<(), String> {
        let (found, rest) = options("update_princ_encryption", words, "fnv", "")?;
        let pattern = match *rest {
            [] => "*".to_owned(),
            [pattern] if pattern.contains('@') => pattern.to_owned(),
            [pattern] => format!("{pattern}@*"),
            _ => return Err(USAGE.to_owned()),
        };
        let has = |wanted| found.iter().any(|(letter, _)| *letter == wanted);
        let (dry_run, verbose) = (has('n'), has('v'));
        self.change(|task, database| {
            let master = task.master(database)?;
            let (active, with) = master.active();
            let question = format!("Re-encrypt all keys not using master key vno {active}?\n");
            if !has('f') && !dry_run && !yes(question.trim_end()) {
                return Err("OK, doing nothing.".to_owned());
            }
            let reseal = Reseal { pattern, dry_run };
            if verbose {
                reseal.announce(active);
            }
            let (mut updated, mut current) = (0, 0);
            let own = master.principal().to_string();
            for (name, entry) in &mut database.principals {
                if *name == own || !glob(&reseal.pattern, name) {
                    continue;
                }
                let is_current = master.version_of(entry) == active;
                if verbose {
                    println!("{}{name}", reseal.doing(is_current));
                }
                match is_current {
                    true => current += 1,
                    false => updated += 1,
                }
                if is_current || dry_run {
                    continue;
                }
                let before = entry.keys.len();
                entry.reseal(&master, active, with, &mut task.rng);
                if entry.keys.len() != before || entry.mkvno != Some(active) {
                    return Err(format!("error re-encrypting key for principal '{name}'"));
                }
                entry.modified = task.now.as_secs();
                entry.modified_by = Some(own.clone());
            }
            reseal.sum_up(updated, current);
            Ok(((), updated > 0 && !dry_run))
        })
    }

    /// Adds random keys of the next version in front of a principal's.
    pub(super) fn random_key(&mut self, words: &[&str]) -> Result<(), String> {
        let (found, rest) = options("ark", words, "", "e")?;
        let [name] = *rest else {
            return Err(USAGE.to_owned());
        };
        let mut keysalts = self.configuration.keysalts.clone();
        for (_, list) in found {
            keysalts = keysalt::parse(list).map_err(|why| format!("-e {list}: {why}"))?;
        }
        let principal = Principal::parse(name, &self.configuration.realm)
            .map_err(|error| format!("{error} while parsing principal name"))?;
        self.change(|task, database| {
            let master = task.master(database)?;
            let entry = database.principals.get_mut(&principal.to_string());
            let missing = || "Principal does not exist while getting principal entry".to_owned();
            let entry = entry.ok_or_else(missing)?;
            let new = NewKeys {
                secret: Secret::Random,
                keysalts: &keysalts,
                kvno: entry.next_kvno(),
                keep_old: true,
            };
            entry
                .set_keys(&principal, &new, &master, task.now, &mut task.rng)
                .map_err(|error| format!("{error} while randomizing principal {name}"))?;
            println!("{name} changed");
            Ok(((), true))
        })
    }
}
