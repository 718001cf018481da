//! Writing on without a DataNode of the pipeline that has failed (Hadoop's
//! `DataStreamer.processDatanodeOrExternalError`).
//!
//! The DataNodes that are left go on under a new generation stamp, and get again what not all of
//! them have acknowledged. No other DataNode takes the place of the failed one: the NameNode has
//! the missing replica made once the block is complete.

use super::FileClient;
use super::block_writer::{BlockWriter, PipelineFailed, Received, set_up};
use super::writer::failed;
use crate::HdfsError;
use crate::proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use crate::proto::hdfs::{
    ExtendedBlockProto, LocatedBlockProto, UpdateBlockForPipelineRequestProto,
    UpdateBlockForPipelineResponseProto, UpdatePipelineRequestProto,
};

/// The number of recoveries after which a packet is given up
/// (`dfs.client.pipeline.recovery.max-retries`).
const RECOVERIES: usize = 5;

impl BlockWriter {
    /// Sets up the pipeline without the DataNode that failed, and sends again what was not
    /// acknowledged.
    pub(super) async fn recover(
        &mut self,
        client: &FileClient,
        mut failure: PipelineFailed,
    ) -> Result<(), HdfsError> {
        for _ in 0..RECOVERIES {
            tracing::info!(
                block = self.block.block_id, node = failure.node, error = %failure.error,
                "a pipeline goes on without a DataNode"
            );
            self.leave_out(&failure)?;
            match self.go_on(client).await? {
                Ok(()) => return Ok(()),
                Err(next) => failure = next,
            }
        }
        Err(failed(failure.error))
    }

    /// Removes the DataNode that failed. Fails if it was the last one.
    fn leave_out(&mut self, failure: &PipelineFailed) -> Result<(), HdfsError> {
        let LocatedBlockProto {
            locs,
            storage_i_ds,
            storage_types,
            ..
        } = &mut self.located;
        let node = failure.node;
        if node < locs.len() {
            locs.remove(node);
        }
        if node < storage_i_ds.len() {
            storage_i_ds.remove(node);
        }
        if node < storage_types.len() {
            storage_types.remove(node);
        }
        if locs.is_empty() {
            return Err(HdfsError::io(format!(
                "All datanodes of blk_{} are bad. Aborting... {}",
                self.block.block_id, failure.error
            )));
        }
        Ok(())
    }

    /// Sets up the pipeline of the DataNodes that are left.
    async fn go_on(
        &mut self,
        client: &FileClient,
    ) -> Result<Result<(), PipelineFailed>, HdfsError> {
        let acknowledged = self.acknowledged();
        let old = ExtendedBlockProto {
            num_bytes: Some(acknowledged),
            ..self.block.clone()
        };
        let request = UpdateBlockForPipelineRequestProto {
            block: old.clone(),
            client_name: client.name.clone(),
        };
        let answer: UpdateBlockForPipelineResponseProto =
            client.call("updateBlockForPipeline", &request).await?;
        let stamp = answer.block.b.generation_stamp;
        self.located.block_token = answer.block.block_token;
        self.located.b = old.clone();
        let stage = if self.is_closing {
            Stage::PipelineCloseRecovery
        } else {
            Stage::PipelineSetupStreamingRecovery
        };
        let received = Received {
            least: acknowledged,
            most: self.offset,
        };
        let set_up = set_up(client, &self.located, stage, stamp, received, self.checksum);
        let connection = match set_up.await {
            Ok(connection) => connection,
            Err(failure) => return Ok(Err(failure)),
        };
        self.update(client, old, stamp).await?;
        if self.is_closing {
            // The DataNodes had all data, and have closed their replicas.
            self.is_finished = true;
            return Ok(Ok(()));
        }
        Ok(self.send_again(connection).await.map_err(Into::into))
    }

    /// Reports the DataNodes that have the block under its new generation stamp.
    async fn update(
        &mut self,
        client: &FileClient,
        old: ExtendedBlockProto,
        stamp: u64,
    ) -> Result<(), HdfsError> {
        self.block.generation_stamp = stamp;
        let nodes = self.located.locs.iter();
        let request = UpdatePipelineRequestProto {
            client_name: client.name.clone(),
            new_block: ExtendedBlockProto {
                generation_stamp: stamp,
                ..old.clone()
            },
            old_block: old,
            new_nodes: nodes.map(|node| node.id.clone()).collect(),
            storage_i_ds: self.located.storage_i_ds.clone(),
        };
        client.call::<()>("updatePipeline", &request).await
    }
}
