//! Writing an image.

use crate::namenode::state::State;
use crate::namenode::state::inode::InodeId;
use crate::namenode::storage::image::inodes_out::InodeMessages;
use crate::namenode::storage::image::sections::ImageWriter;
use crate::namenode::storage::image::strings::Numbering;
use crate::namenode::storage::image::{caching, tokens};
use crate::proto::hdfs::fsimage::files_under_construction_section::FileUnderConstructionEntry;
use crate::proto::hdfs::fsimage::i_node_directory_section::DirEntry;
use crate::proto::hdfs::fsimage::string_table_section::Entry;
use crate::proto::hdfs::fsimage::{
    INodeSection, NameSystemSection, SnapshotSection, StringTableSection,
};

/// Generation stamps of blocks from Hadoop 1, of which there are none.
const LAST_RESERVED_STAMP: u64 = 1000;

/// Returns the image of a state.
///
/// # Errors
/// Fails if there are snapshots, which would not be in it.
pub(crate) fn write_image(state: &State, namespace_id: u32) -> Result<Vec<u8>, String> {
    let snapshots = state.namespace().snapshots();
    if snapshots.count() > 0 {
        let count = snapshots.count();
        return Err(format!(
            "an image would lose its {count} snapshots: the edits are kept instead; delete the \
             snapshots if you need an image"
        ));
    }
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
    image.put(&SnapshotSection {
        snapshot_counter: Some(snapshots.taken()),
        snapshottable_dir: snapshots.roots().map(|(id, _)| id).collect(),
        num_snapshots: Some(0),
    });
    image.end("SNAPSHOT");
    image.end("INODE_REFERENCE");
    tokens::write(state.tokens(), &mut image);
    caching::write(state.caching(), &mut image);
    write_strings(&names, &mut image);
    Ok(image.finish())
}

/// Writes the inodes, their places, and the open files. Returns the names in them.
fn write_tree(state: &State, image: &mut ImageWriter) -> Numbering {
    let namespace = state.namespace();
    let ids = namespace.ids();
    image.put(&INodeSection {
        last_inode_id: Some(namespace.last_id()),
        num_inodes: Some(ids.len() as u64),
    });
    let mut messages = InodeMessages::new();
    for id in &ids {
        image.put(&messages.message(namespace.inode(*id)));
    }
    image.end("INODE");
    for id in &ids {
        if let Some(entry) = children(state, *id) {
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
    messages.names
}

/// Returns the children of a directory in Hadoop's order, in which it looks for them: bytes of
/// names are numbers with a sign. `None` if there are none.
fn children(state: &State, id: InodeId) -> Option<DirEntry> {
    let namespace = state.namespace();
    let directory = namespace.inode(id).as_directory()?;
    let mut children: Vec<InodeId> = directory.children.ids().collect();
    let name = |id: &InodeId| namespace.inode(*id).name.as_bytes();
    if children.iter().any(|child| !name(child).is_ascii()) {
        let signed = |id: &InodeId| name(id).iter().map(|byte| byte.cast_signed());
        children.sort_by(|one, other| signed(one).cmp(signed(other)));
    }
    (!children.is_empty()).then_some(DirEntry {
        parent: Some(id),
        children,
        ref_children: Vec::new(),
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
