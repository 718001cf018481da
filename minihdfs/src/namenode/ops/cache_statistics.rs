//! Statistics of cache directives and pools (Hadoop's `CacheReplicationMonitor`).
//!
//! DataNodes here lock no memory, like Hadoop's with the default of
//! `dfs.datanode.max.locked.memory`, so no bytes are cached.

use std::collections::BTreeMap;

use kerbox_krb5::Timestamp;

use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::caching::{CacheDirective, CachePool};
use crate::namenode::state::inode::InodeId;
use crate::proto::hdfs::{CacheDirectiveStatsProto, CachePoolStatsProto};

/// The files that a path names: itself, or the files directly in the directory.
#[derive(Clone, Copy, Default)]
struct Files {
    count: i64,
    /// The files without a byte to cache, which count as cached.
    empty: i64,
    /// The sum of their lengths, without a last block that is being written.
    bytes: i64,
}

/// Computes statistics at one time; what a path names is counted once.
pub(super) struct Statistics<'a> {
    ns: &'a Namesystem,
    now: i64,
    files: BTreeMap<String, Files>,
}

impl<'a> Statistics<'a> {
    pub(super) fn new(ns: &'a Namesystem, now: Timestamp) -> Self {
        Self {
            ns,
            now: now.as_millis(),
            files: BTreeMap::new(),
        }
    }

    /// Returns the statistics of one directive, which are zero once it has expired.
    pub(super) fn of_directive(&mut self, directive: &CacheDirective) -> CacheDirectiveStatsProto {
        if directive.expiry > 0 && directive.expiry <= self.now {
            return CacheDirectiveStatsProto {
                has_expired: self.now > directive.expiry,
                ..CacheDirectiveStatsProto::default()
            };
        }
        let files = self.files(&directive.path);
        CacheDirectiveStatsProto {
            bytes_needed: files.bytes.saturating_mul(directive.replication.into()),
            bytes_cached: 0,
            files_needed: files.count,
            files_cached: files.empty,
            has_expired: self.now > directive.expiry,
        }
    }

    /// Returns the sum of the statistics of a pool's directives.
    pub(super) fn of_pool(&mut self, name: &str, pool: &CachePool) -> CachePoolStatsProto {
        let mut total = CachePoolStatsProto::default();
        let directives = self.ns.state().caching().directives();
        for directive in directives.filter(|directive| directive.pool == name) {
            let stats = self.of_directive(directive);
            total.bytes_needed = total.bytes_needed.saturating_add(stats.bytes_needed);
            total.files_needed = total.files_needed.saturating_add(stats.files_needed);
            total.files_cached = total.files_cached.saturating_add(stats.files_cached);
        }
        total.bytes_overlimit = total.bytes_needed.saturating_sub(pool.limit).max(0);
        total
    }

    /// Returns the sum of the lengths of the files that a path names.
    pub(super) fn size(&mut self, path: &str) -> i64 {
        self.files(path).bytes
    }

    fn files(&mut self, path: &str) -> Files {
        if let Some(known) = self.files.get(path) {
            return *known;
        }
        let counted = self.count(path);
        self.files.insert(path.to_owned(), counted);
        counted
    }

    fn count(&self, path: &str) -> Files {
        let mut files = Files::default();
        let Some(id) = self.ns.namespace().find(path) else {
            return files;
        };
        match self.ns.namespace().inode(id).as_directory() {
            None => self.add(id, &mut files),
            Some(directory) => {
                for child in directory.children.ids() {
                    self.add(child, &mut files);
                }
            }
        }
        files
    }

    fn add(&self, file: InodeId, files: &mut Files) {
        if self.ns.namespace().inode(file).as_file().is_none() {
            return;
        }
        let length = self.ns.file_length(file);
        let open = self.ns.last_block(file).filter(|last| !last.is_complete());
        let length = length.saturating_sub(open.map_or(0, |last| last.block().length));
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        files.count += 1;
        files.empty += i64::from(length == 0);
        files.bytes = files.bytes.saturating_add(length);
    }
}
