//! The DataNode: replicas in files, and the DataTransferProtocol, version 28.
//!
//! - [`link`]: how NameNode and DataNodes speak in one process
//! - `block_store`: replicas and their checksums in files
//! - `checksum`, `packet`: chunks, packets, acks
//! - `sasl`, `stream`: the handshake before the first operation, and the protection of all bytes after it

mod block_store;
mod checksum;
pub mod link;
mod packet;
mod sasl;
mod stream;
