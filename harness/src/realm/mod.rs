//! A realm: the KDC alone, or as part of a cluster.

mod builder;
mod keys;
pub(crate) mod login;

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kerbox_kdc::{Kdc, NewKeys, PrincipalDatabase};
use kerbox_krb5::Principal;
use rand::rngs::StdRng;

use crate::client::environment::{self, ClientEnv};
use crate::elsewhere::elsewhere;
#[cfg(feature = "web")]
use crate::servers::console::{ConsoleServer, ConsoleService};
use crate::servers::kdcs::KdcServer;
use crate::servers::namenode_link::NameNodeLink;
use crate::servers::realm_core::RealmCore;
#[cfg(feature = "web")]
use crate::servers::slot::Slot;
#[cfg(feature = "web")]
use crate::servers::web::authority;
use crate::spec::builder::Builder;
use crate::spec::{NewPrincipal, RealmSpec, Spec};
use crate::world::Fixture;
use crate::world::methods::world_methods;
use crate::{Error, Login, PerpetualLogin, PerpetualLoginBuilder, Server};

/// A Kerberos realm on random ports of 127.0.0.1, with its own clock. Dropping it stops it.
///
/// ```
/// let realm = kerbox::Realm::start_blocking()?;
/// let alice = realm.login_blocking("alice")?;
/// let listed = alice.command("klist").output(); // in her environment, with her ticket
///
/// realm.advance_past_blocking(alice.ticket().end_time)?; // ten hours later, at once
/// assert!(alice.renew_blocking().is_err(), "a ticket past its end cannot be renewed");
/// alice.login_again_blocking()?;
/// # Ok::<(), kerbox::Error>(())
/// ```
pub struct Realm {
    core: Arc<RealmCore>,
    /// `None` in a cluster, which owns the fixture.
    pub(crate) fixture: Option<Fixture>,
    /// The NameNode on which users get home directories, in a cluster.
    pub(crate) namenode: Option<Arc<NameNodeLink>>,
    /// Answers the questions and changes from outside; `None` in a cluster, which has its own. Its
    /// type imports this one: see `realm_alone`.
    pub(crate) served: Option<Arc<dyn Any + Send + Sync>>,
    #[cfg(feature = "web")]
    pub(crate) console: Option<Arc<Slot<ConsoleService>>>,
}

impl Realm {
    /// Starts a realm with all defaults: a random name, users `alice`, `bob`, `jupyter`, and
    /// Hadoop's services on `localhost`.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Blocking variant of [`start`](Self::start).
    pub fn start_blocking() -> Result<Self, Error> {
        Self::builder().start_blocking()
    }

    /// Returns a builder for a realm.
    pub fn builder() -> RealmBuilder {
        RealmBuilder::from(Spec::default())
    }

    /// Starts the KDC in a fixture's world and writes its clients' files.
    pub(crate) fn in_world(fixture: &Fixture, spec: &RealmSpec) -> Result<Self, Error> {
        let core = Arc::new(RealmCore::start(fixture, spec)?);
        Ok(Self {
            core,
            fixture: None,
            namenode: None,
            served: None,
            #[cfg(feature = "web")]
            console: None,
        })
    }

    /// Returns the address of its console, if it was started with
    /// [`console`](RealmBuilder::console).
    #[cfg(feature = "web")]
    #[must_use]
    pub fn console_address(&self) -> Option<SocketAddr> {
        Some(self.console_server()?.address())
    }

    /// Returns `http://localhost:PORT`, where a browser with a ticket opens its console, if it was
    /// started with [`console`](RealmBuilder::console).
    #[cfg(feature = "web")]
    #[must_use]
    pub fn console_url(&self) -> Option<String> {
        Some(format!("http://{}", authority(self.console_address()?)))
    }

