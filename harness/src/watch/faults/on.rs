//! Builders of faults, typed by the event that they strike.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{Event, Latch, Operation, Server, Verdict};
use kerbox_krb5::ErrorCode;

use super::Rule;
use super::fault::{Fault, Matches, is_by};

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

/// A kind of event that faults strike.
///
/// ```
/// use kerbox::fault_kinds::{Kind, On};
/// use kerbox::{Fault, Journal, Realm};
///
/// /// Fails if the servers have seen anything of this kind while `action` ran.
/// fn without<K: Kind>(journal: &Journal, what: On<K>, action: impl FnOnce()) {
///     let unexpected = journal.expect(what).never();
///     action();
///     unexpected.verify().expect("nothing of the kind");
/// }
/// let realm = Realm::start_blocking()?;
/// without(&realm.journal(), Fault::on_logins(), || ());
/// # Ok::<(), kerbox::Error>(())
/// ```
pub trait Kind {}
/// A kind of event that waits for an answer or moves bytes.
///
/// ```
/// use std::time::Duration;
/// use kerbox::Fault;
///
/// let slow_calls = Fault::on_calls().delay(Duration::from_millis(50));
/// let cut_connections = Fault::on_connections().disconnect().with_probability(0.1);
/// ```
pub trait Exchange: Kind {}
/// A kind of event that names a user.
///
/// ```
/// let fault = kerbox::Fault::on_calls().of("alice").disconnect();
/// ```
///
/// Packets name no user:
///
/// ```compile_fail
/// let fault = kerbox::Fault::on_read_packets().of("alice").disconnect();
/// ```
pub trait NamesUser: Kind {}
/// A kind of event that a Hadoop server can answer with an exception.
///
/// ```
/// use kerbox::Fault;
///
/// let fault = Fault::on_rpc("mkdirs").exception("java.io.IOException", "not today").once();
/// ```
pub trait Throws: Kind {}
/// Data packets in one of the two directions.
///
/// ```
/// use kerbox::Fault;
///
/// let dies_while_it_sends = Fault::on_read_packets().packet(5).kill();
/// let dies_while_it_stores = Fault::on_written_packets().packet(5).kill();
/// ```
pub trait Packets: Kind {}
/// A kind of event with bytes that can be corrupted.
///
/// ```
/// use kerbox::{Fault, Server};
///
/// let bad_disk = Fault::on_written_packets().at(Server::DataNode(2)).corrupt();
/// ```
pub trait SpoilsBytes: Kind {}

/// AS and TGS exchanges and password changes.
///
/// ```
/// use kerbox::{ErrorCode, Fault, Realm};
///
/// let realm = Realm::start_blocking()?;
/// let locked = Fault::on_logins().of("bob").krb_error(ErrorCode::KDC_ERR_CLIENT_REVOKED);
/// let _fault = realm.inject(locked);
/// let refused = realm.login_blocking("bob").expect_err("his account is locked");
/// assert_eq!(refused.kerberos_code(), Some(ErrorCode::KDC_ERR_CLIENT_REVOKED));
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum KdcExchange {}
/// The SASL handshake of an RPC connection, and the check of its ticket.
///
/// ```
/// use kerbox::{Cluster, ErrorCode, Fault};
///
/// let cluster = Cluster::secure().start_blocking()?;
/// let skewed = Fault::on_ticket_checks().of("alice").krb_error(ErrorCode::KRB_AP_ERR_SKEW);
/// let _fault = cluster.inject(skewed);
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum Handshake {}
/// Connections that open.
///
/// ```
/// use kerbox::{Cluster, Fault, Server};
///
/// let cluster = Cluster::simple().start_blocking()?;
/// let refused = Fault::on_connections().at(Server::NameNode(1)).disconnect().once();
/// let _fault = cluster.inject(refused);
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum Connecting {}
/// Hadoop RPC calls.
///
/// ```
/// use kerbox::{Cluster, Fault};
///
/// let cluster = Cluster::simple().start_blocking()?;
/// // The directory is made, but its client never hears of it, and asks again.
/// let _fault = cluster.inject(Fault::on_rpc("mkdirs").under("/user/alice").lose_reply().once());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum Rpc {}
/// READ_BLOCK and WRITE_BLOCK.
///
/// ```
/// use kerbox::{Cluster, Fault, Server};
///
/// let cluster = Cluster::simple().datanodes(2).start_blocking()?;
/// let _fault = cluster.inject(Fault::on_writes().at(Server::DataNode(1)).disk_full());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum BlockData {}
/// The other operations of the DataTransferProtocol.
///
/// ```
/// use kerbox::{Cluster, Fault, Operation};
///
/// let cluster = Cluster::simple().start_blocking()?;
/// let _fault = cluster.inject(Fault::on_operation(Operation::BlockChecksum).disconnect());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum BlockOperation {}
/// Heartbeats of DataNodes.
///
/// ```
/// use std::time::Duration;
/// use kerbox::{Cluster, Fault, Server};
///
/// let cluster = Cluster::simple().datanodes(2).start_blocking()?;
/// let _fault = cluster.inject(Fault::on_heartbeats().at(Server::DataNode(2)).lose());
/// cluster.advance_blocking(Duration::from_secs(20 * 60))?;
/// assert_eq!(cluster.namenode().live_datanodes(), 1); // the NameNode took it for dead
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum Heartbeats {}
/// Data packets that are sent to a reader.
///
/// ```
/// use kerbox::{Cluster, Fault, Server};
///
/// let cluster = Cluster::simple().datanodes(2).start_blocking()?;
/// // A client notices, and reads from the other DataNode.
/// let _fault = cluster.inject(Fault::on_read_packets().at(Server::DataNode(1)).wrong_checksums());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum ReadPackets {}
/// Data packets that are about to be stored.
///
/// ```
/// use kerbox::{Cluster, Fault, Server};
///
/// let cluster = Cluster::simple().datanodes(2).start_blocking()?;
/// let slow_disk = Fault::on_written_packets().at(Server::DataNode(1)).bandwidth(1 << 20);
/// let _fault = cluster.inject(slow_disk);
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum WrittenPackets {}

