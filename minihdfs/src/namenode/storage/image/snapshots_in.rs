//! Snapshots from the sections of an image (`FSImageFormatPBSnapshot.Loader`).

use smol_str::SmolStr;

use crate::namenode::state::inode::{Inode, InodeId};
use crate::namenode::state::quota::Quota;
use crate::namenode::state::restore::Restoring;
use crate::namenode::state::snapshot::recorded::{Deleted, DirectoryDiff, FileDiff};
use crate::namenode::storage::error::StorageError;
use crate::namenode::storage::image::inodes_in::{block, restore};
use crate::namenode::storage::image::sections::Section;
use crate::namenode::storage::image::strings::StringTable;
use crate::proto::hdfs::fsimage::SnapshotSection;
use crate::proto::hdfs::fsimage::i_node_reference_section::INodeReference;
use crate::proto::hdfs::fsimage::i_node_section::{INode, i_node};
use crate::proto::hdfs::fsimage::snapshot_diff_section::{
    self, CreatedListEntry, DiffEntry, diff_entry,
};
use crate::proto::hdfs::fsimage::snapshot_section::Snapshot;

/// An inode in one of several places.
pub(super) struct Reference {
    pub(super) id: InodeId,
    /// The name that it had there; `None` if that is its present one.
    name: Option<SmolStr>,
}

/// Reads the references, which other sections name by their numbers.
pub(super) fn read_references(mut section: Section<'_>) -> Result<Vec<Reference>, StorageError> {
    let mut references = Vec::new();
    while !section.is_empty() {
        let message: INodeReference = section.next()?;
        let name = message
            .name
            .as_deref()
            .filter(|_| message.dst_snapshot_id.is_none());
        let name = name.map(text).transpose();
        references.push(Reference {
            id: message.referred_id(),
            name: name.map_err(|reason| section.failed(reason))?,
        });
    }
    Ok(references)
}

/// Returns the reference with this number.
pub(super) fn reference(references: &[Reference], number: u32) -> Result<&Reference, String> {
    let found = references.get(number as usize);
    found.ok_or_else(|| format!("there is no reference {number}"))
}

/// Reads which directories may have snapshots, and the snapshots.
pub(super) fn read_snapshots(
    mut section: Section<'_>,
    strings: &StringTable,
    restoring: &mut Restoring<'_>,
) -> Result<(), StorageError> {
    let header: SnapshotSection = section.next()?;
    let allowed = restoring.allow_snapshots(header.snapshot_counter(), &header.snapshottable_dir);
    allowed.map_err(|reason| section.failed(reason))?;
    for _ in 0..header.num_snapshots() {
        let snapshot: Snapshot = section.next()?;
        let root = snapshot.root.as_ref();
        let root = root.ok_or_else(|| "a snapshot has no directory".to_owned());
        let root = root.and_then(|root| restore(root, strings));
        let root = root.map_err(|reason| section.failed(reason))?;
        restoring.add_snapshot(snapshot.snapshot_id(), root);
    }
    Ok(())
}

/// Reads what changed after each snapshot.
pub(super) fn read_diffs(
    mut section: Section<'_>,
    strings: &StringTable,
    references: &[Reference],
    restoring: &mut Restoring<'_>,
) -> Result<(), StorageError> {
    while !section.is_empty() {
        let entry: DiffEntry = section.next()?;
        let id = entry.inode_id();
        match entry.r#type() {
            diff_entry::Type::Filediff => {
                let mut diffs = Vec::new();
                for _ in 0..entry.num_of_diff() {
                    let message: snapshot_diff_section::FileDiff = section.next()?;
                    let diff = file_diff(id, message, strings, restoring);
                    diffs.push(diff.map_err(|reason| section.failed(reason))?);
                }
                in_order(&section, id, &mut diffs, |diff| diff.snapshot)?;
                restoring.add_file_diffs(id, diffs);
            }
            diff_entry::Type::Directorydiff => {
                let mut diffs = Vec::new();
                for _ in 0..entry.num_of_diff() {
                    let message: snapshot_diff_section::DirectoryDiff = section.next()?;
                    let size = message.created_list_size();
                    let diff = directory_diff(id, message, (strings, references), restoring);
                    let mut diff = diff.map_err(|reason| section.failed(reason))?;
                    for _ in 0..size {
                        let created: CreatedListEntry = section.next()?;
                        let name = text(created.name());
                        let name = name.map_err(|reason| section.failed(reason))?;
                        diff.created.push(name);
                    }
                    diffs.push(diff);
                }
                in_order(&section, id, &mut diffs, |diff| diff.snapshot)?;
                restoring.add_directory_diffs(id, diffs);
            }
        }
    }
    Ok(())
}

