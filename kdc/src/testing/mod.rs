//! Requests for tests of a KDC: alone, over its sockets, and next to MIT's krb5kdc. Other crates'
//! tests get them with the feature `testing`.

pub mod armor;
pub mod corpus;
