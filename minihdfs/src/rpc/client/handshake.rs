//! The client's side of SASL over RPC: the choice of a method, and the exchange of tokens.

use kerbox_krb5::client::Credentials;
use kerbox_krb5::{Principal, Timestamp};
use rand::Rng;

use super::connection::ClientConnection;
use super::messages::put_sasl;
use super::response::Response;
use super::{ClientSettings, RpcError, TicketError};
use crate::HdfsError;
use crate::proto::common::RpcSaslProto;
use crate::proto::common::rpc_sasl_proto::{SaslAuth, SaslState};
use crate::sasl::{DigestMd5Client, QualityOfProtection, SaslClient, SaslError};
use crate::user::AuthMethod;

/// The progress of a connection's authentication.
pub(super) enum Handshake {
    /// The server was asked for its methods.
    Negotiating,
    /// A ticket for `server` is needed to answer the server's offer.
    Ticket { auth: SaslAuth, server: Principal },
    /// A method was chosen, and its first token sent.
    Chosen(AuthMethod, Box<SaslClient>),
    /// The server has authenticated the client by this method.
    Done(AuthMethod),
}

const TOKEN: (&str, &str) = ("TOKEN", "DIGEST-MD5");
const KERBEROS: (&str, &str) = ("KERBEROS", "GSSAPI");
const SIMPLE: (&str, &str) = ("SIMPLE", "");

impl ClientConnection {
    /// Processes a message of the server during the handshake.
    pub(super) fn sasl(
        &mut self,
        frame: &[u8],
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(), RpcError> {
        let message = Response::decode(frame, &self.client_id)?.sasl()?;
        let state = SaslState::try_from(message.state)
            .map_err(|_| RpcError::Protocol("a SASL message has no known state".to_owned()))?;
        match state {
            SaslState::Negotiate if matches!(self.handshake, Handshake::Negotiating) => {
                self.choose(message, now, rng)
            }
            SaslState::Challenge => self.answer(&message),
            SaslState::Success => self.succeed(&message, now),
            other => Err(SaslError::sasl(format!(
                "RPC client doesn't support SASL {}",
                other.as_str_name()
            ))
            .into()),
        }
    }

    /// Takes the first of the server's methods for which there are credentials.
    fn choose(
        &mut self,
        offer: RpcSaslProto,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(), RpcError> {
        let names: Vec<String> = offer.auths.iter().map(|auth| auth.method.clone()).collect();
        for mut auth in offer.auths {
            let challenge = auth.challenge.take();
            match (auth.method.as_str(), auth.mechanism.as_str()) {
                TOKEN => {
                    let Some(token) = self.identity.its_token() else {
                        continue;
                    };
                    let client = DigestMd5Client::rpc(
                        token.sasl_user_name(),
                        token.sasl_password(),
                        &self.settings.protection,
                        rng,
                    );
                    let mut client = SaslClient::digest_md5(client);
                    let response = match challenge {
                        Some(challenge) => client.step(&challenge)?,
                        None => Vec::new(),
                    };
                    self.send_sasl(SaslState::Initiate, Some(response), Some(auth));
                    self.handshake = Handshake::Chosen(AuthMethod::Token, Box::new(client));
                    return Ok(());
                }
                KERBEROS if self.identity.has_kerberos() => {
                    let Some(server) = server_principal(&self.settings, &auth)? else {
                        continue;
                    };
                    self.handshake = Handshake::Ticket { auth, server };
                    return Ok(());
                }
                SIMPLE => {
                    self.check_fallback()?;
                    // The server does not answer this choice.
                    self.send_sasl(SaslState::Initiate, None, Some(auth));
                    self.established(AuthMethod::Simple, now);
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(RpcError::Refused(HdfsError::access_control(format!(
            "Client cannot authenticate via:[{}]",
            names.join(", ")
        ))))
    }

    /// Starts GSSAPI with a ticket.
    pub(super) fn initiate(
        &mut self,
        ticket: Result<Credentials, TicketError>,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(), RpcError> {
        let Handshake::Ticket { auth, server } =
            std::mem::replace(&mut self.handshake, Handshake::Negotiating)
        else {
            return Err(RpcError::Protocol("no ticket was asked for".to_owned()));
        };
        let ticket = ticket.map_err(|error| RpcError::Ticket { server, error })?;
        let (client, token) = SaslClient::gssapi(&ticket, &self.settings.protection, now, rng)?;
        self.send_sasl(SaslState::Initiate, Some(token), Some(auth));
        self.handshake = Handshake::Chosen(AuthMethod::Kerberos, Box::new(client));
        Ok(())
    }

    fn answer(&mut self, message: &RpcSaslProto) -> Result<(), RpcError> {
        let Handshake::Chosen(_, client) = &mut self.handshake else {
            return Err(SaslError::sasl("Server sent unsolicited challenge").into());
        };
        let Some(challenge) = &message.token else {
            return Err(SaslError::sasl("Server challenge contains no token").into());
        };
        let response = client.step(challenge)?;
        self.send_sasl(SaslState::Response, Some(response), None);
        Ok(())
    }

    fn succeed(&mut self, message: &RpcSaslProto, now: Timestamp) -> Result<(), RpcError> {
        let handshake = std::mem::replace(&mut self.handshake, Handshake::Negotiating);
        let method = match handshake {
            Handshake::Chosen(method, client) => {
                let negotiated = client.finish(message.token.as_deref())?;
                // Only what follows is wrapped.
                self.layer =
                    (negotiated.qop != QualityOfProtection::Authentication).then_some(negotiated);
                method
            }
            Handshake::Negotiating => {
                // The server has no security.
                self.check_fallback()?;
                AuthMethod::Simple
            }
            Handshake::Ticket { .. } | Handshake::Done(_) => {
                return Err(SaslError::sasl("Client is out of sync with server").into());
            }
        };
        self.established(method, now);
        Ok(())
    }

    /// Fails if this client must not talk to a server without security.
    fn check_fallback(&self) -> Result<(), RpcError> {
        if self.identity.has_kerberos() && !self.settings.fallback_to_simple {
            return Err(RpcError::Refused(HdfsError::access_control(
                "Server asks us to fall back to SIMPLE auth, but this client is configured to only allow secure connections.",
            )));
        }
        Ok(())
    }

    pub(super) fn send_sasl(
        &mut self,
        state: SaslState,
        token: Option<Vec<u8>>,
        auth: Option<SaslAuth>,
    ) {
        put_sasl(state, token, auth, &mut self.output);
    }
}

/// Returns the server's principal, which must be the configured one. `None` if none is configured.
fn server_principal(
    settings: &ClientSettings,
    auth: &SaslAuth,
) -> Result<Option<Principal>, RpcError> {
    let Some(expected) = &settings.server_principal else {
        return Ok(None);
    };
    let refused = |why: String| Err(RpcError::Refused(HdfsError::illegal_argument(why)));
    if expected.components().len() != 2 {
        return refused(format!(
            "Kerberos principal name does NOT have the expected hostname part: {expected}"
        ));
    }
    let advertised = Principal::new(expected.realm(), [auth.protocol(), auth.server_id()]);
    if advertised != *expected {
        return refused(format!(
            "Server has invalid Kerberos principal: {}, expecting: {expected}",
            kerbox_events::cut(&advertised.to_string())
        ));
    }
    Ok(Some(advertised))
}
