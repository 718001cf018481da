//! Totals of the cluster, and its DataNodes.

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::blocks::{AdminState, Datanode};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::ops::status::datanode_info;
use crate::proto::hdfs::{
    CorruptFileBlocksProto, DatanodeReportTypeProto, DatanodeStorageReportProto,
    GetDatanodeReportRequestProto, GetDatanodeReportResponseProto,
    GetDatanodeStorageReportRequestProto, GetDatanodeStorageReportResponseProto,
    GetFsEcBlockGroupStatsRequestProto, GetFsEcBlockGroupStatsResponseProto,
    GetFsReplicatedBlockStatsRequestProto, GetFsReplicatedBlockStatsResponseProto,
    GetFsStatsRequestProto, GetFsStatsResponseProto, GetSlowDatanodeReportRequestProto,
    GetSlowDatanodeReportResponseProto, ListCorruptFileBlocksRequestProto,
    ListCorruptFileBlocksResponseProto, StorageReportProto,
};
use crate::rpc::Call;

/// The number of blocks that lack replicas, by kind.
#[derive(Default)]
struct Shortage {
    under_replicated: u64,
    corrupt: u64,
    missing: u64,
    missing_with_one_replica: u64,
}

fn shortage(ns: &Namesystem) -> Shortage {
    let mut shortage = Shortage::default();
    for info in ns.blocks.low_redundancy() {
        let live = info.live(&ns.blocks.datanodes).count();
        shortage.corrupt += u64::from(info.is_corrupt());
        if live == 0 {
            shortage.missing += u64::from(info.block().length > 0);
            shortage.missing_with_one_replica += u64::from(info.replication == 1);
        } else if live < usize::from(info.replication) {
            shortage.under_replicated += 1;
        }
    }
    shortage
}

impl NameNode {
    /// Returns totals of bytes and blocks, to any caller.
    pub(crate) fn get_fs_stats(
        &self,
        _call: &Call<'_>,
        _request: GetFsStatsRequestProto,
    ) -> Result<GetFsStatsResponseProto, HdfsError> {
        let ns = self.read();
        let shortage = shortage(&ns);
        let living = || ns.blocks.datanodes.iter().filter(|node| node.alive);
        Ok(GetFsStatsResponseProto {
            capacity: living().map(Datanode::capacity).sum(),
            used: living().map(Datanode::dfs_used).sum(),
            remaining: living().map(Datanode::remaining).sum(),
            under_replicated: shortage.under_replicated,
            corrupt_blocks: shortage.corrupt,
            missing_blocks: shortage.missing,
            missing_repl_one_blocks: Some(shortage.missing_with_one_replica),
            blocks_in_future: Some(0),
            pending_deletion_blocks: Some(0),
        })
    }

    /// Same as [`get_fs_stats`](Self::get_fs_stats), for replicated blocks, which all blocks are.
    pub(crate) fn get_fs_replicated_block_stats(
        &self,
        _call: &Call<'_>,
        _request: GetFsReplicatedBlockStatsRequestProto,
    ) -> Result<GetFsReplicatedBlockStatsResponseProto, HdfsError> {
        let shortage = shortage(&self.read());
        Ok(GetFsReplicatedBlockStatsResponseProto {
            low_redundancy: shortage.under_replicated,
            corrupt_blocks: shortage.corrupt,
            missing_blocks: shortage.missing,
            missing_repl_one_blocks: shortage.missing_with_one_replica,
            blocks_in_future: 0,
            pending_deletion_blocks: 0,
            highest_prio_low_redundancy_blocks: Some(0),
        })
    }

    /// Returns zeros, because there are no erasure-coded blocks.
    pub(crate) fn get_fs_ec_block_group_stats(
        &self,
        _call: &Call<'_>,
        _request: GetFsEcBlockGroupStatsRequestProto,
    ) -> Result<GetFsEcBlockGroupStatsResponseProto, HdfsError> {
        Ok(GetFsEcBlockGroupStatsResponseProto {
            low_redundancy: 0,
            corrupt_blocks: 0,
            missing_blocks: 0,
            blocks_in_future: 0,
            pending_deletion_blocks: 0,
            highest_prio_low_redundancy_blocks: Some(0),
        })
    }

