//! Operations on files: opening, closing, blocks, leases.

use crate::HdfsError;
use crate::namenode::edit::{Edit, FileFields, RpcIds};
use crate::namenode::storage::fields::{
    Reader, read_acl, read_blocks, read_boolean, read_compact_blocks, read_long, read_message,
    read_permissions, read_rpc_ids, read_short, read_string, read_unsigned, write_acl,
    write_blocks, write_boolean, write_compact_blocks, write_long, write_message,
    write_permissions, write_rpc_ids, write_short, write_string, write_unsigned,
};
use crate::namenode::storage::layout_version::{ERASURE_CODING, has};
use crate::namenode::storage::op_code::OpCode;
use crate::proto::hdfs::XAttrEditLogProto;
use crate::protocol::Block;

pub(super) fn write(edit: &Edit, out: &mut Vec<u8>) {
    match edit {
        Edit::Add { .. } => write_add(edit, out),
        Edit::Close(file) => write_file(file, out),
        Edit::Append {
            path,
            client_name,
            client_machine,
            new_block,
            rpc,
        } => {
            write_string(path, out);
            write_string(client_name, out);
            write_string(client_machine, out);
            write_boolean(*new_block, out);
            write_rpc_ids(*rpc, out);
        }
        Edit::AllocateBlockId(number) | Edit::SetGenstampV2(number) => {
            write_unsigned(*number, out);
        }
        Edit::AddBlock {
            path,
            penultimate,
            last,
            rpc,
        } => {
            write_string(path, out);
            let blocks: Vec<Block> = penultimate.iter().chain([last]).copied().collect();
            write_compact_blocks(&blocks, out);
            write_rpc_ids(*rpc, out);
        }
        Edit::UpdateBlocks { path, blocks, rpc } => {
            write_string(path, out);
            write_compact_blocks(blocks, out);
            write_rpc_ids(*rpc, out);
        }
        Edit::Truncate { .. } => write_truncate(edit, out),
        Edit::ReassignLease {
            lease_holder,
            path,
            new_holder,
        } => {
            write_string(lease_holder, out);
            write_string(path, out);
            write_string(new_holder, out);
        }
        _ => {}
    }
}

