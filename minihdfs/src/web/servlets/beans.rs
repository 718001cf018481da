//! The NameNode's figures as JMX's beans, under Hadoop's names.

use serde_json::{Map, Value, json};

use super::Page;
use crate::namenode::{DatanodeFigures, Overview};

/// A bean.
pub(super) struct Bean {
    pub(super) name: &'static str,
    /// Its class in Hadoop.
    pub(super) kind: &'static str,
    pub(super) attributes: Vec<(String, Value)>,
}

/// The class of most beans.
const NAMESYSTEM: &str = "org.apache.hadoop.hdfs.server.namenode.FSNamesystem";
const GIB: u64 = 1 << 30;

/// Returns all beans.
pub(super) fn beans(page: &Page<'_>) -> Vec<Bean> {
    let overview = page.overview();
    vec![
        namenode_info(page, &overview),
        namenode_status(page),
        namesystem(&overview),
        namesystem_state(&overview),
    ]
}

pub(super) fn bean(name: &'static str, kind: &'static str, attributes: Value) -> Bean {
    let attributes = match attributes {
        Value::Object(fields) => fields.into_iter().collect(),
        _ => Vec::new(),
    };
    Bean {
        name,
        kind,
        attributes,
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 * 100.0 / whole as f64
}

fn namenode_info(page: &Page<'_>, overview: &Overview) -> Bean {
    let nodes = |wanted: fn(&DatanodeFigures) -> bool| {
        let nodes = overview.datanodes.iter().filter(|node| wanted(node));
        let nodes: Map<String, Value> = nodes.map(datanode).collect();
        // A text with JSON in it, as Hadoop has it.
        Value::Object(nodes).to_string()
    };
    let non_dfs: u64 = overview
        .datanodes
        .iter()
        .filter(|node| node.is_alive)
        .map(DatanodeFigures::non_dfs_used)
        .sum();
    let version = format!("{}, Kerbox", env!("CARGO_PKG_VERSION"));
    let attributes = json!({
        "Total": overview.capacity,
        "UpgradeFinalized": overview.upgrade_finalized,
        "Version": version,
        "Used": overview.used,
        "Free": overview.remaining,
        "Safemode": overview.safe_mode.as_deref().unwrap_or_default(),
        "NonDfsUsedSpace": non_dfs,
        "PercentUsed": percent(overview.used, overview.capacity),
        "BlockPoolUsedSpace": overview.used,
        "PercentBlockPoolUsed": percent(overview.used, overview.capacity),
        "PercentRemaining": percent(overview.remaining, overview.capacity),
        "TotalBlocks": overview.blocks,
        "NumberOfMissingBlocks": overview.missing_blocks,
        "NumberOfMissingBlocksWithReplicationFactorOne": overview.missing_with_one_replica,
        "TotalFiles": overview.files,
        "BlockPoolId": page.namenode.block_pool_id(),
        "LiveNodes": nodes(|node| node.is_alive),
        "DeadNodes": nodes(|node| !node.is_alive),
        "DecomNodes": nodes(|node| node.service() == "Decommission In Progress"),
        "EnteringMaintenanceNodes": nodes(|node| node.service() == "Entering Maintenance"),
        "JournalTransactionInfo": json!({
            "LastAppliedOrWrittenTxId": overview.transaction_id.to_string(),
        })
        .to_string(),
        "SoftwareVersion": env!("CARGO_PKG_VERSION"),
    });
    bean(
        "Hadoop:service=NameNode,name=NameNodeInfo",
        NAMESYSTEM,
        attributes,
    )
}

/// Returns a DataNode's figures under its name.
fn datanode(node: &DatanodeFigures) -> (String, Value) {
    let registration = &node.registration;
    let host = &registration.host_name;
    let name = format!("{host}:{}", registration.transfer_port);
    let mut fields = json!({
        "infoAddr": format!("{}:{}", registration.ip, registration.info_port),
        "infoSecureAddr": format!("{}:{}", registration.ip, registration.info_secure_port),
        "xferaddr": registration.transfer_address().to_string(),
        "location": node.location,
        "uuid": &*registration.uuid,
        "lastContact": node.silent,
        "adminState": node.service(),
    });
    if node.is_alive {
        let more = json!({
            "capacity": node.capacity,
            "used": node.used,
            "usedSpace": node.used,
            "nonDfsUsedSpace": node.non_dfs_used(),
            "remaining": node.remaining,
            "numBlocks": node.blocks,
            "blockPoolUsed": node.used,
            "blockPoolUsedPercent": percent(node.used, node.capacity),
            "volfails": 0,
        });
        if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
            fields.extend(more);
        }
    }
    (name, fields)
}

