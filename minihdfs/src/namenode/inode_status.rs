//! The status of an inode as responses show it.

use bytes::Bytes;

use crate::namenode::state::inode::{Inode, InodeId, InodeKind};
use crate::namenode::state::snapshot::view::View;
use crate::proto::hdfs::hdfs_file_status_proto::{FileType, Flags};
use crate::proto::hdfs::{FsPermissionProto, HdfsFileStatusProto};

/// Returns the status of an inode; `length` is a file's. `name` stands for its path and is empty in
/// most responses.
pub(crate) fn inode_status(
    view: View<'_>,
    id: InodeId,
    length: u64,
    name: Bytes,
) -> HdfsFileStatusProto {
    let inode = view.inode(id);
    let children = if inode.is_directory() {
        view.children_len(id)
    } else {
        0
    };
    let mut status = attributes_status(inode, name, children);
    if inode.as_file().is_some() {
        status.length = length;
    }
    if inode.is_directory() && view.is_snapshottable(id) {
        status.flags = Some(status.flags() | Flags::SnapshotEnabled as u32);
    }
    status.storage_policy = Some(view.storage_policy(id).into());
    status
}

/// The bit of a permission in messages that says that there is an ACL. Clients older than Hadoop 3
/// look at it alone (`FsPermissionExtension`); later ones look at the status' flags.
const ACL_BIT: u32 = 1 << 12;

/// Returns the part of an inode's status that its attributes say.
pub(crate) fn attributes_status(
    inode: &Inode,
    name: Bytes,
    children: usize,
) -> HdfsFileStatusProto {
    let (acl_bit, flags) = if inode.acl().is_empty() {
        (0, 0)
    } else {
        (ACL_BIT, Flags::HasAcl as u32)
    };
    let mut status = HdfsFileStatusProto {
        file_type: FileType::IsDir.into(),
        path: name,
        length: 0,
        permission: FsPermissionProto {
            perm: u32::from(inode.mode) | acl_bit,
        },
        owner: inode.owner.as_ref().to_owned(),
        group: inode.group.as_ref().to_owned(),
        modification_time: inode.modification_time.cast_unsigned(),
        access_time: inode.access_time.cast_unsigned(),
        file_id: Some(inode.id),
        storage_policy: Some(0),
        flags: Some(flags),
        ..HdfsFileStatusProto::default()
    };
    match &inode.kind {
        InodeKind::Directory(_) => {
            status.children_num = i32::try_from(children).ok();
            status.block_replication = Some(0);
            status.blocksize = Some(0);
        }
        InodeKind::File(file) => {
            status.file_type = FileType::IsFile.into();
            status.children_num = Some(0);
            status.block_replication = Some(file.replication.into());
            status.blocksize = Some(file.block_size);
        }
        InodeKind::Symlink(target) => {
            status.file_type = FileType::IsSymlink.into();
            status.symlink = Some(Bytes::copy_from_slice(target.as_bytes()));
            status.children_num = Some(0);
            status.block_replication = Some(0);
            status.blocksize = Some(0);
        }
    }
    status
}
