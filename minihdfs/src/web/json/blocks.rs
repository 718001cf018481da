//! Blocks and where they are.

use serde_json::{Value, json};

use crate::proto::hdfs::datanode_info_proto::AdminState;
use crate::proto::hdfs::{
    DatanodeInfoProto, ExtendedBlockProto, LocatedBlockProto, LocatedBlocksProto, StorageTypeProto,
};
use crate::token::Token;

/// Returns `{"LocatedBlocks": …}`.
pub(in crate::web) fn located_blocks(blocks: &LocatedBlocksProto) -> Value {
    let list: Vec<Value> = blocks.blocks.iter().map(located_block).collect();
    json!({
        "LocatedBlocks": {
            "fileLength": blocks.file_length,
            "isUnderConstruction": blocks.under_construction,
            "locatedBlocks": list,
            "lastLocatedBlock": blocks.last_block.as_ref().map(located_block),
            "isLastBlockComplete": blocks.is_last_block_complete,
        }
    })
}

fn located_block(block: &LocatedBlockProto) -> Value {
    let token = Token::from(block.block_token.clone());
    let locations: Vec<Value> = block.locs.iter().map(datanode).collect();
    let cached: Vec<Value> = cached(block).map(datanode).collect();
    json!({
        "blockToken": { "urlString": token.to_url_string() },
        "isCorrupt": block.corrupt,
        "startOffset": block.offset,
        "block": extended_block(&block.b),
        "locations": locations,
        "cachedLocations": cached,
        "storageTypes": storage_types(block),
    })
}

fn extended_block(block: &ExtendedBlockProto) -> Value {
    json!({
        "blockPoolId": block.pool_id,
        "blockId": block.block_id,
        "numBytes": block.num_bytes(),
        "generationStamp": block.generation_stamp,
    })
}

fn datanode(node: &DatanodeInfoProto) -> Value {
    let admin_state = match node.admin_state() {
        AdminState::Normal => "NORMAL",
        AdminState::DecommissionInprogress => "DECOMMISSION_INPROGRESS",
        AdminState::Decommissioned => "DECOMMISSIONED",
        AdminState::EnteringMaintenance => "ENTERING_MAINTENANCE",
        AdminState::InMaintenance => "IN_MAINTENANCE",
    };
    let mut fields = json!({
        "ipAddr": node.id.ip_addr,
        "name": transfer_address(node),
        "hostName": node.id.host_name,
        "storageID": node.id.datanode_uuid,
        "xferPort": node.id.xfer_port,
        "infoPort": node.id.info_port,
        "infoSecurePort": node.id.info_secure_port(),
        "ipcPort": node.id.ipc_port,
        "capacity": node.capacity(),
        "dfsUsed": node.dfs_used(),
        "remaining": node.remaining(),
        "blockPoolUsed": node.block_pool_used(),
        "cacheCapacity": node.cache_capacity(),
        "cacheUsed": node.cache_used(),
        "lastUpdate": node.last_update(),
        "lastUpdateMonotonic": node.last_update_monotonic(),
        "lastBlockReportTime": node.last_block_report_time(),
        "lastBlockReportMonotonic": node.last_block_report_monotonic(),
        "xceiverCount": node.xceiver_count(),
        "networkLocation": node.location(),
        "adminState": admin_state,
    });
    if let (Some(domain), Some(fields)) = (&node.upgrade_domain, fields.as_object_mut()) {
        fields.insert("upgradeDomain".to_owned(), domain.as_str().into());
    }
    fields
}

/// Returns `{"BlockLocations": …}`, which is part of the public interface.
pub(in crate::web) fn block_locations(blocks: &LocatedBlocksProto) -> Value {
    let locations: Vec<Value> = blocks.blocks.iter().map(block_location).collect();
    json!({ "BlockLocations": { "BlockLocation": locations } })
}

fn block_location(block: &LocatedBlockProto) -> Value {
    let names: Vec<String> = block.locs.iter().map(transfer_address).collect();
    let hosts: Vec<&str> = block.locs.iter().map(|node| &*node.id.host_name).collect();
    let paths: Vec<String> = block
        .locs
        .iter()
        .map(|node| format!("{}/{}", node.location(), transfer_address(node)))
        .collect();
    let cached: Vec<&str> = cached(block).map(|node| &*node.id.host_name).collect();
    json!({
        "cachedHosts": cached,
        "corrupt": block.corrupt,
        "hosts": hosts,
        "length": block.b.num_bytes(),
        "names": names,
        "offset": block.offset,
        "storageTypes": storage_types(block),
        "topologyPaths": paths,
    })
}

fn cached(block: &LocatedBlockProto) -> impl Iterator<Item = &DatanodeInfoProto> {
    let nodes = block.locs.iter().zip(&block.is_cached);
    nodes.filter(|(_, cached)| **cached).map(|(node, _)| node)
}

fn storage_types(block: &LocatedBlockProto) -> Vec<&'static str> {
    block
        .storage_types()
        .map(|kind: StorageTypeProto| kind.as_str_name())
        .collect()
}

fn transfer_address(node: &DatanodeInfoProto) -> String {
    format!("{}:{}", node.id.ip_addr, node.id.xfer_port)
}
