//! Snapshots, which are not supported: no directory can be made snapshottable, and the other
//! responses are those for directories that are not.

use super::attributes::owned;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{Need, PermissionChecker};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::inode::ROOT;
use crate::namenode::state::namespace::ResolvedPath;
use crate::proto::hdfs::{
    AllowSnapshotRequestProto, AllowSnapshotResponseProto, CreateSnapshotRequestProto,
    CreateSnapshotResponseProto, DeleteSnapshotRequestProto, DeleteSnapshotResponseProto,
    DisallowSnapshotRequestProto, DisallowSnapshotResponseProto,
    GetSnapshotDiffReportListingRequestProto, GetSnapshotDiffReportListingResponseProto,
    GetSnapshotDiffReportRequestProto, GetSnapshotDiffReportResponseProto,
    GetSnapshotListingRequestProto, GetSnapshotListingResponseProto,
    GetSnapshottableDirListingRequestProto, GetSnapshottableDirListingResponseProto,
    RenameSnapshotRequestProto, RenameSnapshotResponseProto,
};
use crate::rpc::Call;

impl NameNode {
    /// Fails, because snapshots are not supported.
    pub(crate) fn allow_snapshot(
        &self,
        call: &Call<'_>,
        request: AllowSnapshotRequestProto,
    ) -> Result<AllowSnapshotResponseProto, HdfsError> {
        self.checker(call).check_superuser("allowSnapshot")?;
        Err(HdfsError::unsupported_operation(format!(
            "Snapshots are not supported: {} cannot be made snapshottable",
            request.snapshot_root
        )))
    }

    /// Does nothing for a directory, because none is snapshottable.
    pub(crate) fn disallow_snapshot(
        &self,
        call: &Call<'_>,
        request: DisallowSnapshotRequestProto,
    ) -> Result<DisallowSnapshotResponseProto, HdfsError> {
        let checker = self.checker(call);
        checker.check_superuser("disallowSnapshot")?;
        let ns = self.lock_to_write(format_args!(
            "disallow snapshot for {}",
            request.snapshot_root
        ))?;
        let path = ns.namespace().resolve(&request.snapshot_root)?;
        checker.check_change(ns.namespace(), &path, Need::TRAVERSE)?;
        check_directory(&ns, &path)?;
        Ok(DisallowSnapshotResponseProto {})
    }

    /// Fails, because no directory is snapshottable.
    pub(crate) fn create_snapshot(
        &self,
        call: &Call<'_>,
        request: CreateSnapshotRequestProto,
    ) -> Result<CreateSnapshotResponseProto, HdfsError> {
        Err(self.not_snapshottable(call, "create", &request.snapshot_root))
    }

    /// Fails, because no directory is snapshottable.
    pub(crate) fn delete_snapshot(
        &self,
        call: &Call<'_>,
        request: DeleteSnapshotRequestProto,
    ) -> Result<DeleteSnapshotResponseProto, HdfsError> {
        Err(self.not_snapshottable(call, "delete", &request.snapshot_root))
    }

    /// Fails, because no directory is snapshottable.
    pub(crate) fn rename_snapshot(
        &self,
        call: &Call<'_>,
        request: RenameSnapshotRequestProto,
    ) -> Result<RenameSnapshotResponseProto, HdfsError> {
        Err(self.not_snapshottable(call, "rename", &request.snapshot_root))
    }

    /// Returns the refusal of an owner's change to the snapshots of a directory.
    fn not_snapshottable(&self, call: &Call<'_>, verb: &str, root: &str) -> HdfsError {
        let refused = || -> Result<HdfsError, HdfsError> {
            let checker = self.checker(call);
            let ns = self.lock_to_write(format_args!("{verb} snapshot for {root}"))?;
            let path = ns.namespace().resolve(root)?;
            checker.check_change(ns.namespace(), &path, Need::OWNER)?;
            owned(&path)?;
            check_directory(&ns, &path)?;
            Ok(HdfsError::snapshot(format!(
                "Directory is not a snapshottable directory: {}",
                path.path()
            )))
        };
        refused().unwrap_or_else(|earlier| earlier)
    }

    /// Returns nothing: there are no snapshottable directories.
    pub(crate) fn get_snapshottable_dir_listing(
        &self,
        _call: &Call<'_>,
        _request: GetSnapshottableDirListingRequestProto,
    ) -> Result<GetSnapshottableDirListingResponseProto, HdfsError> {
        Ok(GetSnapshottableDirListingResponseProto {
            snapshottable_dir_list: None,
        })
    }

    /// Fails, because no directory is snapshottable.
    pub(crate) fn get_snapshot_listing(
        &self,
        call: &Call<'_>,
        request: GetSnapshotListingRequestProto,
    ) -> Result<GetSnapshotListingResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let path = traversed(&ns, &checker, &request.snapshot_root)?;
        check_directory(&ns, &path)?;
        Err(HdfsError::snapshot(format!(
            "Directory is not a snapshottable directory: {}",
            path.path()
        )))
    }

    /// Fails, because no directory is in a snapshottable one.
    pub(crate) fn get_snapshot_diff_report(
        &self,
        call: &Call<'_>,
        request: GetSnapshotDiffReportRequestProto,
    ) -> Result<GetSnapshotDiffReportResponseProto, HdfsError> {
        Err(self.no_diff(call, &request.snapshot_root))
    }

    /// Fails, because no directory is in a snapshottable one.
    pub(crate) fn get_snapshot_diff_report_listing(
        &self,
        call: &Call<'_>,
        request: GetSnapshotDiffReportListingRequestProto,
    ) -> Result<GetSnapshotDiffReportListingResponseProto, HdfsError> {
        Err(self.no_diff(call, &request.snapshot_root))
    }

    fn no_diff(&self, call: &Call<'_>, root: &str) -> HdfsError {
        let checker = self.checker(call);
        let ns = self.read();
        let refused = || -> Result<HdfsError, HdfsError> {
            let path = traversed(&ns, &checker, root)?;
            // The root counts as a snapshottable directory without room for snapshots, so the
            // next check is the one that fails right below it.
            if path.parent() == Some(ROOT) {
                check_directory(&ns, &path)?;
            }
            // Names of snapshots are resolved below the path.
            if path
                .last()
                .is_some_and(|id| !ns.namespace().inode(id).is_directory())
            {
                return Err(HdfsError::access_control(format!(
                    "{} (is not a directory)",
                    path.path()
                )));
            }
            Ok(HdfsError::snapshot(format!(
                "The path {} is neither snapshottable nor under a snapshot root!",
                path.path()
            )))
        };
        refused().unwrap_or_else(|earlier| earlier)
    }
}

fn traversed<'a>(
    ns: &Namesystem,
    checker: &PermissionChecker<'_>,
    src: &'a str,
) -> Result<ResolvedPath<'a>, HdfsError> {
    let path = ns.namespace().resolve(src)?;
    checker.check(ns.namespace(), &path, Need::TRAVERSE)?;
    Ok(path)
}

/// Fails if there is no directory at a path's end (`INodeDirectory.valueOf`).
fn check_directory(ns: &Namesystem, path: &ResolvedPath<'_>) -> Result<(), HdfsError> {
    match path.last() {
        None => Err(HdfsError::file_not_found(format!(
            "Directory does not exist: {}",
            path.path()
        ))),
        Some(id) if !ns.namespace().inode(id).is_directory() => Err(
            HdfsError::path_is_not_directory(format!("`{}': Is not a directory", path.path())),
        ),
        Some(_) => Ok(()),
    }
}
