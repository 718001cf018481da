//! The namespace as Hadoop 3.4 keeps it on disk: bytes in, bytes out, no IO.
//!
//! - `op_code`, `ops`: the operations of the edit log (`FSEditLogOp`); `fields`: their fields
//! - `record`: an operation with its transaction id and checksum
//! - `edit_log`: a file of records, with its header and padding
//! - `error`: a file that cannot be read, with the offset and the reason

mod edit_log;
mod error;
mod fields;
mod op_code;
mod ops;
mod record;
#[cfg(test)]
mod tests;

pub use edit_log::{Segment, read_segment, write_header};
pub use error::StorageError;
pub use record::{Record, write_record};

/// The layout version of Hadoop 3.4 (`NVDIMM_SUPPORT`), with which everything is written.
pub const LAYOUT_VERSION: i32 = -67;
