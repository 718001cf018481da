//! The kinds of events that faults strike, as types.

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
/// Calls of DataNodes to the NameNode.
///
/// ```
/// use kerbox::{Cluster, Fault, Server};
///
/// let cluster = Cluster::simple().datanodes(2).start_blocking()?;
/// // The NameNode learns nothing from DataNode 2 until the guard is dropped.
/// let _fault = cluster.inject(Fault::on_reports().at(Server::DataNode(2)).unreachable());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum Reports {}
/// Connections and packets from one DataNode to the next.
///
/// ```
/// use kerbox::{Cluster, Fault, Server};
///
/// let cluster = Cluster::simple().datanodes(2).start_blocking()?;
/// // A pipeline that begins at DataNode 1 ends there.
/// let _fault = cluster.inject(Fault::on_dials().at(Server::DataNode(1)).unreachable());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum Dials {}
/// Acknowledgements of packets in a pipeline.
///
/// ```
/// use kerbox::{Cluster, Fault, Server};
///
/// let cluster = Cluster::simple().datanodes(2).start_blocking()?;
/// // The client waits for the third packet's ack, and then builds another pipeline.
/// let _fault = cluster.inject(Fault::on_acks().at(Server::DataNode(1)).ack(3).silence());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug)]
pub enum Acks {}

impl Kind for Heartbeats {}
impl Kind for Reports {}
impl Kind for Dials {}
impl Kind for Acks {}
impl Kind for KdcExchange {}
impl Kind for Handshake {}
impl Kind for Connecting {}
impl Kind for Rpc {}
impl Kind for BlockData {}
impl Kind for BlockOperation {}
impl Kind for ReadPackets {}
impl Kind for WrittenPackets {}
impl Exchange for Acks {}
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
