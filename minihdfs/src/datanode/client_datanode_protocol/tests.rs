use std::sync::Arc;

use kerbox_events::NoHook;
use kerbox_krb5::{Clock, Timestamp};
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::config::HdfsConfig;
use crate::datanode::checksum::DataChecksum;
use crate::datanode::test_namenode::{POOL, TestNameNode};
use crate::datanode::{DataNodeContext, LocalPeers, StorageFolder};
use crate::proto::hdfs::ChecksumTypeProto;
use crate::protocol::DatanodeRegistration;
use crate::secret_manager::{BlockTokenSecretManager, BlockTokenSettings};
use crate::user::{Caller, User};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const BLOCK: Block = Block {
    id: 7,
    generation_stamp: 1001,
    length: 0,
};

fn node(folder: &tempfile::TempDir, secrets: Option<&BlockTokenSecretManager>) -> Arc<DataNode> {
    let tokens = ("dfs.block.access.token.enable", "true");
    let pairs = secrets.map(|_| tokens);
    let config = HdfsConfig::from_pairs(pairs).expect("good values").0;
    node_with(folder, secrets, &config)
}

fn node_with(
    folder: &tempfile::TempDir,
    secrets: Option<&BlockTokenSecretManager>,
    config: &HdfsConfig,
) -> Arc<DataNode> {
    let registration = DatanodeRegistration {
        uuid: "dn1".into(),
        ip: [127, 0, 0, 1].into(),
        host_name: "localhost".into(),
        transfer_port: 0,
        ipc_port: 0,
        info_port: 0,
        info_secure_port: 0,
    };
    let namenode = TestNameNode::default();
    if let Some(secrets) = secrets {
        namenode.set_keys(secrets.export_keys());
    }
    let context = DataNodeContext {
        number: 1,
        namenode: Arc::new(namenode),
        peers: Arc::new(LocalPeers::default()),
        storages: vec![StorageFolder::disk(folder.path(), "DS-1")],
        clock: Clock::frozen(NOW),
        hook: Arc::new(NoHook),
        superuser: "hdfs".to_owned(),
    };
    let node = DataNode::open(registration, config, context, 1).expect("a folder");
    node.start(NOW).expect("accepted");
    let checksum = DataChecksum::new(ChecksumTypeProto::ChecksumCrc32c, 512).expect("a plain size");
    let mut writer = node
        .store
        .create_rbw(BLOCK, checksum, crate::token::StorageType::Disk)
        .expect("new");
    writer.finalize().expect("writable");
    node
}

fn call<Response: Message + Default>(
    node: &DataNode,
    caller: &Caller,
    method: &str,
    request: &impl Message,
) -> Result<Response, HdfsError> {
    let mut response = Vec::new();
    let call = Call {
        now: NOW,
        caller,
        protocol: "org.apache.hadoop.hdfs.protocol.ClientDatanodeProtocol",
        version: 1,
        method,
        request: &request.encode_to_vec(),
    };
    RpcService::call(node, &call, &mut response)?;
    Ok(Response::decode_length_delimited(&*response).expect("a message"))
}

/// Calls a method with a minimal request.
fn raw_call(node: &DataNode, caller: &Caller, method: &str) -> Result<(), HdfsError> {
    let request = match method {
        "triggerBlockReport" => TriggerBlockReportRequestProto {
            incremental: false,
            nn_address: None,
        }
        .encode_to_vec(),
        "getReplicaVisibleLength" => GetReplicaVisibleLengthRequestProto::default().encode_to_vec(),
        _ => Vec::new(),
    };
    let call = Call {
        now: NOW,
        caller,
        protocol: "org.apache.hadoop.hdfs.protocol.ClientDatanodeProtocol",
        version: 1,
        method,
        request: &request,
    };
    RpcService::call(node, &call, &mut Vec::new())
}

