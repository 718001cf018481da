//! The answering side of the control socket. It has threads of its own: a request may move the
//! clock, which the servers' thread must not wait for.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fmt, fs, thread};

use super::served::{Served, Turn};
use super::{Answer, FaultRequest};
use crate::Error;

/// Maximum size of a request in bytes.
const LONGEST: u64 = 1 << 20;
/// Time limit for reading a client's request, and for writing its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A control socket, from [`Cluster::serve_control`](crate::Cluster::serve_control) or
/// [`Realm::serve_control`](crate::Realm::serve_control). Dropping it closes and removes the
/// socket.
///
/// ```
/// let realm = kerbox::Realm::start_blocking()?;
/// let path = realm.path().join("control.sock");
/// let control = realm.serve_control(&path)?;
/// assert!(path.exists());
/// drop(control);
/// assert!(!path.exists());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[must_use = "the socket is closed as soon as this is dropped: bind it to a name, `let _control = ...`"]
pub struct Control {
    path: PathBuf,
    served: Arc<Served>,
    ends: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Control {
    /// Binds the socket and answers on it.
    pub(crate) fn start(path: &Path, served: Arc<Served>) -> Result<Self, Error> {
        let cannot = || Error::io(format!("bind the control socket {}", path.display()));
        let listener = UnixListener::bind(path).map_err(cannot())?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(cannot())?;
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let answered = Arc::clone(&served);
        let thread = thread::Builder::new()
            .name("kerbox-control".to_owned())
            .spawn(move || serve(&listener, &answered, &told))
            .map_err(cannot())?;
        Ok(Self {
            path: path.to_owned(),
            served,
            ends,
            thread: Some(thread),
        })
    }

    /// Injects a fault that `kerbox fault list` shows and `remove` removes, and returns its number.
    ///
    /// # Errors
    /// Fails if it cannot be carried out.
    pub fn add_fault(&self, fault: &FaultRequest) -> Result<u64, String> {
        self.served.add_fault(fault)
    }

    /// Returns the path of the socket.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes the thread, which then sees the flag. If that fails, the socket is gone already,
        // and the thread must not be waited for.
        if UnixStream::connect(&self.path).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Control at {}", self.path.display())
    }
}

/// Accepts clients, and gives each its own thread, so that a slow one does not block others.
fn serve(listener: &UnixListener, served: &Arc<Served>, ends: &AtomicBool) {
    for client in listener.incoming() {
        if ends.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else {
            // The system has no descriptor left.
            thread::yield_now();
            continue;
        };
        let Some(turn) = served.turn() else {
            continue;
        };
        // The turn ends with the thread, or here if there is none.
        let _ = thread::Builder::new()
            .name("kerbox-control".to_owned())
            .spawn(move || {
                // A client that hangs up early or does not read needs no answer.
                let _ = converse(&turn, &client);
            });
    }
}

fn converse(turn: &Turn, mut client: &UnixStream) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(client.take(LONGEST)).read_line(&mut line)?;
    let answer = serde_json::from_str(&line)
        .map_err(|error| error.to_string())
        .and_then(|request| turn.answer(request));
    let answer = match answer {
        Ok(value) => Answer::Done(value),
        Err(why) => Answer::Refused(why),
    };
    let answer = serde_json::to_string(&answer).unwrap_or_default() + "\n";
    client.write_all(answer.as_bytes())?;
    client.shutdown(Shutdown::Both)
}
