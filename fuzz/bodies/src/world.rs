//! A realm at a fixed time, made once: a KDC, a user with a ticket, a service with its keytab.

use std::sync::LazyLock;
use std::time::Duration;

use kerbox_kdc::testing::{Pair, REALM};
use kerbox_kdc::{Kdc, NewKeys, NewPrincipal, Pac, Peer, PrincipalDatabase, RealmConfig};
use kerbox_krb5::client::{Credentials, InitialRequest, Secret, TgsRequest};
use kerbox_krb5::messages::Ticket;
use kerbox_krb5::{EncryptionKey, EncryptionType, Keytab, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(crate) struct World {
    pub(crate) kdc: Kdc,
    pub(crate) keytab: Keytab,
    pub(crate) service: Principal,
    pub(crate) tgt: Credentials,
    pub(crate) ticket: Credentials,
    /// A ticket for the password service.
    pub(crate) changepw: Credentials,
    /// Every request that was sent while this was made, and every answer.
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) answers: Vec<Vec<u8>>,
}

/// The world, which is the same in every process and every run.
pub(crate) fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(World::new);
    &WORLD
}

pub(crate) fn rng() -> StdRng {
    StdRng::seed_from_u64(7)
}

/// alice's key: a given key saves the time that a password's derivation takes.
pub(crate) fn alices_key() -> EncryptionKey {
    EncryptionKey::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[3; 16]).expect("16 bytes")
}

pub(crate) fn alice() -> Principal {
    Principal::new(REALM, ["alice"])
}

fn database(service: &Principal, rng: &mut StdRng) -> PrincipalDatabase {
    let mut database = PrincipalDatabase::new();
    let mut realm = RealmConfig::new(REALM);
    realm.pac = Pac::Full;
    database.add_realm(realm, rng).expect("a new realm");
    for (principal, keys) in [
        (alice(), NewKeys::Given(vec![alices_key()])),
        (service.clone(), NewKeys::Random),
        (Principal::new(REALM, ["bob"]), NewKeys::Random),
        (Principal::krbtgt("OTHER.TEST", REALM), NewKeys::Random),
    ] {
        database
            .add(NewPrincipal::new(principal, keys), rng)
            .expect("a new principal");
    }
    database
}

/// Requests about a ticket. Not all of these are granted, but they are good seeds.
fn further_requests(service: &Principal, tgt: &Credentials, ticket: &Ticket) -> [TgsRequest; 6] {
    let bob = Principal::new(REALM, ["bob"]);
    [
        TgsRequest::renew(tgt),
        TgsRequest::validate(tgt),
        TgsRequest::forward(tgt, Vec::new()),
        TgsRequest::user_to_user(bob.clone(), tgt, tgt.ticket.clone()),
        TgsRequest::s4u2self(bob, tgt),
        TgsRequest::s4u2proxy(service.clone(), tgt, ticket.clone()),
    ]
}

impl World {
    fn new() -> Self {
        let mut rng = rng();
        let service = Principal::new(REALM, ["hdfs", "localhost"]);
        let database = database(&service, &mut rng);
        let keytab = database.keytab([&service], NOW).expect("it is there");
        let mut pair = Pair {
            kdc: Kdc::new(database, 1),
            now: NOW,
            peer: Peer::LOCAL,
            rng,
            exchanged: Vec::new(),
        };
        let mut initial = InitialRequest::new(alice());
        initial.renewable_lifetime = Duration::from_secs(24 * 3600);
        let secret = || Secret::Keys(vec![alices_key()]);
        let ours = "the KDC is ours";
        let tgt = pair.initial(initial.clone(), secret()).expect(ours);
        initial.server = Principal::new(REALM, ["kadmin", "changepw"]);
        let changepw = pair.initial(initial, secret()).expect(ours);
        let request = TgsRequest::service(service.clone(), &tgt);
        let ticket = pair.tgs(&tgt, request).expect(ours);
        for request in further_requests(&service, &tgt, &ticket.ticket) {
            let _ = pair.tgs(&tgt, request);
        }
        let (requests, answers) = pair.exchanged.into_iter().unzip();
        Self {
            kdc: pair.kdc,
            keytab,
            service,
            tgt,
            ticket,
            changepw,
            requests,
            answers,
        }
    }
}
