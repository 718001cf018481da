//! Snapshots and their differences.

use serde_json::{Value, json};

use super::status::{fields, text};
use crate::proto::hdfs::{
    SnapshotDiffReportEntryProto, SnapshotDiffReportListingEntryProto,
    SnapshotDiffReportListingProto, SnapshotDiffReportProto, SnapshotListingProto,
    SnapshottableDirectoryListingProto,
};

/// Returns `{"SnapshotDiffReport": …}`.
pub(in crate::web) fn snapshot_diff(report: &SnapshotDiffReportProto) -> Value {
    let entries = report.diff_report_entries.iter();
    json!({
        "SnapshotDiffReport": {
            "snapshotRoot": report.snapshot_root,
            "fromSnapshot": report.from_snapshot,
            "toSnapshot": report.to_snapshot,
            "diffList": entries.map(entry).collect::<Vec<_>>(),
        }
    })
}

fn entry(entry: &SnapshotDiffReportEntryProto) -> Value {
    let kind = match &*entry.modification_label {
        "+" => "CREATE",
        "-" => "DELETE",
        "R" => "RENAME",
        _ => "MODIFY",
    };
    let mut fields = json!({ "type": kind, "sourcePath": text(&entry.fullpath) });
    if let Some(target) = &entry.target_path {
        fields["targetPath"] = text(target);
    }
    fields
}

/// Returns `{"SnapshotDiffReportListing": …}`.
pub(in crate::web) fn snapshot_diff_listing(listing: &SnapshotDiffReportListingProto) -> Value {
    let entries = |entries: &[SnapshotDiffReportListingEntryProto]| {
        entries.iter().map(listing_entry).collect::<Vec<_>>()
    };
    let cursor = listing.cursor.as_ref();
    json!({
        "SnapshotDiffReportListing": {
            "modifyList": entries(&listing.modified_entries),
            "createList": entries(&listing.created_entries),
            "deleteList": entries(&listing.deleted_entries),
            "lastPath": text(cursor.map_or(&[], |cursor| &cursor.start_path)),
            "lastIndex": cursor.map_or(-1, |cursor| cursor.index),
            "isFromEarlier": listing.is_from_earlier,
        }
    })
}

fn listing_entry(entry: &SnapshotDiffReportListingEntryProto) -> Value {
    let mut fields = json!({
        "dirId": entry.dir_id,
        "fileId": entry.file_id(),
        "isReference": entry.is_reference,
        "sourcePath": text(&entry.fullpath),
    });
    if let Some(target) = &entry.target_path {
        fields["targetPath"] = text(target);
    }
    fields
}

/// Returns `{"SnapshottableDirectoryList": …}`.
pub(in crate::web) fn snapshottable_directories(
    list: Option<&SnapshottableDirectoryListingProto>,
) -> Value {
    let list = list.map(|list| {
        let list = list.snapshottable_dir_listing.iter();
        let directory = list.map(|it| {
            json!({
                "dirStatus": fields(&it.dir_status),
                "snapshotNumber": it.snapshot_number,
                "snapshotQuota": it.snapshot_quota,
                "parentFullPath": text(&it.parent_fullpath),
            })
        });
        directory.collect::<Vec<_>>()
    });
    json!({ "SnapshottableDirectoryList": list })
}

/// Returns `{"SnapshotList": …}`.
pub(in crate::web) fn snapshots(list: Option<&SnapshotListingProto>) -> Value {
    let list = list.map(|list| {
        let list = list.snapshot_listing.iter();
        let snapshot = list.map(|it| {
            json!({
                "dirStatus": fields(&it.dir_status),
                "snapshotID": it.snapshot_id,
                "deletionStatus": if it.is_deleted { "DELETED" } else { "ACTIVE" },
                "parentFullPath": text(&it.parent_fullpath),
            })
        });
        snapshot.collect::<Vec<_>>()
    });
    json!({ "SnapshotList": list })
}
