//! The values that several descriptions share.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A random port of the loopback interface.
pub(super) const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The default users, each with its name as password and with a home directory.
pub(super) const USERS: [&str; 3] = ["alice", "bob", "jupyter"];

/// The default superuser of HDFS.
pub(super) const SUPERUSER: &str = "hdfs";
