//! The lists of DataNodes that may register and that are to leave service (`dfs.hosts`,
//! `dfs.hosts.exclude`; Hadoop's `HostConfigManager`).

use std::net::IpAddr;

use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::protocol::DatanodeRegistration;

/// An entry of a list: the DataNodes at an address, or the one with this port for data transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostEntry {
    /// The address.
    pub ip: IpAddr,
    /// The port; `None` for all DataNodes at the address.
    pub port: Option<u16>,
}

impl HostEntry {
    fn matches(&self, node: &DatanodeRegistration) -> bool {
        self.ip == node.ip && self.port.is_none_or(|port| port == node.transfer_port)
    }
}

/// The lists. Empty ones let every DataNode serve.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostLists {
    /// The DataNodes that may register; all if it is empty.
    pub included: Vec<HostEntry>,
    /// The DataNodes to decommission.
    pub excluded: Vec<HostEntry>,
    /// The DataNodes in maintenance, with the end of it, if there is one.
    pub maintenance: Vec<(HostEntry, Option<Timestamp>)>,
}

/// The entry of the lists for a DataNode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Listed {
    /// It serves.
    InService,
    /// It has to be decommissioned.
    Excluded,
    /// It is in maintenance until then.
    Maintenance(Option<Timestamp>),
    /// It may not register.
    Disallowed,
}

impl HostLists {
    pub(crate) fn of(&self, now: Timestamp, node: &DatanodeRegistration) -> Listed {
        let matches = |entry: &HostEntry| entry.matches(node);
        if !self.included.is_empty() && !self.included.iter().any(matches) {
            return Listed::Disallowed;
        }
        let mut maintenance = self.maintenance.iter();
        if let Some((_, until)) = maintenance.find(|(entry, _)| matches(entry))
            && until.is_none_or(|until| until > now)
        {
            return Listed::Maintenance(*until);
        }
        if self.excluded.iter().any(matches) {
            Listed::Excluded
        } else {
            Listed::InService
        }
    }
}

/// The files from which `refreshNodes` reads the lists.
///
/// ```
/// use minihdfs::HdfsError;
/// use minihdfs::namenode::{HostEntry, HostFiles, HostLists};
///
/// /// Decommissions the DataNode at a port of this machine.
/// struct Leaving(u16);
///
/// impl HostFiles for Leaving {
///     fn read(&self) -> Result<HostLists, HdfsError> {
///         let entry = HostEntry { ip: [127, 0, 0, 1].into(), port: Some(self.0) };
///         Ok(HostLists { excluded: vec![entry], ..HostLists::default() })
///     }
/// }
/// assert_eq!(Leaving(9866).read()?.excluded.len(), 1);
/// # Ok::<(), HdfsError>(())
/// ```
pub trait HostFiles: Send + Sync {
    /// Reads the lists.
    ///
    /// # Errors
    /// Fails if a file cannot be read.
    fn read(&self) -> Result<HostLists, HdfsError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_asked_in_hadoops_order() {
        let now = Timestamp::from_secs(1_700_000_000);
        let node = |port| DatanodeRegistration {
            uuid: "dn".into(),
            ip: [127, 0, 0, 1].into(),
            host_name: "localhost".into(),
            transfer_port: port,
            ipc_port: 0,
            info_port: 0,
            info_secure_port: 0,
        };
        let entry = |port| HostEntry {
            ip: [127, 0, 0, 1].into(),
            port,
        };
        let mut lists = HostLists::default();
        assert_eq!(lists.of(now, &node(1)), Listed::InService);
        lists.excluded.push(entry(Some(1)));
        assert_eq!(lists.of(now, &node(1)), Listed::Excluded);
        assert_eq!(lists.of(now, &node(2)), Listed::InService);
        lists.maintenance.push((entry(None), Some(now)));
        assert_eq!(lists.of(now, &node(1)), Listed::Excluded, "it is over");
        lists.maintenance[0].1 = None;
        assert_eq!(lists.of(now, &node(1)), Listed::Maintenance(None));
        lists.included.push(entry(Some(2)));
        assert_eq!(lists.of(now, &node(1)), Listed::Disallowed);
        assert_eq!(lists.of(now, &node(2)), Listed::Maintenance(None));
    }
}
