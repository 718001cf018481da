//! Reading an image.

use bytes::Bytes;
use prost::Message;

use crate::namenode::state::State;
use crate::namenode::state::restore::{Counters, Restoring};
use crate::namenode::storage::error::StorageError;
use crate::namenode::storage::image::sections::{Section, Sections};
use crate::namenode::storage::image::snapshots_in::{
    Reference, read_diffs, read_references, read_snapshots, reference,
};
use crate::namenode::storage::image::strings::StringTable;
use crate::namenode::storage::image::{caching, inodes_in, tokens};
use crate::proto::hdfs::ErasureCodingPolicyState as PolicyState;
use crate::proto::hdfs::fsimage::i_node_directory_section::DirEntry;
use crate::proto::hdfs::fsimage::string_table_section::Entry;
use crate::proto::hdfs::fsimage::{
    ErasureCodingSection, INodeSection, NameSystemSection, StringTableSection,
};

/// The policy that Hadoop enables (`dfs.namenode.ec.system.default.policy`): RS-6-3-1024k.
const ENABLED_POLICY: u32 = 1;
/// The first id of an administrator's policy (`ErasureCodeConstants.USER_DEFINED_POLICY_START_ID`).
const FIRST_OWN_POLICY: u32 = 64;

/// The identity of an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ImageInfo {
    pub(crate) namespace_id: u32,
    /// The last transaction whose effects are in it.
    pub(crate) transaction_id: i64,
}

/// Returns the identity of an image, without reading the rest.
pub(crate) fn read_info(file: &str, bytes: &[u8]) -> Result<ImageInfo, StorageError> {
    let mut sections = Sections::find(file, bytes)?;
    let info: NameSystemSection = sections.need("NS_INFO")?.next()?;
    Ok(info_of(&info))
}

fn info_of(info: &NameSystemSection) -> ImageInfo {
    ImageInfo {
        namespace_id: info.namespace_id(),
        transaction_id: info.transaction_id().cast_signed(),
    }
}

/// Turns a formatted state into that of an image. If this fails, the state must not be used.
///
/// # Errors
/// Fails if the image is damaged, has another layout version, or holds what Kerbox does not serve.
pub(crate) fn load_image(
    state: &mut State,
    file: &str,
    bytes: &[u8],
) -> Result<ImageInfo, StorageError> {
    let mut sections = Sections::find(file, bytes)?;
    let info: NameSystemSection = sections.need("NS_INFO")?.next()?;
    let failed = |reason: String| StorageError::new(file, 0, reason);
    if info.rolling_upgrade_start_time() != 0 {
        let reason = "a rolling upgrade, which is not served, is under way";
        return Err(failed(reason.to_owned()));
    }
    let strings = read_strings(sections.need("STRING_TABLE")?)?;
    let mut restoring = state.restoring();
    let mut counters = Counters {
        transaction_id: info.transaction_id().cast_signed(),
        last_allocated_block_id: info.last_allocated_block_id(),
        generation_stamp: info.genstamp_v2(),
        last_inode_id: read_inodes(sections.need("INODE")?, &strings, &mut restoring)?,
        ..Counters::default()
    };
    let references = match sections.take("INODE_REFERENCE") {
        Some(section) => read_references(section)?,
        None => Vec::new(),
    };
    read_directories(sections.need("INODE_DIR")?, &references, &mut restoring)?;
    if let Some(section) = sections.take("SNAPSHOT") {
        read_snapshots(section, &strings, &mut restoring)?;
    }
    if let Some(section) = sections.take("SNAPSHOT_DIFF") {
        read_diffs(section, &strings, &references, &mut restoring)?;
    }
    if let Some(section) = sections.take("ERASURE_CODING") {
        restoring.keep_erasure_coding(read_policies(section)?);
    }
    let mut apply = |edit: &_| restoring.apply(edit);
    if let Some(section) = sections.take("CACHE_MANAGER") {
        counters.last_directive_id = caching::read(section, &mut apply)?;
    }
    if let Some(section) = sections.take("SECRET_MANAGER") {
        counters.tokens = tokens::read(section, &mut apply)?;
    }
    restoring.finish(&counters).map_err(failed)?;
    Ok(info_of(&info))
}

fn read_strings(mut section: Section<'_>) -> Result<StringTable, StorageError> {
    let header: StringTableSection = section.next()?;
    let mut strings = StringTable::new(header.mask_bits());
    while !section.is_empty() {
        let entry: Entry = section.next()?;
        strings.insert(entry.id(), entry.str());
    }
    Ok(strings)
}

/// Adds all inodes. Returns the highest id that an inode ever had.
fn read_inodes(
    mut section: Section<'_>,
    strings: &StringTable,
    restoring: &mut Restoring<'_>,
) -> Result<u64, StorageError> {
    let header: INodeSection = section.next()?;
    let mut found = 0_u64;
    while !section.is_empty() {
        let message = section.next()?;
        let inode = inodes_in::restore(&message, strings);
        let added = inode.and_then(|(inode, quota)| {
            let id = inode.id;
            restoring.add(inode)?;
            if let Some(quota) = quota {
                restoring.set_quota(id, quota);
            }
            Ok(())
        });
        added.map_err(|reason| section.failed(reason))?;
        found += 1;
    }
    if found != header.num_inodes() {
        let wanted = header.num_inodes();
        return Err(section.failed(format!("there are {found} inodes instead of {wanted}")));
    }
    let last = header.last_inode_id();
    if i64::try_from(last).is_err() {
        return Err(section.failed(format!("there was an inode {last}")));
    }
    Ok(last)
}

fn read_directories(
    mut section: Section<'_>,
    references: &[Reference],
    restoring: &mut Restoring<'_>,
) -> Result<(), StorageError> {
    while !section.is_empty() {
        let entry: DirEntry = section.next()?;
        let mut children = entry.children;
        for number in &entry.ref_children {
            let found = reference(references, *number);
            let id = found.map_err(|reason| section.failed(reason))?.id;
            restoring.add_reference(id);
            children.push(id);
        }
        let placed = restoring.place(entry.parent.unwrap_or(0), children);
        placed.map_err(|reason| section.failed(reason))?;
    }
    Ok(())
}

/// Returns the policies as they are. Fails if an administrator has added or enabled one. Hadoop
/// enables one by itself.
fn read_policies(mut section: Section<'_>) -> Result<Bytes, StorageError> {
    let message = section.next_encoded()?;
    let policies = ErasureCodingSection::decode(message);
    let policies = policies.map_err(|error| section.failed(error.to_string()))?;
    for policy in policies.policies {
        let is_hadoops = policy.id < FIRST_OWN_POLICY && policy.state() == PolicyState::Disabled;
        let is_removed = policy.state() == PolicyState::Removed;
        if !is_hadoops && !is_removed && policy.id != ENABLED_POLICY {
            let id = policy.id;
            return Err(section.failed(format!(
                "it holds the erasure coding policy {id}, which is not served: disable it, or \
                 remove it if it is your own, and save the namespace"
            )));
        }
    }
    Ok(Bytes::copy_from_slice(message))
}
