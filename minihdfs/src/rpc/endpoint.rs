//! What all connections of one RPC port share.

use std::sync::Arc;

use kerbox_events::{Hook, Server};

use super::service::RpcService;
use crate::config::HdfsConfig;
use crate::sasl::GssapiSettings;
use crate::secret_manager::SecretManager;
use crate::user::{AuthToLocal, ProxyUsers};

/// How a server authenticates its callers. A server without one takes the client's word (`simple`).
#[derive(Clone)]
pub struct RpcSecurity {
    /// What Kerberos tickets are accepted with. Clients compare service and host of its principal
    /// with what they expect, and its qualities of protection (`hadoop.rpc.protection`) are
    /// offered for tokens too.
    pub gssapi: GssapiSettings,
    /// Which tokens are accepted, if any.
    pub tokens: Option<Arc<dyn SecretManager>>,
}

/// One RPC port: the service behind it, and the rules for whoever connects. Shared by all its
/// connections.
pub struct RpcEndpoint {
    pub(super) server: Server,
    pub(super) service: Arc<dyn RpcService>,
    pub(super) security: Option<RpcSecurity>,
    pub(super) auth_to_local: AuthToLocal,
    pub(super) proxy_users: ProxyUsers,
    pub(super) hook: Arc<dyn Hook>,
    pub(super) max_request_length: usize,
}

impl RpcEndpoint {
    /// A port of `server`, at which `service` is called. `security` is `None` for simple
    /// authentication.
    #[must_use]
    pub fn new(
        server: Server,
        service: Arc<dyn RpcService>,
        security: Option<RpcSecurity>,
        auth_to_local: AuthToLocal,
        config: &HdfsConfig,
        hook: Arc<dyn Hook>,
    ) -> Self {
        Self {
            server,
            service,
            security,
            auth_to_local,
            proxy_users: ProxyUsers::from_config(config),
            hook,
            max_request_length: config.max_request_length as usize,
        }
    }

    /// Which server's port this is.
    #[must_use]
    pub fn server(&self) -> Server {
        self.server
    }

    /// Where its events go.
    #[must_use]
    pub fn hook(&self) -> &Arc<dyn Hook> {
        &self.hook
    }
}

/// The largest frame of a client that has not yet said who it is: a ticket with the 64 KiB of
/// authorization data that Windows allows, and a delegated one like it.
pub(super) const MAX_HANDSHAKE_FRAME: usize = 128 << 10;
