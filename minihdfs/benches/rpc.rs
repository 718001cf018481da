//! What one call costs a NameNode, from the bytes of its frame to the bytes of the answer: no socket, no kernel.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kerbox_events::{Event, Hook, NoHook, Server, Verdict};
use kerbox_krb5::Timestamp;
use minihdfs::config::HdfsConfig;
use minihdfs::namenode::{NameNode, NameNodeIdentity};
use minihdfs::proto::common::{IpcConnectionContextProto, RequestHeaderProto, RpcRequestHeaderProto, UserInformationProto};
use minihdfs::proto::hdfs::{GetFileInfoRequestProto, GetListingRequestProto};
use minihdfs::rpc::{RpcEndpoint, RpcSession, Step};
use minihdfs::user::AuthToLocal;
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const CLIENT_PROTOCOL: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";

/// Keeps what it is told, as a journal does, but not for ever.
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

/// A connection of alice, to a NameNode with 1,000 directories beside each other.
fn session(hook: Arc<dyn Hook>) -> RpcSession {
    let (config, _) = HdfsConfig::from_pairs([]).expect("defaults");
    let identity = NameNodeIdentity {
        superuser: "hdfs".to_owned(),
        default_realm: String::new(),
        address: Ipv4Addr::LOCALHOST.into(),
    };
    let mut rng = StdRng::seed_from_u64(1);
    let namenode = NameNode::new(config.clone(), &identity, NOW, Arc::clone(&hook), &mut rng).expect("a NameNode");
    for number in 0..1_000 {
        let path = format!("/user/alice/directory-{number:04}");
        namenode.make_directory(NOW, &path, "alice", "alice", 0o755).expect("made");
    }
    let rules = AuthToLocal::from_config(&config, "").expect("DEFAULT");
    let endpoint = RpcEndpoint::new(Server::NameNode, Arc::new(namenode), None, rules, &config, hook);
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

fn calls(criterion: &mut Criterion) {
    let mut rng = StdRng::seed_from_u64(2);
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
    let mut group = criterion.benchmark_group("rpc");
    for (name, request, hook) in [
        ("getFileInfo", &file_info, Arc::new(NoHook) as Arc<dyn Hook>),
        (
            "getFileInfo, recorded",
            &file_info,
            Arc::new(Journal(std::sync::Mutex::new(Vec::with_capacity(4_096)))),
        ),
        ("getListing of 1,000", &listing, Arc::new(NoHook)),
    ] {
        let mut session = session(hook);
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                session.input().extend_from_slice(black_box(request));
                assert_eq!(session.advance(NOW, &mut rng), Step::Read);
                let output = session.output();
                assert!(output.len() > 50);
                black_box(&output);
                output.clear();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, calls);
criterion_main!(benches);
