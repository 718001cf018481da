//! Hadoop's settings of RPC clients.

use std::time::Duration;

use kerbox_krb5::Principal;

use crate::sasl::QualityOfProtection;

/// The settings of a client's connections, with Hadoop's defaults.
///
/// ```
/// use minihdfs::rpc::client::ClientSettings;
/// use minihdfs::sasl::QualityOfProtection::{Integrity, Privacy};
///
/// let settings = ClientSettings {
///     protection: vec![Privacy, Integrity],
///     server_principal: Some("nn/localhost@EXAMPLE.COM".parse()?),
///     ..ClientSettings::default()
/// };
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientSettings {
    /// `hadoop.rpc.protection`: the accepted qualities of protection, in order of preference.
    pub protection: Vec<QualityOfProtection>,
    /// The principal that the server must have, for instance
    /// `dfs.namenode.kerberos.principal`. `None` for a protocol that has no Kerberos.
    pub server_principal: Option<Principal>,
    /// `ipc.client.fallback-to-simple-auth-allowed`: if true, a client with Kerberos accepts a
    /// server without security.
    pub fallback_to_simple: bool,
    /// `ipc.client.connect.timeout`
    pub connect_timeout: Duration,
    /// `ipc.client.connect.max.retries`: further attempts after a refused connection.
    pub connect_max_retries: u32,
    /// `ipc.client.connect.retry.interval`: the pause before each.
    pub connect_retry_interval: Duration,
    /// `ipc.client.connect.max.retries.on.timeouts`: further attempts after a timeout.
    pub connect_max_retries_on_timeouts: u32,
    /// `ipc.client.connect.max.retries.on.sasl`: further attempts after a failed authentication
    /// with Kerberos, each with a new ticket.
    pub connect_max_retries_on_sasl: u32,
    /// `ipc.client.ping`: if true, a silent server is sent pings instead of being given up.
    pub ping: bool,
    /// `ipc.ping.interval`: the silence after which a ping is sent.
    pub ping_interval: Duration,
    /// `ipc.client.rpc-timeout.ms`: the silence after which all calls of a connection fail. Zero
    /// for none. With pings it is rounded up to a multiple of their interval.
    pub rpc_timeout: Duration,
    /// `ipc.client.connection.maxidletime`: the time after which a connection without calls ends.
    pub max_idle_time: Duration,
    /// `ipc.maximum.response.length`: the maximum length of a response in bytes.
    pub max_response_length: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            protection: vec![QualityOfProtection::Authentication],
            server_principal: None,
            fallback_to_simple: false,
            connect_timeout: Duration::from_secs(20),
            connect_max_retries: 10,
            connect_retry_interval: Duration::from_secs(1),
            connect_max_retries_on_timeouts: 45,
            connect_max_retries_on_sasl: 5,
            ping: true,
            ping_interval: Duration::from_secs(60),
            rpc_timeout: Duration::from_secs(2 * 60),
            max_idle_time: Duration::from_secs(10),
            max_response_length: 128 << 20,
        }
    }
}

impl ClientSettings {
    /// Returns the silence after which the client acts: it sends a ping, or gives up.
    pub(super) fn read_timeout(&self) -> Duration {
        let pings_first = self.ping && self.ping_interval < self.rpc_timeout;
        if self.rpc_timeout.is_zero() || pings_first {
            self.ping_interval
        } else {
            self.rpc_timeout
        }
    }
}
