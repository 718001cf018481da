//! A realm: the KDC alone, or as a part of a cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kerbox_kdc::{Kdc, NewKeys, Peer, PrincipalDatabase, RealmConfig};
use kerbox_krb5::client::{AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest};
use kerbox_krb5::{Clock, ErrorCode, Keytab, Principal};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::builder::{RealmBuilder, RealmSettings};
use crate::client_env::{self, ClientEnv};
use crate::directory::{make_private, write_private};
use crate::kdcs::{KdcServer, Kdcs};
use crate::principals::{NewPrincipal, file_name, keytab_on_demand};
use crate::shared_conf::{Registration, own_conf};
use crate::world::{Fixture, World};
use crate::world_methods::world_methods;
use crate::{Error, Login, Server};

/// What tells the random numbers of the harness from those of the servers.
const HARNESS_STREAM: u64 = 0x6861_726E_6573_7300;
const KDC_STREAM: u64 = 0x6B64_6300_0000_0000;

/// A Kerberos realm on random ports of 127.0.0.1, with its own clock. Dropping it ends it.
///
/// ```no_run
/// # fn main() -> Result<(), kerbox::Error> {
/// let realm = kerbox::Realm::start_blocking()?;
/// let alice = realm.login_blocking("alice")?;
/// let listed = alice.command("klist").output();
/// # Ok(())
/// # }
/// ```
pub struct Realm {
    core: Arc<RealmCore>,
    /// Absent in a cluster, which has its own.
    fixture: Option<Fixture>,
}

/// The part of a realm that its logins share; it does not keep the KDC running.
pub(crate) struct RealmCore {
    pub(crate) world: Arc<World>,
    name: String,
    kdc: Arc<Kdc>,
    kdc_clock: Clock,
    kdcs: Kdcs,
    ticket_lifetime: Duration,
    renewable_lifetime: Duration,
    clock_skew: Duration,
    /// For what the harness itself draws: keys, nonces. Not shared with the servers, so that a login does not change what they draw.
    rng: Mutex<StdRng>,
    /// How many caches each user has, for their names.
    logins: Mutex<BTreeMap<String, u64>>,
    _registration: Registration,
}

impl Realm {
    /// A realm with all defaults: a random name, users `alice`, `bob`, `jupyter`, and Hadoop's services on `localhost`.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// As [`start`](Self::start), outside of async code.
    pub fn start_blocking() -> Result<Self, Error> {
        Self::builder().start_blocking()
    }

    /// A realm to be described first.
    pub fn builder() -> RealmBuilder {
        RealmBuilder::default()
    }

    pub(crate) fn with(builder: RealmBuilder) -> Result<Self, Error> {
        let (fixture, _) = Fixture::start(builder.world)?;
        let mut realm = Self::in_world(&fixture, &builder.realm)?;
        fixture.world.write_env(&realm.env())?;
        realm.fixture = Some(fixture);
        Ok(realm)
    }

    /// Starts the KDC in a world and writes its clients' files.
    pub(crate) fn in_world(fixture: &Fixture, settings: &RealmSettings) -> Result<Self, Error> {
        let world = Arc::clone(&fixture.world);
        let name = settings.name.clone().unwrap_or_else(next_realm_name);
        let bound = Kdcs::bind(settings)?;
        let mut rng = StdRng::seed_from_u64(world.seed ^ HARNESS_STREAM);
        let database = database(&name, settings, &mut rng)?;
        let kdc_clock = world.new_clock(Server::Kdc);
        let mut kdc = Kdc::new(database, world.seed ^ KDC_STREAM).with_hook(world.hook());
        if let Some(bytes) = settings.max_udp_reply {
            kdc = kdc.with_udp_limit(bytes);
        }
        let kdc = Arc::new(kdc);
        let kdcs = Kdcs::start(&world, fixture.runtime.handle(), &kdc, &kdc_clock, bound, settings)?;
        let core = Arc::new(RealmCore {
            kdc,
            kdc_clock,
            ticket_lifetime: settings.ticket_lifetime,
            renewable_lifetime: settings.max_renewable_life,
            clock_skew: settings.clock_skew,
            rng: Mutex::new(rng),
            logins: Mutex::default(),
            _registration: Registration::new(&name, kdcs.addresses())?,
            kdcs,
            name,
            world,
        });
        core.write_files(settings)?;
        Ok(Self { core, fixture: None })
    }

    /// The realm's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Where the KDC listens, by UDP and TCP; the first of its servers, if there are several.
    #[must_use]
    pub fn kdc_address(&self) -> SocketAddr {
        self.core.kdcs.addresses()[0]
    }

    /// Where each of the KDC's servers listens, in the order in which krb5.conf names them.
    #[must_use]
    pub fn kdc_addresses(&self) -> Vec<SocketAddr> {
        self.core.kdcs.addresses()
    }