    /// Returns the server of its console, which can be stopped, paused and restarted.
    #[cfg(feature = "web")]
    #[must_use]
    pub fn console_server(&self) -> Option<ConsoleServer<'_>> {
        let slot = self.console.as_deref()?;
        Some(ConsoleServer { slot })
    }

    /// Returns the realm's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Returns the UDP and TCP address of the KDC, or of its first server if there are several.
    #[must_use]
    pub fn kdc_address(&self) -> SocketAddr {
        self.core.kdcs.addresses()[0]
    }

    /// Returns the address of each KDC server, in the order of krb5.conf.
    #[must_use]
    pub fn kdc_addresses(&self) -> Vec<SocketAddr> {
        self.core.kdcs.addresses()
    }

    /// Returns the KDC server with this 1-based number, which can be stopped, silenced or restarted
    /// alone. [`RealmBuilder::kdcs`] sets how many there are; the default is one.
    pub fn kdc_server(&self, number: usize) -> Result<KdcServer<'_>, Error> {
        self.core.kdcs.get(number)
    }

    /// Returns the allowed difference between a client's clock and the servers'.
    #[must_use]
    pub fn clock_skew(&self) -> Duration {
        self.core.clock_skew
    }

    /// Returns the full name of `alice`, `nn/localhost`, or a name that already has a realm.
    pub fn principal(&self, name: &str) -> Result<Principal, Error> {
        Ok(Principal::parse(name, &self.core.name)?)
    }

    /// Logs a user in: puts a ticket-granting ticket into a new FILE cache. A user missing from the
    /// database is added first.
    pub async fn login(&self, user: &str) -> Result<Login, Error> {
        self.login_elsewhere(user, self.env()).await
    }

    /// Blocking variant of [`login`](Self::login).
    pub fn login_blocking(&self, user: &str) -> Result<Login, Error> {
        self.login_with_env(user, &self.env())
    }

    /// Logs a user in, on another thread.
    pub(crate) async fn login_elsewhere(&self, user: &str, env: ClientEnv) -> Result<Login, Error> {
        let (realm, user) = (self.handle(), user.to_owned());
        elsewhere(move || realm.login_with_env(&user, &env)).await
    }

    pub(crate) fn login_with_env(&self, user: &str, env: &ClientEnv) -> Result<Login, Error> {
        let principal = self.principal(user)?;
        if self.core.kdc.database().resolve(&principal).is_none() {
            self.add_principal(NewPrincipal::new(user))?;
        }
        Login::new(
            Arc::clone(&self.core),
            principal,
            self.core.new_cache(user)?,
            env,
        )
    }

    /// Returns the settings of a login from the user's keytab that never ends, on the fixture's
    /// clock. It asks the KDC over its port, so that faults and outages reach it. A user missing
    /// from the database is added first.
    pub fn perpetual_login(&self, user: &str) -> Result<PerpetualLoginBuilder, Error> {
        self.perpetual_login_with_env(user, self.env())
    }

    pub(crate) fn perpetual_login_with_env(
        &self,
        user: &str,
        env: ClientEnv,
    ) -> Result<PerpetualLoginBuilder, Error> {
        let principal = self.principal(user)?;
        if self.core.kdc.database().resolve(&principal).is_none() {
            self.add_principal(NewPrincipal::new(user))?;
        }
        let (keytab, cache) = (self.keytab(user)?, self.core.new_cache(user)?);
        let login = PerpetualLogin::from_keytab(principal, keytab, cache)
            .clock(&self.core.world.clock)
            .seed(self.core.world.seed)
            .env(env);
        let kdcs = self.core.kdcs.addresses();
        Ok(kdcs.into_iter().fold(login, PerpetualLoginBuilder::kdc))
    }

    /// Adds a principal and its keytab while the KDC runs.
    pub fn add_principal(&self, principal: NewPrincipal) -> Result<Principal, Error> {
        let name = self.principal(&principal.name)?;
        let keytab = principal.keytab_name(&name);
        let new = principal.in_realm(&self.core.name)?;
        let file = keytab.map(|keytab| self.core.keytab_file(&keytab, &name));
        let file = file.transpose()?;
        let kdc = &self.core.kdc;
        kdc.update(|database, rng| database.add(new, rng))?;
        if let Some(file) = file
            && let Err(error) = self.core.add_to_keytab(&file, &name)
        {
            // The update was all or nothing, so the principal exists only because of us: remove it
            // again.
            let _ = kdc.update(|database, _| database.remove(&name));
            return Err(error);
        }
        self.follow_keys(&name);
        Ok(name)
    }

    /// Gives the new keys of a principal to the console, if they are those that it accepts.
    pub(crate) fn follow_keys(&self, principal: &Principal) {
        #[cfg(feature = "web")]
        if let Some(console) = &self.console {
            console.service.follow_keys(principal);
        }
        #[cfg(not(feature = "web"))]
        let _ = principal;
    }

    /// Like [`add_principal`](Self::add_principal). In a cluster a user also gets `/user/NAME` if
    /// nothing exists there.
    #[doc(hidden)]
    pub fn add_user(&self, principal: NewPrincipal) -> Result<Principal, Error> {
        let name = self.add_principal(principal)?;
        if let (Some(link), [user]) = (&self.namenode, name.components())
            && name.realm() == self.name()
            && !user.contains('/')
        {
            let home = format!("/user/{user}");
            let now = self.core.world.new_clock(Server::NameNode(1)).now();
            let namenode = link.namenode();
            // Fails if the name makes an invalid path; such a user gets no home directory.
            if let Ok(false) = namenode.has(&home) {
                namenode.make_directory(now, &home, user, user, 0o755)?;
            }
        }
        Ok(name)
    }

    /// Gives a principal new random keys and returns their version, the next one. Existing keytabs
    /// stay unchanged. Older keys are removed unless `keep_old` is set.
    pub fn change_keys(&self, name: &str, keep_old: bool) -> Result<u32, Error> {
        let principal = self.principal(name)?;
        let change = |database: &mut PrincipalDatabase, rng: &mut StdRng| {
            database.change_keys(&principal, &NewKeys::Random, keep_old, rng)
        };
        Ok(self.core.kdc.update(change)?)
    }

    /// Returns the KDC itself, for state that no protocol exposes. Its database can be read and
    /// changed while it runs.
    #[must_use]
    pub fn kdc(&self) -> &Arc<Kdc> {
        &self.core.kdc
    }

    /// Stops all servers of the KDC. Clients are refused until [`restart_kdc`](Self::restart_kdc).
    pub fn stop_kdc(&self) {
        self.core.kdcs.all().for_each(|server| server.stop());
    }

    /// Restarts a KDC that was stopped, or killed by a fault, at the same addresses with the same
    /// database.
    pub fn restart_kdc(&self) -> Result<(), Error> {
        self.core.kdcs.all().try_for_each(|server| server.restart())
    }

    /// Returns the keytab file of a principal; writes it first if there is none.
    pub fn keytab(&self, name: &str) -> Result<PathBuf, Error> {
        let principal = self.principal(name)?;
        self.core.own_keytab(&principal)
    }

    /// Returns the environment in which Kerberos clients find this realm, with a separate cache
    /// that is empty at first.
    #[must_use]
    pub fn env(&self) -> ClientEnv {
        environment::of_directory(self.core.world.path())
    }

    /// Returns a second handle, which does not keep the KDC running.
    pub(crate) fn handle(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            fixture: None,
            namenode: self.namenode.clone(),
            served: None,
            #[cfg(feature = "web")]
            console: self.console.clone(),
        }
    }

    pub(crate) fn core(&self) -> &Arc<RealmCore> {
        &self.core
    }
}

