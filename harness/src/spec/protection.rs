//! The protection of RPC and data transfer, as Hadoop's keys.

/// The protection of RPC and data transfer (`hadoop.rpc.protection`,
/// `dfs.data.transfer.protection`).
///
/// ```
/// use kerbox::{Cluster, Protection};
///
/// let cluster = Cluster::secure().protection(Protection::PrivacyAes).start_blocking()?;
/// let keys = cluster.hadoop_keys();
/// assert_eq!(keys["dfs.encrypt.data.transfer.cipher.suites"], "AES/CTR/NoPadding");
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Protection {
    /// Authentication only.
    Authentication,
    /// Authentication, and a MAC on every message.
    Integrity,
    /// Every message is encrypted. Data transfer uses SASL's 3des or rc4.
    Privacy,
    /// Like [`Privacy`](Self::Privacy), with AES/CTR for data transfer.
    PrivacyAes,
}

impl Protection {
    /// Returns the Hadoop keys that it sets, with their values.
    pub fn keys(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let value = match self {
            Self::Authentication => "authentication",
            Self::Integrity => "integrity",
            Self::Privacy | Self::PrivacyAes => "privacy",
        };
        let suites = (self == Self::PrivacyAes).then_some((
            "dfs.encrypt.data.transfer.cipher.suites",
            "AES/CTR/NoPadding",
        ));
        let both = ["hadoop.rpc.protection", "dfs.data.transfer.protection"];
        both.map(|key| (key, value)).into_iter().chain(suites)
    }
}
