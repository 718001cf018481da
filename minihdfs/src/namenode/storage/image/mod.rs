//! Images of the namespace (`FSImageFormatProtobuf`): a magic number, sections of messages with
//! their lengths, a summary that says where they are, and the summary's length.
//!
//! - `sections`: this frame; `read`, `write`: what is in it
//! - `inodes_in`, `inodes_out`: inodes; `packed`: their packed fields; `strings`: numbers of names
//! - `snapshots_in`, `snapshots_out`: snapshots, and what changed after each
//! - `caching`: cache pools and directives; `tokens`: delegation tokens and master keys

mod caching;
mod inodes_in;
mod inodes_out;
mod packed;
mod read;
mod sections;
mod snapshots_in;
mod snapshots_out;
mod strings;
#[cfg(test)]
mod tests;
mod tokens;
mod write;

pub(crate) use read::{load_image, read_info};
pub(crate) use write::write_image;

/// The name of the attribute that holds a directory's storage policy, in the namespace SYSTEM.
const STORAGE_POLICY: &str = "hsm.block.storage.policy.id";
