//! The Hadoop configuration keys that the servers obey, as typed values.
//!
//! [`HdfsConfig::set`] applies one (key, value) pair. An invalid value is an error that says how to
//! fix it. Keys that only clients read are distinguished from keys that nothing here obeys.

mod datanode;
mod datanode_admin;
mod groups;
mod hosts;
mod http;
mod idle;
mod keys;
mod limits;
pub(crate) mod reconfiguration;
mod safe_mode;
pub(crate) mod service_policy;
mod snapshots;
mod storage;
mod value;
mod web;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::proto::hdfs::ChecksumTypeProto;
use crate::qop::QualityOfProtection;

pub use datanode::DatanodeSettings;
pub use datanode_admin::DatanodeAdminSettings;
pub use groups::{GroupMapping, GroupSettings};
pub use http::{HttpPolicy, HttpSettings};
pub use idle::IdleSettings;
pub use limits::LimitSettings;
pub use safe_mode::SafeModeSettings;
pub use service_policy::ServiceAuthorization;
pub use snapshots::SnapshotSettings;
pub use storage::StorageSettings;
pub use value::ConfigError;
pub use web::WebConfig;

/// The side that obeys a configuration key.
///
/// ```
/// use minihdfs::config::{HdfsConfig, Obeyed};
///
/// let mut config = HdfsConfig::default();
/// assert_eq!(config.set("dfs.replication", "2")?, Obeyed::ByServers);
/// assert_eq!(config.set("dfs.client.use.datanode.hostname", "true")?, Obeyed::ByClients);
/// assert_eq!(config.set("dfs.namenode.handler.count", "64")?, Obeyed::Not);
/// # Ok::<(), minihdfs::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Obeyed {
    /// The servers obey it; clients may read it too.
    ByServers,
    /// Only clients, tools or other services read it. It belongs in the clients' files and changes
    /// nothing here.
    ByClients,
    /// Real Hadoop servers may obey it, but these do not.
    Not,
}

/// The authentication required of RPC callers (`hadoop.security.authentication`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Authentication {
    /// The client's claimed name is accepted without proof.
    Simple,
    /// A Kerberos ticket, or a token obtained with one.
    Kerberos,
}

/// The cipher of an encrypted data transfer without AES (`dfs.encrypt.data.transfer.algorithm`).
///
/// ```
/// use minihdfs::config::{EncryptionAlgorithm, HdfsConfig};
///
/// let mut config = HdfsConfig::default();
/// config.set("dfs.encrypt.data.transfer.algorithm", "rc4")?;
/// assert_eq!(config.encryption_algorithm, Some(EncryptionAlgorithm::Rc4));
/// # Ok::<(), minihdfs::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EncryptionAlgorithm {
    /// `3des`
    TripleDes,
    /// `rc4`
    Rc4,
}

impl EncryptionAlgorithm {
    /// Returns the name used in Hadoop's configuration and in data encryption keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TripleDes => "3des",
            Self::Rc4 => "rc4",
        }
    }
}

/// The treatment of a principal that no `auth_to_local` rule matches
/// (`hadoop.security.auth_to_local.mechanism`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AuthToLocalMechanism {
    /// `hadoop`: an error. Short names may not contain `@` or `/`.
    Hadoop,
    /// `mit`: the full name is used unchanged.
    Mit,
}

/// The users that a proxy user may impersonate, and the hosts it may call from
/// (`hadoop.proxyuser.<name>.*`). Everything not listed is denied.
///
/// ```
/// use minihdfs::config::{HdfsConfig, ProxyUser};
///
/// let mut config = HdfsConfig::default();
/// config.set("hadoop.proxyuser.oozie.users", "alice,bob")?;
/// let oozie: &ProxyUser = &config.proxy_users["oozie"];
/// assert_eq!(oozie.users, ["alice", "bob"]);
/// assert!(oozie.hosts.is_empty(), "no host is allowed yet");
/// # Ok::<(), minihdfs::config::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProxyUser {
    /// `hosts`: addresses, networks (`10.0.0.0/8`), host names, or `*`.
    pub hosts: Vec<String>,
    /// `groups`: groups of the users it may impersonate, or `*`.
    pub groups: Vec<String>,
    /// `users`: the users it may impersonate, or `*`.
    pub users: Vec<String>,
}

