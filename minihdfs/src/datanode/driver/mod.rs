//! A NameNode and other DataNodes that are not in this process, called by Hadoop RPC.
//!
//! - [`RemoteNameNode`]: DatanodeProtocol; [`RemotePeers`]: InterDatanodeProtocol
//! - `calls`: calls that block, on a thread with a runtime of its own

mod calls;
mod namenode;
mod peers;

use kerbox_krb5::{Clock, Principal};

pub use calls::CallThread;
pub use namenode::RemoteNameNode;
pub use peers::RemotePeers;

use crate::rpc::client::driver::TicketSource;
use crate::rpc::client::{ClientSettings, Identity};

/// How a DataNode calls other servers.
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