/// Sorts diffs by their snapshots: Hadoop writes the last one first.
fn in_order<D>(
    section: &Section<'_>,
    id: InodeId,
    diffs: &mut [D],
    snapshot: impl Fn(&D) -> u32,
) -> Result<(), StorageError> {
    diffs.reverse();
    match diffs.is_sorted_by(|one, other| snapshot(one) < snapshot(other)) {
        true => Ok(()),
        false => Err(section.failed(format!("the snapshots of inode {id} are in no order"))),
    }
}

fn file_diff(
    id: InodeId,
    message: snapshot_diff_section::FileDiff,
    strings: &StringTable,
    restoring: &mut Restoring<'_>,
) -> Result<FileDiff, String> {
    let (snapshot, length) = (message.snapshot_id(), message.file_size());
    let blocks = message.blocks.iter().map(block).collect();
    let copy = message.snapshot_copy.map(|copy| INode {
        r#type: i_node::Type::File.into(),
        id,
        name: message.name,
        file: Some(copy),
        ..INode::default()
    });
    Ok(FileDiff {
        snapshot,
        length,
        copy: restored(copy.as_ref(), strings, restoring)?,
        blocks,
    })
}

fn directory_diff(
    id: InodeId,
    message: snapshot_diff_section::DirectoryDiff,
    (strings, references): (&StringTable, &[Reference]),
    restoring: &mut Restoring<'_>,
) -> Result<DirectoryDiff, String> {
    let mut deleted = Vec::new();
    for id in &message.deleted_i_node {
        deleted.push(deleted_child(*id, None, restoring)?);
    }
    for number in &message.deleted_i_node_ref {
        let reference = reference(references, *number)?;
        let name = reference.name.clone();
        deleted.push(Deleted {
            is_reference: true,
            ..deleted_child(reference.id, name, restoring)?
        });
    }
    let (snapshot, is_snapshot_root) = (message.snapshot_id(), message.is_snapshot_root());
    let children = message.children_size() as usize;
    let copy = message.snapshot_copy.map(|copy| INode {
        r#type: i_node::Type::Directory.into(),
        id,
        name: message.name,
        directory: Some(copy),
        ..INode::default()
    });
    Ok(DirectoryDiff {
        snapshot,
        is_snapshot_root,
        copy: restored(copy.as_ref(), strings, restoring)?,
        children,
        created: Vec::new(),
        deleted,
    })
}

fn deleted_child(
    id: InodeId,
    name: Option<SmolStr>,
    restoring: &Restoring<'_>,
) -> Result<Deleted, String> {
    let last = restoring.name_of(id);
    let last = last.ok_or_else(|| format!("inode {id}, which a snapshot shows, is missing"))?;
    Ok(Deleted {
        name: name.unwrap_or_else(|| last.into()),
        id,
        is_reference: false,
    })
}

fn restored(
    message: Option<&INode>,
    strings: &StringTable,
    restoring: &mut Restoring<'_>,
) -> Result<Option<Inode>, String> {
    let copy: Option<(Inode, Option<Quota>)> =
        message.map(|it| restore(it, strings)).transpose()?;
    Ok(copy.map(|copy| restoring.copy(copy)))
}

fn text(name: &[u8]) -> Result<SmolStr, String> {
    let name = str::from_utf8(name).map_err(|_| {
        let name = String::from_utf8_lossy(name);
        format!("the name {name:?} is not UTF-8")
    })?;
    Ok(name.into())
}
