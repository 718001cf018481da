//! A name directory on disk. The only part of the NameNode that does IO.
//!
//! - `directory`: its start; `current`: its files; `lock`: its lock; `start`: a NameNode's start
//!   from it; `upgrade`: that of an older directory
//! - `sink`: what a NameNode with a directory has: `edit_log`, the edits that are being written,
//!   by `segment_writer`; `stored`: the other files; `received`: images that others bring;
//!   `checkpointer`: the thread that makes images
//! - `error`: the failures

#[cfg(test)]
mod checkpoint_node_tests;
#[cfg(test)]
mod checkpoint_tests;
mod checkpointer;
mod current;
mod directory;
mod edit_log;
mod error;
mod lock;
mod received;
mod segment_writer;
mod sink;
mod start;
mod stored;
#[cfg(test)]
mod tests;
mod upgrade;
#[cfg(test)]
mod upgrade_tests;

pub use directory::NameDirectory;
pub use edit_log::{EditLog, EditLogSink};
pub use error::NameDirectoryError;
pub use lock::Lock;
pub use sink::StorageSink;
