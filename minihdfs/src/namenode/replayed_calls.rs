//! The responses to calls whose edits are replayed, for clients that repeat such a call after the
//! NameNode was restarted (`FSEditLogLoader`'s `addCacheEntry`).

use bytes::Bytes;
use prost::Message;

use crate::namenode::edit::{Edit, RpcIds};
use crate::namenode::inode_status::inode_status;
use crate::namenode::path;
use crate::namenode::state::State;
use crate::proto::hdfs::{
    ConcatResponseProto, CreateResponseProto, CreateSnapshotResponseProto, DeleteResponseProto,
    DeleteSnapshotResponseProto, RemoveXAttrResponseProto, Rename2ResponseProto,
    RenameResponseProto, RenameSnapshotResponseProto, SetXAttrResponseProto,
    UpdatePipelineResponseProto,
};

/// Returns the encoded response to the call that made an edit, and the call's ids. `state` is the
/// state after the edit. The response to an append is `None`, since it names the DataNodes of the
/// last block, which are unknown before they report.
pub(super) fn response(edit: &Edit, state: &State) -> Option<(RpcIds, Option<Vec<u8>>)> {
    let rpc = edit.rpc_ids()?;
    let response = match edit {
        Edit::Add { file, .. } => {
            let view = state.namespace().view(None);
            let status = inode_status(view, file.inode_id, 0, Bytes::new());
            CreateResponseProto { fs: Some(status) }.encode_length_delimited_to_vec()
        }
        Edit::Delete { .. } => {
            DeleteResponseProto { result: true }.encode_length_delimited_to_vec()
        }
        Edit::RenameOld { .. } => {
            RenameResponseProto { result: true }.encode_length_delimited_to_vec()
        }
        Edit::Rename { .. } => Rename2ResponseProto {}.encode_length_delimited_to_vec(),
        Edit::ConcatDelete { .. } => ConcatResponseProto {}.encode_length_delimited_to_vec(),
        Edit::SetXAttr { .. } => SetXAttrResponseProto {}.encode_length_delimited_to_vec(),
        Edit::RemoveXAttr { .. } => RemoveXAttrResponseProto {}.encode_length_delimited_to_vec(),
        Edit::CreateSnapshot {
            snapshot_root,
            snapshot_name,
            ..
        } => {
            let snapshot_path = path::snapshot_path(snapshot_root, snapshot_name);
            CreateSnapshotResponseProto { snapshot_path }.encode_length_delimited_to_vec()
        }
        Edit::DeleteSnapshot { .. } => {
            DeleteSnapshotResponseProto {}.encode_length_delimited_to_vec()
        }
        Edit::RenameSnapshot { .. } => {
            RenameSnapshotResponseProto {}.encode_length_delimited_to_vec()
        }
        Edit::UpdateBlocks { .. } => {
            UpdatePipelineResponseProto {}.encode_length_delimited_to_vec()
        }
        Edit::Append { .. } => return Some((rpc, None)),
        _ => return None,
    };
    Some((rpc, Some(response)))
}
