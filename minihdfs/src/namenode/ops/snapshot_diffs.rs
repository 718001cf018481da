//! The differences of snapshots (`SnapshotManager.diff`).

use std::collections::HashMap;

use bytes::Bytes;

use super::snapshots::{directory, not_snapshottable};
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need, PermissionChecker, Subtree};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::path;
use crate::namenode::state::inode::{InodeId, ROOT};
use crate::namenode::state::name::Name;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::namenode::state::snapshot::SnapshotId;
use crate::namenode::state::snapshot::diff::{Change, Diff, RelativePath};
use crate::proto::hdfs::{
    GetSnapshotDiffReportListingRequestProto, GetSnapshotDiffReportListingResponseProto,
    GetSnapshotDiffReportRequestProto, GetSnapshotDiffReportResponseProto,
    SnapshotDiffReportCursorProto, SnapshotDiffReportEntryProto,
    SnapshotDiffReportListingEntryProto, SnapshotDiffReportListingProto, SnapshotDiffReportProto,
};
use crate::rpc::Call;

/// The labels of entries (`DiffType`).
const CREATE: &str = "+";
const MODIFY: &str = "M";
const DELETE: &str = "-";
const RENAME: &str = "R";

/// A checked request: whose snapshots are compared, which, and in which directory.
struct Compared {
    root: InodeId,
    /// `None` for the directory of a snapshot itself, which never differs.
    scope: Option<InodeId>,
    from: Option<SnapshotId>,
    to: Option<SnapshotId>,
}

impl Compared {
    /// Returns true if `from` is earlier than `to`. Now is later than every snapshot.
    fn is_from_earlier(&self) -> bool {
        let from = self.from.unwrap_or(SnapshotId::MAX);
        from < self.to.unwrap_or(SnapshotId::MAX)
    }

    /// Compares the two trees; `None` if they are the same one.
    fn diff<'a>(&self, ns: &'a Namesystem) -> Option<Diff<'a>> {
        let (earlier, later) = if self.is_from_earlier() {
            (self.from, self.to)
        } else {
            (self.to, self.from)
        };
        let earlier = earlier.filter(|_| self.from != self.to)?;
        Some(Diff::new(ns.namespace(), self.scope?, earlier, later))
    }
}

impl NameNode {
    /// Returns all differences between two snapshots of a directory, or a snapshot and now.
    pub(crate) fn get_snapshot_diff_report(
        &self,
        call: &Call<'_>,
        request: GetSnapshotDiffReportRequestProto,
    ) -> Result<GetSnapshotDiffReportResponseProto, HdfsError> {
        let names = [&*request.from_snapshot, &*request.to_snapshot];
        let ns = self.read();
        let compared = self.compared(call, &ns, &request.snapshot_root, names)?;
        let mut diff_report = SnapshotDiffReportProto {
            snapshot_root: request.snapshot_root,
            from_snapshot: request.from_snapshot,
            to_snapshot: request.to_snapshot,
            diff_report_entries: Vec::new(),
        };
        if compared.from != compared.to {
            diff_report.snapshot_root = ns.namespace().full_path(compared.root);
        }
        if let Some(diff) = compared.diff(&ns) {
            diff_report.diff_report_entries = report(&ns, &diff, compared.is_from_earlier());
        }
        Ok(GetSnapshotDiffReportResponseProto { diff_report })
    }

    /// Returns a page of the differences, from which clients make the report themselves.
    pub(crate) fn get_snapshot_diff_report_listing(
        &self,
        call: &Call<'_>,
        request: GetSnapshotDiffReportListingRequestProto,
    ) -> Result<GetSnapshotDiffReportListingResponseProto, HdfsError> {
        let names = [&*request.from_snapshot, &*request.to_snapshot];
        let ns = self.read();
        let compared = self.compared(call, &ns, &request.snapshot_root, names)?;
        let cursor = request.cursor.unwrap_or(FIRST);
        let start = str::from_utf8(&cursor.start_path).map_err(|_| {
            HdfsError::hadoop_illegal_argument("The path to continue from is not UTF-8")
        })?;
        let mut page = Page::new(self.config.snapshots.diff_page, cursor.index);
        if let Some(diff) = compared.diff(&ns) {
            let start: Vec<&str> = path::components(start).collect();
            diff.visit(&start, |change| page.add(&diff, &change));
        }
        page.listing.is_from_earlier = compared.is_from_earlier();
        Ok(GetSnapshotDiffReportListingResponseProto {
            diff_report: page.listing,
        })
    }

