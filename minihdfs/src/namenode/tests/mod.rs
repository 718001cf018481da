//! Calls ClientProtocol directly, with a fixed clock and simulated DataNodes.

mod access_lists;
mod attributes;
mod authority;
mod caching;
mod datanode_admin;
mod edits;
mod events;
mod features;
mod hostile;
mod law;
mod leases;
mod listing;
mod model;
mod permissions;
mod reads;
mod recovery;
mod rename;
mod replication;
mod restart;
mod safe_mode;
mod server_protocols;
mod side_protocols;
mod snapshots;
mod symlinks;
mod tokens;
mod tree;
mod type_quotas;
mod upkeep;
mod writing;

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kerbox_events::{Event, Hook, NoHook, StateChange, TimerKind, Verdict};
use kerbox_krb5::Timestamp;
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::storage::{read_segment, write_header, write_record};
use super::{Edit, EditSink, LogDirectory, MemoryEdits, NameNode, NameNodeIdentity, RpcIds};
use crate::config::HdfsConfig;
use crate::proto::hdfs::*;
use crate::protocol::{
    BadBlock, Block, BlockStatus, DatanodeCommand, DatanodeError, DatanodeProtocol,
    DatanodeRegistration, ReceivedDeletedBlock, ReplicaState, ReportedReplica, StorageReport,
    WorkSignal,
};
use crate::rpc::{Call, RpcService};
use crate::user::{AuthMethod, User};
use crate::{Caller, HdfsError};

const START: Timestamp = Timestamp::from_secs(1_700_000_000);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Calls `mkdirs` as the superuser.
pub(super) fn mkdirs(node: &NameNode, path: &str) -> Result<(), HdfsError> {
    let user = User {
        full: "hdfs".into(),
        short: "hdfs".into(),
    };
    let caller = Caller::new(user, AuthMethod::Simple, LOOPBACK);
    let request = MkdirsRequestProto {
        src: path.to_owned(),
        masked: FsPermissionProto { perm: 0o755 },
        create_parent: true,
        unmasked: None,
    };
    let request = request.encode_to_vec();
    let call = Call {
        now: START,
        caller: &caller,
        protocol: "org.apache.hadoop.hdfs.protocol.ClientProtocol",
        version: 1,
        method: "mkdirs",
        request: &request,
    };
    node.call(&call, &mut Vec::new())
}

/// Stores recorded events.
#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Hook for Recorder {
    fn ask(&self, _now: Timestamp, _event: &Event) -> Verdict {
        Verdict::Pass
    }

    fn record(&self, _now: Timestamp, event: Event) {
        self.0.lock().expect("not poisoned").push(event);
    }

    fn watching(&self) -> bool {
        false
    }
}

/// A NameNode, its DataNodes, and the time.
struct Fixture {
    node: NameNode,
    edits: MemoryEdits,
    now: Cell<Timestamp>,
    /// The signal of each DataNode.
    datanodes: Vec<Arc<WorkSignal>>,
}

impl Drop for Fixture {
    /// Checks the law of replay at the end of every test.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check_law();
        }
    }
}

impl Fixture {
    fn edits(&self) -> Vec<Edit> {
        self.edits.edits().expect("no limit")
    }

    #[track_caller]
    fn check_law(&self) {
        let law = self.node.check_replay(self.now.get(), &self.edits);
        assert_eq!(law, Ok(()));
        assert_eq!(self.node.check_image(self.now.get()), Ok(()));
        self.check_edit_log();
    }

    /// Asserts that the edits are the same after writing and reading them.
    #[track_caller]
    fn check_edit_log(&self) {
        let mut edits = self.edits();
        let mut bytes = Vec::new();
        write_header(&mut bytes);
        for (id, edit) in (1..).zip(&mut edits) {
            write_record(id, edit, &mut bytes);
            // Hadoop keeps no ids of a truncation's call.
            if let Edit::Truncate { rpc, .. } = edit {
                *rpc = RpcIds::NONE;
            }
        }
        let read = read_segment("edits", &bytes, 1, false).expect("just written");
        let read: Vec<Edit> = read.records.into_iter().map(|record| record.edit).collect();
        assert_eq!(read, edits);
    }

    fn new() -> Self {
        Self::with(&[])
    }

    /// Security off, users `alice` and `bob` in the groups `staff` and `students`, and these
    /// additional keys.
    fn with(keys: &[(&str, &str)]) -> Self {
        Self::hooked(keys, Arc::new(NoHook))
    }

