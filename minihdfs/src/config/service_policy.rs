//! The keys of `hadoop-policy.xml`: a list of users and one of hosts for each protocol, and those
//! that are blocked.

use std::collections::BTreeMap;

/// Service-level authorization.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServiceAuthorization {
    /// `hadoop.security.authorization`: enables the access control lists of services.
    pub enabled: bool,
    /// `security.<protocol>.acl`, `.hosts` and their `.blocked` lists. Every user and host may use
    /// a protocol without a list. Also `dfs.datanode.kerberos.principal`, the only principal that
    /// may use the protocols of DataNodes.
    pub policy: BTreeMap<String, String>,
}

/// The protocols and the keys of their lists (`HDFSPolicyProvider`).
pub(crate) const PROTOCOLS: [(&str, &str); 13] = [
    (
        "org.apache.hadoop.ha.HAServiceProtocol",
        "security.ha.service.protocol.acl",
    ),
    (
        "org.apache.hadoop.hdfs.protocol.ClientDatanodeProtocol",
        "security.client.datanode.protocol.acl",
    ),
    (
        "org.apache.hadoop.hdfs.protocol.ClientProtocol",
        "security.client.protocol.acl",
    ),
    (
        "org.apache.hadoop.hdfs.protocol.ReconfigurationProtocol",
        "security.reconfiguration.protocol.acl",
    ),
    (
        "org.apache.hadoop.hdfs.server.protocol.DatanodeLifelineProtocol",
        "security.datanode.lifeline.protocol.acl",
    ),
    (
        "org.apache.hadoop.hdfs.server.protocol.DatanodeProtocol",
        "security.datanode.protocol.acl",
    ),
    (
        "org.apache.hadoop.hdfs.server.protocol.InterDatanodeProtocol",
        "security.inter.datanode.protocol.acl",
    ),
    (
        "org.apache.hadoop.hdfs.server.protocol.NamenodeProtocol",
        "security.namenode.protocol.acl",
    ),
    (
        "org.apache.hadoop.ipc.GenericRefreshProtocol",
        "security.refresh.generic.protocol.acl",
    ),
    (
        "org.apache.hadoop.ipc.RefreshCallQueueProtocol",
        "security.refresh.callqueue.protocol.acl",
    ),
    (
        "org.apache.hadoop.security.RefreshUserMappingsProtocol",
        "security.refresh.user.mappings.protocol.acl",
    ),
    (
        "org.apache.hadoop.security.authorize.RefreshAuthorizationPolicyProtocol",
        "security.refresh.policy.protocol.acl",
    ),
    (
        "org.apache.hadoop.tools.GetUserMappingsProtocol",
        "security.get.user.mappings.protocol.acl",
    ),
];

/// The protocols that only DataNodes use.
pub(crate) const OF_DATANODES: [&str; 3] = [
    "org.apache.hadoop.hdfs.server.protocol.DatanodeLifelineProtocol",
    "org.apache.hadoop.hdfs.server.protocol.DatanodeProtocol",
    "org.apache.hadoop.hdfs.server.protocol.InterDatanodeProtocol",
];

/// The key of the only principal that may use them. `_HOST` is the caller's host.
pub(crate) const DATANODE_PRINCIPAL: &str = "dfs.datanode.kerberos.principal";

/// The key that holds for every protocol without keys of its own.
pub(crate) const DEFAULT: &str = "security.service.authorization.default.acl";

/// Returns true for a key of a protocol that is served, for the default ones, and for the one that
/// names a principal.
pub(super) fn has(key: &str) -> bool {
    let list = key.strip_suffix(".blocked").unwrap_or(key);
    let name = list
        .strip_suffix(".acl")
        .or_else(|| list.strip_suffix(".hosts"));
    let has = |acl: &str| acl.strip_suffix(".acl") == name;
    let is_list = has(DEFAULT) || PROTOCOLS.iter().any(|(_, acl)| has(acl));
    key == DATANODE_PRINCIPAL || (name.is_some() && is_list)
}
