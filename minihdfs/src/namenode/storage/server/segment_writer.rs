//! The file of edits that is being written, and the room that it has on disk.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::current::Current;
use super::error::{Result, failed};
use crate::namenode::storage::edit_log::{LONGEST_WRITE, write_header};
use crate::namenode::storage::layout;
use crate::namenode::storage::op_code::OpCode;

/// The bytes on disk that are reserved for edits to come
/// (`EditLogFileOutputStream.MIN_PREALLOCATION_LENGTH`). They keep what was accepted before the
/// disk was found full.
const RESERVED: u64 = 1 << 20;

/// The bytes behind the last record that are filled in advance, at most. A record that replaces
/// filled bytes changes neither the file's length nor its blocks, so its flush writes nothing else.
const FILLED: u64 = 256 << 10;

/// Writes segments of edits, one after the other.
#[derive(Debug)]
pub(super) struct SegmentWriter {
    current: Current,
    /// `None` between two segments.
    file: Option<(File, PathBuf)>,
    /// The first transaction of the segment.
    first: i64,
    /// The bytes of the header and the records.
    length: u64,
    /// The bytes of the file: what follows the records is filled.
    filled: u64,
    /// The bytes up to which the file has room for certain.
    reserved: u64,
}

impl SegmentWriter {
    /// Begins the segment after a transaction. An earlier process may have begun it, without a
    /// record.
    pub(super) fn begin(current: Current, last: i64) -> Result<Self> {
        let mut writer = Self {
            current,
            file: None,
            first: last.saturating_add(1),
            length: 0,
            filled: 0,
            reserved: 0,
        };
        writer.open()?;
        Ok(writer)
    }

    /// Writes to this file instead of one in the folder.
    #[cfg(test)]
    pub(super) fn to(file: File, current: Current) -> Self {
        let path = current.path("test");
        Self {
            current,
            file: Some((file, path)),
            first: 1,
            length: 0,
            filled: 0,
            reserved: 0,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        self.current.folder()
    }

    /// Returns the file, and creates it if the segment has none yet.
    fn open(&mut self) -> Result<&mut (File, PathBuf)> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.create()?,
        };
        Ok(self.file.insert(file))
    }

    fn create(&mut self) -> Result<(File, PathBuf)> {
        let path = self.current.path(&layout::in_progress(self.first));
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path);
        let file = file.map_err(failed("create", &path))?;
        let mut header = Vec::new();
        write_header(&mut header);
        let written = file.write_all_at(&header, 0);
        written.map_err(failed("write", &path))?;
        self.length = header.len() as u64;
        self.filled = self.length;
        self.reserved = 0;
        let seen = format!("{}\n", self.first);
        self.current.write(layout::SEEN_TXID, seen.as_bytes())?;
        Ok((file, path))
    }

    /// Writes records and makes them durable.
    pub(super) fn write(&mut self, records: &[u8]) -> Result<()> {
        for part in records.chunks(LONGEST_WRITE) {
            self.open()?;
            let length = self.length;
            let (file, path) = self.open()?;
            let written = file.write_all_at(part, length);
            let written = written.and_then(|()| file.sync_data());
            written.map_err(failed("write", path))?;
            self.length = self.length.saturating_add(part.len() as u64);
        }
        Ok(())
    }

    /// Gives the file its final name. Without that, the next start finds it in progress.
    pub(super) fn finish(&mut self, last: i64) -> Result<()> {
        if let Some((_, path)) = self.file.take() {
            let name = layout::finished(self.first, last);
            self.current.finish_edits(&path, self.length, &name)?;
        }
        self.first = last.saturating_add(1);
        Ok(())
    }

    /// Reserves room for edits to come, and fills some of it. Returns false if the disk has none.
    pub(super) fn reserve(&mut self) -> bool {
        let Some((file, _)) = &self.file else {
            return true;
        };
        if self.reserved < self.length.saturating_add(RESERVED / 2) {
            let room = fallocate(file, FallocateFlags::KEEP_SIZE, self.length, RESERVED);
            match room {
                Ok(()) => self.reserved = self.length.saturating_add(RESERVED),
                Err(Errno::NOSPC | Errno::DQUOT) => return false,
                // A file system that cannot reserve: what it has no room for is not acknowledged.
                Err(_) => return true,
            }
        }
        if self.filled < self.length.saturating_add(FILLED / 2) {
            let from = self.filled.max(self.length);
            let until = self.length.saturating_add(FILLED);
            let room = usize::try_from(until.saturating_sub(from)).unwrap_or(0);
            let fill = vec![OpCode::INVALID.0; room];
            // It has room; what is not filled becomes longer with the records.
            if file.write_all_at(&fill, from).is_ok() {
                self.filled = until;
            }
        }
        true
    }
}
