//! Cache directives: adding, changing, removing, listing.

use kerbox_krb5::Timestamp;
use kerbox_krb5::calendar::civil;

use super::cache_pools::{EXPIRY_NEVER, LIMIT_UNLIMITED, check_pool, short};
use super::cache_statistics::Statistics;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, PermissionChecker};
use crate::namenode::cache_info::CacheDirectiveInfo;
use crate::namenode::edit::Edit;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::path;
use crate::namenode::state::caching::{CacheDirective, CacheManager, CachePool};
use crate::proto::hdfs::{
    AddCacheDirectiveRequestProto, AddCacheDirectiveResponseProto, CacheDirectiveEntryProto,
    CacheDirectiveInfoExpirationProto, CacheDirectiveInfoProto, CacheFlagProto,
    ListCacheDirectivesRequestProto, ListCacheDirectivesResponseProto,
    ModifyCacheDirectiveRequestProto, ModifyCacheDirectiveResponseProto,
    RemoveCacheDirectiveRequestProto, RemoveCacheDirectiveResponseProto,
};
use crate::rpc::Call;

/// The length of a page (`dfs.namenode.list.cache.directives.num.responses`).
const PAGE: usize = 100;

impl NameNode {
    /// Adds a directive to a pool that the caller may write to, and returns its id.
    pub(crate) fn add_cache_directive(
        &self,
        call: &Call<'_>,
        request: AddCacheDirectiveRequestProto,
    ) -> Result<AddCacheDirectiveResponseProto, HdfsError> {
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("add cache directive"))?;
        let info = &request.info;
        if info.id.is_some() {
            return Err(HdfsError::io(
                "addDirective: you cannot specify an ID for this operation.",
            ));
        }
        let name = pool_name(info)?;
        let pool = pool_of(ns.state().caching(), name)?;
        check_pool(&checker, name, pool, FsAction::WRITE)?;
        let new = CacheDirective {
            path: valid_path(info)?.to_owned(),
            replication: match info.replication {
                Some(replication) => short(replication)?,
                None => pool.default_replication,
            },
            pool: name.to_owned(),
            expiry: expiry(call.now, info.expiration.as_ref(), pool)?,
        };
        check_replication(new.replication)?;
        if !is_forced(request.cache_flags) {
            check_limit(&ns, call.now, &new, pool)?;
        }
        let id = ns.state().caching().last_directive_id().saturating_add(1);
        if id >= i64::MAX - 1 {
            return Err(HdfsError::io("No more available IDs."));
        }
        ns.log(&Edit::AddCacheDirective {
            directive: CacheDirectiveInfo {
                id,
                path: Some(new.path),
                replication: Some(new.replication),
                pool: Some(new.pool),
                expiration: Some(new.expiry),
            },
            rpc: call.caller.into(),
        })?;
        Ok(AddCacheDirectiveResponseProto { id })
    }

    /// Changes a directive. The caller needs write access to its pool, and to the pool that it is
    /// moved to.
    pub(crate) fn modify_cache_directive(
        &self,
        call: &Call<'_>,
        request: ModifyCacheDirectiveRequestProto,
    ) -> Result<ModifyCacheDirectiveResponseProto, HdfsError> {
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("add cache directive"))?;
        let info = &request.info;
        let id = info
            .id
            .ok_or_else(|| HdfsError::invalid_request("Must supply an ID."))?;
        let caching = ns.state().caching();
        let before = writable(caching, &checker, id)?;
        let mut change = CacheDirectiveInfo {
            id,
            path: info.path.clone(),
            replication: info.replication.map(short).transpose()?,
            pool: info.pool.clone(),
            expiration: None,
        };
        let mut after = before.clone();
        after.change(&change);
        check_path(&after.path)?;
        check_replication(after.replication)?;
        if after.pool.is_empty() {
            return Err(HdfsError::invalid_request("Invalid empty pool name."));
        }
        let pool = pool_of(caching, &after.pool)?;
        if after.pool != before.pool {
            check_pool(&checker, &after.pool, pool, FsAction::WRITE)?;
            if !is_forced(request.cache_flags) {
                check_limit(&ns, call.now, &after, pool)?;
            }
        }
        // An expiration that stays must suit the new pool as well.
        let kept = CacheDirectiveInfoExpirationProto {
            millis: before.expiry,
            is_relative: false,
        };
        let expiration = expiry(call.now, info.expiration.as_ref().or(Some(&kept)), pool)?;
        change.expiration = info.expiration.is_some().then_some(expiration);
        ns.log(&Edit::ModifyCacheDirective {
            directive: change,
            rpc: call.caller.into(),
        })?;
        Ok(ModifyCacheDirectiveResponseProto {})
    }

    /// Removes a directive from a pool that the caller may write to.
    pub(crate) fn remove_cache_directive(
        &self,
        call: &Call<'_>,
        request: RemoveCacheDirectiveRequestProto,
    ) -> Result<RemoveCacheDirectiveResponseProto, HdfsError> {
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("remove cache directives"))?;
        writable(ns.state().caching(), &checker, request.id)?;
        ns.log(&Edit::RemoveCacheDirective {
            id: request.id,
            rpc: call.caller.into(),
        })?;
        Ok(RemoveCacheDirectiveResponseProto {})
    }

    /// Lists the directives after an id that match the filter and whose pool the caller may read.
    pub(crate) fn list_cache_directives(
        &self,
        call: &Call<'_>,
        request: ListCacheDirectivesRequestProto,
    ) -> Result<ListCacheDirectivesResponseProto, HdfsError> {
        let filter = &request.filter;
        let path = filter.path.is_some().then(|| valid_path(filter));
        let path = path.transpose()?;
        if filter.replication.is_some() {
            return Err(HdfsError::invalid_request(
                "Filtering by replication is unsupported.",
            ));
        }
        let checker = self.checker(call);
        let ns = self.read();
        let caching = ns.state().caching();
        let after = match filter.id {
            None => request.prev_id,
            Some(id) if caching.directive(id).is_some() => id.saturating_sub(1),
            Some(id) => {
                return Err(HdfsError::invalid_request(format!(
                    "Did not find requested id {id}"
                )));
            }
        };
        let readable = |directive: &CacheDirective| {
            let pool = caching.pool(&directive.pool);
            pool.is_some_and(|pool| {
                check_pool(&checker, &directive.pool, pool, FsAction::READ).is_ok()
            })
        };
        let mut statistics = Statistics::new(&ns, call.now);
        let mut elements = Vec::new();
        for (id, directive) in caching.directives_after(after) {
            if elements.len() >= PAGE {
                return Ok(ListCacheDirectivesResponseProto {
                    elements,
                    has_more: true,
                });
            }
            if filter.id.is_some_and(|wanted| wanted != id) {
                break;
            }
            let wanted = filter
                .pool
                .as_ref()
                .is_none_or(|pool| directive.pool == *pool)
                && path.is_none_or(|path| directive.path == path);
            if wanted && readable(directive) {
                elements.push(CacheDirectiveEntryProto {
                    info: directive_info(id, directive),
                    stats: statistics.of_directive(directive),
                });
            }
        }
        Ok(ListCacheDirectivesResponseProto {
            elements,
            has_more: false,
        })
    }
}

