//! The KDC's cost of an exchange, without sockets: `cargo bench -p kerbox-kdc`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use kerbox_kdc::{Kdc, NewKeys, NewPrincipal, Peer, PrincipalDatabase, RealmConfig};
use kerbox_krb5::client::{
    AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::{EncryptionKey, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

const REALM: &str = "EXAMPLE.COM";
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn database(rng: &mut StdRng) -> PrincipalDatabase {
    let mut database = PrincipalDatabase::new();
    database
        .add_realm(RealmConfig::new(REALM), rng)
        .expect("a first realm");
    for name in ["alice", "nn/localhost"] {
        let principal = Principal::parse(name, REALM).expect("a name");
        database
            .add(NewPrincipal::new(principal, NewKeys::Random), rng)
            .expect("new");
    }
    database
}

fn keys(kdc: &Kdc) -> Vec<EncryptionKey> {
    let database = kdc.database();
    let entry = database
        .get(&Principal::new(REALM, ["alice"]))
        .expect("alice");
    entry.keys().iter().map(|key| key.key().clone()).collect()
}

fn initial(kdc: &Kdc, rng: &mut StdRng) -> (AsExchange, Vec<u8>) {
    let mut request = InitialRequest::new(Principal::new(REALM, ["alice"]));
    request.preauthenticate = true;
    AsExchange::new(request, Secret::Keys(keys(kdc)), NOW, rng).expect("a request")
}

fn login(kdc: &Kdc, rng: &mut StdRng) -> Credentials {
    let (mut exchange, request) = initial(kdc, rng);
    let answer = kdc
        .handle(NOW, &request, Peer::LOCAL)
        .message
        .expect("an answer");
    match exchange.step(&answer, rng).expect("a ticket") {
        AsStep::Done(credentials) => *credentials,
        AsStep::Send(_) => unreachable!("it was authenticated at once"),
    }
}

fn exchanges(criterion: &mut Criterion) {
    let mut rng = StdRng::seed_from_u64(1);
    let kdc = Kdc::new(database(&mut rng), 2);
    let tgt = login(&kdc, &mut rng);
    let handle = |request: Vec<u8>| black_box(kdc.handle(NOW, &request, Peer::LOCAL));
    criterion.bench_function("AS with PA-ENC-TIMESTAMP", |bench| {
        bench.iter_batched(|| initial(&kdc, &mut rng).1, handle, BatchSize::SmallInput);
    });
    criterion.bench_function("AS refused with PREAUTH_REQUIRED", |bench| {
        let plain = || {
            let request = InitialRequest::new(Principal::new(REALM, ["alice"]));
            AsExchange::new(request, Secret::Keys(Vec::new()), NOW, &mut rng)
                .expect("a request")
                .1
        };
        bench.iter_batched(plain, handle, BatchSize::SmallInput);
    });
    let service = Principal::new(REALM, ["nn", "localhost"]);
    criterion.bench_function("TGS", |bench| {
        let request = || {
            let request = TgsRequest::service(service.clone(), &tgt);
            TgsExchange::new(&tgt, request, NOW, &mut rng)
                .expect("a request")
                .1
        };
        bench.iter_batched(request, handle, BatchSize::SmallInput);
    });
    criterion.bench_function("a realm, a principal, a first ticket", |bench| {
        bench.iter(|| {
            let kdc = Kdc::new(database(&mut rng), 3);
            login(&kdc, &mut rng)
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    targets = exchanges
}
criterion_main!(benches);
