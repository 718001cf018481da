//! The DataNode: replicas in files, and the DataTransferProtocol, version 28.
//!
//! - [`link`]: how NameNode and DataNodes speak in one process
//! - `block_store`: replicas and their checksums in files
//! - `checksum`, `packet`: chunks, packets, acks

mod block_store;
mod checksum;
pub mod link;
mod packet;