    /// The KDC's server of this number, from 1: to be stopped, silenced or restarted alone. There is one, or as many as
    /// [`RealmBuilder::kdcs`] says.
    pub fn kdc_server(&self, number: usize) -> Result<KdcServer<'_>, Error> {
        self.core.kdcs.get(number)
    }

    /// How far clients' clocks may be from the servers'.
    #[must_use]
    pub fn clock_skew(&self) -> Duration {
        self.core.clock_skew
    }

    /// The full name of `alice`, `nn/localhost`, or of a name that has a realm.
    pub fn principal(&self, name: &str) -> Result<Principal, Error> {
        Ok(Principal::parse(name, &self.core.name)?)
    }

    /// Logs a user in: a ticket-granting ticket in a new FILE cache. A user whom the database does not have is added first.
    pub async fn login(&self, user: &str) -> Result<Login, Error> {
        self.login_blocking(user)
    }

    /// As [`login`](Self::login), outside of async code.
    pub fn login_blocking(&self, user: &str) -> Result<Login, Error> {
        self.login_with_env(user, &self.env())
    }

    pub(crate) fn login_with_env(&self, user: &str, env: &ClientEnv) -> Result<Login, Error> {
        let principal = self.principal(user)?;
        if self.core.kdc.database().resolve(&principal).is_none() {
            self.add_principal(NewPrincipal::new(user))?;
        }
        Login::new(Arc::clone(&self.core), principal, self.core.new_cache(user), env)
    }

    /// Adds a principal, with its keytab, while the KDC runs.
    pub fn add_principal(&self, principal: NewPrincipal) -> Result<Principal, Error> {
        let name = self.principal(principal.name())?;
        let file = principal.keytab_file(&name);
        let new = principal.in_realm(&self.core.name)?;
        self.core.kdc.update(|database, rng| database.add(new, rng))?;
        if let Some(file) = file {
            self.core.write_keytab(&file, [&name])?;
        }
        Ok(name)
    }

    /// Gives a principal new random keys of the next version, and answers it. Keytabs that were written stay as they are;
    /// older keys go, unless `keep_old`.
    pub fn change_keys(&self, name: &str, keep_old: bool) -> Result<u32, Error> {
        let principal = self.principal(name)?;
        let change = |database: &mut PrincipalDatabase, rng: &mut StdRng| database.change_keys(&principal, &NewKeys::Random, keep_old, rng);
        Ok(self.core.kdc.update(change)?)
    }

    /// The KDC itself, for what no protocol tells: its database can be read and changed while it runs.
    #[must_use]
    pub fn kdc(&self) -> &Arc<Kdc> {
        &self.core.kdc
    }

    /// Stops the KDC, with all its servers: clients are refused until [`restart_kdc`](Self::restart_kdc).
    pub fn stop_kdc(&self) {
        self.core.kdcs.all().for_each(|server| server.stop());
    }

    /// Lets a KDC that was stopped, or killed by a fault, serve again at the same addresses, with the same database.
    pub fn restart_kdc(&self) -> Result<(), Error> {
        self.core.kdcs.all().try_for_each(|server| server.restart())
    }

    /// The keytab's file of a principal; written now if there is none yet.
    pub fn keytab(&self, name: &str) -> Result<PathBuf, Error> {
        let principal = self.principal(name)?;
        let file = keytab_on_demand(&principal);
        let path = self.core.keytabs().join(&file);
        if !path.exists() {
            self.core.write_keytab(&file, [&principal])?;
        }
        Ok(path)
    }

    /// The environment in which Kerberos clients find this realm, with a cache of its own that is empty at first.
    #[must_use]
    pub fn env(&self) -> ClientEnv {
        client_env::of_directory(self.core.world.path())
    }

    pub(crate) fn core(&self) -> &Arc<RealmCore> {
        &self.core
    }
}

world_methods!(Realm, |realm| &realm.core.world);

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Realm({} at {})", self.core.name, self.kdc_address())
    }
}

impl RealmCore {
    pub(crate) fn clock(&self) -> &Clock {
        &self.world.clock
    }

    fn rng(&self) -> MutexGuard<'_, StdRng> {
        // A generator is good in any state.
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keytabs(&self) -> PathBuf {
        self.world.path().join("keytabs")
    }

    /// A cache's file that no other login has: `alice`, `alice-2`, ….
    fn new_cache(&self, user: &str) -> PathBuf {
        let name = file_name(user);
        let directory = self.world.path().join("ccache");
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let number = logins.entry(name.clone()).or_default();
        *number += 1;
        directory.join(if *number == 1 { name } else { format!("{name}-{number}") })
    }

    fn write_files(&self, settings: &RealmSettings) -> Result<(), Error> {
        let directory = self.world.path();
        make_private(&directory.join("ccache"))?;
        make_private(&self.keytabs())?;
        let conf = own_conf(&self.name, &self.kdcs.addresses(), &settings.enctypes, &settings.libdefaults)?;
        write_private(&directory.join("krb5.conf"), conf.as_bytes())?;
        let mut keytabs: BTreeMap<String, Vec<Principal>> = BTreeMap::new();
        for new in &settings.principals {
            let principal = Principal::parse(new.name(), &self.name)?;
            if let Some(file) = new.keytab_file(&principal) {
                keytabs.entry(file).or_default().push(principal);
            }
        }
        for (file, principals) in &keytabs {
            self.write_keytab(file, principals)?;
        }
        Ok(())
    }

