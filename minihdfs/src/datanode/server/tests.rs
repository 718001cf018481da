//! DataNodes on real loopback sockets, with a NameNode that only listens, and a client of our own. Real clients are in `tests/`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Mutex;

use kerbox_events::{Hook, Outcome, Verdict};
use kerbox_krb5::{Clock, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::net::TcpStream;

use super::connection::READ_TIMEOUT;
use super::xceiver::{WRITE_BLOCK, put_operation};
use super::*;
use crate::config::HdfsConfig;
use crate::datanode::DataNodeContext;
use crate::datanode::block_store::ReadRange;
use crate::datanode::checksum::DataChecksum;
use crate::datanode::link::{Block, DatanodeCommand, DatanodeLink, DatanodeRegistration};
use crate::datanode::packet::{HEADER_LENGTH, Packet, put_header};
use crate::datanode::test_namenode::{POOL, TestNameNode};
use crate::proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use crate::proto::hdfs::{
    BaseHeaderProto, BlockChecksumOptionsProto, BlockChecksumTypeProto, BlockOpResponseProto, ChecksumProto, ChecksumTypeProto,
    ClientOperationHeaderProto, ClientReadStatusProto, DatanodeIdProto, DatanodeInfoProto, ExtendedBlockProto, OpBlockChecksumProto,
    OpCopyBlockProto, OpReadBlockProto, OpTransferBlockProto, OpWriteBlockProto, PipelineAckProto, Status,
};
use crate::secret_manager::{BlockTokenSecretManager, BlockTokenSettings};
use crate::token::{AccessMode, Token};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

const BLOCK: Block = Block {
    id: 1_073_741_825,
    generation_stamp: 1001,
    length: 0,
};

type Rule = Box<dyn Fn(&Event) -> Verdict + Send + Sync>;

/// Answers by a rule, and writes events down.
#[derive(Default)]
struct Recorder {
    rule: Mutex<Option<Rule>>,
    events: Mutex<Vec<Event>>,
}

impl Hook for Recorder {
    fn ask(&self, _now: Timestamp, event: &Event) -> Verdict {
        self.rule.lock().expect("whole").as_ref().map_or(Verdict::Pass, |rule| rule(event))
    }

    fn record(&self, _now: Timestamp, event: Event) {
        self.events.lock().expect("whole").push(event);
    }

    fn watching(&self) -> bool {
        self.rule.lock().expect("whole").is_some()
    }
}

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
        let config = HdfsConfig::from_pairs(pairs.iter().copied()).expect("good values").0;
        let settings = BlockTokenSettings::new(&config, POOL);
        let secrets = Arc::new(BlockTokenSecretManager::new(settings, NOW, &mut StdRng::seed_from_u64(1)));
        let mut fixture = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            namenode: Arc::default(),
            hook: Arc::default(),
            secrets: secrets.clone(),
            nodes: Vec::new(),
            servers: JoinSet::new(),
        };
        for number in 1..=count {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let registration = DatanodeRegistration {
                number,
                uuid: format!("dn{number}").into(),
                storage_id: format!("DS-{number}").into(),
                ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                host_name: "localhost".into(),
                transfer_port: listener.local_addr().expect("bound").port(),
                ipc_port: 0,
                info_port: 0,
            };
            let context = DataNodeContext {
                namenode: fixture.namenode.clone(),
                secrets: config.uses_block_tokens().then(|| secrets.clone()),
                clock: Clock::frozen(NOW),
                hook: fixture.hook.clone(),
            };
            let node = DataNode::open(
                registration,
                &fixture.folder.path().join(format!("dn{number}")),
                &config,
                context,
                1,
            )
            .expect("a folder");
            node.start(NOW).expect("accepted");
            fixture.servers.spawn(serve(node.clone(), listener, std::future::pending()));
            fixture.nodes.push(node);
        }
        fixture
    }

    fn rule(&self, rule: impl Fn(&Event) -> Verdict + Send + Sync + 'static) {
        *self.hook.rule.lock().expect("whole") = Some(Box::new(rule));
    }

    /// The outcomes of the events that `pick` picks.
    fn outcomes(&self, pick: impl Fn(&Event) -> bool) -> Vec<Outcome> {
        let events = self.hook.events.lock().expect("whole");
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
        self.connect_with(index, &self.token(&[AccessMode::Read])).await.expect("accepted")
    }

    /// Through the handshake, if the DataNodes want one.
    async fn connect_with(&self, index: usize, token: &Token) -> io::Result<Connection> {
        Connection::connect(&self.nodes[0], &self.info(index).id, token).await
    }

    /// The replica's file on disk.
    fn file(&self, index: usize) -> PathBuf {
        let pool = self.folder.path().join(format!("dn{}/current/{POOL}/current", index + 1));
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

    /// Writes the block through all DataNodes, as a client does.
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
        for ack in write_all(&mut connection, 0, data, true).await.expect("acknowledged") {
            assert_eq!(ack.reply().collect::<Vec<_>>(), vec![Status::Success; self.nodes.len()]);
        }
    }

    /// Reads all of the block from one DataNode, as a client does.
    async fn read(&self, index: usize, length: usize) -> io::Result<Vec<u8>> {
        let mut connection = self.connect(index).await;
        read_on(&mut connection, self.token(&[AccessMode::Read]), length).await
    }
}

