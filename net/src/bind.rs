//! Listening sockets. They are bound once, before their address is announced, and kept.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use tokio::net::TcpSocket;

/// Binds a TCP port. Returns its socket, ready for tokio.
///
/// # Errors
/// Fails if the system refuses the address.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Returns the address at which clients on this machine reach a server. Wildcard addresses become
/// loopback addresses.
#[must_use]
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// The two sockets of a server that answers datagrams and connections on the same port.
///
/// ```
/// use kerbox_net::Sockets;
///
/// let sockets = Sockets::bind(([127, 0, 0, 1], 0).into())?;
/// assert_eq!(sockets.udp.local_addr()?, sockets.tcp.local_addr()?);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Sockets {
    /// For datagrams.
    pub udp: UdpSocket,
    /// For connections.
    pub tcp: TcpListener,
}

impl Sockets {
    /// Binds both to `address`. For port 0, finds a port that is free for both.
    ///
    /// # Errors
    /// Fails if the system refuses the address.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        /// The system returns a port that is free for TCP, but it may be in use for UDP.
        const TRIES: usize = 100;
        let mut tries = 0;
        loop {
            let tcp = listen(address)?;
            match UdpSocket::bind(tcp.local_addr()?) {
                Ok(udp) => {
                    udp.set_nonblocking(true)?;
                    return Ok(Self { udp, tcp });
                }
                Err(error)
                    if address.port() == 0
                        && error.kind() == io::ErrorKind::AddrInUse
                        && tries < TRIES =>
                {
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the address at which clients reach the server.
    ///
    /// # Errors
    /// Fails if the system does not know the socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// A port that is closed but reserved: connections and datagrams are refused, and no other process
/// can take it.
///
/// ```
/// use std::net::TcpStream;
/// use kerbox_net::{HeldPort, Sockets};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let sockets = Sockets::bind(([127, 0, 0, 1], 0).into())?;
/// let address = sockets.local_addr()?;
/// drop(sockets); // the server has stopped
/// let held = HeldPort::hold(address).expect("it was free");
/// assert!(TcpStream::connect(address).is_err());
/// drop(held);
/// Sockets::bind(address)?; // and starts again
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HeldPort {
    /// Bound but not listening.
    _tcp: TcpSocket,
    /// Connected to itself, so that the system refuses datagrams from other senders. `None` if
    /// the server takes connections alone.
    _udp: Option<UdpSocket>,
}

impl HeldPort {
    /// Reserves the port of `address`. Returns `None` if another process took it first.
    #[must_use]
    pub fn hold(address: SocketAddr) -> Option<Self> {
        let tcp = hold_tcp(address)?;
        let udp = UdpSocket::bind(address).ok()?;
        refuse_datagrams(&udp, address).ok()?;
        Some(Self {
            _tcp: tcp,
            _udp: Some(udp),
        })
    }

    /// Reserves the port of a server that takes connections alone. Returns `None` if another
    /// process took it first.
    #[must_use]
    pub fn hold_connections(address: SocketAddr) -> Option<Self> {
        Some(Self {
            _tcp: hold_tcp(address)?,
            _udp: None,
        })
    }
}

/// Binds a TCP port without listening, so that the system refuses connections.
#[must_use]
pub fn hold_tcp(address: SocketAddr) -> Option<TcpSocket> {
    let tcp = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }
    .ok()?;
    tcp.set_reuseaddr(true).ok()?;
    tcp.bind(address).ok()?;
    Some(tcp)
}

/// Connects a socket that is bound to `address` to itself, so that the system refuses datagrams
/// from other senders.
///
/// # Errors
/// Fails if the system refuses the address.
pub fn refuse_datagrams(socket: &UdpSocket, address: SocketAddr) -> io::Result<()> {
    socket.connect(reachable(address))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_found_on_this_machine() {
        for (bound, reached) in [
            ("0.0.0.0:88", "127.0.0.1:88"),
            ("[::]:88", "[::1]:88"),
            ("127.0.0.1:88", "127.0.0.1:88"),
            ("192.0.2.7:88", "192.0.2.7:88"),
        ] {
            assert_eq!(
                reachable(bound.parse().expect("an address")).to_string(),
                reached
            );
        }
    }

    #[test]
    fn a_held_port_refuses_and_is_taken_by_no_one_else() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let sockets = Sockets::bind(address).expect("a free port");
        let address = sockets.local_addr().expect("bound");
        assert_eq!(sockets.udp.local_addr().expect("bound"), address);
        drop(sockets);
        let held = HeldPort::hold(address).expect("still free");
        assert!(TcpStream::connect(address).is_err());
        assert!(UdpSocket::bind(address).is_err());
        let client = UdpSocket::bind("127.0.0.1:0").expect("a port");
        client
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a time limit");
        client.connect(address).expect("an address");
        client.send(b"x").expect("sent");
        let refused = client.recv(&mut [0; 8]).expect_err("a closed port");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        drop(held);
        assert!(Sockets::bind(address).is_ok());
    }
}
