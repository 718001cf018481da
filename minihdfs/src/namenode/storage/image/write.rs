//! Writing an image.

use crate::namenode::state::State;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::snapshot::record::Record;
use crate::namenode::storage::image::inodes_out::InodeMessages;
use crate::namenode::storage::image::sections::ImageWriter;
use crate::namenode::storage::image::snapshots_out::{References, write_diffs, write_snapshots};
use crate::namenode::storage::image::strings::Numbering;
use crate::namenode::storage::image::{caching, tokens};
use crate::proto::hdfs::fsimage::files_under_construction_section::FileUnderConstructionEntry;
use crate::proto::hdfs::fsimage::i_node_directory_section::DirEntry;
use crate::proto::hdfs::fsimage::string_table_section::Entry;
use crate::proto::hdfs::fsimage::{INodeSection, NameSystemSection, StringTableSection};

/// Generation stamps of blocks from Hadoop 1, of which there are none.
const LAST_RESERVED_STAMP: u64 = 1000;

/// Returns the image of a state.
pub(crate) fn write_image(state: &State, namespace_id: u32) -> Vec<u8> {
    let mut image = ImageWriter::new();
    image.put(&NameSystemSection {
        namespace_id: Some(namespace_id),
        genstamp_v1: Some(LAST_RESERVED_STAMP),
        genstamp_v2: Some(state.generation_stamp()),
        genstamp_v1_limit: Some(0),
        last_allocated_block_id: Some(state.last_allocated_block_id()),
        transaction_id: Some(state.transaction_id().cast_unsigned()),
        rolling_upgrade_start_time: None,
        last_allocated_striped_block_id: Some(i64::MIN.cast_unsigned()),
    });
    image.end("NS_INFO");
    if !state.erasure_coding().is_empty() {
        image.put_encoded(state.erasure_coding());
        image.end("ERASURE_CODING");
    }
    let names = write_tree(state, &mut image);
    tokens::write(state.tokens(), &mut image);
    caching::write(state.caching(), &mut image);
    write_strings(&names, &mut image);
    image.finish()
}

/// Writes the inodes, their places, the open files, and the snapshots. Returns the names in them.
fn write_tree(state: &State, image: &mut ImageWriter) -> Numbering {
    let namespace = state.namespace();
    let record = Record::new(namespace);
    let ids = namespace.ids();
    let removed: Vec<_> = record.removed().collect();
    image.put(&INodeSection {
        last_inode_id: Some(namespace.last_id()),
        num_inodes: Some((ids.len() + removed.len()) as u64),
    });
    let mut messages = InodeMessages::new();
    for id in &ids {
        image.put(&messages.message(namespace.inode(*id)));
    }
    for inode in removed {
        image.put(&messages.message(&inode));
    }
    image.end("INODE");
    let mut references = References::default();
    for id in &ids {
        if let Some(entry) = children(state, *id, &record, &mut references) {
            image.put(&entry);
        }
    }
    image.end("INODE_DIR");
    for (id, _holder) in state.leases().files_after(0) {
        image.put(&FileUnderConstructionEntry {
            inode_id: Some(id),
            full_path: Some(namespace.full_path(id)),
        });
    }
    image.end("FILES_UNDERCONSTRUCTION");
    write_snapshots(namespace, &mut messages, image);
    write_diffs(&record, &mut messages, &mut references, image);
    references.write(image);
    messages.names
}

/// Returns the children of a directory in Hadoop's order; `None` if there are none. Those that have
/// been in several places are references.
fn children(
    state: &State,
    id: InodeId,
    record: &Record<'_>,
    references: &mut References,
) -> Option<DirEntry> {
    let namespace = state.namespace();
    let directory = namespace.inode(id).as_directory()?;
    let all = directory.children.ids();
    let (moved, children): (Vec<InodeId>, Vec<InodeId>) =
        all.partition(|id| record.is_reference(*id));
    let references = moved.iter().map(|id| references.add_present(*id, record));
    (!directory.children.is_empty()).then(|| DirEntry {
        parent: Some(id),
        children,
        ref_children: references.collect(),
    })
}

fn write_strings(names: &Numbering, image: &mut ImageWriter) {
    let strings = names.strings();
    image.put(&StringTableSection {
        num_entry: Some(strings.len() as u32),
        mask_bits: None,
    });
    for (id, string) in (1..).zip(strings) {
        image.put(&Entry {
            id: Some(id),
            str: Some(string.to_string()),
        });
    }
    image.end("STRING_TABLE");
}