const CRC32C: ChecksumProto = ChecksumProto {
    r#type: ChecksumTypeProto::ChecksumCrc32c as i32,
    bytes_per_checksum: 512,
};

fn header(block: Block, token: Token, client: &str) -> ClientOperationHeaderProto {
    ClientOperationHeaderProto {
        base_header: BaseHeaderProto {
            block: ExtendedBlockProto {
                pool_id: POOL.to_owned(),
                block_id: block.id,
                generation_stamp: block.generation_stamp,
                num_bytes: Some(block.length),
            },
            token: Some(token.into()),
            trace_info: None,
        },
        client_name: client.to_owned(),
    }
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 + index / 251) as u8).collect()
}

async fn begin_write(connection: &mut Connection, request: &OpWriteBlockProto) -> BlockOpResponseProto {
    put_operation(connection, WRITE_BLOCK, request);
    connection.flush().await.expect("taken");
    connection.message(READ_TIMEOUT).await.expect("answered")
}

fn put_packet(connection: &mut Connection, seqno: i64, offset: usize, data: &[u8], last: bool) {
    let checksum = DataChecksum::from_proto(CRC32C).expect("a plain size");
    let sums = checksum.length_of(data.len());
    let mut packet = vec![0; HEADER_LENGTH + sums + data.len()];
    let (head, body) = packet.split_first_chunk_mut::<HEADER_LENGTH>().expect("longer");
    put_header(head, offset as u64, seqno, last, sums, data.len());
    checksum.compute(data, &mut body[..sums]);
    body[sums..].copy_from_slice(data);
    connection.outbox.unit(&packet);
}

/// Sends `data` from `offset` on in packets, and waits for each ack.
async fn write_all(connection: &mut Connection, offset: usize, data: &[u8], last: bool) -> io::Result<Vec<PipelineAckProto>> {
    let mut acks = Vec::new();
    let mut position = offset;
    for (seqno, piece) in data.chunks(64_512).enumerate() {
        put_packet(connection, seqno as i64, position, piece, false);
        connection.flush().await?;
        acks.push(connection.message(READ_TIMEOUT).await?);
        position += piece.len();
    }
    if last {
        put_packet(connection, acks.len() as i64, position, &[], true);
        connection.flush().await?;
        acks.push(connection.message(READ_TIMEOUT).await?);
    }
    Ok(acks)
}

async fn begin_read(connection: &mut Connection, token: Token, offset: usize, length: usize) -> io::Result<BlockOpResponseProto> {
    let request = OpReadBlockProto {
        header: header(BLOCK, token, "client"),
        offset: offset as u64,
        len: length as u64,
        ..OpReadBlockProto::default()
    };
    put_operation(connection, 81, &request);
    connection.flush().await?;
    connection.message(READ_TIMEOUT).await
}

