//! The KDC behind its sockets, used by the `krb5` crate: an independent client in pure Rust.

mod fast;
mod pac;
mod passwords;
mod support;
mod tickets;
mod transport;
