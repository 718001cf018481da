//! DatanodeProtocol and NamenodeProtocol as messages.

use super::*;
use crate::proto::hdfs::datanode::datanode_command_proto::Type;
use crate::proto::hdfs::datanode::*;
use crate::proto::hdfs::namenode;
use crate::protocol::wire::block_list;

const DATANODE: &str = "org.apache.hadoop.hdfs.server.protocol.DatanodeProtocol";

/// A DataNode that calls by RPC.
struct Remote<'a> {
    fixture: &'a Fixture,
    registration: DatanodeRegistrationProto,
}

impl<'a> Remote<'a> {
    fn new(fixture: &'a Fixture) -> Self {
        let info = fixture.node.version_request();
        Self {
            fixture,
            registration: DatanodeRegistrationProto {
                datanode_id: (&datanode(7)).into(),
                storage_info: (&info.storage).into(),
                keys: ExportedBlockKeysProto::default(),
                software_version: "3.4.3".to_owned(),
            },
        }
    }

    fn call<R: Message + Default>(
        &self,
        method: &str,
        request: &impl Message,
    ) -> Result<R, HdfsError> {
        self.fixture.hdfs().call_of(DATANODE, method, request)
    }

    fn register(&self) -> Result<DatanodeRegistrationProto, HdfsError> {
        let request = RegisterDatanodeRequestProto {
            registration: self.registration.clone(),
        };
        self.call::<RegisterDatanodeResponseProto>("registerDatanode", &request)
            .map(|response| response.registration)
    }

    fn heartbeat(&self) -> Result<HeartbeatResponseProto, HdfsError> {
        let storage = |id: &str| StorageReportProto {
            storage_uuid: id.to_owned(),
            capacity: Some(1 << 30),
            remaining: Some(1 << 29),
            ..StorageReportProto::default()
        };
        let request = HeartbeatRequestProto {
            registration: self.registration.clone(),
            reports: vec![storage("DS-b"), storage("DS-a")],
            request_full_block_report_lease: Some(true),
            ..HeartbeatRequestProto::default()
        };
        self.call("sendHeartbeat", &request)
    }

    fn report(&self, replicas: &[ReportedReplica]) -> Result<BlockReportResponseProto, HdfsError> {
        let request = BlockReportRequestProto {
            registration: self.registration.clone(),
            block_pool_id: self.fixture.node.block_pool_id().to_owned(),
            reports: vec![StorageBlockReportProto {
                storage: DatanodeStorageProto {
                    storage_uuid: "DS-a".to_owned(),
                    ..DatanodeStorageProto::default()
                },
                number_of_blocks: Some(replicas.len() as u64),
                blocks_buffers: block_list::write(replicas),
                blocks: Vec::new(),
            }],
            context: None,
        };
        self.call("blockReport", &request)
    }

    /// Reports that a replica is finalized.
    fn received(&self, block: Block) -> Result<(), HdfsError> {
        let info = ReceivedDeletedBlockInfoProto {
            block: block.into(),
            status: received_deleted_block_info_proto::BlockStatus::Received.into(),
            delete_hint: None,
        };
        let request = BlockReceivedAndDeletedRequestProto {
            registration: self.registration.clone(),
            block_pool_id: String::new(),
            blocks: vec![StorageReceivedDeletedBlocksProto {
                storage_uuid: "DS-a".to_owned(),
                blocks: vec![info],
                storage: None,
            }],
        };
        self.call::<BlockReceivedAndDeletedResponseProto>("blockReceivedAndDeleted", &request)
            .map(drop)
    }
}