/// The packets of a read, verified, up to the empty one.
async fn read_packets(connection: &mut Connection) -> io::Result<Vec<u8>> {
    let checksum = DataChecksum::from_proto(CRC32C).expect("a plain size");
    let mut data = Vec::new();
    let mut seqno = 0;
    loop {
        let Some(packet) = Packet::parse(connection.inbox.bytes()).map_err(connection::invalid)? else {
            connection.fill().await?;
            continue;
        };
        assert_eq!((packet.header.seqno, packet.header.sync_block), (seqno, None));
        seqno += 1;
        if let Err(at) = checksum.verify(packet.data, packet.checksums) {
            return Err(io::Error::other(format!("damaged at {}", data.len() + at)));
        }
        data.extend_from_slice(packet.data);
        let (length, last) = (packet.bytes.len(), packet.header.last_packet_in_block);
        connection.inbox.consume(length);
        if last {
            return Ok(data);
        }
    }
}

async fn read_on(connection: &mut Connection, token: Token, length: usize) -> io::Result<Vec<u8>> {
    let answer = begin_read(connection, token, 0, length).await?;
    if answer.status() != Status::Success {
        return Err(io::Error::other(format!("{}: {}", answer.status().as_str_name(), answer.message())));
    }
    let data = read_packets(connection).await?;
    let status = ClientReadStatusProto {
        status: Status::ChecksumOk.into(),
    };
    connection.send(&status).await?;
    Ok(data)
}

const PROTECTIONS: &[&[(&str, &str)]] = &[
    &[],
    SECURE,
    &[SECURE[0], ("dfs.data.transfer.protection", "authentication")],
    &[SECURE[0], ("dfs.data.transfer.protection", "integrity")],
    &[SECURE[0], ("dfs.data.transfer.protection", "privacy")],
    &[
        SECURE[0],
        ("dfs.data.transfer.protection", "privacy"),
        ("dfs.encrypt.data.transfer.cipher.suites", "AES/CTR/NoPadding"),
    ],
    &[SECURE[0], ("dfs.encrypt.data.transfer", "true")],
];

#[tokio::test]
async fn a_block_goes_through_three_datanodes_and_comes_back_from_each_at_every_protection() {
    for protection in PROTECTIONS {
        let fixture = Fixture::new(3, protection);
        // More than one packet, and little for 3DES in an unoptimised build.
        let data = content(70_000);
        fixture.write(&data).await;
        let mut finalized = fixture.namenode.finalized();
        finalized.sort();
        assert_eq!(finalized, ["dn1", "dn2", "dn3"], "before the last ack: {protection:?}");
        for index in 0..3 {
            assert_eq!(fixture.read(index, data.len()).await.expect("whole"), data, "{protection:?}");
        }
    }
}

#[tokio::test]
async fn fourteen_datanodes_make_one_pipeline() {
    let fixture = Fixture::new(14, &[]);
    fixture.write(&content(70_000)).await;
    assert_eq!(fixture.namenode.finalized().len(), 14);
    assert_eq!(fixture.read(13, 70_000).await.expect("whole"), content(70_000));
}

#[tokio::test]
async fn a_connection_serves_one_read_after_another() {
    let fixture = Fixture::new(1, &[]);
    fixture.write(&content(1000)).await;
    let mut connection = fixture.connect(0).await;
    for _ in 0..3 {
        let token = fixture.token(&[AccessMode::Read]);
        assert_eq!(read_on(&mut connection, token, 1000).await.expect("whole"), content(1000));
    }
}

#[tokio::test]
async fn heartbeats_are_acknowledged_in_their_turn() {
    let fixture = Fixture::new(2, &[]);
    let mut connection = fixture.connect(0).await;
    let answer = begin_write(&mut connection, &fixture.write_request(&[1], fixture.token(&[AccessMode::Write]))).await;
    assert_eq!(answer.status(), Status::Success);
    put_packet(&mut connection, 7, 0, b"hello", false);
    put_packet(&mut connection, -1, 0, &[], false);
    put_packet(&mut connection, 8, 5, &[], true);
    connection.flush().await.expect("taken");
    for seqno in [7, -1, 8] {
        let ack: PipelineAckProto = connection.message(READ_TIMEOUT).await.expect("answered");
        assert_eq!((ack.seqno, ack.reply.len()), (seqno, 2));
    }
}

