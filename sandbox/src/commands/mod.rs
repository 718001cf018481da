//! One file for each command.

use std::io::Write;

use kerbox_events::Printable;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::failure::Failure;

pub(crate) mod admin;
pub(crate) mod config;
pub(crate) mod env;
pub(crate) mod exec;
pub(crate) mod up;

/// Runs what waits: for signals and for commands. The servers have threads of their own.
fn serve<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    take_descriptors();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("no runtime can be made", error))?;
    let done = runtime.block_on(future);
    // Servers that would not end are not waited for a second time.
    runtime.shutdown_background();
    done
}

/// Allows this process more descriptors than the usual 1,024, if it may have them: the connections
/// of all its servers share them. Not all that it may have: a command that it runs inherits the
/// limit, and some close each possible one.
fn take_descriptors() {
    const ENOUGH: u64 = 16_384;
    let limit = getrlimit(Resource::Nofile);
    let possible = limit.maximum.map_or(ENOUGH, |most| most.min(ENOUGH));
    if limit.current.is_some_and(|current| current < possible) {
        let current = Some(possible);
        // Without it, fewer connections are served at once.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, ..limit });
    }
}

/// Prints on standard output. That nobody reads it any more is no reason to end.
fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

/// Says something that is no failure, on standard error.
pub(crate) fn note(text: impl std::fmt::Display) {
    // Some of it is what peers call themselves.
    let _ = writeln!(std::io::stderr().lock(), "kerbox: {}", Printable(text));
}
