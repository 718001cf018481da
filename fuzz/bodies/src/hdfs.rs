//! The NameNode's connections and methods, and the tokens that its clients present.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kerbox_events::{NoHook, Server};
use kerbox_krb5::Timestamp;
use minihdfs::HdfsError;
use minihdfs::config::HdfsConfig;
use minihdfs::namenode::{NameNode, NameNodeIdentity};
use minihdfs::proto::common::rpc_sasl_proto::SaslState;
use minihdfs::proto::common::{
    IpcConnectionContextProto, RequestHeaderProto, RpcRequestHeaderProto, RpcSaslProto,
    UserInformationProto,
};
use minihdfs::proto::hdfs::{
    AddBlockRequestProto, CompleteRequestProto, CreateRequestProto, DatanodeIdProto,
    DeleteRequestProto, ExtendedBlockProto, FsPermissionProto, FsyncRequestProto,
    GetFileInfoRequestProto, MkdirsRequestProto, RenameRequestProto, TruncateRequestProto,
    UpdateBlockForPipelineRequestProto, UpdatePipelineRequestProto,
};
use minihdfs::protocol::{
    Block, BlockStatus, DatanodeProtocol, DatanodeRegistration, ReceivedDeletedBlock, StorageReport,
};
use minihdfs::rpc::{Call, RpcEndpoint, RpcSecurity, RpcService, RpcSession, Step};
use minihdfs::sasl::{
    DigestMd5Client, DigestMd5Settings, GssapiSettings, QualityOfProtection, SaslServer, SaslStep,
};
use minihdfs::secret_manager::{SecretManager, TokenUser};
use minihdfs::token::{
    BlockTokenIdentifier, Credentials, CredentialsFormat, DelegationTokenIdentifier, Token,
};
use minihdfs::user::{AuthMethod, AuthToLocal, Caller, User};
use minihdfs::writable::WritableReader;
use prost::Message;

use crate::world::{NOW, rng, world};

const CLIENT_PROTOCOL: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(crate) fn config() -> HdfsConfig {
    HdfsConfig::from_pairs([("dfs.namenode.fs-limits.min-block-size", "0")])
        .expect("right keys")
        .0
}

pub(crate) fn namenode() -> NameNode {
    let identity = NameNodeIdentity {
        superuser: "hdfs".to_owned(),
        default_realm: "EXAMPLE.COM".to_owned(),
        address: HOME,
    };
    NameNode::new(config(), &identity, NOW, Arc::new(NoHook), &mut rng())
        .expect("a right configuration")
}

/// Sends any bytes on a connection to a NameNode that trusts its clients.
pub fn rpc_simple(bytes: &[u8]) {
    connection(bytes, None);
}

/// Sends any bytes on a connection to a NameNode that requires Kerberos or a token.
pub fn rpc_secure(bytes: &[u8]) {
    let world = world();
    let qop = [
        QualityOfProtection::Authentication,
        QualityOfProtection::Integrity,
        QualityOfProtection::Privacy,
    ];
    let settings = GssapiSettings::new(world.service.clone(), world.keytab.clone(), &qop);
    connection(bytes, Some(settings));
}

fn connection(bytes: &[u8], kerberos: Option<GssapiSettings>) {
    let namenode = Arc::new(namenode());
    let security = kerberos.map(|gssapi| RpcSecurity {
        gssapi,
        tokens: Some(Arc::clone(namenode.delegation_tokens()) as Arc<dyn SecretManager>),
    });
    let rules = AuthToLocal::from_config(&config(), "EXAMPLE.COM").expect("right rules");
    let endpoint = RpcEndpoint::new(
        Server::NameNode(1),
        namenode,
        security,
        rules,
        &config(),
        Arc::new(NoHook),
    );
    let mut session = RpcSession::new(Arc::new(endpoint), (HOME, 50_000).into());
    let mut rng = rng();
    // Bytes arrive in pieces.
    for piece in bytes.chunks(100) {
        session.input().extend_from_slice(piece);
        loop {
            match session.advance(NOW, &mut rng) {
                Step::Read => break,
                Step::Write | Step::Wait(_) | Step::Hold => session.output().clear(),
                Step::Close | Step::Kill => return,
            }
        }
        session.output().clear();
    }
}

