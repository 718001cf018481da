//! Maps configuration keys to fields of [`HdfsConfig`].

use std::time::Duration;

use super::service_policy;
use super::value::{ConfigError, Entry};
use super::{AuthToLocalMechanism, Authentication, EncryptionAlgorithm, HdfsConfig, Obeyed};
use crate::proto::hdfs::ChecksumTypeProto;
use crate::qop::QualityOfProtection;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Prefixes of the keys that only clients and a SecondaryNameNode read.
const CLIENTS: [&str; 24] = [
    "dfs.client.",
    "dfs.ha.",
    "dfs.http.client.",
    "dfs.internal.nameservices",
    "dfs.namenode.http-address",
    "dfs.namenode.https-address",
    "dfs.namenode.kerberos.principal",
    "dfs.namenode.rpc-address",
    "dfs.namenode.secondary.",
    "dfs.nameservices",
    "dfs.secondary.namenode.",
    "dfs.stream-buffer-size",
    "dfs.user.home.dir.prefix",
    "dfs.web.authentication.kerberos.principal",
    "dfs.webhdfs.",
    "hadoop.caller.context.",
    "hadoop.kerberos.",
    "hadoop.rpc.socket.factory.",
    "hadoop.security.token.service.use_ip",
    "hadoop.socks.",
    "hadoop.tmp.dir",
    "hadoop.util.",
    "ipc.client.",
    "ipc.ping.interval",
];

impl HdfsConfig {
    /// Sets the field behind `key` and returns which side obeys the key.
    ///
    /// # Errors
    /// Fails if `value` is not valid for `key`.
    pub fn set(&mut self, key: &str, value: &str) -> Result<Obeyed, ConfigError> {
        if service_policy::has(key) {
            // Not trimmed: a list of groups alone begins with a space.
            let policy = &mut self.service_authorization.policy;
            policy.insert(key.to_owned(), value.to_owned());
            return Ok(Obeyed::ByServers);
        }
        let entry = Entry {
            key,
            value: value.trim(),
        };
        if self.set_security(&entry)?
            || self.set_encryption(&entry)?
            || self.set_tokens(&entry)?
            || self.set_files(&entry)?
            || self.set_timers(&entry)?
            || self.limits.set(&entry)?
            || self.groups.set(&entry)?
            || self.idle.set(&entry)?
            || self.safe_mode.set(&entry)?
            || self.snapshots.set(&entry)?
            || self.storage.set(&entry)?
            || self.datanode.set(&entry)?
            || self.datanode_admin.set(&entry)?
            || self.web.set(&entry)?
            || self.http.set(&entry)?
        {
            return Ok(Obeyed::ByServers);
        }
        let client = CLIENTS.iter().any(|prefix| key.starts_with(prefix));
        let foreign = !["dfs.", "hadoop.", "httpfs.", "ipc.", "security."]
            .iter()
            .any(|prefix| key.starts_with(prefix));
        Ok(if client || foreign {
            Obeyed::ByClients
        } else {
            Obeyed::Not
        })
    }

