//! Taking, deleting and renaming snapshots (`FSDirSnapshotOp`).

use kerbox_krb5::Timestamp;

use super::attributes::owned;
use super::cache_directives::date_in_words;
use crate::HdfsError;
use crate::config::SnapshotSettings;
use crate::namenode::NameNode;
use crate::namenode::access::permission::Need;
use crate::namenode::edit::Edit;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::path;
use crate::namenode::state::inode::{InodeId, ROOT};
use crate::namenode::state::limits::check_component_length;
use crate::namenode::state::resolve::is_alias;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::namenode::state::snapshot::{LAST_SNAPSHOT_ID, Snapshottable};
use crate::proto::hdfs::{
    AllowSnapshotRequestProto, AllowSnapshotResponseProto, CreateSnapshotRequestProto,
    CreateSnapshotResponseProto, DeleteSnapshotRequestProto, DeleteSnapshotResponseProto,
    DisallowSnapshotRequestProto, DisallowSnapshotResponseProto, RenameSnapshotRequestProto,
    RenameSnapshotResponseProto,
};
use crate::rpc::Call;

impl NameNode {
    /// Lets snapshots of a directory be taken; only for the superuser.
    pub(crate) fn allow_snapshot(
        &self,
        call: &Call<'_>,
        request: AllowSnapshotRequestProto,
    ) -> Result<AllowSnapshotResponseProto, HdfsError> {
        let checker = self.checker(call);
        checker.check_superuser("allowSnapshot")?;
        let src = &request.snapshot_root;
        let mut ns = self.lock_to_write(format_args!("allow snapshot for {src}"))?;
        check_no_alias(src)?;
        let path = ns.namespace().resolve(src)?;
        checker.check_creation(ns.namespace(), &path, Need::TRAVERSE)?;
        let id = directory(&ns, &path)?;
        check_not_nested(&ns, id, path.path())?;
        let snapshot_root = path.path().to_owned();
        ns.log(&Edit::AllowSnapshot { snapshot_root })?;
        Ok(AllowSnapshotResponseProto {})
    }

    /// Forbids snapshots of a directory, which may have none; only for the superuser.
    pub(crate) fn disallow_snapshot(
        &self,
        call: &Call<'_>,
        request: DisallowSnapshotRequestProto,
    ) -> Result<DisallowSnapshotResponseProto, HdfsError> {
        let checker = self.checker(call);
        checker.check_superuser("disallowSnapshot")?;
        let src = &request.snapshot_root;
        let mut ns = self.lock_to_write(format_args!("disallow snapshot for {src}"))?;
        check_no_alias(src)?;
        let path = ns.namespace().resolve(src)?;
        checker.check_creation(ns.namespace(), &path, Need::TRAVERSE)?;
        let id = directory(&ns, &path)?;
        let root = ns.namespace().snapshots().of(id);
        if root.is_some_and(|root| root.len() > 0) {
            return Err(HdfsError::snapshot(format!(
                "The directory {} has snapshot(s). Please redo the operation after removing all the snapshots.",
                path.path()
            )));
        }
        let snapshot_root = path.path().to_owned();
        ns.log(&Edit::DisallowSnapshot { snapshot_root })?;
        Ok(DisallowSnapshotResponseProto {})
    }