fn visible_length(node: &DataNode, caller: &Caller) -> Result<u64, HdfsError> {
    let request = GetReplicaVisibleLengthRequestProto {
        block: ExtendedBlockProto {
            pool_id: POOL.to_owned(),
            block_id: BLOCK.id,
            generation_stamp: BLOCK.generation_stamp,
            num_bytes: None,
        },
    };
    let response: GetReplicaVisibleLengthResponseProto =
        call(node, caller, "getReplicaVisibleLength", &request)?;
    Ok(response.length)
}

fn user(name: &str) -> Caller {
    Caller::new(
        User::simple(name),
        AuthMethod::Kerberos,
        [127, 0, 0, 1].into(),
    )
}

fn caller(token: Option<&Token>) -> Caller {
    let method = if token.is_some() {
        AuthMethod::Token
    } else {
        AuthMethod::Kerberos
    };
    let mut caller = Caller::new(User::simple("alice"), method, [127, 0, 0, 1].into());
    caller.token = token.map(|token| token.sasl_user_name().into());
    caller
}

#[test]
fn anybody_may_ask_for_a_length_without_block_tokens() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = node(&folder, None);
    assert_eq!(visible_length(&node, &caller(None)), Ok(0));
    node.stop();
    assert!(visible_length(&node, &caller(None)).is_err());
}

#[test]
fn with_block_tokens_only_one_for_reading_this_block_will_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = BlockTokenSettings::new(&HdfsConfig::default(), POOL);
    let secrets = BlockTokenSecretManager::new(settings, NOW, &mut StdRng::seed_from_u64(1));
    let node = node(&folder, Some(&secrets));
    let issue = |id, mode| secrets.issue(NOW, "alice", id, &[mode], &[], &[]);
    assert_eq!(
        visible_length(&node, &caller(Some(&issue(7, AccessMode::Read)))),
        Ok(0)
    );
    for (token, why) in [
        (None, "Can't continue since none"),
        (Some(issue(8, AccessMode::Read)), "doesn't apply to block"),
        (
            Some(issue(7, AccessMode::Write)),
            "doesn't have READ permission",
        ),
    ] {
        let error = visible_length(&node, &caller(token.as_ref())).expect_err("must be refused");
        assert!(error.message().contains(why), "{error}");
    }
}

#[test]
fn it_tells_about_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = node(&folder, None);
    let caller = user("hdfs");
    let info: GetDatanodeInfoResponseProto = call(
        &node,
        &caller,
        "getDatanodeInfo",
        &GetDatanodeInfoRequestProto {},
    )
    .expect("told");
    assert_eq!(info.local_info.uptime, 0);
    let volumes: GetVolumeReportResponseProto = call(
        &node,
        &caller,
        "getVolumeReport",
        &GetVolumeReportRequestProto {},
    )
    .expect("told");
    assert_eq!(volumes.volume_info[0].num_blocks, 1);
    let request = TriggerBlockReportRequestProto {
        incremental: false,
        nn_address: None,
    };
    let _: TriggerBlockReportResponseProto =
        call(&node, &caller, "triggerBlockReport", &request).expect("done");
    let bandwidth: GetBalancerBandwidthResponseProto = call(
        &node,
        &caller,
        "getBalancerBandwidth",
        &GetBalancerBandwidthRequestProto {},
    )
    .expect("told");
    assert_eq!(bandwidth.bandwidth, 100 << 20);
    let unknown = call::<GetVolumeReportResponseProto>(
        &node,
        &caller,
        "submitDiskBalancerPlan",
        &GetVolumeReportRequestProto {},
    );
    assert_eq!(
        unknown.expect_err("not there").class(),
        "org.apache.hadoop.ipc.RpcNoSuchMethodException"
    );
}