/// The methods that requests are sent to, chosen by the first byte of each request.
const METHODS: [&str; 40] = [
    "abandonBlock",
    "addBlock",
    "append",
    "checkAccess",
    "complete",
    "concat",
    "create",
    "delete",
    "fsync",
    "getAclStatus",
    "getAdditionalDatanode",
    "getBatchedListing",
    "getBlockLocations",
    "getContentSummary",
    "getDelegationToken",
    "getFileInfo",
    "getListing",
    "getXAttrs",
    "listXAttrs",
    "mkdirs",
    "modifyAclEntries",
    "recoverLease",
    "removeAcl",
    "removeAclEntries",
    "removeXAttr",
    "rename",
    "rename2",
    "renewLease",
    "setAcl",
    "setOwner",
    "setPermission",
    "setQuota",
    "setReplication",
    "setSafeMode",
    "setTimes",
    "setXAttr",
    "truncate",
    "updateBlockForPipeline",
    "updatePipeline",
    "getLocatedFileInfo",
];

/// DataNode reports, which use two more method numbers: the block that follows is being written, or
/// is finalized.
const REPORTS: [BlockStatus; 2] = [BlockStatus::Receiving, BlockStatus::Received];

/// The id of the DataNode's storage.
const STORAGE: &str = "DS-1";

fn datanode() -> DatanodeRegistration {
    DatanodeRegistration {
        uuid: "dn1".into(),
        ip: HOME,
        host_name: "localhost".into(),
        transfer_port: 9866,
        ipc_port: 9867,
        info_port: 0,
    }
}

/// Registers a DataNode without replicas, so that blocks can be placed.
fn register(namenode: &NameNode) {
    let registered = namenode.register_datanode(NOW, &datanode());
    registered.expect("anyone may");
    let reported = namenode.block_report(NOW, &datanode(), STORAGE, &[]);
    reported.expect("it is registered");
}

/// Makes any sequence of calls: a method's number, the length of its request, the request.
pub fn namenode_calls(mut bytes: &[u8]) {
    let namenode = namenode();
    register(&namenode);
    let caller = Caller::new(User::simple("hdfs"), AuthMethod::Simple, HOME);
    while let [method, len, rest @ ..] = bytes {
        let (request, rest) = rest.split_at(rest.len().min((*len).into()));
        bytes = rest;
        let number = usize::from(*method) % (METHODS.len() + REPORTS.len());
        let Some(method) = METHODS.get(number) else {
            report(&namenode, request, REPORTS[number - METHODS.len()]);
            continue;
        };
        let call = Call {
            now: NOW,
            caller: &caller,
            protocol: CLIENT_PROTOCOL,
            version: 1,
            method,
            request,
        };
        let _ = namenode.call(&call, &mut Vec::new());
    }
    let _ = namenode.send_heartbeat(NOW, &datanode(), &StorageReport::default());
    if let Some(deadline) = namenode.next_deadline() {
        namenode.tick(deadline);
    }
}

fn report(namenode: &NameNode, block: &[u8], status: BlockStatus) {
    let Ok(block) = ExtendedBlockProto::decode(block) else {
        return;
    };
    let block = Block {
        id: block.block_id,
        generation_stamp: block.generation_stamp,
        length: block.num_bytes(),
    };
    let changed = [ReceivedDeletedBlock { block, status }];
    let _ = namenode.block_received_and_deleted(NOW, &datanode(), STORAGE, &changed);
}