impl Kind for Heartbeats {}
impl Kind for KdcExchange {}
impl Kind for Handshake {}
impl Kind for Connecting {}
impl Kind for Rpc {}
impl Kind for BlockData {}
impl Kind for BlockOperation {}
impl Kind for ReadPackets {}
impl Kind for WrittenPackets {}
impl Exchange for KdcExchange {}
impl Exchange for Handshake {}
impl Exchange for Connecting {}
impl Exchange for Rpc {}
impl Exchange for BlockData {}
impl Exchange for BlockOperation {}
impl Exchange for ReadPackets {}
impl Exchange for WrittenPackets {}
impl Packets for ReadPackets {}
impl Packets for WrittenPackets {}
impl NamesUser for KdcExchange {}
impl NamesUser for Handshake {}
impl NamesUser for Rpc {}
impl Throws for Handshake {}
impl Throws for Rpc {}
impl Throws for BlockData {}
impl Throws for BlockOperation {}
impl SpoilsBytes for KdcExchange {}
impl SpoilsBytes for Rpc {}
impl SpoilsBytes for BlockData {}
impl SpoilsBytes for ReadPackets {}
impl SpoilsBytes for WrittenPackets {}

/// The builders.
impl Fault {
    /// Strikes AS exchanges: logins.
    pub fn on_logins() -> On<KdcExchange> {
        On::new(|event| matches!(event, Event::AsExchange { .. }))
    }

    /// Strikes AS and TGS exchanges: logins, renewals, service tickets.
    pub fn on_ticket_requests() -> On<KdcExchange> {
        On::new(|event| matches!(event, Event::AsExchange { .. } | Event::TgsExchange { .. }))
    }

    /// Strikes TGS exchanges for this service, for instance `nn/localhost`, with or without its
    /// realm.
    pub fn on_service_tickets(service: &str) -> On<KdcExchange> {
        let wanted = service.to_owned();
        let tickets = On::new(|event| matches!(event, Event::TgsExchange { .. }));
        tickets.when(move |event| {
            matches!(event, Event::TgsExchange { service, .. } if service
                .strip_prefix(&*wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('@')))
        })
    }

    /// Strikes password changes.
    pub fn on_password_changes() -> On<KdcExchange> {
        On::new(|event| matches!(event, Event::PasswordChange { .. }))
    }

    /// Strikes the checks of clients' tickets at RPC ports.
    pub fn on_ticket_checks() -> On<Handshake> {
        On::new(|event| matches!(event, Event::ApExchange { .. }))
    }

    /// Strikes the ends of SASL handshakes at RPC ports.
    pub fn on_handshakes() -> On<Handshake> {
        On::new(|event| matches!(event, Event::Sasl { .. }))
    }

