//! `kdb5_util`: creates, destroys, dumps and loads the database, and manages its master keys.

use std::process::ExitCode;

use kerbox_krb5::{Clock, EncryptionType, Timestamp};
use rand::rngs::StdRng;

use super::command_line::CommandLine;
use super::complain;
use super::configuration::{self, Configuration};
use super::database::Database;
use super::master::MasterKeys;
use super::relations::Program;
use super::{keysalt, password};
use crate::randomness;

mod dumping;
mod lifetime;
mod mkeys;

mod reseal;

const NAME: &str = "kdb5_util";
const USAGE: &str = "usage: kdb5_util [-r realm] [-d dbname] [-k mkeytype] [-kv mkeyVNO] \
                     [-M mkeyname] [-m] [-P password] [-sf stashfile] command\n\
                     commands: create [-s], destroy [-f], stash [-f keyfile],\n  \
                     dump [-b7|-r13|-r18] [-verbose] [-mkey_convert] [-new_mkey_file mkey_file] \
                     [-rev] [filename [princs...]],\n  \
                     load [-b7|-r13|-r18] [-verbose] [-update] filename,\n  \
                     ark [-e keysalts] principal, add_mkey [-e etype] [-s], \
                     use_mkey kvno [time], list_mkeys,\n  \
                     update_princ_encryption [-f] [-n] [-v] [princ-pattern], \
                     purge_mkeys [-f] [-n] [-v],\n  \
                     tabdump [-H] [-c] [-e] [-n] [-o outfile] dumptype";

/// The options that stand anywhere, and the command with its own words.
#[derive(Default)]
struct Arguments<'a> {
    realm: Option<&'a str>,
    database: Option<&'a str>,
    password: Option<&'a str>,
    by_hand: bool,
    enctype: Option<EncryptionType>,
    kvno: Option<u32>,
    master_name: Option<&'a str>,
    stash: Option<&'a str>,
    command: Vec<&'a str>,
}

impl<'a> Arguments<'a> {
    fn parse(arguments: &'a [String]) -> Result<Self, String> {
        let mut read = Self::default();
        let mut words = CommandLine::new(NAME, arguments);
        while let Some(word) = words.next() {
            match word {
                "-r" => read.realm = Some(words.value()?),
                "-d" => read.database = Some(words.value()?),
                "-x" => match words.value()?.strip_prefix("dbname=") {
                    Some(name) => read.database = Some(name),
                    None => words.no_effect("-x", "the database is one JSON file"),
                },
                "-P" => read.password = Some(words.value()?),
                "-m" => read.by_hand = true,
                "-k" => {
                    let enctype = keysalt::parse_enctype(words.value()?);
                    read.enctype = Some(enctype.map_err(|why| format!("-k: {why}"))?);
                }
                "-kv" => match words.number()? {
                    0 => return Err("-kv 0: 0 is an invalid mkeyVNO".to_owned()),
                    kvno => read.kvno = Some(kvno),
                },
                "-M" => read.master_name = Some(words.value()?),
                "-sf" => read.stash = Some(words.value()?),
                other => read.command.push(other),
            }
        }
        Ok(read)
    }
}

/// Runs the program with its arguments.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    run(arguments).map_or_else(|why| complain(NAME, why), |()| ExitCode::SUCCESS)
}

fn run(arguments: &[String]) -> Result<(), String> {
    let read = Arguments::parse(arguments)?;
    let (command, words) = read.command.split_first().ok_or(USAGE)?;
    let asked = (read.realm, read.database);
    let (mut configuration, _) = configuration::read_one(Program::Kdb5Util, NAME, asked)?;
    if let Some(name) = read.master_name {
        name.clone_into(&mut configuration.master_name);
    }
    if let Some(path) = read.stash {
        configuration.stash = super::place::named_stash(path, "-sf")?;
    }
    configuration.master_enctype = read.enctype.or(configuration.master_enctype);
    let mut task = Task {
        configuration,
        password: read.password.map(str::to_owned),
        by_hand: read.by_hand,
        kvno: read.kvno,
        now: Clock::system().now(),
        rng: randomness::generator(None),
    };
    match *command {
        "create" => task.create(words),
        "destroy" => task.destroy(words),
        "stash" => task.stash(words),
        "dump" => task.dump(words),
        "load" => task.load(words),
        "ark" => task.random_key(words),
        "tabdump" => task.tabdump(words),
        "add_mkey" => task.add_mkey(words),
        "use_mkey" => task.use_mkey(words),
        "list_mkeys" => task.list_mkeys(words),
        "update_princ_encryption" => task.update_princ_encryption(words),
        "purge_mkeys" => task.purge_mkeys(words),
        other => Err(format!("{other}: there is no such command\n{USAGE}")),
    }
}

