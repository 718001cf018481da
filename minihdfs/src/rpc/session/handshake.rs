//! SASL over RPC: the server's offer, the client's choice, and the exchange of tokens.

use std::sync::Arc;

use kerbox_events::Printable;
use kerbox_krb5::Timestamp;
use rand::Rng;

use super::progress::Handshake;
use super::{End, RpcSession};
use crate::decode::decode;
use crate::error::HdfsError;
use crate::proto::common::RpcSaslProto;
use crate::proto::common::rpc_sasl_proto::{SaslAuth, SaslState};
use crate::rpc::endpoint::RpcSecurity;
use crate::rpc::frame::sasl_message;
use crate::rpc::header::{ErrorCode, RequestHeader, ResponseHeader, call_id};
use crate::rpc::wire;
use crate::sasl::{DigestMd5Settings, SaslServer, SaslStep};
use crate::user::AuthMethod;

const TOKEN: (&str, &str) = ("TOKEN", "DIGEST-MD5");
const KERBEROS: (&str, &str) = ("KERBEROS", "GSSAPI");

impl RpcSession {
    pub(super) fn sasl(
        &mut self,
        now: Timestamp,
        rng: &mut impl Rng,
        header: &RequestHeader<'_>,
        mut payload: &[u8],
        wrapped: bool,
    ) -> Result<(), End> {
        if matches!(self.handshake, Handshake::Simple) {
            return Err(End::invalid_header("SASL protocol not requested by client"));
        }
        let message = wire::delimited(&mut payload)
            .map_err(|malformed| malformed.0.to_owned())
            .and_then(decode::<RpcSaslProto>)
            .map_err(|error| End::undecodable(format!("Error decoding RpcSaslProto: {error}")))?;
        let state = SaslState::try_from(message.state).map_err(|_| {
            End::undecodable("Error decoding RpcSaslProto: Message missing required fields: state")
        })?;
        if state == SaslState::Wrap && !wrapped {
            return self.unwrap(&message.token.unwrap_or_default());
        }
        if matches!(self.handshake, Handshake::Done { .. }) {
            return Err(End::Fatal(
                HdfsError::sasl("Negotiation is already complete"),
                ErrorCode::FatalInvalidRpcHeader,
            ));
        }
        let reply = ResponseHeader {
            call_id: call_id::SASL,
            client_id: header.client_id,
            retry_count: header.retry_count,
            state_id: None,
        };
        match state {
            SaslState::Negotiate => self.negotiate(now, rng, &reply),
            SaslState::Initiate => self.initiate(now, rng, &reply, message),
            SaslState::Response if matches!(self.handshake, Handshake::Chosen(..)) => {
                self.evaluate(now, rng, &reply, message.token.as_deref())
            }
            other => Err(unauthorized(format!(
                "Client sent unsupported state {}",
                other.as_str_name()
            ))),
        }
    }

    /// Unwraps a token into the client's inner stream of frames.
    fn unwrap(&mut self, token: &[u8]) -> Result<(), End> {
        let Some(layer) = &mut self.layer else {
            return Err(End::Fatal(
                HdfsError::sasl("Server is not wrapping data"),
                ErrorCode::FatalInvalidRpcHeader,
            ));
        };
        layer
            .unwrap_into(token, self.unwrapped.tail())
            .map_err(|error| {
                tracing::debug!(peer = %self.peer, error = %Printable(&error), "a wrapped message was refused");
                End::Close
            })
    }

    fn negotiate(
        &mut self,
        now: Timestamp,
        rng: &mut impl Rng,
        reply: &ResponseHeader<'_>,
    ) -> Result<(), End> {
        if !matches!(self.handshake, Handshake::Start) {
            return Err(End::unauthorized(HdfsError::access_control(
                "Client already attempted negotiation",
            )));
        }
        if self.endpoint.security.is_none() {
            self.reply_sasl(reply, &sasl_message(SaslState::Success, None));
            self.handshake = Handshake::Simple;
            return Ok(());
        }
        self.offer(now, rng, reply)
    }