    /// Strikes new connections to Hadoop's servers.
    pub fn on_connections() -> On<Connecting> {
        On::new(|event| matches!(event, Event::Connection { opened: true, .. }))
    }

    /// Strikes all RPC calls.
    pub fn on_calls() -> On<Rpc> {
        On::new(|event| matches!(event, Event::RpcCall { .. }))
    }

    /// Strikes calls of this method: `getFileInfo`, `addBlock`, ….
    pub fn on_rpc(method: &str) -> On<Rpc> {
        let wanted = method.to_owned();
        Self::on_calls().when(
            move |event| matches!(event, Event::RpcCall { method, .. } if **method == *wanted),
        )
    }

    /// Strikes READ_BLOCK.
    pub fn on_reads() -> On<BlockData> {
        On::new(|event| matches!(event, Event::ReadBlock { .. }))
    }

    /// Strikes WRITE_BLOCK.
    pub fn on_writes() -> On<BlockData> {
        On::new(|event| matches!(event, Event::WriteBlock { .. }))
    }

    /// Strikes another operation of the DataTransferProtocol.
    pub fn on_operation(operation: Operation) -> On<BlockOperation> {
        On::new(|event| matches!(event, Event::DataTransfer { .. })).when(
            move |event| matches!(event, Event::DataTransfer { operation: at, .. } if *at == operation),
        )
    }

    /// Strikes the heartbeats of DataNodes.
    pub fn on_heartbeats() -> On<Heartbeats> {
        On::new(|event| matches!(event, Event::Heartbeat { .. }))
    }

    /// Strikes packets that are sent to a reader.
    pub fn on_read_packets() -> On<ReadPackets> {
        On::new(|event| matches!(event, Event::Packet { writing: false, .. }))
    }

    /// Strikes packets that are about to be stored.
    pub fn on_written_packets() -> On<WrittenPackets> {
        On::new(|event| matches!(event, Event::Packet { writing: true, .. }))
    }
}

/// The restrictions of a fault.
impl<K: Kind> On<K> {
    fn new(kind: impl Fn(&Event) -> bool + Clone + Send + 'static) -> Self {
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
        self.when(
            move |event| matches!(event, Event::RpcCall { path: Some(path), .. } if **path == *wanted),
        )
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
            matches!(event, Event::ReadBlock { block, .. } | Event::WriteBlock { block, .. } if *block == id)
        })
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
    fn verdict(self, verdict: Verdict) -> Fault {
        Fault::new(self.matches, verdict)
    }
}

impl On<Heartbeats> {
    /// Loses them on the way. What else the DataNode reports still arrives.
    pub fn lose(self) -> Fault {
        self.verdict(Verdict::Drop)
    }
}

/// The verdicts that all exchanges, connections and packets take.
impl<K: Exchange> On<K> {
    /// Waits this long, in real time, then goes on.
    pub fn delay(self, delay: Duration) -> Fault {
        self.verdict(Verdict::Delay(delay))
    }

    /// Waits until the fixture's clock has gone on by this much, then goes on, at the time that it
    /// is by then.
    ///
    /// ```
    /// use kerbox::{Event, Fault, Realm};
    /// use std::time::Duration;
    ///
    /// let realm = Realm::start_blocking()?;
    /// let hour = Duration::from_secs(3600);
    /// let _slow = realm.inject(Fault::on_logins().delay_by_clock(hour).once());
    /// let struck = |event: &Event| matches!(event, Event::Fault { .. });
    /// std::thread::scope(|scope| {
    ///     let login = scope.spawn(|| realm.login_blocking("alice"));
    ///     realm.journal().wait_blocking(struck, Duration::from_secs(60))?;
    ///     realm.advance_blocking(hour)?;
    ///     // The request is an hour old by now.
    ///     assert!(login.join().expect("no panic").is_err());
    ///     Ok::<(), kerbox::Error>(())
    /// })?;
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn delay_by_clock(self, delay: Duration) -> Fault {
        self.verdict(Verdict::DelayByClock(delay))
    }

