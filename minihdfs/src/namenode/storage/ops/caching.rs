//! Operations on cache pools and cache directives.

use crate::HdfsError;
use crate::namenode::cache_info::{CacheDirectiveInfo, CachePoolInfo};
use crate::namenode::edit::Edit;
use crate::namenode::storage::fields::{
    Reader, read_int, read_long, read_rpc_ids, read_short, read_string, write_int, write_long,
    write_rpc_ids, write_short, write_string,
};
use crate::namenode::storage::op_code::OpCode;

pub(super) fn write(edit: &Edit, out: &mut Vec<u8>) {
    match edit {
        Edit::AddCachePool { pool, rpc } | Edit::ModifyCachePool { pool, rpc } => {
            write_pool(pool, out);
            write_rpc_ids(*rpc, out);
        }
        Edit::RemoveCachePool { pool_name, rpc } => {
            write_string(pool_name, out);
            write_rpc_ids(*rpc, out);
        }
        Edit::AddCacheDirective { directive, rpc }
        | Edit::ModifyCacheDirective { directive, rpc } => {
            write_directive(directive, out);
            write_rpc_ids(*rpc, out);
        }
        Edit::RemoveCacheDirective { id, rpc } => {
            write_long(*id, out);
            write_rpc_ids(*rpc, out);
        }
        _ => {}
    }
}

pub(super) fn read(code: OpCode, reader: &mut Reader<'_>) -> Result<Option<Edit>, HdfsError> {
    Ok(Some(match code {
        OpCode::ADD_CACHE_POOL => Edit::AddCachePool {
            pool: read_pool(reader)?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::MODIFY_CACHE_POOL => Edit::ModifyCachePool {
            pool: read_pool(reader)?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::REMOVE_CACHE_POOL => Edit::RemoveCachePool {
            pool_name: read_string(reader, "the pool")?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::ADD_CACHE_DIRECTIVE => Edit::AddCacheDirective {
            directive: read_directive(reader)?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::MODIFY_CACHE_DIRECTIVE => Edit::ModifyCacheDirective {
            directive: read_directive(reader)?,
            rpc: read_rpc_ids(reader)?,
        },
        OpCode::REMOVE_CACHE_DIRECTIVE => Edit::RemoveCacheDirective {
            id: read_long(reader, "the directive's id")?,
            rpc: read_rpc_ids(reader)?,
        },
        _ => return Ok(None),
    }))
}

/// Returns the flags of the fields that are there, the first field as the lowest bit.
fn flags(present: &[bool]) -> i32 {
    let bits = present.iter().enumerate();
    bits.fold(0, |flags, (bit, present)| {
        flags | i32::from(*present) << bit
    })
}

fn write_pool(pool: &CachePoolInfo, out: &mut Vec<u8>) {
    write_string(&pool.pool_name, out);
    let present = [
        pool.owner_name.is_some(),
        pool.group_name.is_some(),
        pool.mode.is_some(),
        pool.limit.is_some(),
        pool.max_relative_expiry.is_some(),
        pool.default_replication.is_some(),
    ];
    write_int(flags(&present), out);
    for name in [&pool.owner_name, &pool.group_name].into_iter().flatten() {
        write_string(name, out);
    }
    if let Some(mode) = pool.mode {
        write_short(mode, out);
    }
    for number in [pool.limit, pool.max_relative_expiry].into_iter().flatten() {
        write_long(number, out);
    }
    if let Some(replication) = pool.default_replication {
        write_short(replication.cast_unsigned(), out);
    }
}

fn read_pool(reader: &mut Reader<'_>) -> Result<CachePoolInfo, HdfsError> {
    let pool_name = read_string(reader, "the pool")?;
    let flags = read_flags(reader, 6)?;
    let has = |bit: u32| flags & 1 << bit != 0;
    Ok(CachePoolInfo {
        pool_name,
        owner_name: read_if(has(0), reader, |it| read_string(it, "the owner"))?,
        group_name: read_if(has(1), reader, |it| read_string(it, "the group"))?,
        mode: read_if(has(2), reader, |it| read_short(it, "the mode"))?,
        limit: read_if(has(3), reader, |it| read_long(it, "the limit"))?,
        max_relative_expiry: read_if(has(4), reader, |it| read_long(it, "the expiry"))?,
        default_replication: read_if(has(5), reader, read_replication)?,
    })
}

fn write_directive(directive: &CacheDirectiveInfo, out: &mut Vec<u8>) {
    write_long(directive.id, out);
    let present = [
        directive.path.is_some(),
        directive.replication.is_some(),
        directive.pool.is_some(),
        directive.expiration.is_some(),
    ];
    write_int(flags(&present), out);
    if let Some(path) = &directive.path {
        write_string(path, out);
    }
    if let Some(replication) = directive.replication {
        write_short(replication.cast_unsigned(), out);
    }
    if let Some(pool) = &directive.pool {
        write_string(pool, out);
    }
    if let Some(expiration) = directive.expiration {
        write_long(expiration, out);
    }
}

fn read_directive(reader: &mut Reader<'_>) -> Result<CacheDirectiveInfo, HdfsError> {
    let id = read_long(reader, "the directive's id")?;
    let flags = read_flags(reader, 4)?;
    let has = |bit: u32| flags & 1 << bit != 0;
    Ok(CacheDirectiveInfo {
        id,
        path: read_if(has(0), reader, |it| read_string(it, "the path"))?,
        replication: read_if(has(1), reader, read_replication)?,
        pool: read_if(has(2), reader, |it| read_string(it, "the pool"))?,
        expiration: read_if(has(3), reader, |it| read_long(it, "the expiration"))?,
    })
}

fn read_replication(reader: &mut Reader<'_>) -> Result<i16, HdfsError> {
    Ok(read_short(reader, "the replication")?.cast_signed())
}

fn read_if<'a, T>(
    present: bool,
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, HdfsError>,
) -> Result<Option<T>, HdfsError> {
    present.then(|| read(reader)).transpose()
}

/// Reads the flags of the fields that follow. Fails if there are others than the first `known`.
fn read_flags(reader: &mut Reader<'_>, known: u32) -> Result<i32, HdfsError> {
    let flags = read_int(reader, "the flags")?;
    if flags & !((1 << known) - 1) != 0 {
        return Err(HdfsError::io(format!("unknown flags {flags:#x}")));
    }
    Ok(flags)
}
