//! Snapshots, through ClientProtocol.

mod access;
mod blocks;
mod diffs;
mod frozen;
mod gone;
mod ordered;
mod reading;
mod renames;
pub(super) mod shown;
mod taking;

use super::*;

impl Session<'_> {
    pub(super) fn allow_snapshot(&self, root: &str) -> Result<(), HdfsError> {
        let request = AllowSnapshotRequestProto {
            snapshot_root: root.to_owned(),
        };
        self.call::<AllowSnapshotResponseProto>("allowSnapshot", &request)
            .map(drop)
    }

    pub(super) fn disallow_snapshot(&self, root: &str) -> Result<(), HdfsError> {
        let request = DisallowSnapshotRequestProto {
            snapshot_root: root.to_owned(),
        };
        self.call::<DisallowSnapshotResponseProto>("disallowSnapshot", &request)
            .map(drop)
    }

    pub(super) fn create_snapshot(&self, root: &str, name: &str) -> Result<String, HdfsError> {
        let request = CreateSnapshotRequestProto {
            snapshot_root: root.to_owned(),
            snapshot_name: Some(name.to_owned()),
        };
        self.call::<CreateSnapshotResponseProto>("createSnapshot", &request)
            .map(|response| response.snapshot_path)
    }

    pub(super) fn delete_snapshot(&self, root: &str, name: &str) -> Result<(), HdfsError> {
        let request = DeleteSnapshotRequestProto {
            snapshot_root: root.to_owned(),
            snapshot_name: name.to_owned(),
        };
        self.call::<DeleteSnapshotResponseProto>("deleteSnapshot", &request)
            .map(drop)
    }

    pub(super) fn rename_snapshot(
        &self,
        root: &str,
        name: &str,
        new_name: &str,
    ) -> Result<(), HdfsError> {
        let request = RenameSnapshotRequestProto {
            snapshot_root: root.to_owned(),
            snapshot_old_name: name.to_owned(),
            snapshot_new_name: new_name.to_owned(),
        };
        self.call::<RenameSnapshotResponseProto>("renameSnapshot", &request)
            .map(drop)
    }

    fn rename2(&self, src: &str, dst: &str, overwrite_dest: bool) -> Result<(), HdfsError> {
        let request = Rename2RequestProto {
            src: src.to_owned(),
            dst: dst.to_owned(),
            overwrite_dest,
            ..Rename2RequestProto::default()
        };
        self.call::<Rename2ResponseProto>("rename2", &request)
            .map(drop)
    }
}

/// A NameNode with one DataNode, and a directory `/d` of which snapshots may be taken.
fn with_root(keys: &[(&str, &str)]) -> Fixture {
    let fixture = Fixture::with(keys).with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d", 0o755).expect("made");
    hdfs.allow_snapshot("/d").expect("the superuser");
    fixture
}
