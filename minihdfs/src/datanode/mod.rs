//! The DataNode: replicas in files, and the DataTransferProtocol, version 28.
//!
//! - [`link`]: how NameNode and DataNodes speak in one process
//! - [`DataNode`]: its life and its talk with the NameNode; `recovery`: block recovery as its
//!   primary
//! - `block_store`: replicas and their checksums in files
//! - `checksum`, `packet`: chunks, packets, acks
//! - `pipeline`: a DataNode's part in a write pipeline
//! - `client_protocol`: what clients ask by RPC
//! - `sasl`, `stream`: the handshake before the first operation, and the protection of all bytes
//!   after it
//! - [`serve`]: the sockets

mod block_store;
mod checksum;
mod client_protocol;
pub mod link;
mod node;
mod packet;
mod pipeline;
mod recovery;
mod sasl;
mod server;
mod stream;
#[cfg(test)]
mod test_namenode;

pub use node::{DataNode, DataNodeContext};
pub use server::serve;
