//! Memory of a KDC that strangers send arbitrary input: it must not grow.

use std::process::Command;

use kerbox_kdc::Peer;
use kerbox_kdc::testing::corpus::{self, Request};
use kerbox_krb5::client::{AsExchange, AsStep, InitialRequest, Secret, TgsExchange, TgsRequest};
use kerbox_krb5::messages::{KdcOptions, KrbError};
use kerbox_krb5::{EncryptionKey, ErrorCode, NameType, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::prober::Prober;
use crate::support::{REALM, Served};

/// Returns this process's memory use in bytes; `None` on systems that do not report it as Linux
/// does.
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// The maximum growth in the second round: less than a kilobyte for each of thousands of requests.
const BOUND: usize = 3 << 20;

fn assert_flat(what: &str, before: Option<usize>) {
    if let (Some(before), Some(after)) = (before, resident()) {
        assert!(
            after < before + BOUND,
            "{what}: {before} bytes before, {after} after"
        );
    }
}

/// Returns the peak memory that `work` needs beyond what was in use before; `None` on systems that
/// do not report it.
fn peak_of(work: impl FnOnce()) -> Option<usize> {
    // Linux: resets the peak.
    let reset = std::fs::write("/proc/self/clear_refs", "5");
    let before = resident();
    work();
    reset.ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let peak: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some((peak * 1024).saturating_sub(before?))
}

/// The maximum memory for one request of a mebibyte: some dozens of copies of it.
const OF_ONE_REQUEST: usize = 96 << 20;

/// Sends names with as many labels as a request can hold: as realm, as host, and as client.
fn assert_names_are_cheap(served: &Served) {
    let now = Timestamp::from_secs(1_700_000_000);
    let mut rng = StdRng::seed_from_u64(3);
    let alice = Principal::new(REALM, ["alice"]);
    let keys: Vec<EncryptionKey> = {
        let database = served.kdc.database();
        let entry = database.get(&alice).expect("alice");
        let random = entry.keys().iter().filter(|key| !key.is_of_password());
        random.map(|key| key.key().clone()).collect()
    };
    let mut request = InitialRequest::new(alice);
    request.preauthenticate = true;
    request.enctypes = keys.iter().map(EncryptionKey::enctype).collect();
    let (mut exchange, bytes) =
        AsExchange::new(request, Secret::Keys(keys), now, &mut rng).expect("a request");
    let answer = served.kdc.handle(now, &bytes, Peer::LOCAL).message;
    let step = exchange.step(&answer.expect("an answer"), &mut rng);
    let Ok(AsStep::Done(tgt)) = step else {
        panic!("a ticket, not {step:?}")
    };
    let deep = "a.".repeat(500_000) + "a";
    let servers = [
        Principal::krbtgt(&deep, REALM),
        Principal::new(REALM, ["nn", &deep]).with_name_type(NameType::SRV_HST),
        Principal::new(REALM, [deep.as_str()]).with_name_type(NameType::ENTERPRISE),
        Principal::new(REALM, vec!["a"; 200_000]),
    ];
    for server in servers {
        let mut request = TgsRequest::service(server, &tgt);
        request.options |= KdcOptions::CANONICALIZE;
        let (_, bytes) = TgsExchange::new(&tgt, request, now, &mut rng).expect("a request");
        let peak = peak_of(|| {
            let answer = served.kdc.handle(now, &bytes, Peer::LOCAL).message;
            let error = KrbError::decode(&answer.expect("an answer")).expect("a KRB-ERROR");
            assert_eq!(error.code, ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN);
        });
        assert!(peak.is_none_or(|peak| peak < OF_ONE_REQUEST), "{peak:?}");
    }
    for client in [format!("a@{deep}"), "@".repeat(1_000_000)] {
        let client = Principal::new(REALM, [client]).with_name_type(NameType::ENTERPRISE);
        let request = InitialRequest::new(client);
        let (_, bytes) =
            AsExchange::new(request, Secret::Keys(Vec::new()), now, &mut rng).expect("a request");
        let peak = peak_of(|| {
            let answer = served.kdc.handle(now, &bytes, Peer::LOCAL).message;
            let error = KrbError::decode(&answer.expect("an answer")).expect("a KRB-ERROR");
            assert_eq!(error.code, ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN);
        });
        assert!(peak.is_none_or(|peak| peak < OF_ONE_REQUEST), "{peak:?}");
    }
}

/// The variable that is set in the process that measures its memory.
const MEASURED: &str = "KERBOX_TEST_MEASURED";

#[test]
fn memory_stays_flat_under_a_flood_of_strangers_and_of_bad_requests() {
    if std::env::var_os(MEASURED).is_some() {
        return measure();
    }
    // Other tests run in this process, and would be measured as well.
    let test = "memory::memory_stays_flat_under_a_flood_of_strangers_and_of_bad_requests";
    let mut alone = Command::new(std::env::current_exe().expect("this program"));
    alone.args(["--exact", test]).env(MEASURED, "1");
    let output = alone.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "{said}");
}

fn measure() {
    let served = Served::start();
    let now = Timestamp::from_secs(1_700_000_000);
    let mut asked = 0;
    let mut flood = || {
        for _ in 0..6000 {
            asked += 1;
            let request = Request::new(&format!("stranger-{asked}"), REALM).encode();
            let answer = served
                .kdc
                .handle(now, &request, Peer::LOCAL)
                .message
                .expect("an answer");
            assert_eq!(
                KrbError::decode(&answer).expect("a KRB-ERROR").code,
                ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN
            );
        }
    };
    // The first round fills the bounded caches: the answers that are kept for two minutes.
    flood();
    let before = resident();
    flood();
    assert_flat("strangers", before);

    assert_names_are_cheap(&served);

    let mut prober = Prober::new(served.address);
    let mut everything = || {
        for (_, bytes) in corpus::cases(REALM) {
            let _ = prober.connection(&bytes);
            if bytes.len() < 65_507 {
                let _ = prober.datagram(&bytes);
            }
        }
    };
    everything();
    let (before, tasks) = (resident(), served.tasks());
    everything();
    assert_flat("bad requests", before);
    assert!(
        served.tasks() <= tasks + 1,
        "{} tasks, {tasks} before",
        served.tasks()
    );
    assert_eq!(
        served.login("alice").client.to_string(),
        "alice@EXAMPLE.COM"
    );
}
