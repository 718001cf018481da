//! The cost of one NameNode call, from the bytes of its frame to the bytes of the response, without
//! sockets or the kernel; and of one that is served, beside a bare echo of the same bytes.
//!
//! `cargo bench -p minihdfs --bench rpc` prints the CPU time of a call, which other load on the
//! machine does not distort.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use kerbox_events::{Event, Hook, NoHook, Server, Verdict};
use kerbox_krb5::{Clock, Timestamp};
use minihdfs::config::HdfsConfig;
use minihdfs::namenode::{NameNode, NameNodeIdentity};
use minihdfs::proto::common::{
    IpcConnectionContextProto, RequestHeaderProto, RpcRequestHeaderProto, UserInformationProto,
};
use minihdfs::proto::hdfs::{
    CompleteRequestProto, CreateFlagProto, CreateRequestProto, FsPermissionProto,
    GetFileInfoRequestProto, GetListingRequestProto, MkdirsRequestProto,
};
use minihdfs::rpc::{RpcEndpoint, RpcSession, Step};
use minihdfs::user::AuthToLocal;
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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

/// Creates the port of a NameNode with 1,000 directories side by side.
fn endpoint(hook: Arc<dyn Hook>) -> Arc<RpcEndpoint> {
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
    Arc::new(RpcEndpoint::new(
        Server::NameNode(1),
        Arc::new(namenode),
        None,
        rules,
        &config,
        hook,
    ))
}

/// Returns the first bytes of alice's connection.
fn hello() -> Vec<u8> {
    let context = IpcConnectionContextProto {
        user_info: Some(UserInformationProto {
            effective_user: Some("alice".to_owned()),
            real_user: None,
        }),
        protocol: Some(CLIENT_PROTOCOL.to_owned()),
    };
    let context = frame(&[header(-3), context.encode_length_delimited_to_vec()]);
    [&b"hrpc\x09\x00\x00"[..], &context].concat()
}

/// Creates a connection of alice.
fn session(hook: Arc<dyn Hook>) -> RpcSession {
    let mut rng = StdRng::seed_from_u64(1);
    let mut session = RpcSession::new(endpoint(hook), (Ipv4Addr::LOCALHOST, 50_000).into());
    session.input().extend_from_slice(&hello());
    assert_eq!(session.advance(NOW, &mut rng), Step::Read);
    session
}

/// Returns the CPU time of this thread, in nanoseconds.
fn cpu() -> u64 {
    cpu_of("/proc/thread-self")
}

/// Returns the CPU time of the thread with this folder, in nanoseconds.
fn cpu_of(thread: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("{thread}/schedstat")).unwrap_or_default();
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

/// Prints the best of five runs of calls that are made once each: `request` gets their numbers.
fn measure_changes(name: &str, mut session: RpcSession, request: impl Fn(u64) -> Vec<u8>) {
    const CALLS: u64 = 10_000;
    let mut rng = StdRng::seed_from_u64(2);
    let mut best = u64::MAX;
    for run in 0..5 {
        let numbers = run * CALLS..(run + 1) * CALLS;
        let requests: Vec<Vec<u8>> = numbers.map(&request).collect();
        let before = cpu();
        for request in &requests {
            session.input().extend_from_slice(black_box(request));
            assert_eq!(session.advance(NOW, &mut rng), Step::Read);
            black_box(session.output()).clear();
        }
        best = best.min((cpu() - before) / CALLS);
    }
    println!("{name:<24} {best:>8} ns of CPU a call");
}

fn mkdirs(number: u64) -> Vec<u8> {
    let request = MkdirsRequestProto {
        src: format!("/user/alice/new/d{number}"),
        masked: FsPermissionProto { perm: 0o755 },
        create_parent: true,
        unmasked: None,
    };
    call("mkdirs", &request)
}

/// Returns the calls that create an empty file and close it.
fn create_and_complete(number: u64) -> Vec<u8> {
    let (src, client_name) = (format!("/user/alice/new/f{number}"), "client".to_owned());
    let create = CreateRequestProto {
        src: src.clone(),
        masked: FsPermissionProto { perm: 0o644 },
        client_name: client_name.clone(),
        create_flag: CreateFlagProto::Create as u32,
        create_parent: true,
        replication: 3,
        block_size: 128 << 20,
        ..Default::default()
    };
    let complete = CompleteRequestProto {
        src,
        client_name,
        ..Default::default()
    };
    [call("create", &create), call("complete", &complete)].concat()
}

/// Runs a server on a thread of its own. Returns its address and the thread's folder in /proc.
fn serve<F: Future<Output = ()>>(
    server: impl FnOnce(TcpListener) -> F + Send + 'static,
) -> (SocketAddr, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("bound");
    listener.set_nonblocking(true).expect("a socket");
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let thread = std::fs::read_link("/proc/thread-self").unwrap_or_default();
        tell.send(format!("/proc/{}", thread.display()))
            .expect("main listens");
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(server(listener));
    });
    (address, told.recv().expect("the thread runs"))
}

/// Answers each request with these bytes: the least that a server on tokio can do.
async fn echo(listener: TcpListener, request: usize, response: Vec<u8>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
    let (mut stream, _) = listener.accept().await.expect("a client");
    stream.set_nodelay(true).expect("a socket");
    let mut buffer = vec![0; request];
    while stream.read_exact(&mut buffer).await.is_ok() {
        if stream.write_all(&response).await.is_err() {
            return;
        }
    }
}

/// Calls a served port one call after another. Returns the best CPU time of the server for a call,
/// and a response.
fn calls(server: &(SocketAddr, String), hello: &[u8], request: &[u8]) -> (u64, Vec<u8>) {
    const CALLS: u64 = 20_000;
    let mut stream = TcpStream::connect(server.0).expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    stream.write_all(hello).expect("sent");
    let mut response = Vec::new();
    let mut best = u64::MAX;
    for _ in 0..5 {
        let before = cpu_of(&server.1);
        for _ in 0..CALLS {
            stream.write_all(request).expect("sent");
            let mut length = [0; 4];
            stream.read_exact(&mut length).expect("a response");
            response.resize(4 + u32::from_be_bytes(length) as usize, 0);
            response[..4].copy_from_slice(&length);
            stream.read_exact(&mut response[4..]).expect("a response");
        }
        best = best.min((cpu_of(&server.1) - before) / CALLS);
    }
    (best, response)
}

/// Prints the CPU time of a served call beside that of an echo of the same bytes.
fn beside_an_echo(name: &str, request: &[u8]) {
    let endpoint = endpoint(Arc::new(NoHook));
    let server = serve(|listener| async {
        minihdfs::rpc::serve(
            endpoint,
            listener,
            Clock::frozen(NOW),
            1,
            std::future::pending(),
        )
        .await
        .expect("a socket");
    });
    let (served, response) = calls(&server, &hello(), request);
    let length = request.len();
    let echoed = serve(move |listener| echo(listener, length, response));
    let (echoed, _) = calls(&echoed, &[], request);
    println!(
        "{name:<24} {served:>8} ns of CPU a call, {:.2} times an echo",
        served as f64 / echoed as f64
    );
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
    measure_changes("mkdirs", session(Arc::new(NoHook)), mkdirs);
    let name = "create and complete";
    measure_changes(name, session(Arc::new(NoHook)), create_and_complete);
    // At the end, since a process with several threads allocates more slowly.
    beside_an_echo("getFileInfo, served", &file_info);
}
