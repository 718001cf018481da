//! Looking up the inodes of a path, in the tree of now or in a snapshot.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::HdfsError;
use crate::namenode::path;
use crate::namenode::state::inode::{InodeId, ROOT};
use crate::namenode::state::kept::SnapshotId;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::resolved_path::ResolvedPath;

/// The reserved directory, which is neither in the tree nor in a listing of the root.
pub(crate) const RESERVED: &str = "/.reserved";
/// The prefix of paths that name inodes by their ids.
const RESERVED_INODES: &str = "/.reserved/.inodes/";
/// The prefix of raw paths, which show the whole tree without decryption.
const RESERVED_RAW: &str = "/.reserved/raw";

/// Returns true if no file can be created at `path`: `/.reserved` itself, and paths below it that
/// are neither inode paths nor raw paths.
pub(crate) fn is_reserved(path: &str) -> bool {
    let below = |directory: &str| {
        path.strip_prefix(directory)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    below(RESERVED) && !is_alias(path)
}

/// Returns true for a path below `/.reserved/raw` or `/.reserved/.inodes`, which stands for
/// another.
pub(crate) fn is_alias(path: &str) -> bool {
    is_raw(path) || path.starts_with(RESERVED_INODES.trim_end_matches('/'))
}

/// Returns true for `/.reserved/raw` and the paths below it.
pub(crate) fn is_raw(path: &str) -> bool {
    path.strip_prefix(RESERVED_RAW)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The text of an exception without one is its class.
const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";

/// The name under which a directory shows its snapshots.
const DOT_SNAPSHOT: &str = ".snapshot";

impl Namespace {
    /// Resolves `path` as far as it exists.
    pub(crate) fn resolve<'a>(&self, path: &'a str) -> Result<ResolvedPath<'a>, HdfsError> {
        if path.starts_with("/.reserved/") {
            return self.resolve_reserved(path);
        }
        Ok(self.walk(path::normalized(path)?, false))
    }

    fn resolve_reserved<'a>(&self, path: &'a str) -> Result<ResolvedPath<'a>, HdfsError> {
        if let Some(rest) = path.strip_prefix(RESERVED_RAW)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            let rest = if rest.is_empty() { "/" } else { rest };
            return Ok(self.walk(path::normalized(rest)?, true));
        }
        let Some(rest) = path.strip_prefix(RESERVED_INODES) else {
            return Ok(self.walk(path::normalized(path)?, false));
        };
        let (number, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let id = number
            .parse::<InodeId>()
            .map_err(|_| HdfsError::file_not_found(format!("Invalid inode path: {path}")))?;
        // Also of one that only snapshots show.
        if self.last_of(id).is_none() {
            return Err(HdfsError::file_not_found(format!(
                "File for given inode path does not exist: {path}"
            )));
        }
        let whole = self.path_from_inode(id);
        if !whole.starts_with('/') {
            // Hadoop fails with an exception without a text.
            return Err(HdfsError::illegal_argument(ILLEGAL_ARGUMENT.to_owned()));
        }
        let path = match rest {
            "" => whole,
            rest => path::normalized(&path::join(&whole, rest))?.into_owned(),
        };
        Ok(self.walk(path.into(), false))
    }

    fn walk<'a>(&self, path: Cow<'a, str>, raw: bool) -> ResolvedPath<'a> {
        let mut existing = SmallVec::new();
        existing.push(ROOT);
        let mut directory = self.inode(ROOT).as_directory();
        let mut depth = 1;
        let mut in_snapshots = false;
        for component in path::components(&path) {
            in_snapshots = component == DOT_SNAPSHOT
                && directory.is_some()
                && self.snapshots().is_snapshottable(existing[depth - 1]);
            if in_snapshots {
                break;
            }
            depth += 1;
            if let Some(child) = directory.and_then(|it| self.child_in(it, component)) {
                existing.push(child);
                directory = self.inode(child).as_directory();
            } else {
                directory = None;
            }
        }
        if in_snapshots {
            return self.walk_snapshot(path, existing, raw);
        }
        ResolvedPath {
            path,
            existing,
            depth,
            raw,
            link: false,
            snapshot: None,
            dot_snapshot: None,
        }
    }

    /// Resolves the rest of a path, which goes through the snapshots of the last inode so far.
    fn walk_snapshot<'a>(
        &self,
        path: Cow<'a, str>,
        mut existing: SmallVec<[InodeId; 12]>,
        raw: bool,
    ) -> ResolvedPath<'a> {
        let dot = existing.len();
        let snapshot = self.follow(&mut existing, path::components(&path).skip(dot));
        // Without one of that name, Hadoop shows the directories as the latest snapshot does.
        let snapshot = snapshot.or_else(|| self.latest_snapshot(&existing[..dot]));
        // Without `.snapshot`, but for a path that ends there: it names no inode.
        let components = path::components(&path).count();
        let depth = components + usize::from(components == dot);
        ResolvedPath {
            path,
            existing,
            depth,
            raw,
            link: false,
            snapshot,
            dot_snapshot: Some(dot),
        }
    }

    /// Adds the inodes of a path in the snapshots of the last inode so far. Returns the snapshot.
    fn follow<'c>(
        &self,
        existing: &mut SmallVec<[InodeId; 12]>,
        mut components: impl Iterator<Item = &'c str>,
    ) -> Option<SnapshotId> {
        let mut directory = *existing.last()?;
        let name = components.next()?;
        let snapshot = self.snapshots().of(directory)?.named(name)?;
        existing.push(directory);
        let view = self.view(Some(snapshot));
        for component in components {
            let Some(child) = view.child(directory, component) else {
                break;
            };
            existing.push(child);
            directory = child;
        }
        Some(snapshot)
    }
}