/// The context of a command.
struct Task {
    configuration: Configuration,
    /// The master password on the command line.
    password: Option<String>,
    /// True if the master password is to be asked for.
    by_hand: bool,
    /// The version of a new database's master key.
    kvno: Option<u32>,
    now: Timestamp,
    rng: StdRng,
}

impl Task {
    fn read(&self) -> Result<Database, String> {
        let path = &self.configuration.database;
        Database::read(path)
            .map_err(|error| format!("{error} while opening database '{}'", path.display()))
    }

    /// Opens the master keys with the password that was given, or with the stash file.
    fn master(&self, database: &Database) -> Result<MasterKeys, String> {
        let (configuration, now) = (&self.configuration, self.now);
        let opened = match &self.password {
            Some(password) => {
                MasterKeys::of_password(&database.principals, configuration, password, now)
            }
            None if self.by_hand => {
                let password = password::ask(false)?;
                MasterKeys::of_password(&database.principals, configuration, &password, now)
            }
            None => MasterKeys::stashed(&database.principals, configuration, now),
        };
        opened.map_err(|why| format!("{why} while reading master key"))
    }

    /// Changes the database under its lock.
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Self, &mut Database) -> Result<(T, bool), String>,
    ) -> Result<T, String> {
        let path = self.configuration.database.clone();
        let failed = |error| format!("{error} while opening database '{}'", path.display());
        let _lock = super::database::lock(&path).map_err(failed)?;
        let mut database = self.read()?;
        let (done, changed) = change(self, &mut database)?;
        if changed {
            database.write(&path).map_err(failed)?;
        }
        Ok(done)
    }
}

/// A letter and its value; empty if it takes none.
type Flag<'a> = (char, &'a str);

/// Splits the flags of a command, single letters such as `-fnv`, from its other words. `known`
/// holds the letters; those in `with_value` are followed by a word.
fn options<'a>(
    command: &str,
    words: &[&'a str],
    known: &str,
    with_value: &str,
) -> Result<(Vec<Flag<'a>>, Vec<&'a str>), String> {
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let letters = word.strip_prefix('-').filter(|letters| !letters.is_empty());
        let Some(letters) = letters.filter(|_| rest.is_empty()) else {
            rest.push(word);
            continue;
        };
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            if with_value.contains(letter) {
                let attached = letters.as_str();
                let value = if attached.is_empty() {
                    words.next()
                } else {
                    Some(attached)
                };
                let value = value.ok_or_else(|| format!("{command}: -{letter} needs a value"))?;
                found.push((letter, value));
                break;
            }
            if !known.contains(letter) {
                return Err(format!(
                    "{command}: -{letter} is not an option here\n{USAGE}"
                ));
            }
            found.push((letter, ""));
        }
    }
    Ok((found, rest))
}

/// Refuses words that a command does not take.
fn no_more(command: &str, rest: &[&str]) -> Result<(), String> {
    match rest {
        [] => Ok(()),
        [first, ..] => Err(format!(
            "{command}: {first:?} is one word too many\n{USAGE}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_refused() {
        let read = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let read = Arguments::parse(&words)?;
            Ok::<_, String>(read.command.join(" "))
        };
        assert_eq!(
            read("-r R create -s -W -P x"),
            Ok("create -s -W".to_owned())
        );
        for (line, said) in [
            ("create -P", "-P needs a value"),
            ("-kv 0 create", "0 is an invalid mkeyVNO"),
            ("-k aes512 create", "aes512"),
        ] {
            let refused = read(line).expect_err(line);
            assert!(refused.contains(said), "{refused}");
        }
        let letters = options("x", &["-nf", "-e", "aes", "p", "-v"], "nf", "e");
        let found = (vec![('n', ""), ('f', ""), ('e', "aes")], vec!["p", "-v"]);
        assert_eq!(letters, Ok(found));
        assert!(options("x", &["-q"], "nf", "e").is_err());
        assert!(options("x", &["-e"], "nf", "e").is_err());
    }
}
