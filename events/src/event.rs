//! The events: one thing each that a server does.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use kerbox_krb5::Timestamp;

use crate::{Mechanism, Operation, Outcome, StateChange, TimerKind, Verdict};

/// A server of a fixture.
///
/// ```
/// use kerbox_events::Server;
///
/// assert_eq!(Server::NameNode(1).to_string(), "NameNode");
/// assert_eq!(Server::DataNode(2).to_string(), "DataNode 2");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Server {
    /// The KDC.
    Kdc,
    /// The NameNode with this number, counted from 1. The only one of a fixture has number 1.
    NameNode(usize),
    /// The DataNode with this number, counted from 1 like its folder `blocks/dn1`, `dn2`, ….
    DataNode(usize),
    /// The console of a realm without a NameNode. No fault strikes it, because it is there to
    /// remove them.
    Console,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kdc => f.write_str("KDC"),
            // Most fixtures have one, and people call it by its name alone.
            Self::NameNode(1) => f.write_str("NameNode"),
            Self::NameNode(number) => write!(f, "NameNode {number}"),
            Self::DataNode(number) => write!(f, "DataNode {number}"),
            Self::Console => f.write_str("console"),
        }
    }
}

/// The kind of a TGS request (the KDC options of RFC 4120, 5.4.1, and MS-SFU).
///
/// ```
/// use kerbox_events::{Event, TgsKind};
///
/// /// Returns whether a ticket was renewed.
/// fn is_renewal(event: &Event) -> bool {
///     let Event::TgsExchange { kind: TgsKind::Renew, outcome, .. } = event else {
///         return false;
///     };
///     outcome.is_ok()
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TgsKind {
    /// A service ticket.
    Ticket,
    /// RENEW: the same ticket with a new end time.
    Renew,
    /// VALIDATE: a postdated ticket made valid.
    Validate,
    /// FORWARDED: a ticket-granting ticket for another host.
    Forward,
    /// PROXY: a service ticket for another host.
    Proxy,
    /// ENC-TKT-IN-SKEY: user-to-user.
    UserToUser,
    /// S4U2Self: a ticket to oneself in a user's name.
    S4u2Self,
    /// S4U2Proxy: a ticket to another service in a user's name.
    S4u2Proxy,
}

