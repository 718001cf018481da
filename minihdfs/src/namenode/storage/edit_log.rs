//! Files of the edit log: a header, records, and padding.

use crate::namenode::storage::error::StorageError;
use crate::namenode::storage::layout_version::{self, LAYOUT_VERSION, OLDEST_LAYOUT_VERSION};
use crate::namenode::storage::op_code::OpCode;
use crate::namenode::storage::record::{Frame, Record};

/// The layout version, and the number of layout flags, of which there are none.
const HEADER: usize = 8;
/// The most bytes that are written at once and made durable before more are written.
pub(super) const LONGEST_WRITE: usize = 256 << 10;
/// The bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// The records of a file.
///
/// ```
/// use minihdfs::namenode::Edit;
/// use minihdfs::namenode::storage::{
///     Record, Segment, StorageError, read_segment, write_header, write_record,
/// };
///
/// let mut file = Vec::new();
/// write_header(&mut file);
/// write_record(1, &Edit::StartLogSegment, &mut file);
/// let Segment { records, .. } = read_segment("edits_inprogress_1", &file, 1, true)?;
/// assert_eq!(records, [Record { transaction_id: 1, edit: Edit::StartLogSegment }]);
/// # Ok::<(), StorageError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The records, with consecutive transaction ids.
    pub records: Vec<Record>,
    /// The bytes of the header and the records. What follows is padding, or the beginning of a
    /// record whose writing did not end.
    pub length: u64,
}

/// Appends the header of a file.
pub fn write_header(out: &mut Vec<u8>) {
    out.extend(LAYOUT_VERSION.to_be_bytes());
    out.extend([0; 4]);
}

/// Reads a file whose first record has the transaction id `first`. If it is `in_progress`, the
/// process that wrote it may have died: the beginning of a last record is ignored. So is the end of
/// the last write, from the first sector on that did not reach the disk when the machine lost its
/// power.
///
/// # Errors
/// Fails if a record is damaged, and another record follows it or the file was complete; if a
/// transaction is missing; if the layout version is newer, or older than
/// [`OLDEST_LAYOUT_VERSION`]; or if Kerbox does not serve an operation.
pub fn read_segment(
    file: &str,
    bytes: &[u8],
    first: i64,
    in_progress: bool,
) -> Result<Segment, StorageError> {
    let mut segment = Segment {
        records: Vec::new(),
        length: 0,
    };
    if in_progress && has_torn_header(bytes) {
        return Ok(segment);
    }
    let layout_version = read_header(bytes).map_err(|reason| StorageError::new(file, 0, reason))?;
    let mut offset = HEADER;
    let mut next = first;
    while let Some(rest) = bytes
        .get(offset..)
        .filter(|rest| !is_padding(rest, in_progress))
    {
        let failed = |reason| StorageError::new(file, offset, reason);
        let frame = match Frame::read(rest) {
            Ok(frame) => frame,
            Err(_) if in_progress && is_unfinished(bytes, offset, next) => break,
            Err(reason) => return Err(failed(reason)),
        };
        if frame.transaction_id != next {
            let found = frame.transaction_id;
            return Err(failed(format!(
                "transaction {found} follows instead of {next}"
            )));
        }
        let record = frame.decode(layout_version).map_err(failed)?;
        segment.records.push(record);
        offset += frame.length;
        next = next.saturating_add(1);
    }
    segment.length = offset as u64;
    Ok(segment)
}

/// Returns true if the process died before it had written the header: its beginning is there, and
/// padding.
fn has_torn_header(bytes: &[u8]) -> bool {
    let is_padding = |bytes: &[u8]| bytes.iter().all(|byte| [0, 255].contains(byte));
    (LAYOUT_VERSION..=OLDEST_LAYOUT_VERSION).any(|version| {
        let mut header = [0; HEADER];
        header[..HEADER / 2].copy_from_slice(&version.to_be_bytes());
        (0..HEADER).any(|cut| bytes.starts_with(&header[..cut]) && is_padding(&bytes[cut..]))
    })
}

/// Returns the layout version of a file.
fn read_header(bytes: &[u8]) -> Result<i32, String> {
    let header = bytes.get(..HEADER).ok_or("the header is not complete")?;
    let (version, flags) = header.split_at(HEADER / 2);
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, i32::from_be_bytes);
    let (version, flags) = (number(version), number(flags));
    layout_version::check(version)?;
    if flags != 0 {
        return Err(format!("there are {flags} layout flags, and none is known"));
    }
    Ok(version)
}

/// Returns true for the bytes behind the last record: Hadoop extends files by 0xff, and a file
/// system those that are `in_progress` by zeros.
fn is_padding(bytes: &[u8], in_progress: bool) -> bool {
    match bytes.first() {
        Some(byte) if *byte == OpCode::INVALID.0 => {
            bytes[1..].iter().all(|it| [0, 255].contains(it))
        }
        // Zeros alone: no record has length zero.
        Some(0) => in_progress && bytes.iter().all(|byte| *byte == 0),
        Some(_) => false,
        None => true,
    }
}

/// Returns true if what begins at `offset`, where the transaction `missing` should, is the end of a
/// write that did not end: no later transaction follows, or those of the same write alone, behind a
/// sector that still has its padding.
fn is_unfinished(bytes: &[u8], offset: usize, missing: i64) -> bool {
    let mut later = later_records(bytes, offset, missing);
    let Some((first, end)) = later.next() else {
        return true;
    };
    let end = later.last().map_or(end, |(_, end)| end);
    let unwritten = (offset / SECTOR..=first / SECTOR).find_map(|sector| {
        let start = offset.max(sector * SECTOR);
        let sector = bytes.get(start..(sector + 1) * SECTOR)?;
        let is_padding = sector.iter().all(|byte| *byte == OpCode::INVALID.0);
        is_padding.then_some(start)
    });
    unwritten.is_some_and(|start| end - start <= LONGEST_WRITE)
}

/// Returns where transactions later than `missing` begin and end behind `offset`.
fn later_records(
    bytes: &[u8],
    offset: usize,
    missing: i64,
) -> impl Iterator<Item = (usize, usize)> {
    // A record takes more than one byte, so there cannot be more of them.
    let last = missing.saturating_add_unsigned((bytes.len() - offset) as u64);
    (offset + 1..bytes.len()).filter_map(move |start| {
        let rest = &bytes[start..];
        Frame::peek(rest).filter(|id| *id > missing && *id <= last)?;
        let frame = Frame::read(rest).ok()?;
        Some((start, start + frame.length))
    })
}
