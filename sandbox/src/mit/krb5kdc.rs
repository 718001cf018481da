//! `krb5kdc`: serves the databases and sees the changes of `kadmin.local` at once.

use std::process::ExitCode;

use super::command_line::CommandLine;
use super::complain;
use super::configuration::{self, Asked};
use super::daemon::{Daemon, Listen, detach};
use super::listen;
use super::relations::Program;
use super::served::Served;

const NAME: &str = "krb5kdc";
const IN_FILES: &str = "the master key is the one in the stash file";
const USAGE: &str = "usage: krb5kdc [-r realm]... [-d database] [-p ports] [-P pid file] \
                     [-T seconds] [-n]";

/// The command line.
#[derive(Default)]
struct Arguments<'a> {
    realms: Vec<Asked<'a>>,
    /// The ports of realms for which no file sets any.
    ports: Option<&'a str>,
    pid_file: Option<&'a str>,
    /// Offset of its clock in seconds; positive is ahead.
    ahead: i64,
    foreground: bool,
}

impl<'a> Arguments<'a> {
    fn parse(arguments: &'a [String]) -> Result<Self, String> {
        let mut read = Self::default();
        // As in MIT's program, a database belongs to the next realm, or to the last one if none
        // follows.
        let mut database = None;
        let mut options = CommandLine::new(NAME, arguments);
        while let Some(option) = options.next() {
            match option {
                "-r" => read.realms.push((Some(options.value()?), database.take())),
                "-d" => database = Some(options.value()?),
                "-x" => match options.value()?.strip_prefix("dbname=") {
                    Some(name) => database = Some(name),
                    None => options.no_effect("-x", "the database is one JSON file"),
                },
                "-p" => read.ports = Some(options.value()?),
                "-P" => read.pid_file = Some(options.value()?),
                "-T" => read.ahead = options.number()?,
                "-n" => read.foreground = true,
                "-m" => options.no_effect("-m", IN_FILES),
                "-k" | "-M" => {
                    options.value()?;
                    options.no_effect(option, IN_FILES);
                }
                "-w" => {
                    options.value()?;
                    options.no_effect("-w", "one process serves all requests");
                }
                // MIT's program accepts these only for old scripts.
                "-R" | "-4" => drop(options.value()?),
                "-X" | "-3" => {}
                other => return Err(format!("{other} is not an option\n{USAGE}")),
            }
        }
        match (read.realms.last_mut(), database) {
            (None, database) => read.realms.push((None, database)),
            (Some(_), None) => {}
            (Some((_, of_last @ None)), database) => *of_last = database,
            (Some((_, Some(_))), Some(_)) => {
                return Err(String::from(
                    "the last -d belongs to no realm: it stands before its -r",
                ));
            }
        }
        Ok(read)
    }
}

/// Runs the program with its arguments.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let done = Arguments::parse(arguments).and_then(|read| match read.foreground {
        true => serve(&read),
        false => detach("-n", arguments),
    });
    done.map_or_else(|why| complain(NAME, why), |()| ExitCode::SUCCESS)
}

fn serve(arguments: &Arguments<'_>) -> Result<(), String> {
    let program = Program::Krb5kdc;
    let (realms, common) = configuration::read(program, NAME, &arguments.realms)
        .map_err(|why| format!("{why}, while initializing"))?;
    let ports = arguments
        .ports
        .map(|ports| listen::parse("-p", ports, 88))
        .transpose()?;
    let mut listens = Listen::default();
    for realm in &realms {
        let (mut udp, mut tcp) = (realm.udp.clone(), realm.tcp.clone());
        if udp.is_none() && tcp.is_none() {
            udp.clone_from(&ports);
            tcp.clone_from(&ports);
        }
        listens.add(udp.as_deref(), tcp.as_deref());
    }
    if realms
        .iter()
        .all(|realm| realm.udp.is_none() && realm.tcp.is_none())
        && ports.is_none()
    {
        let only = listen::loopback(88);
        eprintln!(
            "{NAME}: listening on {} only: neither kdc_listen nor kdc_ports is set",
            only.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        );
        listens.add(Some(&only), Some(&only));
    }
    let served = Served {
        program,
        name: NAME,
        realms,
        common,
    };
    let daemon = Daemon {
        served,
        listen: listens,
        ahead: arguments.ahead,
        pid_file: arguments.pid_file,
    };
    daemon.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each realm with its database.
    type Realms = Vec<(Option<String>, Option<String>)>;

    fn realms(line: &str) -> Result<Realms, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let own = |text: Option<&str>| text.map(str::to_owned);
        let realms = Arguments::parse(&words)?.realms.into_iter();
        Ok(realms
            .map(|(realm, database)| (own(realm), own(database)))
            .collect())
    }

    #[test]
    fn each_realm_has_the_database_before_it() {
        let some = |text: &str| Some(text.to_owned());
        for (line, expected) in [
            ("-n", vec![(None, None)]),
            ("-d x", vec![(None, some("x"))]),
            ("-r A -d x", vec![(some("A"), some("x"))]),
            (
                "-d x -r A -x dbname=y -r B -r C",
                vec![
                    (some("A"), some("x")),
                    (some("B"), some("y")),
                    (some("C"), None),
                ],
            ),
        ] {
            assert_eq!(realms(line), Ok(expected), "{line}");
        }
        for (line, said) in [
            ("-d x -r A -d y", "belongs to no realm"),
            ("-r", "-r needs a value"),
            ("-T soon", "-T soon"),
            ("--frobnicate", "--frobnicate is not an option"),
        ] {
            let refused = realms(line).expect_err(line);
            assert!(refused.contains(said), "{refused}");
        }
    }
}
