//! The fields of operations (`FSImageSerialization`, `AclEditLogUtil`). Numbers are big-endian.

use prost::Message;

use crate::HdfsError;
use crate::decode::decode;
use crate::namenode::acl::AclEntry;
use crate::namenode::edit::{PermissionStatus, RpcIds};
use crate::proto::hdfs::acl_entry_proto::{AclEntryScopeProto as Scope, AclEntryTypeProto as Type};
use crate::protocol::Block;
use crate::writable::{WritableReader, write_count, write_text, write_vlong};

pub(super) type Reader<'a> = WritableReader<'a>;

/// The number of UTF-16 units after which `org.apache.hadoop.io.UTF8` cuts a string. The length is
/// a `u16`, and a unit takes up to three bytes.
pub(super) const LONGEST_STRING: usize = 0xffff / 3;

fn array<const N: usize>(reader: &mut Reader<'_>, what: &str) -> Result<[u8; N], HdfsError> {
    let mut bytes = [0; N];
    bytes.copy_from_slice(reader.take(N, what)?);
    Ok(bytes)
}

pub(super) fn read_short(reader: &mut Reader<'_>, what: &str) -> Result<u16, HdfsError> {
    Ok(u16::from_be_bytes(array(reader, what)?))
}

pub(super) fn read_int(reader: &mut Reader<'_>, what: &str) -> Result<i32, HdfsError> {
    Ok(i32::from_be_bytes(array(reader, what)?))
}

pub(super) fn read_long(reader: &mut Reader<'_>, what: &str) -> Result<i64, HdfsError> {
    Ok(i64::from_be_bytes(array(reader, what)?))
}

/// Reads a `long` that is a number of something, and so may not be negative.
pub(super) fn read_unsigned(reader: &mut Reader<'_>, what: &str) -> Result<u64, HdfsError> {
    let value = read_long(reader, what)?;
    u64::try_from(value).map_err(|_| HdfsError::io(format!("{what} is negative: {value}")))
}

pub(super) fn read_boolean(reader: &mut Reader<'_>, what: &str) -> Result<bool, HdfsError> {
    Ok(reader.byte(what)? != 0)
}

/// Reads a 32-bit count. Nothing may be reserved by it, since it is not trusted.
fn read_length(reader: &mut Reader<'_>, what: &str) -> Result<usize, HdfsError> {
    let count = read_int(reader, what)?;
    usize::try_from(count)
        .map_err(|_| HdfsError::io(format!("{what} has a negative length: {count}")))
}

