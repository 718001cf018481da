//! A login that never ends, for a service: the ticket is renewed, and replaced from the keytab, for
//! as long as the service runs.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use kerbox_krb5::client::{
    AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::sleep::Hold;
use kerbox_krb5::{Clock, EncryptionKey, Keytab, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::environment::ClientEnv;
use super::relogin::{self, Rules, Way};
use super::waiting::wait_until;
use super::{ccaches, kdc_socket};
use crate::Error;

/// A failed attempt of a [`PerpetualLogin`], for its listener.
#[derive(Clone, Debug)]
pub struct LoginFailure {
    /// The reason.
    pub error: Arc<Error>,
    /// The number of failures in a row, with this one.
    pub failures: u32,
    /// The time of the next attempt.
    pub next: Timestamp,
}

type Listener = Arc<dyn Fn(&LoginFailure) + Send + Sync>;

/// Settings of a [`PerpetualLogin`], from [`Realm::perpetual_login`](crate::Realm::perpetual_login)
/// or [`PerpetualLogin::from_keytab`].
#[derive(Clone)]
pub struct PerpetualLoginBuilder {
    principal: Principal,
    keytab: PathBuf,
    kdcs: Vec<SocketAddr>,
    cache: PathBuf,
    clock: Clock,
    env: ClientEnv,
    lifetime: Duration,
    renewable_lifetime: Duration,
    rules: Rules,
    limit: Duration,
    listener: Option<Listener>,
    seed: u64,
}

impl PerpetualLoginBuilder {
    /// Adds a KDC: its TCP address. They are asked in this order.
    #[must_use]
    pub fn kdc(mut self, address: SocketAddr) -> Self {
        self.kdcs.push(address);
        self
    }

    /// Sets the clock. The default is the system's.
    #[must_use]
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.clock = clock.clone();
        self
    }

    /// Sets the seed of nonces and of the random part of pauses. The default is random.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the environment that [`PerpetualLogin::run_as`] extends by the cache. The default is
    /// empty.
    #[must_use]
    pub fn env(mut self, env: ClientEnv) -> Self {
        self.env = env;
        self
    }

    /// Sets the lifetime to request. The default is ten hours.
    #[must_use]
    pub fn ticket_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the renewable lifetime to request; zero for tickets that cannot be renewed. The default
    /// is seven days.
    #[must_use]
    pub fn renewable_lifetime(mut self, lifetime: Duration) -> Self {
        self.renewable_lifetime = lifetime;
        self
    }

    /// Sets the share of a ticket's life after which it is refreshed. The default is 0.8, as in
    /// Hadoop's `UserGroupInformation`.
    #[must_use]
    pub fn refresh_at(mut self, share: f64) -> Self {
        self.rules.share = share;
        self
    }

    /// Sets the shortest time between two attempts. The default is 60 seconds, as
    /// `hadoop.kerberos.min.seconds.before.relogin`. Pauses after failures double from here.
    #[must_use]
    pub fn minimum_interval(mut self, interval: Duration) -> Self {
        self.rules.minimum = interval;
        self
    }

    /// Sets how long to wait for one KDC, in real time. The default is ten seconds.
    #[must_use]
    pub fn kdc_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sets a listener for failures. It is called in the login's own thread, or in that of a caller
    /// of [`PerpetualLogin::refresh_blocking`].
    #[must_use]
    pub fn on_failure(mut self, listener: impl Fn(&LoginFailure) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Logs in, and starts the thread that keeps the login alive. Fails if the first login does.
    pub async fn start(self) -> Result<PerpetualLogin, Error> {
        self.start_blocking()
    }

    /// Blocking variant of [`start`](Self::start).
    pub fn start_blocking(self) -> Result<PerpetualLogin, Error> {
        let env = self.env.clone().with("KRB5CCNAME", file_name(&self.cache));
        let seed = self.seed;
        let core = Arc::new(Core {
            settings: self,
            env,
            state: Mutex::new(State::default()),
            attempted: Condvar::new(),
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            is_stopped: AtomicBool::new(false),
        });
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

fn file_name(cache: &Path) -> std::ffi::OsString {
    let mut name = std::ffi::OsString::from("FILE:");
    name.push(cache);
    name
}

impl fmt::Debug for PerpetualLoginBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PerpetualLoginBuilder({})", self.principal)
    }
}

/// A login from a keytab that lasts as long as this value: the ticket is renewed after 80 % of its
/// life, and replaced from the keytab when it cannot be renewed, or when that fails. The cache file
/// is replaced as a whole, so that a client never reads half of it.
///
/// It goes by a [`Clock`], so that a test plays a week in milliseconds:
///
/// ```
/// use std::time::Duration;
///
/// let realm = kerbox::Realm::start_blocking()?;
/// let service = realm.perpetual_login("alice")?.start_blocking()?;
/// realm.advance_blocking(Duration::from_hours(30 * 24))?;
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
        PerpetualLoginBuilder {
            principal,
            keytab: keytab.into(),
            kdcs: Vec::new(),
            cache: cache.into(),
            clock: Clock::system(),
            env: ClientEnv::default(),
            lifetime: Duration::from_hours(10),
            renewable_lifetime: Duration::from_hours(7 * 24),
            rules: Rules {
                share: relogin::SHARE,
                minimum: relogin::MINIMUM_INTERVAL,
            },
            limit: Duration::from_secs(10),
            listener: None,
            seed: RandomState::new().build_hasher().finish(),
        }
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
        self.core.is_stopped.store(true, Ordering::Release);
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

/// The part of a login that its thread shares.
struct Core {
    settings: PerpetualLoginBuilder,
    env: ClientEnv,
    state: Mutex<State>,
    /// Notified after each attempt.
    attempted: Condvar,
    rng: Mutex<StdRng>,
    is_stopped: AtomicBool,
}

#[derive(Default)]
struct State {
    ticket: Option<Credentials>,
    /// True while an attempt is made.
    is_busy: bool,
    /// Counts the attempts that have ended.
    attempts: u64,
    /// The result of the last attempt.
    failure: Option<Arc<Error>>,
    /// Failures in a row.
    failures: u32,
    /// The time of the last success, and of the next attempt.
    refreshed: Timestamp,
    next: Timestamp,
    renewals: u64,
    logins: u64,
}

impl Core {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is complete when the lock is released.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refreshes the ticket whenever it is due, until the login is stopped.
    fn run(&self, hold: Hold) {
        let mut hold = Some(hold);
        loop {
            let next = self.state().next;
            let clock = &self.settings.clock;
            if !wait_until(clock, next, &self.is_stopped, hold.take()) {
                return;
            }
            // A refresh that a caller asked for may have changed the time.
            if self.state().next <= clock.now() {
                // The listener hears of a failure.
                let _ = self.attempt();
            }
        }
    }

    /// Refreshes the ticket for a caller.
    fn refresh(&self) -> Result<(), Arc<Error>> {
        let state = self.state();
        let since = self.settings.clock.now().since(state.refreshed);
        if !state.is_busy && state.failure.is_none() && since < self.settings.rules.minimum {
            return Ok(());
        }
        drop(state);
        self.attempt()
    }

    /// Makes an attempt, or waits for the result of the one that is under way.
    fn attempt(&self) -> Result<(), Arc<Error>> {
        let mut state = self.state();
        if state.is_busy {
            let attempts = state.attempts;
            while state.attempts == attempts {
                state = (self.attempted.wait(state)).unwrap_or_else(PoisonError::into_inner);
            }
            return state.failure.clone().map_or(Ok(()), Err);
        }
        state.is_busy = true;
        let old = state.ticket.clone();
        drop(state);
        // Time must not be moved on while the KDC is asked.
        let hold = self.settings.clock.hold();
        let refreshed = self.renew_or_log_in(old.as_ref());
        let result = refreshed.and_then(|(ticket, way)| self.keep(ticket).map(|()| way));
        let result = self.settle(result);
        drop(hold);
        result
    }

    /// Notes the result of an attempt, and reports a failure.
    fn settle(&self, result: Result<Way, Error>) -> Result<(), Arc<Error>> {
        let mut state = self.state();
        state.is_busy = false;
        state.attempts += 1;
        let failure = match result {
            Ok(way) => {
                match way {
                    Way::Renew => state.renewals += 1,
                    Way::LogIn => state.logins += 1,
                }
                None
            }
            Err(error) => {
                let error = Arc::new(error);
                state.failure = Some(Arc::clone(&error));
                state.failures = state.failures.saturating_add(1);
                let now = self.settings.clock.now();
                let rules = &self.settings.rules;
                let rng = &mut *self.rng();
                state.next = rules.after_failure(state.failures, state.ticket.as_ref(), now, rng);
                Some(LoginFailure {
                    error,
                    failures: state.failures,
                    next: state.next,
                })
            }
        };
        drop(state);
        self.attempted.notify_all();
        let Some(failure) = failure else {
            return Ok(());
        };
        if let Some(listener) = &self.settings.listener {
            listener(&failure);
        }
        Err(failure.error)
    }

    fn renew_or_log_in(&self, old: Option<&Credentials>) -> Result<(Credentials, Way), Error> {
        let now = self.settings.clock.now();
        if let Some(old) = old
            && Rules::way(old, now) == Way::Renew
            && let Ok(renewed) = self.renew(old)
        {
            return Ok((renewed, Way::Renew));
        }
        Ok((self.log_in()?, Way::LogIn))
    }

    fn renew(&self, old: &Credentials) -> Result<Credentials, Error> {
        let refused = |error| Error::refused("renew", &old.client, error);
        let now = self.settings.clock.now();
        let request = TgsRequest::renew(old);
        let (exchange, bytes) =
            TgsExchange::new(old, request, now, &mut *self.rng()).map_err(refused)?;
        exchange.finish(&self.ask(&bytes)?).map_err(refused)
    }

    fn log_in(&self) -> Result<Credentials, Error> {
        let settings = &self.settings;
        let keys = self.keys()?;
        let mut request = InitialRequest::new(settings.principal.clone());
        request.enctypes = keys.iter().map(EncryptionKey::enctype).collect();
        request.lifetime = settings.lifetime;
        request.renewable_lifetime = settings.renewable_lifetime;
        request.preauthenticate = true;
        let refused = |error| Error::refused("login", &settings.principal, error);
        let now = settings.clock.now();
        let (mut exchange, mut bytes) =
            AsExchange::new(request, Secret::Keys(keys), now, &mut *self.rng()).map_err(refused)?;
        loop {
            let answer = self.ask(&bytes)?;
            match exchange.step(&answer, &mut *self.rng()).map_err(refused)? {
                AsStep::Send(next) => bytes = next,
                AsStep::Done(ticket) => return Ok(*ticket),
            }
        }
    }

    /// Returns the newest keys of the principal, read anew: an administrator may have rolled them.
    fn keys(&self) -> Result<Vec<EncryptionKey>, Error> {
        let (path, principal) = (&self.settings.keytab, &self.settings.principal);
        let keytab = Keytab::read(path)?;
        let own = || {
            let entries = keytab.entries();
            entries.filter(|entry| entry.principal() == principal)
        };
        let newest = own().map(|entry| entry.kvno()).max();
        let keys: Vec<EncryptionKey> = own()
            .filter(|entry| Some(entry.kvno()) == newest)
            .filter_map(|entry| entry.key().cloned())
            .collect();
        if keys.is_empty() {
            return Err(Error::NoKeys {
                principal: principal.clone(),
                keytab: path.clone(),
            });
        }
        Ok(keys)
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Error> {
        let settings = &self.settings;
        kdc_socket::exchange(&settings.kdcs, request, settings.limit).map_err(Error::io(format!(
            "reach a KDC of {}",
            settings.principal.realm()
        )))
    }

    /// Stores a new ticket.
    fn keep(&self, ticket: Credentials) -> Result<(), Error> {
        ccaches::write(&self.settings.cache, &ticket, &self.settings.clock)?;
        let now = self.settings.clock.now();
        let mut state = self.state();
        state.next = self.settings.rules.after_success(&ticket, now);
        state.refreshed = now;
        state.failure = None;
        state.failures = 0;
        state.ticket = Some(ticket);
        Ok(())
    }

    fn rng(&self) -> MutexGuard<'_, StdRng> {
        // A generator is valid in any state.
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
