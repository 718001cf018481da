//! Snapshots as the sections of an image (`FSImageFormatPBSnapshot.Saver`).

use bytes::Bytes;
use smol_str::SmolStr;

use crate::namenode::state::inode::InodeId;
use crate::namenode::state::name::Name;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::snapshot::record::Record;
use crate::namenode::state::snapshot::recorded::{Deleted, DirectoryDiff, FileDiff};
use crate::namenode::storage::image::inodes_out::{InodeMessages, block};
use crate::namenode::storage::image::sections::ImageWriter;
use crate::proto::hdfs::fsimage::SnapshotSection;
use crate::proto::hdfs::fsimage::i_node_reference_section::INodeReference;
use crate::proto::hdfs::fsimage::snapshot_diff_section::{
    self, CreatedListEntry, DiffEntry, diff_entry,
};
use crate::proto::hdfs::fsimage::snapshot_section::Snapshot;

/// The snapshot of a place of which there are none (`Snapshot.CURRENT_STATE_ID`).
const NO_SNAPSHOT: u32 = i32::MAX as u32 - 1;

/// The references of an image, which other sections name by their numbers.
#[derive(Default)]
pub(super) struct References(Vec<INodeReference>);

impl References {
    /// Adds the present place of an inode. Returns its number.
    pub(super) fn add_present(&mut self, id: InodeId, record: &Record<'_>) -> u32 {
        self.add(INodeReference {
            referred_id: Some(id),
            dst_snapshot_id: Some(record.arrived_after(id).unwrap_or(NO_SNAPSHOT)),
            ..INodeReference::default()
        })
    }

    /// Adds a place that a snapshot was the last to show. Returns its number.
    fn add_earlier(&mut self, child: &Deleted, snapshot: u32) -> u32 {
        self.add(INodeReference {
            referred_id: Some(child.id),
            name: Some(Bytes::copy_from_slice(child.name.as_bytes())),
            dst_snapshot_id: None,
            last_snapshot_id: Some(snapshot),
        })
    }

    fn add(&mut self, reference: INodeReference) -> u32 {
        self.0.push(reference);
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn write(&self, image: &mut ImageWriter) {
        for reference in &self.0 {
            image.put(reference);
        }
        image.end("INODE_REFERENCE");
    }
}

/// Writes which directories may have snapshots, and the snapshots.
pub(super) fn write_snapshots(
    namespace: &Namespace,
    messages: &mut InodeMessages,
    image: &mut ImageWriter,
) {
    let snapshots = namespace.snapshots();
    image.put(&SnapshotSection {
        snapshot_counter: Some(snapshots.taken()),
        snapshottable_dir: snapshots.roots().map(|(id, _)| id).collect(),
        num_snapshots: Some(snapshots.count() as u32),
    });
    for (_, root) in snapshots.roots() {
        let mut of_root: Vec<_> = root.by_name().collect();
        sort_by_name(&mut of_root, |(_, snapshot)| snapshot.root.name.clone());
        for (id, snapshot) in of_root {
            image.put(&Snapshot {
                snapshot_id: Some(id),
                root: Some(messages.message(&snapshot.root)),
            });
        }
    }
    image.end("SNAPSHOT");
}

/// Writes what changed after each snapshot, for each inode the last snapshot first.
pub(super) fn write_diffs(
    record: &Record<'_>,
    messages: &mut InodeMessages,
    references: &mut References,
    image: &mut ImageWriter,
) {
    for id in record.changed() {
        let entry = |kind: diff_entry::Type, count: usize| DiffEntry {
            r#type: kind.into(),
            inode_id: Some(id),
            num_of_diff: Some(count as u32),
        };
        if record.is_directory(id) {
            let diffs = record.directory_diffs(id);
            if !diffs.is_empty() {
                image.put(&entry(diff_entry::Type::Directorydiff, diffs.len()));
            }
            for diff in diffs.into_iter().rev() {
                write_directory_diff(diff, messages, references, image);
            }
        } else {
            let diffs = record.file_diffs(id);
            if !diffs.is_empty() {
                image.put(&entry(diff_entry::Type::Filediff, diffs.len()));
            }
            for diff in diffs.iter().rev() {
                write_file_diff(diff, messages, image);
            }
        }
    }
    image.end("SNAPSHOT_DIFF");
}

fn write_directory_diff(
    mut diff: DirectoryDiff,
    messages: &mut InodeMessages,
    references: &mut References,
    image: &mut ImageWriter,
) {
    sort_by_name(&mut diff.created, SmolStr::clone);
    sort_by_name(&mut diff.deleted, |child| child.name.clone());
    let mut message = snapshot_diff_section::DirectoryDiff {
        snapshot_id: Some(diff.snapshot),
        children_size: Some(diff.children as u32),
        is_snapshot_root: Some(diff.is_snapshot_root),
        created_list_size: Some(diff.created.len() as u32),
        ..snapshot_diff_section::DirectoryDiff::default()
    };
    if let Some(copy) = &diff.copy {
        let copy = messages.message(copy);
        message.name = copy.name;
        message.snapshot_copy = copy.directory;
    }
    for child in &diff.deleted {
        if child.is_reference {
            let number = references.add_earlier(child, diff.snapshot);
            message.deleted_i_node_ref.push(number);
        } else {
            message.deleted_i_node.push(child.id);
        }
    }
    image.put(&message);
    for name in &diff.created {
        image.put(&CreatedListEntry {
            name: Some(Bytes::copy_from_slice(name.as_bytes())),
        });
    }
}

fn write_file_diff(diff: &FileDiff, messages: &mut InodeMessages, image: &mut ImageWriter) {
    let mut message = snapshot_diff_section::FileDiff {
        snapshot_id: Some(diff.snapshot),
        file_size: Some(diff.length),
        blocks: diff.blocks.iter().map(block).collect(),
        ..snapshot_diff_section::FileDiff::default()
    };
    if let Some(copy) = &diff.copy {
        let copy = messages.message(copy);
        message.name = copy.name;
        message.snapshot_copy = copy.file.map(|mut file| {
            // They are in the inode itself, or beside the copy.
            file.blocks.clear();
            file
        });
    }
    image.put(&message);
}

/// Sorts by name, since Hadoop looks for names in this order.
pub(super) fn sort_by_name<T>(all: &mut [T], name: impl Fn(&T) -> SmolStr) {
    all.sort_by_cached_key(|it| Name(name(it)));
}
