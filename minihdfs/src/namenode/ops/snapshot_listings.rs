//! Lists of directories with snapshots, and of their snapshots (`FSDirSnapshotOp`).

use bytes::Bytes;

use super::snapshots::{directory, snapshottable};
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::inode_status::attributes_status;
use crate::namenode::state::inode::{InodeId, PERMISSION_BITS, ROOT};
use crate::namenode::state::name::Name;
use crate::namenode::state::snapshot::view::View;
use crate::proto::hdfs::{
    GetSnapshotListingRequestProto, GetSnapshotListingResponseProto,
    GetSnapshottableDirListingRequestProto, GetSnapshottableDirListingResponseProto,
    HdfsFileStatusProto, SnapshotListingProto, SnapshotStatusProto,
    SnapshottableDirectoryListingProto, SnapshottableDirectoryStatusProto,
};
use crate::rpc::Call;

impl NameNode {
    /// Lists the directories of which snapshots may be taken: all to the superuser, others see
    /// those that they own.
    pub(crate) fn get_snapshottable_dir_listing(
        &self,
        call: &Call<'_>,
        _request: GetSnapshottableDirListingRequestProto,
    ) -> Result<GetSnapshottableDirListingResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let snapshots = ns.namespace().snapshots();
        if snapshots.roots().next().is_none() {
            return Ok(GetSnapshottableDirListingResponseProto::default());
        }
        let view = ns.namespace().view(None);
        let owned = |id: InodeId| checker.is_superuser() || view.inode(id).owner == *checker.user();
        let roots = snapshots.roots().filter(|(id, _)| owned(*id));
        let mut listing: Vec<_> = roots
            .map(|(id, root)| {
                let inode = view.inode(id);
                let name = Bytes::copy_from_slice(inode.name.as_bytes());
                SnapshottableDirectoryStatusProto {
                    dir_status: plain_status(view, id, name),
                    snapshot_quota: root.quota,
                    snapshot_number: root.len() as u32,
                    parent_fullpath: parent_path(view, id),
                }
            })
            .collect();
        listing.sort_by_cached_key(|it| {
            let path = (it.parent_fullpath.clone(), it.dir_status.path.clone());
            (Name(path.0), Name(path.1))
        });
        Ok(GetSnapshottableDirListingResponseProto {
            snapshottable_dir_list: Some(SnapshottableDirectoryListingProto {
                snapshottable_dir_listing: listing,
            }),
        })
    }

    /// Lists the snapshots of a directory.
    pub(crate) fn get_snapshot_listing(
        &self,
        call: &Call<'_>,
        request: GetSnapshotListingRequestProto,
    ) -> Result<GetSnapshotListingResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(&request.snapshot_root)?;
        checker.check_way_without_caller(ns.namespace(), &path)?;
        checker.check(ns.namespace(), &path, Need::path(FsAction::READ))?;
        let id = directory(&ns, &path)?;
        let snapshots = snapshottable(&ns, &path)?.into_iter();
        let view = ns.namespace().view(None);
        let children = view.children_len(id);
        let listing = snapshots.flat_map(|root| root.by_name());
        let listing = listing.map(|(snapshot_id, snapshot)| {
            let name = Bytes::copy_from_slice(snapshot.root.name.as_bytes());
            SnapshotStatusProto {
                dir_status: plain(attributes_status(&snapshot.root, name, children)),
                snapshot_id,
                parent_fullpath: Bytes::from(view.full_path(id)),
                is_deleted: snapshot.is_deleted(),
            }
        });
        Ok(GetSnapshotListingResponseProto {
            snapshot_list: Some(SnapshotListingProto {
                snapshot_listing: listing.collect(),
            }),
        })
    }
}

/// Returns the status of a directory in a list of directories.
fn plain_status(view: View<'_>, id: InodeId, name: Bytes) -> HdfsFileStatusProto {
    plain(attributes_status(
        view.inode(id),
        name,
        view.children_len(id),
    ))
}

/// Returns a status without what it says of an access control list: Hadoop's listings of snapshots
/// say nothing of one.
fn plain(mut status: HdfsFileStatusProto) -> HdfsFileStatusProto {
    status.permission.perm &= u32::from(PERMISSION_BITS);
    status.flags = Some(0);
    status
}

fn parent_path(view: View<'_>, id: InodeId) -> Bytes {
    if id == ROOT {
        return Bytes::new();
    }
    view.full_path(view.inode(id).parent).into()
}