    fn set_security(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "hadoop.security.authentication" => {
                self.authentication = match entry.value.to_ascii_lowercase().as_str() {
                    "simple" => Authentication::Simple,
                    "kerberos" => Authentication::Kerberos,
                    _ => return Err(entry.error("write simple or kerberos")),
                }
            }
            "hadoop.security.authorization" => {
                self.service_authorization.enabled = entry.boolean()?;
            }
            "hadoop.security.auth_to_local" => self.auth_to_local = entry.value.to_owned(),
            "hadoop.security.auth_to_local.mechanism" => {
                self.auth_to_local_mechanism = match entry.value.to_ascii_lowercase().as_str() {
                    "hadoop" => AuthToLocalMechanism::Hadoop,
                    "mit" => AuthToLocalMechanism::Mit,
                    _ => return Err(entry.error("write hadoop or mit")),
                }
            }
            "hadoop.rpc.protection" => self.rpc_protection = protections(entry)?,
            key => {
                let Some((name, property)) = key
                    .strip_prefix("hadoop.proxyuser.")
                    .and_then(|rest| rest.rsplit_once('.'))
                else {
                    return Ok(false);
                };
                let list = entry.list();
                let proxy_user = self.proxy_users.entry(name.to_owned()).or_default();
                match property {
                    "hosts" => proxy_user.hosts = list,
                    "groups" => proxy_user.groups = list,
                    "users" => proxy_user.users = list,
                    _ => return Ok(false),
                }
            }
        }
        Ok(true)
    }

    fn set_encryption(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            // An empty value counts as unset: security on, data transferred in the clear.
            "dfs.data.transfer.protection" if entry.value.is_empty() => {
                self.data_transfer_protection.clear();
            }
            "dfs.data.transfer.protection" => self.data_transfer_protection = protections(entry)?,
            "dfs.encrypt.data.transfer" => self.encrypt_data_transfer = entry.boolean()?,
            "dfs.encrypt.data.transfer.algorithm" => self.encryption_algorithm = match entry.value {
                "" => None,
                "3des" => Some(EncryptionAlgorithm::TripleDes),
                "rc4" => Some(EncryptionAlgorithm::Rc4),
                _ => return Err(entry.error(
                    "write 3des or rc4, or leave it out for the strongest that the client offers",
                )),
            },
            "dfs.encrypt.data.transfer.cipher.suites" => {
                self.encrypt_with_aes = match entry.value {
                    "" => false,
                    "AES/CTR/NoPadding" => true,
                    _ => {
                        return Err(entry.error(
                            "write AES/CTR/NoPadding, the only suite there is, or nothing",
                        ));
                    }
                }
            }
            "dfs.encrypt.data.transfer.cipher.key.bitlength" => {
                self.encryption_key_bits = entry.number(128_u16, 256)?;
                if !self.encryption_key_bits.is_multiple_of(64) {
                    return Err(entry.error("write 128, 192 or 256"));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_tokens(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "dfs.block.access.token.enable" => self.block_tokens = Some(entry.boolean()?),
            "dfs.block.access.token.protobuf.enable" => {
                self.block_token_protobuf = entry.boolean()?;
            }
            "dfs.block.access.token.lifetime" => {
                self.block_token_lifetime = positive(entry, MINUTE)?;
            }
            "dfs.block.access.key.update.interval" => {
                self.block_key_update_interval = positive(entry, MINUTE)?;
            }
            "dfs.namenode.delegation.key.update-interval" => {
                self.delegation_key_update_interval = positive(entry, MILLISECOND)?;
            }
            "dfs.namenode.delegation.token.renew-interval" => {
                self.delegation_token_renew_interval = positive(entry, MILLISECOND)?;
            }
            "dfs.namenode.delegation.token.max-lifetime" => {
                self.delegation_token_max_lifetime = positive(entry, MILLISECOND)?;
            }
            "dfs.namenode.delegation.token.always-use" => {
                self.delegation_token_always = entry.boolean()?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_files(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "dfs.blocksize" | "dfs.block.size" => self.block_size = entry.bytes()?,
            "dfs.replication" => self.replication = entry.number(1, 512)?,
            "dfs.namenode.replication.min" => self.min_replication = entry.number(1, 512)?,
            "dfs.replication.max" => self.max_replication = entry.number(1, 32_767)?,
            "dfs.bytes-per-checksum" => self.bytes_per_checksum = entry.number(1, 16 << 20)?,
            "dfs.checksum.type" => {
                self.checksum_type = match entry.value {
                    "NULL" => ChecksumTypeProto::ChecksumNull,
                    "CRC32" => ChecksumTypeProto::ChecksumCrc32,
                    "CRC32C" => ChecksumTypeProto::ChecksumCrc32c,
                    _ => return Err(entry.error("write CRC32C, CRC32 or NULL")),
                }
            }
            "dfs.client-write-packet-size" => self.write_packet_size = entry.number(1, 16 << 20)?,
            "io.file.buffer.size" => self.file_buffer_size = entry.number(1, 1 << 30)?,
            "fs.trash.interval" => self.trash_interval = entry.duration(MINUTE)?,
            "dfs.permissions.enabled" | "dfs.permissions" => {
                self.permissions_enabled = entry.boolean()?;
            }
            "dfs.permissions.superusergroup" => {
                if entry.value.is_empty() {
                    return Err(entry.error("write the name of a group"));
                }
                self.superuser_group = entry.value.to_owned();
            }
            "fs.permissions.umask-mode" => {
                // Clients also accept symbolic umasks. The servers ignore those.
                if let Ok(umask) = u16::from_str_radix(entry.value, 8) {
                    if umask > 0o777 {
                        return Err(
                            entry.error("write an octal umask from 000 to 777, for instance 022")
                        );
                    }
                    self.umask = umask;
                }
            }
            "dfs.namenode.acls.enabled" => self.acls_enabled = entry.boolean()?,
            "dfs.namenode.posix.acl.inheritance.enabled" => {
                self.posix_acl_inheritance = entry.boolean()?;
            }
            "dfs.namenode.xattrs.enabled" => self.xattrs_enabled = entry.boolean()?,
            "dfs.namenode.accesstime.precision" => {
                self.access_time_precision = entry.duration(MILLISECOND)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_timers(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "dfs.heartbeat.interval" => self.heartbeat_interval = positive(entry, SECOND)?,
            "dfs.namenode.heartbeat.recheck-interval" => {
                self.heartbeat_recheck_interval = positive(entry, MILLISECOND)?;
            }
            "dfs.namenode.stale.datanode.interval" => {
                self.stale_datanode_interval = positive(entry, MILLISECOND)?;
            }
            "dfs.namenode.lease-hard-limit-sec" => self.lease_hard_limit = positive(entry, SECOND)?,
            "dfs.namenode.retrycache.expirytime.millis" => {
                self.retry_cache_expiry = positive(entry, MILLISECOND)?;
            }
            "dfs.namenode.enable.retrycache" => {
                if !entry.boolean()? {
                    self.retry_cache_expiry = Duration::ZERO;
                }
            }
            "dfs.namenode.state.context.enabled" => self.state_context = entry.boolean()?,
            "ipc.maximum.data.length" => self.max_request_length = entry.number(1, 1 << 30)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn positive(entry: &Entry<'_>, unit: Duration) -> Result<Duration, ConfigError> {
    let duration = entry.duration(unit)?;
    if duration.is_zero() {
        return Err(entry.error("write a duration longer than zero"));
    }
    Ok(duration)
}

fn protections(entry: &Entry<'_>) -> Result<Vec<QualityOfProtection>, ConfigError> {
    QualityOfProtection::parse_list(entry.key, entry.value).map_err(|_| {
        entry.error("write authentication, integrity or privacy, or several separated by commas")
    })
}
