//! Cache pools: adding, changing, removing, listing.

use super::cache_statistics::Statistics;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, PermissionChecker};
use crate::namenode::cache_info::CachePoolInfo;
use crate::namenode::edit::Edit;
use crate::namenode::state::caching::CachePool;
use crate::namenode::state::inode::PERMISSION_BITS;
use crate::namenode::state::limits::check_name;
use crate::proto::hdfs::{
    AddCachePoolRequestProto, AddCachePoolResponseProto, CachePoolEntryProto, CachePoolInfoProto,
    CachePoolStatsProto, ListCachePoolsRequestProto, ListCachePoolsResponseProto,
    ModifyCachePoolRequestProto, ModifyCachePoolResponseProto, RemoveCachePoolRequestProto,
    RemoveCachePoolResponseProto,
};
use crate::rpc::Call;

/// The maximum relative expiry, `Long.MAX_VALUE / 4`: directives that do not expire.
pub(super) const EXPIRY_NEVER: i64 = i64::MAX / 4;

/// The limit of a pool without one.
pub(super) const LIMIT_UNLIMITED: i64 = i64::MAX;

/// `FsPermission.getCachePoolDefault`
const DEFAULT_MODE: u16 = 0o755;

/// The length of a page (`dfs.namenode.list.cache.pools.num.responses`).
const PAGE: usize = 100;

impl NameNode {
    /// Adds a pool; only for the superuser. Owner and group are the caller's unless given.
    pub(crate) fn add_cache_pool(
        &self,
        call: &Call<'_>,
        request: AddCachePoolRequestProto,
    ) -> Result<AddCachePoolResponseProto, HdfsError> {
        let checker = self.checker(call);
        checker.check_superuser("addCachePool")?;
        let name = request.info.pool_name().to_owned();
        let mut ns = self.lock_to_write(format_args!("add cache pool{name}"))?;
        let info = validated(request.info)?;
        if ns.state().caching().pool(&name).is_some() {
            return Err(HdfsError::invalid_request(format!(
                "Cache pool {name} already exists."
            )));
        }
        let user = checker.user();
        let group = match &info.group_name {
            Some(group) => group.clone(),
            None => primary_group(&checker)?,
        };
        let pool = CachePoolInfo {
            pool_name: name,
            owner_name: Some(info.owner_name.unwrap_or_else(|| user.to_string())),
            group_name: Some(group),
            mode: Some(info.mode.unwrap_or(DEFAULT_MODE)),
            limit: Some(info.limit.unwrap_or(LIMIT_UNLIMITED)),
            default_replication: Some(info.default_replication.unwrap_or(1)),
            max_relative_expiry: Some(info.max_relative_expiry.unwrap_or(EXPIRY_NEVER)),
        };
        let rpc = call.caller.into();
        ns.log(&Edit::AddCachePool { pool, rpc })?;
        Ok(AddCachePoolResponseProto {})
    }

    /// Changes a pool; only for the superuser.
    pub(crate) fn modify_cache_pool(
        &self,
        call: &Call<'_>,
        request: ModifyCachePoolRequestProto,
    ) -> Result<ModifyCachePoolResponseProto, HdfsError> {
        self.checker(call).check_superuser("modifyCachePool")?;
        let name = request.info.pool_name();
        let mut ns = self.lock_to_write(format_args!("modify cache pool{name}"))?;
        let pool = validated(request.info)?;
        if ns.state().caching().pool(&pool.pool_name).is_none() {
            return Err(HdfsError::invalid_request(format!(
                "Cache pool {} does not exist.",
                pool.pool_name
            )));
        }
        let rpc = call.caller.into();
        ns.log(&Edit::ModifyCachePool { pool, rpc })?;
        Ok(ModifyCachePoolResponseProto {})
    }

    /// Removes a pool and its directives; only for the superuser.
    pub(crate) fn remove_cache_pool(
        &self,
        call: &Call<'_>,
        request: RemoveCachePoolRequestProto,
    ) -> Result<RemoveCachePoolResponseProto, HdfsError> {
        self.checker(call).check_superuser("removeCachePool")?;
        let pool_name = request.pool_name;
        let mut ns = self.lock_to_write(format_args!("modify cache pool{pool_name}"))?;
        check_pool_name(&pool_name)?;
        if ns.state().caching().pool(&pool_name).is_none() {
            return Err(HdfsError::invalid_request(format!(
                "Cannot remove non-existent cache pool {pool_name}"
            )));
        }
        let rpc = call.caller.into();
        ns.log(&Edit::RemoveCachePool { pool_name, rpc })?;
        Ok(RemoveCachePoolResponseProto {})
    }

