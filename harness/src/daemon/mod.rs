//! Servers under a NameNode that is not the fixture's.

mod access;
mod datanode;
mod ports;
#[cfg(feature = "web")]
mod web;

pub use datanode::{DatanodeDaemon, DatanodeDaemonBuilder};
