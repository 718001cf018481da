//! `VERSION`: the identity of a namespace, as Java's properties.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::namenode::storage::LAYOUT_VERSION;

/// The identity of a namespace (`StorageInfo`).
///
/// ```
/// use minihdfs::namenode::storage::Version;
///
/// let version = Version {
///     namespace_id: 7,
///     cluster_id: "CID-1".to_owned(),
///     c_time: 0,
///     block_pool_id: "BP-1".to_owned(),
/// };
/// assert!(version.to_properties().contains("namespaceID=7\n"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// The number of the namespace.
    pub namespace_id: u32,
    /// The name of the cluster.
    pub cluster_id: String,
    /// The time of the last upgrade, in milliseconds since the epoch; 0 if there was none.
    pub c_time: i64,
    /// The block pool.
    pub block_pool_id: String,
}

impl Version {
    /// Returns the contents of the file.
    #[must_use]
    pub fn to_properties(&self) -> String {
        let mut text = String::new();
        for (key, value) in [
            ("namespaceID", self.namespace_id.to_string()),
            ("clusterID", self.cluster_id.clone()),
            ("cTime", self.c_time.to_string()),
            ("storageType", "NAME_NODE".to_owned()),
            ("blockpoolID", self.block_pool_id.clone()),
            ("layoutVersion", LAYOUT_VERSION.to_string()),
        ] {
            let _infallible = writeln!(text, "{key}={}", escape(&value));
        }
        text
    }

    /// Reads the contents of the file.
    ///
    /// # Errors
    /// Says which property is missing or cannot be read; fails if the storage is no NameNode's or
    /// has another layout version.
    pub fn from_properties(text: &str) -> Result<Self, String> {
        let properties = properties(text);
        let get = |key: &str| {
            let value = properties.get(key).cloned();
            value.ok_or_else(|| format!("{key} is missing"))
        };
        let kind = get("storageType")?;
        if kind != "NAME_NODE" {
            return Err(format!("storageType is {kind} instead of NAME_NODE"));
        }
        let layout: i32 = number("layoutVersion", &get("layoutVersion")?)?;
        if layout != LAYOUT_VERSION {
            return Err(format!(
                "layoutVersion is {layout} instead of {LAYOUT_VERSION}: start Hadoop 3.4 with \
                 -upgrade on this folder first"
            ));
        }
        Ok(Self {
            namespace_id: number("namespaceID", &get("namespaceID")?)?,
            cluster_id: get("clusterID")?,
            c_time: number("cTime", &get("cTime")?)?,
            block_pool_id: get("blockpoolID")?,
        })
    }
}

fn number<N: std::str::FromStr>(key: &str, value: &str) -> Result<N, String> {
    value
        .parse()
        .map_err(|_| format!("{key} is {value}, which is no number for it"))
}

/// Escapes a value as `Properties.store` does; names of clusters have no other special characters.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '\\' | ':' | '=' | '#' | '!') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn properties(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with(['#', '!']));
    let pairs = lines.filter_map(|line| line.split_once('='));
    let unescape = |value: &str| {
        value
            .replace("\\\\", "\0")
            .replace('\\', "")
            .replace('\0', "\\")
    };
    pairs
        .map(|(key, value)| (key.trim().to_owned(), unescape(value.trim())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by Hadoop 3.4.3.
    const HADOOPS: &str = "#Sat Nov 28 18:00:00 UTC 2026\n\
        namespaceID=1377243564\n\
        clusterID=testClusterID\n\
        cTime=1764352800000\n\
        storageType=NAME_NODE\n\
        blockpoolID=BP-1050-127.0.0.1-1764352800000\n\
        layoutVersion=-67\n";

    #[test]
    fn hadoops_file_is_read_and_ours_is_read_back() {
        let version = Version::from_properties(HADOOPS).expect("Hadoop's");
        assert_eq!(
            (version.namespace_id, &*version.cluster_id),
            (1_377_243_564, "testClusterID")
        );
        let ours = Version {
            block_pool_id: "BP-1-::1-5".to_owned(),
            ..version
        };
        let text = ours.to_properties();
        assert!(text.contains("blockpoolID=BP-1-\\:\\:1-5\n"), "{text}");
        assert_eq!(Version::from_properties(&text), Ok(ours));
    }

    #[test]
    fn other_storages_are_refused() {
        let refused = |from: &str, to: &str| {
            let error = Version::from_properties(&HADOOPS.replace(from, to));
            error.expect_err("refused")
        };
        assert_eq!(
            refused("NAME_NODE", "DATA_NODE"),
            "storageType is DATA_NODE instead of NAME_NODE"
        );
        assert!(refused("-67", "-66").starts_with("layoutVersion is -66 instead of -67"));
        assert_eq!(refused("clusterID", "x"), "clusterID is missing");
        assert!(refused("=1377243564", "=-1").contains("namespaceID is -1"));
    }
}
