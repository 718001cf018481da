//! ClientDatanodeProtocol, the RPC interface of a DataNode. Java's client and libhdfs3 query the
//! length of a block being written; `hdfs dfsadmin` uses the rest.

use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::datanode::administration;
use crate::datanode::inter_datanode::INTER_DATANODE_PROTOCOL;
use crate::datanode::node::DataNode;
use crate::proto::hdfs::{
    DatanodeLocalInfoProto, DatanodeVolumeInfoProto, ExtendedBlockProto,
    GetBalancerBandwidthRequestProto, GetBalancerBandwidthResponseProto,
    GetDatanodeInfoRequestProto, GetDatanodeInfoResponseProto, GetReplicaVisibleLengthRequestProto,
    GetReplicaVisibleLengthResponseProto, GetVolumeReportRequestProto,
    GetVolumeReportResponseProto, TriggerBlockReportRequestProto, TriggerBlockReportResponseProto,
};
use crate::protocol::Block;
use crate::rpc::{Call, Protocol, RpcService, protocol};
use crate::secret_manager::{BlockAccess, SecretManager};
use crate::token::{AccessMode, Token};
use crate::user::AuthMethod;
use crate::{HdfsError, base64};

static CLIENT_DATANODE_PROTOCOL: Protocol<DataNode> = protocol! {
    "org.apache.hadoop.hdfs.protocol.ClientDatanodeProtocol", 1,
    "deleteBlockPool" => administration::delete_block_pool,
    "evictWriters" => administration::evict_writers,
    "getBalancerBandwidth" => DataNode::get_balancer_bandwidth,
    "getDatanodeInfo" => DataNode::get_datanode_info,
    "getReconfigurationStatus" => administration::get_reconfiguration_status,
    "getReplicaVisibleLength" => DataNode::get_replica_visible_length,
    "getVolumeReport" => DataNode::get_volume_report,
    "listReconfigurableProperties" => administration::list_reconfigurable_properties,
    "refreshNamenodes" => administration::refresh_namenodes,
    "shutdownDatanode" => administration::shutdown_datanode,
    "startReconfiguration" => administration::start_reconfiguration,
    "triggerBlockReport" => DataNode::trigger_block_report,
};

impl RpcService for DataNode {
    fn call(&self, call: &Call<'_>, response: &mut Vec<u8>) -> Result<(), HdfsError> {
        match call.protocol {
            name if name == CLIENT_DATANODE_PROTOCOL.name() => {
                CLIENT_DATANODE_PROTOCOL.dispatch(self, call, response)
            }
            name if name == INTER_DATANODE_PROTOCOL.name() => {
                INTER_DATANODE_PROTOCOL.dispatch(self, call, response)
            }
            _ => Err(call.unknown_protocol()),
        }
    }
}

impl DataNode {
    fn get_replica_visible_length(
        &self,
        call: &Call<'_>,
        request: GetReplicaVisibleLengthRequestProto,
    ) -> Result<GetReplicaVisibleLengthResponseProto, HdfsError> {
        let wanted = request.block;
        self.check_read_access(call, &wanted)?;
        let length = self.replica_visible_length(Block {
            id: wanted.block_id,
            generation_stamp: wanted.generation_stamp,
            length: wanted.num_bytes(),
        })?;
        Ok(GetReplicaVisibleLengthResponseProto { length })
    }

    fn get_datanode_info(
        &self,
        call: &Call<'_>,
        _: GetDatanodeInfoRequestProto,
    ) -> Result<GetDatanodeInfoResponseProto, HdfsError> {
        let version = || concat!("kerbox-", env!("CARGO_PKG_VERSION")).to_owned();
        Ok(GetDatanodeInfoResponseProto {
            local_info: DatanodeLocalInfoProto {
                software_version: version(),
                config_version: version(),
                uptime: call.now.since(self.started_at()).as_secs(),
            },
        })
    }

    fn get_volume_report(
        &self,
        call: &Call<'_>,
        _: GetVolumeReportRequestProto,
    ) -> Result<GetVolumeReportResponseProto, HdfsError> {
        self.check_superuser_privilege(call)?;
        self.count_used();
        let report = self.heartbeat_report();
        let (folders, replicas) = (self.store.folders(), self.store.reports());
        let volumes = report.storages.iter().filter_map(|usage| {
            let storage = &usage.storage;
            let folder = folders.iter().find(|it| it.storage == *storage)?;
            let (_, replicas) = replicas.iter().find(|(of, _)| of == storage)?;
            Some(DatanodeVolumeInfoProto {
                path: folder.path.display().to_string(),
                storage_type: storage.kind.into(),
                used_space: usage.dfs_used,
                free_space: usage.remaining,
                reserved_space: 0,
                reserved_space_for_replicas: 0,
                num_blocks: replicas.len() as u64,
            })
        });
        Ok(GetVolumeReportResponseProto {
            volume_info: volumes.collect(),
        })
    }

    fn trigger_block_report(
        &self,
        call: &Call<'_>,
        _: TriggerBlockReportRequestProto,
    ) -> Result<TriggerBlockReportResponseProto, HdfsError> {
        self.check_superuser_privilege(call)?;
        // Changes of single replicas are reported immediately, so an incremental report would be
        // empty.
        self.report_all(call.now)?;
        Ok(TriggerBlockReportResponseProto {})
    }

    fn get_balancer_bandwidth(
        &self,
        _: &Call<'_>,
        _: GetBalancerBandwidthRequestProto,
    ) -> Result<GetBalancerBandwidthResponseProto, HdfsError> {
        Ok(GetBalancerBandwidthResponseProto {
            bandwidth: self.balancer_bandwidth.load(Ordering::Relaxed),
        })
    }

    /// Fails unless the caller is the superuser, which the DataNode runs as, or is in the superuser
    /// group (Hadoop's `DataNode.checkSuperuserPrivilege`).
    pub(super) fn check_superuser_privilege(&self, call: &Call<'_>) -> Result<(), HdfsError> {
        if self.superusers.include(&call.caller.user.short) {
            return Ok(());
        }
        Err(HdfsError::access_control("Permission denied."))
    }

    /// Checks that the caller may read this block. With block tokens, the caller must have
    /// authenticated with one that allows it.
    fn check_read_access(
        &self,
        call: &Call<'_>,
        block: &ExtendedBlockProto,
    ) -> Result<(), HdfsError> {
        let Some(secrets) = &self.secrets else {
            return Ok(());
        };
        let (AuthMethod::Token, Some(name)) = (call.caller.method, &call.caller.token) else {
            return Err(HdfsError::io(
                "Can't continue since none or more than one BlockTokenIdentifier is found.",
            ));
        };
        let access = BlockAccess {
            block_pool_id: &block.pool_id,
            block_id: block.block_id,
            generation_stamp: block.generation_stamp,
            mode: AccessMode::Read,
            storage_types: &[],
            storage_ids: &[],
        };
        let decode = |text: &str| base64::decode(text).map(Bytes::from).unwrap_or_default();
        // The handshake has verified that the caller knows the token's password.
        let token = Token {
            identifier: decode(name),
            password: decode(&secrets.sasl_password(call.now, name)?),
            kind: Token::BLOCK.to_owned(),
            service: String::new(),
        };
        secrets.check_access(call.now, &token, &access).map(|_| ())
    }
}

#[cfg(test)]
mod tests;