    /// Waits until the test opens the latch, then goes on, at the time that it is by then.
    ///
    /// ```
    /// use kerbox::{Event, Fault, Latch, Realm, Verdict};
    /// use std::time::Duration;
    ///
    /// let realm = Realm::start_blocking()?;
    /// let latch = Latch::new();
    /// let _fault = realm.inject(Fault::on_logins().hold(&latch).once());
    /// let held = |event: &Event| matches!(event, Event::Fault { verdict: Verdict::Hold(_), .. });
    /// std::thread::scope(|scope| {
    ///     let login = scope.spawn(|| realm.login_blocking("alice"));
    ///     realm.journal().wait_blocking(held, Duration::from_secs(60))?;
    ///     realm.advance_blocking(Duration::from_secs(3600))?;
    ///     latch.open();
    ///     // The request is an hour old by now.
    ///     assert!(login.join().expect("no panic").is_err());
    ///     Ok::<(), kerbox::Error>(())
    /// })?;
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn hold(self, latch: &Latch) -> Fault {
        self.verdict(Verdict::Hold(latch.clone()))
    }

    /// Does nothing and says nothing, but keeps the connection.
    pub fn silence(self) -> Fault {
        self.verdict(Verdict::Drop)
    }

    /// Closes the connection instead of acting.
    pub fn disconnect(self) -> Fault {
        self.verdict(Verdict::Disconnect)
    }

    /// Stops the server, as if its process were killed.
    pub fn kill(self) -> Fault {
        self.verdict(Verdict::Kill)
    }
}

impl On<KdcExchange> {
    /// Answers with this KRB-ERROR.
    pub fn krb_error(self, code: ErrorCode) -> Fault {
        self.verdict(Verdict::KrbError(code))
    }

    /// Carries out the exchange, but loses the answer.
    pub fn lose_reply(self) -> Fault {
        self.verdict(Verdict::LoseReply)
    }

    /// Carries out the exchange, but sends only this many bytes of the answer. On a connection
    /// these include the length in front, and the connection is closed.
    pub fn cut_reply(self, bytes: usize) -> Fault {
        self.verdict(Verdict::CutReply(bytes))
    }
}

impl<K: Packets> On<K> {
    /// Lets this many bytes a second through, in real time, in each operation.
    ///
    /// # Panics
    /// Panics if the rate is 0; [`silence`](On::silence) stops the packets.
    pub fn bandwidth(mut self, bytes_per_second: u32) -> impl Rule + use<K> {
        assert!(
            bytes_per_second > 0,
            "a rate of 0 bytes a second: use .silence()"
        );
        move |event: &Event| match event {
            Event::Packet { length, .. } if (self.matches)(event) => {
                let seconds = *length as f64 / f64::from(bytes_per_second);
                Verdict::Delay(Duration::from_secs_f64(seconds))
            }
            _ => Verdict::Pass,
        }
    }
}

impl On<ReadPackets> {
    /// Sends wrong checksums with intact data.
    pub fn wrong_checksums(self) -> Fault {
        self.verdict(Verdict::WrongChecksums)
    }
}

impl On<BlockData> {
    /// Answers as a DataNode whose disk is full.
    pub fn disk_full(self) -> Fault {
        self.exception(
            "org.apache.hadoop.util.DiskChecker$DiskOutOfSpaceException",
            "Out of space: The volume with the most available space (=0 B) is less than the block \
             size.",
        )
    }
}

impl On<Handshake> {
    /// Fails the handshake with this KRB-ERROR.
    pub fn krb_error(self, code: ErrorCode) -> Fault {
        self.verdict(Verdict::KrbError(code))
    }
}

impl<K: Throws> On<K> {
    /// Answers with an exception of this Java class; data transfer with an error status and this
    /// message.
    pub fn exception(self, class: &str, message: impl Into<Arc<str>>) -> Fault {
        self.verdict(Verdict::Exception {
            class: class.into(),
            message: message.into(),
        })
    }
}

impl<K: SpoilsBytes> On<K> {
    /// Goes on, but corrupts the bytes that are sent or stored. Their number stays the same.
    pub fn corrupt(self) -> Fault {
        self.verdict(Verdict::Corrupt)
    }
}

impl On<Rpc> {
    /// Carries out the call, but loses the response. The connection stays.
    pub fn lose_reply(self) -> Fault {
        self.verdict(Verdict::LoseReply)
    }

    /// Carries out the call, but sends only this many bytes of the response, the length in front
    /// included, and closes the connection.
    pub fn cut_reply(self, bytes: usize) -> Fault {
        self.verdict(Verdict::CutReply(bytes))
    }

    /// Sends the response in pieces of this many bytes.
    pub fn chop_reply(self, bytes: usize) -> Fault {
        self.verdict(Verdict::ChopReply(bytes))
    }
}

impl<K> fmt::Debug for On<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "On<{}>", std::any::type_name::<K>())
    }
}
