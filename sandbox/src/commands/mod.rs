//! One file for each command.

use std::io::Write;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::failure::Failure;

pub(crate) mod admin;
pub(crate) mod config;
pub(crate) mod control;
pub(crate) mod datanode;
pub(crate) mod env;
pub(crate) mod exec;
mod kdc_dir;
pub(crate) mod namenode;
pub(crate) mod up;

/// Runs the part that waits for signals and for commands. The servers have their own threads.
fn serve<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    take_descriptors();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("no runtime can be made", error))?;
    let done = runtime.block_on(future);
    // Do not wait a second time for servers that did not end.
    runtime.shutdown_background();
    done
}

/// Raises the limit of open descriptors above the usual 1,024 if permitted, because the connections
/// of all servers share it. It does not use the full permitted limit: a child command inherits it,
/// and some programs close every possible descriptor.
fn take_descriptors() {
    const ENOUGH: u64 = 16_384;
    let limit = getrlimit(Resource::Nofile);
    let possible = limit.maximum.map_or(ENOUGH, |most| most.min(ENOUGH));
    if limit.current.is_some_and(|current| current < possible) {
        let current = Some(possible);
        // On failure, fewer connections can be served at once.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, ..limit });
    }
}

/// Prints to standard output. A closed pipe is not a reason to end.
fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}
