//! The identities of namespaces and DataNodes.

use std::net::IpAddr;

use crate::HdfsError;
use crate::proto::hdfs::nnha_status_heartbeat_proto::State;
use crate::proto::hdfs::{DatanodeIdProto, NamespaceInfoProto, StorageInfoProto};
use crate::protocol::{DatanodeRegistration, NamespaceInfo, StorageInfo};

/// The version of Hadoop whose protocols these are. DataNodes and NameNodes refuse each other if
/// the other's is too low.
pub(crate) const SOFTWARE_VERSION: &str = "3.4.3";
/// The capability of reading block reports in buffers (`STORAGE_BLOCK_REPORT_BUFFERS`).
const REPORT_BUFFERS: u64 = 1;
/// The maximum length of a name that a DataNode gives itself: of its host, its uuid, its storages.
pub(crate) const MAX_NAME: usize = 255;

impl From<&StorageInfo> for StorageInfoProto {
    fn from(info: &StorageInfo) -> Self {
        Self {
            layout_version: info.layout_version.cast_unsigned(),
            namespce_id: info.namespace_id,
            cluster_id: info.cluster_id.to_string(),
            c_time: info.c_time.cast_unsigned(),
        }
    }
}

impl From<&StorageInfoProto> for StorageInfo {
    fn from(info: &StorageInfoProto) -> Self {
        Self {
            layout_version: info.layout_version.cast_signed(),
            namespace_id: info.namespce_id,
            cluster_id: info.cluster_id.as_str().into(),
            c_time: info.c_time.cast_signed(),
        }
    }
}

impl From<&NamespaceInfo> for NamespaceInfoProto {
    fn from(info: &NamespaceInfo) -> Self {
        Self {
            build_version: concat!("kerbox-", env!("CARGO_PKG_VERSION")).to_owned(),
            unused: 0,
            block_pool_id: info.block_pool_id.to_string(),
            storage_info: (&info.storage).into(),
            software_version: SOFTWARE_VERSION.to_owned(),
            capabilities: Some(REPORT_BUFFERS),
            state: Some(State::Active.into()),
        }
    }
}

impl From<&NamespaceInfoProto> for NamespaceInfo {
    fn from(info: &NamespaceInfoProto) -> Self {
        Self {
            block_pool_id: info.block_pool_id.as_str().into(),
            storage: (&info.storage_info).into(),
        }
    }
}

impl From<&DatanodeRegistration> for DatanodeIdProto {
    fn from(node: &DatanodeRegistration) -> Self {
        Self {
            ip_addr: node.ip.to_string(),
            host_name: node.host_name.to_string(),
            datanode_uuid: node.uuid.to_string(),
            xfer_port: node.transfer_port.into(),
            info_port: node.info_port.into(),
            ipc_port: node.ipc_port.into(),
            info_secure_port: (node.info_secure_port > 0).then(|| node.info_secure_port.into()),
        }
    }
}

/// Reads a DataNode's identity. It has the address `ip`, whatever it says itself.
///
/// # Errors
/// Fails if a name is too long, or a port is no port.
pub(crate) fn registration(
    id: &DatanodeIdProto,
    ip: IpAddr,
) -> Result<DatanodeRegistration, HdfsError> {
    let port = |name: &str, port: u32| {
        u16::try_from(port).map_err(|_| {
            HdfsError::illegal_argument(format!("{name} {port} of a DataNode is not a port"))
        })
    };
    Ok(DatanodeRegistration {
        uuid: name("datanodeUuid", &id.datanode_uuid)?.into(),
        ip,
        host_name: name("hostName", &id.host_name)?.into(),
        transfer_port: port("xferPort", id.xfer_port)?,
        ipc_port: port("ipcPort", id.ipc_port)?,
        info_port: port("infoPort", id.info_port)?,
        info_secure_port: port("infoSecurePort", id.info_secure_port())?,
    })
}

/// Reads the identity of a DataNode that another server names, with its address.
///
/// # Errors
/// Fails if the address is none, too.
pub(crate) fn located(id: &DatanodeIdProto) -> Result<DatanodeRegistration, HdfsError> {
    let ip = id.ip_addr.parse().map_err(|_| {
        let ip = kerbox_events::cut(&id.ip_addr);
        HdfsError::illegal_argument(format!("ipAddr {ip} of a DataNode is not an address"))
    })?;
    registration(id, ip)
}

/// Checks the length of a name.
pub(crate) fn name<'a>(what: &str, name: &'a str) -> Result<&'a str, HdfsError> {
    if name.len() <= MAX_NAME {
        return Ok(name);
    }
    Err(HdfsError::illegal_argument(format!(
        "{what} {} of a DataNode has {} bytes, more than {MAX_NAME}",
        kerbox_events::cut(name),
        name.len()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datanode_has_the_address_from_which_it_calls() {
        let id = DatanodeIdProto {
            ip_addr: "10.1.1.1".to_owned(),
            host_name: "localhost".to_owned(),
            datanode_uuid: "u".to_owned(),
            xfer_port: 9866,
            info_port: 9864,
            ipc_port: 9867,
            info_secure_port: Some(9865),
        };
        let node = registration(&id, [127, 0, 0, 1].into()).expect("valid");
        assert_eq!(node.transfer_address().to_string(), "127.0.0.1:9866");
        assert_eq!(DatanodeIdProto::from(&node).ip_addr, "127.0.0.1");
        assert_eq!(DatanodeIdProto::from(&node).info_secure_port, Some(9865));
        assert_eq!(located(&id).expect("valid").ip.to_string(), "10.1.1.1");
        let refused = |change: fn(&mut DatanodeIdProto)| {
            let mut id = id.clone();
            change(&mut id);
            located(&id).expect_err("refused").message().to_owned()
        };
        assert_eq!(
            refused(|id| id.xfer_port = 65_536),
            "xferPort 65536 of a DataNode is not a port"
        );
        assert!(refused(|id| id.host_name = "h".repeat(256)).ends_with("256 bytes, more than 255"));
        assert!(refused(|id| id.ip_addr = "host".to_owned()).contains("not an address"));
    }
}
