//! Truncating files (`FSDirTruncateOp`).

use super::create::check_not_in_memory;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::blocks::BlockState;
use crate::namenode::edit::Edit;
use crate::namenode::lease_recovery::{Claim, RecoverLeaseOp};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::lengths::add;
use crate::namenode::state::limits::{Charge, check_name};
use crate::namenode::state::storage_policy::{by_type, or_hot};
use crate::proto::hdfs::{TruncateRequestProto, TruncateResponseProto};
use crate::protocol::Block;
use crate::rpc::Call;

impl NameNode {
    /// Returns true if the file is truncated and closed; false if the DataNodes must truncate its
    /// last block first.
    pub(crate) fn truncate(
        &self,
        call: &Call<'_>,
        request: TruncateRequestProto,
    ) -> Result<TruncateResponseProto, HdfsError> {
        let new_length = request.new_length;
        if new_length.cast_signed() < 0 {
            return Err(HdfsError::hadoop_illegal_argument(format!(
                "Cannot truncate to a negative file size: {}.",
                new_length.cast_signed()
            )));
        }
        check_name("client's name", &request.client_name)?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("truncate for {}", request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        checker.check_change(ns.namespace(), &path, Need::path(FsAction::WRITE))?;
        let id = ns.file_of(path.last(), path.path())?;
        check_not_in_memory(&ns, id, "truncate", path.path())?;
        if let Some(target) = truncation(&ns, id) {
            // A repetition of the truncation in progress.
            if target == new_length {
                return Ok(TruncateResponseProto { result: false });
            }
            return Err(HdfsError::already_being_created(format!(
                "Failed to TRUNCATE_FILE {0} for {1} on {2} because {0} is being truncated.",
                path.path(),
                request.client_name,
                call.caller.address
            )));
        }
        let claim = Claim {
            op: RecoverLeaseOp::Truncate,
            path: path.path(),
            holder: &request.client_name,
            machine: call.caller.address,
        };
        ns.take_over(call.now, id, claim)?;
        let result = cut(call, &mut ns, id, &request)?;
        Ok(TruncateResponseProto { result })
    }
}

/// Truncates a file that no writer has. Returns true if it has the new length at once.
fn cut(
    call: &Call<'_>,
    ns: &mut Namesystem,
    id: InodeId,
    request: &TruncateRequestProto,
) -> Result<bool, HdfsError> {
    let (length, new_length) = (ns.file_length(id), request.new_length);
    if length == new_length {
        return Ok(true);
    }
    if length < new_length {
        return Err(HdfsError::hadoop_illegal_argument(format!(
            "Cannot truncate to a larger file size. Current size: {length}, truncate size: {new_length}."
        )));
    }
    check_room(ns, id, new_length)?;
    let truncate_block = match block_to_cut(ns, id, new_length) {
        Some(block) if ns.namespace().shows_block(id, block.id) => Some(ns.next_block()?),
        Some(block) => Some(Block {
            generation_stamp: ns.next_generation_stamp()?,
            ..block
        }),
        None => None,
    };
    let edit = Edit::Truncate {
        src: ns.namespace().full_path(id),
        client_name: ns.leases().named(&request.client_name),
        client_machine: ns.machine(call.caller.address),
        new_length,
        timestamp: call.now.as_millis(),
        truncate_block,
        rpc: call.caller.into(),
    };
    ns.log_at(id, &edit)?;
    let Some(block) = truncate_block else {
        return Ok(true);
    };
    ns.renew_lease(call.now, &request.client_name);
    let cut = ns.cut(id);
    let recovery_id = block.generation_stamp;
    ns.blocks.recover(call.now, block.id, recovery_id, cut);
    Ok(false)
}

/// Returns the length to which a file is being truncated.
fn truncation(ns: &Namesystem, id: InodeId) -> Option<u64> {
    let last = ns.last_block(id)?;
    let BlockState::UnderRecovery(recovery) = last.state() else {
        return None;
    };
    let before = ns.file_length(id).saturating_sub(last.block().length);
    Some(add(before, recovery.cut?.length))
}

/// Fails if quotas have no room for what is left of the last block, which counts with its full size
/// while it is cut, or copied for a snapshot that shows it (`computeQuotaDeltaForTruncate`).
fn check_room(ns: &Namesystem, id: InodeId, new_length: u64) -> Result<(), HdfsError> {
    let namespace = ns.namespace();
    let inode = namespace.inode(id);
    let block_size = inode.as_file().map_or(0, |file| file.block_size);
    let (mut added, mut freed) = (0, 0);
    let mut end = 0;
    for info in ns.blocks_of(id) {
        let block = info.block();
        let start = end;
        end = add(start, block.length);
        if end <= new_length {
            continue;
        }
        if start < new_length {
            added = block_size;
        }
        if !namespace.shows_block(id, block.id) {
            freed = add(freed, block.length);
        }
    }
    let bytes = u64::saturating_sub(added, freed);
    let replication = namespace.block_replication(id);
    let charge = Charge {
        space: bytes.saturating_mul(replication.into()),
        types: by_type(or_hot(namespace.storage_policy(id)), replication, bytes),
        ..Charge::default()
    };
    namespace.check_quota(inode.parent, None, charge)
}

/// Returns the block in whose middle a file will end.
fn block_to_cut(ns: &Namesystem, id: InodeId, new_length: u64) -> Option<Block> {
    let mut end = 0;
    for info in ns.blocks_of(id) {
        let block = info.block();
        let start = end;
        end = add(start, block.length);
        if end > new_length {
            return (new_length > start).then_some(block);
        }
    }
    None
}