/// The check that a method makes on its caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Check {
    Nothing,
    Superuser,
    /// The same; an empty request of a superuser is refused by this text.
    SuperuserThen(&'static str),
    /// A block token that allows reading (if block tokens are enabled).
    ReadAccess,
    /// The method is not served here. In Hadoop it has the named check.
    NotServed(&'static str),
}

/// Every method of ClientDatanodeProtocol and ReconfigurationProtocol, with the check that Hadoop's
/// DataNode makes.
const CHECKS: &[(&str, Check)] = &[
    ("getReplicaVisibleLength", Check::ReadAccess),
    ("getDatanodeInfo", Check::Nothing),
    ("getBalancerBandwidth", Check::Nothing),
    ("getVolumeReport", Check::Superuser),
    ("triggerBlockReport", Check::Superuser),
    ("refreshNamenodes", Check::Superuser),
    (
        "deleteBlockPool",
        Check::SuperuserThen("block pool  is not found"),
    ),
    (
        "getBlockLocalPathInfo",
        Check::NotServed("dfs.block.local-path-access.user and READ access"),
    ),
    ("shutdownDatanode", Check::Superuser),
    ("evictWriters", Check::Superuser),
    ("startReconfiguration", Check::Superuser),
    ("getReconfigurationStatus", Check::Superuser),
    ("listReconfigurableProperties", Check::Superuser),
    ("submitDiskBalancerPlan", Check::NotServed("superuser")),
    ("cancelDiskBalancerPlan", Check::NotServed("superuser")),
    ("queryDiskBalancerPlan", Check::NotServed("superuser")),
    ("getDiskBalancerSetting", Check::NotServed("superuser")),
];

#[test]
fn every_method_makes_the_check_that_hadoops_datanode_makes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = BlockTokenSettings::new(&HdfsConfig::default(), POOL);
    let secrets = BlockTokenSecretManager::new(settings, NOW, &mut StdRng::seed_from_u64(1));
    let pairs = [
        (
            "hadoop.user.group.static.mapping.overrides",
            "root=supergroup;bob=staff",
        ),
        ("dfs.block.access.token.enable", "true"),
    ];
    let config = HdfsConfig::from_pairs(pairs).expect("good values").0;
    let node = node_with(&folder, Some(&secrets), &config);
    let served: Vec<&str> = CHECKS
        .iter()
        .filter(|(_, check)| !matches!(check, Check::NotServed(_)))
        .map(|(method, _)| *method)
        .collect();
    let mut methods: Vec<&str> = CLIENT_DATANODE_PROTOCOL.methods().collect();
    methods.sort_unstable();
    let mut sorted = served.clone();
    sorted.sort_unstable();
    assert_eq!(methods, sorted, "a method that the table does not have");
    for (method, check) in CHECKS {
        for (name, privileged) in [
            ("alice", false),
            ("bob", false),
            ("root", true),
            ("hdfs", true),
        ] {
            let called = raw_call(&node, &user(name), method);
            match check {
                Check::Nothing => assert_eq!(called, Ok(()), "{method} by {name}"),
                Check::Superuser if privileged => assert_eq!(called, Ok(()), "{method} by {name}"),
                Check::SuperuserThen(text) if privileged => {
                    assert_eq!(called.expect_err(method).message(), *text, "{method}");
                }
                Check::Superuser | Check::SuperuserThen(_) => {
                    let error = called.expect_err(method);
                    assert_eq!(
                        (error.class(), error.message()),
                        (
                            "org.apache.hadoop.security.AccessControlException",
                            "Permission denied."
                        ),
                        "{method} by {name}"
                    );
                }
                Check::ReadAccess => {
                    let error = called.expect_err(method);
                    assert!(error.message().starts_with("Can't continue since none"));
                }
                Check::NotServed(_) => assert_eq!(
                    called.expect_err(method).class(),
                    "org.apache.hadoop.ipc.RpcNoSuchMethodException"
                ),
            }
        }
    }
}

#[test]
fn without_permissions_everybody_is_let_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pairs = [("dfs.permissions.enabled", "false")];
    let config = HdfsConfig::from_pairs(pairs).expect("good values").0;
    let node = node_with(&folder, None, &config);
    assert_eq!(raw_call(&node, &user("alice"), "getVolumeReport"), Ok(()));
}
