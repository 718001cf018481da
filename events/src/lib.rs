//! One vocabulary for everything that Kerbox's servers do, and for how a fault may answer it.
//!
//! A server meets its [`Hook`] twice for each exchange: it *asks* what to do, with
//! [`Outcome::Asked`], before it answers, and it *records* what came of it. What can be seen can
//! therefore be made to fail: journal and faults know the same [`Event`]s. The crate stands below
//! `kdc` and `minihdfs`, which do not know each other, and has no IO of its own.

mod bounded;
mod display;
mod fit;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::{ErrorCode, Timestamp};

pub use bounded::{MAX_TEXT, Printable, cut};

/// Which server of a fixture is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Server {
    /// The KDC.
    Kdc,
    /// The NameNode.
    NameNode,
    /// The DataNode of this number, counted from 1 as the folders `blocks/dn1`, `dn2`, … are.
    DataNode(usize),
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kdc => f.write_str("KDC"),
            Self::NameNode => f.write_str("NameNode"),
            Self::DataNode(number) => write!(f, "DataNode {number}"),
        }
    }
}

/// What a TGS request asked for (the KDC options of RFC 4120, 5.4.1, and MS-SFU).
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

/// One thing that a server does. Numbers and names are the protocols' own.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An AS exchange (RFC 4120, 3.1).
    AsExchange {
        /// Who asks, as the request says; empty if it cannot be read.
        client: Arc<str>,
        /// For which service.
        service: Arc<str>,
        /// What came of it.
        outcome: Outcome,
    },
    /// A TGS exchange (RFC 4120, 3.3).
    TgsExchange {
        /// Whose ticket.
        client: Arc<str>,
        /// For which service.
        service: Arc<str>,
        /// What was asked for.
        kind: TgsKind,
        /// What came of it.
        outcome: Outcome,
    },
    /// A password change (RFC 3244).
    PasswordChange {
        /// Who asks.
        client: Arc<str>,
        /// Whose password.
        target: Arc<str>,
        /// What came of it.
        outcome: Outcome,
    },
    /// A service checked an AP-REQ (RFC 4120, 3.2).
    ApExchange {
        /// Who checked.
        server: Server,
        /// Who came; empty if the ticket could not be opened.
        client: Arc<str>,
        /// What came of it.
        outcome: Outcome,
    },
    /// A SASL handshake ended.
    Sasl {
        /// With whom.
        server: Server,
        /// `GSSAPI` or `DIGEST-MD5`.
        mechanism: &'static str,
        /// The authorization identity; empty if it is not known.
        user: Arc<str>,
        /// What came of it.
        outcome: Outcome,
    },
    /// A connection was accepted or ended.
    Connection {
        /// At which server.
        server: Server,
        /// From where.
        peer: SocketAddr,
        /// Whether it opened; else it closed.
        opened: bool,
    },
    /// A Hadoop RPC call.
    RpcCall {
        /// Called at which server.
        server: Server,
        /// By whom: the short name.
        user: Arc<str>,
        /// The method's name on the wire, for instance `getFileInfo`.
        method: Arc<str>,
        /// What came of it.
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
        /// How many bytes.
        length: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// WRITE_BLOCK of the DataTransferProtocol.
    WriteBlock {
        /// The DataNode's number, from 1.
        datanode: usize,
        /// The block's id.
        block: u64,
        /// How many DataNodes follow in the pipeline.
        downstream: usize,
        /// What came of it.
        outcome: Outcome,
    },
    /// Another operation of the DataTransferProtocol.
    DataTransfer {
        /// The DataNode's number, from 1.
        datanode: usize,
        /// `BLOCK_CHECKSUM`, `TRANSFER_BLOCK`, ….
        operation: &'static str,
        /// The block's id.
        block: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// A data packet is about to be stored or sent. Asked only while a fault watches; never
    /// recorded.
    Packet {
        /// The DataNode's number, from 1.
        datanode: usize,
        /// The block's id.
        block: u64,
        /// The how-manieth packet of this operation, from 1.
        nth: u64,
        /// Whether it is being written; else it is being read.
        writing: bool,
    },
    /// A timer fired at its time.
    Timer {
        /// At which server.
        server: Server,
        /// Which timer: `heartbeat`, `lease hard limit`, `delegation token expired`, ….
        timer: &'static str,
        /// About what: a path, a holder, a node; may be empty.
        subject: Arc<str>,
    },
    /// A server changed its state.
    State {
        /// Which server.
        server: Server,
        /// What happened, for instance `started`, `dead`, `safe mode on`.
        change: Arc<str>,
    },
    /// The fixture's clock was moved.
    ClockMoved {
        /// Where it stood.
        from: Timestamp,
        /// Where it stands.
        to: Timestamp,
    },
    /// A rule answered an event that a server asked about.
    Fault {
        /// The event as it was asked about.
        on: Box<Self>,
        /// The rule's answer.
        verdict: Verdict,
        /// Whether the server carries it out; `false` if the event does not
        /// [take](Self::takes) the verdict, so that the exchange goes on.
        struck: bool,
    },
}

/// What came of an exchange, in its protocol's own terms.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing yet: a fault is being asked.
    Asked,
    /// It succeeded.
    Ok,
    /// The KDC or an acceptor answered with a KRB-ERROR.
    KrbError(ErrorCode),
    /// A Hadoop server answered with an exception.
    Exception {
        /// The Java class.
        class: Arc<str>,
        /// The message.
        message: Arc<str>,
    },
    /// A DataNode answered with this status (`Status` of datatransfer.proto), for instance
    /// `ERROR_ACCESS_TOKEN`.
    Status(&'static str),
    /// No answer was given.
    Dropped,
    /// The connection ended before the exchange did.
    Disconnected,
}

impl Outcome {
    /// Whether it succeeded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        *self == Self::Ok
    }

    /// The KRB-ERROR number, if that is what it was.
    #[must_use]
    pub fn kerberos_code(&self) -> Option<ErrorCode> {
        match self {
            Self::KrbError(code) => Some(*code),
            _ => None,
        }
    }

    /// The Java class of the exception, if that is what it was.
    #[must_use]
    pub fn exception_class(&self) -> Option<&str> {
        match self {
            Self::Exception { class, .. } => Some(class),
            _ => None,
        }
    }
}

