//! Writing the image of a formatted namespace, which has only its root.

use prost::Message;

use crate::namenode::edit::PermissionStatus;
use crate::namenode::state::State;
use crate::namenode::state::inode::{Inode, ROOT};
use crate::namenode::storage::LAYOUT_VERSION;
use crate::namenode::storage::image::inodes::pack_permission;
use crate::namenode::storage::image::strings::Numbering;
use crate::namenode::storage::image::{MAGIC, ON_DISK_VERSION};
use crate::proto::hdfs::fsimage::file_summary::Section;
use crate::proto::hdfs::fsimage::i_node_section::{INode, INodeDirectory, i_node};
use crate::proto::hdfs::fsimage::string_table_section::Entry;
use crate::proto::hdfs::fsimage::{
    CacheManagerSection, FileSummary, INodeSection, NameSystemSection, SecretManagerSection,
    SnapshotSection, StringTableSection,
};

/// Generation stamps of blocks from Hadoop 1, of which there are none.
const LAST_RESERVED_STAMP: u64 = 1000;
/// The quota of a directory without a limit.
const NO_QUOTA: u64 = u64::MAX;

/// The file so far, and its sections.
struct Sections {
    out: Vec<u8>,
    sections: Vec<Section>,
}

impl Sections {
    fn put(&mut self, message: &impl Message) {
        self.out.extend(message.encode_length_delimited_to_vec());
    }

    /// Ends the section that began where the one before it ended.
    fn end(&mut self, name: &str) {
        let offset = self.sections.last().map_or(MAGIC.len() as u64, |before| {
            before.offset().saturating_add(before.length())
        });
        self.sections.push(Section {
            name: Some(name.to_owned()),
            length: Some(self.out.len() as u64 - offset),
            offset: Some(offset),
        });
    }
}

/// Returns the image of a state to which no edit was applied.
pub(crate) fn write_formatted(state: &State, namespace_id: u32) -> Vec<u8> {
    let mut image = Sections {
        out: MAGIC.to_vec(),
        sections: Vec::new(),
    };
    let mut names = Numbering::default();
    image.put(&NameSystemSection {
        namespace_id: Some(namespace_id),
        genstamp_v1: Some(LAST_RESERVED_STAMP),
        genstamp_v2: Some(state.generation_stamp()),
        genstamp_v1_limit: Some(0),
        last_allocated_block_id: Some(state.last_allocated_block_id()),
        transaction_id: Some(0),
        rolling_upgrade_start_time: None,
        last_allocated_striped_block_id: Some(i64::MIN.cast_unsigned()),
    });
    image.end("NS_INFO");
    image.put(&INodeSection {
        last_inode_id: Some(ROOT),
        num_inodes: Some(1),
    });
    image.put(&root_message(state.namespace().inode(ROOT), &mut names));
    image.end("INODE");
    image.end("INODE_DIR");
    image.end("FILES_UNDERCONSTRUCTION");
    image.put(&SnapshotSection {
        snapshot_counter: Some(0),
        snapshottable_dir: Vec::new(),
        num_snapshots: Some(0),
    });
    image.end("SNAPSHOT");
    image.end("INODE_REFERENCE");
    image.put(&SecretManagerSection {
        current_id: Some(0),
        token_sequence_number: Some(0),
        num_keys: Some(0),
        num_tokens: Some(0),
    });
    image.end("SECRET_MANAGER");
    image.put(&CacheManagerSection {
        next_directive_id: 1,
        num_pools: 0,
        num_directives: 0,
    });
    image.end("CACHE_MANAGER");
    write_strings(names.strings(), &mut image);
    let summary = FileSummary {
        ondisk_version: ON_DISK_VERSION,
        layout_version: LAYOUT_VERSION.cast_unsigned(),
        codec: None,
        sections: image.sections,
    };
    let mut out = image.out;
    let summary = summary.encode_length_delimited_to_vec();
    out.extend_from_slice(&summary);
    out.extend((summary.len() as u32).to_be_bytes());
    out
}

fn root_message(root: &Inode, names: &mut Numbering) -> INode {
    let permissions = PermissionStatus {
        owner: root.owner.clone(),
        group: root.group.clone(),
        mode: root.mode,
    };
    INode {
        r#type: i_node::Type::Directory.into(),
        id: ROOT,
        name: Some(Vec::new().into()),
        file: None,
        directory: Some(INodeDirectory {
            modification_time: Some(root.modification_time.cast_unsigned()),
            ns_quota: Some(i64::MAX.cast_unsigned()),
            ds_quota: Some(NO_QUOTA),
            permission: Some(pack_permission(&permissions, names)),
            acl: None,
            x_attrs: None,
            type_quotas: None,
        }),
    }
}

fn write_strings(strings: &[String], image: &mut Sections) {
    image.put(&StringTableSection {
        num_entry: Some(strings.len() as u32),
        mask_bits: None,
    });
    for (id, string) in (1..).zip(strings) {
        image.put(&Entry {
            id: Some(id),
            str: Some(string.clone()),
        });
    }
    image.end("STRING_TABLE");
}
