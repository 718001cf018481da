//! Blocks and the states of their replicas.

use crate::HdfsError;
use crate::proto::hdfs::{BlockProto, ExtendedBlockProto, ReplicaStateProto};
use crate::protocol::{Block, ReplicaState};

impl From<Block> for BlockProto {
    fn from(block: Block) -> Self {
        Self {
            block_id: block.id,
            gen_stamp: block.generation_stamp,
            num_bytes: Some(block.length),
        }
    }
}

impl From<&BlockProto> for Block {
    fn from(block: &BlockProto) -> Self {
        Self {
            id: block.block_id,
            generation_stamp: block.gen_stamp,
            length: block.num_bytes(),
        }
    }
}

impl From<&ExtendedBlockProto> for Block {
    fn from(block: &ExtendedBlockProto) -> Self {
        Self {
            id: block.block_id,
            generation_stamp: block.generation_stamp,
            length: block.num_bytes(),
        }
    }
}

/// Returns a block with the name of its pool.
pub(crate) fn extended(block: Block, pool: &str) -> ExtendedBlockProto {
    ExtendedBlockProto {
        pool_id: pool.to_owned(),
        block_id: block.id,
        generation_stamp: block.generation_stamp,
        num_bytes: Some(block.length),
    }
}

impl From<ReplicaState> for ReplicaStateProto {
    fn from(state: ReplicaState) -> Self {
        match state {
            ReplicaState::Finalized => Self::Finalized,
            ReplicaState::Rbw => Self::Rbw,
            ReplicaState::Rwr => Self::Rwr,
            ReplicaState::Rur => Self::Rur,
            ReplicaState::Temporary => Self::Temporary,
        }
    }
}

/// Reads the state of a replica.
///
/// # Errors
/// Fails if there is no such state.
pub(crate) fn replica_state(number: u64) -> Result<ReplicaState, HdfsError> {
    Ok(match number {
        0 => ReplicaState::Finalized,
        1 => ReplicaState::Rbw,
        2 => ReplicaState::Rwr,
        3 => ReplicaState::Rur,
        4 => ReplicaState::Temporary,
        _ => {
            return Err(HdfsError::io(format!(
                "There is no replica state {number}: they are 0 to 4"
            )));
        }
    })
}
