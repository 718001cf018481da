//! Hadoop's keys that the servers obey, as typed values.
//!
//! [`HdfsConfig::set`] reads one (key, value) pair. A bad value is an error that says how to mend
//! it; a key that nothing here obeys is told apart from one that only clients read.

mod keys;
mod value;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::proto::hdfs::ChecksumTypeProto;
use crate::sasl::QualityOfProtection;

pub use value::ConfigError;

/// Who reads a key of a configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obeyed {
    /// The servers here, and clients perhaps too.
    ByServers,
    /// Only clients, tools, or other services: it belongs into the clients' files and changes
    /// nothing here.
    ByClients,
    /// Servers of Hadoop may, but these do not.
    Not,
}

/// How RPC callers prove who they are (`hadoop.security.authentication`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Authentication {
    /// Their word is taken.
    Simple,
    /// A Kerberos ticket, or a token got with one.
    Kerberos,
}

/// The cipher of an encrypted data transfer without AES (`dfs.encrypt.data.transfer.algorithm`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EncryptionAlgorithm {
    /// `3des`
    TripleDes,
    /// `rc4`
    Rc4,
}

impl EncryptionAlgorithm {
    /// The name in Hadoop's configuration, and in a data encryption key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TripleDes => "3des",
            Self::Rc4 => "rc4",
        }
    }
}

/// What `auth_to_local` does with a principal that no rule fits
/// (`hadoop.security.auth_to_local.mechanism`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthToLocalMechanism {
    /// `hadoop`: an error; short names may not contain `@` or `/`.
    Hadoop,
    /// `mit`: the full name stands for itself.
    Mit,
}

/// Whom a proxy user may act for, and from where (`hadoop.proxyuser.<name>.*`). What is not named
/// is denied.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProxyUser {
    /// `hosts`: addresses, networks (`10.0.0.0/8`), host names, or `*`.
    pub hosts: Vec<String>,
    /// `groups`: of the users to act for, or `*`.
    pub groups: Vec<String>,
    /// `users`: to act for, or `*`.
    pub users: Vec<String>,
}

/// What the NameNode and the DataNodes obey. [`Default`] is Hadoop's, except where a field says
/// otherwise.
#[derive(Clone, PartialEq, Debug)]
pub struct HdfsConfig {
    /// `hadoop.security.authentication`
    pub authentication: Authentication,
    /// `hadoop.security.authorization`: access control lists of services, all of which are `*`
    /// here.
    pub service_authorization: bool,
    /// `hadoop.security.auth_to_local`: rules separated by white space.
    pub auth_to_local: String,
    /// `hadoop.security.auth_to_local.mechanism`
    pub auth_to_local_mechanism: AuthToLocalMechanism,
    /// `hadoop.proxyuser.<name>.hosts`, `.groups`, `.users`
    pub proxy_users: BTreeMap<String, ProxyUser>,
    /// `hadoop.user.group.static.mapping.overrides`: users and their groups. Nobody else has
    /// groups.
    pub groups: BTreeMap<String, Vec<String>>,
    /// `hadoop.rpc.protection`: the most preferred first.
    pub rpc_protection: Vec<QualityOfProtection>,
    /// `dfs.data.transfer.protection`: the most preferred first; empty if it is not set.
    pub data_transfer_protection: Vec<QualityOfProtection>,
    /// `dfs.encrypt.data.transfer`
    pub encrypt_data_transfer: bool,
    /// `dfs.encrypt.data.transfer.algorithm`
    pub encryption_algorithm: Option<EncryptionAlgorithm>,
    /// `dfs.encrypt.data.transfer.cipher.suites`: whether it names AES/CTR/NoPadding.
    pub encrypt_with_aes: bool,
    /// `dfs.encrypt.data.transfer.cipher.key.bitlength`: 128, 192 or 256.
    pub encryption_key_bits: u16,

