//! The two rename operations (`FSDirRenameOp`).

use super::snapshots::{check_nesting, check_no_snapshots};
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need, PermissionChecker};
use crate::namenode::edit::Edit;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::path;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::limits::{Charge, check_directory_items, check_new_names};
use crate::namenode::state::resolve::RESERVED;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::namenode::state::storage_policy::less;
use crate::proto::hdfs::{
    Rename2RequestProto, Rename2ResponseProto, RenameRequestProto, RenameResponseProto,
};
use crate::rpc::Call;

impl NameNode {
    /// The old rename. Moves into the destination if it is a directory, and returns false if it is
    /// impossible.
    pub(crate) fn rename(
        &self,
        call: &Call<'_>,
        request: RenameRequestProto,
    ) -> Result<RenameResponseProto, HdfsError> {
        path::check_length(&request.dst, "rename")?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("rename {}", request.src))?;
        let src = ns.namespace().resolve(&request.src)?.not_following();
        path::check_creatable(&request.dst)?;
        let dst = ns.namespace().resolve(&request.dst)?.not_following();
        let view = dst.view(ns.namespace());
        let into = dst.last().filter(|id| view.inode(*id).is_directory());
        let inside;
        let dst = if into.is_some() && src.depth() > 1 {
            inside = path::join(dst.path(), path::name(src.path()));
            ns.namespace().resolve(&inside)?.not_following()
        } else {
            dst
        };
        check_both(&checker, &ns, &src, &dst)?;
        let Some(id) = src.last().filter(|_| src.depth() > 1) else {
            return Ok(RenameResponseProto { result: false });
        };
        check_no_snapshots(&ns, id)?;
        if dst.path() == src.path() {
            return Ok(RenameResponseProto { result: true });
        }
        check_target(&ns, id, &src, &dst)?;
        let parent = dst
            .parent()
            .filter(|parent| ns.namespace().inode(*parent).is_directory());
        let Some(parent) =
            parent.filter(|_| dst.last().is_none() && !path::is_within(dst.path(), src.path()))
        else {
            return Ok(RenameResponseProto { result: false });
        };
        check_nesting(&ns, id, parent, &src)?;
        self.check_destination(&ns, id, parent, &dst, None)?;
        ns.log(&Edit::RenameOld {
            src: src.path().to_owned(),
            dst: dst.path().to_owned(),
            timestamp: call.now.as_millis(),
            rpc: call.caller.into(),
        })?;
        Ok(RenameResponseProto { result: true })
    }

    /// The new rename. Fails with an exception if it is impossible, and can replace the
    /// destination.
    pub(crate) fn rename2(
        &self,
        call: &Call<'_>,
        request: Rename2RequestProto,
    ) -> Result<Rename2ResponseProto, HdfsError> {
        path::check_length(&request.dst, "rename")?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("rename {}", request.src))?;
        let src = ns.namespace().resolve(&request.src)?.not_following();
        path::check_creatable(&request.dst)?;
        let dst = ns.namespace().resolve(&request.dst)?.not_following();
        check_both(&checker, &ns, &src, &dst)?;
        let id = check_rename(&ns, &src, &dst)?;
        let replaced = check_replacement(&ns, id, &src, &dst, request.overwrite_dest)?;
        let parent = dst.parent().ok_or_else(|| {
            HdfsError::file_not_found(format!(
                "rename destination parent {} not found.",
                dst.path()
            ))
        })?;
        if !ns.namespace().inode(parent).is_directory() {
            return Err(HdfsError::parent_not_directory(format!(
                "rename destination parent {} is a file.",
                dst.path()
            )));
        }
        check_nesting(&ns, id, parent, &src)?;
        self.check_destination(&ns, id, parent, &dst, replaced)?;
        ns.log(&Edit::Rename {
            src: src.path().to_owned(),
            dst: dst.path().to_owned(),
            timestamp: call.now.as_millis(),
            overwrite: request.overwrite_dest,
            rpc: call.caller.into(),
        })?;
        Ok(Rename2ResponseProto {})
    }

    /// Checks names, depth, the number of items, and quotas at the destination, without the inode
    /// `replaced`.
    fn check_destination(
        &self,
        ns: &Namesystem,
        id: InodeId,
        parent: InodeId,
        dst: &ResolvedPath<'_>,
        replaced: Option<InodeId>,
    ) -> Result<(), HdfsError> {
        check_new_names(dst, "rename", &self.config)?;
        if ns.namespace().inode(id).parent == parent {
            return Ok(());
        }
        ns.namespace().check_depth(id, dst, "rename")?;
        check_directory_items(ns.namespace(), parent, &self.config)?;
        let mut common = parent;
        while !ns.namespace().is_within(id, common) {
            common = ns.namespace().inode(common).parent;
        }
        let quotas = || ns.namespace().quotas(parent, common);
        if quotas().next().is_some() {
            let moved = ns.namespace().usage(id);
            let freed = replaced.map(|id| ns.namespace().usage(id));
            let freed = freed.unwrap_or_default();
            let mut charge = Charge {
                inodes: moved.inodes().saturating_sub(freed.inodes()),
                space: moved.space.saturating_sub(freed.space),
                ..Charge::default()
            };
            // These take a walk over the subtree, where the others may be kept.
            if quotas().any(|quota| quota.types.iter().any(Option::is_some)) {
                let freed = replaced.map(|id| ns.namespace().space_by_type(id));
                let policy = ns.namespace().storage_policy(parent);
                let moved = ns.namespace().space_by_type_under(id, policy);
                charge.types = less(moved, freed.unwrap_or_default());
            }
            ns.namespace().check_quota(parent, Some(common), charge)?;
        }
        Ok(())
    }
}

