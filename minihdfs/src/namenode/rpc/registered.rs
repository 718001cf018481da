//! Who calls: a DataNode with its registration.

use std::fmt;

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::proto::hdfs::datanode::DatanodeRegistrationProto;
use crate::protocol::wire::registration::registration;
use crate::protocol::{DatanodeRegistration, StorageInfo};
use crate::rpc::Call;

/// The oldest version of DataNodes that may register
/// (`dfs.namenode.min.supported.datanode.version`).
const OLDEST: (&str, [u32; 3]) = ("2.1.0-beta", [2, 1, 0]);

/// Returns the DataNode that calls. It has the address from which it calls.
pub(super) fn caller(
    call: &Call<'_>,
    registered: &DatanodeRegistrationProto,
) -> Result<DatanodeRegistration, HdfsError> {
    registration(&registered.datanode_id, call.caller.address)
}

/// Fails if a DataNode is of another namespace (`NameNodeRpcServer.verifyRequest`).
pub(super) fn verify_request(
    namenode: &NameNode,
    registered: &DatanodeRegistrationProto,
) -> Result<(), HdfsError> {
    let storage = StorageInfo::from(&registered.storage_info);
    if storage.registration_id() == namenode.storage_info().registration_id() {
        return Ok(());
    }
    Err(HdfsError::unregistered_node(format!(
        "Unregistered server: {}",
        Shown(registered)
    )))
}

/// Fails if a DataNode is too old (`NameNodeRpcServer.verifySoftwareVersion`).
pub(super) fn verify_software_version(
    registered: &DatanodeRegistrationProto,
) -> Result<(), HdfsError> {
    let version = &registered.software_version;
    let (oldest, numbers) = OLDEST;
    if numbers_of(version) >= numbers {
        return Ok(());
    }
    Err(HdfsError::new(
        "org.apache.hadoop.hdfs.server.common.IncorrectVersionException",
        format!(
            "The reported DataNode version is too low to communicate with this NameNode. \
             DataNode version: '{}' Minimum DataNode version: '{oldest}'",
            kerbox_events::cut(version)
        ),
    ))
}

/// Returns the first three numbers of a version; those that are missing are 0.
fn numbers_of(version: &str) -> [u32; 3] {
    let mut numbers = version
        .split(['.', '-'])
        .map(|number| number.parse().unwrap_or(0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

/// A registration as Hadoop formats it.
struct Shown<'a>(&'a DatanodeRegistrationProto);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.0.datanode_id;
        write!(
            f,
            "DatanodeRegistration({}:{}, datanodeUuid={}, infoPort={}, infoSecurePort={}, \
             ipcPort={}, storageInfo={})",
            kerbox_events::cut(&id.ip_addr),
            id.xfer_port,
            kerbox_events::cut(&id.datanode_uuid),
            id.info_port,
            id.info_secure_port(),
            id.ipc_port,
            StorageInfo::from(&self.0.storage_info)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (version, newer) in [
            ("3.4.3", true),
            ("2.1.0-beta", true),
            ("10.0", true),
            ("2.0.5-alpha", false),
            ("1.2.1", false),
            ("", false),
        ] {
            assert_eq!(numbers_of(version) >= OLDEST.1, newer, "{version}");
        }
    }
}
