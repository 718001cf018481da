//! `kdb5_util`: creates and destroys the database. There is no master key, so `stash` has nothing
//! to do.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use kerbox_krb5::Clock;

use super::command_line::CommandLine;
use super::complain;
use super::configuration::{self, Configuration};
use super::database::{Database, remove};
use super::relations::Program;
use crate::randomness;

const NAME: &str = "kdb5_util";
const USAGE: &str = "usage: kdb5_util [-r realm] [-d dbname] create|destroy [-f]|stash";
const NO_MASTER_KEY: &str = "the database has no master key";

/// The command line.
#[derive(Default)]
struct Arguments<'a> {
    realm: Option<&'a str>,
    database: Option<&'a str>,
    command: Option<&'a str>,
    force: bool,
}

impl<'a> Arguments<'a> {
    fn parse(arguments: &'a [String]) -> Result<Self, String> {
        let mut read = Self::default();
        let mut words = CommandLine::new(NAME, arguments);
        while let Some(word) = words.next() {
            match (word, read.command) {
                ("-r", _) => read.realm = Some(words.value()?),
                ("-d", _) => read.database = Some(words.value()?),
                ("-x", _) => match words.value()?.strip_prefix("dbname=") {
                    Some(name) => read.database = Some(name),
                    None => words.no_effect("-x", "the database is one JSON file"),
                },
                ("-f", Some("stash")) | ("-P" | "-k" | "-M" | "-sf" | "-kv", _) => {
                    words.value()?;
                    words.no_effect(word, NO_MASTER_KEY);
                }
                ("-f", Some("destroy")) => read.force = true,
                ("-m", _) | ("-s", Some("create")) => words.no_effect(word, NO_MASTER_KEY),
                // Weak randomness is never used.
                ("-W", Some("create")) => {}
                (option, _) if option.starts_with('-') => {
                    return Err(format!("{option} is not an option here\n{USAGE}"));
                }
                (command @ ("create" | "destroy" | "stash"), None) => read.command = Some(command),
                (command, None) => {
                    return Err(format!(
                        "{command}: there is no such command; there are create, destroy and stash"
                    ));
                }
                (other, Some(command)) => {
                    return Err(format!(
                        "{command}: {other:?} is one word too many\n{USAGE}"
                    ));
                }
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
    let command = read.command.ok_or(USAGE)?;
    let asked = (read.realm, read.database);
    let (configuration, _) = configuration::read_one(Program::Kdb5Util, NAME, asked)?;
    let path = &configuration.database;
    match command {
        "create" => create(&configuration, path),
        "destroy" => destroy(path, read.force),
        // `stash` only requires a database, as MIT's does.
        _ => Database::read(path)
            .map(drop)
            .map_err(|error| format!("{error} while opening database '{}'", path.display())),
    }
}

fn create(configuration: &Configuration, path: &Path) -> Result<(), String> {
    let failed =
        |why: &dyn std::fmt::Display| format!("{why} while creating database '{}'", path.display());
    println!(
        "Initializing database '{}' for realm '{}'",
        path.display(),
        configuration.realm
    );
    if path.symlink_metadata().is_ok() {
        return Err(failed(&"File exists"));
    }
    let now = Clock::system().now();
    let database = Database::create(configuration, now, &mut randomness::generator(None))
        .map_err(|error| failed(&error))?;
    database.write_new(path).map_err(|error| failed(&error))
}

fn destroy(path: &Path, force: bool) -> Result<(), String> {
    let failed =
        |why: &dyn std::fmt::Display| format!("{why} while deleting database '{}'", path.display());
    // A file that is not ours is never deleted.
    Database::read(path).map_err(|error| failed(&error))?;
    if !force {
        println!(
            "Deleting KDC database stored in '{}', are you sure?",
            path.display()
        );
        print!("(type 'yes' to confirm)? ");
        let _ = std::io::stdout().flush();
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        if read.is_err() || answer.trim_end() != "yes" {
            return Err(format!("the database '{}' is not deleted", path.display()));
        }
        println!("OK, deleting database '{}'...", path.display());
    }
    remove(path).map_err(|error| failed(&error))?;
    println!("** Database '{}' destroyed.", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_refused() {
        let read = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            Arguments::parse(&words).map(|read| read.force)
        };
        assert_eq!(read("-r R create -s -W -P x"), Ok(false));
        assert_eq!(read("destroy -f"), Ok(true));
        for (line, said) in [
            ("dump", "dump: there is no such command"),
            ("create -f", "-f is not an option here"),
            ("destroy x", "one word too many"),
            ("create -P", "-P needs a value"),
        ] {
            let refused = read(line).expect_err(line);
            assert!(refused.contains(said), "{refused}");
        }
    }
}