#[test]
fn a_datanode_registers_gets_keys_and_holds_what_it_reports() {
    let fixture = Fixture::with(&[("dfs.block.access.token.enable", "true")]);
    let remote = Remote::new(&fixture);
    let keys = remote.register().expect("it registers").keys;
    assert!(keys.is_block_token_enabled);
    assert_eq!((keys.all_keys.len(), keys.token_life_time), (2, 36_000_000));
    // As Hadoop: nothing is kept of the time before an upgrade.
    let answer = remote.report(&[]).expect("taken").cmd.expect("a command");
    assert_eq!(answer.cmd_type(), Type::FinalizeCommand);
    let answer = remote.heartbeat().expect("answered");
    assert_eq!(answer.full_block_report_lease_id, Some(1));
    assert!(answer.ha_status.txid > 0 && answer.cmds.is_empty());
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let located = hdfs.add_block("/f", None).expect("a block");
    let node = &located.locs[0];
    assert_eq!(node.id.datanode_uuid, "dn7");
    assert_eq!(
        (node.capacity(), &*located.storage_i_ds[0]),
        (2 << 30, "DS-a")
    );
    let block = Block {
        length: 10,
        ..Block::from(&located.b)
    };
    remote.received(block).expect("taken");
    let last = ExtendedBlockProto {
        num_bytes: Some(10),
        ..located.b
    };
    assert!(hdfs.complete("/f", Some(&last)).expect("complete"));
    // A file that is deleted leaves an order.
    assert!(hdfs.delete("/f", false).expect("deleted"));
    let commands = remote.heartbeat().expect("answered").cmds;
    let command = commands[0].blk_cmd.as_ref().expect("about blocks");
    assert_eq!(commands[0].cmd_type(), Type::BlockCommand);
    assert_eq!(command.action(), block_command_proto::Action::Invalidate);
    assert_eq!(command.block_pool_id, fixture.node.block_pool_id());
    // Hadoop's DataNodes delete a replica only by its own stamp.
    assert_eq!(
        (command.blocks[0].block_id, command.blocks[0].gen_stamp),
        (block.id, block.generation_stamp)
    );
}

#[test]
fn orders_name_datanodes_with_their_storages() {
    let fixture = Fixture::new().with_datanodes(1);
    let remote = Remote::new(&fixture);
    remote.register().expect("it registers");
    remote.report(&[]).expect("taken");
    remote.heartbeat().expect("answered");
    let hdfs = fixture.hdfs();
    let request = CreateRequestProto {
        replication: 2,
        ..hdfs.create_request("/f", 1)
    };
    hdfs.call::<CreateResponseProto>("create", &request)
        .expect("created");
    let located = hdfs.add_block("/f", None).expect("a block");
    let block = Block {
        length: 10,
        ..Block::from(&located.b)
    };
    // Only the remote one finishes its replica.
    remote.received(block).expect("taken");
    let last = ExtendedBlockProto {
        num_bytes: Some(10),
        ..located.b
    };
    assert!(hdfs.complete("/f", Some(&last)).expect("complete"));
    let commands = remote.heartbeat().expect("answered").cmds;
    let command = commands[0].blk_cmd.as_ref().expect("about blocks");
    assert_eq!(command.action(), block_command_proto::Action::Transfer);
    assert_eq!(command.targets[0].datanodes[0].id.datanode_uuid, "dn1");
    assert_eq!(command.target_storage_uuids[0].storage_uuids, ["DS-1"]);
    assert_eq!(command.target_storage_types[0].storage_types.len(), 1);
}

#[test]
fn a_datanode_that_is_not_registered_is_told_so_as_in_hadoop() {
    let fixture = Fixture::new();
    let remote = Remote::new(&fixture);
    let command = remote.report(&[]).expect("answered").cmd.expect("an order");
    assert_eq!(command.cmd_type(), Type::RegisterCommand);
    let commands = remote.heartbeat().expect("answered").cmds;
    assert_eq!(commands[0].cmd_type(), Type::RegisterCommand);
    let block = Block {
        id: 7,
        generation_stamp: 1,
        length: 0,
    };
    refused(
        remote.received(block),
        "IOException",
        "Got incremental block report from unregistered or dead node",
    );
}

