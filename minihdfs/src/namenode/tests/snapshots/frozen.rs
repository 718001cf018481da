//! The law of snapshots: whatever happens afterwards, they show what was there.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::namenode::tests::law::{Step, World, cases};

/// The tree below a path: for each path, what clients see of it.
type Tree = BTreeMap<String, String>;

impl Session<'_> {
    /// Returns everything that clients see of a tree.
    fn tree(&self, top: &str) -> Tree {
        let mut tree = Tree::new();
        let mut pending = vec![String::new()];
        while let Some(path) = pending.pop() {
            let whole = format!("{top}{path}");
            let mut status = self.link_stat(&whole);
            // Of the present directories above it, it may depend on any.
            status.storage_policy = None;
            let is_directory = status.file_type == i32::from(Directory);
            if is_directory {
                // Hadoop does not keep it when only children come.
                status.modification_time = 0;
            }
            let is_file = status.file_type == i32::from(File);
            let blocks = is_file.then(|| {
                let located = self.locations(&whole).expect("it is a file");
                let ids = located.blocks.iter().map(|block| block.b.block_id);
                (located.file_length, ids.collect::<Vec<_>>())
            });
            let attributes = (!status.symlink().is_empty())
                .then(String::new)
                .unwrap_or_else(|| self.attributes(&whole));
            if is_directory {
                let names = self.list(&whole).expect("it is a directory");
                assert_eq!(status.children_num(), names.len() as i32);
                pending.extend(names.iter().map(|name| format!("{path}/{name}")));
            }
            tree.insert(path, format!("{status:?} {blocks:?} {attributes}"));
        }
        tree
    }

    fn link_stat(&self, src: &str) -> HdfsFileStatusProto {
        let request = GetFileLinkInfoRequestProto {
            src: src.to_owned(),
        };
        self.call::<GetFileLinkInfoResponseProto>("getFileLinkInfo", &request)
            .expect("no error")
            .fs
            .unwrap_or_else(|| panic!("{src} exists"))
    }

    fn attributes(&self, src: &str) -> String {
        let src = src.to_owned();
        let request = GetAclStatusRequestProto { src: src.clone() };
        let acl = self.call::<GetAclStatusResponseProto>("getAclStatus", &request);
        let request = ListXAttrsRequestProto { src };
        let xattrs = self.call::<ListXAttrsResponseProto>("listXAttrs", &request);
        format!(
            "{:?} {:?}",
            acl.expect("it exists"),
            xattrs.expect("it exists")
        )
    }

    /// Returns the paths of all snapshots, with their ids.
    fn snapshots(&self) -> Vec<(u32, String)> {
        let mut found = Vec::new();
        for root in ["/a", "/d", "/a/b"] {
            let request = GetSnapshotListingRequestProto {
                snapshot_root: root.to_owned(),
            };
            let listing =
                self.call::<GetSnapshotListingResponseProto>("getSnapshotListing", &request);
            let Ok(listing) = listing else { continue };
            for snapshot in listing
                .snapshot_list
                .expect("always there")
                .snapshot_listing
            {
                let name = String::from_utf8(snapshot.dir_status.path.to_vec()).expect("UTF-8");
                found.push((snapshot.snapshot_id, format!("{root}/.snapshot/{name}")));
            }
        }
        found
    }
}

use hdfs_file_status_proto::FileType::{IsDir as Directory, IsFile as File};

/// Takes the steps, and compares after each what every snapshot shows with what it showed at first.
fn take(steps: Vec<Step>) {
    let mut world = World::with(&[("dfs.namenode.snapshot.capture.openfiles", "true")]);
    let mut known: BTreeMap<u32, Tree> = BTreeMap::new();
    for (number, step) in steps.into_iter().enumerate() {
        world.step(step);
        let hdfs = world.fixture.hdfs();
        let snapshots = hdfs.snapshots();
        known.retain(|id, _| snapshots.iter().any(|(exists, _)| exists == id));
        for (id, path) in snapshots {
            let mut tree = hdfs.tree(&path);
            // Renaming a snapshot changes the times of its root.
            tree.remove("");
            let first = known.entry(id).or_insert_with(|| tree.clone());
            assert_eq!(*first, tree, "{path} after step {number}, {step:?}");
        }
        world.fixture.check_law();
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_snapshot_shows_for_ever_what_was_there(
        steps in proptest::collection::vec(any::<Step>(), 0..120),
    ) {
        take(steps);
    }
}
