//! A NameNode that is not in this process.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kerbox_krb5::Timestamp;
use rand::Rng;

use super::RemoteAccess;
use super::calls::{CallThread, Calls};
use crate::HdfsError;
use crate::datanode::data_storage::LAYOUT_VERSION;
use crate::proto::common::TokenProto;
use crate::proto::hdfs::datanode::{
    BlockReceivedAndDeletedRequestProto, BlockReceivedAndDeletedResponseProto,
    BlockReportContextProto, BlockReportRequestProto, BlockReportResponseProto,
    CommitBlockSynchronizationRequestProto, CommitBlockSynchronizationResponseProto,
    DatanodeRegistrationProto, ErrorReportRequestProto, ErrorReportResponseProto,
    HeartbeatRequestProto, HeartbeatResponseProto, RegisterDatanodeRequestProto,
    RegisterDatanodeResponseProto, ReportBadBlocksRequestProto, ReportBadBlocksResponseProto,
    StorageBlockReportProto,
};
use crate::proto::hdfs::{
    ExportedBlockKeysProto, LocatedBlockProto, StorageInfoProto, StorageTypeProto,
    VersionRequestProto, VersionResponseProto,
};
use crate::protocol::wire::block_list;
use crate::protocol::wire::blocks::extended;
use crate::protocol::wire::commands::{info, read};
use crate::protocol::wire::keys::imported;
use crate::protocol::wire::registration::SOFTWARE_VERSION;
use crate::protocol::wire::reports::changes;
use crate::protocol::{
    BadBlock, BlockSynchronization, DatanodeCommand, DatanodeError, DatanodeProtocol,
    DatanodeRegistration, DatanodeStorage, ExportedBlockKeys, HeartbeatReport, NamespaceInfo,
    ReceivedDeletedBlock, ReportedReplica,
};

const PROTOCOL: &str = "org.apache.hadoop.hdfs.server.protocol.DatanodeProtocol";

/// A NameNode that is called by Hadoop RPC. Each call blocks until it is answered.
pub struct RemoteNameNode {
    calls: Calls,
    namespace: NamespaceInfo,
    /// The DataNode that calls, once it has registered.
    caller: Mutex<Option<DatanodeRegistration>>,
}

impl RemoteNameNode {
    /// Asks the NameNode at this address for its namespace.
    ///
    /// # Errors
    /// Fails if the NameNode refuses the DataNode, or does not answer.
    pub fn connect(
        access: &RemoteAccess,
        thread: &Arc<CallThread>,
        address: SocketAddr,
        rng: &mut impl Rng,
    ) -> Result<Self, HdfsError> {
        let principal = access.namenode.as_ref();
        let calls = Calls::new(access, thread, address, PROTOCOL, principal, rng);
        let version: VersionResponseProto =
            calls.call("versionRequest", &VersionRequestProto {})?;
        Ok(Self {
            calls,
            namespace: (&version.info).into(),
            caller: Mutex::default(),
        })
    }

    fn registration(&self, datanode: &DatanodeRegistration) -> DatanodeRegistrationProto {
        DatanodeRegistrationProto {
            datanode_id: datanode.into(),
            storage_info: StorageInfoProto {
                layout_version: LAYOUT_VERSION.cast_unsigned(),
                ..(&self.namespace.storage).into()
            },
            keys: ExportedBlockKeysProto::default(),
            software_version: SOFTWARE_VERSION.to_owned(),
        }
    }

    fn pool(&self) -> String {
        self.namespace.block_pool_id.to_string()
    }

    fn caller(&self) -> MutexGuard<'_, Option<DatanodeRegistration>> {
        // Replaced whole.
        self.caller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a bad replica of the DataNode that calls, with its location.
    fn located(&self, bad: &BadBlock) -> Option<LocatedBlockProto> {
        let caller = self.caller();
        let datanode = caller.as_ref().filter(|it| it.uuid == bad.datanode)?;
        Some(LocatedBlockProto {
            b: extended(bad.block, &self.namespace.block_pool_id),
            locs: vec![info(datanode)],
            block_token: TokenProto::default(),
            is_cached: vec![false],
            storage_types: vec![StorageTypeProto::Disk.into()],
            storage_i_ds: vec![bad.storage_id.to_string()],
            ..LocatedBlockProto::default()
        })
    }
}

impl DatanodeProtocol for RemoteNameNode {
    fn version_request(&self) -> NamespaceInfo {
        self.namespace.clone()
    }

