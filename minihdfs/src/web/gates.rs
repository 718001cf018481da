//! The DataNodes beside a NameNode, which move data for it.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::datanode::DataNodeWeb;
use super::request::Query;
use super::servlets::Saver;
use crate::HdfsError;
use crate::datanode::files::{FileClient, FileWriter, Files, salvage};
use crate::namenode::Remains;
use crate::rpc::client::Identity;

/// The HTTP ports of the DataNodes in this process, of which the NameNode borrows one to move
/// data.
///
/// ```
/// use minihdfs::web::DataGates;
///
/// let gates = DataGates::default();
/// // A DataNode's start: gates.add(&web);
/// ```
#[derive(Default)]
pub struct DataGates(Mutex<Vec<Weak<DataNodeWeb>>>);

impl DataGates {
    /// Adds the port of a DataNode that has started. It is left out again once it has gone.
    pub fn add(&self, port: &Arc<DataNodeWeb>) {
        let mut ports = self.ports();
        ports.retain(|port| port.strong_count() > 0);
        ports.push(Arc::downgrade(port));
    }

    /// Returns the port that was there first.
    pub(super) fn any(&self) -> Result<Arc<DataNodeWeb>, HdfsError> {
        let ports = self.ports();
        let first = ports.iter().find_map(Weak::upgrade);
        first
            .ok_or_else(|| HdfsError::io("No DataNode runs in this process, which could move data"))
    }

    fn ports(&self) -> MutexGuard<'_, Vec<Weak<DataNodeWeb>>> {
        // Entries are added in a single step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DataGates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataGates")
    }
}

impl Saver for DataGates {
    fn save(
        &self,
        user: Identity,
        remains: Remains,
    ) -> Pin<Box<dyn Future<Output = Result<(), HdfsError>> + Send>> {
        let port = self.any();
        Box::pin(async move {
            let files = UserFiles {
                port: port?,
                identity: user,
            };
            let Remains {
                path,
                target,
                blocks,
            } = remains;
            salvage(&files, &path, &target, blocks).await
        })
    }
}

/// One user's files, by way of a DataNode.
struct UserFiles {
    port: Arc<DataNodeWeb>,
    identity: Identity,
}

impl Files for UserFiles {
    fn client(&self) -> FileClient {
        self.port.client(self.identity.clone())
    }

    async fn create(&self, path: &str) -> Result<FileWriter, HdfsError> {
        let request = self.port.creation(path, &Query::default())?;
        self.client().create(request, self.port.checksum).await
    }
}
