//! The frame of an image: a magic number, sections, and a summary of where they are.

use std::collections::BTreeMap;

use prost::Message;

use crate::namenode::storage::error::StorageError;
use crate::namenode::storage::layout_version::{self, LAYOUT_VERSION};
use crate::proto::hdfs::fsimage::FileSummary;
use crate::proto::hdfs::fsimage::file_summary::Section as SectionSummary;

const MAGIC: &[u8] = b"HDFSIMG1";
/// The version of this frame, as opposed to the layout version of what is in it.
const ON_DISK_VERSION: u32 = 1;
/// The bytes of the summary's length.
pub(super) const TRAILER: usize = 4;

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

/// An image that is written, section by section.
pub(super) struct ImageWriter {
    out: Vec<u8>,
    sections: Vec<SectionSummary>,
}

impl ImageWriter {
    pub(super) fn new() -> Self {
        Self {
            out: MAGIC.to_vec(),
            sections: Vec::new(),
        }
    }

    /// Adds a message to the section that is written.
    pub(super) fn put(&mut self, message: &impl Message) {
        // A vector has room for every message.
        let _room = message.encode_length_delimited(&mut self.out);
    }

    /// Adds a message that is encoded already.
    pub(super) fn put_encoded(&mut self, message: &[u8]) {
        let _room = prost::encode_length_delimiter(message.len(), &mut self.out);
        self.out.extend_from_slice(message);
    }

    /// Ends the section that began where the one before it ended.
    pub(super) fn end(&mut self, name: &str) {
        let offset = self.sections.last().map_or(MAGIC.len() as u64, |before| {
            before.offset().saturating_add(before.length())
        });
        self.sections.push(SectionSummary {
            name: Some(name.to_owned()),
            length: Some((self.out.len() as u64).saturating_sub(offset)),
            offset: Some(offset),
        });
    }

    /// Returns the whole image.
    pub(super) fn finish(self) -> Vec<u8> {
        let summary = FileSummary {
            ondisk_version: ON_DISK_VERSION,
            layout_version: LAYOUT_VERSION.cast_unsigned(),
            codec: None,
            sections: self.sections,
        };
        let mut out = self.out;
        let summary = summary.encode_length_delimited_to_vec();
        out.extend_from_slice(&summary);
        out.extend((summary.len() as u32).to_be_bytes());
        out
    }
}

/// The sections of an image that is read, by their names.
pub(super) struct Sections<'a> {
    file: &'a str,
    sections: BTreeMap<String, Section<'a>>,
}

impl<'a> Sections<'a> {
    /// Finds the sections. Fails if one is unknown, since it would be dropped.
    pub(super) fn find(file: &'a str, bytes: &'a [u8]) -> Result<Self, StorageError> {
        let summary = read_summary(bytes).map_err(|reason| StorageError::new(file, 0, reason))?;
        let mut sections = BTreeMap::new();
        for section in summary.sections {
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
            sections.insert(section.name.unwrap_or_default(), found);
        }
        Ok(Self { file, sections })
    }

    /// Returns a section, which may be missing.
    pub(super) fn take(&mut self, name: &str) -> Option<Section<'a>> {
        self.sections.remove(name)
    }

    /// Returns a section that every image has.
    pub(super) fn need(&mut self, name: &str) -> Result<Section<'a>, StorageError> {
        let missing = || StorageError::new(self.file, 0, format!("the section {name} is missing"));
        self.sections.remove(name).ok_or_else(missing)
    }
}

/// The messages of a section, and where it is.
pub(super) struct Section<'a> {
    file: &'a str,
    bytes: &'a [u8],
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Section<'a> {
    /// Returns the error that the next part of the section cannot be read.
    pub(super) fn failed(&self, reason: impl Into<String>) -> StorageError {
        let read = self.bytes.len() - self.rest.len();
        StorageError::new(self.file, self.offset + read, reason)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads the next message.
    pub(super) fn next<M: Message + Default>(&mut self) -> Result<M, StorageError> {
        let mut rest = self.rest;
        let message = M::decode_length_delimited(&mut rest);
        let message = message.map_err(|error| self.failed(error.to_string()))?;
        self.rest = rest;
        Ok(message)
    }

    /// Reads the next message without decoding it.
    pub(super) fn next_encoded(&mut self) -> Result<&'a [u8], StorageError> {
        let mut rest = self.rest;
        let length = prost::decode_length_delimiter(&mut rest);
        let length = length.map_err(|error| self.failed(error.to_string()))?;
        let message = rest.get(..length);
        let message = message.ok_or_else(|| self.failed("a message is not complete"))?;
        self.rest = &rest[length..];
        Ok(message)
    }
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
    layout_version::check(summary.layout_version.cast_signed())?;
    match summary.codec() {
        "" => Ok(summary),
        codec => Err(format!(
            "it is compressed by {codec}: set dfs.image.compress to false"
        )),
    }
}
