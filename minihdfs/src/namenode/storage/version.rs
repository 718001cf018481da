//! `VERSION`: the identity of a namespace, as Java's properties.

use crate::namenode::storage::layout_version::{self, LAYOUT_VERSION};
use crate::storage_directory::{Properties, to_text};

const NAME_NODE: &str = "NAME_NODE";

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
        to_text(&[
            ("namespaceID", &self.namespace_id.to_string()),
            ("clusterID", &self.cluster_id),
            ("cTime", &self.c_time.to_string()),
            ("storageType", NAME_NODE),
            ("blockpoolID", &self.block_pool_id),
            ("layoutVersion", &LAYOUT_VERSION.to_string()),
        ])
    }

    /// Reads the contents of the file. Returns the layout version of all files, too, which may be
    /// older than that with which Kerbox writes.
    ///
    /// # Errors
    /// Says which property is missing or cannot be read; fails if the storage is no NameNode's or
    /// has a layout version that Kerbox does not read.
    pub fn from_properties(text: &str) -> Result<(Self, i32), String> {
        let properties = Properties::parse(text);
        properties.check_kind(NAME_NODE)?;
        let layout_version = properties.number("layoutVersion")?;
        layout_version::check(layout_version)?;
        let version = Self {
            namespace_id: properties.number("namespaceID")?,
            cluster_id: properties.text("clusterID")?.to_owned(),
            c_time: properties.number("cTime")?,
            block_pool_id: properties.text("blockpoolID")?.to_owned(),
        };
        Ok((version, layout_version))
    }
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
        let (version, layout) = Version::from_properties(HADOOPS).expect("Hadoop's");
        assert_eq!(layout, LAYOUT_VERSION);
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
        assert_eq!(Version::from_properties(&text), Ok((ours, -67)));
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
        assert!(refused("-67", "-68").starts_with("the layout version is -68, and Kerbox reads"));
        assert_eq!(refused("clusterID", "x"), "clusterID is missing");
        assert!(refused("=1377243564", "=-1").contains("namespaceID is -1"));
    }
}
