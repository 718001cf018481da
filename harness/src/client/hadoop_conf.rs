//! core-site.xml and hdfs-site.xml, as Hadoop's clients read them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::Error;
use crate::directory::Directory;

/// Hadoop's keys and values, shared by servers and clients.
pub(crate) type HadoopKeys = BTreeMap<String, String>;

/// Returns the keys that let a client find the cluster. The caller's own settings override them.
pub(crate) fn keys(
    namenode: SocketAddr,
    datanodes: usize,
    superuser: &str,
    realm: Option<&str>,
) -> HadoopKeys {
    let mut keys = HadoopKeys::new();
    let mut set = |key: &str, value: String| {
        keys.insert(key.to_owned(), value);
    };
    set("fs.defaultFS", format!("hdfs://{namenode}"));
    set("dfs.namenode.rpc-address", namenode.to_string());
    set("dfs.replication", datanodes.clamp(1, 3).to_string());
    // A SecondaryNameNode takes free ports, so that several clusters can have one.
    for key in [
        "dfs.namenode.secondary.http-address",
        "dfs.namenode.secondary.https-address",
    ] {
        set(key, "localhost:0".to_owned());
    }
    if let Some(realm) = realm {
        set("hadoop.security.authentication", "kerberos".to_owned());
        set("hadoop.security.authorization", "true".to_owned());
        set("hadoop.rpc.protection", "authentication".to_owned());
        set(
            "dfs.namenode.kerberos.principal",
            format!("nn/localhost@{realm}"),
        );
        set(
            "dfs.datanode.kerberos.principal",
            format!("dn/localhost@{realm}"),
        );
        // YARN's client libraries name this principal as renewer when they request tokens, even
        // without a running YARN, as under Spark and MapReduce on one machine. Ours is in the
        // database, and its short name may renew.
        set(
            "yarn.resourcemanager.principal",
            format!("nn/localhost@{realm}"),
        );
        set(
            "dfs.web.authentication.kerberos.principal",
            format!("HTTP/localhost@{realm}"),
        );
        set("dfs.data.transfer.protection", "authentication".to_owned());
        set("dfs.block.access.token.enable", "true".to_owned());
        // Otherwise a JVM refuses to speak SASL to ports above 1023.
        set("ignore.secure.ports.for.testing", "true".to_owned());
        // The servers' principals map to the superuser, as in any setup with one keytab per daemon.
        set(
            "hadoop.security.auth_to_local",
            format!(
                "RULE:[2:$1@$0](nn@{realm})s/.*/{superuser}/\nRULE:[2:$1@$0](dn@{realm})s/.*/{superuser}/\nRULE:[2:$1@$0](sn@{realm})s/.*/{superuser}/\nDEFAULT"
            ),
        );
    }
    keys
}

/// Returns `hadoop.user.group.static.mapping.overrides` for groups and their members:
/// `alice=analysts,staff;bob=staff`.
pub(crate) fn static_groups(groups: &BTreeMap<String, Vec<String>>) -> String {
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (group, members) in groups {
        for member in members {
            users.entry(member).or_default().push(group);
        }
    }
    let users = users
        .iter()
        .map(|(user, groups)| format!("{user}={}", groups.join(",")));
    users.collect::<Vec<_>>().join(";")
}

/// Writes all keys into each file. In a JVM, hdfs-default.xml overrides `dfs.*` keys that are only
/// in core-site.xml, and other clients read only core-site.xml.
pub(crate) fn write(directory: &Directory, keys: &HadoopKeys) -> Result<(), Error> {
    // Those of YARN and MapReduce only with their services.
    let names: &[&str] = match keys.contains_key("mapreduce.jobhistory.principal") {
        true => &[
            "core-site.xml",
            "hdfs-site.xml",
            "yarn-site.xml",
            "mapred-site.xml",
        ],
        false => &["core-site.xml", "hdfs-site.xml"],
    };
    for name in names {
        write_file(directory, name, keys)?;
    }
    Ok(())
}

/// Writes keys into one of the files of Hadoop's configuration.
pub(crate) fn write_file(
    directory: &Directory,
    name: &str,
    keys: &HadoopKeys,
) -> Result<(), Error> {
    let xml = to_xml(keys);
    directory.write(&format!("hadoop/{name}"), xml.as_bytes())?;
    Ok(())
}

/// Returns the keys as a file of Hadoop's. Nothing here reads XML, and a library to write four
/// elements would be one more that users compile.
fn to_xml(keys: &HadoopKeys) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<configuration>\n");
    for (key, value) in keys {
        xml.push_str("  <property><name>");
        escape(key, &mut xml);
        xml.push_str("</name><value>");
        escape(value, &mut xml);
        xml.push_str("</value></property>\n");
    }
    xml.push_str("</configuration>\n");
    xml
}

fn escape(text: &str, xml: &mut String) {
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            // Unescaped, a parser would turn it into a newline.
            '\r' => xml.push_str("&#13;"),
            other => xml.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_lines_of_rules_stay_lines() {
        let keys = HadoopKeys::from([("a".to_owned(), "x<y & z>\n\r".to_owned())]);
        assert!(to_xml(&keys).contains("<name>a</name><value>x&lt;y &amp; z&gt;\n&#13;</value>"));
    }

    #[test]
    fn groups_are_told_by_user() {
        let groups = [("staff", vec!["bob", "alice"]), ("analysts", vec!["alice"])];
        let groups = groups.map(|(group, members)| {
            (
                group.to_owned(),
                members.into_iter().map(str::to_owned).collect(),
            )
        });
        assert_eq!(
            static_groups(&groups.into()),
            "alice=analysts,staff;bob=staff"
        );
    }

    #[test]
    fn a_simple_cluster_names_no_kerberos() {
        let address = "127.0.0.1:9".parse().expect("an address");
        assert!(
            keys(address, 3, "hdfs", None)
                .keys()
                .all(|key| !key.contains("kerberos") && !key.contains("security"))
        );
        assert_eq!(keys(address, 14, "hdfs", Some("R"))["dfs.replication"], "3");
    }
}
