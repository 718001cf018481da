//! Writing a file: allocating its blocks and closing it.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::blocks::{BlockInfo, DatanodeIndex, Placement};
use crate::namenode::edit::{Edit, RpcIds};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::lengths::LONGEST;
use crate::namenode::state::limits::Charge;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::storage_policy::by_type;
use crate::proto::hdfs::{
    AbandonBlockRequestProto, AbandonBlockResponseProto, AddBlockFlagProto, AddBlockRequestProto,
    AddBlockResponseProto, CompleteRequestProto, CompleteResponseProto, DatanodeInfoProto,
    ExtendedBlockProto, FsyncRequestProto, FsyncResponseProto,
};
use crate::rpc::Call;
use crate::token::AccessMode;

/// Returns true if a client's block is this one: the same id and generation stamp. `None` matches
/// `None`.
fn matches(told: Option<&ExtendedBlockProto>, known: Option<(u64, u64)>) -> bool {
    told.map(|block| (block.block_id, block.generation_stamp)) == known
}

/// The result of checking an `addBlock` request.
enum Next {
    /// Allocate a new block.
    Allocate,
    /// Return the last block again, because the call is a repetition.
    Repeat(u64),
}

impl NameNode {
    /// Allocates a block for a file and chooses its DataNodes. A repeated call gets the same block.
    pub(crate) fn add_block(
        &self,
        call: &Call<'_>,
        request: AddBlockRequestProto,
    ) -> Result<AddBlockResponseProto, HdfsError> {
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("add block to {}", request.src))?;
        let holder = &*request.client_name;
        let id = ns.check_lease(&checker, &request.src, request.file_id(), holder)?;
        self.check_pool(request.previous.as_ref())?;
        ns.renew_lease(call.now, holder);
        let previous = request.previous.as_ref();
        let next = next_block(&ns, id, &request.src, previous)?;
        let block = match next {
            Next::Repeat(block) => {
                if ns.blocks.block(block).targets().is_empty() {
                    // The NameNode was restarted since it chose some.
                    let targets = self.choose_targets(call, &mut ns, id, &request)?;
                    ns.blocks.block_mut(block).set_targets(targets);
                }
                block
            }
            Next::Allocate => {
                self.check_progress(&mut ns, id, &request.src, previous)?;
                self.allocate(call, &mut ns, id, &request)?
            }
        };
        let info = ns.blocks.block(block);
        let offset = ns.file_length(id).saturating_sub(info.block().length);
        let grant = Some((&*call.caller.user.short, AccessMode::Write));
        let block = self.located_block(call.now, &ns, info, offset, info.targets(), grant);
        Ok(AddBlockResponseProto { block })
    }

    /// Adds a block to a file if there are DataNodes for it and the quotas above it allow one more,
    /// and returns the block's id.
    fn allocate(
        &self,
        call: &Call<'_>,
        ns: &mut Namesystem,
        id: InodeId,
        request: &AddBlockRequestProto,
    ) -> Result<u64, HdfsError> {
        let (replication, block_size) = shape(ns, id, &request.src)?;
        let charge = Charge {
            space: block_size.saturating_mul(replication.into()),
            types: by_type(ns.namespace().storage_policy(id), replication, block_size),
            ..Charge::default()
        };
        // Hadoop chooses DataNodes first (`validateAddBlock`).
        let targets = self.choose_targets(call, ns, id, request)?;
        let parent = ns.namespace().inode(id).parent;
        ns.namespace().check_quota(parent, None, charge)?;
        let penultimate = ns.last_block(id).map(|info| info.block());
        let last = ns.next_block()?;
        let path = ns.namespace().full_path(id);
        let edit = Edit::AddBlock {
            path,
            penultimate,
            last,
            rpc: RpcIds::NONE,
        };
        ns.log_at(id, &edit)?;
        ns.blocks.block_mut(last.id).set_targets(targets);
        Ok(last.id)
    }

    /// Commits the last block, and checks that the one before it is complete.
    fn check_progress(
        &self,
        ns: &mut Namesystem,
        id: InodeId,
        path: &str,
        previous: Option<&ExtendedBlockProto>,
    ) -> Result<(), HdfsError> {
        commit_last(ns, id, previous)?;
        let blocks = ns.current_blocks(id);
        ns.update_blocks(id, blocks, RpcIds::NONE)?;
        let blocks: Vec<u64> = ns.blocks_of(id).map(|info| info.block().id).collect();
        if blocks.len() >= self.config.limits.max_blocks_per_file {
            return Err(HdfsError::io(format!(
                "File has reached the limit on maximum number of blocks (dfs.namenode.fs-limits.max-blocks-per-file): {} >= {}",
                blocks.len(),
                self.config.limits.max_blocks_per_file
            )));
        }
        let before_last = blocks.len().checked_sub(2).map(|index| blocks[index]);
        if before_last.is_some_and(|block| !ns.try_complete(block)) {
            return Err(HdfsError::not_replicated_yet(format!(
                "Not replicated yet: {path}"
            )));
        }
        Ok(())
    }

    fn choose_targets(
        &self,
        call: &Call<'_>,
        ns: &mut Namesystem,
        id: InodeId,
        request: &AddBlockRequestProto,
    ) -> Result<Vec<DatanodeIndex>, HdfsError> {
        let (replication, block_size) = shape(ns, id, &request.src)?;
        let excluded = known(ns, &request.exclude_nodes);
        let has = |flag: AddBlockFlagProto| request.flags.contains(&flag.into());
        let local =
            !has(AddBlockFlagProto::NoLocalWrite) && !has(AddBlockFlagProto::IgnoreClientLocality);
        let kinds = ns.kinds_for(id, 0, replication.into());
        let placement = Placement {
            count: replication.into(),
            existing: &[],
            excluded: &excluded,
            favored: &request.favored_nodes,
            writer: local.then_some(call.caller.address),
            block_size,
            kinds: &kinds,
        };
        let targets = ns.blocks.choose(call.now, &placement);
        let least = usize::from(self.config.min_replication);
        if targets.len() < least {
            return Err(HdfsError::io(format!(
                "File {} could only be written to {} of the {least} minReplication nodes. \
                 There are {} datanode(s) running and {} node(s) are excluded in this operation.",
                request.src,
                targets.len(),
                ns.blocks.datanodes.living(),
                match ns.blocks.datanodes.examined(&placement) {
                    0 => "no".to_owned(),
                    count => count.to_string(),
                }
            )));
        }
        Ok(targets)
    }

    /// Fails if the block belongs to another pool.
    pub(super) fn check_pool(&self, block: Option<&ExtendedBlockProto>) -> Result<(), HdfsError> {
        match block {
            Some(block) if block.pool_id != *self.block_pool_id => Err(HdfsError::io(format!(
                "Unexpected BlockPoolId {} - expected {}",
                block.pool_id, self.block_pool_id
            ))),
            _ => Ok(()),
        }
    }

    /// Removes the last block of a file whose writer could not write it.
    pub(crate) fn abandon_block(
        &self,
        call: &Call<'_>,
        request: AbandonBlockRequestProto,
    ) -> Result<AbandonBlockResponseProto, HdfsError> {
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!(
            "abandon block {} for file{}",
            name(&request.b),
            request.src
        ))?;
        let (file_id, holder) = (request.file_id(), &request.holder);
        let id = ns.check_lease(&checker, &request.src, file_id, holder)?;
        let last = ns.last_block(id).map(|info| info.block().id);
        if last == Some(request.b.block_id) {
            let mut blocks = ns.current_blocks(id);
            blocks.pop();
            ns.update_blocks(id, blocks, RpcIds::NONE)?;
        }
        Ok(AbandonBlockResponseProto {})
    }

    /// Closes a file. Returns false if its blocks do not have enough replicas yet, and true if it
    /// is already closed.
    pub(crate) fn complete(
        &self,
        call: &Call<'_>,
        request: CompleteRequestProto,
    ) -> Result<CompleteResponseProto, HdfsError> {
        self.check_pool(request.last.as_ref())?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("complete file {}", request.src))?;
        let last = request.last.as_ref();
        let (src, file_id) = (&*request.src, request.file_id());
        let id = match ns.check_lease(&checker, src, file_id, &request.client_name) {
            Ok(id) => id,
            Err(error) => {
                let id = ns.find_file(&checker, src, file_id)?;
                let repeated = id.is_some_and(|id| {
                    let of_closed = last_of_closed(ns.namespace(), id);
                    of_closed.is_some_and(|known| matches(last, known))
                });
                return if repeated {
                    Ok(CompleteResponseProto { result: true })
                } else {
                    Err(error)
                };
            }
        };
        commit_last(&mut ns, id, last)?;
        let blocks = ns.current_blocks(id);
        let complete = blocks.iter().all(|block| ns.try_complete(block.id));
        if complete {
            let ids: SmallVec<[u64; 8]> = blocks.iter().map(|block| block.id).collect();
            ns.close_file(call.now, id, blocks)?;
            for block in ids {
                ns.check_redundancy(call.now, block);
            }
        } else {
            ns.update_blocks(id, blocks, RpcIds::NONE)?;
        }
        Ok(CompleteResponseProto { result: complete })
    }

    /// Records a flush by the writer: the last block has at least this length.
    pub(crate) fn fsync(
        &self,
        call: &Call<'_>,
        request: FsyncRequestProto,
    ) -> Result<FsyncResponseProto, HdfsError> {
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("fsync file {}", request.src))?;
        let (file_id, holder) = (request.file_id(), &request.client);
        let id = ns.check_lease(&checker, &request.src, file_id, holder)?;
        let open = ns.last_block(id).is_some_and(|info| !info.is_complete());
        let mut blocks = ns.current_blocks(id);
        if let (true, Some(last), Ok(length @ 1..)) = (
            open,
            blocks.last_mut(),
            u64::try_from(request.last_block_length()),
        ) {
            last.length = length;
            ns.update_blocks(id, blocks, RpcIds::NONE)?;
        }
        Ok(FsyncResponseProto {})
    }
}

