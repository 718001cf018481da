//! The flags of a check.

/// The flags of a check, as `hdfs fsck` has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct FsckOptions {
    /// The path at which the check begins.
    pub(crate) path: String,
    /// `-move`: copies what is left of corrupt files to `/lost+found`.
    pub(crate) move_corrupt: bool,
    /// `-delete`: removes corrupt files.
    pub(crate) delete_corrupt: bool,
    /// `-files`
    pub(crate) files: bool,
    /// `-blocks`
    pub(crate) blocks: bool,
    /// `-locations`
    pub(crate) locations: bool,
    /// `-racks`
    pub(crate) racks: bool,
    /// `-replicaDetails`
    pub(crate) replica_details: bool,
    /// `-upgradedomains`
    pub(crate) upgrade_domains: bool,
    /// `-maintenance`
    pub(crate) maintenance: bool,
    /// `-storagepolicies`
    pub(crate) storage_policies: bool,
    /// `-openforwrite`
    pub(crate) open_for_write: bool,
    /// `-list-corruptfileblocks`
    pub(crate) corrupt_file_blocks: bool,
    /// The number of corrupt blocks that the client has already.
    pub(crate) start_block_after: Option<String>,
    /// `-includeSnapshots`
    pub(crate) include_snapshots: bool,
    /// `-replicate`: has misplaced blocks copied.
    pub(crate) replicate: bool,
    /// `-blockId`: the names of blocks.
    pub(crate) block_ids: Option<String>,
}

impl FsckOptions {
    /// Returns true if the DataNodes of blocks are shown.
    pub(super) fn shows_holders(&self) -> bool {
        self.locations || self.racks || self.replica_details || self.upgrade_domains
    }
}
