//! `kdb5_util`: makes and destroys the database. There is no master key, so that `stash` has
//! nothing to do.

use std::process::ExitCode;

use kerbox_krb5::Clock;

use super::complain;
use super::configuration::Configuration;
use super::database::{Database, lock};
use crate::randomness;

const NAME: &str = "kdb5_util";

/// Runs it with its arguments.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let (mut realm, mut database, mut command) = (None, None, None);
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        match argument {
            "-r" => realm = rest.next(),
            "-d" => database = rest.next(),
            // What goes with a master key that is not there.
            "-P" | "-k" | "-M" | "-sf" | "-kv" | "-x" => drop(rest.next()),
            option if option.starts_with('-') => {}
            word => command = command.or(Some(word)),
        }
    }
    let configuration = match Configuration::read(realm, database) {
        Ok(configuration) => configuration,
        Err(why) => return complain(NAME, why),
    };
    let path = &configuration.database;
    match command {
        Some("create") => {
            println!(
                "Initializing database '{}' for realm '{}'",
                path.display(),
                configuration.realm
            );
            if path.exists() {
                return complain(
                    NAME,
                    format_args!("File exists while creating database '{}'", path.display()),
                );
            }
            let created = Database::create(
                &configuration,
                Clock::system().now(),
                &mut randomness::generator(None),
            );
            let database = match created {
                Ok(database) => database,
                Err(why) => return complain(NAME, why),
            };
            match lock(path).and_then(|_lock| database.write(path)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(why) => complain(
                    NAME,
                    format_args!("{why} while creating database '{}'", path.display()),
                ),
            }
        }
        Some("destroy") => match std::fs::remove_file(path) {
            Ok(()) => {
                println!("** Database '{}' destroyed.", path.display());
                ExitCode::SUCCESS
            }
            Err(why) => complain(
                NAME,
                format_args!("{why} while deleting database '{}'", path.display()),
            ),
        },
        Some("stash") => ExitCode::SUCCESS,
        Some(other) => complain(
            NAME,
            format_args!("{other} is not one of create, destroy, stash"),
        ),
        None => complain(
            NAME,
            "usage: kdb5_util [-r realm] [-d dbname] create|destroy|stash",
        ),
    }
}
