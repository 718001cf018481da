//! The cost of one NameNode call, from the bytes of its frame to the bytes of the response, without
//! sockets or the kernel.
//!
//! `cargo bench -p minihdfs --bench rpc` prints the CPU time of a call, which other load on the
//! machine does not distort.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;

use kerbox_events::{Event, Hook, NoHook, Server, Verdict};
use kerbox_krb5::Timestamp;
use minihdfs::config::HdfsConfig;
use minihdfs::namenode::{NameNode, NameNodeIdentity};
use minihdfs::proto::common::{
    IpcConnectionContextProto, RequestHeaderProto, RpcRequestHeaderProto, UserInformationProto,
};
use minihdfs::proto::hdfs::{GetFileInfoRequestProto, GetListingRequestProto};
use minihdfs::rpc::{RpcEndpoint, RpcSession, Step};
use minihdfs::user::AuthToLocal;
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const CLIENT_PROTOCOL: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";

/// Stores events like a journal, but drops them from time to time.
struct Journal(std::sync::Mutex<Vec<Event>>);

impl Hook for Journal {
    fn ask(&self, _now: Timestamp, _event: &Event) -> Verdict {
        Verdict::Pass
    }

    fn record(&self, _now: Timestamp, event: Event) {
        let mut events = self.0.lock().expect("no call panics");
        if events.len() == events.capacity() {
            events.clear();
        }
        events.push(event);
    }

    fn watching(&self) -> bool {
        false
    }
}

fn frame(parts: &[Vec<u8>]) -> Vec<u8> {
    let contents = parts.concat();
    [&(contents.len() as u32).to_be_bytes(), contents.as_slice()].concat()
}

fn header(call_id: i32) -> Vec<u8> {
    RpcRequestHeaderProto {
        rpc_kind: Some(2),
        rpc_op: Some(0),
        call_id,
        client_id: vec![7; 16].into(),
        retry_count: Some(0),
        ..Default::default()
    }
    .encode_length_delimited_to_vec()
}

fn call(method: &str, request: &impl Message) -> Vec<u8> {
    let method = RequestHeaderProto {
        method_name: method.to_owned(),
        declaring_class_protocol_name: CLIENT_PROTOCOL.to_owned(),
        client_protocol_version: 1,
    };
    frame(&[
        header(3),
        method.encode_length_delimited_to_vec(),
        request.encode_length_delimited_to_vec(),
    ])
}

/// Creates a connection of alice to a NameNode with 1,000 directories side by side.
fn session(hook: Arc<dyn Hook>) -> RpcSession {
    let (config, _) = HdfsConfig::from_pairs([]).expect("defaults");
    let identity = NameNodeIdentity {
        superuser: "hdfs".to_owned(),
        default_realm: String::new(),
        address: Ipv4Addr::LOCALHOST.into(),
    };
    let mut rng = StdRng::seed_from_u64(1);
    let namenode = NameNode::new(config.clone(), &identity, NOW, Arc::clone(&hook), &mut rng)
        .expect("a NameNode");
    for number in 0..1_000 {
        let path = format!("/user/alice/directory-{number:04}");
        namenode
            .make_directory(NOW, &path, "alice", "alice", 0o755)
            .expect("made");
    }
    let rules = AuthToLocal::from_config(&config, "").expect("DEFAULT");
    let endpoint = RpcEndpoint::new(
        Server::NameNode(1),
        Arc::new(namenode),
        None,
        rules,
        &config,
        hook,
    );
    let mut session = RpcSession::new(Arc::new(endpoint), (Ipv4Addr::LOCALHOST, 50_000).into());
    let context = IpcConnectionContextProto {
        user_info: Some(UserInformationProto {
            effective_user: Some("alice".to_owned()),
            real_user: None,
        }),
        protocol: Some(CLIENT_PROTOCOL.to_owned()),
    };
    session.input().extend_from_slice(b"hrpc\x09\x00\x00");
    let hello = frame(&[header(-3), context.encode_length_delimited_to_vec()]);
    session.input().extend_from_slice(&hello);
    assert_eq!(session.advance(NOW, &mut rng), Step::Read);
    session
}

/// Returns the CPU time of this thread, in nanoseconds.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ')
        .next()
        .and_then(|nanoseconds| nanoseconds.parse().ok())
        .unwrap_or_default()
}

/// Prints the best of five runs.
fn measure(name: &str, mut session: RpcSession, request: &[u8], calls: u64) {
    let mut rng = StdRng::seed_from_u64(2);
    let mut best = u64::MAX;
    for _ in 0..5 {
        let before = cpu();
        for _ in 0..calls {
            session.input().extend_from_slice(black_box(request));
            assert_eq!(session.advance(NOW, &mut rng), Step::Read);
            let output = session.output();
            assert!(output.len() > 50);
            black_box(&output);
            output.clear();
        }
        best = best.min((cpu() - before) / calls);
    }
    println!("{name:<24} {best:>8} ns of CPU a call");
}

fn main() {
    let file_info = call(
        "getFileInfo",
        &GetFileInfoRequestProto {
            src: "/user/alice/directory-0500".to_owned(),
        },
    );
    let listing = call(
        "getListing",
        &GetListingRequestProto {
            src: "/user/alice".to_owned(),
            ..Default::default()
        },
    );
    let journal = Journal(std::sync::Mutex::new(Vec::with_capacity(4_096)));
    measure(
        "getFileInfo",
        session(Arc::new(NoHook)),
        &file_info,
        200_000,
    );
    measure(
        "getFileInfo, recorded",
        session(Arc::new(journal)),
        &file_info,
        200_000,
    );
    measure(
        "getListing of 1,000",
        session(Arc::new(NoHook)),
        &listing,
        1_000,
    );
}