impl Event {
    /// At which server it happened; `None` for what the fixture did by itself.
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
            | Self::Packet { datanode, .. } => Some(Server::DataNode(*datanode)),
            Self::Fault { on, .. } => on.server(),
            Self::ClockMoved { .. } => None,
        }
    }

    /// What came of it; `None` for events that are not exchanges.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
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
            | Self::Timer { .. }
            | Self::State { .. }
            | Self::ClockMoved { .. }
            | Self::Fault { .. } => None,
        }
    }
}

/// How a fault answers an event that a server asks about. Not every event can be answered by every
/// verdict: [`Event::takes`] says which.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Go on as if nothing were there.
    Pass,
    /// Answer with this KRB-ERROR (the KDC and its password service).
    KrbError(ErrorCode),
    /// Answer with this exception (RPC and its handshake), or with an error status and this message (data transfer).
    Exception {
        /// The Java class.
        class: Arc<str>,
        /// The message.
        message: Arc<str>,
    },
    /// Wait this long in real time, then go on.
    Delay(Duration),
    /// Say nothing, keep the connection.
    Drop,
    /// Close the connection.
    Disconnect,
    /// Go on, but spoil the bytes that are sent or stored.
    Corrupt,
    /// The server that asks stops serving, as a killed process does.
    Kill,
}

/// Where a journal and faults attach to a server.
pub trait Hook: Send + Sync {
    /// Asked before the server acts; the event's outcome is [`Outcome::Asked`].
    fn ask(&self, now: Timestamp, event: &Event) -> Verdict;

    /// Told when it has acted.
    fn record(&self, now: Timestamp, event: Event);

    /// Whether any fault is installed: servers skip [`ask`](Self::ask), and the making of its
    /// event, when none is.
    fn watching(&self) -> bool;
}

/// The hook of servers that nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHook;

impl Hook for NoHook {
    fn ask(&self, _now: Timestamp, _event: &Event) -> Verdict {
        Verdict::Pass
    }

    fn record(&self, _now: Timestamp, _event: Event) {}

    fn watching(&self) -> bool {
        false
    }
}
