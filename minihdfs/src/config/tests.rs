use super::*;

fn parse(pairs: &[(&str, &str)]) -> Result<(HdfsConfig, Vec<String>), ConfigError> {
    HdfsConfig::from_pairs(pairs.iter().copied())
}

fn refusal(key: &str, value: &str) -> String {
    parse(&[(key, value)]).expect_err("refused").to_string()
}

#[test]
fn the_defaults_are_hadoops() {
    let (config, warnings) = parse(&[]).expect("defaults");
    assert_eq!(config, HdfsConfig::default());
    assert!(warnings.is_empty());
    assert!(!config.uses_block_tokens());
    assert_eq!(
        config.dead_datanode_interval(),
        Duration::from_millis(630_000)
    );
}

#[test]
fn kerberos_brings_block_tokens_along() {
    let (config, _) = parse(&[("hadoop.security.authentication", "kerberos")]).expect("valid");
    assert!(config.uses_block_tokens());
    let error = parse(&[
        ("hadoop.security.authentication", "kerberos"),
        ("dfs.block.access.token.enable", "false"),
    ]);
    assert!(
        error
            .expect_err("contradiction")
            .to_string()
            .contains("write true or leave it out")
    );
}

#[test]
fn every_kind_of_value_is_read() {
    let (config, warnings) = parse(&[
        ("dfs.blocksize", "1m"),
        ("dfs.replication", "2"),
        ("dfs.heartbeat.interval", "500ms"),
        ("fs.trash.interval", "60"),
        ("dfs.checksum.type", "CRC32"),
        ("hadoop.rpc.protection", "privacy,authentication"),
        (
            "dfs.encrypt.data.transfer.cipher.suites",
            "AES/CTR/NoPadding",
        ),
        ("hadoop.proxyuser.HTTP.hosts", "127.0.0.1, 10.0.0.0/8"),
        ("hadoop.proxyuser.HTTP.groups", "*"),
        ("hadoop.proxyuser.first.last.users", "alice"),
        (
            "hadoop.user.group.static.mapping.overrides",
            "alice=analysts,staff; bob= ;dr.who=;",
        ),
        ("fs.permissions.umask-mode", "077"),
    ])
    .expect("valid");
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(
        (config.block_size, config.replication, config.umask),
        (1 << 20, 2, 0o077)
    );
    assert_eq!(config.heartbeat_interval, Duration::from_millis(500));
    assert_eq!(config.trash_interval, Duration::from_secs(3600));
    assert_eq!(config.checksum_type, ChecksumTypeProto::ChecksumCrc32);
    assert_eq!(
        config.rpc_protection,
        [
            QualityOfProtection::Privacy,
            QualityOfProtection::Authentication
        ]
    );
    assert!(config.encrypt_with_aes);
    assert_eq!(
        config.proxy_users["HTTP"].hosts,
        ["127.0.0.1", "10.0.0.0/8"]
    );
    assert_eq!(config.proxy_users["HTTP"].groups, ["*"]);
    assert_eq!(config.proxy_users["first.last"].users, ["alice"]);
    assert_eq!(config.groups.overrides["alice"], ["analysts", "staff"]);
    assert!(config.groups.overrides["bob"].is_empty());
}

#[test]
fn a_bad_value_names_key_value_and_mend() {
    assert_eq!(
        refusal("hadoop.rpc.protection", "secret"),
        "hadoop.rpc.protection has \"secret\": write authentication, integrity or privacy, or several separated by commas"
    );
    assert_eq!(
        refusal("dfs.replication", "0"),
        "dfs.replication has \"0\": write a whole number from 1 to 512"
    );
    for (key, value) in [
        ("hadoop.security.authentication", "none"),
        ("dfs.block.access.token.lifetime", "0"),
        ("dfs.encrypt.data.transfer.cipher.key.bitlength", "160"),
        ("dfs.encrypt.data.transfer.cipher.suites", "AES/GCM"),
        ("dfs.checksum.type", "MD5"),
        ("hadoop.user.group.static.mapping.overrides", "alice=a=b"),
        ("dfs.blocksize", "100"),
        ("dfs.blocksize", "1000"),
        ("dfs.encrypt.data.transfer", "true"),
        ("fs.permissions.umask-mode", "7777"),
        ("dfs.namenode.safemode.threshold-pct", "most"),
        ("dfs.namenode.safemode.threshold-pct", "NaN"),
        ("dfs.namenode.safemode.replication.min", "0"),
        ("dfs.namenode.safemode.min.datanodes", "-1"),
        ("dfs.namenode.safemode.extension", "soon"),
        ("dfs.namenode.hosts.provider.classname", "HostFileManager"),
        ("dfs.namenode.decommission.interval", "0"),
        ("dfs.datanode.failed.volumes.tolerated", "1"),
        ("dfs.namenode.maintenance.replication.min", "-1"),
    ] {
        assert!(
            refusal(key, value).starts_with(&format!("{key} has \"{value}\": ")),
            "{key}={value}"
        );
    }
}

#[test]
fn a_key_that_is_not_obeyed_is_a_warning_and_a_clients_key_is_none() {
    let (_, warnings) = parse(&[
        ("dfs.client.retry.policy.enabled", "true"),
        ("fs.defaultFS", "hdfs://127.0.0.1:1"),
        ("yarn.resourcemanager.principal", "yarn/rm"),
        ("security.client.protocol.acl", "alice"),
        ("security.client.protocol.hosts.blocked", "10.0.0.0/8"),
        ("security.service.authorization.default.hosts", "*"),
        ("security.clients.protocol.acl", "alice"),
        ("dfs.namenode.startup.delay.block.deletion.sec", "5"),
    ])
    .expect("valid");
    assert_eq!(
        warnings,
        [
            "security.clients.protocol.acl is not obeyed by Kerbox's servers: it only goes into the clients' files",
            "dfs.namenode.startup.delay.block.deletion.sec is not obeyed by Kerbox's servers: it only goes into the clients' files"
        ]
    );
}

#[test]
fn idle_connections_have_hadoops_keys_which_take_plain_milliseconds() {
    let (config, warnings) = parse(&[
        ("ipc.client.connection.maxidletime", "2000"),
        ("ipc.client.idlethreshold", "0"),
        ("dfs.datanode.socket.reuse.keepalive", "0"),
        ("hadoop.http.idle_timeout.ms", "0"),
    ])
    .expect("valid");
    let idle = IdleSettings {
        max_idle_time: Duration::from_secs(2),
        threshold: 0,
        datanode_keepalive: Duration::ZERO,
        http: Duration::ZERO,
    };
    assert_eq!((config.idle, warnings.len()), (idle, 0));
    let refused = refusal("ipc.client.connection.maxidletime", "10s");
    assert!(refused.contains("write a whole number"), "{refused}");
}
