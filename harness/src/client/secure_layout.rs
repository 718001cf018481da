//! Hadoop's keys for the SecondaryNameNode and for the services of
//! [`Layout::HadoopSecure`](crate::spec::Layout): their principals, keytabs, users and directories.

use std::path::Path;

use crate::client::hadoop_conf::HadoopKeys;

/// The keys of each service's principal and keytab file.
const SERVICES: [(&str, &str, &str); 6] = [
    (
        "nn",
        "dfs.namenode.kerberos.principal",
        "dfs.namenode.keytab.file",
    ),
    (
        "dn",
        "dfs.datanode.kerberos.principal",
        "dfs.datanode.keytab.file",
    ),
    (
        "sn",
        "dfs.secondary.namenode.kerberos.principal",
        "dfs.secondary.namenode.keytab.file",
    ),
    (
        "rm",
        "yarn.resourcemanager.principal",
        "yarn.resourcemanager.keytab",
    ),
    (
        "nm",
        "yarn.nodemanager.principal",
        "yarn.nodemanager.keytab",
    ),
    (
        "jhs",
        "mapreduce.jobhistory.principal",
        "mapreduce.jobhistory.keytab",
    ),
];

/// Sets the directories in HDFS that the services use.
pub(crate) fn set_directories(keys: &mut HadoopKeys) {
    for (key, path) in [
        ("yarn.nodemanager.remote-app-log-dir", "/tmp/logs"),
        (
            "mapreduce.jobhistory.intermediate-done-dir",
            "/mr-history/tmp",
        ),
        ("mapreduce.jobhistory.done-dir", "/mr-history/done"),
    ] {
        keys.insert(key.to_owned(), path.to_owned());
    }
}

/// Sets what a SecondaryNameNode of Hadoop's needs: its principal, its keytab in this folder, and
/// that of its HTTP port.
pub(crate) fn set_secondary(keys: &mut HadoopKeys, realm: &str, keytabs: &Path) {
    let file = |name: &str| keytabs.join(name).display().to_string();
    for (key, value) in [
        (
            "dfs.secondary.namenode.kerberos.principal",
            format!("sn/localhost@{realm}"),
        ),
        (
            "dfs.secondary.namenode.keytab.file",
            file("sn.service.keytab"),
        ),
        (
            "dfs.web.authentication.kerberos.keytab",
            file("spnego.service.keytab"),
        ),
    ] {
        keys.insert(key.to_owned(), value);
    }
}

/// Sets the principals of a realm's services, their keytabs in this folder, and the users that they
/// are.
pub(crate) fn set_services(keys: &mut HadoopKeys, realm: &str, superuser: &str, keytabs: &Path) {
    for (service, principal, keytab) in SERVICES {
        let file = keytabs.join(format!("{service}.service.keytab"));
        let name = format!("{service}/localhost@{realm}");
        keys.insert(principal.to_owned(), name);
        keys.insert(keytab.to_owned(), file.display().to_string());
    }
    let rule =
        |services: &str, user: &str| format!("RULE:[2:$1@$0]({services}@{realm})s/.*/{user}/\n");
    let rules = [
        rule("[nds]n", superuser),
        rule("[rn]m", "yarn"),
        rule("jhs", "mapred"),
    ];
    keys.insert(
        "hadoop.security.auth_to_local".to_owned(),
        rules.concat() + "DEFAULT",
    );
}
