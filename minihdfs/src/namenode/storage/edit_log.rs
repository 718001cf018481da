//! Files of the edit log: a header, records, and padding.

use crate::namenode::storage::LAYOUT_VERSION;
use crate::namenode::storage::error::StorageError;
use crate::namenode::storage::op_code::OpCode;
use crate::namenode::storage::record::{Frame, Record};

/// The layout version, and the number of layout flags, of which there are none.
const HEADER: usize = 8;

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
/// process that wrote it may have died: the beginning of a last record is ignored.
///
/// # Errors
/// Fails if a record is damaged, and another record follows it or the file was complete; if a
/// transaction is missing; if the layout version is another; or if Kerbox does not serve an
/// operation.
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
    check_header(bytes).map_err(|reason| StorageError::new(file, 0, reason))?;
    let mut offset = HEADER;
    let mut next = first;
    while let Some(rest) = bytes
        .get(offset..)
        .filter(|rest| !is_padding(rest, in_progress))
    {
        let failed = |reason| StorageError::new(file, offset, reason);
        let frame = match Frame::read(rest) {
            Ok(frame) => frame,
            Err(_) if in_progress && !has_record(rest, next) => break,
            Err(reason) => return Err(failed(reason)),
        };
        if frame.transaction_id != next {
            let found = frame.transaction_id;
            return Err(failed(format!(
                "transaction {found} follows instead of {next}"
            )));
        }
        segment.records.push(frame.decode().map_err(failed)?);
        offset += frame.length;
        next = next.saturating_add(1);
    }
    segment.length = offset as u64;
    Ok(segment)
}

/// Returns true if the process died before it had written the header: its beginning is there, and
/// padding.
fn has_torn_header(bytes: &[u8]) -> bool {
    let mut header = Vec::with_capacity(HEADER);
    write_header(&mut header);
    let is_padding = |bytes: &[u8]| bytes.iter().all(|byte| [0, 255].contains(byte));
    (0..HEADER).any(|cut| bytes.starts_with(&header[..cut]) && is_padding(&bytes[cut..]))
}

fn check_header(bytes: &[u8]) -> Result<(), String> {
    let header = bytes.get(..HEADER).ok_or("the header is not complete")?;
    let (version, flags) = header.split_at(HEADER / 2);
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, i32::from_be_bytes);
    let (version, flags) = (number(version), number(flags));
    if version != LAYOUT_VERSION {
        return Err(format!(
            "the layout version is {version} instead of {LAYOUT_VERSION}: start Hadoop 3.4 with \
             -upgrade on this folder first"
        ));
    }
    if flags != 0 {
        return Err(format!("there are {flags} layout flags, and none is known"));
    }
    Ok(())
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

/// Returns true if a later transaction than `missing` begins somewhere in these bytes: the damage
/// before it is no unfinished end.
fn has_record(bytes: &[u8], missing: i64) -> bool {
    // A record takes more than one byte, so there cannot be more of them.
    let last = missing.saturating_add_unsigned(bytes.len() as u64);
    (1..bytes.len()).any(|start| {
        let rest = &bytes[start..];
        let named = Frame::peek(rest).is_some_and(|id| id > missing && id <= last);
        named && Frame::read(rest).is_ok_and(|frame| frame.transaction_id > missing)
    })
}