pub(super) fn write_short(value: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(super) fn write_int(value: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(super) fn write_long(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(super) fn write_unsigned(value: u64, out: &mut Vec<u8>) {
    write_long(value.cast_signed(), out);
}

pub(super) fn write_boolean(value: bool, out: &mut Vec<u8>) {
    out.push(value.into());
}

fn write_length(length: usize, out: &mut Vec<u8>) {
    write_int(i32::try_from(length).unwrap_or(i32::MAX), out);
}

/// Reads a string of `org.apache.hadoop.io.UTF8`, which writes CESU-8 and reads UTF-8, too.
pub(super) fn read_string(reader: &mut Reader<'_>, what: &str) -> Result<String, HdfsError> {
    let length = read_short(reader, what)?;
    let bytes = reader.take(length.into(), what)?;
    let decoded = match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(_) => utf16(bytes).and_then(|units| String::from_utf16(&units).ok()),
    };
    decoded.ok_or_else(|| HdfsError::io(format!("{what} is not UTF-8")))
}

/// Decodes sequences of one to three bytes, each of which is a unit of UTF-16.
fn utf16(bytes: &[u8]) -> Option<Vec<u16>> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(first) = rest.next() {
        let mut more = || {
            let byte = rest.next()?;
            (byte & 0xc0 == 0x80).then_some(u16::from(byte & 0x3f))
        };
        let first = u16::from(first);
        units.push(match first {
            0..0x80 => first,
            0xc0..0xe0 => (first & 0x1f) << 6 | more()?,
            0xe0..0xf0 => (first & 0x0f) << 12 | more()? << 6 | more()?,
            _ => return None,
        });
    }
    Some(units)
}

/// Appends a string as `org.apache.hadoop.io.UTF8` does: in CESU-8, and cut if it is too long.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    let start = out.len();
    write_short(0, out);
    let mut units = 0;
    for character in text.chars() {
        units += character.len_utf16();
        if units > LONGEST_STRING {
            break;
        }
        let mut pair = [0; 2];
        match *character.encode_utf16(&mut pair) {
            [high, low] => {
                for unit in [high, low] {
                    out.extend([
                        0xe0 | (unit >> 12) as u8,
                        0x80 | (unit >> 6 & 0x3f) as u8,
                        0x80 | (unit & 0x3f) as u8,
                    ]);
                }
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    let length = (out.len() - start - 2) as u16;
    out[start..start + 2].copy_from_slice(&length.to_be_bytes());
}

/// Reads a message with its length before it (`parseDelimitedFrom`).
pub(super) fn read_message<M: Message + Default>(
    reader: &mut Reader<'_>,
    what: &str,
) -> Result<M, HdfsError> {
    let mut length = 0_u64;
    for shift in (0..35).step_by(7) {
        let byte = reader.byte(what)?;
        length |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            let bytes = reader.take(usize::try_from(length).unwrap_or(usize::MAX), what)?;
            return decode(bytes)
                .map_err(|reason| HdfsError::io(format!("{what} cannot be read: {reason}")));
        }
    }
    Err(HdfsError::io(format!("the length of {what} is too long")))
}

pub(super) fn write_message(message: &impl Message, out: &mut Vec<u8>) {
    // A vector has room for every message.
    let _room = message.encode_length_delimited(out);
}

fn read_block(reader: &mut Reader<'_>) -> Result<Block, HdfsError> {
    Ok(Block {
        id: read_long(reader, "a block's id")?.cast_unsigned(),
        length: read_unsigned(reader, "a block's length")?,
        generation_stamp: read_unsigned(reader, "a block's generation stamp")?,
    })
}

/// Reads an `ArrayWritable` of blocks.
pub(super) fn read_blocks(reader: &mut Reader<'_>) -> Result<Vec<Block>, HdfsError> {
    let count = read_length(reader, "the blocks")?;
    (0..count).map(|_| read_block(reader)).collect()
}

pub(super) fn write_blocks(blocks: &[Block], out: &mut Vec<u8>) {
    write_length(blocks.len(), out);
    for block in blocks {
        write_unsigned(block.id, out);
        write_unsigned(block.length, out);
        write_unsigned(block.generation_stamp, out);
    }
}

/// Reads blocks whose lengths and generation stamps are differences to the block before.
pub(super) fn read_compact_blocks(reader: &mut Reader<'_>) -> Result<Vec<Block>, HdfsError> {
    let count = reader.count("the blocks")?;
    let mut blocks = Vec::new();
    let (mut length, mut stamp) = (0_i64, 0_i64);
    for _ in 0..count {
        let id = read_long(reader, "a block's id")?.cast_unsigned();
        length = length.wrapping_add(reader.vlong("a block's length")?);
        stamp = stamp.wrapping_add(reader.vlong("a block's generation stamp")?);
        if length < 0 || stamp < 0 {
            return Err(HdfsError::io(format!(
                "block {id} has length {length} and generation stamp {stamp}"
            )));
        }
        blocks.push(Block {
            id,
            generation_stamp: stamp.cast_unsigned(),
            length: length.cast_unsigned(),
        });
    }
    Ok(blocks)
}

pub(super) fn write_compact_blocks(blocks: &[Block], out: &mut Vec<u8>) {
    write_count(blocks.len(), out);
    let (mut length, mut stamp) = (0_u64, 0_u64);
    for block in blocks {
        write_unsigned(block.id, out);
        write_vlong(block.length.wrapping_sub(length).cast_signed(), out);
        let difference = block.generation_stamp.wrapping_sub(stamp);
        write_vlong(difference.cast_signed(), out);
        (length, stamp) = (block.length, block.generation_stamp);
    }
}

pub(super) fn read_permissions(reader: &mut Reader<'_>) -> Result<PermissionStatus, HdfsError> {
    Ok(PermissionStatus {
        owner: reader.text("the owner")?.into(),
        group: reader.text("the group")?.into(),
        mode: read_short(reader, "the mode")?,
    })
}

pub(super) fn write_permissions(permissions: &PermissionStatus, out: &mut Vec<u8>) {
    write_text(&permissions.owner, out);
    write_text(&permissions.group, out);
    write_short(permissions.mode, out);
}

/// Reads the ids of a call. An edit that no client requested has an empty client id.
pub(super) fn read_rpc_ids(reader: &mut Reader<'_>) -> Result<RpcIds, HdfsError> {
    let length = read_short(reader, "the client's id")?;
    let bytes = reader.take(length.into(), "the client's id")?;
    let call_id = read_int(reader, "the call's id")?;
    let client_id = match bytes {
        [] => [0; 16],
        bytes => bytes.try_into().map_err(|_| {
            HdfsError::io(format!("the client's id has {length} bytes instead of 16"))
        })?,
    };
    Ok(RpcIds { client_id, call_id })
}

pub(super) fn write_rpc_ids(rpc: RpcIds, out: &mut Vec<u8>) {
    let client_id: &[u8] = match rpc {
        RpcIds::NONE => &[],
        _ => &rpc.client_id,
    };
    write_short(client_id.len() as u16, out);
    out.extend_from_slice(client_id);
    write_int(rpc.call_id, out);
}

/// Reads a list in which a byte holds an entry's permissions, type and scope, and the presence of
/// a name.
pub(super) fn read_acl(reader: &mut Reader<'_>) -> Result<Vec<AclEntry>, HdfsError> {
    let count = read_length(reader, "the access control list")?;
    (0..count).map(|_| read_acl_entry(reader)).collect()
}

fn read_acl_entry(reader: &mut Reader<'_>) -> Result<AclEntry, HdfsError> {
    let bits = reader.byte("an access control entry")?;
    let name = if bits >> 6 & 1 == 1 {
        Some(read_string(reader, "the name in an entry")?.into())
    } else {
        None
    };
    Ok(AclEntry {
        scope: [Scope::Access, Scope::Default][usize::from(bits >> 5 & 1)],
        kind: [Type::User, Type::Group, Type::Mask, Type::Other][usize::from(bits >> 3 & 3)],
        name,
        permissions: bits & 7,
    })
}

pub(super) fn write_acl(entries: &[AclEntry], out: &mut Vec<u8>) {
    write_length(entries.len(), out);
    for entry in entries {
        let named = u8::from(entry.name.is_some());
        let (scope, kind) = (entry.scope as u8, entry.kind as u8);
        out.push(named << 6 | scope << 5 | kind << 3 | entry.permissions & 7);
        if let Some(name) = &entry.name {
            write_string(name, out);
        }
    }
}

/// Reads an `ArrayWritable` of strings.
pub(super) fn read_strings(reader: &mut Reader<'_>, what: &str) -> Result<Vec<String>, HdfsError> {
    let count = read_length(reader, what)?;
    (0..count).map(|_| read_string(reader, what)).collect()
}

pub(super) fn write_strings(strings: &[String], out: &mut Vec<u8>) {
    write_length(strings.len(), out);
    for string in strings {
        write_string(string, out);
    }
}

/// Reads a `BytesWritable`.
pub(super) fn read_bytes<'a>(reader: &mut Reader<'a>, what: &str) -> Result<&'a [u8], HdfsError> {
    let length = read_length(reader, what)?;
    reader.take(length, what)
}

pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}