    fn hooked(keys: &[(&str, &str)], hook: Arc<dyn Hook>) -> Self {
        Self::configured(keys, hook, |_| {})
    }

    /// Same as [`with`](Self::with), and changes what no key sets.
    fn with_config(keys: &[(&str, &str)], change: impl FnOnce(&mut HdfsConfig)) -> Self {
        Self::configured(keys, Arc::new(NoHook), change)
    }

    fn configured(
        keys: &[(&str, &str)],
        hook: Arc<dyn Hook>,
        change: impl FnOnce(&mut HdfsConfig),
    ) -> Self {
        let groups = (
            "hadoop.user.group.static.mapping.overrides",
            "alice=staff;bob=students;root2=supergroup",
        );
        let pairs = [groups].into_iter().chain(keys.iter().copied());
        let (mut config, _) = HdfsConfig::from_pairs(pairs).expect("a good configuration");
        change(&mut config);
        let identity = identity();
        let mut rng = StdRng::seed_from_u64(1);
        let edits = MemoryEdits::new(usize::MAX);
        let sink = Box::new(edits.clone());
        let node = NameNode::with_edits(config, &identity, START, hook, &mut rng, sink);
        Self {
            node: node.expect("it starts"),
            edits,
            now: Cell::new(START),
            datanodes: Vec::new(),
        }
    }

    /// Ends the NameNode and starts another one with what the edits make.
    fn restart(&mut self) {
        let now = self.now.get();
        let saved = self.node.end(now, Some(&self.edits)).expect("the law");
        let config = self.node.config().clone();
        let mut rng = StdRng::seed_from_u64(2);
        let hook = Arc::clone(&self.node.hook);
        let sink = Box::new(self.edits.clone());
        let node = NameNode::restarted(config, &identity(), now, hook, &mut rng, sink, saved);
        self.node = node.expect("it starts");
    }

    /// Registers a DataNode that has these finalized replicas.
    fn returns(&self, number: usize, blocks: &[&ExtendedBlockProto]) {
        self.register(number);
        let replicas: Vec<_> = blocks
            .iter()
            .map(|block| replica(block, ReplicaState::Finalized))
            .collect();
        self.report(number, &replicas);
    }

    fn with_datanodes(mut self, count: usize) -> Self {
        for _ in 0..count {
            self.add_datanode();
        }
        self
    }

    fn add_datanode(&mut self) {
        let number = self.datanodes.len() + 1;
        self.datanodes.push(Arc::default());
        self.register(number);
        self.report(number, &[]);
        self.heartbeat(number);
    }

    fn register(&self, number: usize) {
        let datanode = datanode(number);
        self.node
            .register_datanode(self.now.get(), &datanode)
            .expect("it registers");
        self.node
            .attach_signal(&datanode, &self.datanodes[number - 1]);
    }

    /// Sends a full block report.
    fn report(&self, number: usize, replicas: &[ReportedReplica]) {
        self.node
            .block_report(
                self.now.get(),
                &datanode(number),
                &storage(number),
                replicas,
            )
            .expect("it is taken");
    }

    /// Reports the change of one replica.
    fn changed(&self, number: usize, block: Block, status: BlockStatus) {
        let changed = [ReceivedDeletedBlock {
            block,
            status,
            delete_hint: None,
        }];
        let (now, datanode) = (self.now.get(), datanode(number));
        self.node
            .block_received_and_deleted(now, &datanode, &storage(number), &changed)
            .expect("it is taken");
    }

    /// Reports that the replica on a DataNode does not match its checksums.
    fn bad(&self, uuid: &str, block: Block) {
        let bad = BadBlock {
            block,
            datanode: uuid.into(),
        };
        DatanodeProtocol::report_bad_blocks(&self.node, self.now.get(), &[bad])
            .expect("it is taken");
    }

    fn heartbeat(&self, number: usize) -> Vec<DatanodeCommand> {
        let report = StorageReport {
            storage_id: storage(number).into(),
            capacity: 1 << 40,
            remaining: 1 << 40,
            ..StorageReport::default()
        };
        self.node
            .send_heartbeat(self.now.get(), &datanode(number), &report)
            .expect("an answer")
    }

    fn heartbeats(&self) -> Vec<(usize, DatanodeCommand)> {
        let numbers = 1..=self.datanodes.len();
        numbers
            .flat_map(|number| {
                self.heartbeat(number)
                    .into_iter()
                    .map(move |command| (number, command))
            })
            .collect()
    }