    /// Checks a request for differences.
    fn compared(
        &self,
        call: &Call<'_>,
        ns: &Namesystem,
        src: &str,
        names: [&str; 2],
    ) -> Result<Compared, HdfsError> {
        let checker = self.checker(call);
        let path = ns.namespace().resolve(src)?;
        checker.check(ns.namespace(), &path, Need::TRAVERSE)?;
        // The root counts as a snapshottable directory without room for snapshots, so the next
        // check is the one that fails right below it.
        if path.parent() == Some(ROOT) {
            directory(ns, &path)?;
        }
        for name in names {
            check_readable(ns, &checker, &path::snapshot_path(src, name))?;
        }
        let root = self.root_of(ns, &path)?;
        let scope = directory(ns, &path)?;
        let is_copy = path.is_snapshot() && scope == root;
        let [from, to] = names.map(|name| named(ns, root, name));
        Ok(Compared {
            root,
            scope: Some(scope).filter(|_| !is_copy),
            from: from?,
            to: to?,
        })
    }

    /// Returns the directory whose snapshots show a path.
    fn root_of(&self, ns: &Namesystem, path: &ResolvedPath<'_>) -> Result<InodeId, HdfsError> {
        let namespace = ns.namespace();
        let is_root = |id: InodeId| namespace.snapshots().is_snapshottable(id);
        let last = path.last();
        if last.is_none() && path.parent().is_none() {
            return Err(HdfsError::file_not_found(format!(
                "Directory does not exist: {}",
                path::parent(path.path())
            )));
        }
        if let Some(root) = path.root_of_snapshot() {
            return Ok(root);
        }
        if !self.config.snapshots.diff_of_descendants {
            let id = directory(ns, path)?;
            return if last.is_some_and(is_root) {
                Ok(id)
            } else {
                Err(not_snapshottable(path.path()))
            };
        }
        let is_directory = |id: &InodeId| namespace.get(*id).is_some_and(|it| it.is_directory());
        let nearest = last.filter(is_directory).or_else(|| path.parent());
        let found = nearest.and_then(|id| {
            let mut roots = namespace.snapshots().roots().map(|(root, _)| root);
            let above = roots.find(|root| namespace.is_within(id, *root));
            above.or_else(|| Some(id).filter(|id| is_root(*id)))
        });
        found.ok_or_else(|| {
            HdfsError::snapshot(format!(
                "The path {} is neither snapshottable nor under a snapshot root!",
                path.path()
            ))
        })
    }
}

/// Fails if the caller may not read all directories below a path.
fn check_readable(
    ns: &Namesystem,
    checker: &PermissionChecker<'_>,
    src: &str,
) -> Result<(), HdfsError> {
    let path = ns.namespace().resolve(src)?;
    let need = Need {
        subtree: Some(Subtree::Read(FsAction::READ)),
        ..Need::path(FsAction::READ)
    };
    checker.check(ns.namespace(), &path, need)
}

/// Returns the snapshot of this name; an empty one means the present tree.
fn named(ns: &Namesystem, root: InodeId, name: &str) -> Result<Option<SnapshotId>, HdfsError> {
    if name.is_empty() {
        return Ok(None);
    }
    let snapshots = ns.namespace().snapshots().of(root);
    let found = snapshots.and_then(|snapshots| snapshots.named(name));
    found.map(Some).ok_or_else(|| {
        HdfsError::snapshot(format!(
            "Cannot find the snapshot of directory {} with name {name}",
            ns.namespace().full_path(root)
        ))
    })
}

/// Returns the path as a field of a message.
fn encoded(path: &[&str]) -> Bytes {
    path.join("/").into()
}

/// Returns the path of a directory's entry.
fn entry_path(directory: &[&str], name: &str) -> Bytes {
    encoded(&[directory, &[name]].concat())
}