    fn register_datanode(
        &self,
        _now: Timestamp,
        datanode: &DatanodeRegistration,
    ) -> Result<Option<ExportedBlockKeys>, HdfsError> {
        let request = RegisterDatanodeRequestProto {
            registration: self.registration(datanode),
        };
        let answer: RegisterDatanodeResponseProto =
            self.calls.call("registerDatanode", &request)?;
        *self.caller() = Some(datanode.clone());
        Ok(imported(&answer.registration.keys))
    }

    fn send_heartbeat(
        &self,
        _now: Timestamp,
        datanode: &DatanodeRegistration,
        report: &HeartbeatReport,
    ) -> Result<Vec<DatanodeCommand>, HdfsError> {
        let request = HeartbeatRequestProto {
            registration: self.registration(datanode),
            reports: report.storages.iter().map(Into::into).collect(),
            xceiver_count: Some(report.xceivers),
            failed_volumes: Some(report.failed_volumes),
            ..HeartbeatRequestProto::default()
        };
        let answer: HeartbeatResponseProto = self.calls.call("sendHeartbeat", &request)?;
        let mut commands = Vec::new();
        for command in &answer.cmds {
            read(command, &mut commands)?;
        }
        Ok(commands)
    }

    fn block_report(
        &self,
        now: Timestamp,
        datanode: &DatanodeRegistration,
        storage: &DatanodeStorage,
        replicas: &[ReportedReplica],
    ) -> Result<Option<DatanodeCommand>, HdfsError> {
        let request = BlockReportRequestProto {
            registration: self.registration(datanode),
            block_pool_id: self.pool(),
            reports: vec![StorageBlockReportProto {
                storage: storage.into(),
                blocks: Vec::new(),
                number_of_blocks: Some(replicas.len() as u64),
                blocks_buffers: block_list::write(replicas),
            }],
            context: Some(BlockReportContextProto {
                total_rpcs: 1,
                cur_rpc: 0,
                id: now.as_micros(),
                ..BlockReportContextProto::default()
            }),
        };
        let answer: BlockReportResponseProto = self.calls.call("blockReport", &request)?;
        let mut commands = Vec::new();
        if let Some(command) = &answer.cmd {
            read(command, &mut commands)?;
        }
        Ok(commands.pop())
    }

    fn block_received_and_deleted(
        &self,
        _now: Timestamp,
        datanode: &DatanodeRegistration,
        storage: &DatanodeStorage,
        blocks: &[ReceivedDeletedBlock],
    ) -> Result<(), HdfsError> {
        let request = BlockReceivedAndDeletedRequestProto {
            registration: self.registration(datanode),
            block_pool_id: self.pool(),
            blocks: vec![changes(storage, blocks)],
        };
        let BlockReceivedAndDeletedResponseProto {} =
            self.calls.call("blockReceivedAndDeleted", &request)?;
        Ok(())
    }

    fn error_report(
        &self,
        _now: Timestamp,
        datanode: &DatanodeRegistration,
        error: DatanodeError,
        message: &str,
    ) -> Result<(), HdfsError> {
        let request = ErrorReportRequestProto {
            registartion: self.registration(datanode),
            error_code: error as u32,
            msg: message.to_owned(),
        };
        let ErrorReportResponseProto {} = self.calls.call("errorReport", &request)?;
        Ok(())
    }

    fn report_bad_blocks(&self, _now: Timestamp, blocks: &[BadBlock]) -> Result<(), HdfsError> {
        let request = ReportBadBlocksRequestProto {
            blocks: blocks.iter().filter_map(|bad| self.located(bad)).collect(),
        };
        let ReportBadBlocksResponseProto {} = self.calls.call("reportBadBlocks", &request)?;
        Ok(())
    }

    fn commit_block_synchronization(
        &self,
        _now: Timestamp,
        outcome: &BlockSynchronization,
    ) -> Result<(), HdfsError> {
        let targets = &outcome.new_targets;
        let request = CommitBlockSynchronizationRequestProto {
            block: extended(outcome.block, &self.namespace.block_pool_id),
            new_gen_stamp: outcome.new_generation_stamp,
            new_length: outcome.new_length,
            close_file: true,
            delete_block: outcome.delete_block,
            new_taragets: targets.iter().map(|it| (&it.datanode).into()).collect(),
            new_target_storages: targets.iter().map(|it| it.storage_id.to_string()).collect(),
        };
        let CommitBlockSynchronizationResponseProto {} =
            self.calls.call("commitBlockSynchronization", &request)?;
        Ok(())
    }
}
