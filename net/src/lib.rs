//! The front door of every server: sockets, and nothing about the protocols that are spoken on
//! them.
//!
//! - [`bind`](mod@bind): listening sockets, two sockets on one port, and closed ports that stay
//!   reserved
//! - [`Port`]: accepts connections and serves each of them in its own task, within [`Limits`]
//! - [`Place`]: one connection's entry among those of its port, and what it holds
//! - [`IdleRule`]: closes idle connections by the server's clock
//! - [`Datagrams`]: answers datagrams, at once or later, those of different clients at the same
//!   time
//! - [`within`], [`Deadline`]: limits in real time; a peer cannot extend them
//! - [`Linger`]: closes a connection so that the peer can read the last answer
//! - [`Stop`]: ends a server from one of its own connections
//! - [`Gate`]: pauses a server with all its connections, and closes connections
//!
//! A connection's task gets the accepted stream before anything was read from it. A server that
//! speaks TLS wraps the stream there, under the same [`Deadline`] as the rest of its handshake:
//! everything here that reads or writes takes any stream.

pub mod bind;
mod connections;
mod datagrams;
mod gate;
mod idle;
mod linger;
mod port;
mod stop;
mod time;

use connections::Connections;

pub use bind::{HeldPort, Sockets, reachable};
pub use connections::{Limits, Place};
pub use datagrams::{Answer, Datagrams};
pub use gate::{Gate, Peer, inherited};
pub use idle::IdleRule;
pub use linger::Linger;
pub use port::{Accepted, Port};
pub use stop::Stop;
pub use time::{Deadline, within};
