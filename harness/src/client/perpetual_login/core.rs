//! The part of a perpetual login that its thread shares: attempts, and what came of them.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use kerbox_krb5::client::{
    AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::sleep::Hold;
use kerbox_krb5::{EncryptionKey, Keytab, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::builder::{LoginFailure, PerpetualLoginBuilder};
use crate::Error;
use crate::client::environment::ClientEnv;
use crate::client::relogin::{Rules, Way};
use crate::client::waiting::wait_until;
use crate::client::{ccaches, kdc_socket};

/// The part of a login that its thread shares.
pub(super) struct Core {
    pub(super) settings: PerpetualLoginBuilder,
    pub(super) env: ClientEnv,
    state: Mutex<State>,
    /// Notified after each attempt.
    attempted: Condvar,
    rng: Mutex<StdRng>,
    is_stopped: AtomicBool,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) ticket: Option<Credentials>,
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
    pub(super) renewals: u64,
    pub(super) logins: u64,
}

impl Core {
    pub(super) fn new(settings: PerpetualLoginBuilder) -> Self {
        let cache = file_name(&settings.cache);
        Self {
            env: settings.env.clone().with("KRB5CCNAME", cache),
            rng: Mutex::new(StdRng::seed_from_u64(settings.seed)),
            settings,
            state: Mutex::new(State::default()),
            attempted: Condvar::new(),
            is_stopped: AtomicBool::new(false),
        }
    }

    /// Ends [`run`](Self::run) once its thread is woken.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Each change is complete when the lock is released.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refreshes the ticket whenever it is due, until the login is stopped.
    pub(super) fn run(&self, hold: Hold) {
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
    pub(super) fn refresh(&self) -> Result<(), Arc<Error>> {
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

    pub(super) fn log_in(&self) -> Result<Credentials, Error> {
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
    pub(super) fn keep(&self, ticket: Credentials) -> Result<(), Error> {
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

fn file_name(cache: &Path) -> OsString {
    let mut name = OsString::from("FILE:");
    name.push(cache);
    name
}
