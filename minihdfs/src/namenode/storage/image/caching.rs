//! Cache pools and directives in an image.

use crate::namenode::cache_info::{CacheDirectiveInfo, CachePoolInfo};
use crate::namenode::edit::{Edit, RpcIds};
use crate::namenode::state::caching::CacheManager;
use crate::namenode::storage::error::StorageError;
use crate::namenode::storage::image::sections::{ImageWriter, Section};
use crate::proto::hdfs::fsimage::CacheManagerSection;
use crate::proto::hdfs::{
    CacheDirectiveInfoExpirationProto, CacheDirectiveInfoProto, CachePoolInfoProto,
};

/// The values of Hadoop's pools (`CachePoolInfo.DEFAULT_…`), whose images leave the replication
/// out.
const DEFAULT_REPLICATION: i16 = 1;

pub(super) fn write(caching: &CacheManager, image: &mut ImageWriter) {
    let (pools, directives) = (
        caching.pools_after("").count(),
        caching.directives().count(),
    );
    image.put(&CacheManagerSection {
        next_directive_id: caching
            .last_directive_id()
            .saturating_add(1)
            .cast_unsigned(),
        num_pools: pools as u32,
        num_directives: directives as u32,
    });
    for (name, pool) in caching.pools_after("") {
        image.put(&CachePoolInfoProto {
            pool_name: Some(name.to_owned()),
            owner_name: Some(pool.owner.clone()),
            group_name: Some(pool.group.clone()),
            mode: Some(pool.mode.into()),
            limit: Some(pool.limit),
            max_relative_expiry: Some(pool.max_relative_expiry),
            default_replication: Some(i32::from(pool.default_replication).cast_unsigned()),
        });
    }
    for (id, directive) in caching.directives_after(0) {
        image.put(&CacheDirectiveInfoProto {
            id: Some(id),
            path: Some(directive.path.clone()),
            replication: Some(i32::from(directive.replication).cast_unsigned()),
            pool: Some(directive.pool.clone()),
            expiration: Some(CacheDirectiveInfoExpirationProto {
                millis: directive.expiry,
                is_relative: false,
            }),
        });
    }
    image.end("CACHE_MANAGER");
}

/// Hands the edits of all pools and directives over. Returns the highest id that a directive ever
/// had.
pub(super) fn read(
    mut section: Section<'_>,
    apply: &mut dyn FnMut(&Edit) -> Result<(), String>,
) -> Result<i64, StorageError> {
    let header: CacheManagerSection = section.next()?;
    let rpc = RpcIds::NONE;
    for _ in 0..header.num_pools {
        let pool = pool(section.next()?);
        let edit = pool.map(|pool| Edit::AddCachePool { pool, rpc });
        let added = edit.and_then(|edit| apply(&edit));
        added.map_err(|reason| section.failed(reason))?;
    }
    for _ in 0..header.num_directives {
        let directive = directive(section.next()?);
        let edit = directive.map(|directive| Edit::AddCacheDirective { directive, rpc });
        let added = edit.and_then(|edit| apply(&edit));
        added.map_err(|reason| section.failed(reason))?;
    }
    Ok(header.next_directive_id.saturating_sub(1).cast_signed())
}

fn pool(message: CachePoolInfoProto) -> Result<CachePoolInfo, String> {
    let pool_name = message.pool_name.unwrap_or_default();
    let default_replication = match message.default_replication {
        Some(number) => short(number).map_err(|reason| format!("pool {pool_name} {reason}"))?,
        None => DEFAULT_REPLICATION,
    };
    Ok(CachePoolInfo {
        pool_name,
        owner_name: message.owner_name,
        group_name: message.group_name,
        mode: message.mode.map(|mode| mode as u16),
        limit: message.limit,
        default_replication: Some(default_replication),
        max_relative_expiry: message.max_relative_expiry,
    })
}

fn directive(message: CacheDirectiveInfoProto) -> Result<CacheDirectiveInfo, String> {
    let id = message.id();
    let replication = short(message.replication());
    Ok(CacheDirectiveInfo {
        id,
        replication: Some(replication.map_err(|reason| format!("directive {id} {reason}"))?),
        expiration: message.expiration.map(|expiration| expiration.millis),
        path: message.path,
        pool: message.pool,
    })
}

fn short(number: u32) -> Result<i16, String> {
    let number = number.cast_signed();
    i16::try_from(number).map_err(|_| format!("has {number} replicas"))
}
