//! The two rename operations (`FSDirRenameOp`).

use super::snapshots::{check_nesting, check_no_snapshots, check_same_root};
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need, PermissionChecker, Subtree};
use crate::namenode::edit::Edit;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::path;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::limits::{
    Charge, check_component_length, check_directory_items, check_new_name, check_new_path,
};
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
        let (src, dst) = resolve_both(&checker, &ns, &request.src, &request.dst)?;
        let view = dst.view(ns.namespace());
        let into = dst.last().filter(|id| view.inode(*id).is_directory());
        let inside;
        let dst = if into.is_some() && src.depth() > 1 {
            // `.snapshot` stands for nothing here: like `.reserved` it is a name that nothing has.
            let name = match path::name(src.path()) {
                ".snapshot" => ".reserved",
                name => name,
            };
            inside = path::join(dst.path(), name);
            ns.namespace().resolve(&inside)?.not_following()
        } else {
            dst
        };
        check_both(&checker, &ns, (&src, false), &dst)?;
        let Some(id) = src.last().filter(|_| src.depth() > 1) else {
            return Ok(RenameResponseProto { result: false });
        };
        check_no_snapshots(&ns, id)?;
        if dst.path() == src.path() {
            return Ok(RenameResponseProto { result: true });
        }
        check_target(&ns, id, &src, &dst)?;
        if !path::is_within(dst.path(), src.path()) {
            check_not_reserved(&dst)?;
        }
        let parent = dst
            .parent()
            .filter(|parent| ns.namespace().inode(*parent).is_directory());
        let Some(parent) =
            parent.filter(|_| dst.last().is_none() && !path::is_within(dst.path(), src.path()))
        else {
            return Ok(RenameResponseProto { result: false });
        };
        check_nesting(&ns, id, parent, &src)?;
        check_same_root(&ns, &self.config.snapshots, (id, &src), (parent, &dst))?;
        self.check_destination(&ns, id, parent, &dst, None)?;
        let edit = Edit::RenameOld {
            src: src.path().to_owned(),
            dst: dst.path().to_owned(),
            timestamp: call.now.as_millis(),
            rpc: call.caller.into(),
        };
        ns.log_at(id, &edit)?;
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
        let (src, dst) = resolve_both(&checker, &ns, &request.src, &request.dst)?;
        let to_trash = request.move_to_trash();
        check_both(&checker, &ns, (&src, to_trash), &dst)?;
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
        let target = (replaced.unwrap_or(parent), &dst);
        check_same_root(&ns, &self.config.snapshots, (id, &src), target)?;
        self.check_destination(&ns, id, parent, &dst, replaced)?;
        let edit = Edit::Rename {
            src: src.path().to_owned(),
            dst: dst.path().to_owned(),
            timestamp: call.now.as_millis(),
            overwrite: request.overwrite_dest,
            rpc: call.caller.into(),
        };
        ns.log_at(id, &edit)?;
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
        check_new_path(dst, "rename")?;
        let directory = || path::parent(dst.path()).to_owned();
        for name in dst.missing() {
            check_component_length(name, directory, &self.config)?;
        }
        if ns.namespace().inode(id).parent != parent {
            ns.namespace().check_depth(id, dst, "rename")?;
            check_directory_items(ns.namespace(), parent, &self.config)?;
        }
        check_quotas(ns, id, parent, dst, replaced)?;
        for name in dst.missing() {
            check_new_name(name, directory, &self.config)?;
        }
        Ok(())
    }
}

/// Checks the quotas that a rename adds to. Those of the source are not among them: the check ends
/// at the common ancestor. It goes on up to the root if the latest snapshot of the destination
/// shows that ancestor, because the source may then count twice (`verifyQuotaForRename`).
fn check_quotas(
    ns: &Namesystem,
    id: InodeId,
    parent: InodeId,
    dst: &ResolvedPath<'_>,
    replaced: Option<InodeId>,
) -> Result<(), HdfsError> {
    let namespace = ns.namespace();
    if namespace.quotas(parent, None).next().is_none() {
        return Ok(());
    }
    let mut common = parent;
    while !namespace.is_within(id, common) {
        common = namespace.inode(common).parent;
    }
    let directories = dst.existing().len().min(dst.depth().saturating_sub(1));
    let latest = namespace.latest_snapshot(&dst.existing()[..directories]);
    let goes_on = latest.is_some_and(|latest| namespace.is_in_latest_snapshot(common, latest));
    let below = (!goes_on).then_some(common);
    let quotas = || namespace.quotas(parent, below);
    if quotas().next().is_none() {
        return Ok(());
    }
    let moved = namespace.usage(id);
    let freed = replaced.map(|id| namespace.usage(id)).unwrap_or_default();
    let mut charge = Charge {
        inodes: moved.inodes().saturating_sub(freed.inodes()),
        space: moved.space.saturating_sub(freed.space),
        ..Charge::default()
    };
    // These take a walk over the subtree, where the others may be kept.
    if quotas().any(|quota| quota.types.iter().any(Option::is_some)) {
        let freed = replaced.map(|id| namespace.space_by_type(id));
        let policy = namespace.storage_policy(parent);
        let moved = namespace.space_by_type_under(id, policy);
        charge.types = less(moved, freed.unwrap_or_default());
    }
    namespace.check_quota(parent, below, charge)
}

/// Resolves the source, and then the destination. The caller must be able to traverse both.
fn resolve_both<'a>(
    checker: &PermissionChecker<'_>,
    ns: &Namesystem,
    src: &'a str,
    dst: &'a str,
) -> Result<(ResolvedPath<'a>, ResolvedPath<'a>), HdfsError> {
    let src = ns.namespace().resolve(src)?.not_following();
    checker.check_change(ns.namespace(), &src, Need::TRAVERSE)?;
    path::check_creatable(dst)?;
    let dst = ns.namespace().resolve(dst)?.not_following();
    checker.check_creation(ns.namespace(), &dst, Need::TRAVERSE)?;
    Ok((src, dst))
}

/// Checks what the caller may do to both paths. What goes into the trash is deleted there later, so
/// the caller must be able to delete it.
fn check_both(
    checker: &PermissionChecker<'_>,
    ns: &Namesystem,
    (src, to_trash): (&ResolvedPath<'_>, bool),
    dst: &ResolvedPath<'_>,
) -> Result<(), HdfsError> {
    let need = Need {
        subtree: to_trash.then_some(Subtree::Deleted),
        ..Need::parent(FsAction::WRITE)
    };
    checker.check_change(ns.namespace(), src, need)?;
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
    check_not_reserved(dst)?;
    if dst.depth() == 1 {
        return Err(HdfsError::io("rename destination cannot be the root"));
    }
    Ok(id)
}

fn check_not_reserved(dst: &ResolvedPath<'_>) -> Result<(), HdfsError> {
    if dst.path() == RESERVED {
        return Err(HdfsError::invalid_path(
            "Invalid path name Cannot rename to or from /.reserved",
        ));
    }
    Ok(())
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
