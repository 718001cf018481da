//! A Kerberos realm and a secure HDFS inside your test process.

#![warn(missing_docs)]

mod client_env;
mod directory;
mod error;
mod faults;
mod hadoop_conf;
mod hook;
mod journal;
mod runtime;

pub use client_env::{ClientEnv, EnvGuard};
pub use error::Error;
pub use faults::{Fault, FaultGuard, Rule};
pub use journal::{Entry, Journal};
pub use kerbox_events::{Event, Outcome, Server, TgsKind, Verdict};
pub use kerbox_krb5::{Clock, ErrorCode, Principal, Timestamp};

/// Placeholder for the doc link.
pub fn shared_krb5_conf() {}
