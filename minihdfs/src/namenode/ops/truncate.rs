//! Truncating files (`FSDirTruncateOp`).

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::blocks::BlockState;
use crate::namenode::edit::Edit;
use crate::namenode::lease_recovery::{Claim, RecoverLeaseOp};
use crate::namenode::state::limits::{add, check_name};
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
        if let Some(last) = ns.last_block(id)
            && let BlockState::UnderRecovery(recovery) = last.state()
            && let Some(target) = recovery.truncate_to
        {
            let before = ns.file_length(id).saturating_sub(last.block().length);
            // A repetition of the truncation in progress.
            if add(before, target) == new_length {
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
        let length = ns.file_length(id);
        if length == new_length {
            return Ok(TruncateResponseProto { result: true });
        }
        if length < new_length {
            return Err(HdfsError::hadoop_illegal_argument(format!(
                "Cannot truncate to a larger file size. Current size: {length}, truncate size: {new_length}."
            )));
        }
        let (mut last, mut position) = (None, 0);
        for info in ns.blocks_of(id) {
            if position >= new_length {
                break;
            }
            position = add(position, info.block().length);
            last = Some(info.block());
        }
        let truncate_block = match last.filter(|_| position > new_length) {
            None => None,
            Some(_) if ns.namespace().is_in_snapshot(id) => {
                return Err(HdfsError::unsupported_operation(format!(
                    "Cannot truncate {} within a block, because a snapshot shows it: copying the block is not supported",
                    path.path()
                )));
            }
            Some(last) => Some(Block {
                length: last
                    .length
                    .saturating_sub(position.saturating_sub(new_length)),
                generation_stamp: ns.next_generation_stamp()?,
                ..last
            }),
        };
        ns.log(&Edit::Truncate {
            src: path.path().to_owned(),
            client_name: request.client_name.clone(),
            client_machine: call.caller.address.to_string(),
            new_length,
            timestamp: call.now.as_millis(),
            truncate_block,
            rpc: call.caller.into(),
        })?;
        let Some(cut) = truncate_block else {
            return Ok(TruncateResponseProto { result: true });
        };
        ns.renew_lease(call.now, &request.client_name);
        ns.blocks
            .recover(call.now, cut.id, cut.generation_stamp, Some(cut.length));
        Ok(TruncateResponseProto { result: false })
    }
}
