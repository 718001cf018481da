//! The pages of a DataNode: `/jmx`.

use std::net::SocketAddr;

use serde_json::json;

use super::beans::bean;
use super::jmx;
use crate::datanode::DataNode;
use crate::web::request::WebRequest;
use crate::web::response::WebResponse;

/// Returns the page that a request asks for, if it is one.
pub(in crate::web) fn page(
    node: &DataNode,
    namenode: SocketAddr,
    request: &WebRequest<'_>,
) -> Option<WebResponse> {
    if request.head.uri.path() != "/jmx" {
        return None;
    }
    let registration = node.registration();
    // Texts, also where they are numbers, as Hadoop has them.
    let info = json!({
        "Version": env!("CARGO_PKG_VERSION"),
        "SoftwareVersion": env!("CARGO_PKG_VERSION"),
        "DatanodeHostname": &*registration.host_name,
        "DataPort": registration.transfer_port.to_string(),
        "RpcPort": registration.ipc_port.to_string(),
        "HttpPort": registration.info_port.to_string(),
        "NamenodeAddresses": json!({ namenode.ip().to_string(): node.block_pool() }).to_string(),
    });
    let beans = [
        bean(
            "Hadoop:service=DataNode,name=DataNodeInfo",
            "org.apache.hadoop.hdfs.server.datanode.DataNode",
            info,
        ),
        bean(
            "Hadoop:service=DataNode,name=FSDatasetState",
            "org.apache.hadoop.hdfs.server.datanode.fsdataset.impl.FsDatasetImpl",
            json!({ "DfsUsed": node.dfs_used() }),
        ),
    ];
    Some(jmx::select(&beans, &request.query()))
}
