//! The part of a realm that its logins share: the KDC, its files, and exchanges with it that need
//! no socket.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kerbox_kdc::{Kdc, Peer};
use kerbox_krb5::client::{
    AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::{Clock, EncryptionType, ErrorCode, Keytab, Principal};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::client::keytab_files::KeytabFiles;
use crate::client::krb5_conf::{Registration, own_conf};
use crate::servers::kdc_core::open_kdc;
use crate::servers::kdcs::{KdcParts, Kdcs};
use crate::spec::RealmSpec;
use crate::spec::file_names::{KeytabName, default_keytab, file_name};
use crate::world::{Fixture, World};
use crate::{Error, Server};

/// Separates the harness's random stream from the servers' streams of the same seed.
const HARNESS_STREAM: u64 = 0x6861_726E_6573_7300;

/// The part of a realm that its logins share. It does not keep the KDC running.
pub(crate) struct RealmCore {
    pub(crate) world: Arc<World>,
    pub(crate) name: String,
    pub(crate) kdc: Arc<Kdc>,
    kdc_clock: Clock,
    pub(crate) kdcs: Kdcs,
    ticket_lifetime: Duration,
    renewable_lifetime: Duration,
    /// The encryption types that logins request.
    enctypes: Vec<EncryptionType>,
    pub(crate) clock_skew: Duration,
    /// For keys and nonces that the harness itself draws. Not shared with the servers, so that a
    /// login does not change their random numbers.
    rng: Mutex<StdRng>,
    /// The cache names of the logins, in lower case.
    caches: Mutex<BTreeSet<String>>,
    keytab_files: Mutex<KeytabFiles>,
    /// For its realm, and for further realms of the same KDC.
    _registrations: Vec<Registration>,
}

impl RealmCore {
    /// Starts the KDC in a fixture's world and writes its clients' files.
    pub(crate) fn start(fixture: &Fixture, spec: &RealmSpec) -> Result<Self, Error> {
        let world = Arc::clone(&fixture.world);
        let bound = Kdcs::bind(spec)?;
        let mut rng = StdRng::seed_from_u64(world.seed ^ HARNESS_STREAM);
        let (name, kdc) = open_kdc(&world, spec, &mut rng)?;
        let kdc_clock = world.new_clock(Server::Kdc);
        let parts = KdcParts {
            world: Arc::clone(&world),
            runtime: fixture.runtime.handle().clone(),
            kdc: Arc::clone(&kdc),
            clock: kdc_clock.clone(),
        };
        let kdcs = Kdcs::start(&parts, bound, spec)?;
        let registrations = register(&name, &kdcs, &kdc, spec)?;
        let core = Self {
            kdc,
            kdc_clock,
            ticket_lifetime: spec.ticket_lifetime,
            renewable_lifetime: spec.renewable_lifetime,
            enctypes: spec.client_enctypes(),
            clock_skew: spec.clock_skew,
            rng: Mutex::new(rng),
            caches: Mutex::default(),
            keytab_files: Mutex::default(),
            _registrations: registrations,
            kdcs,
            name,
            world,
        };
        core.write_files(spec)?;
        Ok(core)
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.world.clock
    }

    pub(crate) fn rng(&self) -> MutexGuard<'_, StdRng> {
        // A generator is valid in any state.
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn keytabs(&self) -> PathBuf {
        self.world.path().join("keytabs")
    }

    /// Returns an unused cache file for a login: `alice`, `alice-2`, ….
    pub(crate) fn new_cache(&self, user: &str) -> Result<PathBuf, Error> {
        let user = file_name(user);
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let mut name = user.clone();
        let mut number = 1_u64;
        while !caches.insert(name.to_lowercase()) {
            number += 1;
            name = format!("{user}-{number}");
        }
        self.world.files().expect(&format!("ccache/{name}"))
    }

    fn write_files(&self, spec: &RealmSpec) -> Result<(), Error> {
        let files = self.world.files();
        for folder in ["ccache", "keytabs"] {
            files.make_folder(folder)?;
        }
        let conf = own_conf(&self.name, &self.kdcs.addresses(), spec)?;
        files.write("krb5.conf", conf.as_bytes())?;
        let mut named = Vec::new();
        for new in &spec.principals {
            let principal = Principal::parse(&new.name, &self.name)?;
            named.extend(new.keytab_name(&principal).map(|name| (name, principal)));
        }
        if self.world.persistent().is_some() {
            self.fit_to_kept(&mut named);
        }
        // Requested names first, because they have no alternative.
        named.sort_by_key(|(name, _)| matches!(name, KeytabName::Usual(_)));
        let mut keytab_files = self.keytab_files();
        for (name, principal) in &named {
            keytab_files.give(name, principal)?;
        }
        for (file, principals) in keytab_files.iter() {
            self.write_keytab(file, &self.keytab(principals)?)?;
        }
        Ok(())
    }

    /// Leaves out principals of the description that were removed in an earlier fixture, and adds
    /// those with a keytab that were added in one.
    fn fit_to_kept(&self, named: &mut Vec<(KeytabName, Principal)>) {
        let database = self.kdc.database();
        named.retain(|(_, principal)| database.get(principal).is_some());
        let names = database.principals().map(|entry| &entry.principal);
        let further = names.filter(|name| named.iter().all(|(_, other)| other != *name));
        let with_keytab = further.filter_map(|name| Some((default_keytab(name)?, name.clone())));
        let with_keytab: Vec<_> = with_keytab
            .map(|(keytab, name)| (KeytabName::Usual(keytab), name))
            .collect();
        named.extend(with_keytab);
    }

    fn keytab_files(&self) -> MutexGuard<'_, KeytabFiles> {
        // Changed in single steps, so a panic elsewhere leaves it valid.
        self.keytab_files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn keytab(&self, principals: &[Principal]) -> Result<Keytab, Error> {
        let now = self.world.clock.now();
        Ok(self.kdc.database().keytab(principals, now)?)
    }

    fn write_keytab(&self, file: &str, keytab: &Keytab) -> Result<(), Error> {
        let name = format!("keytabs/{file}");
        self.world.files().write(&name, &keytab.to_bytes())?;
        Ok(())
    }

    /// Chooses the keytab file of a principal that is about to be added. Fails if none is possible.
    pub(crate) fn keytab_file(
        &self,
        name: &KeytabName,
        principal: &Principal,
    ) -> Result<String, Error> {
        self.keytab_files().give(name, principal)
    }

    /// Writes a principal's keys into its file, next to those of others that share it.
    pub(crate) fn add_to_keytab(&self, file: &str, principal: &Principal) -> Result<(), Error> {
        let own = self.keytab(std::slice::from_ref(principal))?;
        let is_shared = self.keytab_files().principals(file) != [principal.clone()];
        let path = self.keytabs().join(file);
        if !is_shared || !path.exists() {
            return self.write_keytab(file, &own);
        }
        let mut keytab = Keytab::read(&path)?;
        keytab.remove(principal, None);
        own.entries().for_each(|entry| keytab.push(entry.clone()));
        self.write_keytab(file, &keytab)
    }

    /// Writes a principal's current keys into each of its keytab files.
    pub(crate) fn update_keytabs(&self, principal: &Principal) -> Result<(), Error> {
        let files = self.keytab_files();
        let own = files.iter().filter(|(_, of)| of.contains(principal));
        let own: Vec<String> = own.map(|(file, _)| file.to_owned()).collect();
        drop(files);
        own.iter()
            .try_for_each(|file| self.add_to_keytab(file, principal))
    }

    /// Returns the file that holds only this principal's keys; writes it first if there is none.
    pub(crate) fn own_keytab(&self, principal: &Principal) -> Result<PathBuf, Error> {
        let mut files = self.keytab_files();
        let file = match files.of(principal) {
            Some(file) => file,
            None => files.give(&KeytabName::usual(principal), principal)?,
        };
        drop(files);
        let path = self.keytabs().join(&file);
        if !path.exists() {
            self.add_to_keytab(&file, principal)?;
        }
        Ok(path)
    }

    /// Returns the keys of these principals, for a server of the fixture.
    pub(crate) fn keytab_of(&self, names: &[&str]) -> Result<Keytab, Error> {
        let principals = names
            .iter()
            .map(|name| Principal::parse(name, &self.name))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self
            .kdc
            .database()
            .keytab(&principals, self.world.clock.now())?)
    }

    /// Returns the keys of a service of the fixture; no keys if the realm lacks it.
    #[cfg(feature = "web")]
    pub(crate) fn keytab_or_none(&self, name: &str) -> Result<Keytab, Error> {
        let principal = Principal::parse(name, &self.name)?;
        let has = self.kdc.database().get(&principal).is_some();
        if has {
            self.keytab_of(&[name])
        } else {
            Ok(Keytab::default())
        }
    }

    /// Performs an AS exchange with the KDC's core. Only the socket is skipped; the exchange
    /// appears in the journal.
    pub(crate) fn initial_ticket(&self, principal: &Principal) -> Result<Credentials, Error> {
        let keys = {
            let database = self.kdc.database();
            let entry = database
                .resolve(principal)
                .ok_or_else(|| Error::UnknownPrincipal {
                    principal: principal.clone(),
                })?;
            // Use only random keys if there are any: those of a password would have to be derived
            // first.
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
        request.enctypes.clone_from(&self.enctypes);
        for key in &keys {
            if !request.enctypes.contains(&key.enctype()) {
                request.enctypes.push(key.enctype());
            }
        }
        request.lifetime = self.ticket_lifetime;
        request.renewable_lifetime = self.renewable_lifetime;
        request.preauthenticate = true;
        let now = self.world.clock.now();
        let refused = |error| Error::refused("login", principal, error);
        let mut rng = self.rng();
        let (mut exchange, mut bytes) =
            AsExchange::new(request, Secret::Keys(keys), now, &mut *rng).map_err(refused)?;
        loop {
            let answer = self.exchange(&bytes).map_err(refused)?;
            match exchange.step(&answer, &mut *rng).map_err(refused)? {
                AsStep::Send(next) => bytes = next,
                AsStep::Done(credentials) => return Ok(*credentials),
            }
        }
    }

    /// Performs a TGS exchange with RENEW.
    pub(crate) fn renewed_ticket(&self, ticket: &Credentials) -> Result<Credentials, Error> {
        self.further_ticket("renew", ticket, TgsRequest::renew(ticket))
    }

    /// Performs any TGS exchange.
    pub(crate) fn further_ticket(
        &self,
        doing: &'static str,
        ticket: &Credentials,
        mut request: TgsRequest,
    ) -> Result<Credentials, Error> {
        request.enctypes.clone_from(&self.enctypes);
        let refused = |error| Error::refused(doing, &ticket.client, error);
        let now = self.world.clock.now();
        let (exchange, bytes) =
            TgsExchange::new(ticket, request, now, &mut *self.rng()).map_err(refused)?;
        exchange
            .finish(&self.exchange(&bytes).map_err(refused)?)
            .map_err(refused)
    }

    fn exchange(&self, request: &[u8]) -> Result<Vec<u8>, kerbox_krb5::Error> {
        if !self.kdcs.any_serves() {
            return Err(ErrorCode::KDC_ERR_SVC_UNAVAILABLE.into());
        }
        let mut reply = self.kdc.handle(self.kdc_clock.now(), request, Peer::LOCAL);
        // Carries out a fault's verdict here, as there is no server in between to do so.
        if let Some(latch) = reply.hold.take() {
            latch.wait();
            let now = self.kdc_clock.now();
            reply = self.kdc.handle_held(now, request, Peer::LOCAL);
        }
        std::thread::sleep(reply.delay);
        if reply.stop {
            self.kdcs.all().for_each(|server| server.stop());
        }
        let cut = reply.cut.unwrap_or(usize::MAX);
        let message = reply.message.map(|mut message| {
            message.truncate(cut);
            message
        });
        message.ok_or_else(|| ErrorCode::KDC_ERR_SVC_UNAVAILABLE.into())
    }
}

/// Registers the realms of a KDC for the process's shared krb5.conf.
fn register(
    name: &str,
    kdcs: &Kdcs,
    kdc: &Kdc,
    spec: &RealmSpec,
) -> Result<Vec<Registration>, Error> {
    let own = spec.client_enctypes();
    let database = kdc.database();
    let realms = database.realms().iter().map(|realm| {
        let enctypes = if realm.name == name {
            &own
        } else {
            &realm.enctypes
        };
        Registration::new(&realm.name, kdcs.addresses(), enctypes)
    });
    realms.collect()
}
