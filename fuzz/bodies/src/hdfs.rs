//! The NameNode's connections and methods.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kerbox_events::{NoHook, Server};
use minihdfs::config::HdfsConfig;
use minihdfs::namenode::{NameNode, NameNodeIdentity};
use minihdfs::proto::hdfs::ExtendedBlockProto;
use minihdfs::protocol::{
    Block, BlockStatus, DatanodeProtocol, DatanodeRegistration, DatanodeStorage, HeartbeatReport,
    ReceivedDeletedBlock,
};
use minihdfs::rpc::{Call, RpcEndpoint, RpcSecurity, RpcService, RpcSession, Step};
use minihdfs::sasl::{GssapiSettings, QualityOfProtection};
use minihdfs::secret_manager::SecretManager;
use minihdfs::user::{AuthMethod, AuthToLocal, Caller, User};
use prost::Message;

use crate::world::{NOW, rng, world};

pub(crate) const CLIENT_PROTOCOL: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";
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
                Step::Close | Step::HalfClose | Step::Kill => return,
            }
        }
        session.output().clear();
    }
}

/// The methods that requests are sent to, chosen by the first byte of each request.
pub(crate) const METHODS: [&str; 47] = [
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
    "addCacheDirective",
    "addCachePool",
    "createSymlink",
    "getEditsFromTxid",
    "listCacheDirectives",
    "modifyCacheDirective",
    "setErasureCodingPolicy",
];

/// DataNode reports, which use two more method numbers: the block that follows is being written, or
/// is finalized.
const REPORTS: [BlockStatus; 2] = [BlockStatus::Receiving, BlockStatus::Received];

/// The id of the DataNode's storage.
fn storage() -> DatanodeStorage {
    DatanodeStorage::disk("DS-1".into())
}

pub(crate) fn datanode() -> DatanodeRegistration {
    DatanodeRegistration {
        uuid: "dn1".into(),
        ip: HOME,
        host_name: "localhost".into(),
        transfer_port: 9866,
        ipc_port: 9867,
        info_port: 0,
        info_secure_port: 0,
    }
}

/// Registers a DataNode without replicas, so that blocks can be placed.
fn register(namenode: &NameNode) {
    let registered = namenode.register_datanode(NOW, &datanode());
    registered.expect("anyone may");
    let reported = namenode.block_report(NOW, &datanode(), &storage(), &[]);
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
    let _ = namenode.send_heartbeat(NOW, &datanode(), &HeartbeatReport::default());
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
    let changed = [ReceivedDeletedBlock {
        block,
        status,
        delete_hint: None,
    }];
    let _ = namenode.block_received_and_deleted(NOW, &datanode(), &storage(), &changed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hdfs_seeds::writing_seed;

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