#[tokio::test]
async fn what_was_flushed_is_visible_before_the_block_is_complete() {
    let fixture = Fixture::new(3, &[]);
    let mut connection = fixture.connect(0).await;
    begin_write(
        &mut connection,
        &fixture.write_request(&[1, 2], fixture.token(&[AccessMode::Write])),
    )
    .await;
    write_all(&mut connection, 0, &content(700), false).await.expect("acknowledged");
    for (index, node) in fixture.nodes.iter().enumerate() {
        assert_eq!(node.replica_visible_length(BLOCK), Ok(700));
        assert_eq!(fixture.read(index, 700).await.expect("whole"), content(700));
    }
}

#[tokio::test]
async fn tokens_that_are_missing_foreign_expired_or_for_something_else_are_refused() {
    let fixture = Fixture::new(1, SECURE);
    let data = content(1000);
    fixture.write(&data).await;
    let settings = fixture.secrets.settings().clone();
    let other = BlockTokenSecretManager::new(settings.clone(), NOW, &mut StdRng::seed_from_u64(2));
    let read = [AccessMode::Read];
    let early = NOW - settings.token_lifetime - Duration::from_secs(1);
    let empty: Token = crate::proto::common::TokenProto::default().into();
    let mut forged = fixture.token(&read);
    forged.password = bytes::Bytes::from_static(&[0; 20]);
    let other_block = fixture.secrets.issue(NOW, "alice", BLOCK.id + 1, &read, &[], &[]);
    let expired = fixture.secrets.issue(early, "alice", BLOCK.id, &read, &[], &[]);
    for (token, why) in [
        (empty, "Unable to de-serialize"),
        (other.issue(NOW, "alice", BLOCK.id, &read, &[], &[]), "doesn't exist"),
        (expired, "is expired"),
        (other_block, "doesn't apply to block"),
        (fixture.token(&[AccessMode::Write]), "doesn't have READ permission"),
        (forged, "doesn't have the correct token password"),
    ] {
        let mut connection = fixture.connect(0).await;
        let answer = begin_read(&mut connection, token, 0, 1000).await.expect("answered");
        assert_eq!(answer.status(), Status::ErrorAccessToken, "{why}");
        assert!(
            answer.message().starts_with("Block token verification failed: op=READ_BLOCK"),
            "{answer:?}"
        );
        assert!(answer.message().contains(why), "{answer:?}");
        assert!(connection.fill().await.is_err(), "the connection is closed");
    }
    let refused = fixture.outcomes(|event| matches!(event, Event::ReadBlock { .. }));
    assert_eq!(refused, vec![Outcome::Status("ERROR_ACCESS_TOKEN"); 6]);

    let mut connection = fixture.connect(0).await;
    let answer = begin_write(&mut connection, &fixture.write_request(&[], fixture.token(&read))).await;
    assert_eq!(answer.status(), Status::ErrorAccessToken);
    let own = fixture.nodes[0].registration().transfer_address().to_string();
    assert_eq!(answer.first_bad_link.as_deref(), Some(&*own));
}

#[tokio::test]
async fn a_client_without_the_handshake_and_one_with_a_needless_one_are_cut_off() {
    let fixture = Fixture::new(1, &[SECURE[0], ("dfs.data.transfer.protection", "authentication")]);
    let address = fixture.nodes[0].registration().transfer_address();
    let mut plain = Connection::new(TcpStream::connect(address).await.expect("listening"), address);
    assert!(begin_read(&mut plain, fixture.token(&[AccessMode::Read]), 0, 1).await.is_err());

    let fixture = Fixture::new(1, SECURE);
    let address = fixture.nodes[0].registration().transfer_address();
    let mut eager = Connection::new(TcpStream::connect(address).await.expect("listening"), address);
    eager.outbox.unit(&0xDEAD_BEEFu32.to_be_bytes());
    eager.flush().await.expect("taken");
    assert!(eager.fill().await.is_err());
}

