//! The connection context, which names the caller, checked against the authenticated identity.

use kerbox_krb5::Timestamp;

use super::progress::Handshake;
use super::{End, RpcSession};
use crate::decode::decode;
use crate::error::HdfsError;
use crate::proto::common::IpcConnectionContextProto;
use crate::rpc::wire;
use crate::user::{AuthMethod, Caller, User};

impl RpcSession {
    pub(super) fn connection_context(
        &mut self,
        now: Timestamp,
        mut payload: &[u8],
    ) -> Result<(), End> {
        if !matches!(self.handshake, Handshake::Simple | Handshake::Done { .. }) {
            return Err(End::invalid_header(
                "Connection header sent during SASL negotiation",
            ));
        }
        if self.caller.is_some() {
            return Err(End::invalid_header("Connection context already processed"));
        }
        let context = wire::delimited(&mut payload)
            .map_err(|malformed| malformed.0.to_owned())
            .and_then(decode::<IpcConnectionContextProto>)
            .map_err(|error| {
                End::undecodable(format!("Error decoding IpcConnectionContextProto: {error}"))
            })?;
        let user = context.user_info.unwrap_or_default();
        let nonempty = |name: Option<String>| name.filter(|name| !name.is_empty());
        let (effective, real) = (nonempty(user.effective_user), nonempty(user.real_user));
        let caller = match &self.handshake {
            Handshake::Done {
                method,
                user,
                real,
                token,
            } => Caller {
                token: token.clone(),
                ..self.authenticated(now, *method, (user, real.as_ref()), effective.as_deref())?
            },
            _ => self.simple(now, effective.as_deref(), real.as_deref())?,
        };
        self.endpoint
            .authorization
            .authorize_service(now, &caller, context.protocol.as_deref())
            .map_err(End::unauthorized)?;
        self.caller = Some(caller);
        Ok(())
    }

    /// Trusts the names in the context, since there is no authentication. Proxy user rules are
    /// still checked.
    fn simple(
        &self,
        now: Timestamp,
        effective: Option<&str>,
        real: Option<&str>,
    ) -> Result<Caller, End> {
        let Some(effective) = effective else {
            return Err(End::unauthorized(HdfsError::access_control(
                "The connection context names no user: a client without SASL must tell its effectiveUser",
            )));
        };
        let caller = self.caller_of(AuthMethod::Simple, self.user(effective)?);
        match real {
            Some(real) => self.proxied(now, caller, self.user(real)?),
            None => Ok(caller),
        }
    }

    /// Returns the caller after SASL. `effective` may name another user, whom a Kerberos user may
    /// impersonate where that is allowed. Every name except the full name counts as another user,
    /// including the caller's own short name and other principals with the same short name.
    fn authenticated(
        &self,
        now: Timestamp,
        method: AuthMethod,
        (user, real): (&User, Option<&User>),
        effective: Option<&str>,
    ) -> Result<Caller, End> {
        let mut caller = self.caller_of(method, user.clone());
        caller.real_user = real.cloned();
        let Some(effective) = effective.filter(|name| *name != &*user.full) else {
            return Ok(caller);
        };
        if method != AuthMethod::Kerberos {
            return Err(End::unauthorized(HdfsError::access_control(format!(
                "Authenticated user ({}) doesn't match what the client claims to be ({effective})",
                user.full
            ))));
        }
        let effective = self.user(effective)?;
        self.proxied(now, self.caller_of(method, effective), user.clone())
    }

    fn proxied(&self, now: Timestamp, caller: Caller, real: User) -> Result<Caller, End> {
        self.endpoint
            .authorization
            .authorize_proxy(now, &real, &caller.user, caller.address)
            .map_err(End::unauthorized)?;
        Ok(caller.on_behalf_by(real))
    }

    fn caller_of(&self, method: AuthMethod, user: User) -> Caller {
        Caller::new(user, method, self.peer.ip().to_canonical())
    }

    /// Returns the user with this full name. Fails if `auth_to_local` gives no short name.
    pub(super) fn user(&self, full: &str) -> Result<User, End> {
        self.endpoint.auth_to_local.user(full).map_err(|error| {
            End::unauthorized(HdfsError::access_control(format!(
                "Illegal principal name {full}: {}",
                error.message()
            )))
        })
    }
}