#[test]
fn a_datanode_of_another_namespace_or_version_is_refused() {
    let fixture = Fixture::new();
    let mut remote = Remote::new(&fixture);
    remote.register().expect("it registers");
    remote.registration.storage_info.cluster_id = "CID-x".to_owned();
    let info = fixture.node.version_request().storage;
    let (layout, id, time) = (info.layout_version, info.namespace_id, info.c_time);
    refused(
        remote.heartbeat(),
        "UnregisteredNodeException",
        &format!(
            "Unregistered server: DatanodeRegistration(127.0.0.1:9007, datanodeUuid=dn7, \
             infoPort=0, infoSecurePort=0, ipcPort=0, \
             storageInfo=lv={layout};cid=CID-x;nsid={id};c={time})"
        ),
    );
    remote.registration.software_version = "1.2.1".to_owned();
    refused(
        remote.register(),
        "IncorrectVersionException",
        "The reported DataNode version is too low to communicate with this NameNode. \
         DataNode version: '1.2.1' Minimum DataNode version: '2.1.0-beta'",
    );
    remote.registration = Remote::new(&fixture).registration;
    remote.registration.datanode_id.datanode_uuid = "u".repeat(256);
    let error = remote.register().expect_err("too long");
    assert!(
        error.message().ends_with("has 256 bytes, more than 255"),
        "{error}"
    );
}

/// A DataNode with very many replicas makes a call for each storage.
#[test]
fn a_block_report_may_come_in_several_calls() {
    let fixture = Fixture::new();
    let remote = Remote::new(&fixture);
    remote.register().expect("it registers");
    remote.heartbeat().expect("answered");
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let located = hdfs.add_block("/f", None).expect("a block");
    let block = Block {
        length: 10,
        ..Block::from(&located.b)
    };
    remote.received(block).expect("taken");
    let finalized = ReportedReplica {
        block,
        state: ReplicaState::Finalized,
    };
    let report = |cur_rpc, storage: &str, replicas: &[ReportedReplica]| {
        let request = BlockReportRequestProto {
            registration: remote.registration.clone(),
            reports: vec![StorageBlockReportProto {
                storage: DatanodeStorageProto {
                    storage_uuid: storage.to_owned(),
                    ..DatanodeStorageProto::default()
                },
                number_of_blocks: Some(replicas.len() as u64),
                blocks_buffers: block_list::write(replicas),
                blocks: Vec::new(),
            }],
            context: Some(BlockReportContextProto {
                total_rpcs: 2,
                cur_rpc,
                ..BlockReportContextProto::default()
            }),
            ..BlockReportRequestProto::default()
        };
        let answer = remote.call::<BlockReportResponseProto>("blockReport", &request);
        let answer = answer.expect("taken").cmd.expect("a command");
        assert_eq!(answer.cmd_type(), Type::FinalizeCommand);
    };
    let last = ExtendedBlockProto {
        num_bytes: Some(10),
        ..located.b
    };
    assert!(hdfs.complete("/f", Some(&last)).expect("complete"));
    let holders = || hdfs.locations("/f").expect("there").blocks[0].locs.len();
    report(0, "DS-a", &[finalized]);
    report(1, "DS-b", &[]);
    assert_eq!(holders(), 1, "each call speaks of its storage");
    report(0, "DS-a", &[]);
    report(1, "DS-b", &[]);
    assert_eq!(holders(), 0);
}

const NAMENODE: &str = "org.apache.hadoop.hdfs.server.protocol.NamenodeProtocol";

fn get_blocks(
    session: &Session<'_>,
    uuid: &str,
    size: i64,
) -> Result<Vec<BlockWithLocationsProto>, HdfsError> {
    let request = namenode::GetBlocksRequestProto {
        datanode: DatanodeIdProto {
            ip_addr: "127.0.0.1".to_owned(),
            datanode_uuid: uuid.to_owned(),
            xfer_port: 9001,
            ..DatanodeIdProto::default()
        },
        size: size.cast_unsigned(),
        min_block_size: Some(20),
        ..namenode::GetBlocksRequestProto::default()
    };
    session
        .call_of::<namenode::GetBlocksResponseProto>(NAMENODE, "getBlocks", &request)
        .map(|response| response.blocks.blocks)
}