#[tokio::test]
async fn a_packet_that_does_not_match_its_checksums_is_answered_with_error_checksum() {
    let fixture = Fixture::new(2, &[]);
    let mut connection = fixture.connect(0).await;
    begin_write(&mut connection, &fixture.write_request(&[1], fixture.token(&[AccessMode::Write]))).await;
    let mut packet = vec![0; HEADER_LENGTH + 4 + 5];
    let (head, body) = packet.split_first_chunk_mut::<HEADER_LENGTH>().expect("longer");
    put_header(head, 0, 0, false, 4, 5);
    body[4..].copy_from_slice(b"hello");
    connection.outbox.unit(&packet);
    connection.flush().await.expect("taken");
    let ack: PipelineAckProto = connection.message(READ_TIMEOUT).await.expect("answered");
    assert!(ack.reply().eq([Status::ErrorChecksum, Status::Success]));
    assert!(connection.fill().await.is_err(), "the connection is closed");
    let outcomes = fixture.outcomes(|event| matches!(event, Event::WriteBlock { datanode: 1, .. }));
    assert_eq!(outcomes, [Outcome::Status("ERROR_CHECKSUM")]);
}

#[tokio::test]
async fn damage_on_disk_reaches_the_reader_and_the_namenode() {
    let fixture = Fixture::new(2, &[]);
    fixture.write(&content(100_000)).await;
    let mut bytes = std::fs::read(fixture.file(0)).expect("there");
    bytes[50_000] ^= 1;
    std::fs::write(fixture.file(0), bytes).expect("writable");
    let error = fixture.read(0, 100_000).await.expect_err("damaged");
    assert_eq!(error.to_string(), "damaged at 49664");
    fixture.namenode.until(|namenode| namenode.bad() == ["dn1"]).await;
    assert_eq!(fixture.read(1, 100_000).await.expect("whole"), content(100_000));
}

#[tokio::test]
async fn a_dead_datanode_is_named_when_the_pipeline_is_set_up() {
    let fixture = Fixture::new(3, &[]);
    fixture.nodes[2].stop();
    let bad = fixture.nodes[2].registration().transfer_address();
    while TcpStream::connect(bad).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let mut connection = fixture.connect(0).await;
    let answer = begin_write(
        &mut connection,
        &fixture.write_request(&[1, 2], fixture.token(&[AccessMode::Write])),
    )
    .await;
    assert_eq!((answer.status(), answer.first_bad_link), (Status::Error, Some(bad.to_string())));
}

#[tokio::test]
async fn a_datanode_that_dies_at_its_nth_packet_leaves_a_pipeline_that_can_be_recovered() {
    let fixture = Fixture::new(3, SECURE);
    fixture.rule(|event| match event {
        Event::Packet {
            datanode: 2,
            nth: 3,
            writing: true,
            ..
        } => Verdict::Kill,
        _ => Verdict::Pass,
    });
    let data = content(300_000);
    let token = fixture.token(&[AccessMode::Write]);
    let mut connection = fixture.connect(0).await;
    begin_write(&mut connection, &fixture.write_request(&[1, 2], token.clone())).await;
    let mut acked = 0;
    for (seqno, piece) in data.chunks(64_512).enumerate() {
        put_packet(&mut connection, seqno as i64, seqno * 64_512, piece, false);
        connection.flush().await.expect("taken");
        let ack: PipelineAckProto = connection.message(READ_TIMEOUT).await.expect("answered");
        if ack.reply().any(|status| status != Status::Success) {
            assert!(ack.reply().eq([Status::Success, Status::Error]));
            break;
        }
        acked += piece.len();
    }
    assert_eq!(acked, 2 * 64_512);
    assert!(!fixture.nodes[1].is_alive());
    drop(connection);

    let mut connection = fixture.connect(0).await;
    let mut request = fixture.write_request(&[2], token);
    request.stage = Stage::PipelineSetupStreamingRecovery.into();
    request.latest_generation_stamp = 1002;
    request.min_bytes_rcvd = acked as u64;
    request.max_bytes_rcvd = data.len() as u64;
    let answer = begin_write(&mut connection, &request).await;
    assert_eq!(answer.status(), Status::Success, "{answer:?}");
    write_all(&mut connection, acked, &data[acked..], true).await.expect("acknowledged");
    for index in [0, 2] {
        assert_eq!(fixture.read(index, data.len()).await.expect("whole"), data);
    }
}

