//! A name directory on disk. The only part of the NameNode that does IO.
//!
//! - `directory`: its files; `lock`: its lock; `start`: a NameNode's start from it
//! - `edit_log`: the edits that are being written
//! - `error`: the failures

mod directory;
mod edit_log;
mod error;
mod lock;
mod start;
#[cfg(test)]
mod tests;

pub use directory::NameDirectory;
pub use edit_log::{EditLog, EditLogSink};
pub use error::NameDirectoryError;
pub use lock::Lock;