    fn advance(&self, by: Duration) {
        self.now.set(self.now.get() + by);
    }

    fn tick(&self) {
        self.node.tick(self.now.get());
    }

    fn user(&self, name: &str) -> Session<'_> {
        Session {
            fixture: self,
            caller: Caller::new(User::simple(name), AuthMethod::Simple, LOOPBACK),
        }
    }

    fn hdfs(&self) -> Session<'_> {
        self.user("hdfs")
    }

    /// Reports that the DataNode has finalized a replica of this length.
    fn received(&self, number: usize, block: &ExtendedBlockProto, length: u64) {
        let block = Block {
            id: block.block_id,
            generation_stamp: block.generation_stamp,
            length,
        };
        self.changed(number, block, BlockStatus::Received);
    }
}

fn identity() -> NameNodeIdentity {
    NameNodeIdentity {
        superuser: "hdfs".to_owned(),
        default_realm: "EXAMPLE.COM".to_owned(),
        address: LOOPBACK,
    }
}

fn replica(block: &ExtendedBlockProto, state: ReplicaState) -> ReportedReplica {
    let block = Block {
        id: block.block_id,
        generation_stamp: block.generation_stamp,
        length: block.num_bytes(),
    };
    ReportedReplica { block, state }
}

fn datanode(number: usize) -> DatanodeRegistration {
    DatanodeRegistration {
        uuid: format!("dn{number}").into(),
        ip: LOOPBACK,
        host_name: "localhost".into(),
        transfer_port: 9000 + number as u16,
        ipc_port: 0,
        info_port: 0,
        info_secure_port: 0,
    }
}

fn storage(number: usize) -> String {
    format!("DS-{number}")
}

/// Returns the number in the uuid of a DataNode.
fn number_of(uuid: &str) -> usize {
    uuid[2..].parse().expect("a number")
}

/// The calls of one user.
struct Session<'a> {
    fixture: &'a Fixture,
    caller: Caller,
}

