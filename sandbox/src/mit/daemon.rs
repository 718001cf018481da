//! What `krb5kdc` and `kadmind` share: how they start, where they listen, and how they end.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;

use kerbox_kdc::server::{Sockets, serve};
use kerbox_krb5::{Clock, Timestamp};

use super::configuration::Configuration;
use super::served;
use crate::holder::holder;
use crate::signals::Ends;

/// One that is to be started.
pub(super) struct Daemon<'a> {
    pub(super) name: &'static str,
    pub(super) configuration: Configuration,
    /// Ports, or addresses with a port.
    pub(super) listen: Vec<String>,
    /// The port of an address that names none.
    pub(super) default_port: u16,
    /// By how many seconds its clock is ahead.
    pub(super) ahead: i64,
    pub(super) pid_file: Option<&'a str>,
}

/// Starts the same in the background, by `foreground` added to its arguments, and returns when it
/// serves.
pub(super) fn detach(foreground: &str, arguments: &[String]) -> Result<(), String> {
    let program = std::env::args_os().next().ok_or("no name was given")?;
    let mut command = Command::new(program);
    command
        .arg(foreground)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or("it has no output")?;
    BufReader::new(stdout)
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    if line.is_empty() {
        Err(String::from("it did not start"))
    } else {
        Ok(())
    }
}

impl Daemon<'_> {
    /// Serves until a signal ends it.
    pub(super) fn run(self) -> Result<(), String> {
        let name = self.name;
        let addresses = addresses(&self.listen, self.default_port)?;
        let kdc = served::kdc(name, self.configuration)?;
        let sockets: Vec<Sockets> = addresses
            .iter()
            .copied()
            .map(bind)
            .collect::<Result<_, _>>()?;
        let clock = Clock::system();
        clock.set(Timestamp::from_micros(
            clock
                .now()
                .as_micros()
                .saturating_add(self.ahead.saturating_mul(1_000_000)),
        ));
        if let Some(path) = self.pid_file {
            fs::write(path, format!("{}\n", std::process::id()))
                .map_err(|error| format!("{error} while writing {path}"))?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime
            .map_err(|error| error.to_string())?
            .block_on(async {
                let mut ends = Ends::watch(false).map_err(|failure| failure.to_string())?;
                let mut told = String::new();
                for (sockets, asked) in sockets.into_iter().zip(&addresses) {
                    if asked.port() == 0 {
                        let took = sockets.local_addr().map_err(|error| error.to_string())?;
                        told.push_str(&format!(" {took}"));
                    }
                    tokio::spawn(serve(
                        Arc::clone(&kdc),
                        sockets,
                        clock.clone(),
                        std::future::pending(),
                    ));
                }
                // What those who start it wait for; a free port that was found is told, too.
                println!("{name}: starting...{told}");
                io::stdout().flush().map_err(|error| error.to_string())?;
                ends.next().await;
                Ok::<_, String>(())
            })?;
        if let Some(path) = self.pid_file {
            let _ = fs::remove_file(path);
        }
        Ok(())
    }
}

/// A port means every address of the machine, as with MIT's, whose clients may name the machine by
/// any of them.
fn addresses(listen: &[String], default_port: u16) -> Result<Vec<SocketAddr>, String> {
    let mut addresses = Vec::new();
    for text in listen {
        if let Ok(address) = text.parse() {
            addresses.push(address);
        } else if let Ok(ip) = text.parse::<IpAddr>() {
            addresses.push(SocketAddr::new(ip, default_port));
        } else if let Ok(port) = text.parse() {
            addresses.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port));
        } else {
            return Err(format!("{text:?} is not a port or an address with a port"));
        }
    }
    Ok(addresses)
}

fn bind(address: SocketAddr) -> Result<Sockets, String> {
    Sockets::bind(address).map_err(|error| {
        format!(
            "{error} - Cannot bind server socket on {address}{}",
            holder(address.port())
        )
    })
}
