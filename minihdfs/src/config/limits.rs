//! The limits of the namespace and of its listings.

use super::value::{ConfigError, Entry};

/// The limits on names, directories, files and attributes, and on the answers that list them.
///
/// ```
/// use minihdfs::config::{HdfsConfig, LimitSettings};
///
/// let mut config = HdfsConfig::default();
/// config.set("dfs.ls.limit", "10")?; // listings come in pages of ten
/// assert_eq!(config.limits, LimitSettings { list_limit: 10, ..LimitSettings::default() });
/// # Ok::<(), minihdfs::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitSettings {
    /// `dfs.namenode.fs-limits.min-block-size`. 512 here instead of Hadoop's 1 MiB, because tests
    /// use small blocks.
    pub min_block_size: u64,
    /// `dfs.namenode.fs-limits.max-blocks-per-file`
    pub max_blocks_per_file: usize,
    /// `dfs.namenode.fs-limits.max-component-length`, in bytes; 0 means no limit.
    pub max_component_length: usize,
    /// `dfs.namenode.fs-limits.max-directory-items`
    pub max_directory_items: usize,
    /// `dfs.namenode.fs-limits.max-xattrs-per-inode`
    pub max_xattrs_per_inode: usize,
    /// `dfs.namenode.fs-limits.max-xattr-size`, name and value, in bytes
    pub max_xattr_size: usize,
    /// `dfs.ls.limit`
    pub list_limit: usize,
    /// `dfs.namenode.list.openfiles.num.responses`
    pub list_open_files_limit: usize,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            min_block_size: 512,
            max_blocks_per_file: 10_000,
            max_component_length: 255,
            max_directory_items: 1 << 20,
            max_xattrs_per_inode: 32,
            max_xattr_size: 16 << 10,
            list_limit: 1000,
            list_open_files_limit: 1000,
        }
    }
}

impl LimitSettings {
    /// Sets the field behind a key. Returns false if the key is another's.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "dfs.namenode.fs-limits.min-block-size" => self.min_block_size = entry.bytes()?,
            "dfs.namenode.fs-limits.max-blocks-per-file" => {
                self.max_blocks_per_file = entry.number(1, 1 << 20)?;
            }
            "dfs.namenode.fs-limits.max-component-length" => {
                self.max_component_length = entry.number(0, 8000)?;
            }
            "dfs.namenode.fs-limits.max-directory-items" => {
                self.max_directory_items = entry.number(1, 6_400_000)?;
            }
            "dfs.namenode.fs-limits.max-xattrs-per-inode" => {
                self.max_xattrs_per_inode = entry.number(0, 1 << 16)?;
            }
            "dfs.namenode.fs-limits.max-xattr-size" => {
                self.max_xattr_size = entry.number(1, 32 << 10)?;
            }
            "dfs.ls.limit" => self.list_limit = entry.number(1, 1 << 20)?,
            "dfs.namenode.list.openfiles.num.responses" => {
                self.list_open_files_limit = entry.number(1, 1 << 20)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
