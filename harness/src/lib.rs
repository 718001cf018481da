//! A Kerberos realm and a secure HDFS inside your test process: real wire protocols, real clients,
//! and a clock that you control.
//!
//! # Getting started
//!
//! [`Cluster::secure`], [`Cluster::simple`] and [`Realm`] (the KDC alone) start without arguments;
//! their builders have all further settings.
//!
//! ```no_run
//! use std::time::Duration;
//! use hdfs_native::{ClientBuilder, WriteOptions};
//! use kerbox::{Cluster, ErrorCode, TestResult};
//!
//! #[tokio::test]
//! async fn only_a_ticket_renewed_in_time_outlives_its_end() -> TestResult {
//!     let cluster = Cluster::secure()
//!         .ticket_lifetime(Duration::from_secs(10 * 3600))
//!         .renewable_lifetime(Duration::from_secs(7 * 24 * 3600))
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
//!     cluster.advance(Duration::from_secs(9 * 3600)).await?;
//!     alice.renew().await?;
//!     cluster.advance(Duration::from_secs(9 * 3600)).await?; // past the first end time
//!     connect()?.get_file_info("/user/alice/report").await?;
//!
//!     cluster.advance_past(alice.ticket().end_time).await?; // end time + allowed clock skew
//!     // libkrb5 refuses by itself.
//!     assert!(connect()?.get_file_info("/user/alice/report").await.is_err());
//!     let too_late = alice.renew().await.unwrap_err(); // an expired ticket cannot be renewed
//!     assert_eq!(too_late.kerberos_code(), Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED));
//!
//!     alice.login_again().await?;
//!     connect()?.get_file_info("/user/alice/report").await?;
//!     Ok(())
//! }
//! ```
//!
//! By default there are the users `alice`, `bob` and `jupyter` with `/user/NAME`, and the superuser
//! `hdfs`, each with a keytab and its name as password. There are also the services `hdfs`, `nn`,
//! `dn`, `sn`, `HTTP` and `host` on `localhost`. [`NewPrincipal`] adds others, before or after the
//! start.
//!
//! # Time
//!
//! All servers of a fixture share one [`Clock`]. [`Cluster::advance`] moves it forward and runs
//! every timer on the way, [`Cluster::jump`] sets it, and [`Cluster::skew`] makes one server's
//! clock wrong. Credential caches in the fixture's directory get the new time offset in their
//! headers, which MIT's library follows; `kinit` uses the KDC's time anyway. Programs that know
//! only the system's clock, such as those on the JVM or in Go, are put under the fixture's clock
//! with [`Cluster::command_under_clock`], on Linux.
//!
//! # Events and faults
//!
//! Every exchange is an [`Event`]. Tests count events in the [`Journal`] and wait for them. Its end
//! is printed when a test fails, that is, when a fixture is dropped during a panic; a test that
//! returns [`TestResult`] fails by panicking. [`Cluster::inject`] installs a [`Fault`], or a
//! closure over the same events, until its guard is dropped; strikes are events, too. A realm can
//! have several servers ([`RealmBuilder::kdcs`]), and a test can stop or silence one while the
//! others serve.
//!
//! # Isolation
//!
//! Fixtures bind free ports, have their own directory and realm name, and change nothing global.
//! They can run in parallel, in one process or many (cargo-nextest). Dropping a fixture ends its
//! thread and removes its directory. `KERBOX_KEEP=1` keeps the directory; `KERBOX_KEEP=on-failure`
//! keeps it if a test panics or returns an error as [`TestResult`]. A later run removes what a
//! killed run leaves.
//!
//! Programs get their environment from [`Login::command`] and [`Login::env`]. Clients in the
//! process that take a cache by name, such as hdfs-native's `with_kerberos_cache`, work in parallel
//! after [`use_shared_krb5_conf`]. Those that only read the environment need [`Login::enter_env`],
//! one test at a time: other tests in the process wait until its guard is dropped.
//!
//! # Runtimes
//!
//! The servers run on their own thread and runtime, because libgssapi blocks inside async
//! functions. The `async` functions here can be awaited on any executor, and each has a `_blocking`
//! twin.

#![warn(missing_docs)]

mod client;
mod cluster;
#[cfg(feature = "web")]
mod console;
pub mod control;
mod daemon;
#[doc(hidden)]
pub mod directory;
mod elsewhere;
mod error;
mod persistent;
mod programs;
mod realm;
mod realm_alone;
mod serve_control;
mod servers;
pub mod spec;
mod test_result;
mod watch;
mod world;

pub use client::env_guard::EnvGuard;
pub use client::environment::ClientEnv;
pub use client::krb5_conf::{shared_krb5_conf, use_shared_krb5_conf};
pub use client::perpetual_login::{LoginFailure, PerpetualLogin, PerpetualLoginBuilder};
pub use cluster::partition::Side;
pub use cluster::tokens::{IssuedToken, TokenBuilder};
pub use cluster::{Cluster, ClusterBuilder};
pub use control::Control;
pub use daemon::{DatanodeDaemon, DatanodeDaemonBuilder};
pub use error::Error;
pub use kerbox_events::{
    ClearField, Event, Facts, Latch, Mechanism, Operation, Outcome, PreAuth, Qop, Server,
    SessionFacts, StateChange, TgsKind, TicketFacts, TimerKind, Verdict,
};
pub use kerbox_kdc::{Pac, PacAccount, PacDomain, RealmConfig, Sid};
pub use kerbox_krb5::client::Credentials;
pub use kerbox_krb5::sleep::{Elapsed, Hold, Interval, Sleep, Timeout};
pub use kerbox_krb5::{Clock, EncryptionType, ErrorCode, Principal, Timestamp};
pub use realm::login::{InProcess, Login};
pub use realm::{Realm, RealmBuilder};
#[cfg(feature = "web")]
pub use servers::console::ConsoleServer;
pub use servers::datanodes::Datanode;
pub use servers::kdcs::KdcServer;
pub use servers::namenode::NameNodeServer;
pub use spec::builder::Builder;
pub use spec::{KeyKind, NewPrincipal, Protection, Trust};
pub use test_result::{TestError, TestResult};
pub use watch::entry::Entry;
pub use watch::expectation::Expectation;
pub use watch::faults::{Fault, FaultGuard, Rule};
pub use watch::journal::Journal;
pub use world::methods::SkewGuard;
pub use world::steps::Steps;

/// The types of the builders of [`Fault`].
pub mod fault_kinds {
    pub use crate::watch::faults::{
        Acks, BlockData, BlockOperation, Connecting, Dials, Exchange, Handshake, Heartbeats,
        KdcExchange, Kind, NamesUser, On, Packets, ReadPackets, Reports, Rpc, SpoilsBytes, Throws,
        WrittenPackets,
    };
}

/// The README, compiled together with the documentation so that its code is tested.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