/// Reads tokens, their identifiers, and token files. What can be read must be readable again once
/// written.
pub fn tokens(bytes: &[u8]) {
    if let Ok(credentials) = Credentials::from_bytes(bytes) {
        for format in [CredentialsFormat::Writable, CredentialsFormat::Protobuf] {
            assert!(Credentials::from_bytes(&credentials.to_bytes(format)).is_ok());
        }
    }
    if let Ok(token) = Token::read(&mut WritableReader::new(bytes)) {
        let mut written = Vec::new();
        token.write(&mut written);
        assert!(Token::read(&mut WritableReader::new(&written)).is_ok());
        assert!(Token::from_url_string(&token.to_url_string()).is_ok());
    }
    if let Ok(identifier) = DelegationTokenIdentifier::from_bytes(bytes) {
        assert!(DelegationTokenIdentifier::from_bytes(&identifier.to_bytes()).is_ok());
    }
    if let Ok(identifier) = BlockTokenIdentifier::from_bytes(bytes) {
        assert!(BlockTokenIdentifier::from_bytes(&identifier.to_protobuf()).is_ok());
        let legacy = identifier.to_legacy();
        // Hadoop tells the two forms apart by the first byte: a date in the first 127 ms of 1970 is
        // one positive byte, as in the other form.
        assert!(legacy[0].cast_signed() > 0 || BlockTokenIdentifier::from_bytes(&legacy).is_ok());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Token::from_url_string(text);
        let _ = DelegationTokenIdentifier::from_sasl_user_name(text);
        let _ = BlockTokenIdentifier::from_sasl_user_name(text);
    }
}

struct OneToken;

impl SecretManager for OneToken {
    fn sasl_password(&self, _now: Timestamp, _user_name: &str) -> Result<String, HdfsError> {
        Ok("password".to_owned())
    }

    fn token_user(&self, _user_name: &str) -> Result<TokenUser, HdfsError> {
        Err(HdfsError::new("java.io.IOException", "nobody"))
    }
}

/// Gives a server any response to its DIGEST-MD5 challenge and any message under its security
/// layer, and a client any challenge.
pub fn digest_md5(bytes: &[u8]) {
    let (mut server, _) = digest_server();
    let _ = server.step(NOW, bytes, &mut rng());
    let (mut server, response) = digest_server();
    if server.step(NOW, &response, &mut rng()).is_ok() {
        let _ = server.unwrap(bytes);
    }
    let qop = [QualityOfProtection::Privacy];
    let mut client =
        DigestMd5Client::data_transfer("user".to_owned(), "password".to_owned(), &qop, &mut rng());
    let _ = client.respond(bytes);
}

/// Returns a server that has sent its challenge, and a correct response to it.
fn digest_server() -> (SaslServer, Vec<u8>) {
    let qop = [QualityOfProtection::Privacy];
    let mut server = SaslServer::digest_md5(
        DigestMd5Settings::data_transfer(&qop),
        Arc::new(OneToken),
        &mut rng(),
    );
    let challenge = match server.step(NOW, b"", &mut rng()) {
        Ok(SaslStep::Challenge(challenge)) => challenge,
        other => unreachable!("the first step is a challenge: {other:?}"),
    };
    let mut client =
        DigestMd5Client::data_transfer("user".to_owned(), "password".to_owned(), &qop, &mut rng());
    let response = client.respond(&challenge).expect("a right challenge");
    (server, response)
}

pub(crate) fn digest_seeds() -> Vec<Vec<u8>> {
    vec![digest_server().1]
}

pub(crate) fn token_seeds() -> Vec<Vec<u8>> {
    let token = Token {
        identifier: b"identifier".to_vec().into(),
        password: b"password".to_vec().into(),
        kind: "HDFS_DELEGATION_TOKEN".to_owned(),
        service: "127.0.0.1:8020".to_owned(),
    };
    let mut written = Vec::new();
    token.write(&mut written);
    let credentials = Credentials::of(token.clone());
    vec![
        written,
        token.to_url_string().into_bytes(),
        credentials.to_bytes(CredentialsFormat::Writable),
        credentials.to_bytes(CredentialsFormat::Protobuf),
    ]
}

fn permission() -> FsPermissionProto {
    FsPermissionProto { perm: 0o755 }
}

