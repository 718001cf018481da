//! DataNodes on real loopback sockets, with a NameNode that only stores reports, and our own
//! client. Tests with real clients are in `tests/`.

mod client;
mod damage;
mod faults;
mod lost_namenode;
mod lost_volume;
mod operations;
mod pipelines;
mod refusals;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use kerbox_events::{Outcome, Verdict};
use kerbox_krb5::{Clock, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::net::{TcpListener, TcpStream};

use client::*;

use super::connection::READ_TIMEOUT;
use super::request::{op, put_operation};
use super::*;
use crate::config::HdfsConfig;
use crate::datanode::block_store::ReadRange;
use crate::datanode::checksum::DataChecksum;
use crate::datanode::packet::{HEADER_LENGTH, Packet, put_header};
use crate::datanode::test_namenode::{POOL, TestNameNode};
use crate::datanode::{DataNodeContext, LocalPeers, StorageFolder};
use crate::proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use crate::proto::hdfs::{
    BaseHeaderProto, BlockChecksumOptionsProto, BlockChecksumTypeProto, BlockOpResponseProto,
    ChecksumProto, ChecksumTypeProto, ClientOperationHeaderProto, ClientReadStatusProto,
    DatanodeIdProto, DatanodeInfoProto, ExtendedBlockProto, OpBlockChecksumProto, OpCopyBlockProto,
    OpReadBlockProto, OpReplaceBlockProto, OpTransferBlockProto, OpWriteBlockProto,
    PipelineAckProto, Status,
};
use crate::protocol::{Block, DatanodeCommand, DatanodeError, DatanodeRegistration};
use crate::secret_manager::{BlockTokenSecretManager, BlockTokenSettings};
use crate::testing::Recorder;
use crate::token::{AccessMode, Token};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

const BLOCK: Block = Block {
    id: 1_073_741_825,
    generation_stamp: 1001,
    length: 0,
};

struct Fixture {
    folder: tempfile::TempDir,
    namenode: Arc<TestNameNode>,
    hook: Arc<Recorder>,
    secrets: Arc<BlockTokenSecretManager>,
    nodes: Vec<Arc<DataNode>>,
    servers: JoinSet<io::Result<()>>,
}

const SECURE: &[(&str, &str)] = &[("hadoop.security.authentication", "kerberos")];

impl Fixture {
    fn new(count: usize, pairs: &[(&str, &str)]) -> Self {
        let config = HdfsConfig::from_pairs(pairs.iter().copied())
            .expect("good values")
            .0;
        let settings = BlockTokenSettings::new(&config, POOL);
        let secrets = Arc::new(BlockTokenSecretManager::new(
            settings,
            NOW,
            &mut StdRng::seed_from_u64(1),
        ));
        let mut fixture = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            namenode: Arc::default(),
            hook: Arc::default(),
            secrets,
            nodes: Vec::new(),
            servers: JoinSet::new(),
        };
        if config.uses_block_tokens() {
            fixture.namenode.set_keys(fixture.secrets.export_keys());
        }
        for number in 1..=count {
            let listener =
                std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let registration = DatanodeRegistration {
                uuid: format!("dn{number}").into(),
                ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                host_name: "localhost".into(),
                transfer_port: listener.local_addr().expect("bound").port(),
                ipc_port: 0,
                info_port: 0,
                info_secure_port: 0,
            };
            let directory = fixture.folder.path().join(format!("dn{number}"));
            let context = DataNodeContext {
                number,
                namenode: fixture.namenode.clone(),
                peers: Arc::new(LocalPeers::default()),
                storages: vec![StorageFolder::disk(directory, &format!("DS-{number}"))],
                clock: Clock::frozen(NOW),
                hook: fixture.hook.clone(),
                superuser: "hdfs".to_owned(),
            };
            let node = DataNode::open(registration, &config, context, 1).expect("a folder");
            node.start(NOW).expect("accepted");
            fixture
                .servers
                .spawn(serve(node.clone(), listener, std::future::pending()));
            fixture.nodes.push(node);
        }
        fixture
    }

    fn rule(&self, rule: impl Fn(&Event) -> Verdict + Send + Sync + 'static) {
        self.hook.set_rule(rule);
    }

    /// Returns the outcomes of the events selected by `pick`.
    fn outcomes(&self, pick: impl Fn(&Event) -> bool) -> Vec<Outcome> {
        let events = self.hook.events();
        events
            .iter()
            .filter(|event| pick(event))
            .filter_map(|event| event.outcome().cloned())
            .collect()
    }

    fn token(&self, modes: &[AccessMode]) -> Token {
        self.secrets.issue(NOW, "alice", BLOCK.id, modes, &[], &[])
    }

    fn info(&self, index: usize) -> DatanodeInfoProto {
        DatanodeInfoProto {
            id: DatanodeIdProto {
                ip_addr: "127.0.0.1".to_owned(),
                xfer_port: self.nodes[index].registration().transfer_port.into(),
                ..DatanodeIdProto::default()
            },
            ..DatanodeInfoProto::default()
        }
    }

    async fn connect(&self, index: usize) -> Connection {
        self.connect_with(index, &self.token(&[AccessMode::Read]))
            .await
            .expect("accepted")
    }

    /// Connects with a handshake, if the DataNodes require one.
    async fn connect_with(&self, index: usize, token: &Token) -> io::Result<Connection> {
        Connection::connect(&self.nodes[0], &self.info(index).id, token).await
    }

    /// Returns the path of the replica's data file.
    fn file(&self, index: usize) -> PathBuf {
        let pool = self
            .folder
            .path()
            .join(format!("dn{}/current/{POOL}/current", index + 1));
        pool.join(format!("finalized/subdir0/subdir0/blk_{}", BLOCK.id))
    }

    fn write_request(&self, indices: &[usize], token: Token) -> OpWriteBlockProto {
        OpWriteBlockProto {
            header: header(BLOCK, token, "client"),
            targets: indices.iter().map(|&index| self.info(index)).collect(),
            stage: Stage::PipelineSetupCreate.into(),
            pipeline_size: 1 + indices.len() as u32,
            requested_checksum: CRC32C,
            target_storage_types: vec![1; indices.len()],
            ..OpWriteBlockProto::default()
        }
    }

    /// Writes the block through all DataNodes, like a client.
    async fn write(&self, data: &[u8]) {
        let rest: Vec<_> = (1..self.nodes.len()).collect();
        let token = self.token(&[AccessMode::Write]);
        let mut connection = self.connect_with(0, &token).await.expect("accepted");
        let answer = begin_write(&mut connection, &self.write_request(&rest, token)).await;
        assert_eq!(
            (answer.status(), answer.first_bad_link.as_deref()),
            (Status::Success, Some("")),
            "{answer:?}"
        );
        for ack in write_all(&mut connection, 0, data, true)
            .await
            .expect("acknowledged")
        {
            assert_eq!(
                ack.reply().collect::<Vec<_>>(),
                vec![Status::Success; self.nodes.len()]
            );
        }
    }

    /// Reads the whole block from one DataNode, like a client.
    async fn read(&self, index: usize, length: usize) -> io::Result<Vec<u8>> {
        let mut connection = self.connect(index).await;
        read_on(&mut connection, self.token(&[AccessMode::Read]), length).await
    }
}

const PROTECTIONS: &[&[(&str, &str)]] = &[
    &[],
    SECURE,
    &[
        SECURE[0],
        ("dfs.data.transfer.protection", "authentication"),
    ],
    &[SECURE[0], ("dfs.data.transfer.protection", "integrity")],
    &[SECURE[0], ("dfs.data.transfer.protection", "privacy")],
    &[
        SECURE[0],
        ("dfs.data.transfer.protection", "privacy"),
        (
            "dfs.encrypt.data.transfer.cipher.suites",
            "AES/CTR/NoPadding",
        ),
    ],
    &[SECURE[0], ("dfs.encrypt.data.transfer", "true")],
];
