//! The operations on snapshots.

use super::operation::Operation;
use crate::HdfsError;
use crate::proto::hdfs::{
    AllowSnapshotRequestProto, CreateSnapshotRequestProto, CreateSnapshotResponseProto,
    DeleteSnapshotRequestProto, DisallowSnapshotRequestProto,
    GetSnapshotDiffReportListingRequestProto, GetSnapshotDiffReportListingResponseProto,
    GetSnapshotDiffReportRequestProto, GetSnapshotDiffReportResponseProto,
    GetSnapshotListingRequestProto, GetSnapshotListingResponseProto,
    GetSnapshottableDirListingRequestProto, GetSnapshottableDirListingResponseProto,
    RenameSnapshotRequestProto, SnapshotDiffReportCursorProto,
};
use crate::web::json;
use crate::web::response::{self, WebResponse};

type Answer = Result<WebResponse, HdfsError>;

impl Operation<'_> {
    /// Returns the name of a snapshot; empty if it is not given.
    fn snapshot(&self, parameter: &str) -> String {
        self.query.get(parameter).unwrap_or_default().to_owned()
    }
}

pub(super) fn allow(op: &Operation<'_>) -> Answer {
    let snapshot_root = op.src();
    op.command(
        "allowSnapshot",
        &AllowSnapshotRequestProto { snapshot_root },
    )?;
    Ok(response::empty())
}

pub(super) fn disallow(op: &Operation<'_>) -> Answer {
    let snapshot_root = op.src();
    let request = DisallowSnapshotRequestProto { snapshot_root };
    op.command("disallowSnapshot", &request)?;
    Ok(response::empty())
}

pub(super) fn create(op: &Operation<'_>) -> Answer {
    let request = CreateSnapshotRequestProto {
        snapshot_root: op.src(),
        snapshot_name: Some(op.snapshot("snapshotname")),
    };
    let answer: CreateSnapshotResponseProto = op.call("createSnapshot", &request)?;
    Ok(response::of_path(&answer.snapshot_path))
}

pub(super) fn rename(op: &Operation<'_>) -> Answer {
    let request = RenameSnapshotRequestProto {
        snapshot_root: op.src(),
        snapshot_old_name: op
            .query
            .required("RENAMESNAPSHOT", "oldsnapshotname")?
            .to_owned(),
        snapshot_new_name: op
            .query
            .required("RENAMESNAPSHOT", "snapshotname")?
            .to_owned(),
    };
    op.command("renameSnapshot", &request)?;
    Ok(response::empty())
}

pub(super) fn delete(op: &Operation<'_>) -> Answer {
    let request = DeleteSnapshotRequestProto {
        snapshot_root: op.src(),
        snapshot_name: op
            .query
            .required("DELETESNAPSHOT", "snapshotname")?
            .to_owned(),
    };
    op.command("deleteSnapshot", &request)?;
    Ok(response::empty())
}

pub(super) fn diff(op: &Operation<'_>) -> Answer {
    let request = GetSnapshotDiffReportRequestProto {
        snapshot_root: op.src(),
        from_snapshot: op.snapshot("oldsnapshotname"),
        to_snapshot: op.snapshot("snapshotname"),
    };
    let answer: GetSnapshotDiffReportResponseProto = op.call("getSnapshotDiffReport", &request)?;
    Ok(response::of_json(&json::snapshot_diff(&answer.diff_report)))
}

pub(super) fn diff_listing(op: &Operation<'_>) -> Answer {
    let index = op.query.long("snapshotdiffindex", i64::MIN)?.unwrap_or(-1);
    let request = GetSnapshotDiffReportListingRequestProto {
        snapshot_root: op.src(),
        from_snapshot: op.snapshot("oldsnapshotname"),
        to_snapshot: op.snapshot("snapshotname"),
        cursor: Some(SnapshotDiffReportCursorProto {
            start_path: op.snapshot("snapshotdiffstartpath").into(),
            index: i32::try_from(index).unwrap_or(i32::MAX),
        }),
    };
    let answer: GetSnapshotDiffReportListingResponseProto =
        op.call("getSnapshotDiffReportListing", &request)?;
    let listing = json::snapshot_diff_listing(&answer.diff_report);
    Ok(response::of_json(&listing))
}

pub(super) fn snapshottable(op: &Operation<'_>) -> Answer {
    let request = GetSnapshottableDirListingRequestProto {};
    let answer: GetSnapshottableDirListingResponseProto =
        op.call("getSnapshottableDirListing", &request)?;
    let list = answer.snapshottable_dir_list.as_ref();
    Ok(response::of_json(&json::snapshottable_directories(list)))
}

pub(super) fn list(op: &Operation<'_>) -> Answer {
    let request = GetSnapshotListingRequestProto {
        snapshot_root: op.src(),
    };
    let answer: GetSnapshotListingResponseProto = op.call("getSnapshotListing", &request)?;
    let list = answer.snapshot_list.as_ref();
    Ok(response::of_json(&json::snapshots(list)))
}
