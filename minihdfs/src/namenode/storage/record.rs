//! Records: an operation's number, length, transaction id, fields and checksum.

use crate::namenode::edit::{Edit, RpcIds};
use crate::namenode::storage::fields::LONGEST_STRING;
use crate::namenode::storage::layout_version::LAYOUT_VERSION;
use crate::namenode::storage::op_code::OpCode;
use crate::namenode::storage::ops;
use crate::writable::WritableReader;

/// The bytes of a record besides its fields: number, length, transaction id, checksum.
const OVERHEAD: usize = 1 + LENGTH + TRANSACTION_ID + CHECKSUM;
const LENGTH: usize = 4;
const TRANSACTION_ID: usize = 8;
const CHECKSUM: usize = 4;
/// Hadoop's `dfs.namenode.max.op.size`.
const LONGEST: usize = 50 * 1024 * 1024;

/// An edit with its transaction id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The number of the edit, without gaps.
    pub transaction_id: i64,
    /// The edit.
    pub edit: Edit,
}

/// Appends a record.
pub fn write_record(transaction_id: i64, edit: &Edit, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(ops::op_code(edit).0);
    out.extend([0; LENGTH]);
    out.extend(transaction_id.to_be_bytes());
    ops::write(edit, out);
    // The length includes its own four bytes, but not the checksum's.
    let length = u32::try_from(out.len() - start - 1).unwrap_or(u32::MAX);
    out[start + 1..][..LENGTH].copy_from_slice(&length.to_be_bytes());
    let checksum = crc_fast::crc32_iso_hdlc(&out[start..]);
    out.extend(checksum.to_be_bytes());
}

/// Returns true if a record that was written is read back as the edit that it was. A string that
/// was cut is not, nor a record that is too long.
pub(super) fn is_read_back(record: &[u8], edit: &Edit) -> bool {
    if record.len() <= LONGEST_STRING {
        return true;
    }
    let mut edit = edit.clone();
    // Hadoop keeps no ids of a truncation's call.
    if let Edit::Truncate { rpc, .. } = &mut edit {
        *rpc = RpcIds::NONE;
    }
    let read = Frame::read(record).and_then(|frame| frame.decode(LAYOUT_VERSION));
    read.is_ok_and(|read| read.edit == edit)
}

/// A whole record whose checksum is right.
pub(super) struct Frame<'a> {
    code: OpCode,
    pub(super) transaction_id: i64,
    fields: &'a [u8],
    /// The number of bytes that it takes.
    pub(super) length: usize,
}

impl<'a> Frame<'a> {
    /// Reads the record at the front of `bytes`; the error says why there is no valid one.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let code = OpCode(*bytes.first().ok_or("it is empty")?);
        let length = bytes.get(1..1 + LENGTH).and_then(|it| it.try_into().ok());
        let length = u32::from_be_bytes(length.ok_or("it ends within a record's length")?);
        let length = (length as usize).saturating_add(1 + CHECKSUM);
        if length > LONGEST {
            return Err(format!(
                "{code} has size {length}, but at most {LONGEST} are allowed"
            ));
        }
        if length < OVERHEAD {
            return Err(format!(
                "{code} has size {length}, but at least {OVERHEAD} are needed"
            ));
        }
        let whole = bytes.get(..length).ok_or_else(|| {
            let left = bytes.len();
            format!("{code} has size {length}, but the file has only {left} bytes more")
        })?;
        let (sealed, checksum) = whole.split_at(length - CHECKSUM);
        let calculated = crc_fast::crc32_iso_hdlc(sealed);
        if calculated.to_be_bytes() != checksum {
            return Err(format!(
                "{code} has a wrong checksum: calculated {calculated:08x}"
            ));
        }
        let (transaction_id, fields) = sealed[1 + LENGTH..].split_at(TRANSACTION_ID);
        let transaction_id = transaction_id.try_into().map(i64::from_be_bytes);
        Ok(Self {
            code,
            transaction_id: transaction_id.map_err(|_| "it has no transaction id")?,
            fields,
            length,
        })
    }

    /// Returns the transaction id of what may be a record.
    pub(super) fn peek(bytes: &[u8]) -> Option<i64> {
        OpCode(*bytes.first()?).name()?;
        let id = bytes.get(1 + LENGTH..1 + LENGTH + TRANSACTION_ID)?;
        id.try_into().ok().map(i64::from_be_bytes)
    }

    /// Decodes the edit of a file with this layout version; the error says why it cannot be served.
    pub(super) fn decode(&self, layout_version: i32) -> Result<Record, String> {
        let mut reader = WritableReader::new(self.fields);
        let edit = ops::read(self.code, layout_version, &mut reader);
        let edit = edit.map_err(|error| self.describe(error.message()))?;
        if !reader.is_empty() {
            let more = reader.rest().len();
            return Err(self.describe(&format!("{more} bytes follow its last field")));
        }
        Ok(Record {
            transaction_id: self.transaction_id,
            edit,
        })
    }

    fn describe(&self, reason: &str) -> String {
        format!(
            "{} of transaction {}: {reason}",
            self.code, self.transaction_id
        )
    }
}