fn is_forced(flags: Option<u32>) -> bool {
    flags.unwrap_or(0) & CacheFlagProto::Force as u32 != 0
}

fn pool_name(info: &CacheDirectiveInfoProto) -> Result<&str, HdfsError> {
    match info.pool.as_deref() {
        None => Err(HdfsError::invalid_request("No pool specified.")),
        Some("") => Err(HdfsError::invalid_request("Invalid empty pool name.")),
        Some(name) => Ok(name),
    }
}

fn pool_of<'a>(caching: &'a CacheManager, name: &str) -> Result<&'a CachePool, HdfsError> {
    caching
        .pool(name)
        .ok_or_else(|| HdfsError::invalid_request(format!("Unknown pool {name}")))
}

/// Returns the directive with an id. Fails if there is none, or if the caller may not write to its
/// pool.
fn writable<'a>(
    caching: &'a CacheManager,
    checker: &PermissionChecker<'_>,
    id: i64,
) -> Result<&'a CacheDirective, HdfsError> {
    if id <= 0 {
        return Err(HdfsError::invalid_request("Invalid negative ID."));
    }
    let directive = caching
        .directive(id)
        .ok_or_else(|| HdfsError::invalid_request(format!("No directive with ID {id} found.")))?;
    let pool = pool_of(caching, &directive.pool)?;
    check_pool(checker, &directive.pool, pool, FsAction::WRITE)?;
    Ok(directive)
}

