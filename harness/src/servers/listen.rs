//! Listening sockets of servers, bound once and for good.

use std::net::{SocketAddr, TcpListener};

use kerbox_net::{bind, reachable};

use crate::{Error, Server};

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
    let listener = bind::listen(address).map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    Ok((listener, reachable(bound)))
}
