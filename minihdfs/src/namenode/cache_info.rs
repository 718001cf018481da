//! Requests for cached paths, as edits hold them (`CachePoolInfo`, `CacheDirectiveInfo`).

/// A cache pool, or the changes to one. A field that is `None` keeps its value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CachePoolInfo {
    /// The name.
    pub pool_name: String,
    /// The owner's short name.
    pub owner_name: Option<String>,
    /// The group.
    pub group_name: Option<String>,
    /// The permission bits: read lists the pool's directives, write changes them.
    pub mode: Option<u16>,
    /// The number of bytes that the directives together may cache.
    pub limit: Option<i64>,
    /// The number of replicas for directives that give none.
    pub default_replication: Option<i16>,
    /// The longest validity of a directive, in milliseconds.
    pub max_relative_expiry: Option<i64>,
}

/// A cache directive, or the changes to one. A field that is `None` keeps its value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CacheDirectiveInfo {
    /// The id, which is never reused.
    pub id: i64,
    /// The file to cache, or the directory whose files are cached.
    pub path: Option<String>,
    /// The number of cached replicas.
    pub replication: Option<i16>,
    /// The pool that the directive is in.
    pub pool: Option<String>,
    /// The time at which it expires, in milliseconds since the epoch.
    pub expiration: Option<i64>,
}