    /// `dfs.block.access.token.enable`; `None`, as when it is not set, means on if and only if the
    /// authentication is Kerberos.
    pub block_tokens: Option<bool>,
    /// `dfs.block.access.token.protobuf.enable`
    pub block_token_protobuf: bool,
    /// `dfs.block.access.token.lifetime`
    pub block_token_lifetime: Duration,
    /// `dfs.block.access.key.update.interval`
    pub block_key_update_interval: Duration,
    /// `dfs.namenode.delegation.key.update-interval`
    pub delegation_key_update_interval: Duration,
    /// `dfs.namenode.delegation.token.renew-interval`
    pub delegation_token_renew_interval: Duration,
    /// `dfs.namenode.delegation.token.max-lifetime`
    pub delegation_token_max_lifetime: Duration,
    /// `dfs.namenode.delegation.token.always-use`: issue them without Kerberos too.
    pub delegation_token_always: bool,

    /// `dfs.blocksize`, in bytes
    pub block_size: u64,
    /// `dfs.replication`
    pub replication: u16,
    /// `dfs.namenode.replication.min`
    pub min_replication: u16,
    /// `dfs.replication.max`
    pub max_replication: u16,
    /// `dfs.bytes-per-checksum`
    pub bytes_per_checksum: u32,
    /// `dfs.checksum.type`
    pub checksum_type: ChecksumTypeProto,
    /// `dfs.client-write-packet-size`, in bytes
    pub write_packet_size: u32,
    /// `io.file.buffer.size`, in bytes
    pub file_buffer_size: u32,
    /// `fs.trash.interval`: zero is no trash.
    pub trash_interval: Duration,

    /// `dfs.permissions.enabled`
    pub permissions_enabled: bool,
    /// `dfs.permissions.superusergroup`
    pub superuser_group: String,
    /// `fs.permissions.umask-mode`, for what the servers create themselves; RPC clients apply
    /// their own.
    pub umask: u16,
    /// `dfs.namenode.acls.enabled`
    pub acls_enabled: bool,
    /// `dfs.namenode.posix.acl.inheritance.enabled`
    pub posix_acl_inheritance: bool,
    /// `dfs.namenode.xattrs.enabled`
    pub xattrs_enabled: bool,
    /// `dfs.namenode.accesstime.precision`: zero keeps no access times.
    pub access_time_precision: Duration,

    /// `dfs.heartbeat.interval`
    pub heartbeat_interval: Duration,
    /// `dfs.namenode.heartbeat.recheck-interval`
    pub heartbeat_recheck_interval: Duration,
    /// `dfs.namenode.stale.datanode.interval`
    pub stale_datanode_interval: Duration,
    /// `dfs.datanode.directoryscan.interval`: how often DataNodes compare replicas with their
    /// files; zero is never.
    pub directory_scan_interval: Duration,
    /// `dfs.namenode.lease-hard-limit-sec`
    pub lease_hard_limit: Duration,
    /// `dfs.namenode.retrycache.expirytime.millis`; zero, as `dfs.namenode.enable.retrycache` =
    /// false makes it, keeps nothing.
    pub retry_cache_expiry: Duration,
    /// `dfs.namenode.state.context.enabled`: responses carry the last transaction id.
    pub state_context: bool,
    /// `ipc.maximum.data.length`: the longest request, in bytes; 32 MiB here, not Hadoop's 128: the
    /// servers share a test's process.
    pub max_request_length: u32,