    fn write_keytab<'a>(&self, file: &str, principals: impl IntoIterator<Item = &'a Principal>) -> Result<(), Error> {
        let keytab = self.kdc.database().keytab(principals, self.world.clock.now())?;
        write_private(&self.keytabs().join(file_name(file)), &keytab.to_bytes())
    }

    /// The keys of principals, for a server of the fixture.
    pub(crate) fn keytab_of(&self, names: &[&str]) -> Result<Keytab, Error> {
        let principals = names
            .iter()
            .map(|name| Principal::parse(name, &self.name))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.kdc.database().keytab(&principals, self.world.clock.now())?)
    }

    /// An AS exchange with the KDC's core: no socket, but everything else, and an entry in the journal.
    pub(crate) fn initial_ticket(&self, principal: &Principal) -> Result<Credentials, Error> {
        let keys = {
            let database = self.kdc.database();
            let entry = database.resolve(principal).ok_or_else(|| Error::UnknownPrincipal {
                principal: principal.clone(),
            })?;
            // Random keys before those of a password, which would have to be derived.
            let mut keys: Vec<_> = entry.keys_of(None).collect();
            keys.sort_by_key(|key| key.is_of_password());
            let given: Vec<_> = keys
                .iter()
                .filter(|key| !key.is_of_password())
                .map(|key| key.key().clone())
                .collect();
            if given.is_empty() {
                keys.iter().map(|key| key.key().clone()).collect()
            } else {
                given
            }
        };
        let mut request = InitialRequest::new(principal.clone());
        request.lifetime = self.ticket_lifetime;
        request.renewable_lifetime = self.renewable_lifetime;
        request.preauthenticate = true;
        let now = self.world.clock.now();
        let refused = |error| refused("login", principal, error);
        let mut rng = self.rng();
        let (mut exchange, mut bytes) = AsExchange::new(request, Secret::Keys(keys), now, &mut *rng).map_err(refused)?;
        loop {
            let answer = self.exchange(&bytes).map_err(refused)?;
            match exchange.step(&answer, &mut *rng).map_err(refused)? {
                AsStep::Send(next) => bytes = next,
                AsStep::Done(credentials) => return Ok(*credentials),
            }
        }
    }

    /// A TGS exchange with RENEW.
    pub(crate) fn renewed_ticket(&self, ticket: &Credentials) -> Result<Credentials, Error> {
        self.further_ticket("renew", ticket, TgsRequest::renew(ticket))
    }

    /// Any TGS exchange.
    pub(crate) fn further_ticket(&self, doing: &'static str, ticket: &Credentials, request: TgsRequest) -> Result<Credentials, Error> {
        let refused = |error| refused(doing, &ticket.client, error);
        let now = self.world.clock.now();
        let (exchange, bytes) = TgsExchange::new(ticket, request, now, &mut *self.rng()).map_err(refused)?;
        exchange.finish(&self.exchange(&bytes).map_err(refused)?).map_err(refused)
    }

    fn exchange(&self, request: &[u8]) -> Result<Vec<u8>, kerbox_krb5::Error> {
        if !self.kdcs.any_serves() {
            return Err(ErrorCode::KDC_ERR_SVC_UNAVAILABLE.into());
        }
        let reply = self.kdc.handle(self.kdc_clock.now(), request, Peer::LOCAL);
        reply.message.ok_or_else(|| ErrorCode::KDC_ERR_SVC_UNAVAILABLE.into())
    }
}

fn refused(doing: &'static str, principal: &Principal, error: kerbox_krb5::Error) -> Error {
    match error {
        kerbox_krb5::Error::Kdc(error) => Error::Refused {
            doing,
            principal: principal.clone(),
            code: error.code,
            text: error.text,
        },
        other => other.into(),
    }
}

fn database(name: &str, settings: &RealmSettings, rng: &mut StdRng) -> Result<PrincipalDatabase, Error> {
    let mut config = RealmConfig::new(name);
    config.max_life = settings.max_life;
    config.max_renewable_life = settings.max_renewable_life;
    config.clock_skew = settings.clock_skew;
    config.enctypes.clone_from(&settings.enctypes);
    config.pac = settings.pac;
    config.pac_domain.clone_from(&settings.pac_domain);
    for setting in &settings.attributes {
        config.attributes.apply(setting)?;
    }
    let mut database = PrincipalDatabase::new();
    database.add_realm(config, rng)?;
    for principal in &settings.principals {
        database.add(principal.clone().in_realm(name)?, rng)?;
    }
    Ok(database)
}

/// A realm's name that no other fixture of the process has. Tests that compare journals name their realm.
fn next_realm_name() -> String {
    static REALMS: AtomicU64 = AtomicU64::new(1);
    format!("R{}-{}.TEST", std::process::id(), REALMS.fetch_add(1, Ordering::Relaxed))
}
