//! Throughput of DataNodes, compared with the minimum work of any DataNode: threads that copy the
//! same packets over loopback, compute checksums, and write or read a file.
//!
//! `cargo bench -p minihdfs --bench data_transfer [-- MiB]`. Besides MiB/s it prints the process's
//! CPU seconds per GiB, which other load on the machine does not distort. The figures of the
//! DataNodes and of the raw copy both include the client, which computes checksums of what it
//! reads.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kerbox_events::NoHook;
use kerbox_krb5::{Clock, Timestamp};
use minihdfs::HdfsError;
use minihdfs::config::HdfsConfig;
use minihdfs::datanode::{DataNode, DataNodeContext, LocalPeers, StorageFolder, serve};
use minihdfs::proto::hdfs::op_write_block_proto::BlockConstructionStage;
use minihdfs::proto::hdfs::{
    BaseHeaderProto, BlockOpResponseProto, ChecksumProto, ChecksumTypeProto,
    ClientOperationHeaderProto, DatanodeIdProto, DatanodeInfoProto, ExtendedBlockProto,
    OpReadBlockProto, OpWriteBlockProto, PacketHeaderProto,
};
use minihdfs::protocol::{
    BadBlock, BlockSynchronization, DatanodeCommand, DatanodeError, DatanodeProtocol,
    DatanodeRegistration, DatanodeStorage, ExportedBlockKeys, HeartbeatReport, NamespaceInfo,
    ReceivedDeletedBlock, ReportedReplica,
};
use prost::Message;

const POOL: &str = "BP-1-127.0.0.1-1";
/// The data in one packet of Java's clients.
const PACKET_DATA: usize = 126 * 512;

/// A NameNode that accepts everything and issues no commands.
struct NameNode;

impl DatanodeProtocol for NameNode {
    fn version_request(&self) -> NamespaceInfo {
        NamespaceInfo {
            block_pool_id: POOL.into(),
            ..NamespaceInfo::default()
        }
    }
    fn register_datanode(
        &self,
        _: Timestamp,
        _: &DatanodeRegistration,
    ) -> Result<Option<ExportedBlockKeys>, HdfsError> {
        Ok(None)
    }
    fn send_heartbeat(
        &self,
        _: Timestamp,
        _: &DatanodeRegistration,
        _: &HeartbeatReport,
    ) -> Result<Vec<DatanodeCommand>, HdfsError> {
        Ok(Vec::new())
    }
    fn block_report(
        &self,
        _: Timestamp,
        _: &DatanodeRegistration,
        _: &DatanodeStorage,
        _: &[ReportedReplica],
    ) -> Result<Option<DatanodeCommand>, HdfsError> {
        Ok(None)
    }
    fn block_received_and_deleted(
        &self,
        _: Timestamp,
        _: &DatanodeRegistration,
        _: &DatanodeStorage,
        _: &[ReceivedDeletedBlock],
    ) -> Result<(), HdfsError> {
        Ok(())
    }
    fn error_report(
        &self,
        _: Timestamp,
        _: &DatanodeRegistration,
        _: DatanodeError,
        _: &str,
    ) -> Result<(), HdfsError> {
        Ok(())
    }
    fn report_bad_blocks(&self, _: Timestamp, _: &[BadBlock]) -> Result<(), HdfsError> {
        Ok(())
    }
    fn commit_block_synchronization(
        &self,
        _: Timestamp,
        _: &BlockSynchronization,
    ) -> Result<(), HdfsError> {
        Ok(())
    }
}

/// Starts DataNodes on a thread of their own, as in a fixture.
fn start_datanodes(folder: &Path, count: usize) -> Vec<SocketAddr> {
    let config = HdfsConfig::default();
    let mut addresses = Vec::new();
    let mut nodes = Vec::new();
    for number in 1..=count {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let registration = DatanodeRegistration {
            uuid: format!("dn{number}").into(),
            ip: address.ip(),
            host_name: "localhost".into(),
            transfer_port: address.port(),
            ipc_port: 0,
            info_port: 0,
            info_secure_port: 0,
        };
        let directory = folder.join(format!("dn{number}"));
        let context = DataNodeContext {
            number,
            namenode: Arc::new(NameNode),
            peers: Arc::new(LocalPeers::default()),
            storages: vec![StorageFolder::disk(directory, &format!("DS-{number}"))],
            clock: Clock::system(),
            hook: Arc::new(NoHook),
            superuser: "hdfs".to_owned(),
        };
        let node = DataNode::open(registration, &config, context, 1).expect("a folder");
        node.start(Clock::system().now()).expect("accepted");
        addresses.push(address);
        nodes.push((node, listener));
    }
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut servers = tokio::task::JoinSet::new();
            for (node, listener) in nodes {
                servers.spawn(serve(node, listener, std::future::pending()));
            }
            servers.join_all().await;
        });
    });
    addresses
}