/// The settings of the NameNode and the DataNodes. [`Default`] gives Hadoop's defaults, except
/// where a field says otherwise.
///
/// ```
/// use std::time::Duration;
/// use minihdfs::config::HdfsConfig;
///
/// let (config, warnings) = HdfsConfig::from_pairs([
///     ("hadoop.security.authentication", "kerberos"),
///     ("dfs.namenode.delegation.token.max-lifetime", "86400000"),
///     ("dfs.namenode.handler.count", "64"),
/// ])?;
/// assert!(config.is_secure() && config.uses_block_tokens());
/// assert_eq!(config.delegation_token_max_lifetime, Duration::from_secs(86_400));
/// assert!(warnings[0].starts_with("dfs.namenode.handler.count is not obeyed"));
/// # Ok::<(), minihdfs::config::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct HdfsConfig {
    /// `hadoop.security.authentication`
    pub authentication: Authentication,
    /// `hadoop.security.authorization`, and the keys of `hadoop-policy.xml`.
    pub service_authorization: ServiceAuthorization,
    /// `hadoop.security.auth_to_local`: rules separated by whitespace.
    pub auth_to_local: String,
    /// `hadoop.security.auth_to_local.mechanism`
    pub auth_to_local_mechanism: AuthToLocalMechanism,
    /// `hadoop.proxyuser.<name>.hosts`, `.groups`, `.users`
    pub proxy_users: BTreeMap<String, ProxyUser>,
    /// The groups of users.
    pub groups: GroupSettings,
    /// `hadoop.rpc.protection`, in order of preference.
    pub rpc_protection: Vec<QualityOfProtection>,
    /// `dfs.data.transfer.protection`, in order of preference; empty if unset.
    pub data_transfer_protection: Vec<QualityOfProtection>,
    /// `dfs.encrypt.data.transfer`
    pub encrypt_data_transfer: bool,
    /// `dfs.encrypt.data.transfer.algorithm`
    pub encryption_algorithm: Option<EncryptionAlgorithm>,
    /// `dfs.encrypt.data.transfer.cipher.suites`: true if it names AES/CTR/NoPadding.
    pub encrypt_with_aes: bool,
    /// `dfs.encrypt.data.transfer.cipher.key.bitlength`: 128, 192 or 256.
    pub encryption_key_bits: u16,

    /// `dfs.block.access.token.enable`. `None` (unset) enables block tokens exactly when the
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
    /// `dfs.namenode.delegation.token.always-use`: issues tokens without Kerberos too.
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
    /// `fs.trash.interval`: zero disables the trash.
    pub trash_interval: Duration,

    /// `dfs.permissions.enabled`
    pub permissions_enabled: bool,
    /// `dfs.permissions.superusergroup`
    pub superuser_group: String,
    /// `fs.permissions.umask-mode`, for what the servers create themselves. RPC clients apply their
    /// own.
    pub umask: u16,
    /// `dfs.namenode.acls.enabled`
    pub acls_enabled: bool,
    /// `dfs.namenode.posix.acl.inheritance.enabled`
    pub posix_acl_inheritance: bool,
    /// `dfs.namenode.xattrs.enabled`
    pub xattrs_enabled: bool,
    /// Enables symbolic links, which no key of Hadoop does (`FileSystem.enableSymlinks`).
    pub symlinks: bool,
    /// `dfs.namenode.accesstime.precision`: zero disables access times.
    pub access_time_precision: Duration,

    /// `dfs.heartbeat.interval`
    pub heartbeat_interval: Duration,
    /// `dfs.namenode.heartbeat.recheck-interval`
    pub heartbeat_recheck_interval: Duration,
    /// `dfs.namenode.stale.datanode.interval`
    pub stale_datanode_interval: Duration,
    /// The settings of DataNodes alone.
    pub datanode: DatanodeSettings,
    /// `dfs.hosts*`, `dfs.namenode.decommission.*`, `dfs.namenode.maintenance.*`
    pub datanode_admin: DatanodeAdminSettings,
    /// `dfs.namenode.safemode.*`
    pub safe_mode: SafeModeSettings,
    /// `dfs.namenode.snapshot.*`, `dfs.namenode.snapshotdiff.*`, `dfs.snapshotdiff-report.limit`
    pub snapshots: SnapshotSettings,
    /// `dfs.namenode.checkpoint.*`, `dfs.namenode.resource.*` and what is kept of old files
    pub storage: StorageSettings,
    /// `dfs.namenode.lease-hard-limit-sec`
    pub lease_hard_limit: Duration,
    /// `dfs.namenode.retrycache.expirytime.millis`. Zero disables the cache, as does setting
    /// `dfs.namenode.enable.retrycache` to false.
    pub retry_cache_expiry: Duration,
    /// `dfs.namenode.state.context.enabled`: responses carry the last transaction id.
    pub state_context: bool,
    /// `ipc.maximum.data.length`: the maximum request length in bytes. 32 MiB here instead of
    /// Hadoop's 128, because the servers share the test's process.
    pub max_request_length: u32,
    /// `ipc.client.connection.maxidletime`, `ipc.client.idlethreshold`,
    /// `dfs.datanode.socket.reuse.keepalive`
    pub idle: IdleSettings,

    /// `dfs.namenode.fs-limits.*`, `dfs.ls.limit`, `dfs.namenode.list.openfiles.num.responses`
    pub limits: LimitSettings,

    /// The settings of HTTP ports.
    pub web: WebConfig,
    /// The schemes and the addresses of HTTP ports.
    pub http: HttpSettings,
}

