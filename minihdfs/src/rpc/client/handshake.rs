//! The client's side of SASL over RPC: the choice of a method, and the exchange of tokens.

use kerbox_krb5::client::Credentials;
use kerbox_krb5::{Principal, Timestamp};
use rand::Rng;

use super::messages::put_sasl;
use super::{ClientSettings, Identity, RpcError, TicketError};
use crate::HdfsError;
use crate::proto::common::RpcSaslProto;
use crate::proto::common::rpc_sasl_proto::{SaslAuth, SaslState};
use crate::sasl::{DigestMd5Client, Negotiated, QualityOfProtection, SaslClient, SaslError};
use crate::user::AuthMethod;

/// The progress of a connection's authentication. Its messages are appended to the output.
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

/// The client that authenticates.
#[derive(Clone, Copy)]
pub(super) struct Party<'a> {
    pub(super) identity: &'a Identity,
    pub(super) settings: &'a ClientSettings,
}

/// The end of a successful authentication.
pub(super) struct Established {
    pub(super) method: AuthMethod,
    /// The protection of what follows, if any was negotiated.
    pub(super) layer: Option<Negotiated>,
}

const TOKEN: (&str, &str) = ("TOKEN", "DIGEST-MD5");
const KERBEROS: (&str, &str) = ("KERBEROS", "GSSAPI");
const SIMPLE: (&str, &str) = ("SIMPLE", "");

impl Handshake {
    /// Starts: asks the server for its methods.
    pub(super) fn start(out: &mut Vec<u8>) -> Self {
        put_sasl(SaslState::Negotiate, None, None, out);
        Self::Negotiating
    }

    /// Processes a message of the server. Returns the result if that was the last.
    pub(super) fn take(
        &mut self,
        message: RpcSaslProto,
        party: Party<'_>,
        rng: &mut impl Rng,
        out: &mut Vec<u8>,
    ) -> Result<Option<Established>, RpcError> {
        let state = SaslState::try_from(message.state)
            .map_err(|_| RpcError::Protocol("a SASL message has no known state".to_owned()))?;
        match state {
            SaslState::Negotiate if matches!(self, Self::Negotiating) => {
                self.choose(message, party, rng, out)
            }
            SaslState::Challenge => self.answer(&message, out).map(|()| None),
            SaslState::Success => self.succeed(&message, party).map(Some),
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
        party: Party<'_>,
        rng: &mut impl Rng,
        out: &mut Vec<u8>,
    ) -> Result<Option<Established>, RpcError> {
        let names: Vec<String> = offer.auths.iter().map(|auth| auth.method.clone()).collect();
        for mut auth in offer.auths {
            let challenge = auth.challenge.take();
            match (auth.method.as_str(), auth.mechanism.as_str()) {
                TOKEN => {
                    let Some(token) = party.identity.its_token() else {
                        continue;
                    };
                    let client = DigestMd5Client::rpc(
                        token.sasl_user_name(),
                        token.sasl_password(),
                        &party.settings.protection,
                        rng,
                    );
                    let mut client = SaslClient::digest_md5(client);
                    let response = match challenge {
                        Some(challenge) => client.step(&challenge)?,
                        None => Vec::new(),
                    };
                    put_sasl(SaslState::Initiate, Some(response), Some(auth), out);
                    *self = Self::Chosen(AuthMethod::Token, Box::new(client));
                    return Ok(None);
                }
                KERBEROS if party.identity.has_kerberos() => {
                    let Some(server) = server_principal(party.settings, &auth)? else {
                        continue;
                    };
                    *self = Self::Ticket { auth, server };
                    return Ok(None);
                }
                SIMPLE => {
                    party.check_fallback()?;
                    // The server does not answer this choice.
                    put_sasl(SaslState::Initiate, None, Some(auth), out);
                    return Ok(Some(Established::simple()));
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
        settings: &ClientSettings,
        rng: &mut impl Rng,
        out: &mut Vec<u8>,
    ) -> Result<(), RpcError> {
        let Self::Ticket { auth, server } = std::mem::replace(self, Self::Negotiating) else {
            return Err(RpcError::Protocol("no ticket was asked for".to_owned()));
        };
        let ticket = ticket.map_err(|error| RpcError::Ticket { server, error })?;
        let (client, token) = SaslClient::gssapi(&ticket, &settings.protection, now, rng)?;
        put_sasl(SaslState::Initiate, Some(token), Some(auth), out);
        *self = Self::Chosen(AuthMethod::Kerberos, Box::new(client));
        Ok(())
    }

    fn answer(&mut self, message: &RpcSaslProto, out: &mut Vec<u8>) -> Result<(), RpcError> {
        let Self::Chosen(_, client) = self else {
            return Err(SaslError::sasl("Server sent unsolicited challenge").into());
        };
        let Some(challenge) = &message.token else {
            return Err(SaslError::sasl("Server challenge contains no token").into());
        };
        let response = client.step(challenge)?;
        put_sasl(SaslState::Response, Some(response), None, out);
        Ok(())
    }

    fn succeed(
        &mut self,
        message: &RpcSaslProto,
        party: Party<'_>,
    ) -> Result<Established, RpcError> {
        match std::mem::replace(self, Self::Negotiating) {
            Self::Chosen(method, client) => {
                let negotiated = client.finish(message.token.as_deref())?;
                let layered = negotiated.qop != QualityOfProtection::Authentication;
                Ok(Established {
                    method,
                    layer: layered.then_some(negotiated),
                })
            }
            Self::Negotiating => {
                // The server has no security.
                party.check_fallback()?;
                Ok(Established::simple())
            }
            Self::Ticket { .. } | Self::Done(_) => {
                Err(SaslError::sasl("Client is out of sync with server").into())
            }
        }
    }
}

impl Established {
    /// Without authentication.
    pub(super) fn simple() -> Self {
        Self {
            method: AuthMethod::Simple,
            layer: None,
        }
    }
}

impl Party<'_> {
    /// Fails if this client must not talk to a server without security.
    fn check_fallback(self) -> Result<(), RpcError> {
        if self.identity.has_kerberos() && !self.settings.fallback_to_simple {
            return Err(RpcError::Refused(HdfsError::access_control(
                "Server asks us to fall back to SIMPLE auth, but this client is configured to only allow secure connections.",
            )));
        }
        Ok(())
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
