//! Warnings about settings that are allowed but may be mistakes.

use kerbox::spec::{OtherRealms, Security, Spec};
use minihdfs::config::{HdfsConfig, Obeyed};

use super::nearest::nearest;
use super::{Purpose, Settings, console};
use crate::note::note;

/// Prints the warnings to standard error. `known` are the variables that kerbox reads.
pub(crate) fn warn(settings: &Settings, purpose: Purpose, known: &[String]) {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let of_variables = of_variables(names, purpose, known);
    // Processes of one sandbox share a file.
    let of_console = console::warnings(settings).filter(|_| purpose != Purpose::Part);
    let of_settings = warnings(settings).into_iter().chain(of_console);
    for warning in of_variables.into_iter().chain(of_settings) {
        note(format_args!("warning: {warning}"));
    }
}

/// Returns warnings about variables that appear to have an effect but have none.
fn of_variables(
    names: impl IntoIterator<Item = String>,
    purpose: Purpose,
    known: &[String],
) -> Vec<String> {
    let mut warnings = Vec::new();
    for name in names {
        // With `exec` the variable is for the command.
        if name == "RUST_LOG" && purpose != Purpose::Exec {
            warnings.push(String::from(
                "RUST_LOG is not obeyed here; --verbose says what the servers see",
            ));
        }
        if name.starts_with("KERBOX_") && !known.contains(&name) {
            let meant = nearest(&name, known.iter().map(String::as_str));
            let mend = meant.map_or_else(
                || String::from("; `kerbox up --help` names those that there are"),
                |known| format!("; did you mean {known}?"),
            );
            warnings.push(format!("there is no variable {name}{mend}"));
        }
    }
    warnings
}

fn warnings(settings: &Settings) -> Vec<String> {
    let Spec { realm, hdfs, .. } = &settings.spec;
    let mut warnings = Vec::new();
    let console = realm.console.as_ref().and_then(|console| console.listen);
    let console = console.map(|listen| ("console", listen));
    let namenode = (!settings.kdc_only).then_some(("NameNode", hdfs.listen));
    let servers = std::iter::once(("KDC", realm.listen)).chain(namenode);
    for (server, listen) in servers.chain(console) {
        let address = listen.ip();
        if !address.is_loopback() {
            let named = if address.is_unspecified() {
                "; clients' files name the loopback address, so bind the one that others know if \
                 they are to use them"
            } else {
                ""
            };
            warnings.push(format!(
                "the {server} listens on {address}: others on the network can reach it, and the default users' passwords are their names{named}"
            ));
        }
    }
    let without_kdc = !settings.kdc_only && hdfs.security == Security::Simple;
    if without_kdc && realm.others != OtherRealms::default() {
        warnings.push(String::from(
            "[[further_realm]], [[trust]], [capaths] and [domain_realm] change nothing: with simple security there is no KDC",
        ));
    }
    for (key, why) in NOT_SERVED {
        if hdfs.keys.contains_key(key) {
            warnings.push(format!(
                "{key} changes nothing but the clients' files: {why}"
            ));
        }
    }
    let mut obeyed = HdfsConfig::default();
    for (key, value) in &hdfs.keys {
        if matches!(obeyed.set(key, value), Ok(Obeyed::Not)) {
            let meant = nearest(key, OBEYED)
                .map_or_else(String::new, |known| format!("; did you mean {known}?"));
            warnings.push(format!(
                "{key} is not obeyed here, it only goes into the clients' files{meant}"
            ));
        }
    }
    warnings
}

/// Keys that change only the clients' files, each with the reason.
const NOT_SERVED: [(&str, &str); 4] = [
    ("dfs.webhdfs.enabled", "WebHDFS is always served"),
    (
        "dfs.namenode.rpc-address",
        "--namenode-port, --bind and [hdfs] listen say where the NameNode listens",
    ),
    (
        "fs.defaultFS",
        "--namenode-port, --bind and [hdfs] listen say where the NameNode listens",
    ),
    ("hadoop.tmp.dir", "--dir says where the servers' files are"),
];

