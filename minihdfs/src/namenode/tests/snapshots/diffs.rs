//! The differences of snapshots.

use super::*;

impl Session<'_> {
    /// Returns the entries of a report: `M`, `+ f`, `R f -> g`.
    fn diff(&self, root: &str, from: &str, to: &str) -> Result<Vec<String>, HdfsError> {
        let request = GetSnapshotDiffReportRequestProto {
            snapshot_root: root.to_owned(),
            from_snapshot: from.to_owned(),
            to_snapshot: to.to_owned(),
        };
        let response =
            self.call::<GetSnapshotDiffReportResponseProto>("getSnapshotDiffReport", &request)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let entries = response.diff_report.diff_report_entries.into_iter();
        let line = |entry: SnapshotDiffReportEntryProto| {
            let target = entry
                .target_path
                .map(|target| format!(" -> {}", text(&target)));
            format!(
                "{} {}{}",
                entry.modification_label,
                text(&entry.fullpath),
                target.unwrap_or_default()
            )
        };
        Ok(entries.map(line).collect())
    }

    /// Returns all pages of the listing: modified, created and deleted entries.
    fn pages(&self, from: &str, to: &str) -> Vec<[Vec<String>; 3]> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let lines = |entries: &[SnapshotDiffReportListingEntryProto]| -> Vec<String> {
            let entries = entries.iter();
            let line = |entry: &SnapshotDiffReportListingEntryProto| {
                let target = entry.target_path.as_ref();
                let target = target.map(|target| format!(" -> {}", text(target)));
                format!("{}{}", text(&entry.fullpath), target.unwrap_or_default())
            };
            entries.map(line).collect()
        };
        let mut cursor = None;
        let mut pages = Vec::new();
        loop {
            let request = GetSnapshotDiffReportListingRequestProto {
                snapshot_root: "/d".to_owned(),
                from_snapshot: from.to_owned(),
                to_snapshot: to.to_owned(),
                cursor,
            };
            let method = "getSnapshotDiffReportListing";
            let response = self.call::<GetSnapshotDiffReportListingResponseProto>(method, &request);
            let page = response.expect("a page").diff_report;
            pages.push([
                lines(&page.modified_entries),
                lines(&page.created_entries),
                lines(&page.deleted_entries),
            ]);
            let next = page.cursor.expect("always there");
            if next.start_path.is_empty() && next.index == -1 {
                return pages;
            }
            cursor = Some(next);
        }
    }
}

/// Makes a tree, two snapshots, and many kinds of changes between these.
fn changed() -> Fixture {
    let fixture = with_root(&[("dfs.snapshotdiff-report.limit", "3")]);
    let hdfs = fixture.hdfs();
    for directory in ["/d/a/deep", "/d/b", "/d/same"] {
        hdfs.mkdirs(directory, 0o755).expect("made");
    }
    for file in [
        "/d/a/gone",
        "/d/a/moved",
        "/d/a/deep/kept",
        "/d/touched",
        "/d/over",
    ] {
        hdfs.write(file, &[10]);
    }
    hdfs.create_snapshot("/d", "one").expect("taken");
    hdfs.delete("/d/a/gone", false).expect("removed");
    hdfs.rename2("/d/a/moved", "/d/b/here", false)
        .expect("moved");
    hdfs.chmod("/d/touched", 0o600).expect("changed");
    hdfs.write("/d/a/new", &[]);
    hdfs.delete("/d/over", false).expect("removed");
    hdfs.write("/d/over", &[20]);
    hdfs.create_snapshot("/d", "two").expect("taken");
    fixture
}

#[test]
fn a_report_has_what_was_made_changed_removed_and_renamed() {
    let fixture = changed();
    let hdfs = fixture.hdfs();
    let forward = [
        "M ",
        "+ over",
        "- over",
        "M a",
        "+ a/new",
        "- a/gone",
        "R a/moved -> b/here",
        "M b",
        "M touched",
    ];
    assert_eq!(hdfs.diff("/d", "one", "two").expect("a report"), forward);
    let backward = [
        "M ",
        "- over",
        "+ over",
        "M a",
        "- a/new",
        "+ a/gone",
        "R b/here -> a/moved",
        "M b",
        "M touched",
    ];
    assert_eq!(hdfs.diff("/d", "two", "one").expect("a report"), backward);
    assert_eq!(hdfs.diff("/d", "one", "").expect("a report"), forward);
    for (from, to) in [("two", ""), ("one", "one"), ("", "")] {
        assert_eq!(hdfs.diff("/d", from, to).expect("a report"), [""; 0]);
    }
    assert_eq!(
        hdfs.diff("/d/a", "one", "two")
            .expect("of a directory below"),
        ["M ", "+ new", "- gone", "- moved"]
    );
}

#[test]
fn a_listing_comes_in_pages() {
    let fixture = changed();
    let pages = fixture.hdfs().pages("one", "two");
    assert!(pages.len() >= 3, "{pages:?}");
    for page in &pages {
        assert!(page.iter().map(Vec::len).sum::<usize>() <= 3, "{page:?}");
    }
    let all =
        |kind: usize| -> Vec<String> { pages.iter().flat_map(|page| page[kind].clone()).collect() };
    assert_eq!(all(0), ["", "a", "b", "touched"]);
    assert_eq!(all(1), ["over", "a/new", "b/here"]);
    assert_eq!(all(2), ["over", "a/gone", "a/moved -> b/here"]);
}

#[test]
fn differences_are_refused_where_there_are_no_snapshots() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/x/y", 0o755).expect("made");
    hdfs.create_snapshot("/d", "s").expect("taken");
    refused(
        hdfs.diff("/x/y", "s", ""),
        "SnapshotException",
        "The path /x/y is neither snapshottable nor under a snapshot root!",
    );
    refused(
        hdfs.diff("/d", "s", "t"),
        "SnapshotException",
        "Cannot find the snapshot of directory /d with name t",
    );
    let strict = with_root(&[(
        "dfs.namenode.snapshotdiff.allow.snap-root-descendant",
        "false",
    )]);
    let hdfs = strict.hdfs();
    hdfs.mkdirs("/d/a", 0o755).expect("made");
    hdfs.create_snapshot("/d", "s").expect("taken");
    hdfs.diff("/d", "s", "").expect("a report");
    refused(
        hdfs.diff("/d/a", "s", ""),
        "SnapshotException",
        "Directory is not a snapshottable directory: /d/a",
    );
}

#[test]
fn differences_are_for_those_who_may_read_all() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/closed", 0o700).expect("made");
    hdfs.create_snapshot("/d", "s").expect("taken");
    let error = fixture.user("bob").diff("/d", "s", "").expect_err("closed");
    assert!(
        error.class().ends_with(".AccessControlException"),
        "{error}"
    );
}
