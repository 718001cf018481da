//! Listening sockets of servers, bound once and for good, and the addresses where clients reach
//! them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use crate::{Error, Server};

/// Returns the address at which clients on this machine reach a server. Wildcard addresses are
/// reported as loopback.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Binds a server's socket; also returns the address where clients reach it.
pub(crate) fn listen(
    server: Server,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), Error> {
    let cannot = |source| Error::Bind {
        server,
        address,
        source,
    };
    let listener = TcpListener::bind(address).map_err(cannot)?;
    listener.set_nonblocking(true).map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    Ok((listener, reachable(bound)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_found_on_this_machine() {
        for (bound, told) in [
            ("0.0.0.0:88", "127.0.0.1:88"),
            ("[::]:88", "[::1]:88"),
            ("127.0.0.1:88", "127.0.0.1:88"),
            ("192.0.2.7:88", "192.0.2.7:88"),
        ] {
            assert_eq!(
                reachable(bound.parse().expect("an address")).to_string(),
                told
            );
        }
    }
}