    /// `dfs.namenode.fs-limits.min-block-size`; 512 here, not Hadoop's 1 MiB: tests like small
    /// blocks.
    pub min_block_size: u64,
    /// `dfs.namenode.fs-limits.max-blocks-per-file`
    pub max_blocks_per_file: usize,
    /// `dfs.namenode.fs-limits.max-component-length`, in bytes; 0 is no limit.
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

impl Default for HdfsConfig {
    fn default() -> Self {
        Self {
            authentication: Authentication::Simple,
            service_authorization: false,
            auth_to_local: "DEFAULT".to_owned(),
            auth_to_local_mechanism: AuthToLocalMechanism::Hadoop,
            proxy_users: BTreeMap::new(),
            groups: BTreeMap::new(),
            rpc_protection: vec![QualityOfProtection::Authentication],
            data_transfer_protection: Vec::new(),
            encrypt_data_transfer: false,
            encryption_algorithm: None,
            encrypt_with_aes: false,
            encryption_key_bits: 128,
            block_tokens: None,
            block_token_protobuf: false,
            block_token_lifetime: Duration::from_hours(10),
            block_key_update_interval: Duration::from_hours(10),
            delegation_key_update_interval: Duration::from_hours(24),
            delegation_token_renew_interval: Duration::from_hours(24),
            delegation_token_max_lifetime: Duration::from_hours(7 * 24),
            delegation_token_always: false,
            block_size: 128 << 20,
            replication: 3,
            min_replication: 1,
            max_replication: 512,
            bytes_per_checksum: 512,
            checksum_type: ChecksumTypeProto::ChecksumCrc32c,
            write_packet_size: 64 << 10,
            file_buffer_size: 4096,
            trash_interval: Duration::ZERO,
            permissions_enabled: true,
            superuser_group: "supergroup".to_owned(),
            umask: 0o022,
            acls_enabled: true,
            posix_acl_inheritance: true,
            xattrs_enabled: true,
            access_time_precision: Duration::from_hours(1),
            heartbeat_interval: Duration::from_secs(3),
            heartbeat_recheck_interval: Duration::from_mins(5),
            stale_datanode_interval: Duration::from_secs(30),
            directory_scan_interval: Duration::from_hours(6),
            lease_hard_limit: Duration::from_mins(20),
            retry_cache_expiry: Duration::from_mins(10),
            state_context: false,
            max_request_length: 32 << 20,
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

impl HdfsConfig {
    /// Reads pairs over the defaults, later ones over earlier ones, and checks the whole.
    /// Also gives the warnings: one sentence for each key that is not obeyed.
    ///
    /// # Errors
    /// The first value that its key does not allow, or that contradicts another's.
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let mut config = Self::default();
        let mut warnings = Vec::new();
        for (key, value) in pairs {
            if config.set(key, value)? == Obeyed::Not {
                warnings.push(format!(
                    "{key} is not obeyed by Kerbox's servers: it only goes into the clients' files"
                ));
            }
        }
        config.check()?;
        Ok((config, warnings))
    }

    /// Whether callers must prove who they are.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.authentication == Authentication::Kerberos
    }

    /// Whether DataNodes demand block tokens.
    #[must_use]
    pub fn uses_block_tokens(&self) -> bool {
        self.block_tokens.unwrap_or_else(|| self.is_secure())
    }

    /// When a DataNode that is silent counts as dead: 2 recheck intervals and 10 heartbeats.
    #[must_use]
    pub fn dead_datanode_interval(&self) -> Duration {
        2 * self.heartbeat_recheck_interval + 10 * self.heartbeat_interval
    }

    /// Whether the values fit each other.
    ///
    /// # Errors
    /// Names one of the keys that do not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let error = |key: &str, value: &dyn std::fmt::Display, mend: &str| {
            Err(ConfigError::new(key, value.to_string(), mend))
        };
        if self.is_secure() && self.block_tokens == Some(false) {
            return error(
                "dfs.block.access.token.enable",
                &"false",
                "write true or leave it out: with hadoop.security.authentication = kerberos Hadoop's servers refuse to start without block tokens",
            );
        }
        if self.encrypt_data_transfer && !self.uses_block_tokens() {
            return error(
                "dfs.encrypt.data.transfer",
                &"true",
                "write also dfs.block.access.token.enable = true: encryption keys are made of block keys",
            );
        }
        if self.replication > self.max_replication || self.replication < self.min_replication {
            return error(
                "dfs.replication",
                &self.replication,
                "keep it between dfs.namenode.replication.min and dfs.replication.max",
            );
        }
        if self.block_size < self.min_block_size {
            return error(
                "dfs.blocksize",
                &self.block_size,
                "make it at least dfs.namenode.fs-limits.min-block-size",
            );
        }
        if !self
            .block_size
            .is_multiple_of(u64::from(self.bytes_per_checksum))
        {
            return error(
                "dfs.blocksize",
                &self.block_size,
                "make it a multiple of dfs.bytes-per-checksum",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
