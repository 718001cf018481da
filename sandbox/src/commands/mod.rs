//! One file for each command.

use std::io::Write;

use crate::failure::Failure;

pub(crate) mod admin;
pub(crate) mod config;
pub(crate) mod env;
pub(crate) mod exec;
pub(crate) mod up;

/// Runs what waits: for signals and for commands. The servers have threads of their own.
fn serve<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("no runtime can be made", error))?;
    let done = runtime.block_on(future);
    // Servers that would not end are not waited for a second time.
    runtime.shutdown_background();
    done
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
    let _ = writeln!(std::io::stderr().lock(), "kerbox: {text}");
}
