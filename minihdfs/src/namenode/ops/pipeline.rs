//! Pipeline recovery: replacement DataNodes and new generation stamps.

use super::blocks::{each_once, known, length_of, name};
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::blocks::{BlockState, Placement};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::inode::InodeId;
use crate::proto::hdfs::{
    ExtendedBlockProto, GetAdditionalDatanodeRequestProto, GetAdditionalDatanodeResponseProto,
    ReportBadBlocksRequestProto, ReportBadBlocksResponseProto, UpdateBlockForPipelineRequestProto,
    UpdateBlockForPipelineResponseProto, UpdatePipelineRequestProto, UpdatePipelineResponseProto,
};
use crate::rpc::Call;
use crate::token::AccessMode;

impl NameNode {
    /// Chooses additional DataNodes for a pipeline that has lost some.
    pub(crate) fn get_additional_datanode(
        &self,
        call: &Call<'_>,
        request: GetAdditionalDatanodeRequestProto,
    ) -> Result<GetAdditionalDatanodeResponseProto, HdfsError> {
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!(
            "add datanode; src={}, blk={}",
            request.src, request.blk.block_id
        ))?;
        let (file_id, holder) = (request.file_id(), &request.client_name);
        let id = ns.check_lease(&checker, &request.src, file_id, holder)?;
        self.check_pool(Some(&request.blk))?;
        let block_size = ns
            .namespace()
            .inode(id)
            .as_file()
            .map_or(0, |file| file.block_size);
        let existing = known(&ns, &request.existings);
        let mut excluded = known(&ns, &request.excludes);
        excluded.extend_from_slice(&existing);
        let kinds = ns.kinds_for(id, existing.len(), 1);
        let placement = Placement {
            count: request.num_additional_nodes as usize,
            existing: &existing,
            excluded: &excluded,
            favored: &[],
            writer: None,
            block_size,
            kinds: &kinds,
        };
        let chosen = ns.blocks.choose(call.now, &placement);
        let locations = [existing, chosen].concat();
        let info = self.under_construction(&ns, &request.blk, &request.client_name)?;
        let info = ns.blocks.block(info);
        let grant = Some((&*call.caller.user.short, AccessMode::Copy));
        let mut block = self.located_block(call.now, &ns, info, 0, &locations, grant);
        block.b = request.blk;
        Ok(GetAdditionalDatanodeResponseProto { block })
    }

    /// Returns a new generation stamp and a token to continue writing. The block keeps its stamp
    /// until the pipeline is updated.
    pub(crate) fn update_block_for_pipeline(
        &self,
        call: &Call<'_>,
        request: UpdateBlockForPipelineRequestProto,
    ) -> Result<UpdateBlockForPipelineResponseProto, HdfsError> {
        let mut ns = self.lock_to_write(format_args!(
            "get a new generation stamp and an access token for block {}",
            name(&request.block)
        ))?;
        let id = self.under_construction(&ns, &request.block, &request.client_name)?;
        ns.renew_lease(call.now, &request.client_name);
        let generation_stamp = ns.next_generation_stamp()?;
        let info = ns.blocks.block(id);
        let grant = Some((&*call.caller.user.short, AccessMode::Write));
        // No locations: a token without storages is also valid on a DataNode that replaces a dead
        // one.
        let mut block = self.located_block(call.now, &ns, info, 0, &[], grant);
        block.b = ExtendedBlockProto {
            generation_stamp,
            ..request.block
        };
        Ok(UpdateBlockForPipelineResponseProto { block })
    }

    /// Sets the block's new generation stamp and DataNodes.
    pub(crate) fn update_pipeline(
        &self,
        call: &Call<'_>,
        request: UpdatePipelineRequestProto,
    ) -> Result<UpdatePipelineResponseProto, HdfsError> {
        let (old, new) = (&request.old_block, &request.new_block);
        let mut ns =
            self.lock_to_write(format_args!("update pipeline of block {}", old.block_id))?;
        if old.block_id != new.block_id {
            return Err(HdfsError::io(format!(
                "Update blk_{}_{} but the new block blk_{} is another block",
                old.block_id, old.generation_stamp, new.block_id
            )));
        }
        let id = self.under_construction(&ns, old, &request.client_name)?;
        self.check_pool(Some(new))?;
        let length = length_of(new)?;
        check_newer(&ns, id, &request, length)?;
        let file = ns.blocks.block(id).file;
        let mut blocks = ns.current_blocks(file);
        for block in &mut blocks {
            if block.id == id {
                block.generation_stamp = new.generation_stamp;
                block.length = length;
            }
        }
        ns.update_blocks(file, blocks, call.caller.into())?;
        // Hadoop looks at the storages when the block has its new stamp.
        check_storages(&ns, id, &request)?;
        let uuids = request.new_nodes.iter().map(|node| &*node.datanode_uuid);
        let targets = each_once(&ns, uuids);
        ns.blocks.block_mut(id).set_targets(targets);
        Ok(UpdatePipelineResponseProto {})
    }

    /// Returns a block that this client is writing (`FSNamesystem.checkUCBlock`).
    fn under_construction(
        &self,
        ns: &Namesystem,
        block: &ExtendedBlockProto,
        holder: &str,
    ) -> Result<u64, HdfsError> {
        let Some(info) = ns.blocks.get(block.block_id) else {
            return Err(HdfsError::io(format!("{} does not exist.", name(block))));
        };
        let settled = match info.state() {
            BlockState::Complete => Some("COMPLETE"),
            BlockState::Committed => Some("COMMITTED"),
            BlockState::UnderConstruction | BlockState::UnderRecovery(_) => None,
        };
        if let Some(settled) = settled {
            return Err(HdfsError::io(format!(
                "Unexpected BlockUCState: {} is {settled} but not UNDER_CONSTRUCTION",
                name(block)
            )));
        }
        if let BlockState::UnderRecovery(recovery) = info.state() {
            return Err(HdfsError::io(format!(
                "{} is under recovery with the generation stamp {}: its writer's lease is gone",
                info.block(),
                recovery.id
            )));
        }
        let file: InodeId = info.file;
        let writer = ns
            .namespace()
            .get(file)
            .and_then(|inode| inode.as_file()?.writer.as_ref());
        match writer {
            Some(writer) if &*writer.holder == holder => Ok(info.block().id),
            Some(_) => Err(HdfsError::lease_expired(format!(
                "Lease mismatch: {} is accessed by a non lease holder {holder}",
                name(block)
            ))),
            None => Err(HdfsError::io(format!(
                "The file {} belonged to does not exist or it is not under construction.",
                info.block()
            ))),
        }
    }

    /// Records replicas that a reader found not to match their checksums.
    pub(crate) fn report_bad_blocks(
        &self,
        call: &Call<'_>,
        request: ReportBadBlocksRequestProto,
    ) -> Result<ReportBadBlocksResponseProto, HdfsError> {
        let mut ns = self.lock();
        for block in &request.blocks {
            for index in known(&ns, &block.locs) {
                ns.blocks.mark_corrupt(call.now, index, block.b.block_id);
            }
        }
        Ok(ReportBadBlocksResponseProto {})
    }
}

