//! Servers under a NameNode that is not the fixture's.

mod access;
mod datanode;

pub use datanode::{DatanodeDaemon, DatanodeDaemonBuilder};
