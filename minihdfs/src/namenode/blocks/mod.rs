//! Blocks, their replicas, and the DataNodes that have them. Nothing here needs to survive a
//! restart except what the files' blocks are: where replicas are comes from reports.
//!
//! - `manager`: all blocks, and what reports change; `info`: one block
//! - `redundancy`: copies of missing replicas, and deletion of surplus ones
//! - `recovery`: orders to recover a block whose writer has disappeared
//! - `admin`, `admin_state`: DataNodes that leave service
//! - `standing`: the replicas of a block by the state of their DataNodes
//! - `startup`, `safe_blocks`: what was reported since the start
//! - `datanodes`: the registered DataNodes; `placement`: the choice of DataNodes for a block
//! - `storages`: the storages of a DataNode with their replicas; `id_set`: compact sets of ids

mod admin;
mod admin_state;
mod datanodes;
mod id_set;
mod info;
mod manager;
mod placement;
mod recovery;
mod redundancy;
mod safe_blocks;
#[cfg(feature = "web")]
mod standing;
mod startup;
mod storages;

pub(crate) use admin::Changed;
pub(crate) use admin_state::AdminState;
pub(crate) use datanodes::{Datanode, DatanodeIndex};
pub(crate) use info::{BlockInfo, BlockState, Cut};
pub(crate) use manager::BlockManager;
pub(crate) use placement::Placement;
pub(crate) use recovery::RECOVERY_LIMIT;
#[cfg(feature = "web")]
pub(crate) use standing::ReplicaCounts;
