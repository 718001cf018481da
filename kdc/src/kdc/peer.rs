//! The origin of a request, and the reaction to it.

use std::net::IpAddr;
use std::time::Duration;

use kerbox_events::Latch;

/// The transport of a request.
///
/// ```
/// use kerbox_kdc::{Kdc, Peer, PrincipalDatabase, Transport};
/// use kerbox_krb5::Timestamp;
///
/// let kdc = Kdc::new(PrincipalDatabase::new(), 1);
/// let udp = Peer { transport: Transport::Udp, ..Peer::LOCAL };
/// let reply = kdc.handle(Timestamp::EPOCH, b"not Kerberos", udp);
/// assert!(reply.delay.is_zero() && !reply.stop);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Transport {
    /// A datagram. Long answers are refused.
    Udp,
    /// A connection.
    Tcp,
}

/// The origin of a request.
///
/// ```
/// use kerbox_kdc::{Peer, Transport};
///
/// let client = Peer {
///     address: Some([192, 0, 2, 7].into()),
///     local: None,
///     transport: Transport::Udp,
/// };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The client's address, which tickets may be bound to. `None` for a request that did not come
    /// over a network.
    pub address: Option<IpAddr>,
    /// The address that received the request, if known. The password service's answers contain it.
    pub local: Option<IpAddr>,
    /// The transport.
    pub transport: Transport,
}

impl Peer {
    /// A caller in the same process.
    pub const LOCAL: Self = Self {
        address: None,
        local: None,
        transport: Transport::Tcp,
    };
}

/// The reaction to a request.
///
/// ```
/// use kerbox_kdc::Reply;
///
/// let reply = Reply::from(b"an AS-REP".to_vec());
/// assert!(reply.message.is_some() && reply.hold.is_none() && !reply.close);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reply {
    /// The message to send; `None` to send nothing.
    pub message: Option<Vec<u8>>,
    /// The time to wait, in real time, before sending.
    pub delay: Duration,
    /// A fault holds the request: wait for the latch, then call
    /// [`Kdc::handle_held`](crate::Kdc::handle_held).
    pub hold: Option<Latch>,
    /// The number of bytes to send of the message, on a connection with its length. Then the
    /// connection must be closed.
    pub cut: Option<usize>,
    /// If true, the connection must be closed afterwards.
    pub close: bool,
    /// If true, the sending half of the connection must be closed.
    pub half_close: bool,
    /// If true, the server must stop serving.
    pub stop: bool,
}

impl From<Vec<u8>> for Reply {
    fn from(message: Vec<u8>) -> Self {
        Self {
            message: Some(message),
            ..Self::default()
        }
    }
}
