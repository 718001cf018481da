//! Measures the memory that a NameNode takes per file and per block. Alone in its process, because
//! the whole process is measured.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kerbox_events::NoHook;
use kerbox_krb5::{Clock, Timestamp};
use minihdfs::Caller;
use minihdfs::config::HdfsConfig;
use minihdfs::namenode::{NameNode, NameNodeIdentity};
use minihdfs::proto::hdfs::{
    AddBlockRequestProto, AddBlockResponseProto, AllowSnapshotRequestProto,
    AllowSnapshotResponseProto, CompleteRequestProto, CompleteResponseProto, CreateFlagProto,
    CreateRequestProto, CreateResponseProto, CreateSnapshotRequestProto,
    CreateSnapshotResponseProto, FsPermissionProto, GetContentSummaryRequestProto,
    GetContentSummaryResponseProto, GetFileInfoRequestProto, GetFileInfoResponseProto,
    GetListingRequestProto, GetListingResponseProto, SetPermissionRequestProto,
    SetPermissionResponseProto,
};
use minihdfs::protocol::{
    Block, BlockStatus, DatanodeProtocol, DatanodeRegistration, DatanodeStorage,
    ReceivedDeletedBlock,
};
use minihdfs::rpc::{Call, RpcService};
use minihdfs::user::{AuthMethod, User};
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const FILES: u64 = 30_000;
/// The files of one directory, so that directories count little.
const FILES_PER_DIRECTORY: u64 = 1000;
/// The most that an empty file may take, with its name and its place in its directory.
const FILE_LIMIT: u64 = 220;
/// The most that a block of three replicas may take, with its place in its file.
const BLOCK_LIMIT: u64 = 150;
/// The most that a snapshot may keep of a file whose attributes have changed, if one file in ten
/// has.
const CHANGED_LIMIT: u64 = 320;

struct Cluster {
    namenode: NameNode,
    caller: Caller,
}

impl Cluster {
    fn new() -> Self {
        let identity = NameNodeIdentity {
            superuser: "hdfs".to_owned(),
            default_realm: String::new(),
            address: HOME,
        };
        let mut rng = StdRng::seed_from_u64(1);
        let config = HdfsConfig::default();
        let namenode = NameNode::new(config, &identity, NOW, Arc::new(NoHook), &mut rng);
        let cluster = Self {
            namenode: namenode.expect("it starts"),
            caller: Caller::new(User::simple("hdfs"), AuthMethod::Simple, HOME),
        };
        for number in 1..=3 {
            let datanode = datanode(number);
            let registered = cluster.namenode.register_datanode(NOW, &datanode);
            registered.expect("anyone may");
            let reported = cluster
                .namenode
                .block_report(NOW, &datanode, &storage(), &[]);
            reported.expect("it is registered");
        }
        cluster
    }

    fn call<Response: Message + Default>(&self, method: &str, request: &impl Message) -> Response {
        let call = Call {
            now: NOW,
            caller: &self.caller,
            protocol: "org.apache.hadoop.hdfs.protocol.ClientProtocol",
            version: 1,
            method,
            request: &request.encode_to_vec(),
        };
        let mut response = Vec::new();
        let called = self.namenode.call(&call, &mut response);
        called.unwrap_or_else(|error| panic!("{method}: {error}"));
        Response::decode_length_delimited(&*response).expect("a message")
    }

    /// Writes a file, with one block of three replicas or empty.
    fn write(&self, src: &str, with_block: bool) {
        let _: CreateResponseProto = self.call(
            "create",
            &CreateRequestProto {
                src: src.to_owned(),
                masked: FsPermissionProto { perm: 0o644 },
                client_name: "client".to_owned(),
                create_flag: CreateFlagProto::Create as u32,
                create_parent: true,
                replication: 3,
                block_size: 1 << 27,
                ..CreateRequestProto::default()
            },
        );
        let last = with_block.then(|| self.write_block(src));
        let request = CompleteRequestProto {
            src: src.to_owned(),
            client_name: "client".to_owned(),
            last,
            ..CompleteRequestProto::default()
        };
        let response: CompleteResponseProto = self.call("complete", &request);
        assert!(response.result, "three replicas were reported");
    }

    fn write_block(&self, src: &str) -> minihdfs::proto::hdfs::ExtendedBlockProto {
        let request = AddBlockRequestProto {
            src: src.to_owned(),
            client_name: "client".to_owned(),
            ..AddBlockRequestProto::default()
        };
        let response: AddBlockResponseProto = self.call("addBlock", &request);
        let mut block = response.block.b;
        block.num_bytes = Some(1000);
        let received = Block {
            id: block.block_id,
            generation_stamp: block.generation_stamp,
            length: 1000,
        };
        for status in [BlockStatus::Receiving, BlockStatus::Received] {
            let changed = [ReceivedDeletedBlock {
                block: received,
                status,
                delete_hint: None,
            }];
            for number in 1..=3 {
                let datanode = datanode(number);
                let namenode = &self.namenode;
                let reported =
                    namenode.block_received_and_deleted(NOW, &datanode, &storage(), &changed);
                reported.expect("it is registered");
            }
        }
        block
    }

    /// Returns the bytes that each of many new files takes.
    fn bytes_per_file(&self, top: &str, with_block: bool) -> u64 {
        let before = resident();
        (0..FILES).for_each(|number| self.write(&file(top, number), with_block));
        (resident() - before) / FILES
    }

