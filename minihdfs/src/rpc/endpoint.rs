//! State shared by all connections of one RPC port.

use std::sync::Arc;

use kerbox_events::{Hook, Server};

use super::service::{Durable, RpcService};
use crate::config::{HdfsConfig, IdleSettings};
use crate::sasl::GssapiSettings;
use crate::secret_manager::SecretManager;
use crate::user::{AuthToLocal, Authorization};

/// The authentication of callers. A server without it trusts the name that the client gives
/// (`simple`).
///
/// ```
/// use std::sync::Arc;
///
/// use minihdfs::rpc::RpcSecurity;
/// use minihdfs::sasl::GssapiSettings;
/// use minihdfs::secret_manager::DelegationTokenSecretManager;
///
/// /// Accepts tickets, and tokens of this manager.
/// fn both(gssapi: GssapiSettings, tokens: Arc<DelegationTokenSecretManager>) -> RpcSecurity {
///     RpcSecurity { gssapi, tokens: Some(tokens) }
/// }
/// ```
#[derive(Clone)]
pub struct RpcSecurity {
    /// The settings for accepting Kerberos tickets. Clients compare the service and host of its
    /// principal with what they expect. Its qualities of protection (`hadoop.rpc.protection`) are
    /// also offered for tokens.
    pub gssapi: GssapiSettings,
    /// The tokens that are accepted, if any.
    pub tokens: Option<Arc<dyn SecretManager>>,
}

/// One RPC port: its service and its security settings, shared by all its connections.
pub struct RpcEndpoint {
    pub(super) server: Server,
    pub(super) service: Arc<dyn RpcService>,
    pub(super) security: Option<RpcSecurity>,
    pub(super) auth_to_local: AuthToLocal,
    pub(super) authorization: Authorization,
    pub(super) hook: Arc<dyn Hook>,
    pub(super) max_request_length: usize,
    pub(super) idle: IdleSettings,
}

impl RpcEndpoint {
    /// Creates a port of `server` that calls `service`. `security` is `None` for simple
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
            authorization: Authorization::new(config),
            hook,
            max_request_length: config.max_request_length as usize,
            idle: config.idle,
        }
    }

    /// Obeys these rules about users instead of those of the configuration at the start.
    #[must_use]
    pub fn with_authorization(mut self, authorization: Authorization) -> Self {
        self.authorization = authorization;
        self
    }

    /// Returns the server that this port belongs to.
    #[must_use]
    pub fn server(&self) -> Server {
        self.server
    }

    /// Returns what its responses must wait for, if anything.
    pub(super) fn durable(&self) -> Option<Durable> {
        self.service.durable()
    }

    /// Returns the receiver of its events.
    #[must_use]
    pub fn hook(&self) -> &Arc<dyn Hook> {
        &self.hook
    }
}

/// The maximum frame size before the client is identified. It fits a ticket with the 64 KiB of
/// authorization data that Windows allows, and a delegated ticket of the same size.
pub(super) const MAX_HANDSHAKE_FRAME: usize = 128 << 10;
