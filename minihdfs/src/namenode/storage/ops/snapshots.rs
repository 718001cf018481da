//! Operations on snapshots.

use crate::HdfsError;
use crate::namenode::edit::Edit;
use crate::namenode::storage::fields::{
    Reader, read_long, read_rpc_ids, read_string, write_long, write_rpc_ids, write_string,
};
use crate::namenode::storage::layout_version::{SNAPSHOT_MODIFICATION_TIME, has};
use crate::namenode::storage::op_code::OpCode;

pub(super) fn write(edit: &Edit, out: &mut Vec<u8>) {
    match edit {
        Edit::AllowSnapshot { snapshot_root } | Edit::DisallowSnapshot { snapshot_root } => {
            write_string(snapshot_root, out);
        }
        Edit::CreateSnapshot {
            snapshot_root,
            snapshot_name,
            mtime,
            rpc,
        }
        | Edit::DeleteSnapshot {
            snapshot_root,
            snapshot_name,
            mtime,
            rpc,
        } => {
            write_string(snapshot_root, out);
            write_string(snapshot_name, out);
            write_long(*mtime, out);
            write_rpc_ids(*rpc, out);
        }
        Edit::RenameSnapshot {
            snapshot_root,
            snapshot_old_name,
            snapshot_new_name,
            mtime,
            rpc,
        } => {
            write_string(snapshot_root, out);
            write_string(snapshot_old_name, out);
            write_string(snapshot_new_name, out);
            write_long(*mtime, out);
            write_rpc_ids(*rpc, out);
        }
        _ => {}
    }
}

pub(super) fn read(
    code: OpCode,
    layout_version: i32,
    reader: &mut Reader<'_>,
) -> Result<Option<Edit>, HdfsError> {
    const ROOT: &str = "the directory";
    const NAME: &str = "the snapshot";
    let read_mtime = |reader: &mut Reader<'_>| match has(layout_version, SNAPSHOT_MODIFICATION_TIME)
    {
        true => read_long(reader, "the modification time"),
        // As Hadoop 3 does with edits of Hadoop 2.
        false => Ok(0),
    };
    Ok(Some(match code {
        OpCode::ALLOW_SNAPSHOT => Edit::AllowSnapshot {
            snapshot_root: read_string(reader, ROOT)?,
        },
        OpCode::DISALLOW_SNAPSHOT => Edit::DisallowSnapshot {
            snapshot_root: read_string(reader, ROOT)?,
        },
        OpCode::CREATE_SNAPSHOT => Edit::CreateSnapshot {
            snapshot_root: read_string(reader, ROOT)?,
            snapshot_name: read_string(reader, NAME)?,
            mtime: read_mtime(reader)?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::DELETE_SNAPSHOT => Edit::DeleteSnapshot {
            snapshot_root: read_string(reader, ROOT)?,
            snapshot_name: read_string(reader, NAME)?,
            mtime: read_mtime(reader)?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::RENAME_SNAPSHOT => Edit::RenameSnapshot {
            snapshot_root: read_string(reader, ROOT)?,
            snapshot_old_name: read_string(reader, NAME)?,
            snapshot_new_name: read_string(reader, "the snapshot's new name")?,
            mtime: read_mtime(reader)?,
            rpc: read_rpc_ids(reader)?,
        },
        _ => return Ok(None),
    }))
}