pub(super) fn read(
    code: OpCode,
    layout_version: i32,
    reader: &mut Reader<'_>,
) -> Result<Option<Edit>, HdfsError> {
    Ok(Some(match code {
        OpCode::ADD => read_add(layout_version, reader)?,
        OpCode::CLOSE => Edit::Close(read_file(reader)?),
        OpCode::APPEND => Edit::Append {
            path: read_string(reader, "the path")?,
            client_name: read_string(reader, "the client's name")?.into(),
            client_machine: read_string(reader, "the client's machine")?.into(),
            new_block: read_boolean(reader, "the flag for a new block")?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::ALLOCATE_BLOCK_ID => {
            Edit::AllocateBlockId(read_long(reader, "the block's id")?.cast_unsigned())
        }
        OpCode::SET_GENSTAMP_V2 => {
            Edit::SetGenstampV2(read_unsigned(reader, "the generation stamp")?)
        }
        OpCode::ADD_BLOCK => read_add_block(reader)?,
        OpCode::UPDATE_BLOCKS => Edit::UpdateBlocks {
            path: read_string(reader, "the path")?,
            blocks: read_compact_blocks(reader)?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::TRUNCATE => read_truncate(reader)?,
        OpCode::REASSIGN_LEASE => Edit::ReassignLease {
            lease_holder: read_string(reader, "the lease's holder")?,
            path: read_string(reader, "the path")?,
            new_holder: read_string(reader, "the new holder")?,
        },
        _ => return Ok(None),
    }))
}

fn write_file(file: &FileFields, out: &mut Vec<u8>) {
    write_unsigned(file.inode_id, out);
    write_string(&file.path, out);
    write_short(file.replication, out);
    write_long(file.mtime, out);
    write_long(file.atime, out);
    write_unsigned(file.block_size, out);
    write_blocks(&file.blocks, out);
    write_permissions(&file.permissions, out);
}

fn read_file(reader: &mut Reader<'_>) -> Result<FileFields, HdfsError> {
    Ok(FileFields {
        inode_id: read_unsigned(reader, "the inode's id")?,
        path: read_string(reader, "the path")?,
        replication: read_short(reader, "the replication")?,
        mtime: read_long(reader, "the modification time")?,
        atime: read_long(reader, "the access time")?,
        block_size: read_unsigned(reader, "the block size")?,
        blocks: read_blocks(reader)?,
        permissions: read_permissions(reader)?,
    })
}

fn write_add(edit: &Edit, out: &mut Vec<u8>) {
    let Edit::Add {
        file,
        acl,
        client_name,
        client_machine,
        overwrite,
        rpc,
    } = edit
    else {
        return;
    };
    write_file(file, out);
    write_acl(acl, out);
    write_message(&XAttrEditLogProto::default(), out);
    write_string(client_name, out);
    write_string(client_machine, out);
    write_boolean(*overwrite, out);
    // No storage policy of its own, no erasure coding policy.
    out.extend([0, 0]);
    write_rpc_ids(*rpc, out);
}

fn read_add(layout_version: i32, reader: &mut Reader<'_>) -> Result<Edit, HdfsError> {
    let file = read_file(reader)?;
    let acl = read_acl(reader)?;
    let attributes: XAttrEditLogProto = read_message(reader, "the extended attributes")?;
    let client_name = read_string(reader, "the client's name")?.into();
    let client_machine = read_string(reader, "the client's machine")?.into();
    let overwrite = read_boolean(reader, "the flag for overwriting")?;
    let storage_policy = reader.byte("the storage policy")?;
    let erasure_coding_policy = match has(layout_version, ERASURE_CODING) {
        true => reader.byte("the erasure coding policy")?,
        false => 0,
    };
    let rpc = read_rpc_ids(reader)?;
    let refused = |what: &str| {
        let path = &file.path;
        HdfsError::unsupported_operation(format!("OP_ADD of {path} with {what} is not served"))
    };
    if !attributes.x_attrs.is_empty() {
        return Err(refused("extended attributes (an encrypted file)"));
    }
    if storage_policy != 0 {
        return Err(refused("a storage policy"));
    }
    if erasure_coding_policy != 0 {
        return Err(refused("an erasure coding policy"));
    }
    if !file.blocks.is_empty() {
        return Err(refused("blocks (an append of Hadoop 2.6 or older)"));
    }
    Ok(Edit::Add {
        file,
        acl,
        client_name,
        client_machine,
        overwrite,
        rpc,
    })
}

fn read_add_block(reader: &mut Reader<'_>) -> Result<Edit, HdfsError> {
    let path = read_string(reader, "the path")?;
    let blocks = read_compact_blocks(reader)?;
    let (penultimate, last) = match blocks[..] {
        [last] => (None, last),
        [penultimate, last] => (Some(penultimate), last),
        _ => {
            return Err(HdfsError::io(format!(
                "{} blocks are added to {path}",
                blocks.len()
            )));
        }
    };
    Ok(Edit::AddBlock {
        path,
        penultimate,
        last,
        rpc: read_rpc_ids(reader)?,
    })
}

/// Appends a truncation. Hadoop keeps no ids of its call.
fn write_truncate(edit: &Edit, out: &mut Vec<u8>) {
    let Edit::Truncate {
        src,
        client_name,
        client_machine,
        new_length,
        timestamp,
        truncate_block,
        rpc: _,
    } = edit
    else {
        return;
    };
    write_string(src, out);
    write_string(client_name, out);
    write_string(client_machine, out);
    write_unsigned(*new_length, out);
    write_long(*timestamp, out);
    write_compact_blocks(truncate_block.as_slice(), out);
}

fn read_truncate(reader: &mut Reader<'_>) -> Result<Edit, HdfsError> {
    let src = read_string(reader, "the path")?;
    let client_name = read_string(reader, "the client's name")?.into();
    let client_machine = read_string(reader, "the client's machine")?.into();
    let new_length = read_unsigned(reader, "the new length")?;
    let timestamp = read_long(reader, "the time")?;
    let blocks = read_compact_blocks(reader)?;
    let truncate_block = match blocks[..] {
        [] => None,
        [block] => Some(block),
        _ => {
            return Err(HdfsError::io(format!(
                "{} blocks of {src} are truncated",
                blocks.len()
            )));
        }
    };
    Ok(Edit::Truncate {
        src,
        client_name,
        client_machine,
        new_length,
        timestamp,
        truncate_block,
        rpc: RpcIds::NONE,
    })
}