#[tokio::test]
async fn faults_close_delay_spoil_and_refuse() {
    let fixture = Fixture::new(1, &[]);
    let data = content(100_000);
    fixture.write(&data).await;
    fixture.rule(|event| match event {
        Event::ReadBlock { .. } => Verdict::Disconnect,
        _ => Verdict::Pass,
    });
    assert!(fixture.read(0, data.len()).await.is_err());
    let reads = fixture.outcomes(|event| matches!(event, Event::ReadBlock { .. }));
    assert_eq!(reads, [Outcome::Disconnected]);
    fixture.rule(|event| match event {
        Event::Packet {
            nth: 2, writing: false, ..
        } => Verdict::Corrupt,
        _ => Verdict::Pass,
    });
    assert!(
        fixture
            .read(0, data.len())
            .await
            .expect_err("spoilt")
            .to_string()
            .starts_with("damaged at")
    );
    fixture.rule(|event| match event {
        Event::ReadBlock {
            outcome: Outcome::Asked, ..
        } => Verdict::Exception {
            class: "java.io.IOException".into(),
            message: "out of order".into(),
        },
        _ => Verdict::Pass,
    });
    let error = fixture.read(0, data.len()).await.expect_err("refused").to_string();
    assert_eq!(error, "ERROR: java.io.IOException: out of order");
    fixture.rule(|_| Verdict::Delay(Duration::from_millis(1)));
    assert_eq!(fixture.read(0, data.len()).await.expect("late"), data);
    assert!(fixture.namenode.bad().is_empty(), "the disk is sound");
}

#[tokio::test]
async fn the_namenode_has_replicas_copied_and_deleted() {
    for protection in PROTECTIONS {
        let fixture = Fixture::new(3, protection);
        let data = content(70_000);
        let token = fixture.token(&[AccessMode::Write]);
        let mut connection = fixture.connect_with(0, &token).await.expect("accepted");
        begin_write(&mut connection, &fixture.write_request(&[], token)).await;
        write_all(&mut connection, 0, &data, true).await.expect("acknowledged");
        let order = DatanodeCommand::Transfer {
            block: BLOCK,
            targets: fixture.nodes[1..].iter().map(|node| node.registration().clone()).collect(),
        };
        fixture.namenode.order("dn1", order);
        fixture.nodes[0].ring();
        fixture.namenode.until(|namenode| namenode.finalized().len() == 3).await;
        for index in 0..3 {
            assert_eq!(fixture.read(index, data.len()).await.expect("whole"), data, "{protection:?}");
        }
        let order = DatanodeCommand::Invalidate(vec![BLOCK]);
        fixture.namenode.order("dn2", order);
        assert!(!fixture.nodes[1].tick(NOW), "not due");
        assert!(fixture.nodes[1].tick(fixture.nodes[1].next_deadline()));
        assert!(
            fixture
                .read(1, data.len())
                .await
                .expect_err("gone")
                .to_string()
                .contains("Replica not found for")
        );
        assert!(!fixture.file(1).exists());
    }
}

#[tokio::test]
async fn a_client_has_a_replica_transferred_to_the_datanode_that_joins_its_pipeline() {
    let fixture = Fixture::new(2, SECURE);
    let data = content(100_000);
    let write = fixture.token(&[AccessMode::Write]);
    let mut writing = fixture.connect(0).await;
    begin_write(&mut writing, &fixture.write_request(&[], write.clone())).await;
    write_all(&mut writing, 0, &data, false).await.expect("acknowledged");
    for (modes, status) in [(AccessMode::Write, Status::ErrorAccessToken), (AccessMode::Copy, Status::Success)] {
        let mut connection = fixture.connect(0).await;
        let request = OpTransferBlockProto {
            header: header(BLOCK, fixture.token(&[modes]), "client"),
            targets: vec![fixture.info(1)],
            ..OpTransferBlockProto::default()
        };
        put_operation(&mut connection, 86, &request);
        connection.flush().await.expect("taken");
        let answer: BlockOpResponseProto = connection.message(READ_TIMEOUT).await.expect("answered");
        assert_eq!(answer.status(), status, "{answer:?}");
    }
    drop(writing);
    let mut connection = fixture.connect(0).await;
    let mut request = fixture.write_request(&[1], write);
    request.stage = Stage::PipelineSetupStreamingRecovery.into();
    request.latest_generation_stamp = 1002;
    request.min_bytes_rcvd = data.len() as u64;
    request.max_bytes_rcvd = data.len() as u64;
    let answer = begin_write(&mut connection, &request).await;
    assert_eq!(answer.status(), Status::Success, "{answer:?}");
    write_all(&mut connection, data.len(), &[], true).await.expect("acknowledged");
    assert_eq!(fixture.read(1, data.len()).await.expect("whole"), data);
}

