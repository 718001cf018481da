//! A file that is being written.

use std::io;
use std::time::Duration;

use kerbox_krb5::Timestamp;
use tokio::time::sleep;

use super::FileClient;
use super::block_writer::BlockWriter;
use crate::HdfsError;
use crate::datanode::checksum::DataChecksum;
use crate::error::Class;
use crate::proto::hdfs::op_write_block_proto::BlockConstructionStage as Stage;
use crate::proto::hdfs::{
    AbandonBlockRequestProto, AddBlockRequestProto, AddBlockResponseProto, AppendRequestProto,
    AppendResponseProto, CompleteRequestProto, CompleteResponseProto, CreateFlagProto,
    CreateRequestProto, CreateResponseProto, DatanodeInfoProto, ExtendedBlockProto,
    HdfsFileStatusProto, LocatedBlockProto, RenewLeaseRequestProto,
    UpdateBlockForPipelineRequestProto, UpdateBlockForPipelineResponseProto,
    UpdatePipelineRequestProto,
};

/// `dfs.client.block.write.retries`
const SET_UP_TRIES: usize = 4;
/// `dfs.client.block.write.locateFollowingBlock.retries`, and the first pause in between.
const NAMENODE_TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(400);
/// Half of the lease's soft limit.
const RENEWAL: Duration = Duration::from_secs(30);
/// The data of a packet, about `dfs.client-write-packet-size`.
const PACKET: usize = 63 << 10;

/// A file under construction. It must be closed.
pub(crate) struct FileWriter {
    client: FileClient,
    path: String,
    file_id: Option<u64>,
    block_size: u64,
    checksum: DataChecksum,
    current: Option<BlockWriter>,
    /// The last block that was finished.
    previous: Option<ExtendedBlockProto>,
    /// The data of the next packet.
    buffer: Vec<u8>,
    renewed: Timestamp,
}

impl FileClient {
    /// Creates a file.
    pub(crate) async fn create(
        self,
        request: CreateRequestProto,
        checksum: DataChecksum,
    ) -> Result<FileWriter, HdfsError> {
        let path = request.src.clone();
        let request = CreateRequestProto {
            client_name: self.name.clone(),
            ..request
        };
        let answer: CreateResponseProto = self.call("create", &request).await?;
        Ok(self.writer(path, &answer.fs.unwrap_or_default(), checksum))
    }

    /// Opens a file to write at its end.
    pub(crate) async fn append(
        self,
        path: &str,
        checksum: DataChecksum,
    ) -> Result<FileWriter, HdfsError> {
        let request = AppendRequestProto {
            src: path.to_owned(),
            client_name: self.name.clone(),
            flag: Some(CreateFlagProto::Append as u32),
        };
        let answer: AppendResponseProto = self.call("append", &request).await?;
        let status = answer.stat.unwrap_or_default();
        let mut writer = self.writer(path.to_owned(), &status, checksum);
        if let Some(last) = answer.block {
            writer.current = Some(writer.reopen(last).await?);
        }
        Ok(writer)
    }

    fn writer(
        self,
        path: String,
        status: &HdfsFileStatusProto,
        checksum: DataChecksum,
    ) -> FileWriter {
        let renewed = self.node.clock.now();
        FileWriter {
            client: self,
            path,
            file_id: status.file_id,
            block_size: status.blocksize().max(1),
            checksum,
            current: None,
            previous: None,
            buffer: Vec::with_capacity(PACKET),
            renewed,
        }
    }
}