/// Returns the entries of a whole report, in Hadoop's order (`SnapshotDiffInfo.generateReport`).
fn report(
    ns: &Namesystem,
    diff: &Diff<'_>,
    is_from_earlier: bool,
) -> Vec<SnapshotDiffReportEntryProto> {
    let mut changes = Vec::new();
    diff.visit(&[], |change| {
        changes.push(change);
        true
    });
    let mut renamed: HashMap<InodeId, (RelativePath<'_>, RelativePath<'_>)> = HashMap::new();
    for change in &changes {
        let deleted = change.children.iter().flat_map(|it| &it.deleted);
        for (Name(name), id) in deleted {
            if let Some(target) = diff.target(*id) {
                let source = [&change.path[..], &[*name]].concat();
                renamed.insert(*id, (source, target));
            }
        }
    }
    let place = |change: &Change<'_>| place_in_report(&ns.namespace().full_path(change.id));
    changes.sort_by_cached_key(place);
    let entry =
        |fullpath: Bytes, label: &str, target_path: Option<Bytes>| SnapshotDiffReportEntryProto {
            fullpath,
            modification_label: label.to_owned(),
            target_path,
        };
    let (created, deleted) = if is_from_earlier {
        (CREATE, DELETE)
    } else {
        (DELETE, CREATE)
    };
    let mut entries = Vec::new();
    for change in &changes {
        entries.push(entry(encoded(&change.path), MODIFY, None));
        let Some(children) = &change.children else {
            continue;
        };
        for (Name(name), id) in &children.created {
            if !renamed.contains_key(id) {
                entries.push(entry(entry_path(&change.path, name), created, None));
            }
        }
        for (Name(name), id) in &children.deleted {
            entries.push(match renamed.get(id) {
                Some((source, target)) if is_from_earlier => {
                    entry(encoded(source), RENAME, Some(encoded(target)))
                }
                Some((source, target)) => entry(encoded(target), RENAME, Some(encoded(source))),
                None => entry(entry_path(&change.path, name), deleted, None),
            });
        }
    }
    entries
}

/// Returns the key of a path's place in a report: the shallower first, then by the components,
/// whose bytes are signed (`SnapshotDiffInfo.INODE_COMPARATOR`).
fn place_in_report(path: &str) -> (usize, Vec<Vec<i8>>) {
    let signed = |name: &str| name.bytes().map(u8::cast_signed).collect();
    let components: Vec<Vec<i8>> = path::components(path).map(signed).collect();
    (components.len(), components)
}

/// The cursor of the first page, and the one after the last.
const FIRST: SnapshotDiffReportCursorProto = SnapshotDiffReportCursorProto {
    start_path: Bytes::new(),
    index: -1,
};

/// A page of differences under way.
struct Page {
    listing: SnapshotDiffReportListingProto,
    limit: usize,
    /// The first entry of the directory with which the page begins; -1 for the directory itself.
    index: i32,
}

impl Page {
    fn new(limit: usize, index: i32) -> Self {
        Self {
            listing: SnapshotDiffReportListingProto {
                cursor: Some(FIRST),
                ..SnapshotDiffReportListingProto::default()
            },
            limit,
            index,
        }
    }

    fn is_full(&self) -> bool {
        let listing = &self.listing;
        let entries = listing.modified_entries.len() + listing.created_entries.len();
        entries + listing.deleted_entries.len() >= self.limit
    }

    /// Adds a change. Returns false if the page has no room for all of it; it then says where the
    /// next one begins.
    fn add(&mut self, diff: &Diff<'_>, change: &Change<'_>) -> bool {
        let first = std::mem::replace(&mut self.index, -1);
        if first < 0 {
            if self.is_full() {
                return self.end(&change.path, -1);
            }
            let is_directory = change.children.is_some();
            let itself = entry(change, encoded(&change.path), change.id, is_directory);
            self.listing.modified_entries.push(itself);
        }
        let Some(children) = &change.children else {
            return true;
        };
        let created = children.created.iter().map(|child| (child, true));
        let deleted = children.deleted.iter().map(|child| (child, false));
        let entries = created.chain(deleted).zip(0_i32..);
        let skipped = usize::try_from(first).unwrap_or(0);
        for (((Name(name), id), is_created), index) in entries.skip(skipped) {
            if self.is_full() {
                return self.end(&change.path, index);
            }
            let path = entry_path(&change.path, name);
            if is_created {
                let created = entry(change, path, *id, diff.is_reference(*id));
                self.listing.created_entries.push(created);
            } else {
                let target = diff.target(*id);
                let mut deleted = entry(change, path, *id, target.is_some());
                deleted.target_path = target.map(|target| encoded(&target));
                self.listing.deleted_entries.push(deleted);
            }
        }
        true
    }

    fn end(&mut self, path: &[&str], index: i32) -> bool {
        self.listing.cursor = Some(SnapshotDiffReportCursorProto {
            start_path: encoded(path),
            index,
        });
        false
    }
}

fn entry(
    change: &Change<'_>,
    fullpath: Bytes,
    id: InodeId,
    is_reference: bool,
) -> SnapshotDiffReportListingEntryProto {
    SnapshotDiffReportListingEntryProto {
        fullpath,
        dir_id: change.id,
        is_reference,
        target_path: None,
        file_id: Some(id),
    }
}
