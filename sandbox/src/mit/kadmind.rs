//! `kadmind`: the password service of the database (RFC 3244). It does not speak the RPC of MIT's
//! `kadmin`.

use std::process::ExitCode;

use super::command_line::CommandLine;
use super::complain;
use super::configuration::{self, Asked};
use super::daemon::{Daemon, Listen, detach};
use super::listen;
use super::relations::Program;
use super::served::Served;

const NAME: &str = "kadmind";
const USAGE: &str = "usage: kadmind [-r realm] [-x dbname=file] [-P pid file] [-nofork]";

/// The command line.
#[derive(Default)]
struct Arguments<'a> {
    asked: Asked<'a>,
    pid_file: Option<&'a str>,
    foreground: bool,
}

impl<'a> Arguments<'a> {
    fn parse(arguments: &'a [String]) -> Result<Self, String> {
        let mut read = Self::default();
        let mut options = CommandLine::new(NAME, arguments);
        while let Some(option) = options.next() {
            match option {
                "-r" => read.asked.0 = Some(options.value()?),
                "-x" => match options.value()?.strip_prefix("dbname=") {
                    Some(name) => read.asked.1 = Some(name),
                    None => options.no_effect("-x", "the database is one JSON file"),
                },
                "-P" => read.pid_file = Some(options.value()?),
                "-nofork" => read.foreground = true,
                "-m" => options.no_effect("-m", "the master key is the one in the stash file"),
                "-port" => {
                    options.value()?;
                    options.no_effect("-port", "the kadmin RPC is not served");
                }
                // Options for the propagation to other servers.
                "-proponly" | "-W" => {
                    options.no_effect(option, "there is no propagation to other KDCs");
                }
                "-p" | "-K" | "-k" | "-F" => {
                    options.value()?;
                    options.no_effect(option, "there is no propagation to other KDCs");
                }
                other => return Err(format!("{other} is not an option\n{USAGE}")),
            }
        }
        Ok(read)
    }
}

/// Runs the program with its arguments.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let done = Arguments::parse(arguments).and_then(|read| match read.foreground {
        true => serve(&read),
        false => detach("-nofork", arguments),
    });
    done.map_or_else(|why| complain(NAME, why), |()| ExitCode::SUCCESS)
}

fn serve(arguments: &Arguments<'_>) -> Result<(), String> {
    let program = Program::Kadmind;
    let (realm, common) = configuration::read_one(program, NAME, arguments.asked)
        .map_err(|why| format!("{why}, while initializing"))?;
    eprintln!("{NAME}: only the password service is served, not the RPC of kadmin");
    let addresses = realm.kpasswd.clone().unwrap_or_else(|| {
        eprintln!("{NAME}: listening on 127.0.0.1:464 only: neither kpasswd_listen nor kpasswd_port is set");
        listen::loopback(464)
    });
    let mut listens = Listen::default();
    listens.add(Some(&addresses), None);
    let served = Served {
        program,
        name: NAME,
        realms: vec![realm],
        common,
    };
    let daemon = Daemon {
        served,
        listen: listens,
        ahead: 0,
        pid_file: arguments.pid_file,
    };
    daemon.run()
}
