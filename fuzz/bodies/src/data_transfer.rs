//! A DataNode on a real port, as its clients see it: operations, and the packets that follow.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kerbox_events::NoHook;
use kerbox_krb5::Clock;
use minihdfs::config::HdfsConfig;
use minihdfs::datanode::{DataNode, DataNodeContext, LocalPeers, StorageFolder, serve};
use minihdfs::proto::hdfs::op_write_block_proto::BlockConstructionStage;
use minihdfs::proto::hdfs::{
    BaseHeaderProto, ChecksumProto, ChecksumTypeProto, ClientOperationHeaderProto,
    DatanodeInfoProto, ExtendedBlockProto, OpBlockChecksumProto, OpCopyBlockProto,
    OpReadBlockProto, OpTransferBlockProto, OpWriteBlockProto,
};
use minihdfs::protocol::DatanodeRegistration;
use prost::Message;

use crate::hdfs::namenode;
use crate::world::NOW;

const VERSION: [u8; 2] = [0, 28];
const WRITE_BLOCK: u8 = 80;
const READ_BLOCK: u8 = 81;
const COPY_BLOCK: u8 = 84;
const BLOCK_CHECKSUM: u8 = 85;
const TRANSFER_BLOCK: u8 = 86;

/// Set by a panic of any thread: a panic in the server would only end its connection.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// A DataNode in this process, with a NameNode that knows none of its blocks.
struct Port {
    address: SocketAddr,
    block_pool_id: String,
}

static PORT: LazyLock<Port> = LazyLock::new(Port::open);

impl Port {
    fn open() -> Self {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICKED.store(true, Ordering::Relaxed);
            before(panic);
        }));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let namenode = Arc::new(namenode());
        let block_pool_id = namenode.block_pool_id().to_owned();
        // Never removed, because the thread never ends: the system cleans its temporary folder.
        let folder = tempfile::tempdir().expect("a folder").keep();
        let context = DataNodeContext {
            number: 1,
            namenode,
            peers: Arc::new(LocalPeers::default()),
            storages: vec![StorageFolder::disk(folder, "DS-1")],
            clock: Clock::frozen(NOW),
            hook: Arc::new(NoHook),
            superuser: "hdfs".to_owned(),
        };
        let config = HdfsConfig::from_pairs([]).expect("the defaults").0;
        let registration = DatanodeRegistration {
            uuid: "dn1".into(),
            ip: address.ip(),
            host_name: "localhost".into(),
            transfer_port: address.port(),
            ipc_port: 0,
            info_port: 0,
            info_secure_port: 0,
        };
        let node = DataNode::open(registration, &config, context, 1).expect("a folder");
        node.start(NOW).expect("the NameNode takes it");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let _ = runtime.block_on(serve(node, listener, std::future::pending()));
        });
        Self {
            address,
            block_pool_id,
        }
    }
}

/// Sends any operation and what follows it: the operation's code, the request's length in two
/// bytes, the request, and bytes for packets.
pub fn data_transfer(bytes: &[u8]) {
    let [code, high, low, rest @ ..] = bytes else {
        return;
    };
    let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
    let (request, rest) = rest.split_at(length);
    let Some(request) = harmless(*code, request) else {
        return;
    };
    let mut stream = TcpStream::connect(PORT.address).expect("it listens");
    let mut sent = [&VERSION[..], &[*code]].concat();
    prost::encode_length_delimiter(request.len(), &mut sent).expect("a Vec grows");
    sent.extend(request);
    sent.extend(rest);
    // The DataNode may close the connection before the end.
    let _ = stream.write_all(&sent);
    let _ = stream.shutdown(Shutdown::Write);
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a timeout");
    let ended = stream.read_to_end(&mut Vec::new());
    let late = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    assert!(!ended.is_err_and(|error| late(&error)), "it hangs");
    assert!(!PANICKED.load(Ordering::Relaxed), "the server panicked");
}

/// Returns the request with this port as its only target, since a DataNode connects to any target
/// that a request names.
fn harmless(code: u8, request: &[u8]) -> Option<Vec<u8>> {
    let here = |targets: &mut Vec<DatanodeInfoProto>| {
        targets.truncate(1);
        for target in targets {
            target.id.ip_addr = Ipv4Addr::LOCALHOST.to_string();
            target.id.xfer_port = PORT.address.port().into();
        }
    };
    Some(match code {
        WRITE_BLOCK => {
            let mut request = OpWriteBlockProto::decode(request).ok()?;
            here(&mut request.targets);
            request.encode_to_vec()
        }
        TRANSFER_BLOCK => {
            let mut request = OpTransferBlockProto::decode(request).ok()?;
            here(&mut request.targets);
            request.encode_to_vec()
        }
        _ => request.to_vec(),
    })
}

fn seed(code: u8, request: &impl Message, rest: &[u8]) -> Vec<u8> {
    let request = request.encode_to_vec();
    let length = (request.len() as u16).to_be_bytes();
    [&[code], &length[..], &request, rest].concat()
}

/// Encodes a packet with CRC-32C checksums of 512 bytes each.
fn packet(seqno: i64, offset: i64, sums: &[u8], data: &[u8], last: bool) -> Vec<u8> {
    let mut bytes = ((4 + sums.len() + data.len()) as u32)
        .to_be_bytes()
        .to_vec();
    bytes.extend([0, 25, 0x09]);
    bytes.extend(offset.to_le_bytes());
    bytes.push(0x11);
    bytes.extend(seqno.to_le_bytes());
    bytes.extend([0x18, last.into(), 0x25]);
    bytes.extend((data.len() as u32).to_le_bytes());
    [&bytes, sums, data].concat()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let base = || BaseHeaderProto {
        block: ExtendedBlockProto {
            pool_id: PORT.block_pool_id.clone(),
            block_id: 1_073_741_825,
            generation_stamp: 1001,
            num_bytes: Some(0),
        },
        ..Default::default()
    };
    let header = || ClientOperationHeaderProto {
        base_header: base(),
        client_name: "client".to_owned(),
    };
    let write = OpWriteBlockProto {
        header: header(),
        stage: BlockConstructionStage::PipelineSetupCreate.into(),
        pipeline_size: 1,
        latest_generation_stamp: 1001,
        requested_checksum: ChecksumProto {
            r#type: ChecksumTypeProto::ChecksumCrc32c.into(),
            bytes_per_checksum: 512,
        },
        ..Default::default()
    };
    // The CRC-32C of "123456789", and then the packet that ends the block.
    let sum = 0xe306_9283_u32.to_be_bytes();
    let packets = [
        packet(0, 0, &sum, b"123456789", false),
        packet(-1, 0, &[], &[], false),
        packet(1, 9, &[], &[], true),
    ]
    .concat();
    let onward = OpWriteBlockProto {
        targets: vec![DatanodeInfoProto::default()],
        ..write.clone()
    };
    let read = OpReadBlockProto {
        header: header(),
        len: 9,
        ..Default::default()
    };
    let transfer = OpTransferBlockProto {
        header: header(),
        targets: vec![DatanodeInfoProto::default()],
        ..Default::default()
    };
    let checksum = OpBlockChecksumProto {
        header: base(),
        ..Default::default()
    };
    vec![
        seed(WRITE_BLOCK, &write, &packets),
        seed(WRITE_BLOCK, &onward, &packets),
        seed(READ_BLOCK, &read, &[]),
        seed(TRANSFER_BLOCK, &transfer, &[]),
        seed(BLOCK_CHECKSUM, &checksum, &[]),
        seed(COPY_BLOCK, &OpCopyBlockProto { header: base() }, &[]),
    ]
}