impl Default for HdfsConfig {
    fn default() -> Self {
        Self {
            authentication: Authentication::Simple,
            service_authorization: ServiceAuthorization::default(),
            auth_to_local: "DEFAULT".to_owned(),
            auth_to_local_mechanism: AuthToLocalMechanism::Hadoop,
            proxy_users: BTreeMap::new(),
            groups: GroupSettings::default(),
            rpc_protection: vec![QualityOfProtection::Authentication],
            data_transfer_protection: Vec::new(),
            encrypt_data_transfer: false,
            encryption_algorithm: None,
            encrypt_with_aes: false,
            encryption_key_bits: 128,
            block_tokens: None,
            block_token_protobuf: false,
            block_token_lifetime: Duration::from_secs(10 * 3600),
            block_key_update_interval: Duration::from_secs(10 * 3600),
            delegation_key_update_interval: Duration::from_secs(24 * 3600),
            delegation_token_renew_interval: Duration::from_secs(24 * 3600),
            delegation_token_max_lifetime: Duration::from_secs(7 * 24 * 3600),
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
            symlinks: false,
            access_time_precision: Duration::from_secs(3600),
            heartbeat_interval: Duration::from_secs(3),
            heartbeat_recheck_interval: Duration::from_secs(5 * 60),
            stale_datanode_interval: Duration::from_secs(30),
            datanode: DatanodeSettings::default(),
            datanode_admin: DatanodeAdminSettings::default(),
            safe_mode: SafeModeSettings::default(),
            snapshots: SnapshotSettings::default(),
            storage: StorageSettings::default(),
            lease_hard_limit: Duration::from_secs(20 * 60),
            retry_cache_expiry: Duration::from_secs(10 * 60),
            state_context: false,
            max_request_length: 32 << 20,
            idle: IdleSettings::default(),
            limits: LimitSettings::default(),
            web: WebConfig::default(),
            http: HttpSettings::default(),
        }
    }
}

impl HdfsConfig {
    /// Applies pairs to the defaults, later pairs overriding earlier ones, and checks the result.
    /// Also returns the warnings: one sentence for each key that is not obeyed.
    ///
    /// # Errors
    /// Fails at the first value that is invalid for its key or contradicts another value.
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

    /// Returns true if callers must authenticate.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.authentication == Authentication::Kerberos
    }

    /// Returns true if DataNodes require block tokens.
    #[must_use]
    pub fn uses_block_tokens(&self) -> bool {
        self.block_tokens.unwrap_or_else(|| self.is_secure())
    }

    /// Returns how long a DataNode may be silent before it counts as dead: 2 recheck intervals and
    /// 10 heartbeats.
    #[must_use]
    pub fn dead_datanode_interval(&self) -> Duration {
        2 * self.heartbeat_recheck_interval + 10 * self.heartbeat_interval
    }

    /// Checks that the values are consistent with each other.
    ///
    /// # Errors
    /// Names one of the conflicting keys.
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
        if self.block_size < self.limits.min_block_size {
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
        self.snapshots.check()?;
        self.datanode.check()?;
        let has_sasl = !self.data_transfer_protection.is_empty();
        self.http.check(self.is_secure(), has_sasl)
    }
}

#[cfg(test)]
mod tests;
