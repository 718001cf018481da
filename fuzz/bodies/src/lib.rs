//! The bodies of the fuzz targets. Each takes a peer's bytes, whatever they are, and must return.
//!
//! `cargo fuzz run TARGET` (from the folder `fuzz`) hunts with coverage. `cargo test -p
//! kerbox-fuzz-bodies` replays every input that once crashed (`fuzz/testdata/TARGET/`), and runs
//! each target on its seeds: whole, truncated and mutated.

mod data_transfer;
mod files;
mod gss;
mod hdfs;
mod hdfs_seeds;
mod kdc;
mod messages;
mod rpc_client;
mod tokens;
mod world;

pub use data_transfer::data_transfer;
pub use files::{ccache, keytab, names};
pub use gss::{ap_request, gss_context_token, gss_message};
pub use hdfs::{namenode_calls, rpc_secure, rpc_simple};
pub use kdc::{as_answer, kdc_handle, kdc_pac, kdc_tgs_body, kpasswd, tgs_answer};
pub use messages::messages;
pub use rpc_client::rpc_client;
pub use tokens::{digest_md5, tokens};

/// A fuzz target: its name, its body, and initial inputs.
pub struct Target {
    /// The name of the target, of its file, and of the folder of its crashes.
    pub name: &'static str,
    /// Takes any bytes; a panic is a bug.
    pub body: fn(&[u8]),
    /// Valid inputs that reach deep into the code.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: [Target; 19] = [
    Target {
        name: "keytab",
        body: keytab,
        seeds: files::keytab_seeds,
    },
    Target {
        name: "ccache",
        body: ccache,
        seeds: files::ccache_seeds,
    },
    Target {
        name: "names",
        body: names,
        seeds: files::name_seeds,
    },
    Target {
        name: "messages",
        body: messages,
        seeds: messages::seeds,
    },
    Target {
        name: "kdc_handle",
        body: kdc_handle,
        seeds: kdc::request_seeds,
    },
    Target {
        name: "kdc_tgs_body",
        body: kdc_tgs_body,
        seeds: kdc::body_seeds,
    },
    Target {
        name: "kdc_pac",
        body: kdc_pac,
        seeds: kdc::pac_seeds,
    },
    Target {
        name: "as_answer",
        body: as_answer,
        seeds: kdc::answer_seeds,
    },
    Target {
        name: "tgs_answer",
        body: tgs_answer,
        seeds: kdc::answer_seeds,
    },
    Target {
        name: "gss_context_token",
        body: gss_context_token,
        seeds: gss::context_seeds,
    },
    Target {
        name: "gss_message",
        body: gss_message,
        seeds: gss::message_seeds,
    },
    Target {
        name: "kpasswd",
        body: kpasswd,
        seeds: kdc::kpasswd_seeds,
    },
    Target {
        name: "rpc_simple",
        body: rpc_simple,
        seeds: hdfs_seeds::simple_seeds,
    },
    Target {
        name: "rpc_secure",
        body: rpc_secure,
        seeds: hdfs_seeds::secure_seeds,
    },
    Target {
        name: "rpc_client",
        body: rpc_client,
        seeds: rpc_client::seeds,
    },
    Target {
        name: "namenode_calls",
        body: namenode_calls,
        seeds: hdfs_seeds::call_seeds,
    },
    Target {
        name: "data_transfer",
        body: data_transfer,
        seeds: data_transfer::seeds,
    },
    Target {
        name: "tokens",
        body: tokens,
        seeds: tokens::token_seeds,
    },
    Target {
        name: "digest_md5",
        body: digest_md5,
        seeds: tokens::digest_seeds,
    },
];
