//! The messages of `proto/`, as compiled by prost: `tests/proto.rs` writes them and keeps them
//! true.
//!
//! They are here, not made by a build script, because that would have everybody who uses Kerbox
//! compile a protobuf compiler first.

#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    reason = "generated code"
)]

/// `hadoop.common`: RPC headers, SASL, tokens, the protocols that every server has.
pub mod common {
    include!("proto/hadoop.common.rs");
}

/// `hadoop.hdfs`: the NameNode's and DataNodes' protocols.
pub mod hdfs {
    include!("proto/hadoop.hdfs.rs");
}