fn packet(offset: usize, seqno: i64, last: bool, data: &[u8]) -> Vec<u8> {
    let header = PacketHeaderProto {
        offset_in_block: offset as i64,
        seqno,
        last_packet_in_block: last,
        data_len: data.len() as i32,
        sync_block: None,
    }
    .encode_to_vec();
    let sums: Vec<u8> = data
        .chunks(512)
        .flat_map(|chunk| crc_fast::crc32_iscsi(chunk).to_be_bytes())
        .collect();
    let mut packet = ((4 + sums.len() + data.len()) as u32)
        .to_be_bytes()
        .to_vec();
    packet.extend_from_slice(&(header.len() as u16).to_be_bytes());
    packet.extend_from_slice(&header);
    packet.extend_from_slice(&sums);
    packet.extend_from_slice(data);
    packet
}

/// Returns the packets of a block, with the checksums already computed.
fn packets(length: usize) -> Vec<u8> {
    let data: Vec<u8> = (0..PACKET_DATA)
        .map(|index| (index * 31 + index / 251) as u8)
        .collect();
    let mut all = Vec::with_capacity(length + length / 100);
    let (mut offset, mut seqno) = (0, 0);
    while offset < length {
        let piece = &data[..PACKET_DATA.min(length - offset)];
        all.extend_from_slice(&packet(offset, seqno, false, piece));
        offset += piece.len();
        seqno += 1;
    }
    all.extend_from_slice(&packet(offset, seqno, true, &[]));
    all
}

fn header(block: u64) -> ClientOperationHeaderProto {
    ClientOperationHeaderProto {
        base_header: BaseHeaderProto {
            block: ExtendedBlockProto {
                pool_id: POOL.to_owned(),
                block_id: block,
                generation_stamp: 1001,
                num_bytes: None,
            },
            token: None,
            trace_info: None,
        },
        client_name: "client".to_owned(),
    }
}

fn begin(stream: &mut TcpStream, code: u8, request: &impl Message) {
    let mut bytes = vec![0, 28, code];
    bytes.extend_from_slice(&request.encode_length_delimited_to_vec());
    stream.write_all(&bytes).expect("taken");
}

/// Reads a delimited message shorter than 128 bytes.
fn message<M: Message + Default>(stream: &mut TcpStream) -> M {
    let mut length = [0];
    stream.read_exact(&mut length).expect("answered");
    let mut body = vec![0; length[0].into()];
    stream.read_exact(&mut body).expect("whole");
    M::decode(&*body).expect("a message")
}

fn write_block(addresses: &[SocketAddr], block: u64, packets: &[u8]) {
    let mut stream = TcpStream::connect(addresses[0]).expect("listening");
    let target = |address: &SocketAddr| DatanodeInfoProto {
        id: DatanodeIdProto {
            ip_addr: address.ip().to_string(),
            xfer_port: address.port().into(),
            ..DatanodeIdProto::default()
        },
        ..DatanodeInfoProto::default()
    };
    let request = OpWriteBlockProto {
        header: header(block),
        targets: addresses[1..].iter().map(target).collect(),
        stage: BlockConstructionStage::PipelineSetupCreate.into(),
        requested_checksum: ChecksumProto {
            r#type: ChecksumTypeProto::ChecksumCrc32c.into(),
            bytes_per_checksum: 512,
        },
        ..OpWriteBlockProto::default()
    };
    begin(&mut stream, 80, &request);
    let answer: BlockOpResponseProto = message(&mut stream);
    assert_eq!(answer.status, 0, "{answer:?}");
    let mut acks = stream.try_clone().expect("a descriptor");
    let acks = std::thread::spawn(move || {
        std::io::copy(&mut acks, &mut std::io::sink()).expect("acknowledged")
    });
    stream.write_all(packets).expect("taken");
    // The DataNode closes the connection after the last ack.
    assert!(acks.join().expect("no panic") > 0);
}

/// Reads packets until the empty one, and verifies checksums like a client.
fn read_packets(stream: &mut TcpStream) -> usize {
    let mut buffer = vec![0; 1 << 20];
    let (mut start, mut end, mut total) = (0, 0, 0);
    loop {
        while end - start >= 6 {
            let payload =
                u32::from_be_bytes(buffer[start..start + 4].try_into().expect("4")) as usize;
            let header = usize::from(u16::from_be_bytes(
                buffer[start + 4..start + 6].try_into().expect("2"),
            ));
            let length = 6 + header + payload - 4;
            if end - start < length {
                break;
            }
            let body = &buffer[start + 6 + header..start + length];
            let head = PacketHeaderProto::decode(&buffer[start + 6..start + 6 + header])
                .expect("a header");
            let (sums, data) = body.split_at(body.len() - head.data_len as usize);
            let good = data
                .chunks(512)
                .zip(sums.chunks(4))
                .all(|(chunk, sum)| crc_fast::crc32_iscsi(chunk).to_be_bytes() == *sum);
            assert!(good, "damaged");
            total += data.len();
            start += length;
            if head.last_packet_in_block {
                return total;
            }
        }
        buffer.copy_within(start..end, 0);
        (start, end) = (0, end - start);
        end += stream.read(&mut buffer[end..]).expect("more");
    }
}