    /// Takes a snapshot of a directory; only for its owner. Without a name it gets one by the time.
    pub(crate) fn create_snapshot(
        &self,
        call: &Call<'_>,
        request: CreateSnapshotRequestProto,
    ) -> Result<CreateSnapshotResponseProto, HdfsError> {
        let src = &request.snapshot_root;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("create snapshot for {src}"))?;
        let path = ns.namespace().resolve(src)?;
        checker.check_change(ns.namespace(), &path, Need::OWNER)?;
        owned(&path)?;
        let name = match request.snapshot_name() {
            "" => default_name(call.now),
            name if is_valid_name(name) => name.to_owned(),
            name => {
                return Err(HdfsError::invalid_path(format!(
                    "Invalid path name Invalid snapshot name: {name}"
                )));
            }
        };
        self.check_snapshot_name(&name, src)?;
        let id = directory(&ns, &path)?;
        self.check_room_for_snapshot(&ns, id, &path, &name)?;
        ns.log(&Edit::CreateSnapshot {
            snapshot_root: path.path().to_owned(),
            snapshot_name: name.clone(),
            mtime: call.now.as_millis(),
            rpc: call.caller.into(),
        })?;
        Ok(CreateSnapshotResponseProto {
            snapshot_path: path::snapshot_path(src, &name),
        })
    }

    /// Fails if a directory may have no snapshot more, or has one of this name.
    fn check_room_for_snapshot(
        &self,
        ns: &Namesystem,
        id: InodeId,
        path: &ResolvedPath<'_>,
        name: &str,
    ) -> Result<(), HdfsError> {
        let settings = &self.config.snapshots;
        let snapshots = ns.namespace().snapshots();
        // The root counts as a directory of which no snapshot may be taken.
        let (quota, count) = match snapshots.of(id) {
            Some(root) => (root.quota as usize, root.len()),
            None if id == ROOT => (0, 0),
            None => return Err(not_snapshottable(path.path())),
        };
        if snapshots.taken() >= LAST_SNAPSHOT_ID {
            return Err(HdfsError::snapshot(format!(
                "Failed to create the snapshot. The FileSystem has run out of snapshot IDs and ID rollover is not supported and the max snapshot limit is: {}",
                settings.max_per_directory
            )));
        }
        for (limit, count, whose) in [
            (settings.max_of_all, snapshots.count(), "file system"),
            (settings.max_per_directory, count, "per directory"),
        ] {
            if count >= limit {
                return Err(HdfsError::snapshot(format!(
                    "Failed to create snapshot: there are already {count} snapshot(s) and the {whose} snapshot limit is {limit}"
                )));
            }
        }
        if count >= quota {
            return Err(HdfsError::snapshot(format!(
                "Failed to add snapshot: there are already {count} snapshot(s) and the snapshot quota is {quota}"
            )));
        }
        let root = snapshots.of(id);
        if root.and_then(|root| root.named(name)).is_some() {
            return Err(HdfsError::snapshot(format!(
                "Failed to add snapshot: there is already a snapshot with the same name \"{name}\"."
            )));
        }
        Ok(())
    }

    /// Deletes a snapshot, and what only it shows; only for the directory's owner.
    pub(crate) fn delete_snapshot(
        &self,
        call: &Call<'_>,
        request: DeleteSnapshotRequestProto,
    ) -> Result<DeleteSnapshotResponseProto, HdfsError> {
        let src = &request.snapshot_root;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("delete snapshot for {src}"))?;
        let path = ns.namespace().resolve(src)?;
        checker.check_change(ns.namespace(), &path, Need::OWNER)?;
        owned(&path)?;
        let root = snapshottable(&ns, &path)?;
        if root.is_none_or(|root| root.named(&request.snapshot_name).is_none()) {
            return Err(HdfsError::snapshot(format!(
                "Cannot delete snapshot {} from path {}: the snapshot does not exist.",
                request.snapshot_name,
                path.path()
            )));
        }
        let id = directory(&ns, &path)?;
        let snapshots = ns.namespace().snapshots();
        if let Some(marked) = snapshots.name_once_deleted(id, &request.snapshot_name)
            && root.is_some_and(|root| root.named(&marked).is_some())
        {
            return Err(HdfsError::snapshot(format!(
                "The snapshot {marked} already exists for directory {}",
                path.path()
            )));
        }
        ns.log(&Edit::DeleteSnapshot {
            snapshot_root: path.path().to_owned(),
            snapshot_name: request.snapshot_name,
            mtime: call.now.as_millis(),
            rpc: call.caller.into(),
        })?;
        Ok(DeleteSnapshotResponseProto {})
    }

    /// Renames a snapshot; only for the directory's owner.
    pub(crate) fn rename_snapshot(
        &self,
        call: &Call<'_>,
        request: RenameSnapshotRequestProto,
    ) -> Result<RenameSnapshotResponseProto, HdfsError> {
        let src = &request.snapshot_root;
        let (old, new) = (&*request.snapshot_old_name, &*request.snapshot_new_name);
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("rename snapshot for {src}"))?;
        let path = ns.namespace().resolve(src)?;
        checker.check_change(ns.namespace(), &path, Need::OWNER)?;
        owned(&path)?;
        self.check_snapshot_name(new, src)?;
        let root = snapshottable(&ns, &path)?;
        let has = |name: &str| root.is_some_and(|root| root.named(name).is_some());
        for (name, fits, what) in [
            (old, has(old), "does not exist"),
            (new, old == new || !has(new), "already exists"),
        ] {
            if !fits {
                return Err(HdfsError::snapshot(format!(
                    "The snapshot {name} {what} for directory {src}"
                )));
            }
        }
        if old != new {
            ns.log(&Edit::RenameSnapshot {
                snapshot_root: path.path().to_owned(),
                snapshot_old_name: old.to_owned(),
                snapshot_new_name: new.to_owned(),
                mtime: call.now.as_millis(),
                rpc: call.caller.into(),
            })?;
        }
        Ok(RenameSnapshotResponseProto {})
    }

    /// Fails if a snapshot cannot have this name (`verifySnapshotName`).
    fn check_snapshot_name(&self, name: &str, directory: &str) -> Result<(), HdfsError> {
        if name.contains('/') {
            return Err(HdfsError::hadoop_illegal_argument(
                "Snapshot name cannot contain \"/\"",
            ));
        }
        if name == ".snapshot" {
            return Err(HdfsError::hadoop_illegal_argument(
                "\".snapshot\" is a reserved name.",
            ));
        }
        check_component_length(name, || directory.to_owned(), &self.config)
    }
}

