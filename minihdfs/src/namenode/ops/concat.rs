//! Joining files by their blocks (`FSDirConcatOp`).

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::edit::Edit;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::path;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::lengths::add;
use crate::namenode::state::limits::Charge;
use crate::namenode::state::resolve::is_alias;
use crate::namenode::state::storage_policy::{by_type, less, or_hot, plus};
use crate::proto::hdfs::{ConcatRequestProto, ConcatResponseProto};
use crate::rpc::Call;

impl NameNode {
    /// Moves the blocks of the sources to the target, in order, and deletes the sources.
    pub(crate) fn concat(
        &self,
        call: &Call<'_>,
        request: ConcatRequestProto,
    ) -> Result<ConcatResponseProto, HdfsError> {
        check_paths(&request)?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("concat {}", request.trg))?;
        let target = ns.namespace().resolve(&request.trg)?;
        checker.check_change(ns.namespace(), &target, Need::path(FsAction::WRITE))?;
        let target_id = ns.file_of(target.last(), &request.trg)?;
        if ns
            .namespace()
            .inode(target_id)
            .as_file()
            .is_some_and(|file| file.writer.is_some())
        {
            return Err(HdfsError::hadoop_illegal_argument(format!(
                "concat: target file {} is under construction",
                target.path()
            )));
        }
        let mut sources: Vec<InodeId> = Vec::with_capacity(request.srcs.len());
        let mut srcs = Vec::with_capacity(request.srcs.len());
        for src in &request.srcs {
            let source = ns.namespace().resolve(src)?;
            checker.check_change(ns.namespace(), &source, Need::path(FsAction::READ))?;
            checker.check_change(ns.namespace(), &source, Need::parent(FsAction::WRITE))?;
            let id = ns.file_of(source.last(), src)?;
            check_source(&ns, id, source.path(), target_id, target.path())?;
            if sources.contains(&id) {
                return Err(HdfsError::hadoop_illegal_argument(
                    "concat: at least two of the source files are the same",
                ));
            }
            sources.push(id);
            srcs.push(source.path().to_owned());
        }
        check_room(&ns, target_id, &sources)?;
        let moved = sources.iter().flat_map(|id| ns.current_blocks(*id));
        let moved: Vec<_> = moved.map(|block| block.id).collect();
        ns.log(&Edit::ConcatDelete {
            trg: target.path().to_owned(),
            srcs,
            timestamp: call.now.as_millis(),
            rpc: call.caller.into(),
        })?;
        for block in moved {
            ns.check_redundancy(call.now, block);
        }
        Ok(ConcatResponseProto {})
    }
}

/// Fails unless there are paths, none of which is an alias.
fn check_paths(request: &ConcatRequestProto) -> Result<(), HdfsError> {
    if request.trg.is_empty() {
        return Err(HdfsError::illegal_argument("Target file name is empty"));
    }
    if request.srcs.is_empty() {
        return Err(HdfsError::illegal_argument("No sources given"));
    }
    let paths = std::iter::once(&request.trg).chain(&request.srcs);
    if let Some(raw) = paths.into_iter().find(|path| is_alias(path)) {
        return Err(HdfsError::io(format!(
            "Concat operation doesn't support .reserved relative path : {raw}"
        )));
    }
    Ok(())
}

/// Fails if quotas have no room for the blocks of the sources with the target's replication.
fn check_room(ns: &Namesystem, target: InodeId, sources: &[InodeId]) -> Result<(), HdfsError> {
    let namespace = ns.namespace();
    let replication = namespace.block_replication(target);
    let policy = or_hot(namespace.storage_policy(target));
    let mut charge = Charge::default();
    for source in sources {
        let before = namespace.block_replication(*source);
        if before == replication {
            continue;
        }
        let length = ns.file_length(*source);
        let added = u64::from(replication.saturating_sub(before));
        charge.space = add(charge.space, length.saturating_mul(added));
        let types = less(
            by_type(policy, replication, length),
            by_type(or_hot(namespace.storage_policy(*source)), before, length),
        );
        charge.types = plus(charge.types, types);
    }
    namespace.check_quota(namespace.inode(target).parent, None, charge)
}

fn check_source(
    ns: &Namesystem,
    id: InodeId,
    source: &str,
    target_id: InodeId,
    target: &str,
) -> Result<(), HdfsError> {
    let refused = |what: String| Err(HdfsError::hadoop_illegal_argument(what));
    if path::parent(source) != path::parent(target) {
        return refused(format!(
            "Source file {source} is not in the same directory with the target {target}"
        ));
    }
    if ns.namespace().is_in_snapshot(id) {
        return Err(HdfsError::snapshot(format!(
            "Concat: the source file {source} is in snapshot"
        )));
    }
    if id == target_id {
        return refused(format!(
            "concat: the src file {source} is the same with the target file {target}"
        ));
    }
    let (Some(file), Some(target_file)) = (
        ns.namespace().inode(id).as_file(),
        ns.namespace().inode(target_id).as_file(),
    ) else {
        return refused(format!("concat: source file {source} is not a file"));
    };
    if file.writer.is_some() || file.blocks.is_empty() {
        return refused(format!(
            "concat: source file {source} is invalid or empty or underConstruction"
        ));
    }
    if file.block_size > target_file.block_size {
        return refused(format!(
            "concat: source file {source} has preferred block size {} which is greater than the target file's preferred block size {}",
            file.block_size, target_file.block_size
        ));
    }
    Ok(())
}
