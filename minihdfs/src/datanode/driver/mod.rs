//! A NameNode and other DataNodes that are not in this process, called by Hadoop RPC.
//!
//! - [`RemoteNameNode`]: DatanodeProtocol; [`RemotePeers`]: InterDatanodeProtocol
//! - `calls`: calls that block, on a thread with a runtime of its own
//!
//! ```no_run
//! use std::sync::Arc;
//! use kerbox_krb5::Clock;
//! use minihdfs::datanode::LocalPeers;
//! use minihdfs::datanode::driver::{CallThread, RemoteAccess, RemoteNameNode, RemotePeers};
//! use minihdfs::protocol::{DatanodeProtocol, StorageInfo};
//! use minihdfs::rpc::client::{ClientSettings, Identity};
//! # use rand::SeedableRng;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
//! let access = RemoteAccess {
//!     identity: Identity::simple("hdfs"), // a NameNode without security
//!     tickets: None,
//!     settings: ClientSettings::default(),
//!     namenode: None,
//!     datanode: None,
//!     clock: Clock::system(),
//! };
//! let thread = Arc::new(CallThread::default());
//! let address = ([127, 0, 0, 1], 8020).into();
//! let namenode = RemoteNameNode::connect(&access, &thread, address, &mut rng)?;
//! let namespace = namenode.version_request();
//! let storage: StorageInfo = namespace.storage;
//! println!("it is {storage}");
//! let pool = namespace.block_pool_id;
//! let peers = RemotePeers::new(Arc::new(LocalPeers::default()), access, thread, pool, &mut rng);
//! # let _ = peers;
//! # Ok(())
//! # }
//! ```

mod calls;
mod namenode;
mod peers;

use kerbox_krb5::{Clock, Principal};

pub use calls::CallThread;
pub use namenode::RemoteNameNode;
pub use peers::RemotePeers;

use crate::rpc::client::driver::TicketSource;
use crate::rpc::client::{ClientSettings, Identity};

/// The settings by which a DataNode calls other servers.
#[derive(Clone)]
pub struct RemoteAccess {
    /// The user that the DataNode is.
    pub identity: Identity,
    /// The source of its tickets, if it has any.
    pub tickets: Option<std::sync::Arc<dyn TicketSource>>,
    /// The settings of its connections, without a server's principal.
    pub settings: ClientSettings,
    /// `dfs.namenode.kerberos.principal`
    pub namenode: Option<Principal>,
    /// `dfs.datanode.kerberos.principal`
    pub datanode: Option<Principal>,
    /// The clock.
    pub clock: Clock,
}
