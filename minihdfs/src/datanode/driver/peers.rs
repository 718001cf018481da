//! DataNodes that are not in this process.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::RemoteAccess;
use super::calls::{CallThread, Calls};
use crate::HdfsError;
use crate::datanode::local_peers::LocalPeers;
use crate::proto::hdfs::{
    InitReplicaRecoveryRequestProto, InitReplicaRecoveryResponseProto,
    UpdateReplicaUnderRecoveryRequestProto, UpdateReplicaUnderRecoveryResponseProto,
};
use crate::protocol::wire::blocks::{extended, replica_state};
use crate::protocol::wire::commands::recovering;
use crate::protocol::{
    Block, DatanodePeers, DatanodeRegistration, InterDatanodeProtocol, RecoveringBlock,
    ReportedReplica,
};

const PROTOCOL: &str = "org.apache.hadoop.hdfs.server.protocol.InterDatanodeProtocol";

/// The DataNodes of this process, and all others by Hadoop RPC.
pub struct RemotePeers {
    local: Arc<LocalPeers>,
    access: RemoteAccess,
    thread: Arc<CallThread>,
    pool: Arc<str>,
    rng: Mutex<StdRng>,
}

impl RemotePeers {
    /// Creates a way to the DataNodes of a block pool.
    #[must_use]
    pub fn new(
        local: Arc<LocalPeers>,
        access: RemoteAccess,
        thread: Arc<CallThread>,
        pool: Arc<str>,
        rng: &mut impl Rng,
    ) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self {
            local,
            access,
            thread,
            pool,
            rng: Mutex::new(StdRng::from_seed(seed)),
        }
    }
}

impl DatanodePeers for RemotePeers {
    fn connect(
        &self,
        datanode: &DatanodeRegistration,
    ) -> Result<Arc<dyn InterDatanodeProtocol>, HdfsError> {
        if let Ok(local) = self.local.connect(datanode) {
            return Ok(local);
        }
        let address = SocketAddr::new(datanode.ip, datanode.ipc_port);
        let principal = self.access.datanode.as_ref();
        // A generator is still usable after a panic.
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = Calls::new(
            &self.access,
            &self.thread,
            address,
            PROTOCOL,
            principal,
            &mut *rng,
        );
        Ok(Arc::new(RemotePeer {
            calls,
            datanode: datanode.clone(),
            pool: Arc::clone(&self.pool),
        }))
    }

    fn number(&self, uuid: &str) -> Option<usize> {
        self.local.number(uuid)
    }

    /// Runs a recovery by another thread, unless all its DataNodes are of this process.
    fn run(&self, recovery: &RecoveringBlock, task: Box<dyn FnOnce() + Send>) {
        let here = |datanode: &DatanodeRegistration| self.local.connect(datanode).is_ok();
        if recovery.locations.iter().all(here) {
            return task();
        }
        match self.thread.runtime() {
            Ok(runtime) => drop(runtime.spawn_blocking(task)),
            Err(error) => tracing::warn!(%error, "a block recovery cannot be started"),
        }
    }
}

/// A DataNode that is called by Hadoop RPC.
struct RemotePeer {
    calls: Calls,
    datanode: DatanodeRegistration,
    pool: Arc<str>,
}

impl InterDatanodeProtocol for RemotePeer {
    fn init_replica_recovery(
        &self,
        block: Block,
        recovery_id: u64,
    ) -> Result<Option<ReportedReplica>, HdfsError> {
        let recovery = RecoveringBlock {
            block,
            recovery_id,
            truncate_to: None,
            copy_to: None,
            locations: vec![self.datanode.clone()],
        };
        let request = InitReplicaRecoveryRequestProto {
            block: recovering(&recovery, &self.pool),
        };
        let found: InitReplicaRecoveryResponseProto =
            self.calls.call("initReplicaRecovery", &request)?;
        let Some(block) = found.block.as_ref().filter(|_| found.replica_found) else {
            return Ok(None);
        };
        Ok(Some(ReportedReplica {
            block: block.into(),
            state: replica_state(found.state.unwrap_or_default().unsigned_abs().into())?,
        }))
    }

    fn update_replica_under_recovery(
        &self,
        block: Block,
        recovery_id: u64,
        new_block_id: u64,
        new_length: u64,
    ) -> Result<Arc<str>, HdfsError> {
        let request = UpdateReplicaUnderRecoveryRequestProto {
            block: extended(block, &self.pool),
            recovery_id,
            new_length,
            new_block_id: Some(new_block_id),
        };
        let updated: UpdateReplicaUnderRecoveryResponseProto =
            self.calls.call("updateReplicaUnderRecovery", &request)?;
        Ok(updated.storage_uuid.unwrap_or_default().into())
    }
}
