//! The namespace as Hadoop 3.4 keeps it on disk. Bytes in, bytes out; only `server` does IO.
//!
//! - `op_code`, `ops`: the operations of the edit log (`FSEditLogOp`); `fields`: their fields
//! - `record`: an operation with its transaction id and checksum
//! - `edit_log`: a file of records, with its header and padding
//! - `image`: the state as one file (`fsimage`)
//! - `version`, `layout`: the identity of a namespace, and the names of its files; `retention`:
//!   those that are not needed any more
//! - `layout_version`: the versions of the formats
//! - `load`: the edits after an image; `from_image`: a namespace without edits and blocks
//! - `server`: the directory on disk, the only part with IO
//! - `error`: a file that cannot be read, with the offset and the reason

mod edit_log;
mod error;
mod fields;
mod from_image;
pub(super) mod image;
mod layout;
mod layout_version;
mod load;
mod op_code;
mod ops;
mod record;
mod retention;
pub mod server;
#[cfg(test)]
mod tests;
mod version;

pub use edit_log::{Segment, read_segment, write_header};
pub use error::StorageError;
pub use layout_version::{LAYOUT_VERSION, OLDEST_LAYOUT_VERSION};
pub use record::{Record, write_record};
pub use version::Version;
