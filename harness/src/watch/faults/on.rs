//! The events that a fault strikes, typed by their kind, and their restrictions.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use kerbox_events::{Event, Server, Verdict};

use super::fault::{Fault, Matches, is_by};
use super::kinds::{Acks, BlockData, Connecting, Dials, Kind, NamesUser, Packets, Reports, Rpc};

/// The events that a fault strikes. Its last word is a verdict that such events can take, and makes
/// it a [`Fault`].
///
/// ```
/// use kerbox::{Fault, Realm};
///
/// let realm = Realm::start_blocking()?;
/// // The KDC issues alice's ticket, but the answer never arrives. MIT's client asks again.
/// let fault = realm.inject(Fault::on_logins().of("alice").lose_reply().once());
/// realm.login_blocking("alice").expect_err("our own client asks once");
/// assert_eq!(fault.struck(), 1);
/// # Ok::<(), kerbox::Error>(())
/// ```
#[must_use = "it becomes a fault with a verdict, for instance `.disconnect()`"]
pub struct On<K> {
    /// Matches every event of the kind.
    pub(in crate::watch) base: Matches,
    pub(in crate::watch) matches: Matches,
    kind: PhantomData<fn() -> K>,
}

/// The restrictions of a fault.
impl<K: Kind> On<K> {
    pub(super) fn new(kind: impl Fn(&Event) -> bool + Clone + Send + 'static) -> Self {
        Self {
            base: Box::new(kind.clone()),
            matches: Box::new(kind),
            kind: PhantomData,
        }
    }

    /// Restricts it to this server.
    pub fn at(self, server: Server) -> Self {
        self.when(move |event| event.server() == Some(server))
    }

    /// Restricts it to events that also match this.
    pub fn when(mut self, mut also: impl FnMut(&Event) -> bool + Send + 'static) -> Self {
        let mut matches = self.matches;
        self.matches = Box::new(move |event| matches(event) && also(event));
        self
    }
}

impl<K: NamesUser> On<K> {
    /// Restricts it to this user: a principal with or without its realm, or a short name.
    pub fn of(self, user: &str) -> Self {
        let user = user.to_owned();
        self.when(move |event| is_by(event, &user))
    }
}

impl On<Rpc> {
    /// Restricts it to calls about this path, for instance `/tmp/x`.
    pub fn path(self, wanted: &str) -> Self {
        let wanted = wanted.to_owned();
        self.when(move |event| {
            matches!(
                event,
                Event::RpcCall { path: Some(path), .. }
                    if **path == *wanted
            )
        })
    }

    /// Restricts it to calls about this directory and what is in it.
    pub fn under(self, directory: &str) -> Self {
        let directory = directory.trim_end_matches('/').to_owned();
        self.when(move |event| {
            matches!(event, Event::RpcCall { path: Some(path), .. } if path
                .strip_prefix(&*directory)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        })
    }
}

impl On<Connecting> {
    /// Restricts it to connections from this address.
    pub fn peer(self, address: IpAddr) -> Self {
        self.when(
            move |event| matches!(event, Event::Connection { peer, .. } if peer.ip() == address),
        )
    }
}

impl On<BlockData> {
    /// Restricts it to this block.
    pub fn block(self, id: u64) -> Self {
        self.when(move |event| {
            matches!(
                event,
                Event::ReadBlock { block, .. } | Event::WriteBlock { block, .. }
                    if *block == id
            )
        })
    }
}

impl On<Reports> {
    /// Restricts it to calls of this method of Hadoop's `DatanodeProtocol`: `registerDatanode`,
    /// `sendHeartbeat`, `blockReport`, `blockReceivedAndDeleted`, `errorReport`,
    /// `reportBadBlocks`, `commitBlockSynchronization`.
    pub fn method(self, wanted: &str) -> Self {
        let wanted = wanted.to_owned();
        self.when(move |event| matches!(event, Event::Report { method, .. } if *method == wanted))
    }
}

impl On<Dials> {
    /// Restricts it to those to the DataNode with this 1-based number.
    pub fn to(self, datanode: usize) -> Self {
        self.when(move |event| matches!(event, Event::Dial { to: Some(to), .. } if *to == datanode))
    }
}

impl On<Acks> {
    /// Restricts it to the ack with this 1-based number in its operation.
    pub fn ack(self, number: u64) -> Self {
        self.when(move |event| matches!(event, Event::Ack { nth, .. } if *nth == number))
    }

    /// Restricts it to acks of this block.
    pub fn of_block(self, id: u64) -> Self {
        self.when(move |event| matches!(event, Event::Ack { block, .. } if *block == id))
    }
}

impl<K: Packets> On<K> {
    /// Restricts it to the packet with this 1-based number in its operation.
    pub fn packet(self, number: u64) -> Self {
        self.when(move |event| matches!(event, Event::Packet { nth, .. } if *nth == number))
    }

    /// Restricts it to packets of this block.
    pub fn of_block(self, id: u64) -> Self {
        self.when(move |event| matches!(event, Event::Packet { block, .. } if *block == id))
    }
}

impl<K: Kind> On<K> {
    pub(super) fn verdict(self, verdict: Verdict) -> Fault {
        Fault::new(self.matches, verdict)
    }
}

impl<K> fmt::Debug for On<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "On<{}>", std::any::type_name::<K>())
    }
}
