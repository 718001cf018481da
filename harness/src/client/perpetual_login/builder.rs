//! The settings of a perpetual login.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::{Clock, Principal, Timestamp};

use crate::Error;
use crate::client::environment::ClientEnv;
use crate::client::relogin::{self, Rules};

/// A failed attempt of a [`PerpetualLogin`](super::PerpetualLogin), for its listener.
///
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
/// use kerbox::Realm;
///
/// let realm = Realm::start_blocking()?;
/// let (heard, failures) = mpsc::channel();
/// let _login = realm
///     .perpetual_login("alice")?
///     .on_failure(move |failure| drop(heard.send(failure.clone())))
///     .start_blocking()?;
/// realm.stop_kdc();
/// realm.advance_blocking(Duration::from_secs(9 * 3600))?;
/// let first = failures.try_recv().expect("the KDC is down");
/// assert_eq!(first.failures, 1);
/// # Ok::<(), kerbox::Error>(())
/// ```
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

/// Settings of a [`PerpetualLogin`](super::PerpetualLogin), from
/// [`Realm::perpetual_login`](crate::Realm::perpetual_login) or
/// [`from_keytab`](super::PerpetualLogin::from_keytab).
///
/// ```
/// use std::time::Duration;
///
/// let realm = kerbox::Realm::start_blocking()?;
/// let login = realm
///     .perpetual_login("alice")?
///     .ticket_lifetime(Duration::from_secs(2 * 3600))
///     .refresh_at(0.5)
///     .start_blocking()?;
/// realm.advance_blocking(Duration::from_secs(90 * 60))?;
/// assert_eq!(login.refreshes(), (1, 0)); // one renewal, no new login
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone)]
pub struct PerpetualLoginBuilder {
    pub(super) principal: Principal,
    pub(super) keytab: PathBuf,
    pub(super) kdcs: Vec<SocketAddr>,
    pub(super) cache: PathBuf,
    pub(super) clock: Clock,
    pub(super) env: ClientEnv,
    pub(super) lifetime: Duration,
    pub(super) renewable_lifetime: Duration,
    pub(super) rules: Rules,
    pub(super) limit: Duration,
    pub(super) listener: Option<Listener>,
    pub(super) seed: u64,
}

impl PerpetualLoginBuilder {
    pub(super) fn new(principal: Principal, keytab: PathBuf, cache: PathBuf) -> Self {
        Self {
            principal,
            keytab,
            kdcs: Vec::new(),
            cache,
            clock: Clock::system(),
            env: ClientEnv::default(),
            lifetime: Duration::from_secs(10 * 3600),
            renewable_lifetime: Duration::from_secs(7 * 24 * 3600),
            rules: Rules {
                share: relogin::SHARE,
                minimum: relogin::MINIMUM_INTERVAL,
            },
            limit: Duration::from_secs(10),
            listener: None,
            seed: RandomState::new().build_hasher().finish(),
        }
    }

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

    /// Sets the environment that [`run_as`](super::PerpetualLogin::run_as) extends by the cache.
    /// The default is empty.
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
    /// of [`refresh_blocking`](super::PerpetualLogin::refresh_blocking).
    #[must_use]
    pub fn on_failure(mut self, listener: impl Fn(&LoginFailure) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }
}

impl fmt::Debug for PerpetualLoginBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PerpetualLoginBuilder({})", self.principal)
    }
}
