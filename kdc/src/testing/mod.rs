//! For tests of a KDC: the value that drives it and its clients, and requests that no client sends,
//! also for its sockets and for MIT's krb5kdc. Other crates' tests get them with the feature
//! `testing`.

pub mod armor;
pub mod corpus;
mod pair;

pub use pair::{Pair, REALM, principal};