    /// Lists the pools after a name, with their statistics. Of a pool that the caller may not read,
    /// only the name is shown.
    pub(crate) fn list_cache_pools(
        &self,
        call: &Call<'_>,
        request: ListCachePoolsRequestProto,
    ) -> Result<ListCachePoolsResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let mut statistics = Statistics::new(&ns, call.now);
        let mut pools = ns.state().caching().pools_after(&request.prev_pool_name);
        let entries = pools.by_ref().take(PAGE).map(|(name, pool)| {
            let readable = check_pool(&checker, name, pool, FsAction::READ).is_ok();
            let stats = if readable {
                statistics.of_pool(name, pool)
            } else {
                CachePoolStatsProto::default()
            };
            CachePoolEntryProto {
                info: pool_info(name, readable.then_some(pool)),
                stats,
            }
        });
        let entries = entries.collect();
        Ok(ListCachePoolsResponseProto {
            entries,
            has_more: pools.next().is_some(),
        })
    }
}

/// Fails if the caller does not have this access to a pool (`FSPermissionChecker.checkPermission`).
pub(super) fn check_pool(
    checker: &PermissionChecker<'_>,
    name: &str,
    pool: &CachePool,
    action: FsAction,
) -> Result<(), HdfsError> {
    let user = checker.user();
    let allowed = checker.is_exempt()
        || (**user == *pool.owner && action.is_in(pool.mode >> 6))
        || (checker.is_member_of(&pool.group) && action.is_in(pool.mode >> 3))
        || action.is_in(pool.mode);
    if allowed {
        return Ok(());
    }
    Err(HdfsError::access_control(format!(
        "Permission denied while accessing pool {name}: user {user} does not have {action} permissions."
    )))
}

/// Reads a 16-bit number, which clients send as an int.
pub(super) fn short(number: u32) -> Result<i16, HdfsError> {
    let number = number.cast_signed();
    i16::try_from(number)
        .map_err(|_| HdfsError::illegal_argument(format!("Out of range: {number}")))
}

fn primary_group(checker: &PermissionChecker<'_>) -> Result<String, HdfsError> {
    checker.groups.first().cloned().ok_or_else(|| {
        HdfsError::io(format!(
            "There is no primary group for UGI {}",
            checker.user()
        ))
    })
}

/// Checks the fields of a request in Hadoop's order (`CachePoolInfo.validate`).
fn validated(info: CachePoolInfoProto) -> Result<CachePoolInfo, HdfsError> {
    let default_replication = info.default_replication.map(short).transpose()?;
    let refuse = |message: &str| Err(HdfsError::invalid_request(message));
    if info.limit.is_some_and(|limit| limit < 0) {
        return refuse("Limit is negative.");
    }
    if default_replication.is_some_and(|replication| replication < 0) {
        return refuse("Default Replication is negative");
    }
    match info.max_relative_expiry {
        Some(..0) => return refuse("Max relative expiry is negative."),
        Some(expiry) if expiry > EXPIRY_NEVER => {
            return refuse("Max relative expiry is too big.");
        }
        _ => {}
    }
    check_pool_name(info.pool_name())?;
    check_name("owner's name", info.owner_name())?;
    check_name("group's name", info.group_name())?;
    Ok(CachePoolInfo {
        pool_name: info.pool_name.unwrap_or_default(),
        owner_name: info.owner_name,
        group_name: info.group_name,
        mode: info.mode.map(|mode| mode as u16 & PERMISSION_BITS),
        limit: info.limit,
        default_replication,
        max_relative_expiry: info.max_relative_expiry,
    })
}

fn check_pool_name(name: &str) -> Result<(), HdfsError> {
    if name.is_empty() {
        return Err(HdfsError::io("invalid empty cache pool name"));
    }
    check_name("pool's name", name)
}

/// Returns a pool's description; of a pool that the caller may not read, the name alone.
fn pool_info(name: &str, pool: Option<&CachePool>) -> CachePoolInfoProto {
    CachePoolInfoProto {
        pool_name: Some(name.to_owned()),
        owner_name: pool.map(|pool| pool.owner.clone()),
        group_name: pool.map(|pool| pool.group.clone()),
        mode: pool.map(|pool| pool.mode.into()),
        limit: pool.map(|pool| pool.limit),
        max_relative_expiry: pool.map(|pool| pool.max_relative_expiry),
        default_replication: pool.map(|pool| i32::from(pool.default_replication).cast_unsigned()),
    }
}
