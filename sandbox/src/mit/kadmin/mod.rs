//! `kadmin.local`: queries on the database, with MIT's words on standard output and standard error.

use std::process::ExitCode;

use kerbox_krb5::{Clock, Principal, Timestamp};
use rand::rngs::StdRng;

use super::complain;
use super::configuration::Configuration;
use super::database::{Database, Entry, lock};
use crate::randomness;

mod keytabs;
mod options;
mod policies;
mod principals;

const NAME: &str = "kadmin.local";

/// Runs it with its arguments.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let (mut realm, mut database, mut query) = (None, None, None);
    let mut rest = arguments.iter();
    let mut words: Vec<String> = Vec::new();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-r" => realm = rest.next(),
            "-d" => database = rest.next(),
            "-q" => query = rest.next(),
            "-p" | "-c" | "-k" | "-t" | "-w" | "-s" | "-e" | "-x" => drop(rest.next()),
            option if option.starts_with('-') => {}
            _ => {
                // A query as words of its own: everything that follows belongs to it.
                words.push(argument.clone());
                words.extend(rest.by_ref().cloned());
            }
        }
    }
    let configuration =
        match Configuration::read(realm.map(String::as_str), database.map(String::as_str)) {
            Ok(configuration) => configuration,
            Err(why) => {
                return complain(
                    NAME,
                    format_args!("{why} while initializing {NAME} interface"),
                );
            }
        };
    println!(
        "Authenticating as principal root/admin@{} with password.",
        configuration.realm
    );
    let queries: Vec<Vec<String>> = match (query, words.is_empty()) {
        (Some(query), _) => vec![split(query)],
        (None, false) => vec![words.clone()],
        (None, true) => std::io::stdin()
            .lines()
            .map_while(Result::ok)
            .map(|line| split(&line))
            .collect(),
    };
    let mut last = ExitCode::SUCCESS;
    for query in queries {
        match run(&configuration, &query) {
            Ok(()) => {}
            // MIT's tool ends with success after a query of -q that failed, but not after one that
            // it does not know, nor after one that is given as words.
            Err(failure) => {
                let counts = failure.unknown || !words.is_empty();
                eprintln!("{}", failure.text);
                if counts {
                    last = ExitCode::FAILURE;
                }
            }
        }
    }
    last
}

/// A query that failed.
struct Failure {
    text: String,
    /// There is no such query at all.
    unknown: bool,
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self {
            text,
            unknown: false,
        }
    }
}

/// The words of a query, with quotes of both kinds and backslashes.
fn split(query: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = query.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(character),
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, space) if space.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// What a query is run with.
struct Session<'a> {
    configuration: &'a Configuration,
    database: Database,
    now: Timestamp,
    rng: StdRng,
}

fn run(configuration: &Configuration, query: &[String]) -> Result<(), Failure> {
    let Some((command, arguments)) = query.split_first() else {
        return Ok(());
    };
    let path = &configuration.database;
    let io = |error: std::io::Error| {
        Failure::from(format!("{NAME}: {error} while opening {}", path.display()))
    };
    let _lock = lock(path).map_err(io)?;
    let mut session = Session {
        configuration,
        database: Database::read(path).map_err(io)?,
        now: Clock::system().now(),
        rng: randomness::generator(None),
    };
    let before = session.database.clone();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match command.as_str() {
        "add_principal" | "addprinc" | "ank" => session.add(&arguments),
        "delete_principal" | "delprinc" => session.delete(&arguments),
        "modify_principal" | "modprinc" => session.modify(&arguments),
        "rename_principal" | "renprinc" => session.rename(&arguments),
        "change_password" | "cpw" => session.change_password(&arguments),
        "get_principal" | "getprinc" => session.get(&arguments),
        "list_principals" | "listprincs" | "get_principals" | "getprincs" => {
            session.list(&arguments)
        }
        "ktadd" | "xst" => session.keytab_add(&arguments),
        "ktremove" | "ktrem" => session.keytab_remove(&arguments),
        "purgekeys" => session.purge(&arguments),
        "set_string" | "setstr" => session.set_string(&arguments),
        "get_strings" | "getstrs" => session.strings(&arguments),
        "del_string" | "delstr" => session.delete_string(&arguments),
        "add_policy" | "addpol" => session.add_policy(&arguments),
        "modify_policy" | "modpol" => session.modify_policy(&arguments),
        "delete_policy" | "delpol" => session.delete_policy(&arguments),
        "get_policy" | "getpol" => session.get_policy(&arguments),
        "list_policies" | "listpols" | "get_policies" | "getpols" => {
            session.list_policies(&arguments);
            Ok(())
        }
        "quit" | "exit" | "q" => Ok(()),
        other => {
            return Err(Failure {
                text: format!("{NAME}: Command not found {other}"),
                unknown: true,
            });
        }
    };
    done?;
    if session.database != before {
        session.database.write(path).map_err(io)?;
    }
    Ok(())
}

impl Session<'_> {
    fn principal(&self, command: &str, name: Option<&str>) -> Result<Principal, String> {
        let name = name.ok_or_else(|| usage(command))?;
        Principal::parse(name, &self.configuration.realm)
            .map_err(|error| format!("{command}: {error}"))
    }

    fn entry(&mut self, principal: &Principal, doing: &str) -> Result<&mut Entry, String> {
        let missing = format!("{doing} \"{principal}\".");
        self.database
            .principals
            .get_mut(&principal.to_string())
            .ok_or(missing)
    }
}

fn usage(command: &str) -> String {
    format!("usage: {command} [options] principal")
}

/// Asks on standard input.
fn yes() -> bool {
    use std::io::Write;
    let _ = std::io::stdout().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_split_as_a_shell_does() {
        assert_eq!(
            split(r#"addprinc -pw 'a b' "c d"  e\ f '' "#),
            ["addprinc", "-pw", "a b", "c d", "e f", ""]
        );
    }
}