    /// Takes a snapshot, and returns the bytes that it keeps of each file that is then changed.
    fn bytes_per_change(&self, top: &str) -> u64 {
        let snapshot_root = top.to_owned();
        let _: AllowSnapshotResponseProto = self.call(
            "allowSnapshot",
            &AllowSnapshotRequestProto { snapshot_root },
        );
        let snapshot = CreateSnapshotRequestProto {
            snapshot_root: top.to_owned(),
            ..CreateSnapshotRequestProto::default()
        };
        let _: CreateSnapshotResponseProto = self.call("createSnapshot", &snapshot);
        let before = resident();
        for number in (0..FILES).step_by(10) {
            let request = SetPermissionRequestProto {
                src: file(top, number),
                permission: FsPermissionProto { perm: 0o600 },
            };
            let _: SetPermissionResponseProto = self.call("setPermission", &request);
        }
        (resident() - before) / (FILES / 10)
    }
}

fn file(top: &str, number: u64) -> String {
    let directory = number / FILES_PER_DIRECTORY;
    format!("{top}/{directory}/part-{number:05}")
}

fn datanode(number: u16) -> DatanodeRegistration {
    DatanodeRegistration {
        uuid: format!("dn{number}").into(),
        ip: HOME,
        host_name: "localhost".into(),
        transfer_port: 9000 + number,
        ipc_port: 0,
        info_port: 0,
        info_secure_port: 0,
    }
}

fn storage() -> DatanodeStorage {
    DatanodeStorage::disk("DS".into())
}

/// Returns the memory of this process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kilobytes.expect("a size").parse::<u64>().expect("a number") * 1024
}

#[test]
#[cfg(target_os = "linux")]
fn files_and_blocks_take_little_memory() {
    let cluster = Cluster::new();
    // What the first files of either kind cost once.
    cluster.write("/warm/empty", false);
    cluster.write("/warm/full", true);
    let empty = cluster.bytes_per_file("/empty", false);
    let full = cluster.bytes_per_file("/full", true);
    let block = full.saturating_sub(empty);
    println!("a file takes {empty} bytes, a block of three replicas {block} more");
    assert!(empty <= FILE_LIMIT, "an empty file takes {empty} bytes");
    assert!(block <= BLOCK_LIMIT, "a block takes {block} bytes");
    let changed = cluster.bytes_per_change("/empty");
    println!("a snapshot keeps {changed} bytes of a changed file");
    assert!(
        changed <= CHANGED_LIMIT,
        "a snapshot keeps {changed} bytes of a changed file"
    );
}

/// The most that a file with a block of three replicas may take when there are ten million.
const FULL_FILE_LIMIT: u64 = 400;

/// Returns the path of one of ten million files: 1,000 in a directory, 100 directories in one.
fn large(number: u64) -> String {
    let directory = number / FILES_PER_DIRECTORY;
    format!("/data/{}/{directory}/part-{number:07}", directory / 100)
}

/// Prints the mean time of `count` calls.
fn timed(what: &str, count: u64, call: impl Fn(u64)) {
    let clock = Clock::system();
    let begun = clock.now();
    (0..count).for_each(call);
    let took = clock.now().since(begun).as_secs_f64();
    println!("{what}: {:.1} us each", took * 1e6 / count as f64);
}

#[test]
#[ignore = "takes 4 GB and a minute in an optimised build (FILES=10000000)"]
#[cfg(target_os = "linux")]
fn ten_million_files_take_four_gigabytes() {
    let files = std::env::var("FILES").ok().and_then(|it| it.parse().ok());
    let files = files.unwrap_or(10_000_000);
    let cluster = Cluster::new();
    cluster.write("/warm/full", true);
    let before = resident();
    timed("create, addBlock, six reports, complete", files, |number| {
        cluster.write(&large(number), true);
    });
    let taken = resident() - before;
    println!(
        "{files} files take {} MB, {} bytes each",
        taken / 1_000_000,
        taken / files
    );
    timed("getFileInfo", 200_000, |number| {
        // Fibonacci hashing: an order in which no call profits from the one before.
        let src = large(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % files);
        let found: GetFileInfoResponseProto =
            cluster.call("getFileInfo", &GetFileInfoRequestProto { src });
        assert!(found.fs.is_some_and(|status| status.length == 1000));
    });
    timed("getListing of 1,000", 200, |number| {
        let path = large(number * 7919 * FILES_PER_DIRECTORY % files);
        let src = path.rsplit_once('/').map(|(parent, _)| parent.to_owned());
        let page: GetListingResponseProto = cluster.call(
            "getListing",
            &GetListingRequestProto {
                src: src.expect("a parent"),
                ..GetListingRequestProto::default()
            },
        );
        let page = page.dir_list.expect("it exists");
        assert_eq!(page.partial_listing.len() as u64, FILES_PER_DIRECTORY);
    });
    timed("getContentSummary of all", 1, |_| {
        let path = "/data".to_owned();
        let found: GetContentSummaryResponseProto =
            cluster.call("getContentSummary", &GetContentSummaryRequestProto { path });
        assert_eq!(found.summary.file_count, files);
    });
    assert!(taken <= files * FULL_FILE_LIMIT, "{taken} bytes");
}