/// Fails for a path below `/.reserved`, which names no directory whose snapshots may be allowed.
fn check_no_alias(src: &str) -> Result<(), HdfsError> {
    if is_alias(src) {
        return Err(HdfsError::file_not_found(format!(
            "Directory does not exist: {src}"
        )));
    }
    Ok(())
}

/// Returns `sYYYYMMDD-HHMMSS.mmm`.
fn default_name(now: Timestamp) -> String {
    let date = date_in_words(now.as_millis());
    let digits: String = date.chars().filter(char::is_ascii_digit).collect();
    let (day, time) = digits.split_at(8.min(digits.len()));
    let time = time.get(..6).unwrap_or_default();
    format!("s{day}-{time}.{:03}", now.as_millis().rem_euclid(1000))
}

/// Returns true for a name that a component of a path may have (`isValidNameForComponent`).
fn is_valid_name(name: &str) -> bool {
    !matches!(name, "." | ".." | ".snapshot" | ".reserved") && !name.contains([':', '/'])
}

pub(super) fn not_snapshottable(path: &str) -> HdfsError {
    HdfsError::snapshot(format!(
        "Directory is not a snapshottable directory: {path}"
    ))
}

/// Returns the snapshots of the directory at a path's end; `None` for the root if none of it may be
/// taken. Fails for other directories of which none may be taken.
pub(super) fn snapshottable<'a>(
    ns: &'a Namesystem,
    path: &ResolvedPath<'_>,
) -> Result<Option<&'a Snapshottable>, HdfsError> {
    let id = directory(ns, path)?;
    let root = ns.namespace().snapshots().of(id);
    if path.is_snapshot() || root.is_none() && id != ROOT {
        return Err(not_snapshottable(path.path()));
    }
    Ok(root)
}

