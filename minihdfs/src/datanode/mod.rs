//! The DataNode: replicas in files, and the DataTransferProtocol, version 28.
//!
//! - [`DataNode`]: its lifecycle; `bp_service_actor`, `unreported`: its communication with the
//!   NameNode; `recovery_worker`: block recovery as the primary DataNode; [`LocalPeers`]: the other
//!   DataNodes of the process; `reach`: faults on the way to other servers
//! - `overview`: its state, for the pages that show it
//! - `block_store`: replicas and their checksums in files; [`DataStorage`]: the identity of their
//!   folders
//! - `checksum`, `packet`: chunks, packets, acks
//! - `pipeline`: one DataNode's part in a write pipeline
//! - `client_datanode_protocol`: the RPC interface for clients; `administration`: its part for
//!   administrators; `inter_datanode`: that for other
//!   DataNodes
//! - `sasl`, `stream`: the handshake before the first operation, and the protection of all bytes
//!   after it
//! - [`driver`]: a NameNode and DataNodes in other processes
//! - [`serve`]: the sockets

mod administration;
mod block_store;
mod bp_service_actor;
mod checksum;
mod client_datanode_protocol;
mod data_storage;
pub mod driver;
mod inter_datanode;
mod life;
mod local_peers;
mod node;
#[cfg(feature = "web")]
mod overview;
mod packet;
mod pipeline;
mod reach;
mod recovery_worker;
mod sasl;
mod server;
mod stream;
mod superusers;
#[cfg(test)]
mod test_namenode;
mod unreported;

pub use block_store::StorageFolder;
pub use data_storage::DataStorage;
pub use local_peers::LocalPeers;
pub use node::{DataNode, DataNodeContext};
#[cfg(feature = "web")]
pub(crate) use server::files;
pub use server::serve;