#[tokio::test]
async fn block_checksums_are_those_of_the_chunk_checksums() {
    let fixture = Fixture::new(1, SECURE);
    let data = content(1300);
    fixture.write(&data).await;
    let checksum = DataChecksum::from_proto(CRC32C).expect("a plain size");
    let mut sums = vec![0; checksum.length_of(data.len())];
    checksum.compute(&data, &mut sums);
    let composite = BlockChecksumOptionsProto {
        block_checksum_type: Some(BlockChecksumTypeProto::CompositeCrc.into()),
        stripe_length: None,
    };
    for (options, expected) in [
        (None, <md5::Md5 as md5::Digest>::digest(&sums).to_vec()),
        (Some(composite), checksum.of_chunk(&data).to_be_bytes().to_vec()),
    ] {
        let mut connection = fixture.connect(0).await;
        let request = OpBlockChecksumProto {
            header: header(BLOCK, fixture.token(&[AccessMode::Read]), "").base_header,
            block_checksum_options: options,
        };
        put_operation(&mut connection, 85, &request);
        connection.flush().await.expect("taken");
        let answer: BlockOpResponseProto = connection.message(READ_TIMEOUT).await.expect("answered");
        let answer = answer.checksum_response.expect("a checksum");
        assert_eq!(answer.block_checksum, expected);
        assert_eq!((answer.bytes_per_crc, answer.crc_per_block), (512, 3));
        assert_eq!(answer.block_checksum_options, options);
    }
}

#[tokio::test]
async fn a_balancer_can_copy_a_block() {
    let fixture = Fixture::new(1, SECURE);
    fixture.write(&content(1300)).await;
    let mut connection = fixture.connect(0).await;
    let request = OpCopyBlockProto {
        header: header(BLOCK, fixture.token(&[AccessMode::Copy]), "").base_header,
    };
    put_operation(&mut connection, 84, &request);
    connection.flush().await.expect("taken");
    let answer: BlockOpResponseProto = connection.message(READ_TIMEOUT).await.expect("answered");
    assert!(answer.read_op_checksum_info.is_some());
    assert_eq!(read_packets(&mut connection).await.expect("whole"), content(1300));
    assert_eq!(connection.bytes::<2>(READ_TIMEOUT).await.expect("the end"), [0, b'd']);
}

