//! Images of the namespace (`FSImageFormatProtobuf`): a magic number, sections of messages with
//! their lengths, a summary that says where they are, and the summary's length.
//!
//! An image is read as the edits that make its state from a formatted one.

mod edits;
mod inodes;
mod read;
mod strings;
#[cfg(test)]
mod tests;
mod tokens;
mod write;

pub(crate) use read::{Image, read_image};
pub(crate) use write::write_formatted;

const MAGIC: &[u8] = b"HDFSIMG1";
/// The version of this frame, as opposed to the layout version of what is in it.
const ON_DISK_VERSION: u32 = 1;
/// The name of the attribute that holds a directory's storage policy, in the namespace SYSTEM.
const STORAGE_POLICY: &str = "hsm.block.storage.policy.id";
/// The bytes of the summary's length.
const TRAILER: usize = 4;