    fn offer(
        &mut self,
        now: Timestamp,
        rng: &mut impl Rng,
        reply: &ResponseHeader<'_>,
    ) -> Result<(), End> {
        let endpoint = Arc::clone(&self.endpoint);
        let mut message = sasl_message(SaslState::Negotiate, None);
        let mut digest = None;
        if let Some(security) = &endpoint.security {
            if let Some(mut server) = digest_server(security, rng) {
                let challenge = match server.step(now, &[], rng).map_err(End::unauthorized)? {
                    SaslStep::Challenge(challenge) => Some(challenge.into()),
                    SaslStep::Success(_) => None,
                };
                message.auths.push(SaslAuth {
                    challenge,
                    ..auth(TOKEN, "", "default")
                });
                digest = Some(server);
            }
            let [service, host] = service_and_host(security);
            message.auths.push(auth(KERBEROS, service, host));
        }
        self.reply_sasl(reply, &message);
        self.handshake = Handshake::Offered(digest);
        Ok(())
    }

    fn initiate(
        &mut self,
        now: Timestamp,
        rng: &mut impl Rng,
        reply: &ResponseHeader<'_>,
        message: RpcSaslProto,
    ) -> Result<(), End> {
        let endpoint = Arc::clone(&self.endpoint);
        let [chosen] = message.auths.as_slice() else {
            return Err(unauthorized("Client mechanism is malformed"));
        };
        let chosen = (chosen.method.as_str(), chosen.mechanism.as_str());
        let Some(security) = &endpoint.security else {
            // Without security only SIMPLE is offered: the client sends its context next and gets
            // no reply.
            if chosen.0 == "SIMPLE" {
                self.handshake = Handshake::Simple;
                return Ok(());
            }
            return self.negotiate(now, rng, reply);
        };
        let offered = chosen == KERBEROS || (chosen == TOKEN && security.tokens.is_some());
        match &self.handshake {
            Handshake::Start if !offered => return self.offer(now, rng, reply),
            Handshake::Chosen(..) => {
                return Err(unauthorized("Client has already initiated a mechanism"));
            }
            _ if !offered => {
                return Err(End::unauthorized(HdfsError::access_control(format!(
                    "{} authentication is not enabled.  Available:{}",
                    chosen.0,
                    self.available()
                ))));
            }
            _ => {}
        }
        let Some(token) = message.token else {
            return Err(unauthorized("Client did not send a token"));
        };
        let chosen = if chosen == TOKEN {
            let server = match std::mem::replace(&mut self.handshake, Handshake::Start) {
                Handshake::Offered(Some(server)) => Some(server),
                _ => digest_server(security, rng),
            };
            server.map(|server| Handshake::Chosen(AuthMethod::Token, server))
        } else {
            let server = SaslServer::gssapi(security.gssapi.clone(), rng);
            Some(Handshake::Chosen(AuthMethod::Kerberos, Box::new(server)))
        };
        self.handshake = chosen.unwrap_or(Handshake::Start);
        self.evaluate(now, rng, reply, Some(&token))
    }

    /// Returns the methods as exceptions list them: `[TOKEN, KERBEROS]`.
    pub(super) fn available(&self) -> &'static str {
        match &self.endpoint.security {
            Some(RpcSecurity {
                tokens: Some(_), ..
            }) => "[TOKEN, KERBEROS]",
            Some(_) => "[KERBEROS]",
            None => "[SIMPLE]",
        }
    }
}

/// Creates a `SaslException`.
pub(super) fn unauthorized(message: impl Into<String>) -> End {
    End::unauthorized(HdfsError::sasl(message))
}

fn digest_server(security: &RpcSecurity, rng: &mut impl Rng) -> Option<Box<SaslServer>> {
    let tokens = Arc::clone(security.tokens.as_ref()?);
    let settings = DigestMd5Settings::rpc(&security.gssapi.qop);
    Some(Box::new(SaslServer::digest_md5(settings, tokens, rng)))
}

/// Returns the service and host of the principal. Clients build the principal from them and compare
/// it with the one that they are configured to expect.
fn service_and_host(security: &RpcSecurity) -> [&str; 2] {
    let components = security
        .gssapi
        .principal
        .as_ref()
        .map(|principal| principal.components());
    match components {
        Some([service, host, ..]) => [service, host],
        Some([service]) => [service, ""],
        _ => ["", ""],
    }
}

fn auth((method, mechanism): (&str, &str), protocol: &str, server_id: &str) -> SaslAuth {
    SaslAuth {
        method: method.to_owned(),
        mechanism: mechanism.to_owned(),
        protocol: Some(protocol.to_owned()),
        server_id: Some(server_id.to_owned()),
        challenge: None,
    }
}
