//! `krb5kdc`: serves the database, and sees at once what `kadmin.local` changes in it.

use std::process::ExitCode;

use super::complain;
use super::configuration::Configuration;
use super::daemon::{Daemon, detach};

const NAME: &str = "krb5kdc";

/// Runs it with its arguments.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let (mut realm, mut database, mut port, mut pid_file, mut ahead, mut foreground) =
        (None, None, None, None, 0_i64, false);
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        match argument {
            "-r" => realm = rest.next(),
            "-d" => database = rest.next(),
            "-p" => port = rest.next(),
            "-P" => pid_file = rest.next(),
            // How far its clock is ahead, in seconds.
            "-T" => {
                ahead = rest
                    .next()
                    .and_then(|seconds| seconds.parse().ok())
                    .unwrap_or(0)
            }
            "-n" => foreground = true,
            "-k" | "-M" | "-w" | "-x" => drop(rest.next()),
            _ => {}
        }
    }
    let configuration = match Configuration::read(realm, database) {
        Ok(configuration) => configuration,
        Err(why) => return complain(NAME, format_args!("{why}, while initializing")),
    };
    let done = if foreground {
        let listen = port.map_or_else(
            || configuration.listen.clone(),
            |port| vec![port.to_owned()],
        );
        let daemon = Daemon {
            name: NAME,
            configuration,
            listen,
            default_port: 88,
            ahead,
            pid_file,
        };
        daemon.run()
    } else {
        detach("-n", arguments)
    };
    done.map_or_else(|why| complain(NAME, why), |()| ExitCode::SUCCESS)
}