impl FileWriter {
    /// Writes bytes at the end of the file.
    pub(crate) async fn write(&mut self, mut data: &[u8]) -> Result<(), HdfsError> {
        self.renew_lease().await?;
        while !data.is_empty() {
            let room = self.room().await?.saturating_sub(self.buffer.len());
            let (now, rest) = data.split_at(room.min(data.len()));
            self.buffer.extend_from_slice(now);
            data = rest;
            if now.len() == room {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Keeps lease and pipeline alive while there is nothing to write.
    pub(crate) async fn beat(&mut self) -> Result<(), HdfsError> {
        self.renew_lease().await?;
        if let Some(block) = &mut self.current
            && let Err(failure) = block.beat().await
        {
            block.recover(&self.client, failure).await?;
        }
        Ok(())
    }

    /// Finishes the last block and closes the file.
    pub(crate) async fn close(mut self) -> Result<(), HdfsError> {
        self.flush().await?;
        self.finish_block().await?;
        let request = CompleteRequestProto {
            src: self.path.clone(),
            client_name: self.client.name.clone(),
            last: self.previous.clone(),
            file_id: self.file_id,
        };
        let mut pause = FIRST_PAUSE;
        for _ in 0..NAMENODE_TRIES {
            let answer: CompleteResponseProto = self.client.call("complete", &request).await?;
            if answer.result {
                return Ok(());
            }
            sleep(pause).await;
            pause *= 2;
        }
        Err(HdfsError::io(format!(
            "Unable to close file because the last block does not have enough number of replicas. {}",
            self.path
        )))
    }

    /// Returns the number of bytes that fit into the next packet. Begins a block if there is none.
    async fn room(&mut self) -> Result<usize, HdfsError> {
        if let Some(block) = &self.current
            && block.length() >= self.block_size
        {
            self.finish_block().await?;
        }
        if self.current.is_none() {
            self.current = Some(self.add_block().await?);
        }
        let length = self.current.as_ref().map_or(0, BlockWriter::length);
        let chunk = self.checksum.bytes_per_checksum();
        // After an append the first packet completes the chunk that the file ended in.
        let within_chunk = length % chunk;
        let packet = if within_chunk > 0 {
            chunk - within_chunk
        } else {
            (PACKET as u64 / chunk).max(1).saturating_mul(chunk)
        };
        let left = self.block_size.saturating_sub(length);
        // Both fit into a packet's 16 MiB.
        Ok(packet.min(left) as usize)
    }

    /// Sends the buffered bytes.
    async fn flush(&mut self) -> Result<(), HdfsError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Some(block) = &mut self.current
            && let Err(failure) = block.send(&self.buffer).await
        {
            block.recover(&self.client, failure).await?;
        }
        self.buffer.clear();
        Ok(())
    }

    async fn finish_block(&mut self) -> Result<(), HdfsError> {
        let Some(mut block) = self.current.take() else {
            return Ok(());
        };
        loop {
            match block.finish().await {
                Ok(finished) => {
                    self.previous = Some(finished);
                    return Ok(());
                }
                Err(failure) => block.recover(&self.client, failure).await?,
            }
        }
    }

    /// Gets a block from the NameNode and sets up its pipeline. DataNodes that fail are left out of
    /// the next attempt.
    async fn add_block(&mut self) -> Result<BlockWriter, HdfsError> {
        let mut excluded: Vec<DatanodeInfoProto> = Vec::new();
        for _ in 0..SET_UP_TRIES {
            let located = self.locate_following(&excluded).await?;
            let stamp = located.b.generation_stamp;
            let stage = Stage::PipelineSetupCreate;
            let wanted = located.clone();
            let opened = BlockWriter::open(&self.client, wanted, stage, stamp, self.checksum).await;
            let broken = match opened {
                Ok(block) => return Ok(block),
                Err(broken) => broken,
            };
            tracing::info!(path = %self.path, error = %broken.error, "a pipeline cannot be set up");
            let request = AbandonBlockRequestProto {
                b: located.b.clone(),
                src: self.path.clone(),
                holder: self.client.name.clone(),
                file_id: self.file_id,
            };
            self.client.call::<()>("abandonBlock", &request).await?;
            excluded.extend(located.locs.get(broken.node).cloned());
        }
        Err(HdfsError::io("Unable to create new block."))
    }

    /// Calls `addBlock` until the block before is replicated.
    async fn locate_following(
        &self,
        excluded: &[DatanodeInfoProto],
    ) -> Result<LocatedBlockProto, HdfsError> {
        let request = AddBlockRequestProto {
            src: self.path.clone(),
            client_name: self.client.name.clone(),
            previous: self.previous.clone(),
            exclude_nodes: excluded.to_vec(),
            file_id: self.file_id,
            ..AddBlockRequestProto::default()
        };
        let mut pause = FIRST_PAUSE;
        let mut tries = NAMENODE_TRIES;
        loop {
            let called = self.client.call("addBlock", &request).await;
            let called: Result<AddBlockResponseProto, HdfsError> = called;
            tries -= 1;
            match called {
                Ok(answer) => return Ok(answer.block),
                Err(error) if *error.kind() == Class::NotReplicatedYet && tries > 0 => {
                    sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sets up the pipeline of the file's last block again, under a new generation stamp.
    async fn reopen(&self, last: LocatedBlockProto) -> Result<BlockWriter, HdfsError> {
        let client_name = self.client.name.clone();
        let request = UpdateBlockForPipelineRequestProto {
            block: last.b.clone(),
            client_name: client_name.clone(),
        };
        let answer: UpdateBlockForPipelineResponseProto =
            self.client.call("updateBlockForPipeline", &request).await?;
        let stamp = answer.block.b.generation_stamp;
        let old = last.b.clone();
        let located = LocatedBlockProto {
            block_token: answer.block.block_token,
            ..last
        };
        let stage = Stage::PipelineSetupAppend;
        let wanted = located.clone();
        let opened = BlockWriter::open(&self.client, wanted, stage, stamp, self.checksum).await;
        let block = opened.map_err(|broken| failed(broken.error))?;
        let request = UpdatePipelineRequestProto {
            client_name,
            new_block: ExtendedBlockProto {
                generation_stamp: stamp,
                ..old.clone()
            },
            old_block: old,
            new_nodes: located.locs.iter().map(|node| node.id.clone()).collect(),
            storage_i_ds: located.storage_i_ds,
        };
        self.client.call::<()>("updatePipeline", &request).await?;
        Ok(block)
    }

    async fn renew_lease(&mut self) -> Result<(), HdfsError> {
        let now = self.client.node.clock.now();
        if now < self.renewed + RENEWAL {
            return Ok(());
        }
        self.renewed = now;
        let request = RenewLeaseRequestProto {
            client_name: self.client.name.clone(),
            namespaces: Vec::new(),
        };
        self.client.call("renewLease", &request).await
    }
}

/// Converts the failure of a pipeline.
pub(super) fn failed(error: io::Error) -> HdfsError {
    match error.downcast::<HdfsError>() {
        Ok(error) => error,
        Err(error) => HdfsError::io(error.to_string()),
    }
}
