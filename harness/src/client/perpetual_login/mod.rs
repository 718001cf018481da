//! A login that never ends, for a service: the ticket is renewed, and replaced from the keytab, for
//! as long as the service runs.
//!
//! - `builder`: its settings, and what a listener for failures gets
//! - `core`: attempts, one at a time, and their results

mod builder;
mod core;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, Thread};

use kerbox_krb5::Principal;
use kerbox_krb5::client::Credentials;

use self::core::Core;
use super::environment::ClientEnv;
use crate::Error;
use crate::elsewhere::elsewhere;

pub use builder::{LoginFailure, PerpetualLoginBuilder};

/// The start.
impl PerpetualLoginBuilder {
    /// Logs in, and starts the thread that keeps the login alive. Fails if the first login does.
    pub async fn start(self) -> Result<PerpetualLogin, Error> {
        elsewhere(move || self.start_blocking()).await
    }

    /// Blocking variant of [`start`](Self::start).
    pub fn start_blocking(self) -> Result<PerpetualLogin, Error> {
        let core = Arc::new(Core::new(self));
        core.log_in().and_then(|ticket| core.keep(ticket))?;
        let kept = Arc::clone(&core);
        // Until the thread waits for the clock.
        let hold = core.settings.clock.hold();
        let thread = thread::Builder::new()
            .name("kerbox-login".to_owned())
            .spawn(move || kept.run(hold))
            .map_err(Error::io("start the thread of a login"))?;
        Ok(PerpetualLogin {
            waker: thread.thread().clone(),
            core,
            thread: Mutex::new(Some(thread)),
        })
    }
}

/// A login from a keytab that lasts as long as this value: the ticket is renewed after 80 % of its
/// life, and replaced from the keytab when it cannot be renewed, or when that fails. The cache file
/// is replaced as a whole, so that a client never reads half of it.
///
/// It goes by a [`Clock`](crate::Clock), so that a test plays a week in milliseconds:
///
/// ```
/// use std::time::Duration;
///
/// let realm = kerbox::Realm::start_blocking()?;
/// let service = realm.perpetual_login("alice")?.start_blocking()?;
/// realm.advance_blocking(Duration::from_secs(30 * 24 * 3600))?;
/// assert!(service.ticket().end_time > realm.clock().now());
/// # Ok::<(), kerbox::Error>(())
/// ```
pub struct PerpetualLogin {
    core: Arc<Core>,
    waker: Thread,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl PerpetualLogin {
    /// Returns the settings of a login whose keys are in `keytab` and whose tickets go into
    /// `cache`, with any KDC and the system's clock.
    #[must_use]
    pub fn from_keytab(
        principal: Principal,
        keytab: impl Into<PathBuf>,
        cache: impl Into<PathBuf>,
    ) -> PerpetualLoginBuilder {
        PerpetualLoginBuilder::new(principal, keytab.into(), cache.into())
    }

    /// Returns the principal.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.core.settings.principal
    }

    /// Returns the path of the cache file.
    #[must_use]
    pub fn ccache(&self) -> &Path {
        &self.core.settings.cache
    }

    /// Returns the present ticket. It may have ended, if all attempts to replace it failed.
    #[must_use]
    pub fn ticket(&self) -> Credentials {
        let state = self.core.state();
        state.ticket.clone().expect("the start has stored one")
    }

    /// Returns the number of refreshes since the start: renewals, and logins from the keytab.
    #[must_use]
    pub fn refreshes(&self) -> (u64, u64) {
        let state = self.core.state();
        (state.renewals, state.logins)
    }

    /// Refreshes the ticket now, for a caller whose ticket a server has refused. Only one refresh
    /// runs at a time: callers that come meanwhile wait for its result. Does nothing if the last
    /// one was successful and less than the minimum interval ago.
    pub fn refresh_blocking(&self) -> Result<(), Arc<Error>> {
        self.core.refresh()
    }

    /// Runs an action with the environment of this login, after refreshing a ticket that has ended.
    /// Fails if that is not possible.
    pub fn run_as<T>(&self, action: impl FnOnce(&ClientEnv) -> T) -> Result<T, Arc<Error>> {
        if self.ticket().end_time <= self.core.settings.clock.now() {
            self.core.refresh()?;
        }
        Ok(action(&self.core.env))
    }

    /// Ends the refreshing. The ticket stays in its cache.
    pub fn stop(&self) {
        self.core.stop();
        self.waker.unpark();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = { thread }.take();
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            // A panic of a listener has been printed already.
            let _ = thread.join();
        }
    }
}

impl Drop for PerpetualLogin {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for PerpetualLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PerpetualLogin({})", self.principal())
    }
}