#[test]
fn the_balancer_gets_the_blocks_of_a_datanode() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[1024, 1024, 10]);
    let lengths = |size| {
        let blocks = get_blocks(&hdfs, "dn1", size).expect("superuser");
        let lengths = blocks.iter().map(|block| block.block.num_bytes());
        lengths.collect::<Vec<_>>()
    };
    assert_eq!(lengths(1), [1024]);
    assert_eq!(lengths(1 << 20), [1024, 1024], "one block is too small");
    let block = &get_blocks(&hdfs, "dn1", 1).expect("superuser")[0];
    assert_eq!(
        (&*block.datanode_uuids, &*block.storage_uuids),
        (&["dn1".to_owned()][..], &["DS-1".to_owned()][..])
    );
    refused(
        get_blocks(&hdfs, "dn1", 0),
        "IllegalArgumentException",
        "Unexpected not positive size: 0",
    );
    refused(
        get_blocks(&hdfs, "dn9", 1),
        "HadoopIllegalArgumentException",
        "Datanode 127.0.0.1:9001 not found.",
    );
    refused(
        get_blocks(&fixture.user("alice"), "dn1", 1),
        "AccessControlException",
        "Access denied for user alice. Superuser privilege is required for operation getBlocks",
    );
}

#[test]
fn a_replica_that_was_moved_replaces_the_one_that_the_balancer_names() {
    let fixture = Fixture::new().with_datanodes(3);
    let hdfs = fixture.hdfs();
    let request = CreateRequestProto {
        replication: 2,
        ..hdfs.create_request("/f", 1)
    };
    hdfs.call::<CreateResponseProto>("create", &request)
        .expect("created");
    let block = hdfs.write_block("/f", None, 100);
    assert!(hdfs.complete("/f", Some(&block)).expect("complete"));
    let holders = || {
        let located = hdfs.locations("/f").expect("located").blocks.remove(0);
        let uuids = located.locs.into_iter().map(|node| node.id.datanode_uuid);
        uuids.collect::<Vec<_>>()
    };
    let before = holders();
    let new = (1..=3).find(|number| !before.contains(&format!("dn{number}")));
    let new = new.expect("the third");
    let moved = ReceivedDeletedBlock {
        block: Block::from(&block),
        status: BlockStatus::Received,
        delete_hint: Some(before[0].as_str().into()),
    };
    let (now, node) = (fixture.now.get(), datanode(new));
    fixture
        .node
        .block_received_and_deleted(now, &node, &disk(new), &[moved])
        .expect("taken");
    assert_eq!(holders(), [before[1].clone(), format!("dn{new}")]);
    let commands = fixture.heartbeat(number_of(&before[0]));
    assert!(
        matches!(&commands[..], [DatanodeCommand::Invalidate(_)]),
        "{commands:?}"
    );
}

#[test]
fn a_namenode_without_files_has_no_checkpoints() {
    let fixture = Fixture::new();
    let refusal = |method: &str| {
        let request = namenode::GetEditLogManifestRequestProto::default();
        let answered = fixture
            .hdfs()
            .call_of::<namenode::ErrorReportResponseProto>(NAMENODE, method, &request);
        let error = answered.expect_err("refused");
        assert!(
            error.class().ends_with("UnsupportedActionException"),
            "{error}"
        );
        error.message().to_owned()
    };
    assert!(refusal("getEditLogManifest").contains("in memory"));
    let request = namenode::RegisterRequestProto::default();
    let method = "registerSubordinateNamenode";
    refused(
        fixture
            .hdfs()
            .call_of::<namenode::RegisterResponseProto>(NAMENODE, method, &request),
        "UnsupportedActionException",
        "This NameNode keeps its namespace in memory and makes no checkpoints: start it with a \
         folder for its data",
    );
    refused(
        fixture
            .user("alice")
            .call_of::<namenode::RollEditLogResponseProto>(
                NAMENODE,
                "rollEditLog",
                &namenode::RollEditLogRequestProto {},
            ),
        "AccessControlException",
        "Access denied for user alice. Superuser privilege is required for operation rollEditLog",
    );
}
