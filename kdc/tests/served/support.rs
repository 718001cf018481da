//! A KDC on a thread of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use kerbox_kdc::server::{Sockets, serve};
use kerbox_kdc::{Kdc, NewKeys, NewPrincipal, PrincipalDatabase, RealmConfig};
use kerbox_krb5::Clock;
use krb5::client::{Credentials, KdcClient};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

pub(crate) use kerbox_kdc::testing::{REALM, principal};

pub(crate) struct Served {
    pub(crate) kdc: Arc<Kdc>,
    pub(crate) clock: Clock,
    pub(crate) address: SocketAddr,
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

/// Returns the same as a principal of the `krb5` crate.
pub(crate) fn theirs(name: &str) -> krb5::client::Principal {
    krb5::client::Principal::parse_in_realm(name, REALM).expect("a well-formed name")
}

impl Served {
    /// Starts a KDC with alice, bob and two services.
    pub(crate) fn start() -> Self {
        Self::start_with(|kdc| kdc)
    }

    pub(crate) fn start_with(change: impl FnOnce(Kdc) -> Kdc) -> Self {
        let mut rng = StdRng::seed_from_u64(1);
        let mut database = PrincipalDatabase::new();
        database
            .add_realm(RealmConfig::new(REALM), &mut rng)
            .expect("a first realm");
        let kdc = Arc::new(change(Kdc::new(database, 2)));
        let clock = Clock::system();
        let sockets = Sockets::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = sockets.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let handle = runtime.handle().clone();
        let thread = {
            let (kdc, clock) = (kdc.clone(), clock.clone());
            std::thread::spawn(move || {
                runtime.block_on(serve(kdc, sockets, clock, async {
                    let _ = stopped.await;
                }))
            })
        };
        let served = Self {
            kdc,
            clock,
            address,
            runtime: handle,
            stop: Some(stop),
            thread: Some(thread),
        };
        for user in ["alice", "bob"] {
            served.add(user, NewKeys::RandomAndPassword(format!("{user}-pw")), &[]);
        }
        for service in ["nn/localhost", "HTTP/localhost"] {
            served.add(service, NewKeys::Random, &[]);
        }
        served
    }

    /// Returns the number of the server's tasks.
    pub(crate) fn tasks(&self) -> usize {
        self.runtime.metrics().num_alive_tasks()
    }

    pub(crate) fn add(&self, name: &str, keys: NewKeys, attributes: &[&str]) {
        let mut new = NewPrincipal::new(principal(name), keys);
        // Use one type only, for speed: a password's key takes 100 ms in an unoptimised build.
        new.enctypes = Some(vec![kerbox_krb5::EncryptionType::AES128_CTS_HMAC_SHA1_96]);
        new.attributes = attributes.iter().map(ToString::to_string).collect();
        self.kdc
            .update(|database, rng| database.add(new, rng))
            .expect("a new principal");
    }

    /// Returns the `krb5` crate's client, which tries UDP first.
    pub(crate) fn client(&self) -> KdcClient {
        KdcClient::new(REALM, [self.address.to_string()]).with_timeout(Duration::from_secs(10))
    }

    /// Returns a principal's keytab as the `krb5` crate's type.
    pub(crate) fn keytab(&self, name: &str) -> krb5::Keytab {
        let keytab = self
            .kdc
            .database()
            .keytab([&principal(name)], self.clock.now())
            .expect("a known principal");
        // That crate can read keytabs from files only.
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("keytab");
        keytab.write(&path).expect("written");
        krb5::Keytab::load(&path).expect("our keytab")
    }

    /// Logs in with a keytab.
    pub(crate) fn login(&self, name: &str) -> Credentials {
        self.client()
            .login_with_keytab(&theirs(name), &self.keytab(name))
            .expect("a ticket")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
