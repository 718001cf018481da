//! `kadmind`: the password service of the database (RFC 3244). The RPC of MIT's `kadmin` it does
//! not speak.

use std::process::ExitCode;

use super::complain;
use super::configuration::Configuration;
use super::daemon::{Daemon, detach};

const NAME: &str = "kadmind";

/// Runs it with its arguments.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let (mut realm, mut pid_file, mut foreground) = (None, None, false);
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        match argument {
            "-r" => realm = rest.next(),
            "-P" => pid_file = rest.next(),
            "-nofork" => foreground = true,
            // The port of the RPC, and what concerns propagation to other servers.
            "-port" | "-x" | "-p" | "-K" | "-k" | "-F" => drop(rest.next()),
            _ => {}
        }
    }
    let configuration = match Configuration::read(realm, None) {
        Ok(configuration) => configuration,
        Err(why) => return complain(NAME, format_args!("{why}, while initializing")),
    };
    let done = if foreground {
        let listen = configuration.kpasswd_listen.clone();
        let daemon = Daemon {
            name: NAME,
            configuration,
            listen,
            default_port: 464,
            ahead: 0,
            pid_file,
        };
        daemon.run()
    } else {
        detach("-nofork", arguments)
    };
    done.map_or_else(|why| complain(NAME, why), |()| ExitCode::SUCCESS)
}
