//! Truncating files (`FSDirTruncateOp`).

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::blocks::BlockState;
use crate::namenode::edit::Edit;
use crate::namenode::lease_recovery::{Claim, RecoverLeaseOp};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::lengths::add;
use crate::namenode::state::limits::check_name;
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
        let result = cut(call, &mut ns, id, path.path(), &request)?;
        Ok(TruncateResponseProto { result })
    }
}

/// Truncates a file that no writer has. Returns true if it has the new length at once.
fn cut(
    call: &Call<'_>,
    ns: &mut Namesystem,
    id: InodeId,
    path: &str,
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
    let truncate_block = match block_to_cut(ns, id, new_length) {
        Some(_) if ns.namespace().is_in_snapshot(id) => {
            return Err(HdfsError::unsupported_operation(format!(
                "Cannot truncate {path} within a block, because a snapshot shows it: copying the block is not supported"
            )));
        }
        Some(block) => Some(Block {
            generation_stamp: ns.next_generation_stamp()?,
            ..block
        }),
        None => None,
    };
    ns.log(&Edit::Truncate {
        src: path.to_owned(),
        client_name: request.client_name.clone(),
        client_machine: call.caller.address.to_string(),
        new_length,
        timestamp: call.now.as_millis(),
        truncate_block,
        rpc: call.caller.into(),
    })?;
    let Some(cut) = truncate_block else {
        return Ok(true);
    };
    ns.renew_lease(call.now, &request.client_name);
    ns.blocks
        .recover(call.now, cut.id, cut.generation_stamp, Some(cut.length));
    Ok(false)
}

/// Returns the length to which a file is being truncated.
fn truncation(ns: &Namesystem, id: InodeId) -> Option<u64> {
    let last = ns.last_block(id)?;
    let BlockState::UnderRecovery(recovery) = last.state() else {
        return None;
    };
    let before = ns.file_length(id).saturating_sub(last.block().length);
    Some(add(before, recovery.truncate_to?))
}

/// Returns the block in whose middle a file will end, with its new length.
fn block_to_cut(ns: &Namesystem, id: InodeId, new_length: u64) -> Option<Block> {
    let mut end = 0;
    for info in ns.blocks_of(id) {
        let block = info.block();
        let start = end;
        end = add(start, block.length);
        if end > new_length {
            let length = new_length.saturating_sub(start);
            return (length > 0).then_some(Block { length, ..block });
        }
    }
    None
}
