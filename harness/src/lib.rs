//! A Kerberos realm and a secure HDFS inside your test process: real wire protocols, real clients,
//! and a clock that you control.
//!
//! # Getting started
//!
//! [`Cluster::secure`], [`Cluster::simple`] and [`Realm`] (the KDC alone) start without arguments;
//! their builders take everything else.
//!
//! ```no_run
//! use std::time::Duration;
//! use hdfs_native::{ClientBuilder, WriteOptions};
//! use kerbox::{Cluster, ErrorCode, TestResult};
//!
//! #[tokio::test]
//! async fn only_a_ticket_renewed_in_time_outlives_its_end() -> TestResult {
//!     let cluster = Cluster::secure()
//!         .ticket_lifetime(Duration::from_hours(10))
//!         .renewable_lifetime(Duration::from_hours(7 * 24))
//!         .start()
//!         .await?;
//!     let alice = cluster.login("alice").await?; // a TGT in a FILE cache
//!     let _env = alice.enter_env(); // KRB5_CONFIG, KRB5CCNAME, HADOOP_CONF_DIR, until dropped
//!     let connect = || ClientBuilder::new().with_url(cluster.url()).build(); // the real client
//!
//!     let mut file = connect()?.create("/user/alice/report", WriteOptions::default()).await?;
//!     file.write_bytes("42".into()).await?;
//!     file.close().await?;
//!
//!     cluster.advance(Duration::from_hours(9)).await?;
//!     alice.renew().await?;
//!     cluster.advance(Duration::from_hours(9)).await?; // past the first end time
//!     connect()?.get_file_info("/user/alice/report").await?;
//!
//!     cluster.advance_past(alice.ticket().end_time).await?; // end time + allowed clock skew
//!     assert!(connect()?.get_file_info("/user/alice/report").await.is_err()); // libkrb5 refuses by itself
//!     let too_late = alice.renew().await.unwrap_err(); // an expired ticket cannot be renewed
//!     assert_eq!(too_late.kerberos_code(), Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED));
//!
//!     alice.login_again().await?;
//!     connect()?.get_file_info("/user/alice/report").await?;
//!     Ok(())
//! }
//! ```
//!
//! There are users `alice`, `bob` and `jupyter` with `/user/NAME`, and the superuser `hdfs`, each
//! with a keytab and its name as password; services `hdfs`, `nn`, `dn`, `sn`, `HTTP` and `host` on
//! `localhost`. [`NewPrincipal`] makes others, before the start or after it.
//!
//! # Time
//!
//! All servers of a fixture share one [`Clock`]. [`Cluster::advance`] moves it forward through
//! every timer on the way, [`Cluster::jump`] sets it, [`Cluster::skew`] lets one server's clock go
//! wrong. Credential caches in the fixture's directory get the new time offset in their headers, so
//! that MIT's library follows; `kinit` takes the KDC's time anyway. Programs that only know
//! the system's clock, as the JVM's and Go's, are put under the fixture's by
//! [`Cluster::command_under_clock`], on Linux.
//!
//! # Seeing and failing
//!
//! Every exchange is an [`Event`]. The [`Journal`] has them all, can be counted in and waited on,
//! and its end is printed when a test fails: when a fixture is dropped in a panic, which is how a
//! test that returns [`TestResult`] fails. [`Cluster::inject`] installs a [`Fault`], or a closure
//! over the same events, until its guard is dropped; strikes are events, too. A realm can have
//! several servers ([`RealmBuilder::kdcs`]), of which a test stops or silences one while the others
//! serve.
//!
//! # Isolation
//!
//! Fixtures bind free ports, have a directory and a realm name of their own, and change nothing
//! global: they run in parallel, in one process or many (cargo-nextest). Dropping one ends its
//! thread and removes its directory; `KERBOX_KEEP=1` keeps it, `KERBOX_KEEP=on-failure`
//! if a test panics or returns an error as [`TestResult`]; what a killed run leaves is removed by a
//! later one.
//!
//! Programs get their environment by [`Login::command`] and [`Login::env`]. Clients inside the
//! process that take a cache by name, such as hdfs-native's `with_kerberos_cache`, work in parallel
//! after [`use_shared_krb5_conf`]; those that look at the environment alone need
//! [`Login::enter_env`], one test at a time: others of the process wait for its guard's end.
//!
//! # Runtimes
//!
//! The servers run on a thread and a runtime of their own, since libgssapi blocks inside async
//! functions. The `async` functions here can be awaited on any executor, and each has a `_blocking`
//! twin.

#![warn(missing_docs)]

mod builder;
mod captured;
mod ccaches;
mod client_env;
mod cluster;
mod cluster_builder;
mod datanodes;
#[doc(hidden)]
pub mod directory;
mod env_guard;
mod error;
mod faults;
mod hadoop_conf;
mod hdfs;
mod hook;
mod journal;
mod kdcs;
mod keytab_files;
mod listen;
mod login;
mod principals;
mod programs;
mod realm;
mod realm_core;
mod realms;
mod running;
mod runtime;
mod settings;
mod settings_checks;
mod shared_conf;
mod test_result;
mod world;
mod world_methods;

pub use builder::RealmBuilder;
pub use client_env::ClientEnv;
pub use cluster::Cluster;
pub use cluster_builder::{ClusterBuilder, Protection};
pub use datanodes::Datanode;
pub use env_guard::EnvGuard;
pub use error::Error;
pub use faults::{Fault, FaultGuard, Rule};
pub use journal::{Entry, Journal};
pub use kdcs::KdcServer;
pub use kerbox_events::{Event, Outcome, Server, TgsKind, Verdict};
pub use kerbox_kdc::{Pac, PacAccount, PacDomain, RealmConfig, Sid};
pub use kerbox_krb5::client::Credentials;
pub use kerbox_krb5::{Clock, EncryptionType, ErrorCode, Principal, Timestamp};
pub use login::Login;
pub use principals::NewPrincipal;
pub use realm::Realm;
pub use realms::Trust;
pub use shared_conf::{shared_krb5_conf, use_shared_krb5_conf};
pub use test_result::{TestError, TestResult};
pub use world_methods::SkewGuard;

/// The README, whose code is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
