//! `kadmin.local`: queries on the database, with MIT's messages on standard output and standard
//! error.

use std::process::ExitCode;

use kerbox_krb5::{Clock, Principal, Timestamp};
use rand::rngs::StdRng;

use super::command_line::CommandLine;
use super::complain;
use super::configuration::{self, Asked, Configuration};
use super::database::{Database, lock};
use super::entry::Entry;
use super::keysalt::{self, KeySalt};
use super::master::MasterKeys;
use super::password;
use super::relations::Program;
use crate::randomness;
use words::split;

mod attributes;
mod keytabs;
mod options;
mod passwords;
mod policies;
mod principals;
mod show;
mod words;

const NAME: &str = "kadmin.local";
const USAGE: &str = "usage: kadmin.local [-r realm] [-p principal] [-d dbname] [-e keysalts] \
                     [-q query | query]";

/// The command line.
#[derive(Default)]
struct Arguments<'a> {
    asked: Asked<'a>,
    administrator: Option<&'a str>,
    query: Option<&'a str>,
    /// A query given as separate words.
    words: &'a [String],
    keysalts: Option<Vec<KeySalt>>,
    /// True if the master password is to be asked for.
    by_hand: bool,
}

impl<'a> Arguments<'a> {
    fn parse(arguments: &'a [String]) -> Result<Self, String> {
        let mut read = Self::default();
        let mut line = CommandLine::new(NAME, arguments);
        while let Some(word) = line.next() {
            match word {
                "-r" => read.asked.0 = Some(line.value()?),
                "-d" => read.asked.1 = Some(line.value()?),
                "-x" => match line.value()?.strip_prefix("dbname=") {
                    Some(name) => read.asked.1 = Some(name),
                    None => line.no_effect("-x", "the database is one JSON file"),
                },
                "-q" => read.query = Some(line.value()?),
                "-p" => read.administrator = Some(line.value()?),
                "-e" => {
                    let keysalts = keysalt::parse(line.value()?);
                    read.keysalts = Some(keysalts.map_err(|why| format!("-e: {why}"))?);
                }
                "-m" => read.by_hand = true,
                // MIT's kadmin uses these to reach a server and authenticate to it.
                "-c" | "-t" | "-w" | "-s" => {
                    line.value()?;
                    line.no_effect(word, "the database is changed without a server");
                }
                "-k" | "-n" | "-O" | "-N" => {
                    line.no_effect(word, "the database is changed without a server");
                }
                option if option.starts_with('-') => {
                    return Err(format!("{option} is not an option\n{USAGE}"));
                }
                // Everything that follows belongs to the query.
                _ => {
                    let after = line.rest().len();
                    read.words = &arguments[arguments.len() - after - 1..];
                }
            }
        }
        Ok(read)
    }
}

/// Runs the program with its arguments.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let read = match Arguments::parse(arguments) {
        Ok(read) => read,
        Err(why) => return complain(NAME, why),
    };
    let configuration = configuration::read_one(Program::KadminLocal, NAME, read.asked);
    let mut configuration = match configuration {
        Ok((configuration, _)) => configuration,
        Err(why) => {
            return complain(
                NAME,
                format_args!("{why} while initializing {NAME} interface"),
            );
        }
    };
    if let Some(keysalts) = read.keysalts {
        configuration.keysalts = keysalts;
    }
    let administrator = match read.administrator {
        Some(name) if name.contains('@') => name.to_owned(),
        name => format!("{}@{}", name.unwrap_or("root/admin"), configuration.realm),
    };
    let script = !read.words.is_empty();
    if !script {
        println!("Authenticating as principal {administrator} with password.");
    }
    let queries = queries(read.query, read.words);
    let password = match read.by_hand.then(|| password::ask(false)).transpose() {
        Ok(password) => password,
        Err(why) => return complain(NAME, why),
    };
    let context = Context {
        configuration: &configuration,
        administrator: &administrator,
        script,
        password: password.as_deref(),
    };
    let mut last = ExitCode::SUCCESS;
    for query in queries {
        let query = query.map_err(|why| Failure::from(format!("{NAME}: {why}")));
        let is_of_keytabs = query.as_ref().is_ok_and(|query| is_of_keytabs(query));
        if let Err(failure) = query.and_then(|query| run(&context, &query)) {
            // MIT's tool succeeds if a query of -q fails, but not if the query is unknown or was
            // given as words. It always succeeds if a query for keytabs fails.
            let counts = failure.unknown || script && !is_of_keytabs;
            eprintln!("{}", failure.text);
            if counts {
                last = ExitCode::FAILURE;
            }
        }
    }
    last
}

/// Returns the words of each query: those of the command line, of `-q`, or of standard input.
fn queries(query: Option<&str>, words: &[String]) -> Vec<Result<Vec<String>, &'static str>> {
    match query {
        _ if !words.is_empty() => vec![Ok(words.to_vec())],
        Some(query) => vec![split(query)],
        None => {
            let lines = std::io::stdin().lines().map_while(Result::ok);
            lines.map(|line| split(&line)).collect()
        }
    }
}

fn is_of_keytabs(query: &[String]) -> bool {
    let names = ["ktadd", "xst", "ktremove", "ktrem"];
    query
        .first()
        .is_some_and(|name| names.contains(&name.as_str()))
}

/// A query that failed.
struct Failure {
    text: String,
    /// True if there is no such query at all, or if none can be made.
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

/// The context of a query.
struct Session<'a> {
    configuration: &'a Configuration,
    /// The administrator who makes the query.
    administrator: String,
    /// True if the query was given as words; then only its result is printed.
    script: bool,
    database: Database,
    master: MasterKeys,
    now: Timestamp,
    rng: StdRng,
}

/// The part of the command line that all queries share.
struct Context<'a> {
    configuration: &'a Configuration,
    administrator: &'a str,
    script: bool,
    /// The master password, if it is not to be read from the stash file.
    password: Option<&'a str>,
}

impl<'a> Context<'a> {
    fn session(&self, database: Database) -> Result<Session<'a>, String> {
        let configuration = self.configuration;
        let now = Clock::system().now();
        let master = match self.password {
            Some(password) => {
                MasterKeys::of_password(&database.principals, configuration, password, now)
            }
            None => MasterKeys::stashed(&database.principals, configuration, now),
        };
        Ok(Session {
            configuration,
            administrator: self.administrator.to_owned(),
            script: self.script,
            master: master?,
            database,
            now,
            rng: randomness::generator(None),
        })
    }
}

fn run(context: &Context<'_>, query: &[String]) -> Result<(), Failure> {
    let Some((command, arguments)) = query.split_first() else {
        return Ok(());
    };
    let path = &context.configuration.database;
    let io = |error: std::io::Error| {
        Failure::from(format!("{NAME}: {error} while opening {}", path.display()))
    };
    let _lock = lock(path).map_err(io)?;
    let session = context.session(Database::read(path).map_err(io)?);
    let mut session = session.map_err(|why| Failure {
        text: format!("{NAME}: {why} while initializing {NAME} interface"),
        unknown: true,
    })?;
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
            session.list_policies(&arguments)
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
    /// Prints what was done, except for a script.
    fn info(&self, text: &str) {
        if !self.script {
            println!("{text}");
        }
    }

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

/// Reads a confirmation from standard input.
fn yes() -> bool {
    use std::io::Write;
    let _ = std::io::stdout().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}
