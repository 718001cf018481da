//! Reading an image.

use std::collections::BTreeMap;

use prost::Message;

use crate::namenode::edit::Edit;
use crate::namenode::state::limits::LONGEST;
use crate::namenode::storage::LAYOUT_VERSION;
use crate::namenode::storage::error::StorageError;
use crate::namenode::storage::image::edits::Tree;
use crate::namenode::storage::image::strings::StringTable;
use crate::namenode::storage::image::{MAGIC, ON_DISK_VERSION, TRAILER};
use crate::proto::hdfs::ErasureCodingPolicyState as PolicyState;
use crate::proto::hdfs::fsimage::i_node_directory_section::DirEntry;
use crate::proto::hdfs::fsimage::i_node_section::INode;
use crate::proto::hdfs::fsimage::secret_manager_section::{DelegationKey, PersistToken};
use crate::proto::hdfs::fsimage::string_table_section::Entry;
use crate::proto::hdfs::fsimage::{
    CacheManagerSection, ErasureCodingSection, FileSummary, INodeSection, NameSystemSection,
    SecretManagerSection, SnapshotSection, StringTableSection,
};

/// The sections of Hadoop 3.4 (`SectionName`). Those that end in `_SUB` are parts of others, for
/// threads that read at the same time.
const SECTIONS: [&str; 16] = [
    "NS_INFO",
    "ERASURE_CODING",
    "STRING_TABLE",
    "EXTENDED_ACL",
    "INODE",
    "INODE_SUB",
    "INODE_REFERENCE",
    "INODE_REFERENCE_SUB",
    "SNAPSHOT",
    "INODE_DIR",
    "INODE_DIR_SUB",
    "FILES_UNDERCONSTRUCTION",
    "SNAPSHOT_DIFF",
    "SNAPSHOT_DIFF_SUB",
    "SECRET_MANAGER",
    "CACHE_MANAGER",
];

/// The policy that Hadoop enables (`dfs.namenode.ec.system.default.policy`): RS-6-3-1024k.
const ENABLED_POLICY: u32 = 1;
/// The first id of an administrator's policy (`ErasureCodeConstants.USER_DEFINED_POLICY_START_ID`).
const FIRST_OWN_POLICY: u32 = 64;

/// The state that an image holds, as edits of a formatted state.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) namespace_id: u32,
    /// The last transaction whose effects are in it.
    pub(crate) transaction_id: i64,
    /// The highest id that an inode ever had.
    pub(crate) last_inode_id: u64,
    /// The highest id that a cache directive ever had.
    pub(crate) last_directive_id: i64,
    pub(crate) edits: Vec<Edit>,
    /// The number of the master key in use, and of the last token.
    pub(crate) token_counters: (i32, i32),
}

/// The messages of a section, and where it is.
struct Section<'a> {
    file: &'a str,
    bytes: &'a [u8],
    rest: &'a [u8],
    offset: usize,
}

impl Section<'_> {
    fn failed(&self, reason: impl Into<String>) -> StorageError {
        let read = self.bytes.len() - self.rest.len();
        StorageError::new(self.file, self.offset + read, reason)
    }

    /// Reads the next message.
    fn next<M: Message + Default>(&mut self) -> Result<M, StorageError> {
        let mut rest = self.rest;
        let message = M::decode_length_delimited(&mut rest);
        let message = message.map_err(|error| self.failed(error.to_string()))?;
        self.rest = rest;
        Ok(message)
    }

    /// Reads all messages that are left.
    fn all<M: Message + Default>(&mut self) -> Result<Vec<M>, StorageError> {
        let mut messages = Vec::new();
        while !self.rest.is_empty() {
            messages.push(self.next()?);
        }
        Ok(messages)
    }
}

/// Reads an image.
///
/// # Errors
/// Fails if it is damaged, has another layout version, or holds what Kerbox does not serve.
pub(crate) fn read_image(file: &str, bytes: &[u8]) -> Result<Image, StorageError> {
    let summary = read_summary(bytes).map_err(|reason| StorageError::new(file, 0, reason))?;
    let mut sections = find_sections(file, bytes, &summary)?;
    let mut take = |name: &str| {
        let found = sections.remove(name);
        found.ok_or_else(|| StorageError::new(file, 0, format!("the section {name} is missing")))
    };
    let info: NameSystemSection = take("NS_INFO")?.next()?;
    let strings = read_strings(take("STRING_TABLE")?)?;
    let (last_inode_id, inodes) = read_inodes(take("INODE")?)?;
    let children: Vec<DirEntry> = take("INODE_DIR")?.all()?;
    if let Ok(section) = take("SNAPSHOT") {
        refuse_snapshots(section)?;
    }
    if let Ok(section) = take("ERASURE_CODING") {
        refuse_policies(section)?;
    }
    let last_directive_id = match take("CACHE_MANAGER") {
        Ok(section) => refuse_cache(section)?,
        Err(_) => 0,
    };
    let mut tree = Tree::new(&strings, inodes, children);
    let failed = |reason: String| StorageError::new(file, 0, reason);
    tree.add_all().map_err(failed)?;
    let mut edits = tree.edits;
    let token_counters = match take("SECRET_MANAGER") {
        Ok(section) => read_tokens(section, &mut edits)?,
        Err(_) => (0, 0),
    };
    edits.push(Edit::AllocateBlockId(info.last_allocated_block_id()));
    edits.push(Edit::SetGenstampV2(info.genstamp_v2()));
    if info.rolling_upgrade_start_time() != 0 {
        return Err(failed(
            "a rolling upgrade, which is not served, is under way".to_owned(),
        ));
    }
    Ok(Image {
        namespace_id: info.namespace_id(),
        transaction_id: info.transaction_id().cast_signed(),
        last_inode_id,
        last_directive_id,
        edits,
        token_counters,
    })
}