/// Returns the last block of a closed file, by its id and generation stamp; also of a removed file
/// that a snapshot shows. `None` if there is no such file.
fn last_of_closed(namespace: &Namespace, id: InodeId) -> Option<Option<(u64, u64)>> {
    let file = namespace.last_of(id)?.as_file()?;
    let last = file.blocks.last();
    let last = last.map(|block| (block.id, block.generation_stamp));
    (!namespace.is_open(id)).then_some(last)
}

/// Formats a block for messages.
pub(super) fn name(block: &ExtendedBlockProto) -> String {
    format!(
        "{}:blk_{}_{}",
        block.pool_id, block.block_id, block.generation_stamp
    )
}

/// Returns the known DataNodes among those a client names, without duplicates.
pub(super) fn known(ns: &Namesystem, nodes: &[DatanodeInfoProto]) -> Vec<DatanodeIndex> {
    each_once(ns, nodes.iter().map(|node| &*node.id.datanode_uuid))
}

/// Same as [`known`]. A request may repeat a DataNode many times. Duplicates would be stored and
/// returned in every later response.
pub(super) fn each_once<'a>(
    ns: &Namesystem,
    uuids: impl Iterator<Item = &'a str>,
) -> Vec<DatanodeIndex> {
    let mut seen = BTreeSet::new();
    uuids
        .filter_map(|uuid| ns.blocks.datanodes.index(uuid))
        .filter(|index| seen.insert(*index))
        .collect()
}