impl Session<'_> {
    /// Calls a method of ClientProtocol by name, like the RPC layer.
    fn call<Response: Message + Default>(
        &self,
        method: &str,
        request: &impl Message,
    ) -> Result<Response, HdfsError> {
        self.call_of(
            "org.apache.hadoop.hdfs.protocol.ClientProtocol",
            method,
            request,
        )
    }

    fn call_of<Response: Message + Default>(
        &self,
        protocol: &str,
        method: &str,
        request: &impl Message,
    ) -> Result<Response, HdfsError> {
        let bytes = request.encode_to_vec();
        let call = Call {
            now: self.fixture.now.get(),
            caller: &self.caller,
            protocol,
            version: 1,
            method,
            request: &bytes,
        };
        let mut response = Vec::new();
        self.fixture.node.call(&call, &mut response)?;
        Ok(Response::decode_length_delimited(&response[..]).expect("a response of the right type"))
    }

    fn mkdirs(&self, src: &str, perm: u32) -> Result<bool, HdfsError> {
        let request = MkdirsRequestProto {
            src: src.to_owned(),
            masked: FsPermissionProto { perm },
            create_parent: true,
            unmasked: None,
        };
        self.call::<MkdirsResponseProto>("mkdirs", &request)
            .map(|response| response.result)
    }

    fn status(&self, src: &str) -> Result<Option<HdfsFileStatusProto>, HdfsError> {
        let request = GetFileInfoRequestProto {
            src: src.to_owned(),
        };
        self.call::<GetFileInfoResponseProto>("getFileInfo", &request)
            .map(|response| response.fs)
    }

    /// Returns the status of a path that must exist.
    fn stat(&self, src: &str) -> HdfsFileStatusProto {
        self.status(src)
            .expect("no error")
            .unwrap_or_else(|| panic!("{src} exists"))
    }

    fn exists(&self, src: &str) -> bool {
        self.status(src).expect("no error").is_some()
    }

    fn chmod(&self, src: &str, perm: u32) -> Result<(), HdfsError> {
        let request = SetPermissionRequestProto {
            src: src.to_owned(),
            permission: FsPermissionProto { perm },
        };
        self.call::<SetPermissionResponseProto>("setPermission", &request)
            .map(|_| ())
    }

    fn chown(&self, src: &str, user: Option<&str>, group: Option<&str>) -> Result<(), HdfsError> {
        let request = SetOwnerRequestProto {
            src: src.to_owned(),
            username: user.map(str::to_owned),
            groupname: group.map(str::to_owned),
        };
        self.call::<SetOwnerResponseProto>("setOwner", &request)
            .map(|_| ())
    }

    fn delete(&self, src: &str, recursive: bool) -> Result<bool, HdfsError> {
        let request = DeleteRequestProto {
            src: src.to_owned(),
            recursive,
        };
        self.call::<DeleteResponseProto>("delete", &request)
            .map(|response| response.result)
    }

    fn list(&self, src: &str) -> Result<Vec<String>, HdfsError> {
        let request = GetListingRequestProto {
            src: src.to_owned(),
            ..GetListingRequestProto::default()
        };
        let response = self.call::<GetListingResponseProto>("getListing", &request)?;
        let listing = response.dir_list.expect("it exists").partial_listing;
        let names = listing
            .iter()
            .map(|entry| String::from_utf8(entry.path.to_vec()).expect("UTF-8"));
        Ok(names.collect())
    }

    /// Returns a create request with block size 1024 and replication 1, from the client
    /// `client-<user>`.
    fn create_request(&self, src: &str, flags: u32) -> CreateRequestProto {
        CreateRequestProto {
            src: src.to_owned(),
            masked: FsPermissionProto { perm: 0o644 },
            client_name: format!("client-{}", self.caller.user.short),
            create_flag: flags,
            create_parent: true,
            replication: 1,
            block_size: 1024,
            ..CreateRequestProto::default()
        }
    }

    fn create(&self, src: &str) -> Result<HdfsFileStatusProto, HdfsError> {
        let request = self.create_request(src, CreateFlagProto::Create as u32);
        self.call::<CreateResponseProto>("create", &request)
            .map(|response| response.fs.expect("always there"))
    }

    fn add_block(
        &self,
        src: &str,
        previous: Option<&ExtendedBlockProto>,
    ) -> Result<LocatedBlockProto, HdfsError> {
        let request = AddBlockRequestProto {
            src: src.to_owned(),
            client_name: format!("client-{}", self.caller.user.short),
            previous: previous.cloned(),
            ..AddBlockRequestProto::default()
        };
        self.call::<AddBlockResponseProto>("addBlock", &request)
            .map(|response| response.block)
    }

    fn complete(&self, src: &str, last: Option<&ExtendedBlockProto>) -> Result<bool, HdfsError> {
        let request = CompleteRequestProto {
            src: src.to_owned(),
            client_name: format!("client-{}", self.caller.user.short),
            last: last.cloned(),
            file_id: None,
        };
        self.call::<CompleteResponseProto>("complete", &request)
            .map(|response| response.result)
    }

    fn locations(&self, src: &str) -> Result<LocatedBlocksProto, HdfsError> {
        let request = GetBlockLocationsRequestProto {
            src: src.to_owned(),
            offset: 0,
            length: i64::MAX as u64,
        };
        self.call::<GetBlockLocationsResponseProto>("getBlockLocations", &request)
            .map(|response| response.locations.expect("always there"))
    }

    /// Writes one block. Like a real DataNode, reports it before acknowledging it.
    fn write_block(
        &self,
        src: &str,
        previous: Option<&ExtendedBlockProto>,
        length: u64,
    ) -> ExtendedBlockProto {
        let located = self.add_block(src, previous).expect("a block");
        for node in &located.locs {
            let number = node.id.datanode_uuid[2..].parse().expect("dn1, dn2, ...");
            self.fixture.received(number, &located.b, length);
        }
        ExtendedBlockProto {
            num_bytes: Some(length),
            ..located.b
        }
    }

    /// Writes a whole file with these block lengths.
    fn write(&self, src: &str, lengths: &[u64]) {
        self.create(src).expect("it is created");
        let mut last = None;
        for length in lengths {
            last = Some(self.write_block(src, last.as_ref(), *length));
        }
        assert!(
            self.complete(src, last.as_ref()).expect("no error"),
            "the first complete answers true"
        );
    }
}

/// Asserts that the call failed with this class, given without its package, and exactly this
/// message.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, HdfsError>, class: &str, message: &str) {
    let error = result.expect_err("refused");
    assert!(error.class().ends_with(&format!(".{class}")), "{error}");
    assert_eq!(error.message(), message);
}
