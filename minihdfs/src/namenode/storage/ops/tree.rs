//! Operations on the tree: adding, moving, removing.

use crate::HdfsError;
use crate::namenode::edit::Edit;
use crate::namenode::storage::fields::{
    Reader, read_acl, read_bytes, read_long, read_message, read_permissions, read_rpc_ids,
    read_string, read_strings, read_unsigned, write_acl, write_bytes, write_long, write_message,
    write_permissions, write_rpc_ids, write_string, write_strings, write_unsigned,
};
use crate::namenode::storage::op_code::OpCode;
use crate::proto::hdfs::XAttrEditLogProto;

/// `Options.Rename`: what may happen to the destination.
const RENAME_NONE: u8 = 0;
const RENAME_OVERWRITE: u8 = 1;
const RENAME_TO_TRASH: u8 = 2;

pub(super) fn write(edit: &Edit, out: &mut Vec<u8>) {
    match edit {
        Edit::Mkdir { .. } | Edit::Symlink { .. } => write_new(edit, out),
        Edit::RenameOld {
            src,
            dst,
            timestamp,
            rpc,
        } => {
            write_string(src, out);
            write_string(dst, out);
            write_long(*timestamp, out);
            write_rpc_ids(*rpc, out);
        }
        Edit::Rename {
            src,
            dst,
            timestamp,
            overwrite,
            rpc,
        } => {
            write_string(src, out);
            write_string(dst, out);
            write_long(*timestamp, out);
            let option = if *overwrite {
                RENAME_OVERWRITE
            } else {
                RENAME_NONE
            };
            write_bytes(&[option], out);
            write_rpc_ids(*rpc, out);
        }
        Edit::Delete {
            path,
            timestamp,
            rpc,
        } => {
            write_string(path, out);
            write_long(*timestamp, out);
            write_rpc_ids(*rpc, out);
        }
        Edit::ConcatDelete {
            trg,
            srcs,
            timestamp,
            rpc,
        } => {
            write_string(trg, out);
            write_strings(srcs, out);
            write_long(*timestamp, out);
            write_rpc_ids(*rpc, out);
        }
        _ => {}
    }
}

/// Writes the operations that make an inode.
fn write_new(edit: &Edit, out: &mut Vec<u8>) {
    match edit {
        Edit::Mkdir {
            inode_id,
            path,
            timestamp,
            permissions,
            acl,
        } => {
            write_unsigned(*inode_id, out);
            write_string(path, out);
            write_long(*timestamp, out);
            // The access time, which directories do not have.
            write_long(*timestamp, out);
            write_permissions(permissions, out);
            write_acl(acl, out);
            write_message(&XAttrEditLogProto::default(), out);
        }
        Edit::Symlink {
            inode_id,
            path,
            value,
            mtime,
            atime,
            permissions,
            rpc,
        } => {
            write_unsigned(*inode_id, out);
            write_string(path, out);
            write_string(value, out);
            write_long(*mtime, out);
            write_long(*atime, out);
            write_permissions(permissions, out);
            write_rpc_ids(*rpc, out);
        }
        _ => {}
    }
}

pub(super) fn read(code: OpCode, reader: &mut Reader<'_>) -> Result<Option<Edit>, HdfsError> {
    Ok(Some(match code {
        OpCode::MKDIR => read_mkdir(reader)?,
        OpCode::SYMLINK => Edit::Symlink {
            inode_id: read_unsigned(reader, "the inode's id")?,
            path: read_string(reader, "the path")?,
            value: read_string(reader, "the target")?,
            mtime: read_long(reader, "the modification time")?,
            atime: read_long(reader, "the access time")?,
            permissions: read_permissions(reader)?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::RENAME_OLD => Edit::RenameOld {
            src: read_string(reader, "the source")?,
            dst: read_string(reader, "the destination")?,
            timestamp: read_long(reader, "the time")?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::RENAME => Edit::Rename {
            src: read_string(reader, "the source")?,
            dst: read_string(reader, "the destination")?,
            timestamp: read_long(reader, "the time")?,
            overwrite: read_overwrite(reader)?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::DELETE => Edit::Delete {
            path: read_string(reader, "the path")?,
            timestamp: read_long(reader, "the time")?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::CONCAT_DELETE => Edit::ConcatDelete {
            trg: read_string(reader, "the target")?,
            srcs: read_strings(reader, "the sources")?,
            timestamp: read_long(reader, "the time")?,
            rpc: read_rpc_ids(reader)?,
        },
        _ => return Ok(None),
    }))
}

fn read_mkdir(reader: &mut Reader<'_>) -> Result<Edit, HdfsError> {
    let inode_id = read_unsigned(reader, "the inode's id")?;
    let path = read_string(reader, "the path")?;
    let timestamp = read_long(reader, "the modification time")?;
    read_long(reader, "the access time")?;
    let permissions = read_permissions(reader)?;
    let acl = read_acl(reader)?;
    let attributes: XAttrEditLogProto = read_message(reader, "the extended attributes")?;
    if !attributes.x_attrs.is_empty() {
        return Err(HdfsError::unsupported_operation(format!(
            "OP_MKDIR of {path} with extended attributes is not served"
        )));
    }
    Ok(Edit::Mkdir {
        inode_id,
        path,
        timestamp,
        permissions,
        acl,
    })
}

/// Reads the options of a rename. The trash is the client's matter, which has moved the
/// destination there before.
fn read_overwrite(reader: &mut Reader<'_>) -> Result<bool, HdfsError> {
    let options = read_bytes(reader, "the options")?;
    for option in options {
        if !matches!(*option, RENAME_NONE | RENAME_OVERWRITE | RENAME_TO_TRASH) {
            return Err(HdfsError::io(format!("a rename has the option {option}")));
        }
    }
    Ok(options.contains(&RENAME_OVERWRITE))
}
