//! GSSAPI (RFC 4752) with Kerberos V5. The server side is here.
//!
//! A client that requests mutual authentication gets an AP-REP and answers it with an empty token.
//! In either case the server then offers layers in a Wrap token, and the client chooses one in
//! another.

mod client;
mod layer;
mod settings;
#[cfg(test)]
mod tests;

use kerbox_events::Outcome;
use kerbox_krb5::ap_exchange::{ApAcceptor, Refused};
use kerbox_krb5::gss::{GssAcceptor, GssContext};
use kerbox_krb5::{ErrorCode, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub(in crate::sasl) use client::GssapiClient;
pub use settings::{GssapiSettings, ServiceKeytab};

use super::error::SaslError;
use super::step::{ApOutcome, Established, SaslStep};
use crate::qop::QualityOfProtection;

/// The maximum size of wrapped messages that we announce to clients: the JDK's.
const MAX_BUFFER: u32 = 0x1_0000;

/// The server side of one handshake.
pub(super) struct GssapiServer {
    settings: GssapiSettings,
    state: State,
    ap_exchange: Option<ApOutcome>,
    /// The randomness of the layer, which wraps messages long after the handshake.
    rng: StdRng,
}

enum State {
    /// Waiting for the initial token.
    Initial,
    /// An AP-REP was sent; waiting for the empty reply.
    Mutual(Box<GssContext>),
    /// The layers were offered; waiting for the client's choice.
    Layers(Box<GssContext>),
    Over,
}

impl GssapiServer {
    pub(super) fn new(settings: GssapiSettings, rng: &mut impl Rng) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self {
            settings,
            state: State::Initial,
            ap_exchange: None,
            rng: StdRng::from_seed(seed),
        }
    }

    pub(super) fn take_ap_exchange(&mut self) -> Option<ApOutcome> {
        self.ap_exchange.take()
    }

    pub(super) fn step(
        &mut self,
        now: Timestamp,
        token: &[u8],
        rng: &mut impl Rng,
    ) -> Result<(SaslStep, Option<Established>), SaslError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Initial => {
                let (context, reply) = self.accept(now, token, rng)?;
                match reply {
                    Some(reply) => {
                        self.state = State::Mutual(Box::new(context));
                        Ok((SaslStep::Challenge(reply), None))
                    }
                    None => Ok((self.offer(Box::new(context)), None)),
                }
            }
            State::Mutual(context) if token.is_empty() => Ok((self.offer(context), None)),
            State::Mutual(_) => Err(SaslError::sasl(
                "Handshake expecting no response data from the client",
            )),
            State::Layers(context) => self
                .agree(*context, token)
                .map(|established| (SaslStep::Success(None), Some(established))),
            State::Over => Err(SaslError::sasl("GSS initiate failed")),
        }
    }

    fn accept(
        &mut self,
        now: Timestamp,
        token: &[u8],
        rng: &mut impl Rng,
    ) -> Result<(GssContext, Option<Vec<u8>>), SaslError> {
        let settings = &self.settings;
        let keytab = settings.keytab.get();
        let mut ap = ApAcceptor::new(&keytab, settings.principal.as_ref());
        ap.skew = settings.skew;
        ap.replay_cache = Some(&settings.replay_cache);
        let accepted = GssAcceptor::new(ap).accept(now, token, rng);
        let told = |client: Option<String>, outcome| ApOutcome {
            client: client.unwrap_or_default().into(),
            outcome,
        };
        match accepted {
            Ok((context, reply)) => {
                self.ap_exchange = Some(told(Some(context.peer.to_string()), Outcome::Ok));
                Ok((context, reply))
            }
            Err(refused) => {
                let Refused {
                    error,
                    detail,
                    client,
                } = *refused.refused;
                let code = error.code();
                self.ap_exchange = Some(told(
                    client.map(|client| client.to_string()),
                    Outcome::KrbError(code),
                ));
                Err(SaslError::gss_initiate_failed(code, detail))
            }
        }
    }

    /// Returns the Wrap token with the offered layers and our maximum buffer size.
    fn offer(&mut self, mut context: Box<GssContext>) -> SaslStep {
        let [_, buffer @ ..] = MAX_BUFFER.to_be_bytes();
        let [a, b, c] = buffer;
        let message = [offered_bits(&self.settings.qop), a, b, c];
        let mut token = Vec::new();
        context
            .sender
            .wrap_into(false, &message, &mut self.rng, &mut token);
        self.state = State::Layers(context);
        SaslStep::Challenge(token)
    }

    fn agree(&mut self, mut context: GssContext, token: &[u8]) -> Result<Established, SaslError> {
        let failed = |code: ErrorCode, detail: String| SaslError::handshake_failed(code, detail);
        let mut message = Vec::new();
        context
            .receiver
            .unwrap_into(token, &mut message)
            .map_err(|error| {
                failed(
                    error.code(),
                    format!("the client's choice of a layer: {error}"),
                )
            })?;
        let Some(([bits, _, _, _], authzid)) = message.split_first_chunk() else {
            let detail = format!(
                "the client's choice of a layer has {} bytes, fewer than 4",
                message.len()
            );
            return Err(failed(ErrorCode::KRB_ERR_GENERIC, detail));
        };
        // One client echoes all offered bits; the strongest one counts.
        let qop = [
            QualityOfProtection::Privacy,
            QualityOfProtection::Integrity,
            QualityOfProtection::Authentication,
        ]
        .into_iter()
        .find(|qop| bits & qop.layer_bit() != 0)
        .filter(|qop| self.settings.qop.contains(qop))
        .ok_or_else(|| {
            SaslError::sasl(format!(
                "Client selected unsupported protection: {bits}, where {} is offered",
                offered_bits(&self.settings.qop)
            ))
        })?;
        let user = context.peer.to_string();
        if !authzid.is_empty() && authzid != user.as_bytes() {
            return Err(SaslError::sasl(format!(
                "{user} is not authorized to connect as {}",
                String::from_utf8_lossy(authzid)
            )));
        }
        let rng = StdRng::from_rng(&mut self.rng);
        Ok(Established {
            user,
            qop,
            layer: layer::layer(context, qop, rng),
        })
    }
}

fn offered_bits(qop: &[QualityOfProtection]) -> u8 {
    qop.iter().fold(0, |bits, qop| bits | qop.layer_bit())
}