#[tokio::test]
async fn operations_that_are_not_there_and_nonsense_do_no_harm() {
    let fixture = Fixture::new(1, &[]);
    fixture.write(&content(1000)).await;
    let mut connection = fixture.connect(0).await;
    put_operation(&mut connection, 87, &OpReadBlockProto::default());
    connection.flush().await.expect("taken");
    let answer: BlockOpResponseProto = connection.message(READ_TIMEOUT).await.expect("answered");
    assert_eq!(answer.status(), Status::ErrorUnsupported);
    let mut seed = 1u64;
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".as_slice(),
        &[0, 28, 99, 1, 0],
        &[0, 28, 81, 0xff, 0xff, 0xff, 0xff, 0xff],
    ] {
        for _ in 0..20 {
            let mut connection = fixture.connect(0).await;
            let mut bytes = bytes.to_vec();
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bytes.extend_from_slice(&seed.to_be_bytes());
            connection.outbox.unit(&bytes);
            connection.flush().await.expect("taken");
        }
    }
    let wrong_pool = OpReadBlockProto {
        header: ClientOperationHeaderProto {
            base_header: BaseHeaderProto {
                block: ExtendedBlockProto {
                    pool_id: "BP-2".to_owned(),
                    ..header(BLOCK, fixture.token(&[]), "").base_header.block
                },
                ..BaseHeaderProto::default()
            },
            ..ClientOperationHeaderProto::default()
        },
        ..OpReadBlockProto::default()
    };
    let mut connection = fixture.connect(0).await;
    put_operation(&mut connection, 81, &wrong_pool);
    connection.flush().await.expect("taken");
    let answer: BlockOpResponseProto = connection.message(READ_TIMEOUT).await.expect("answered");
    assert!(answer.message().contains("Block pool BP-2 is not found"), "{answer:?}");
    assert_eq!(fixture.read(0, 1000).await.expect("still served"), content(1000));
}

#[tokio::test]
async fn a_datanode_that_was_stopped_answers_nobody_and_can_be_started_again() {
    let mut fixture = Fixture::new(1, &[]);
    fixture.write(&content(1000)).await;
    let node = fixture.nodes[0].clone();
    node.stop();
    assert_eq!(node.next_deadline(), Timestamp::MAX);
    assert!(node.replica_visible_length(BLOCK).is_err());
    node.stopped().await;
    fixture
        .servers
        .join_next()
        .await
        .expect("one server")
        .expect("no panic")
        .expect("ended in peace");
    let listener = std::net::TcpListener::bind(node.registration().transfer_address()).expect("free again");
    node.start(NOW).expect("accepted");
    fixture.servers.spawn(serve(node, listener, std::future::pending()));
    assert_eq!(fixture.read(0, 1000).await.expect("still there"), content(1000));
}

#[tokio::test]
async fn a_read_beyond_the_end_is_refused_with_a_reason() {
    let fixture = Fixture::new(1, &[]);
    fixture.write(&content(1000)).await;
    let error = fixture.read(0, 1001).await.expect_err("too long").to_string();
    assert!(
        error.starts_with(&format!("ERROR: opReadBlock {POOL}:blk_1073741825_1001 received exception")),
        "{error}"
    );
    assert!(
        fixture.nodes[0]
            .store
            .read(
                BLOCK,
                ReadRange {
                    offset: 0,
                    length: 1000,
                    checksums: true
                }
            )
            .is_ok()
    );
}

#[tokio::test]
async fn flipped_and_cut_conversations_do_no_harm() {
    let fixture = Fixture::new(1, &[]);
    // A whole conversation of a writer: operation, packet, last packet.
    let mut recorded = Connection::connect(&fixture.nodes[0], &fixture.info(0).id, &fixture.token(&[]))
        .await
        .expect("accepted");
    put_operation(&mut recorded, WRITE_BLOCK, &fixture.write_request(&[], fixture.token(&[])));
    put_packet(&mut recorded, 0, 0, b"hello", false);
    put_packet(&mut recorded, 1, 5, &[], true);
    let conversation = recorded.outbox.bytes().to_vec();
    let mut rng = StdRng::seed_from_u64(9);
    for _ in 0..300 {
        let mut bytes = conversation.clone();
        let random = rand::Rng::next_u64(&mut rng) as usize;
        bytes[random % conversation.len()] ^= 1 << (random >> 32 & 7);
        bytes.truncate(conversation.len() - (random >> 40) % 3 * (random >> 44) % conversation.len());
        let mut connection = fixture.connect(0).await;
        connection.outbox.unit(&bytes);
        connection.flush().await.expect("taken");
        fixture.nodes[0]
            .store
            .delete(Block {
                generation_stamp: u64::MAX,
                ..BLOCK
            })
            .expect("deletable");
    }
    fixture.nodes[0]
        .store
        .delete(Block {
            generation_stamp: u64::MAX,
            ..BLOCK
        })
        .expect("deletable");
    fixture.write(&content(1000)).await;
    assert_eq!(fixture.read(0, 1000).await.expect("still served"), content(1000));
}