    /// Returns the DataNodes of one kind; only for the superuser.
    pub(crate) fn get_datanode_report(
        &self,
        call: &Call<'_>,
        request: GetDatanodeReportRequestProto,
    ) -> Result<GetDatanodeReportResponseProto, HdfsError> {
        self.checker(call).check_superuser("datanodeReport")?;
        let ns = self.read();
        let nodes = of_kind(&ns, request.r#type());
        let di = nodes.map(|node| {
            let mut info = datanode_info(node);
            info.num_blocks = u32::try_from(node.block_count()).ok();
            info
        });
        Ok(GetDatanodeReportResponseProto { di: di.collect() })
    }

    /// Returns the DataNodes of one kind with their storages; only for the superuser.
    pub(crate) fn get_datanode_storage_report(
        &self,
        call: &Call<'_>,
        request: GetDatanodeStorageReportRequestProto,
    ) -> Result<GetDatanodeStorageReportResponseProto, HdfsError> {
        self.checker(call)
            .check_superuser("getDatanodeStorageReport")?;
        let ns = self.read();
        let reports = of_kind(&ns, request.r#type()).map(|node| DatanodeStorageReportProto {
            datanode_info: datanode_info(node),
            storage_reports: storage_reports(node),
        });
        Ok(GetDatanodeStorageReportResponseProto {
            datanode_storage_reports: reports.collect(),
        })
    }

    /// Returns an empty list: slow DataNodes are not detected.
    pub(crate) fn get_slow_datanode_report(
        &self,
        _call: &Call<'_>,
        _request: GetSlowDatanodeReportRequestProto,
    ) -> Result<GetSlowDatanodeReportResponseProto, HdfsError> {
        Ok(GetSlowDatanodeReportResponseProto {
            datanode_info_proto: Vec::new(),
        })
    }

    /// Returns the files below a path that have a block without a good replica, all in one
    /// response.
    pub(crate) fn list_corrupt_file_blocks(
        &self,
        call: &Call<'_>,
        request: ListCorruptFileBlocksRequestProto,
    ) -> Result<ListCorruptFileBlocksResponseProto, HdfsError> {
        self.checker(call)
            .check_superuser("listCorruptFileBlocks")?;
        let ns = self.read();
        let first = request.cookie().is_empty();
        let lost = ns.blocks.low_redundancy().filter(|info| {
            first && info.block().length > 0 && info.live(&ns.blocks.datanodes).next().is_none()
        });
        let mut files: Vec<String> = lost
            .map(|info| ns.namespace().full_path(info.file))
            .filter(|path| crate::namenode::path::is_within(path, &request.path))
            .collect();
        files.sort();
        files.dedup();
        Ok(ListCorruptFileBlocksResponseProto {
            corrupt: CorruptFileBlocksProto {
                cookie: files.len().to_string(),
                files,
            },
        })
    }
}

fn of_kind(ns: &Namesystem, kind: DatanodeReportTypeProto) -> impl Iterator<Item = &Datanode> {
    let wanted = move |node: &Datanode| match kind {
        DatanodeReportTypeProto::All => true,
        DatanodeReportTypeProto::Live => node.alive,
        DatanodeReportTypeProto::Dead => !node.alive,
        DatanodeReportTypeProto::Decommissioning => {
            node.alive && node.admin_state == AdminState::DecommissionInProgress
        }
        DatanodeReportTypeProto::EnteringMaintenance => {
            node.alive && node.admin_state == AdminState::EnteringMaintenance
        }
        DatanodeReportTypeProto::InMaintenance => node.admin_state == AdminState::InMaintenance,
    };
    let nodes = ns.blocks.datanodes.iter();
    nodes.filter(move |node| wanted(node))
}

fn storage_reports(node: &Datanode) -> Vec<StorageReportProto> {
    let reports = node.storages.iter().map(|storage| &storage.report);
    reports.map(StorageReportProto::from).collect()
}
