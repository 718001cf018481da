//! A Kerberos realm and a secure HDFS inside your test process.

#![warn(missing_docs)]

mod builder;
mod ccaches;
mod client_env;
mod cluster;
mod cluster_builder;
mod datanodes;
mod directory;
mod error;
mod faults;
mod hadoop_conf;
mod hdfs;
mod hook;
mod journal;
mod login;
mod principals;
mod realm;
mod running;
mod runtime;
mod shared_conf;
mod world;
mod world_methods;

pub use builder::RealmBuilder;
pub use client_env::{ClientEnv, EnvGuard};
pub use cluster::Cluster;
pub use cluster_builder::{ClusterBuilder, Protection};
pub use datanodes::Datanode;
pub use error::Error;
pub use faults::{Fault, FaultGuard, Rule};
pub use journal::{Entry, Journal};
pub use kerbox_events::{Event, Outcome, Server, TgsKind, Verdict};
pub use kerbox_krb5::client::Credentials;
pub use kerbox_krb5::{Clock, EncryptionType, ErrorCode, Principal, Timestamp};
pub use login::Login;
pub use principals::NewPrincipal;
pub use realm::Realm;
pub use shared_conf::{shared_krb5_conf, use_shared_krb5_conf};
pub use world_methods::SkewGuard;

/// The README, whose code is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