/// Returns the length of a client's block. It is a Java `long`, and may not be negative.
pub(super) fn length_of(block: &ExtendedBlockProto) -> Result<u64, HdfsError> {
    let length = block.num_bytes();
    if length > LONGEST {
        return Err(HdfsError::io(format!(
            "{} cannot have {} bytes: a length is not negative",
            name(block),
            length.cast_signed()
        )));
    }
    Ok(length)
}

/// Returns the replication and the block size of a file.
fn shape(ns: &Namesystem, id: InodeId, path: &str) -> Result<(u16, u64), HdfsError> {
    let file = ns.namespace().inode(id).as_file();
    file.map(|file| (file.replication, file.block_size))
        .ok_or_else(|| HdfsError::file_not_found(format!("Path is not a file: {path}")))
}

/// Compares the block that the client wrote last with the file's blocks
/// (`FSDirWriteFileOp.analyzeFileState`).
fn next_block(
    ns: &Namesystem,
    id: InodeId,
    path: &str,
    previous: Option<&ExtendedBlockProto>,
) -> Result<Next, HdfsError> {
    let mut blocks = ns.blocks_of(id).rev();
    let (last, before_last) = (blocks.next(), blocks.next());
    let stamped = |info: &BlockInfo| (info.block().id, info.block().generation_stamp);
    if matches(previous, last.map(stamped)) {
        return Ok(Next::Allocate);
    }
    let Some(last) = last else {
        return Err(mismatch(path, previous, "null"));
    };
    let block_size = ns
        .namespace()
        .inode(id)
        .as_file()
        .map_or(0, |file| file.block_size);
    if previous.is_none() && last.is_complete() && last.block().length >= block_size {
        return Ok(Next::Allocate);
    }
    if !matches(previous, before_last.map(stamped)) {
        return Err(mismatch(path, previous, &last.block().to_string()));
    }
    if last.block().length != 0 || last.is_complete() {
        return Err(HdfsError::io(format!(
            "Request looked like a retry to allocate block {} but it already contains {} bytes",
            last.block(),
            last.block().length
        )));
    }
    Ok(Next::Repeat(last.block().id))
}

fn mismatch(path: &str, previous: Option<&ExtendedBlockProto>, last: &str) -> HdfsError {
    let previous = previous.map_or_else(|| "null".to_owned(), name);
    HdfsError::io(format!(
        "Cannot allocate block in {path}: passed 'previous' block {previous} does not match actual last block in file {last}"
    ))
}

/// Commits the last block with the length given by its writer.
fn commit_last(
    ns: &mut Namesystem,
    id: InodeId,
    told: Option<&ExtendedBlockProto>,
) -> Result<(), HdfsError> {
    let last = ns.last_block(id).map(|info| info.block().id);
    match (told, last) {
        (Some(told), Some(last)) if told.block_id != last => Err(HdfsError::io(format!(
            "Trying to commit inconsistent block: id = {}, expected id = {last}",
            told.block_id
        ))),
        (Some(told), Some(last)) => {
            let length = length_of(told)?;
            ns.blocks.commit(last, told.generation_stamp, length)?;
            ns.try_complete(last);
            Ok(())
        }
        _ => Ok(()),
    }
}
