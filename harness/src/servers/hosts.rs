//! The lists of DataNodes of a fixture: Hadoop's files, and what a test has ordered.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kerbox_krb5::Timestamp;
use minihdfs::HdfsError;
use minihdfs::config::DatanodeAdminSettings;
use minihdfs::namenode::{HostEntry, HostFiles, HostLists};
use serde::Deserialize;

/// The order of a test for a DataNode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Decommission,
    Maintenance(Option<Timestamp>),
}

/// The source of the lists.
pub(crate) struct Hosts {
    settings: DatanodeAdminSettings,
    orders: Mutex<BTreeMap<SocketAddr, Order>>,
}

impl Hosts {
    pub(crate) fn new(settings: DatanodeAdminSettings) -> Self {
        Self {
            settings,
            orders: Mutex::default(),
        }
    }

    /// Sets what a test orders for the DataNode at an address; `None`: to serve, unless a file says
    /// otherwise.
    pub(crate) fn order(&self, datanode: SocketAddr, order: Option<Order>) {
        match order {
            Some(order) => self.orders().insert(datanode, order),
            None => self.orders().remove(&datanode),
        };
    }

    fn orders(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Order>> {
        // Changed in single steps, so a panic elsewhere leaves it valid.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostFiles for Hosts {
    fn read(&self) -> Result<HostLists, HdfsError> {
        let settings = &self.settings;
        let mut lists = if settings.combined {
            combined(&text("dfs.hosts", &settings.hosts)?, &settings.hosts)?
        } else {
            HostLists {
                included: entries(&text("dfs.hosts", &settings.hosts)?),
                excluded: entries(&text("dfs.hosts.exclude", &settings.hosts_exclude)?),
                maintenance: Vec::new(),
            }
        };
        for (datanode, order) in &*self.orders() {
            let entry = HostEntry {
                ip: datanode.ip(),
                port: Some(datanode.port()),
            };
            match order {
                Order::Decommission => lists.excluded.push(entry),
                // Before those of a file.
                Order::Maintenance(until) => lists.maintenance.insert(0, (entry, *until)),
            }
        }
        Ok(lists)
    }
}

/// Reads a file; without one there is no text.
fn text(key: &str, path: &str) -> Result<String, HdfsError> {
    if path.is_empty() {
        return Ok(String::new());
    }
    fs::read_to_string(path)
        .map_err(|error| HdfsError::io(format!("{key} = {path:?} cannot be read: {error}")))
}

/// Parses a list of hosts, each with or without a port. The rest of a line after `#` is a comment.
/// Hosts that cannot be resolved are ignored, as in Hadoop.
fn entries(text: &str) -> Vec<HostEntry> {
    let words = text.lines().flat_map(|line| {
        let words = line.split_whitespace();
        words.take_while(|word| !word.starts_with('#'))
    });
    words.flat_map(entry).collect()
}

/// Returns the entries of a host, one for each of its addresses.
fn entry(word: &str) -> Vec<HostEntry> {
    let port = word
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    let host = match port {
        Some(_) => word.to_owned(),
        None => format!("{word}:0"),
    };
    match host.to_socket_addrs() {
        Ok(addresses) => addresses
            .map(|address| HostEntry {
                ip: address.ip(),
                port,
            })
            .collect(),
        Err(error) => {
            tracing::warn!(target: "kerbox", "the host {word:?} in a list is ignored: {error}");
            Vec::new()
        }
    }
}

/// A DataNode in a file of `CombinedHostFileManager`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    host_name: String,
    #[serde(default)]
    port: u16,
    #[serde(default)]
    admin_state: Option<String>,
    #[serde(default, rename = "maintenanceExpireTimeInMS")]
    maintenance_expire_time: Option<i64>,
}

/// Parses a file of `CombinedHostFileManager`: an array of objects, or objects one after another.
fn combined(text: &str, path: &str) -> Result<HostLists, HdfsError> {
    let wrong = |error: serde_json::Error| {
        HdfsError::io(format!(
            "dfs.hosts = {path:?} is not a list of DataNodes: {error}"
        ))
    };
    let all: Vec<Properties> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(wrong)?
    } else {
        let stream = serde_json::Deserializer::from_str(text).into_iter();
        stream.collect::<Result<_, _>>().map_err(wrong)?
    };
    let mut lists = HostLists::default();
    let mut has_normal = false;
    for properties in all {
        let port = Some(properties.port).filter(|port| *port != 0);
        let found = entry(&properties.host_name);
        let entries = found.into_iter().map(|entry| HostEntry { port, ..entry });
        let entries: Vec<HostEntry> = entries.collect();
        lists.included.extend(&entries);
        match properties.admin_state.as_deref() {
            None | Some("NORMAL") => has_normal = true,
            Some("DECOMMISSIONED") => lists.excluded.extend(&entries),
            Some("IN_MAINTENANCE") => {
                let until = properties.maintenance_expire_time;
                let until = until.map(Timestamp::from_millis);
                let entries = entries.into_iter().map(|entry| (entry, until));
                lists.maintenance.extend(entries);
            }
            Some(other) => {
                return Err(HdfsError::io(format!(
                    "dfs.hosts = {path:?} has adminState {other:?} for {}: write NORMAL, \
                     DECOMMISSIONED or IN_MAINTENANCE",
                    properties.host_name
                )));
            }
        }
    }
    if !has_normal {
        // A file with nothing but exceptions allows all others.
        lists.included.clear();
    }
    Ok(lists)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: Option<u16>) -> HostEntry {
        HostEntry {
            ip: [127, 0, 0, 1].into(),
            port,
        }
    }

    #[test]
    fn a_list_has_hosts_with_and_without_ports_and_comments() {
        let text = "# all\n127.0.0.1:9866  127.0.0.1 # and the rest\n\n127.0.0.1:9867\n";
        assert_eq!(entries(text), [at(Some(9866)), at(None), at(Some(9867))]);
        assert_eq!(entries("no.such.host.invalid"), []);
    }

    #[test]
    fn a_combined_file_says_everything() {
        let text = r#"[{"hostName": "127.0.0.1", "port": 1},
            {"hostName": "127.0.0.1", "port": 2, "adminState": "DECOMMISSIONED"},
            {"hostName": "127.0.0.1", "port": 3, "adminState": "IN_MAINTENANCE", "maintenanceExpireTimeInMS": 5000}]"#;
        let lists = combined(text, "f").expect("valid");
        assert_eq!(lists.included, [at(Some(1)), at(Some(2)), at(Some(3))]);
        assert_eq!(lists.excluded, [at(Some(2))]);
        let until = Some(Timestamp::from_secs(5));
        assert_eq!(lists.maintenance, [(at(Some(3)), until)]);
        let one = r#"{"hostName": "127.0.0.1", "adminState": "DECOMMISSIONED"}"#;
        let lists = combined(one, "f").expect("valid");
        assert_eq!((lists.included, lists.excluded), (vec![], vec![at(None)]));
        let error = combined(r#"[{"hostName": "h", "adminState": "GONE"}]"#, "f");
        assert!(error.expect_err("no state").message().contains("GONE"));
        assert!(combined("[1]", "f").is_err());
    }
}