fn namenode_status(page: &Page<'_>) -> Bean {
    let attributes = json!({
        "State": "active",
        "NNRole": "NameNode",
        "HostAndPort": page.rpc_address,
        "SecurityEnabled": page.namenode.config().is_secure(),
        "LastHATransitionTime": 0,
        "BytesWithFutureGenerationStamps": 0,
    });
    bean(
        "Hadoop:service=NameNode,name=NameNodeStatus",
        "org.apache.hadoop.hdfs.server.namenode.NameNode",
        attributes,
    )
}

fn namesystem(overview: &Overview) -> Bean {
    let living = overview.datanodes.iter().filter(|node| node.is_alive);
    let attributes = json!({
        "tag.Context": "dfs",
        "tag.HAState": "active",
        "MissingBlocks": overview.missing_blocks,
        "MissingReplOneBlocks": overview.missing_with_one_replica,
        "LastWrittenTransactionId": overview.transaction_id,
        "CapacityTotal": overview.capacity,
        "CapacityTotalGB": (overview.capacity / GIB) as f64,
        "CapacityUsed": overview.used,
        "CapacityUsedGB": (overview.used / GIB) as f64,
        "CapacityRemaining": overview.remaining,
        "CapacityRemainingGB": (overview.remaining / GIB) as f64,
        "TotalLoad": overview.load,
        "BlocksTotal": overview.blocks,
        "FilesTotal": overview.files,
        "NumFilesUnderConstruction": overview.open_files,
        "UnderReplicatedBlocks": overview.under_replicated,
        "LowRedundancyBlocks": overview.under_replicated,
        "CorruptBlocks": overview.corrupt_blocks,
        "NumLiveDataNodes": living.count(),
        "NumDeadDataNodes": dead(overview),
    });
    bean(
        "Hadoop:service=NameNode,name=FSNamesystem",
        NAMESYSTEM,
        attributes,
    )
}

fn dead(overview: &Overview) -> usize {
    let dead = overview.datanodes.iter().filter(|node| !node.is_alive);
    dead.count()
}

fn namesystem_state(overview: &Overview) -> Bean {
    let count = |service: &str, is_alive: bool| {
        let nodes = overview.datanodes.iter();
        let of_service = nodes.filter(|node| node.service() == service);
        of_service.filter(|node| node.is_alive == is_alive).count()
    };
    let attributes = json!({
        "CapacityTotal": overview.capacity,
        "CapacityUsed": overview.used,
        "CapacityRemaining": overview.remaining,
        "TotalLoad": overview.load,
        "BlocksTotal": overview.blocks,
        "FilesTotal": overview.files,
        "UnderReplicatedBlocks": overview.under_replicated,
        "FSState": if overview.safe_mode.is_some() { "safeMode" } else { "Operational" },
        "NumLiveDataNodes": overview.datanodes.len() - dead(overview),
        "NumDeadDataNodes": dead(overview),
        "NumDecomLiveDataNodes": count("Decommissioned", true),
        "NumDecomDeadDataNodes": count("Decommissioned", false),
        "NumDecommissioningDataNodes": count("Decommission In Progress", true),
        "NumInMaintenanceLiveDataNodes": count("In Maintenance", true),
        "NumInMaintenanceDeadDataNodes": count("In Maintenance", false),
        "NumEnteringMaintenanceDataNodes": count("Entering Maintenance", true),
    });
    bean(
        "Hadoop:service=NameNode,name=FSNamesystemState",
        NAMESYSTEM,
        attributes,
    )
}
