//! What a KDC holds on to while strangers send it what they like: nothing. A program of its own,
//! since it looks at its whole memory.

mod corpus;
#[path = "served/prober.rs"]
mod prober;
#[path = "served/support.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod support;

use kerbox_kdc::Peer;
use kerbox_krb5::messages::KrbError;
use kerbox_krb5::{ErrorCode, Timestamp};

use corpus::Request;
use prober::Prober;
use support::{REALM, Served};

/// The memory that this process has in use, in bytes; `None` where the system does not tell it as
/// Linux does.
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// How much more a second helping may take: less than a kilobyte for each of thousands of requests.
const BOUND: usize = 3 << 20;

fn assert_flat(what: &str, before: Option<usize>) {
    if let (Some(before), Some(after)) = (before, resident()) {
        assert!(
            after < before + BOUND,
            "{what}: {before} bytes before, {after} after"
        );
    }
}

#[test]
fn memory_stays_flat_under_a_flood_of_strangers_and_of_bad_requests() {
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
    // The first helping fills what is bounded: the answers that are kept for two minutes.
    flood();
    let before = resident();
    flood();
    assert_flat("strangers", before);

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
