//! Cache pools and cache directives (Hadoop's `CacheManager`).

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::namenode::cache_info::{CacheDirectiveInfo, CachePoolInfo};
use crate::namenode::edit::Edit;

/// The pools by name, and the directives by id.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct CacheManager {
    pools: BTreeMap<String, CachePool>,
    directives: BTreeMap<i64, CacheDirective>,
    last_directive_id: i64,
}

/// A set of directives with common permissions and a common limit.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct CachePool {
    pub(crate) owner: String,
    pub(crate) group: String,
    /// The permission bits.
    pub(crate) mode: u16,
    /// The number of bytes that its directives together may cache.
    pub(crate) limit: i64,
    pub(crate) default_replication: i16,
    /// The longest validity of a directive, in milliseconds.
    pub(crate) max_relative_expiry: i64,
}

/// A request to keep a file, or the files of a directory, in the memory of DataNodes.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct CacheDirective {
    pub(crate) path: String,
    pub(crate) replication: i16,
    /// The name of its pool.
    pub(crate) pool: String,
    /// The time at which it expires, in milliseconds since the epoch.
    pub(crate) expiry: i64,
}

/// Sets what a change names.
fn set<T: Clone>(field: &mut T, change: Option<&T>) {
    if let Some(change) = change {
        field.clone_from(change);
    }
}

impl CachePool {
    fn change(&mut self, info: &CachePoolInfo) {
        set(&mut self.owner, info.owner_name.as_ref());
        set(&mut self.group, info.group_name.as_ref());
        set(&mut self.mode, info.mode.as_ref());
        set(&mut self.limit, info.limit.as_ref());
        set(
            &mut self.default_replication,
            info.default_replication.as_ref(),
        );
        set(
            &mut self.max_relative_expiry,
            info.max_relative_expiry.as_ref(),
        );
    }
}

impl CacheDirective {
    pub(crate) fn change(&mut self, info: &CacheDirectiveInfo) {
        set(&mut self.path, info.path.as_ref());
        set(&mut self.replication, info.replication.as_ref());
        set(&mut self.pool, info.pool.as_ref());
        set(&mut self.expiry, info.expiration.as_ref());
    }
}

impl CacheManager {
    /// Returns the pool of this name.
    pub(crate) fn pool(&self, name: &str) -> Option<&CachePool> {
        self.pools.get(name)
    }

    /// Returns the pools whose names come after `name`, in order.
    pub(crate) fn pools_after(&self, name: &str) -> impl Iterator<Item = (&str, &CachePool)> {
        let after = (Bound::Excluded(name), Bound::Unbounded);
        let pools = self.pools.range::<str, _>(after);
        pools.map(|(name, pool)| (&**name, pool))
    }

    /// Returns the directive with an id.
    pub(crate) fn directive(&self, id: i64) -> Option<&CacheDirective> {
        self.directives.get(&id)
    }

    /// Returns the directives with ids above `id`, in order.
    pub(crate) fn directives_after(&self, id: i64) -> impl Iterator<Item = (i64, &CacheDirective)> {
        let after = self.directives.range(id.saturating_add(1)..);
        after.map(|(id, directive)| (*id, directive))
    }

    /// Returns all directives.
    pub(crate) fn directives(&self) -> impl Iterator<Item = &CacheDirective> {
        self.directives.values()
    }

    /// Returns the highest id so far.
    pub(crate) fn last_directive_id(&self) -> i64 {
        self.last_directive_id
    }

    /// Sets the highest id so far; ids are never used twice.
    pub(super) fn set_last_directive_id(&mut self, id: i64) {
        self.last_directive_id = self.last_directive_id.max(id);
    }

    /// Applies an edit of pools or directives. Fails if it does not fit, and then changes nothing.
    pub(super) fn apply(&mut self, edit: &Edit) -> Result<(), String> {
        match edit {
            Edit::AddCachePool { pool, .. } => {
                if self.pools.contains_key(&pool.pool_name) {
                    return Err(format!("pool {} exists", pool.pool_name));
                }
                let mut new = CachePool::default();
                new.change(pool);
                self.pools.insert(pool.pool_name.clone(), new);
            }
            Edit::ModifyCachePool { pool, .. } => match self.pools.get_mut(&pool.pool_name) {
                Some(known) => known.change(pool),
                None => return Err(format!("pool {} does not exist", pool.pool_name)),
            },
            Edit::RemoveCachePool { pool_name, .. } => {
                if self.pools.remove(pool_name).is_none() {
                    return Err(format!("pool {pool_name} does not exist"));
                }
                self.directives
                    .retain(|_, directive| directive.pool != *pool_name);
            }
            Edit::AddCacheDirective { directive, .. } => self.add_directive(directive)?,
            Edit::ModifyCacheDirective { directive, .. } => self.modify_directive(directive)?,
            Edit::RemoveCacheDirective { id, .. } => {
                let removed = self.directives.remove(id);
                removed.ok_or_else(|| format!("directive {id} does not exist"))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn add_directive(&mut self, info: &CacheDirectiveInfo) -> Result<(), String> {
        let mut new = CacheDirective::default();
        new.change(info);
        if !self.pools.contains_key(&new.pool) {
            return Err(format!("pool {} does not exist", new.pool));
        }
        if self.directives.contains_key(&info.id) {
            return Err(format!("directive {} exists", info.id));
        }
        self.directives.insert(info.id, new);
        self.last_directive_id = self.last_directive_id.max(info.id);
        Ok(())
    }

    fn modify_directive(&mut self, info: &CacheDirectiveInfo) -> Result<(), String> {
        if let Some(pool) = info
            .pool
            .as_ref()
            .filter(|pool| !self.pools.contains_key(*pool))
        {
            return Err(format!("pool {pool} does not exist"));
        }
        match self.directives.get_mut(&info.id) {
            Some(known) => known.change(info),
            None => return Err(format!("directive {} does not exist", info.id)),
        }
        Ok(())
    }
}
