//! The kinds of keys that can be rolled.

use serde::{Deserialize, Serialize};

/// The keys that [`Cluster::roll_keys`](crate::Cluster::roll_keys) replaces.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyKind {
    /// The KDC's own key. Tickets that were issued before stay valid.
    Krbtgt,
    /// The keys of a service, for instance `nn/localhost`. Its keytab and its server have the new
    /// keys and the old ones, so that earlier tickets stay valid.
    /// [`Realm::change_keys`](crate::Realm::change_keys) changes them in the KDC alone, as after a
    /// forgotten export.
    Service(String),
    /// The NameNode's master key for delegation tokens. Earlier tokens stay valid.
    DelegationTokens,
    /// The NameNode's key for block tokens. DataNodes get it with their next heartbeat; earlier
    /// tokens stay valid.
    BlockTokens,
    /// The key that data encryption keys are derived from, which is the one for block tokens.
    /// Clients get a new one with their next connection.
    DataEncryption,
    /// The certificate of the servers' HTTPS ports, with its key. It is signed by the same
    /// authority; new connections see it. The result is the number of certificates before it.
    Certificates,
}
