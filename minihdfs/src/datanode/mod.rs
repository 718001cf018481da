//! The DataNode: replicas in files, and the DataTransferProtocol, version 28.
//!
//! - [`link`]: how NameNode and DataNodes speak in one process

pub mod link;