/// One thing that a server does. Numbers and names are those of the protocols.
///
/// ```
/// use kerbox_events::{Event, Outcome, Server};
///
/// let event = Event::RpcCall {
///     server: Server::NameNode(1),
///     user: "alice".into(),
///     method: "mkdirs".into(),
///     path: Some("/tmp/x".into()),
///     outcome: Outcome::Ok,
/// };
/// assert_eq!(event.server(), Some(Server::NameNode(1)));
/// assert!(event.to_string().contains("mkdirs by alice"), "{event}");
/// assert!(event.to_json().contains(r#""method":"mkdirs""#));
/// ```
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An AS exchange (RFC 4120, 3.1).
    AsExchange {
        /// The client that the request names; empty if it cannot be read.
        client: Arc<str>,
        /// The requested service.
        service: Arc<str>,
        /// The outcome.
        outcome: Outcome,
    },
    /// A TGS exchange (RFC 4120, 3.3).
    TgsExchange {
        /// The ticket's client.
        client: Arc<str>,
        /// The requested service.
        service: Arc<str>,
        /// The kind of request.
        kind: TgsKind,
        /// The outcome.
        outcome: Outcome,
    },
    /// A password change (RFC 3244).
    PasswordChange {
        /// The client that asks.
        client: Arc<str>,
        /// The principal whose password changes.
        target: Arc<str>,
        /// The outcome.
        outcome: Outcome,
    },
    /// A service checked an AP-REQ (RFC 4120, 3.2).
    ApExchange {
        /// The server that checked it.
        server: Server,
        /// The client; empty if the ticket could not be opened.
        client: Arc<str>,
        /// The outcome.
        outcome: Outcome,
    },
    /// A SASL handshake ended.
    Sasl {
        /// The server.
        server: Server,
        /// The mechanism.
        mechanism: Mechanism,
        /// The authorization identity; empty if it is not known.
        user: Arc<str>,
        /// The outcome.
        outcome: Outcome,
    },
    /// A connection was accepted or ended.
    Connection {
        /// The server.
        server: Server,
        /// The peer's address.
        peer: SocketAddr,
        /// `true` if the connection opened, `false` if it closed.
        opened: bool,
    },
    /// A Hadoop RPC call.
    RpcCall {
        /// The server that was called.
        server: Server,
        /// The caller's short name.
        user: Arc<str>,
        /// The method's name on the wire, for instance `getFileInfo`.
        method: Arc<str>,
        /// The path that the call is about; the first of two. `None` if it is about none.
        path: Option<Arc<str>>,
        /// The outcome.
        outcome: Outcome,
    },
    /// READ_BLOCK of the DataTransferProtocol.
    ReadBlock {
        /// The DataNode's number, from 1.
        datanode: usize,
        /// The block's id.
        block: u64,
        /// The first byte asked for.
        offset: u64,
        /// The number of bytes asked for.
        length: u64,
        /// The outcome.
        outcome: Outcome,
    },
    /// WRITE_BLOCK of the DataTransferProtocol.
    WriteBlock {
        /// The DataNode's number, from 1.
        datanode: usize,
        /// The block's id.
        block: u64,
        /// The number of DataNodes that follow in the pipeline.
        downstream: usize,
        /// The outcome.
        outcome: Outcome,
    },
    /// Another operation of the DataTransferProtocol.
    DataTransfer {
        /// The DataNode's number, from 1.
        datanode: usize,
        /// The operation.
        operation: Operation,
        /// The block's id.
        block: u64,
        /// The outcome.
        outcome: Outcome,
    },
    /// A data packet is about to be stored or sent. It is asked about only while a fault is
    /// installed, and never recorded.
    Packet {
        /// The DataNode's number, from 1.
        datanode: usize,
        /// The block's id.
        block: u64,
        /// The packet's index within this operation, from 1.
        nth: u64,
        /// `true` if it is being written, `false` if it is being read.
        writing: bool,
        /// The length of the whole packet in bytes.
        length: usize,
    },
    /// A DataNode is about to acknowledge a packet to the client or to the previous DataNode. It is
    /// asked about only while a fault is installed, and never recorded.
    Ack {
        /// The DataNode's number, from 1.
        datanode: usize,
        /// The block's id.
        block: u64,
        /// The ack's index within this operation, from 1.
        nth: u64,
    },
    /// A DataNode is about to send a heartbeat to the NameNode. It is asked about only while a
    /// fault is installed, and never recorded.
    Heartbeat {
        /// The DataNode's number, from 1.
        datanode: usize,
    },
    /// A DataNode is about to call the NameNode. It is asked about only while a fault is installed,
    /// and never recorded.
    Report {
        /// The DataNode's number, from 1.
        datanode: usize,
        /// The method of Hadoop's `DatanodeProtocol`, for instance `blockReport`.
        method: &'static str,
    },
    /// A DataNode is about to connect to another one, or to send it a packet. It is asked about
    /// only while a fault is installed, and never recorded.
    Dial {
        /// The DataNode's number, from 1.
        datanode: usize,
        /// The other one's number; `None` if a client has named one that is not the fixture's.
        to: Option<usize>,
    },
    /// A timer fired.
    Timer {
        /// The server.
        server: Server,
        /// The timer.
        timer: TimerKind,
        /// The subject: a path, a lease holder, a node; may be empty.
        subject: Arc<str>,
    },
    /// A server changed its state.
    State {
        /// The server.
        server: Server,
        /// The change.
        change: StateChange,
        /// The part of the server that changed, for instance `2 of 3` KDCs; empty if it is the
        /// whole.
        subject: Arc<str>,
    },
    /// The fixture's clock was moved.
    ClockMoved {
        /// The time before.
        from: Timestamp,
        /// The time after.
        to: Timestamp,
    },
    /// A rule answered an event that a server asked about.
    Fault {
        /// The event as it was asked about.
        on: Box<Self>,
        /// The rule's answer.
        verdict: Verdict,
        /// `true` if the server carries it out. `false` if the event does not [take](Self::takes)
        /// the verdict, so that the exchange goes on.
        struck: bool,
    },
}