fn check_both(
    checker: &PermissionChecker<'_>,
    ns: &Namesystem,
    src: &ResolvedPath<'_>,
    dst: &ResolvedPath<'_>,
) -> Result<(), HdfsError> {
    checker.check_change(ns.namespace(), src, Need::parent(FsAction::WRITE))?;
    checker.check_creation(ns.namespace(), dst, Need::ancestor(FsAction::WRITE))
}

/// Checks the two paths against each other and returns the source.
fn check_rename(
    ns: &Namesystem,
    src: &ResolvedPath<'_>,
    dst: &ResolvedPath<'_>,
) -> Result<InodeId, HdfsError> {
    let (from, to) = (src.path(), dst.path());
    let id = src
        .last()
        .ok_or_else(|| HdfsError::file_not_found(format!("rename source {from} is not found.")))?;
    if src.depth() == 1 {
        return Err(HdfsError::io("rename source cannot be the root"));
    }
    check_no_snapshots(ns, id)?;
    if from == to {
        return Err(HdfsError::file_already_exists(format!(
            "The source {from} and destination {to} are the same"
        )));
    }
    check_target(ns, id, src, dst)?;
    if path::is_within(to, from) {
        return Err(HdfsError::io(format!(
            "Rename destination {to} is a directory or file under source {from}"
        )));
    }
    if to == RESERVED {
        return Err(HdfsError::invalid_path(
            "Cannot rename to or from /.reserved",
        ));
    }
    if dst.depth() == 1 {
        return Err(HdfsError::io("rename destination cannot be the root"));
    }
    Ok(id)
}

/// Fails if a symbolic link would be moved onto its target.
fn check_target(
    ns: &Namesystem,
    id: InodeId,
    src: &ResolvedPath<'_>,
    dst: &ResolvedPath<'_>,
) -> Result<(), HdfsError> {
    if ns.namespace().inode(id).as_symlink() != Some(dst.path()) {
        return Ok(());
    }
    Err(HdfsError::file_already_exists(format!(
        "Cannot rename symlink {} to its target {}",
        src.path(),
        dst.path()
    )))
}

/// Checks that the destination may be replaced, and returns it.
fn check_replacement(
    ns: &Namesystem,
    id: InodeId,
    src: &ResolvedPath<'_>,
    dst: &ResolvedPath<'_>,
    overwrite: bool,
) -> Result<Option<InodeId>, HdfsError> {
    let Some(existing) = dst.last() else {
        return Ok(None);
    };
    let target = ns.namespace().inode(existing);
    if target.is_directory() != ns.namespace().inode(id).is_directory() {
        return Err(HdfsError::io(format!(
            "Source {} and destination {} must both be directories",
            src.path(),
            dst.path()
        )));
    }
    if !overwrite {
        return Err(HdfsError::file_already_exists(format!(
            "rename destination {} already exists",
            dst.path()
        )));
    }
    if target
        .as_directory()
        .is_some_and(|directory| !directory.children.is_empty())
    {
        return Err(HdfsError::io(format!(
            "rename destination directory is not empty: {}",
            dst.path()
        )));
    }
    check_no_snapshots(ns, existing)?;
    Ok(Some(existing))
}