/// Builds a [`Realm`].
///
/// ```
/// use std::time::Duration;
/// use kerbox::{Realm, RealmBuilder};
///
/// /// The settings that all tests of a suite share.
/// fn strict() -> RealmBuilder {
///     Realm::builder().clock_skew(Duration::from_secs(30)).attribute("-allow_forwardable")
/// }
/// let realm = strict().realm_name("EXAMPLE.COM").start_blocking()?;
/// assert_eq!(realm.clock_skew(), Duration::from_secs(30));
/// # Ok::<(), kerbox::Error>(())
/// ```
pub type RealmBuilder = Builder<Realm>;

world_methods!(Realm, |realm| &realm.core.world);

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Realm({} at {})", self.core.name, self.kdc_address())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Cluster;
    use kerbox_krb5::Keytab;

    fn names(path: &Path) -> Vec<String> {
        let keytab = Keytab::read(path).expect("a keytab");
        let names = keytab.entries().map(|entry| entry.principal().to_string());
        let mut names: Vec<String> = names.collect();
        names.dedup();
        names
    }

    #[test]
    fn no_principal_overwrites_anothers_keys() {
        let realm = Realm::builder().realm_name("R").start_blocking();
        let realm = realm.expect("it starts");
        for name in ["a b", "a:b"] {
            realm.add_principal(NewPrincipal::new(name)).expect("new");
            let keytab = realm.keytab(name).expect("written");
            assert_eq!(names(&keytab), [format!("{name}@R")]);
        }
        for name in ["x/1", "x/2"] {
            let new = NewPrincipal::new(name).keytab("x.keytab");
            realm.add_principal(new).expect("new");
        }
        let shared = realm.path().join("keytabs/x.keytab");
        assert_eq!(names(&shared), ["x/1@R", "x/2@R"]);
        let caches = ["alice-2", "alice", "alice"].map(|user| {
            let login = realm.login_blocking(user).expect("a ticket");
            login.ccache().to_owned()
        });
        assert!(caches[0] != caches[2] && caches[1] != caches[2]);
    }

    #[test]
    fn a_principal_is_added_with_its_keytab_or_not_at_all() {
        let realm = Realm::start_blocking().expect("it starts");
        let long = "x".repeat(500);
        realm.add_principal(NewPrincipal::new(&long)).expect("new");
        realm.login_blocking(&long).expect("a ticket");
        std::fs::write(realm.path().join("keytabs/bad.keytab"), "mine").expect("writable");
        let refused = realm.add_principal(NewPrincipal::new("bad"));
        assert!(
            matches!(refused, Err(Error::DirectoryNotOurs { .. })),
            "{refused:?}"
        );
        let bad = realm.principal("bad").expect("a name");
        assert!(realm.kdc().database().get(&bad).is_none());
    }

    #[test]
    fn a_user_of_a_cluster_gets_a_home() {
        let cluster = Cluster::secure().start_blocking().expect("it starts");
        let realm = cluster.realm().expect("it is secure");
        for name in ["carol", "nobody:nowhere", "svc/h"] {
            realm.add_user(NewPrincipal::new(name)).expect("new");
        }
        let has = |path: &str| cluster.namenode().has(path).expect("a path");
        assert!(has("/user/carol") && !has("/user/svc"));
        assert_eq!(
            cluster.hadoop_keys()["yarn.resourcemanager.principal"],
            format!("nn/localhost@{}", realm.name())
        );
    }
}
