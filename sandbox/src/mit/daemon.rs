//! The code that `krb5kdc` and `kadmind` share: start, addresses and shutdown.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::Arc;

use kerbox_kdc::server::{Sockets, serve_on};
use kerbox_krb5::{Clock, Timestamp};

use super::served::Served;
use crate::holder::holder;
use crate::signals::Ends;

/// A server to start.
pub(super) struct Daemon<'a> {
    pub(super) served: Served,
    pub(super) listen: Listen,
    /// Offset of its clock in seconds; positive is ahead.
    pub(super) ahead: i64,
    pub(super) pid_file: Option<&'a str>,
}

/// The addresses of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listen {
    pub(super) udp: Vec<SocketAddr>,
    pub(super) tcp: Vec<SocketAddr>,
}

impl Listen {
    /// Adds the addresses of a realm. If only one list is given, it is used for both.
    pub(super) fn add(&mut self, udp: Option<&[SocketAddr]>, tcp: Option<&[SocketAddr]>) {
        for (list, more) in [
            (&mut self.udp, udp.or(tcp).unwrap_or_default()),
            (&mut self.tcp, tcp.or(udp).unwrap_or_default()),
        ] {
            for address in more {
                if !list.contains(address) {
                    list.push(*address);
                }
            }
        }
    }

    /// Binds every address. An address in both lists gets the same port for UDP and TCP, even if
    /// that port is chosen by the system.
    fn bind(&self) -> Result<Vec<Bound>, String> {
        let mut bound = Vec::new();
        for address in &self.udp {
            if self.tcp.contains(address) {
                let Sockets { udp, tcp } = named(*address, Sockets::bind(*address))?;
                bound.push(Bound::of(*address, Some(udp), Some(tcp)));
            } else {
                let udp = UdpSocket::bind(address);
                let udp = udp.and_then(|udp| udp.set_nonblocking(true).map(|()| udp));
                bound.push(Bound::of(*address, Some(named(*address, udp)?), None));
            }
        }
        for address in self
            .tcp
            .iter()
            .filter(|address| !self.udp.contains(address))
        {
            let tcp = TcpListener::bind(address);
            let tcp = tcp.and_then(|tcp| tcp.set_nonblocking(true).map(|()| tcp));
            bound.push(Bound::of(*address, None, Some(named(*address, tcp)?)));
        }
        match bound.is_empty() {
            true => Err(String::from("there is no address to listen on")),
            false => Ok(bound),
        }
    }
}

/// The sockets of one address.
struct Bound {
    asked: SocketAddr,
    udp: Option<UdpSocket>,
    tcp: Option<TcpListener>,
}

impl Bound {
    fn of(asked: SocketAddr, udp: Option<UdpSocket>, tcp: Option<TcpListener>) -> Self {
        Self { asked, udp, tcp }
    }

    /// Returns the actual address if the system chose the port.
    fn found(&self) -> Option<SocketAddr> {
        let udp = self.udp.as_ref().and_then(|udp| udp.local_addr().ok());
        let tcp = self.tcp.as_ref().and_then(|tcp| tcp.local_addr().ok());
        udp.or(tcp).filter(|_| self.asked.port() == 0)
    }
}

fn named<T>(address: SocketAddr, bound: io::Result<T>) -> Result<T, String> {
    bound.map_err(|error| {
        format!(
            "{error} - Cannot bind server socket on {address}{}",
            holder(address.port())
        )
    })
}

/// Starts the same program in the background, with `foreground` added to its arguments. Returns
/// when it serves.
pub(super) fn detach(foreground: &str, arguments: &[String]) -> Result<(), String> {
    let program = std::env::args_os().next().ok_or("no name was given")?;
    let mut command = Command::new(program);
    command
        .arg(foreground)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    // Ctrl-C in the caller's terminal must not stop the daemon.
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
    /// Serves until a signal arrives.
    pub(super) fn run(self) -> Result<(), String> {
        let name = self.served.name;
        let kdc = self.served.kdc()?;
        let bound = self.listen.bind()?;
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
                let mut ports = String::new();
                for bound in bound {
                    if let Some(took) = bound.found() {
                        ports.push_str(&format!(" {took}"));
                    }
                    tokio::spawn(serve_on(
                        Arc::clone(&kdc),
                        bound.udp,
                        bound.tcp,
                        clock.clone(),
                        std::future::pending(),
                    ));
                }
                // Callers that start this program wait for this line. It also shows a port that the
                // system chose.
                println!("{name}: starting...{ports}");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_list_serves_for_both_and_an_empty_one_for_none() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let (a, b) = (address("127.0.0.1:1"), address("127.0.0.1:2"));
        let mut listen = Listen::default();
        listen.add(Some(&[a]), None);
        listen.add(Some(&[a, b]), Some(&[]));
        let expected = Listen {
            udp: vec![a, b],
            tcp: vec![a],
        };
        assert_eq!(listen, expected);
        assert!(Listen::default().bind().is_err());
    }

    #[test]
    fn an_address_of_both_lists_has_one_port() {
        let free = "127.0.0.1:0".parse().expect("an address");
        let mut listen = Listen::default();
        listen.add(None, Some(&[free]));
        let bound = listen.bind().expect("a free port");
        let [bound] = bound.as_slice() else {
            panic!("one address");
        };
        let (udp, tcp) = (bound.udp.as_ref(), bound.tcp.as_ref());
        assert_eq!(
            udp.expect("UDP").local_addr().expect("bound"),
            tcp.expect("TCP").local_addr().expect("bound")
        );
    }
}