/// Returns the directory at a path's end (`INodeDirectory.valueOf`).
pub(super) fn directory(ns: &Namesystem, path: &ResolvedPath<'_>) -> Result<InodeId, HdfsError> {
    let id = path.last().ok_or_else(|| {
        HdfsError::file_not_found(format!("Directory does not exist: {}", path.path()))
    })?;
    if !path.view(ns.namespace()).inode(id).is_directory() {
        return Err(HdfsError::path_is_not_directory(format!(
            "`{}': Is not a directory",
            path.path()
        )));
    }
    Ok(id)
}

/// Fails if snapshots may be taken of a directory above or below this one.
fn check_not_nested(ns: &Namesystem, id: InodeId, path: &str) -> Result<(), HdfsError> {
    let namespace = ns.namespace();
    for (root, _) in namespace
        .snapshots()
        .roots()
        .filter(|(root, _)| *root != id)
    {
        let relation = if namespace.is_within(root, id) {
            "subdirectory"
        } else if namespace.is_within(id, root) {
            "ancestor"
        } else {
            continue;
        };
        return Err(HdfsError::snapshot(format!(
            "Nested snapshottable directories not allowed: path={path}, the {relation} {} is already a snapshottable directory.",
            namespace.full_path(root)
        )));
    }
    Ok(())
}

/// Fails if a subtree has snapshots, and so can be neither removed nor moved
/// (`FSDirSnapshotOp.checkSnapshot`).
pub(super) fn check_no_snapshots(ns: &Namesystem, top: InodeId) -> Result<(), HdfsError> {
    let Some(root) = ns.namespace().with_snapshots_within(top) else {
        return Ok(());
    };
    let path = ns.namespace().full_path(root);
    Err(HdfsError::snapshot(format!(
        "The directory {path} cannot be deleted since {path} is snapshottable and already has snapshots"
    )))
}

/// Fails if a rename would put directories of which snapshots may be taken into another
/// (`validateNestSnapshot`).
pub(super) fn check_nesting(
    ns: &Namesystem,
    id: InodeId,
    new_parent: InodeId,
    src: &ResolvedPath<'_>,
) -> Result<(), HdfsError> {
    let namespace = ns.namespace();
    let mut roots = namespace.snapshots().roots();
    let holds_some = roots.any(|(root, _)| namespace.is_within(root, id));
    let mut roots = namespace.snapshots().roots();
    // The root could have snapshots, and counts even if it has none.
    let is_nested =
        new_parent == ROOT || roots.any(|(root, _)| namespace.is_within(new_parent, root));
    if !holds_some || !is_nested {
        return Ok(());
    }
    Err(HdfsError::snapshot(format!(
        "Unable to rename because {} has snapshottable descendant directories and {} is a descent of a snapshottable directory, and HDFS does not support nested snapshottable directory.",
        src.path(),
        namespace.full_path(new_parent)
    )))
}

/// Fails if a rename leads out of a directory with snapshots, or into one, where each has its own
/// trash and its snapshots are removed in order (`checkUnderSameSnapshottableRoot`).
pub(super) fn check_same_root(
    ns: &Namesystem,
    settings: &SnapshotSettings,
    src: (InodeId, &ResolvedPath<'_>),
    dst: (InodeId, &ResolvedPath<'_>),
) -> Result<(), HdfsError> {
    if !settings.deletion_ordered || !settings.trash_root {
        return Ok(());
    }
    let root = |id: InodeId| {
        let namespace = ns.namespace();
        let directory = match namespace.inode(id) {
            inode if inode.is_directory() => id,
            inode => inode.parent,
        };
        let roots = namespace.snapshots().roots();
        let mut roots = roots.filter(|(root, _)| namespace.is_within(directory, *root));
        roots.next().map(|(root, _)| root)
    };
    if root(src.0) == root(dst.0) {
        return Ok(());
    }
    Err(HdfsError::snapshot(format!(
        "Source {} and dest {} are not under the same snapshot root.",
        src.1.path(),
        dst.1.path()
    )))
}
