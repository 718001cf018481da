//! A user's login: a ticket-granting ticket in a FILE cache that every Kerberos client can read.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use kerbox_krb5::Principal;
use kerbox_krb5::client::Credentials;

use crate::Error;
use crate::client::ccaches;
use crate::client::env_guard::EnvGuard;
use crate::client::environment::ClientEnv;
use crate::elsewhere::elsewhere;
use crate::servers::realm_core::RealmCore;

/// A logged-in user, from [`Realm::login`](crate::Realm::login) or
/// [`Cluster::login`](crate::Cluster::login).
///
/// It does not keep the fixture running.
///
/// ```
/// use std::time::Duration;
///
/// let realm = kerbox::Realm::start_blocking()?;
/// let alice = realm.login_blocking("alice")?;
/// assert!(alice.ccache().exists());
/// let first_end = alice.ticket().end_time;
/// realm.advance_blocking(Duration::from_secs(9 * 3600))?;
/// alice.renew_blocking()?;
/// assert!(alice.ticket().end_time > first_end);
/// # Ok::<(), kerbox::Error>(())
/// ```
pub struct Login {
    realm: Arc<RealmCore>,
    principal: Principal,
    ccache: PathBuf,
    env: ClientEnv,
    ticket: Mutex<Credentials>,
}

impl Login {
    pub(crate) fn new(
        realm: Arc<RealmCore>,
        principal: Principal,
        ccache: PathBuf,
        env: &ClientEnv,
    ) -> Result<Self, Error> {
        let ticket = realm.initial_ticket(&principal)?;
        ccaches::write(&ccache, &ticket, realm.clock())?;
        let mut name = std::ffi::OsString::from("FILE:");
        name.push(&ccache);
        Ok(Self {
            env: env.clone().with("KRB5CCNAME", name),
            realm,
            principal,
            ccache,
            ticket: Mutex::new(ticket),
        })
    }

    /// Returns the principal that is logged in.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns the path of the cache file.
    #[must_use]
    pub fn ccache(&self) -> &Path {
        &self.ccache
    }

    /// Returns the ticket-granting ticket currently in the cache, with its times and flags; a
    /// client may have renewed it. If the cache is gone, returns the last ticket that was stored
    /// there.
    #[must_use]
    pub fn ticket(&self) -> Credentials {
        if let Some(ticket) = ccaches::read_tgt(&self.ccache) {
            return ticket;
        }
        self.ticket
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Renews the ticket, as `kinit -R` does. A ticket past its end cannot be renewed:
    /// `KRB_AP_ERR_TKT_EXPIRED`.
    pub async fn renew(&self) -> Result<(), Error> {
        let (realm, ticket) = (Arc::clone(&self.realm), self.ticket());
        let renewed = elsewhere(move || realm.renewed_ticket(&ticket)).await?;
        self.take(renewed)
    }

    /// Blocking variant of [`renew`](Self::renew).
    pub fn renew_blocking(&self) -> Result<(), Error> {
        let renewed = self.realm.renewed_ticket(&self.ticket())?;
        self.take(renewed)
    }

    /// Logs in again with the user's key, as a service does from its keytab.
    pub async fn login_again(&self) -> Result<(), Error> {
        let (realm, principal) = (Arc::clone(&self.realm), self.principal.clone());
        let ticket = elsewhere(move || realm.initial_ticket(&principal)).await?;
        self.take(ticket)
    }

    /// Blocking variant of [`login_again`](Self::login_again).
    pub fn login_again_blocking(&self) -> Result<(), Error> {
        let ticket = self.realm.initial_ticket(&self.principal)?;
        self.take(ticket)
    }

    fn take(&self, ticket: Credentials) -> Result<(), Error> {
        ccaches::write(&self.ccache, &ticket, self.realm.clock())?;
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = ticket;
        Ok(())
    }

    /// Returns the environment in which clients act as this user.
    #[must_use]
    pub fn env(&self) -> ClientEnv {
        self.env.clone()
    }

    /// Returns a command that runs in this user's environment and, where possible, in the fixture's
    /// time; see [`Cluster::command`](crate::Cluster::command).
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.realm.world.command(self.env(), program.as_ref())
    }

    /// Returns a command that runs in this user's environment and in the fixture's time; see
    /// [`Cluster::command_under_clock`](crate::Cluster::command_under_clock).
    pub fn command_under_clock(&self, program: impl AsRef<OsStr>) -> Result<Command, Error> {
        let world = &self.realm.world;
        world.command_under_clock(self.env(), program.as_ref(), false)
    }

    /// The same, and Go and static programs that it starts follow, too; see
    /// [`command_and_children_under_clock`] of the cluster.
    ///
    /// [`command_and_children_under_clock`]: crate::Cluster::command_and_children_under_clock
    pub fn command_and_children_under_clock(
        &self,
        program: impl AsRef<OsStr>,
    ) -> Result<Command, Error> {
        let world = &self.realm.world;
        world.command_under_clock(self.env(), program.as_ref(), true)
    }

    /// Returns the environment in which programs on glibc, and their child processes, act as this
    /// user in the fixture's time.
    pub fn env_under_clock(&self) -> Result<ClientEnv, Error> {
        self.realm.world.env_under_clock(self.env())
    }

    /// Makes this process act as this user until the guard is dropped; see [`ClientEnv::enter`].
    #[track_caller]
    pub fn enter_env(&self) -> EnvGuard {
        self.env.enter()
    }
}

/// The settings of a client in this process, from
/// [`Cluster::in_process`](crate::Cluster::in_process).
///
/// ```
/// let cluster = kerbox::Cluster::secure().start_blocking()?;
/// let [alice, bob] = ["alice", "bob"].map(|user| cluster.login_blocking(user));
/// let [alice, bob] = [cluster.in_process(&alice?), cluster.in_process(&bob?)];
/// assert!(alice.cache.starts_with("FILE:") && alice.cache != bob.cache);
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct InProcess {
    /// The NameNode's URL.
    pub url: String,
    /// The folder of core-site.xml and hdfs-site.xml.
    pub config_dir: String,
    /// The full name of the user.
    pub principal: String,
    /// The name of the credential cache: `FILE:PATH`.
    pub cache: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({} in {})", self.principal, self.ccache.display())
    }
}