fn valid_path(info: &CacheDirectiveInfoProto) -> Result<&str, HdfsError> {
    let path = info
        .path
        .as_deref()
        .ok_or_else(|| HdfsError::invalid_request("No path specified."))?;
    check_path(path)?;
    Ok(path)
}

fn check_path(path: &str) -> Result<(), HdfsError> {
    path::check_length(path, "addDirective")?;
    if !path::is_valid(path) {
        return Err(HdfsError::invalid_request(format!(
            "Invalid path '{path}'."
        )));
    }
    Ok(())
}

fn check_replication(replication: i16) -> Result<(), HdfsError> {
    if replication <= 0 {
        return Err(HdfsError::invalid_request(format!(
            "Invalid replication factor {replication} <= 0"
        )));
    }
    Ok(())
}

/// Fails if a pool has no room for what a directive would cache.
fn check_limit(
    ns: &Namesystem,
    now: Timestamp,
    directive: &CacheDirective,
    pool: &CachePool,
) -> Result<(), HdfsError> {
    if pool.limit == LIMIT_UNLIMITED {
        return Ok(());
    }
    let mut statistics = Statistics::new(ns, now);
    let size = statistics.size(&directive.path);
    let needed = size.saturating_mul(directive.replication.into());
    let used = statistics.of_pool(&directive.pool, pool).bytes_needed;
    if used.saturating_add(needed) <= pool.limit {
        return Ok(());
    }
    Err(HdfsError::invalid_request(format!(
        "Caching path {} of size {size} bytes at replication {} would exceed pool {}'s remaining capacity of {} bytes.",
        directive.path,
        directive.replication,
        directive.pool,
        pool.limit.saturating_sub(used)
    )))
}

/// Returns the time at which a directive expires, in milliseconds since the epoch. Fails if that is
/// later than its pool allows.
fn expiry(
    now: Timestamp,
    asked: Option<&CacheDirectiveInfoExpirationProto>,
    pool: &CachePool,
) -> Result<i64, HdfsError> {
    let now = now.as_millis();
    let Some(asked) = asked else {
        return Ok(now.saturating_add(pool.max_relative_expiry));
    };
    if asked.millis < 0 {
        return Err(HdfsError::invalid_request(format!(
            "Cannot set a negative expiration: {}",
            asked.millis
        )));
    }
    let (absolute, relative) = if asked.is_relative {
        (now.saturating_add(asked.millis), asked.millis)
    } else {
        (asked.millis, asked.millis.saturating_sub(now))
    };
    let refuse = |reason: &str| {
        let shown = if asked.is_relative {
            duration_in_words(asked.millis)
        } else {
            date_in_words(asked.millis)
        };
        Err(HdfsError::invalid_request(format!(
            "Expiration {shown} {reason}"
        )))
    };
    if relative > EXPIRY_NEVER {
        return refuse("is too far in the future!");
    }
    if relative > pool.max_relative_expiry {
        return refuse(&format!(
            "exceeds the max relative expiration time of {} ms.",
            pool.max_relative_expiry
        ));
    }
    Ok(absolute)
}

/// Formats `DDD:HH:MM:SS.mmm` (`DFSUtilClient.durationToString`).
fn duration_in_words(millis: i64) -> String {
    let seconds = millis / 1000;
    format!(
        "{:03}:{:02}:{:02}:{:02}.{:03}",
        seconds / 86_400,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        millis % 1000
    )
}

/// Formats `2026-11-22T05:57:00+0000` (`DFSUtilClient.dateToIso8601String`, in UTC). Java's dates
/// go further than a [`Timestamp`].
pub(super) fn date_in_words(millis: i64) -> String {
    let seconds = millis.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}+0000",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

fn directive_info(id: i64, directive: &CacheDirective) -> CacheDirectiveInfoProto {
    CacheDirectiveInfoProto {
        id: Some(id),
        path: Some(directive.path.clone()),
        replication: Some(i32::from(directive.replication).cast_unsigned()),
        pool: Some(directive.pool.clone()),
        expiration: Some(CacheDirectiveInfoExpirationProto {
            millis: directive.expiry,
            is_relative: false,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_hadoop_shows_them() {
        assert_eq!(date_in_words(0), "1970-01-01T00:00:00+0000");
        assert_eq!(date_in_words(1_795_327_020_999), "2026-11-22T05:57:00+0000");
        assert_eq!(date_in_words(i64::MAX / 4), "73071226-02-26T19:48:13+0000");
        assert_eq!(duration_in_words(7_200_000), "000:02:00:00.000");
    }
}