fn requests() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "mkdirs",
            MkdirsRequestProto {
                src: "/a/b".to_owned(),
                masked: permission(),
                create_parent: true,
                unmasked: None,
            }
            .encode_to_vec(),
        ),
        (
            "create",
            CreateRequestProto {
                src: "/a/f".to_owned(),
                masked: permission(),
                client_name: "client".to_owned(),
                create_flag: 3,
                create_parent: true,
                replication: 1,
                block_size: 1 << 20,
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        (
            "rename",
            RenameRequestProto {
                src: "/a/f".to_owned(),
                dst: "/a/b/g".to_owned(),
            }
            .encode_to_vec(),
        ),
        (
            "getFileInfo",
            GetFileInfoRequestProto {
                src: "/a".to_owned(),
            }
            .encode_to_vec(),
        ),
        (
            "delete",
            DeleteRequestProto {
                src: "/a".to_owned(),
                recursive: true,
            }
            .encode_to_vec(),
        ),
    ]
}

pub(crate) fn call_seeds() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (method, request) in requests() {
        all.push(number_of(method) as u8);
        all.push(request.len() as u8);
        all.extend(request);
    }
    // Send the same request to every method: the field numbers are similar enough for a start.
    let (_, request) = requests().swap_remove(0);
    let every = (0..METHODS.len())
        .flat_map(|method| [&[method as u8, request.len() as u8], &request[..]].concat());
    vec![all, every.collect(), writing_seed()]
}

/// A file of two blocks that is written, flushed and truncated. A new NameNode always starts with
/// the same ids.
fn writing_seed() -> Vec<u8> {
    let renewed = ExtendedBlockProto {
        generation_stamp: 1003,
        ..written_block(2, 5)
    };
    let received = |block: &ExtendedBlockProto| (METHODS.len() + 1, block.encode_to_vec());
    let receiving = (METHODS.len(), written_block(2, 0).encode_to_vec());
    let calls = [
        call("create", &created()),
        call("addBlock", &added(None)),
        received(&written_block(1, 1024)),
        call("addBlock", &added(Some(written_block(1, 1024)))),
        receiving,
        call("fsync", &flushed()),
        call("updateBlockForPipeline", &renewal()),
        call("updatePipeline", &pipeline(renewed.clone())),
        received(&renewed),
        call("complete", &completed(renewed)),
        call("truncate", &truncated()),
    ];
    let calls = calls.into_iter().flat_map(|(number, request)| {
        [&[number as u8, request.len() as u8], &request[..]].concat()
    });
    calls.collect()
}

fn call(method: &str, request: &impl Message) -> (usize, Vec<u8>) {
    (number_of(method), request.encode_to_vec())
}

const WRITER: &str = "client";
const WRITTEN: &str = "/f";

fn written_block(number: u64, num_bytes: u64) -> ExtendedBlockProto {
    ExtendedBlockProto {
        pool_id: namenode().block_pool_id().to_owned(),
        block_id: (1 << 30) + number,
        generation_stamp: 1000 + number,
        num_bytes: Some(num_bytes),
    }
}

fn created() -> CreateRequestProto {
    CreateRequestProto {
        src: WRITTEN.to_owned(),
        client_name: WRITER.to_owned(),
        create_flag: 1,
        replication: 1,
        block_size: 1024,
        ..Default::default()
    }
}

fn added(previous: Option<ExtendedBlockProto>) -> AddBlockRequestProto {
    AddBlockRequestProto {
        src: WRITTEN.to_owned(),
        client_name: WRITER.to_owned(),
        previous,
        ..Default::default()
    }
}

fn flushed() -> FsyncRequestProto {
    FsyncRequestProto {
        src: WRITTEN.to_owned(),
        client: WRITER.to_owned(),
        last_block_length: Some(5),
        file_id: None,
    }
}

fn renewal() -> UpdateBlockForPipelineRequestProto {
    UpdateBlockForPipelineRequestProto {
        block: written_block(2, 5),
        client_name: WRITER.to_owned(),
    }
}

fn pipeline(new_block: ExtendedBlockProto) -> UpdatePipelineRequestProto {
    UpdatePipelineRequestProto {
        client_name: WRITER.to_owned(),
        old_block: written_block(2, 5),
        new_block,
        new_nodes: vec![DatanodeIdProto {
            datanode_uuid: datanode().uuid.to_string(),
            ..Default::default()
        }],
        storage_i_ds: vec!["DS-1".to_owned()],
    }
}

