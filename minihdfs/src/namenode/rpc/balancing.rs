//! What the balancer and the mover ask a NameNode.

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::blocks::BlockInfo;
use crate::namenode::namesystem::Namesystem;
use crate::proto::hdfs::namenode::{
    GetBlockKeysRequestProto, GetBlockKeysResponseProto, GetBlocksRequestProto,
    GetBlocksResponseProto, GetNextSpsPathRequestProto, GetNextSpsPathResponseProto,
    GetTransactionIdRequestProto, GetTransactionIdResponseProto, IsRollingUpgradeRequestProto,
    IsRollingUpgradeResponseProto, IsUpgradeFinalizedRequestProto, IsUpgradeFinalizedResponseProto,
};
use crate::proto::hdfs::{BlockWithLocationsProto, BlocksWithLocationsProto};
use crate::protocol::wire::keys::exported;
use crate::rpc::Call;

/// Returns blocks of a DataNode whose lengths add up to the requested size, with all their
/// locations: complete blocks of at least the minimum length.
pub(super) fn get_blocks(
    namenode: &NameNode,
    call: &Call<'_>,
    request: GetBlocksRequestProto,
) -> Result<GetBlocksResponseProto, HdfsError> {
    // Java has signed numbers.
    let size = request.size.cast_signed();
    if size <= 0 || request.min_block_size().cast_signed() < 0 {
        let text = format!("Unexpected not positive size: {size}");
        return Err(HdfsError::illegal_argument(text));
    }
    namenode.checker(call).check_superuser("getBlocks")?;
    let ns = namenode.read();
    if ns.safe_mode.is_on() {
        let what = format_args!("Cannot execute getBlocks");
        return Err(namenode.in_safe_mode(&ns, what));
    }
    let uuid = &request.datanode.datanode_uuid;
    let Some(datanode) = ns.blocks.datanodes.index(uuid) else {
        return Err(HdfsError::hadoop_illegal_argument(format!(
            "Datanode {}:{} not found.",
            kerbox_events::cut(&request.datanode.ip_addr),
            request.datanode.xfer_port
        )));
    };
    let kind = request.storage_type.map(|_| request.storage_type());
    let storages = &ns.blocks.datanodes.get(datanode).storages;
    let is_of_kind = |info: &BlockInfo| {
        let storage = storages.with_replica(info.block().id);
        kind.is_none_or(|kind| storage.is_some_and(|storage| storage.kind() == kind))
    };
    let mut left = request.size;
    let mut blocks = Vec::new();
    for info in ns.blocks.of_datanode(datanode) {
        let length = info.block().length;
        if left == 0 {
            break;
        }
        if info.is_complete() && length >= request.min_block_size() && is_of_kind(info) {
            left = left.saturating_sub(length);
            blocks.push(with_locations(&ns, info));
        }
    }
    Ok(GetBlocksResponseProto {
        blocks: BlocksWithLocationsProto { blocks },
    })
}

fn with_locations(ns: &Namesystem, info: &BlockInfo) -> BlockWithLocationsProto {
    let datanodes = &ns.blocks.datanodes;
    let live: Vec<_> = info.live(datanodes).collect();
    let nodes = live.iter().map(|index| datanodes.get(*index));
    let uuids = nodes.map(|node| node.registration.uuid.to_string());
    let storages = ns.storages_of(info, &live);
    BlockWithLocationsProto {
        block: info.block().into(),
        datanode_uuids: uuids.collect(),
        storage_uuids: storages.iter().map(|it| it.id.to_string()).collect(),
        storage_types: storages.iter().map(|it| it.kind.into()).collect(),
        ..BlockWithLocationsProto::default()
    }
}

/// Returns the block keys, with which the balancer makes tokens for itself.
pub(super) fn get_block_keys(
    namenode: &NameNode,
    call: &Call<'_>,
    _request: GetBlockKeysRequestProto,
) -> Result<GetBlockKeysResponseProto, HdfsError> {
    namenode.checker(call).check_superuser("getBlockKeys")?;
    let keys = namenode
        .config
        .uses_block_tokens()
        .then(|| namenode.block_tokens.export_keys());
    Ok(GetBlockKeysResponseProto {
        keys: Some(exported(keys.as_ref())),
    })
}

/// Returns the number of the last change.
pub(super) fn get_transaction_id(
    namenode: &NameNode,
    call: &Call<'_>,
    _request: GetTransactionIdRequestProto,
) -> Result<GetTransactionIdResponseProto, HdfsError> {
    namenode.checker(call).check_superuser("getTransactionID")?;
    Ok(GetTransactionIdResponseProto {
        tx_id: namenode.read().state().transaction_id().cast_unsigned(),
    })
}

/// Returns whether nothing is kept of the time before an upgrade.
pub(super) fn is_upgrade_finalized(
    namenode: &NameNode,
    call: &Call<'_>,
    _request: IsUpgradeFinalizedRequestProto,
) -> Result<IsUpgradeFinalizedResponseProto, HdfsError> {
    namenode
        .checker(call)
        .check_superuser("isUpgradeFinalized")?;
    Ok(IsUpgradeFinalizedResponseProto {
        is_upgrade_finalized: namenode.is_upgrade_finalized(),
    })
}

/// Returns false: there are no rolling upgrades.
pub(super) fn is_rolling_upgrade(
    namenode: &NameNode,
    call: &Call<'_>,
    _request: IsRollingUpgradeRequestProto,
) -> Result<IsRollingUpgradeResponseProto, HdfsError> {
    namenode.checker(call).check_superuser("isRollingUpgrade")?;
    Ok(IsRollingUpgradeResponseProto {
        is_rolling_upgrade: false,
    })
}

/// Fails, as where `dfs.storage.policy.satisfier.mode` is not `external`.
pub(super) fn get_next_sps_path(
    namenode: &NameNode,
    call: &Call<'_>,
    _request: GetNextSpsPathRequestProto,
) -> Result<GetNextSpsPathResponseProto, HdfsError> {
    namenode.checker(call).check_superuser("getNextSPSPath")?;
    Err(HdfsError::io(
        "SPS service mode is NONE, so external SPS service is not allowed to fetch the path Ids",
    ))
}
