//! What `hdfs dfsadmin` orders of one DataNode.

#![allow(
    clippy::needless_pass_by_value,
    reason = "the table hands each request over as a value"
)]

use crate::HdfsError;
use crate::datanode::node::DataNode;
use crate::proto::hdfs::{
    DeleteBlockPoolRequestProto, DeleteBlockPoolResponseProto, EvictWritersRequestProto,
    EvictWritersResponseProto, GetReconfigurationStatusRequestProto,
    GetReconfigurationStatusResponseProto, ListReconfigurablePropertiesRequestProto,
    ListReconfigurablePropertiesResponseProto, RefreshNamenodesRequestProto,
    RefreshNamenodesResponseProto, ShutdownDatanodeRequestProto, ShutdownDatanodeResponseProto,
    StartReconfigurationRequestProto, StartReconfigurationResponseProto,
};
use crate::rpc::Call;

/// Does nothing: the NameNode is fixed while a DataNode runs.
pub(super) fn refresh_namenodes(
    node: &DataNode,
    call: &Call<'_>,
    _request: RefreshNamenodesRequestProto,
) -> Result<RefreshNamenodesResponseProto, HdfsError> {
    node.check_superuser_privilege(call)?;
    Ok(RefreshNamenodesResponseProto {})
}

/// Fails: there is one block pool, and it is in use.
pub(super) fn delete_block_pool(
    node: &DataNode,
    call: &Call<'_>,
    request: DeleteBlockPoolRequestProto,
) -> Result<DeleteBlockPoolResponseProto, HdfsError> {
    node.check_superuser_privilege(call)?;
    if *request.block_pool == *node.block_pool_id {
        return Err(HdfsError::io(
            "The block pool is still running. First do a refreshNamenodes to shutdown the block \
             pool service",
        ));
    }
    let pool = kerbox_events::cut(&request.block_pool);
    Err(HdfsError::io(format!("block pool {pool} is not found")))
}

/// Ends the DataNode once it has answered.
pub(super) fn shutdown_datanode(
    node: &DataNode,
    call: &Call<'_>,
    _request: ShutdownDatanodeRequestProto,
) -> Result<ShutdownDatanodeResponseProto, HdfsError> {
    node.check_superuser_privilege(call)?;
    node.end_soon();
    Ok(ShutdownDatanodeResponseProto {})
}

/// Breaks all pipelines, so that their clients go on with other DataNodes.
pub(super) fn evict_writers(
    node: &DataNode,
    call: &Call<'_>,
    _request: EvictWritersRequestProto,
) -> Result<EvictWritersResponseProto, HdfsError> {
    node.check_superuser_privilege(call)?;
    node.store.evict_writers();
    Ok(EvictWritersResponseProto {})
}

/// Starts a reconfiguration, which ends at once.
pub(super) fn start_reconfiguration(
    node: &DataNode,
    call: &Call<'_>,
    _request: StartReconfigurationRequestProto,
) -> Result<StartReconfigurationResponseProto, HdfsError> {
    node.check_superuser_privilege(call)?;
    node.reconfiguration.start(call.now);
    Ok(StartReconfigurationResponseProto {})
}

/// Returns when the last reconfiguration ended.
pub(super) fn get_reconfiguration_status(
    node: &DataNode,
    call: &Call<'_>,
    _request: GetReconfigurationStatusRequestProto,
) -> Result<GetReconfigurationStatusResponseProto, HdfsError> {
    node.check_superuser_privilege(call)?;
    Ok(node.reconfiguration.status())
}

/// Returns an empty list.
pub(super) fn list_reconfigurable_properties(
    node: &DataNode,
    call: &Call<'_>,
    _request: ListReconfigurablePropertiesRequestProto,
) -> Result<ListReconfigurablePropertiesResponseProto, HdfsError> {
    node.check_superuser_privilege(call)?;
    Ok(ListReconfigurablePropertiesResponseProto { name: Vec::new() })
}