fn read_block(address: SocketAddr, block: u64, length: usize) {
    let mut stream = TcpStream::connect(address).expect("listening");
    let request = OpReadBlockProto {
        header: header(block),
        offset: 0,
        len: length as u64,
        ..OpReadBlockProto::default()
    };
    begin(&mut stream, 81, &request);
    let answer: BlockOpResponseProto = message(&mut stream);
    assert_eq!(answer.status, 0, "{answer:?}");
    assert_eq!(read_packets(&mut stream), length);
}

/// The minimum for writing: receives packets, verifies them, writes them to a file, forwards them.
fn raw_sink(file: &Path, next: Option<SocketAddr>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("bound");
    let file = File::create(file).expect("writable");
    let sink = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("connected");
        let mut next = next.map(|next| TcpStream::connect(next).expect("listening"));
        let mut buffer = vec![0; 6 + 25 + 126 * 516];
        let mut position = 0;
        while stream.read_exact(&mut buffer).is_ok() {
            let (sums, data) = buffer[31..].split_at(126 * 4);
            let good = data
                .chunks(512)
                .zip(sums.chunks(4))
                .all(|(chunk, sum)| crc_fast::crc32_iscsi(chunk).to_be_bytes() == *sum);
            assert!(good, "damaged");
            if let Some(next) = &mut next {
                next.write_all(&buffer).expect("taken");
            }
            file.write_all_at(data, position).expect("written");
            position += data.len() as u64;
        }
        drop(next);
    });
    (address, sink)
}

/// The minimum for reading: sends a file as packets.
fn raw_source(file: &Path, length: usize) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("bound");
    let file = File::open(file).expect("readable");
    let source = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("connected");
        let mut template = packet(0, 0, false, &vec![0; 64 << 10]);
        let sums = 31..31 + 512;
        let mut position = 0;
        while position < length {
            let (head, data) = template.split_at_mut(sums.end);
            let data = &mut data[..(64 << 10).min(length - position)];
            file.read_exact_at(data, position as u64).expect("there");
            for (chunk, sum) in data.chunks(512).zip(head[sums.clone()].chunks_mut(4)) {
                sum.copy_from_slice(&crc_fast::crc32_iscsi(chunk).to_be_bytes());
            }
            position += data.len();
            stream.write_all(&template).expect("taken");
        }
        stream
            .write_all(&packet(position, 1, true, &[]))
            .expect("taken");
    });
    (address, source)
}

/// Returns the user and system time of this process so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    // utime and stime of proc(5), in ticks of 10 ms (USER_HZ is 100).
    let ticks: u64 = fields[11..13]
        .iter()
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Prints the best of three runs.
fn measure(name: &str, bytes: usize, mut run: impl FnMut()) {
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..3 {
        let (wall, used) = (Instant::now(), cpu());
        run();
        best = (
            best.0.min(wall.elapsed().as_secs_f64()),
            best.1.min((cpu() - used).as_secs_f64()),
        );
    }
    let mib = bytes as f64 / f64::from(1 << 20);
    println!(
        "{name:<28} {:8.0} MiB/s {:8.2} CPU s/GiB",
        mib / best.0,
        best.1 / mib * 1024.0
    );
}

fn main() {
    let mib: usize = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(256);
    // Only whole packets, so that the raw copy can treat all of them alike.
    let length = mib * (1 << 20) / PACKET_DATA * PACKET_DATA;
    let packets = packets(length);
    // Without the empty last packet, which is only a header.
    let whole = packets.len() - 31;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut block = 1;
    for replicas in [1, 3] {
        measure(&format!("raw write, {replicas} files"), length, || {
            let (mut next, mut threads) = (None, Vec::new());
            for number in 0..replicas {
                let (address, thread) = raw_sink(&folder.path().join(format!("raw{number}")), next);
                next = Some(address);
                threads.push(thread);
            }
            let mut stream = TcpStream::connect(next.expect("one at least")).expect("listening");
            stream.write_all(&packets[..whole]).expect("taken");
            drop(stream);
            threads
                .into_iter()
                .for_each(|thread| thread.join().expect("no panic"));
        });
        let addresses = start_datanodes(&folder.path().join(replicas.to_string()), replicas);
        measure(&format!("write, {replicas} replicas"), length, || {
            block += 1;
            write_block(&addresses, block, &packets);
        });
        if replicas == 1 {
            measure("raw read", length, || {
                let (address, thread) = raw_source(&folder.path().join("raw0"), length);
                let mut stream = TcpStream::connect(address).expect("listening");
                assert!(read_packets(&mut stream) >= length);
                thread.join().expect("no panic");
            });
            measure("read", length, || read_block(addresses[0], block, length));
        }
    }
}