/// Keys that the servers obey, used for suggestions.
const OBEYED: [&str; 64] = [
    "dfs.block.access.key.update.interval",
    "dfs.block.access.token.enable",
    "dfs.block.access.token.lifetime",
    "dfs.block.access.token.protobuf.enable",
    "dfs.blocksize",
    "dfs.bytes-per-checksum",
    "dfs.checksum.type",
    "dfs.client-write-packet-size",
    "dfs.data.transfer.protection",
    "dfs.datanode.data.dir",
    "dfs.datanode.failed.volumes.tolerated",
    "dfs.datanode.http.address",
    "dfs.datanode.https.address",
    "dfs.encrypt.data.transfer",
    "dfs.encrypt.data.transfer.algorithm",
    "dfs.encrypt.data.transfer.cipher.key.bitlength",
    "dfs.encrypt.data.transfer.cipher.suites",
    "dfs.heartbeat.interval",
    "dfs.hosts",
    "dfs.hosts.exclude",
    "dfs.http.policy",
    "dfs.ls.limit",
    "dfs.namenode.decommission.interval",
    "dfs.namenode.accesstime.precision",
    "dfs.namenode.acls.enabled",
    "dfs.namenode.delegation.key.update-interval",
    "dfs.namenode.delegation.token.always-use",
    "dfs.namenode.delegation.token.max-lifetime",
    "dfs.namenode.delegation.token.renew-interval",
    "dfs.namenode.enable.retrycache",
    "dfs.namenode.fs-limits.max-blocks-per-file",
    "dfs.namenode.fs-limits.max-component-length",
    "dfs.namenode.fs-limits.max-directory-items",
    "dfs.namenode.fs-limits.max-xattr-size",
    "dfs.namenode.fs-limits.max-xattrs-per-inode",
    "dfs.namenode.fs-limits.min-block-size",
    "dfs.namenode.heartbeat.recheck-interval",
    "dfs.namenode.hosts.provider.classname",
    "dfs.namenode.http-address",
    "dfs.namenode.https-address",
    "dfs.namenode.lease-hard-limit-sec",
    "dfs.namenode.maintenance.replication.min",
    "dfs.namenode.posix.acl.inheritance.enabled",
    "dfs.namenode.replication.min",
    "dfs.namenode.retrycache.expirytime.millis",
    "dfs.namenode.safemode.extension",
    "dfs.namenode.safemode.min.datanodes",
    "dfs.namenode.safemode.replication.min",
    "dfs.namenode.safemode.threshold-pct",
    "dfs.namenode.stale.datanode.interval",
    "dfs.namenode.xattrs.enabled",
    "dfs.permissions.enabled",
    "dfs.permissions.superusergroup",
    "dfs.replication",
    "dfs.replication.max",
    "fs.permissions.umask-mode",
    "fs.trash.interval",
    "hadoop.rpc.protection",
    "hadoop.security.auth_to_local",
    "hadoop.security.auth_to_local.mechanism",
    "hadoop.security.authentication",
    "hadoop.user.group.static.mapping.overrides",
    "io.file.buffer.size",
    "ipc.maximum.data.length",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_suggested_is_obeyed() {
        for key in OBEYED {
            let told = HdfsConfig::default().set(key, "?");
            assert!(
                !matches!(told, Ok(Obeyed::Not | Obeyed::ByClients)),
                "{key}: {told:?}"
            );
        }
    }

    #[test]
    fn variables_that_there_are_not_are_told_with_the_nearest_that_is() {
        let names = [
            "KERBOX_DATANODE",
            "KERBOX_KEEP",
            "KERBOX_SEED",
            "RUST_LOG",
            "PATH",
        ];
        let known = ["KERBOX_DATANODES", "KERBOX_KEEP", "KERBOX_SEED"].map(str::to_owned);
        let of = |purpose| of_variables(names.map(str::to_owned), purpose, &known);
        assert_eq!(
            of(Purpose::Exec),
            ["there is no variable KERBOX_DATANODE; did you mean KERBOX_DATANODES?"]
        );
        assert!(of(Purpose::Up)[1].contains("--verbose"));
    }

    #[test]
    fn other_realms_without_a_kdc_are_told() {
        let mut settings = Settings::default();
        let hosts = &mut settings.spec.realm.others.domain_realm;
        hosts.insert(String::from(".b.test"), String::from("B.TEST"));
        assert_eq!(warnings(&settings), Vec::<String>::new());
        settings.spec.hdfs.security = Security::Simple;
        assert!(warnings(&settings)[0].contains("[[trust]]"));
        settings.kdc_only = true;
        assert_eq!(warnings(&settings), Vec::<String>::new());
    }

    #[test]
    fn each_server_that_others_can_reach_gets_a_warning() {
        let mut settings = Settings::default();
        settings.spec.realm.listen.set_ip([0, 0, 0, 0].into());
        settings.spec.hdfs.listen.set_ip([0, 0, 0, 0].into());
        let told = warnings(&settings);
        assert!(
            told[0].starts_with("the KDC listens on 0.0.0.0"),
            "{told:?}"
        );
        assert!(
            told[1].starts_with("the NameNode listens on 0.0.0.0"),
            "{told:?}"
        );
        settings.kdc_only = true;
        assert_eq!(warnings(&settings), told[..1]);
    }

    #[test]
    fn a_key_of_something_that_is_not_served_is_told() {
        let mut settings = Settings::default();
        for (key, _) in NOT_SERVED {
            settings
                .spec
                .hdfs
                .keys
                .insert(key.to_owned(), String::from("x"));
        }
        assert_eq!(warnings(&settings).len(), NOT_SERVED.len());
    }

    #[test]
    fn a_key_that_nothing_obeys_is_told_with_the_nearest_that_is() {
        let mut settings = Settings::default();
        settings
            .spec
            .hdfs
            .keys
            .insert(String::from("dfs.block.size.typo"), String::from("1"));
        settings
            .spec
            .hdfs
            .keys
            .insert(String::from("dfs.replicaton"), String::from("1"));
        settings.spec.hdfs.keys.insert(
            String::from("dfs.client.use.datanode.hostname"),
            String::from("true"),
        );
        let warnings = warnings(&settings);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(
            warnings[1].contains("did you mean dfs.replication?"),
            "{warnings:?}"
        );
    }
}