/// Finds the sections. Fails if one is unknown, since it would be dropped.
fn find_sections<'a>(
    file: &'a str,
    bytes: &'a [u8],
    summary: &'a FileSummary,
) -> Result<BTreeMap<&'a str, Section<'a>>, StorageError> {
    let mut sections = BTreeMap::new();
    for section in &summary.sections {
        let offset = usize::try_from(section.offset()).unwrap_or(usize::MAX);
        let length = usize::try_from(section.length()).unwrap_or(usize::MAX);
        let end = offset.saturating_add(length);
        let bytes = bytes.get(offset..end).ok_or_else(|| {
            StorageError::new(file, 0, format!("{} is not in the file", section.name()))
        })?;
        let found = Section {
            file,
            bytes,
            rest: bytes,
            offset,
        };
        if !SECTIONS.contains(&section.name()) {
            let reason = format!("the section {} is unknown", section.name());
            return Err(found.failed(reason));
        }
        sections.insert(section.name(), found);
    }
    Ok(sections)
}

fn read_summary(bytes: &[u8]) -> Result<FileSummary, String> {
    if !bytes.starts_with(MAGIC) {
        return Err("it does not begin as an image of Hadoop 2.4 or newer".to_owned());
    }
    let (rest, length) = bytes
        .split_last_chunk::<TRAILER>()
        .ok_or("it is too short")?;
    let length = u32::from_be_bytes(*length) as usize;
    let start = rest
        .len()
        .checked_sub(length)
        .ok_or("its summary is not in the file")?;
    let summary = FileSummary::decode_length_delimited(&rest[start..]);
    let summary = summary.map_err(|error| format!("its summary cannot be read: {error}"))?;
    if summary.ondisk_version != ON_DISK_VERSION {
        return Err(format!("its version is {}", summary.ondisk_version));
    }
    let version = summary.layout_version.cast_signed();
    if version != LAYOUT_VERSION {
        return Err(format!(
            "the layout version is {version} instead of {LAYOUT_VERSION}: start Hadoop 3.4 with \
             -upgrade on this folder first"
        ));
    }
    match summary.codec() {
        "" => Ok(summary),
        codec => Err(format!(
            "it is compressed by {codec}: set dfs.image.compress to false"
        )),
    }
}

fn read_strings(mut section: Section<'_>) -> Result<StringTable, StorageError> {
    let header: StringTableSection = section.next()?;
    let mut strings = StringTable::new(header.mask_bits());
    for entry in section.all::<Entry>()? {
        strings.insert(entry.id(), entry.str().to_owned());
    }
    Ok(strings)
}

fn read_inodes(mut section: Section<'_>) -> Result<(u64, Vec<INode>), StorageError> {
    let header: INodeSection = section.next()?;
    let inodes: Vec<INode> = section.all()?;
    if inodes.len() as u64 != header.num_inodes() {
        let (found, wanted) = (inodes.len(), header.num_inodes());
        return Err(section.failed(format!("there are {found} inodes instead of {wanted}")));
    }
    let ids = inodes.iter().map(|inode| inode.id);
    let last = ids.fold(header.last_inode_id(), u64::max);
    if last > LONGEST {
        return Err(section.failed(format!(
            "there is an inode {last}, beyond 64 bits with a sign"
        )));
    }
    Ok((last, inodes))
}

fn refuse_snapshots(mut section: Section<'_>) -> Result<(), StorageError> {
    let header: SnapshotSection = section.next()?;
    if header.num_snapshots() > 0 || !header.snapshottable_dir.is_empty() {
        return Err(section.failed("it holds snapshots, which are not served"));
    }
    Ok(())
}

/// Fails if an administrator has added or enabled a policy. Hadoop enables one by itself.
fn refuse_policies(mut section: Section<'_>) -> Result<(), StorageError> {
    let policies: ErasureCodingSection = section.next()?;
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
    Ok(())
}

/// Fails if there are pools. Returns the highest id that a directive ever had.
fn refuse_cache(mut section: Section<'_>) -> Result<i64, StorageError> {
    let header: CacheManagerSection = section.next()?;
    if header.num_pools > 0 || header.num_directives > 0 {
        return Err(section.failed(
            "it holds cache pools, which are read from edits alone: remove them, and save the \
             namespace",
        ));
    }
    Ok(header.next_directive_id.saturating_sub(1).cast_signed())
}

fn read_tokens(
    mut section: Section<'_>,
    edits: &mut Vec<Edit>,
) -> Result<(i32, i32), StorageError> {
    let header: SecretManagerSection = section.next()?;
    for _ in 0..header.num_keys() {
        let key: DelegationKey = section.next()?;
        let edit = key.to_edit();
        edits.push(Edit::Token(
            edit.map_err(|error| section.failed(error.message()))?,
        ));
    }
    for _ in 0..header.num_tokens() {
        let token: PersistToken = section.next()?;
        edits.push(Edit::Token(token.to_edit()));
    }
    let current_id = header.current_id().cast_signed();
    Ok((current_id, header.token_sequence_number().cast_signed()))
}