/// Fails if a request does not name one storage for each DataNode.
fn check_storages(
    ns: &Namesystem,
    block: u64,
    request: &UpdatePipelineRequestProto,
) -> Result<(), HdfsError> {
    let (nodes, storages) = (request.new_nodes.len(), request.storage_i_ds.len());
    if nodes == storages {
        return Ok(());
    }
    let why = if storages == 0 {
        "Missing storageIDs: It is likely that the HDFS client, who made this call, is running in an older version of Hadoop(pre-2.0.0-alpha)  which does not support storageIDs.".to_owned()
    } else {
        format!("Length mismatched: storageIDs.length={storages} != ")
    };
    Err(HdfsError::hadoop_illegal_argument(format!(
        "{why} datanodeID.length={nodes}, src={}, oldBlock={}, newBlock={}, clientName={}",
        ns.namespace().full_path(ns.blocks.block(block).file),
        name(&request.old_block),
        name(&request.new_block),
        request.client_name
    )))
}

/// Fails unless the new generation stamp was given out and the block does not go back in time.
fn check_newer(
    ns: &Namesystem,
    block: u64,
    request: &UpdatePipelineRequestProto,
    length: u64,
) -> Result<(), HdfsError> {
    let (old, new) = (&request.old_block, &request.new_block);
    let last_stamp = ns.state().generation_stamp();
    if new.generation_stamp > last_stamp {
        return Err(HdfsError::io(format!(
            "Update {} to the generation stamp {}, which updateBlockForPipeline has not given out: the last one is {last_stamp}",
            name(old),
            new.generation_stamp.cast_signed()
        )));
    }
    let block = ns.blocks.block(block).block();
    if new.generation_stamp <= block.generation_stamp {
        return Err(HdfsError::io(format!(
            "Update {} but the new block {} does not have a larger generation stamp than the last block {block}",
            name(old),
            name(new)
        )));
    }
    if length < block.length {
        return Err(HdfsError::io(format!(
            "Update {} (size={}) to a smaller size block {} (size={length})",
            name(old),
            old.num_bytes().cast_signed(),
            name(new)
        )));
    }
    Ok(())
}
