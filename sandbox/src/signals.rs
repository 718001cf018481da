//! External reasons to stop a sandbox.

use std::io::Read;

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::oneshot;

use crate::failure::Failure;

/// A reason to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// A signal arrived.
    Signal(Signal),
    /// Standard input was closed, and `--exit-on-stdin-eof` was given.
    StdinClosed,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Signal(Signal::INT) => "SIGINT",
            Self::Signal(Signal::TERM) => "SIGTERM",
            Self::Signal(Signal::HUP) => "SIGHUP",
            Self::Signal(_) => "SIGQUIT",
            Self::StdinClosed => "the end of standard input",
        })
    }
}

/// Watches signals and standard input from its creation on.
pub(crate) struct Ends {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hang_up: unix::Signal,
    quit: unix::Signal,
    stdin: Option<oneshot::Receiver<()>>,
}

impl Ends {
    /// Starts watching; requires a tokio runtime.
    pub(crate) fn watch(stdin: bool) -> Result<Self, Failure> {
        let signal = |kind| {
            unix::signal(kind).map_err(|error| Failure::io("signals cannot be caught", error))
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            stdin: stdin.then(stdin_closed),
        })
    }

    /// Waits for the next reason to stop.
    pub(crate) async fn next(&mut self) -> End {
        let stdin = async {
            match &mut self.stdin {
                Some(closed) => {
                    // An error means that the reading thread is gone, and standard input with it.
                    let _ = closed.await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => End::Signal(Signal::INT),
            _ = self.terminate.recv() => End::Signal(Signal::TERM),
            _ = self.hang_up.recv() => End::Signal(Signal::HUP),
            _ = self.quit.recv() => End::Signal(Signal::QUIT),
            () = stdin => {
                self.stdin = None;
                End::StdinClosed
            }
        }
    }
}

/// Resolves when standard input ends. A separate thread reads it, because a file or a terminal
/// cannot be polled. The process does not wait for that thread when it ends.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (closed, watch) = oneshot::channel();
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        let mut unread = [0; 4096];
        while matches!(stdin.read(&mut unread), Ok(1..)) {}
        let _ = closed.send(());
    });
    watch
}
