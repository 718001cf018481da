//! The files of a namespace, as the NameNode and those who copy them use them (`NNStorage`).

use std::io::Read;

use crate::HdfsError;

/// The files of a namespace on disk, besides the edits that are being written. Its calls do IO.
///
/// Images and finished segments of edits never change. A call on one that was removed meanwhile
/// fails.
pub trait NameStorage: Send + Sync {
    /// Returns the identity of the namespace.
    fn info(&self) -> StorageInfo;

    /// Returns the last transaction of the newest image (`getMostRecentCheckpointTxId`).
    fn most_recent_checkpoint(&self) -> i64;

    /// Begins a checkpoint: an image of the namespace up to a transaction that ends a segment is
    /// made of the files, without the NameNode. Returns at once.
    fn checkpoint(&self, transaction_id: i64);

    /// Saves the image of the namespace as of a transaction that ends a segment.
    ///
    /// # Errors
    /// Fails if the edits or the image cannot be written.
    fn save_image(&self, transaction_id: i64, image: &[u8]) -> Result<(), HdfsError>;

    /// Returns true if there is room for edits, and at least `reserved` bytes are free.
    fn has_room(&self, reserved: u64) -> bool;

    /// Returns true if the room for edits is nearly used up and the disk has no more. Does no IO.
    fn is_full(&self) -> bool;

    /// Returns the finished segments of edits whose last transaction is `since` or later, in order
    /// (`getEditLogManifest`).
    ///
    /// # Errors
    /// Fails if the files cannot be listed.
    fn edit_segments(&self, since: i64) -> Result<Vec<EditSegment>, HdfsError>;

    /// Returns the last transactions of the images, in ascending order.
    ///
    /// # Errors
    /// Fails if the files cannot be listed.
    fn images(&self) -> Result<Vec<i64>, HdfsError>;

    /// Opens an image, by its last transaction.
    ///
    /// # Errors
    /// Fails if there is no such image, or it cannot be read.
    fn open_image(&self, transaction_id: i64) -> Result<StoredFile, HdfsError>;

    /// Opens a finished segment of edits.
    ///
    /// # Errors
    /// Fails if there is no such segment, or it cannot be read.
    fn open_edits(&self, segment: EditSegment) -> Result<StoredFile, HdfsError>;

    /// Stores an image that was made elsewhere, as of a transaction that ends a segment. Old files
    /// are then removed. Other images can be made while it arrives.
    ///
    /// # Errors
    /// Fails if there is an image of this transaction, if the contents are longer or shorter than
    /// announced, are not those of the digest, or are no image of this namespace and transaction,
    /// or if it cannot be written.
    fn put_image(&self, image: &mut ReceivedImage<'_>) -> Result<(), HdfsError>;

    /// Returns whether nothing is kept of the time before an upgrade.
    fn is_upgrade_finalized(&self) -> bool {
        true
    }

    /// Removes what is kept of the time before an upgrade, if there is anything.
    ///
    /// # Errors
    /// Fails if it cannot be removed.
    fn finalize_upgrade(&self) -> Result<(), HdfsError> {
        Ok(())
    }
}

/// The identity of a namespace, as its file `VERSION` has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StorageInfo {
    /// The version of the formats of all files.
    pub layout_version: i32,
    /// The number of the namespace.
    pub namespace_id: u32,
    /// The name of the cluster.
    pub cluster_id: String,
    /// The time of the last upgrade, in milliseconds since the epoch; 0 if there was none.
    pub c_time: i64,
    /// The block pool.
    pub block_pool_id: String,
}

/// A finished segment of edits, by its first and last transactions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EditSegment {
    /// The first transaction.
    pub first: i64,
    /// The last transaction.
    pub last: i64,
}

/// An image that was made elsewhere.
pub struct ReceivedImage<'a> {
    /// Its last transaction.
    pub transaction_id: i64,
    /// The number of bytes that were announced.
    pub length: u64,
    /// The digest in hexadecimal digits, if known.
    pub md5: Option<&'a str>,
    /// The bytes, as they arrive.
    pub contents: &'a mut dyn Read,
}

impl std::fmt::Debug for ReceivedImage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceivedImage")
            .field("transaction_id", &self.transaction_id)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// A file that was opened to be copied.
pub struct StoredFile {
    /// The name, without its folder.
    pub name: String,
    /// The number of bytes.
    pub length: u64,
    /// The digest in hexadecimal digits; `None` for edits.
    pub md5: Option<String>,
    /// The bytes.
    pub contents: Box<dyn Read + Send>,
}

impl std::fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredFile")
            .field("name", &self.name)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
