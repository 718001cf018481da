//! Reading files and directories in snapshots.

use bytes::Bytes;
use kerbox_krb5::Timestamp;

use super::status::{BlockRange, nameless_directory};
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::inode_status::{attributes_status, inode_status};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::lengths::add;
use crate::namenode::state::name::Name;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::namenode::state::snapshot::view::View;
use crate::proto::hdfs::{DirectoryListingProto, HdfsFileStatusProto, LocatedBlocksProto};

/// The permissions of `.snapshot`, which is no inode.
const DOT_SNAPSHOT: u32 = 0o777;

impl NameNode {
    /// Returns the status of an inode in a view of the tree.
    pub(crate) fn file_status_in(
        &self,
        ns: &Namesystem,
        view: View<'_>,
        id: InodeId,
        name: Bytes,
    ) -> HdfsFileStatusProto {
        inode_status(view, id, ns.length_in(view, id), name)
    }

    /// Returns the blocks of a file in a view of the tree that overlap the range, for `reader`;
    /// without a reader the tokens are empty. A block may have grown since a snapshot was taken;
    /// the length of the file says how much of it is meant.
    pub(crate) fn located_blocks_in(
        &self,
        now: Timestamp,
        ns: &Namesystem,
        (view, file): (View<'_>, InodeId),
        range: BlockRange,
        reader: Option<&str>,
    ) -> LocatedBlocksProto {
        if view.snapshot().is_none() {
            return self.located_blocks(now, ns, file, range, reader);
        }
        let file_length = ns.length_in(view, file);
        let mut located = LocatedBlocksProto {
            file_length,
            ..LocatedBlocksProto::default()
        };
        let mut position = 0_u64;
        for info in ns.blocks_in(view, file) {
            let length = info.block().length;
            let next = add(position, length);
            let any = !located.blocks.is_empty();
            if position < file_length && range.has(position, next, any) {
                let block = self.locate(now, ns, info, position, reader);
                located.blocks.push(block);
            }
            if located.last_block.is_none() && next >= file_length {
                located.last_block = Some(self.locate(now, ns, info, position, reader));
                located.is_last_block_complete = true;
            }
            position = next;
        }
        located
    }
}

/// Returns the status of `.snapshot` if the path ends with it, in a directory of which snapshots
/// may be taken.
pub(super) fn dot_snapshot_status(path: &ResolvedPath<'_>) -> Option<HdfsFileStatusProto> {
    path.directory_of_snapshots()
        .map(|_| nameless_directory(DOT_SNAPSHOT))
}

/// Lists the snapshots of a directory if the path ends with `.snapshot`. Fails if none may be
/// taken of it.
pub(super) fn list_snapshots(
    ns: &Namesystem,
    path: &ResolvedPath<'_>,
    start_after: &str,
    limit: usize,
) -> Result<Option<DirectoryListingProto>, HdfsError> {
    let Some(directory) = path.path().strip_suffix("/.snapshot") else {
        return Ok(None);
    };
    let Some(root) = path.directory_of_snapshots() else {
        if path.parent().is_none() {
            return Err(HdfsError::file_not_found(format!(
                "Directory does not exist: {directory}"
            )));
        }
        return Err(HdfsError::snapshot(format!(
            "Directory is not a snapshottable directory: {directory}"
        )));
    };
    let snapshots = ns.namespace().snapshots().of(root).into_iter();
    let snapshots = snapshots.flat_map(|root| root.by_name());
    let mut rest = snapshots.filter(|(_, snapshot)| Name(&*snapshot.root.name) > Name(start_after));
    let view = ns.namespace().view(None);
    let page = rest.by_ref().take(limit).map(|(_, snapshot)| {
        let name = Bytes::copy_from_slice(snapshot.root.name.as_bytes());
        // The number of children is that of the present directory, as in Hadoop.
        let children = view.children_len(root);
        attributes_status(&snapshot.root, name, children)
    });
    Ok(Some(DirectoryListingProto {
        partial_listing: page.collect(),
        remaining_entries: u32::try_from(rest.count()).unwrap_or(u32::MAX),
    }))
}
