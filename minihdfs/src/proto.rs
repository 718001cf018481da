//! The messages of `proto/`, as compiled by prost.

#![allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, reason = "generated code")]

/// `hadoop.common`: RPC headers, SASL, tokens, the protocols that every server has.
pub mod common {
    include!(concat!(env!("OUT_DIR"), "/hadoop.common.rs"));
}

/// `hadoop.hdfs`: the NameNode's and DataNodes' protocols.
pub mod hdfs {
    include!(concat!(env!("OUT_DIR"), "/hadoop.hdfs.rs"));
}
