//! A NameNode whose DataNodes are simulated, with a clock that tests set.

use super::*;

/// A NameNode, its DataNodes, and the time.
pub(super) struct Fixture {
    pub(super) node: NameNode,
    pub(super) edits: MemoryEdits,
    pub(super) now: Cell<Timestamp>,
    /// The signal of each DataNode.
    pub(super) datanodes: Vec<Arc<WorkSignal>>,
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
    pub(super) fn edits(&self) -> Vec<Edit> {
        self.edits.edits().expect("no limit")
    }

    #[track_caller]
    pub(super) fn check_law(&self) {
        let law = self.node.check_replay(self.now.get(), &self.edits);
        assert_eq!(law, Ok(()));
        let image = self.node.check_image(self.now.get(), compare);
        assert_eq!(image, Ok(()));
        self.check_edit_log();
    }

    /// Asserts that the edits are the same after writing and reading them.
    #[track_caller]
    pub(super) fn check_edit_log(&self) {
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

    pub(super) fn new() -> Self {
        Self::with(&[])
    }

    /// Security off, users `alice` and `bob` in the groups `staff` and `students`, and these
    /// additional keys.
    pub(super) fn with(keys: &[(&str, &str)]) -> Self {
        Self::hooked(keys, Arc::new(NoHook))
    }

    pub(super) fn hooked(keys: &[(&str, &str)], hook: Arc<dyn Hook>) -> Self {
        Self::configured(keys, hook, |_| {})
    }

    /// Same as [`with`](Self::with), and changes what no key sets.
    pub(super) fn with_config(keys: &[(&str, &str)], change: impl FnOnce(&mut HdfsConfig)) -> Self {
        Self::configured(keys, Arc::new(NoHook), change)
    }

    pub(super) fn configured(
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
    pub(super) fn restart(&mut self) {
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
    pub(super) fn returns(&self, number: usize, blocks: &[&ExtendedBlockProto]) {
        self.register(number);
        let replicas: Vec<_> = blocks
            .iter()
            .map(|block| replica(block, ReplicaState::Finalized))
            .collect();
        self.report(number, &replicas);
    }

    pub(super) fn with_datanodes(mut self, count: usize) -> Self {
        for _ in 0..count {
            self.add_datanode();
        }
        self
    }

    pub(super) fn add_datanode(&mut self) {
        let number = self.datanodes.len() + 1;
        self.datanodes.push(Arc::default());
        self.register(number);
        self.report(number, &[]);
        self.heartbeat(number);
    }

    pub(super) fn register(&self, number: usize) {
        let datanode = datanode(number);
        self.node
            .register_datanode(self.now.get(), &datanode)
            .expect("it registers");
        self.node
            .attach_signal(&datanode, &self.datanodes[number - 1]);
    }

    /// Sends a full block report.
    pub(super) fn report(&self, number: usize, replicas: &[ReportedReplica]) {
        self.node
            .block_report(self.now.get(), &datanode(number), &disk(number), replicas)
            .expect("it is taken");
    }

    /// Reports the change of one replica.
    pub(super) fn changed(&self, number: usize, block: Block, status: BlockStatus) {
        let changed = [ReceivedDeletedBlock {
            block,
            status,
            delete_hint: None,
        }];
        let (now, datanode) = (self.now.get(), datanode(number));
        self.node
            .block_received_and_deleted(now, &datanode, &disk(number), &changed)
            .expect("it is taken");
    }

    /// Reports that the replica on a DataNode does not match its checksums.
    pub(super) fn bad(&self, uuid: &str, block: Block) {
        let bad = BadBlock {
            block,
            datanode: uuid.into(),
            storage_id: "".into(),
        };
        DatanodeProtocol::report_bad_blocks(&self.node, self.now.get(), &[bad])
            .expect("it is taken");
    }

    pub(super) fn heartbeat(&self, number: usize) -> Vec<DatanodeCommand> {
        let storage = StorageReport {
            capacity: 1 << 40,
            remaining: 1 << 40,
            ..StorageReport::unknown(disk(number))
        };
        let report = HeartbeatReport {
            storages: vec![storage],
            ..HeartbeatReport::default()
        };
        self.node
            .send_heartbeat(self.now.get(), &datanode(number), &report)
            .expect("an answer")
    }

    pub(super) fn heartbeats(&self) -> Vec<(usize, DatanodeCommand)> {
        let numbers = 1..=self.datanodes.len();
        numbers
            .flat_map(|number| {
                self.heartbeat(number)
                    .into_iter()
                    .map(move |command| (number, command))
            })
            .collect()
    }

    pub(super) fn advance(&self, by: Duration) {
        self.now.set(self.now.get() + by);
    }

    pub(super) fn tick(&self) {
        self.node.tick(self.now.get());
    }

    pub(super) fn user(&self, name: &str) -> Session<'_> {
        Session {
            fixture: self,
            caller: Caller::new(User::simple(name), AuthMethod::Simple, LOOPBACK),
        }
    }

    pub(super) fn hdfs(&self) -> Session<'_> {
        self.user("hdfs")
    }

    /// Reports that the DataNode has finalized a replica of this length.
    pub(super) fn received(&self, number: usize, block: &ExtendedBlockProto, length: u64) {
        let block = Block {
            id: block.block_id,
            generation_stamp: block.generation_stamp,
            length,
        };
        self.changed(number, block, BlockStatus::Received);
    }
}

pub(super) fn identity() -> NameNodeIdentity {
    NameNodeIdentity {
        superuser: "hdfs".to_owned(),
        default_realm: "EXAMPLE.COM".to_owned(),
        address: LOOPBACK,
    }
}

pub(super) fn replica(block: &ExtendedBlockProto, state: ReplicaState) -> ReportedReplica {
    let block = Block {
        id: block.block_id,
        generation_stamp: block.generation_stamp,
        length: block.num_bytes(),
    };
    ReportedReplica { block, state }
}

pub(super) fn datanode(number: usize) -> DatanodeRegistration {
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

pub(super) fn storage(number: usize) -> String {
    format!("DS-{number}")
}

/// Returns the storage of a DataNode.
pub(super) fn disk(number: usize) -> DatanodeStorage {
    DatanodeStorage::disk(storage(number).into())
}

/// Returns the number in the uuid of a DataNode.
pub(super) fn number_of(uuid: &str) -> usize {
    uuid[2..].parse().expect("a number")
}