/// Returns the outcome of an event, shared or mutable as the event is.
macro_rules! outcome_of {
    ($event:expr) => {
        match $event {
            Self::AsExchange { outcome, .. }
            | Self::TgsExchange { outcome, .. }
            | Self::PasswordChange { outcome, .. }
            | Self::ApExchange { outcome, .. }
            | Self::Sasl { outcome, .. }
            | Self::RpcCall { outcome, .. }
            | Self::ReadBlock { outcome, .. }
            | Self::WriteBlock { outcome, .. }
            | Self::DataTransfer { outcome, .. } => Some(outcome),
            Self::Connection { .. }
            | Self::Packet { .. }
            | Self::Ack { .. }
            | Self::Heartbeat { .. }
            | Self::Report { .. }
            | Self::Dial { .. }
            | Self::Timer { .. }
            | Self::State { .. }
            | Self::ClockMoved { .. }
            | Self::Fault { .. } => None,
        }
    };
}

impl Event {
    /// Returns the server at which it happened; `None` for what the fixture did on its own.
    #[must_use]
    pub fn server(&self) -> Option<Server> {
        match self {
            Self::AsExchange { .. } | Self::TgsExchange { .. } | Self::PasswordChange { .. } => {
                Some(Server::Kdc)
            }
            Self::ApExchange { server, .. }
            | Self::Sasl { server, .. }
            | Self::Connection { server, .. }
            | Self::RpcCall { server, .. }
            | Self::Timer { server, .. }
            | Self::State { server, .. } => Some(*server),
            Self::ReadBlock { datanode, .. }
            | Self::WriteBlock { datanode, .. }
            | Self::DataTransfer { datanode, .. }
            | Self::Packet { datanode, .. }
            | Self::Ack { datanode, .. }
            | Self::Heartbeat { datanode }
            | Self::Report { datanode, .. }
            | Self::Dial { datanode, .. } => Some(Server::DataNode(*datanode)),
            Self::Fault { on, .. } => on.server(),
            Self::ClockMoved { .. } => None,
        }
    }

    /// Returns the user whose request it is, as a full or a short name; `None` if the event names
    /// none.
    #[must_use]
    pub fn user(&self) -> Option<&Arc<str>> {
        match self {
            Self::AsExchange { client, .. }
            | Self::TgsExchange { client, .. }
            | Self::PasswordChange { client, .. }
            | Self::ApExchange { client, .. } => Some(client),
            Self::Sasl { user, .. } | Self::RpcCall { user, .. } => Some(user),
            _ => None,
        }
    }

    /// Returns whether it is a client's request that gets an answer of its own: a ticket request, a
    /// password change, a call, or a block operation.
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(
            self,
            Self::AsExchange { .. }
                | Self::TgsExchange { .. }
                | Self::PasswordChange { .. }
                | Self::RpcCall { .. }
                | Self::ReadBlock { .. }
                | Self::WriteBlock { .. }
                | Self::DataTransfer { .. }
        )
    }

    /// Returns the outcome; `None` for events that are not exchanges.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        outcome_of!(self)
    }

    /// Same as [`outcome`](Self::outcome), but mutable.
    pub(crate) fn outcome_mut(&mut self) -> Option<&mut Outcome> {
        outcome_of!(self)
    }
}
