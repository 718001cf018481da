//! Tests of the KDC over its sockets with the `krb5` crate, an independent client in pure Rust.

mod bad_input;
mod fast;
mod memory;
mod pac;
mod passwords;
mod prober;
mod support;
mod tickets;
mod transport;