fn completed(last: ExtendedBlockProto) -> CompleteRequestProto {
    CompleteRequestProto {
        src: WRITTEN.to_owned(),
        client_name: WRITER.to_owned(),
        last: Some(last),
        file_id: None,
    }
}

fn truncated() -> TruncateRequestProto {
    TruncateRequestProto {
        src: WRITTEN.to_owned(),
        new_length: 1025,
        client_name: WRITER.to_owned(),
    }
}

fn number_of(method: &str) -> usize {
    METHODS
        .iter()
        .position(|known| *known == method)
        .expect("in the list")
}

fn frame(parts: &[Vec<u8>]) -> Vec<u8> {
    let contents = parts.concat();
    [&(contents.len() as u32).to_be_bytes(), &contents[..]].concat()
}

fn header(call_id: i32) -> Vec<u8> {
    let header = RpcRequestHeaderProto {
        rpc_kind: Some(2),
        rpc_op: Some(0),
        call_id,
        client_id: vec![7; 16].into(),
        retry_count: Some(if call_id < 0 { -1 } else { 0 }),
        ..Default::default()
    };
    header.encode_length_delimited_to_vec()
}

pub(crate) fn simple_seeds() -> Vec<Vec<u8>> {
    let context = IpcConnectionContextProto {
        user_info: Some(UserInformationProto {
            effective_user: Some("hdfs".to_owned()),
            real_user: None,
        }),
        protocol: Some(CLIENT_PROTOCOL.to_owned()),
    };
    let mut stream = b"hrpc\x09\x00\x00".to_vec();
    stream.extend(frame(&[
        header(-3),
        context.encode_length_delimited_to_vec(),
    ]));
    for (call_id, (method, request)) in (0..).zip(requests()) {
        let request_header = RequestHeaderProto {
            method_name: method.to_owned(),
            declaring_class_protocol_name: CLIENT_PROTOCOL.to_owned(),
            client_protocol_version: 1,
        };
        let mut delimited = Vec::new();
        prost::encode_length_delimiter(request.len(), &mut delimited).expect("a Vec grows");
        delimited.extend(request);
        stream.extend(frame(&[
            header(call_id),
            request_header.encode_length_delimited_to_vec(),
            delimited,
        ]));
    }
    vec![stream]
}

pub(crate) fn secure_seeds() -> Vec<Vec<u8>> {
    let sasl = |state: SaslState, token: Option<Vec<u8>>| {
        let message = RpcSaslProto {
            version: None,
            state: state.into(),
            token: token.map(Into::into),
            auths: Vec::new(),
        };
        frame(&[header(-33), message.encode_length_delimited_to_vec()])
    };
    let negotiate = [b"hrpc\x09\x00\xdf", &sasl(SaslState::Negotiate, None)[..]].concat();
    let tokens = crate::gss::context_seeds();
    let initiate = tokens
        .first()
        .cloned()
        .map(|token| [negotiate.clone(), sasl(SaslState::Initiate, Some(token))].concat());
    [Some(negotiate), initiate].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each call of the seed must succeed; a failure names its method.
    #[test]
    fn the_seed_of_a_written_file_gets_to_its_end() {
        let namenode = namenode();
        register(&namenode);
        let caller = Caller::new(User::simple("hdfs"), AuthMethod::Simple, HOME);
        let seed = writing_seed();
        let mut bytes = &seed[..];
        while let [number, length, rest @ ..] = bytes {
            let (request, rest) = rest.split_at((*length).into());
            bytes = rest;
            let number = usize::from(*number);
            let Some(method) = METHODS.get(number) else {
                report(&namenode, request, REPORTS[number - METHODS.len()]);
                continue;
            };
            let call = Call {
                now: NOW,
                caller: &caller,
                protocol: CLIENT_PROTOCOL,
                version: 1,
                method,
                request,
            };
            let answer = namenode.call(&call, &mut Vec::new());
            answer.unwrap_or_else(|error| panic!("{method}: {error}"));
        }
    }
}
