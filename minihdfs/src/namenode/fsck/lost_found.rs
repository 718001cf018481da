//! What `-move` saves of a corrupt file (Hadoop's `copyBlocksToLostFound`).

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::path::join;
use crate::proto::hdfs::hdfs_file_status_proto::FileType;
use crate::proto::hdfs::{
    FsPermissionProto, GetFileInfoRequestProto, HdfsFileStatusProto, MkdirsRequestProto,
};
use crate::rpc::Call;

/// The folder for what is left of corrupt files.
const LOST_FOUND: &str = "/lost+found";
/// The permission of that folder.
const PERMISSION: u32 = 0o755;

/// What is left of a corrupt file, and the folder that it is copied to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Remains {
    /// The path of the file.
    pub(crate) path: String,
    /// The folder, which exists. Blocks that follow each other become a file, called 0, 1, ….
    pub(crate) target: String,
    /// The offset and length of each block; `None` for one without a replica.
    pub(crate) blocks: Vec<Option<(u64, u64)>>,
}

/// Makes the folder for a file; `None` if it has been there before.
pub(super) fn prepare(
    namenode: &NameNode,
    call: &Call<'_>,
    path: &str,
    status: &HdfsFileStatusProto,
    blocks: Vec<Option<(u64, u64)>>,
) -> Result<Option<Remains>, HdfsError> {
    match find(namenode, call, LOST_FOUND)? {
        Some(found) if found.file_type() != FileType::IsDir => {
            let why = "failed to initialize lost+found: it is a file";
            return Err(HdfsError::io(why));
        }
        Some(_) => {}
        None => make(namenode, call, LOST_FOUND, PERMISSION)?,
    }
    let target = join(LOST_FOUND, path.trim_start_matches('/'));
    if find(namenode, call, &target)?.is_some() {
        tracing::warn!(path, target, "what is left of the file was copied before");
        return Ok(None);
    }
    make(namenode, call, &target, status.permission.perm)?;
    Ok(Some(Remains {
        path: path.to_owned(),
        target,
        blocks,
    }))
}

fn find(
    namenode: &NameNode,
    call: &Call<'_>,
    path: &str,
) -> Result<Option<HdfsFileStatusProto>, HdfsError> {
    let request = GetFileInfoRequestProto {
        src: path.to_owned(),
    };
    Ok(namenode.get_file_info(call, request)?.fs)
}

fn make(namenode: &NameNode, call: &Call<'_>, path: &str, perm: u32) -> Result<(), HdfsError> {
    let request = MkdirsRequestProto {
        src: path.to_owned(),
        masked: FsPermissionProto { perm },
        create_parent: true,
        unmasked: None,
    };
    namenode.mkdirs(call, request).map(drop)
}
