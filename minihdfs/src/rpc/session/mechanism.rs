//! The chosen mechanism: its tokens, the faults that apply to them, and the authenticated user.

use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{
    Ending, Event, Facts, HandshakeRefusal, Latch, Outcome, Ruling, Server, SessionFacts, rule,
};
use kerbox_krb5::Timestamp;
use rand::Rng;

use super::handshake::unauthorized;
use super::progress::Handshake;
use super::{End, RpcSession};
use crate::error::HdfsError;
use crate::proto::common::RpcSaslProto;
use crate::proto::common::rpc_sasl_proto::SaslState;
use crate::rpc::frame::sasl_message;
use crate::rpc::header::ResponseHeader;
use crate::sasl::{QualityOfProtection, SaslServer, SaslStep};
use crate::token;
use crate::user::{AuthMethod, User};

/// The effects of faults on a handshake message.
#[derive(Default)]
struct Interventions {
    delay: Duration,
    latch: Option<Latch>,
    silent: bool,
}

impl RpcSession {
    /// Passes a token to the chosen mechanism.
    pub(super) fn evaluate(
        &mut self,
        now: Timestamp,
        rng: &mut impl Rng,
        reply: &ResponseHeader<'_>,
        token: Option<&[u8]>,
    ) -> Result<(), End> {
        let Handshake::Chosen(method, mut server) =
            std::mem::replace(&mut self.handshake, Handshake::Start)
        else {
            return Err(unauthorized("Client sent unsupported state RESPONSE"));
        };
        let Some(token) = token else {
            return Err(unauthorized("Client did not send a token"));
        };
        let mut faults = Interventions::default();
        let established = match self.step(now, rng, &mut server, token, &mut faults) {
            Ok(SaslStep::Challenge(challenge)) => {
                self.handshake = Handshake::Chosen(method, server);
                let message = sasl_message(SaslState::Challenge, Some(challenge));
                return self.deliver(reply, &message, &faults);
            }
            Ok(SaslStep::Success(token)) => self
                .identity(method, &server)
                .map(|identity| (identity, token)),
            Err(end) => Err(end),
        };
        let ((user, real), last) =
            established.inspect_err(|end| self.record_refusal(now, &server, end))?;
        let facts = Some(self.facts(method, &server));
        let event = |outcome| self.sasl_event(&server, &user.full, outcome);
        self.intervene(now, &mut faults, facts, event)?;
        let token = (method == AuthMethod::Token).then(|| server.user().unwrap_or_default().into());
        self.handshake = Handshake::Done {
            method,
            user,
            real,
            token,
        };
        let delivered = self.deliver(reply, &sasl_message(SaslState::Success, last), &faults);
        // Only messages after SUCCESS are wrapped.
        self.layer = (server.qop() != QualityOfProtection::Authentication).then_some(server);
        delivered
    }

    /// Takes the mechanism one step further. An AP exchange in it is an event of its own.
    fn step(
        &self,
        now: Timestamp,
        rng: &mut impl Rng,
        server: &mut SaslServer,
        token: &[u8],
        faults: &mut Interventions,
    ) -> Result<SaslStep, End> {
        let taken = server.step(now, token, rng).map_err(End::unauthorized);
        let Some(exchange) = server.take_ap_exchange() else {
            return taken;
        };
        let event = |outcome| Event::ApExchange {
            server: self.endpoint.server,
            client: Arc::clone(&exchange.client),
            outcome,
        };
        if exchange.outcome.is_ok() {
            self.intervene(now, faults, None, event)?;
        } else {
            let refused = event(exchange.outcome.clone());
            self.endpoint.hook.record(now, refused);
        }
        taken
    }

    fn sasl_event(&self, server: &SaslServer, user: &str, outcome: Outcome) -> Event {
        Event::Sasl {
            server: self.endpoint.server,
            mechanism: server.mechanism(),
            user: user.into(),
            outcome,
        }
    }

    /// Records that a client was refused.
    fn record_refusal(&self, now: Timestamp, server: &SaslServer, end: &End) {
        if let End::Fatal(error, _) = end {
            let outcome = Outcome::Exception {
                class: error.class().into(),
                message: error.message().into(),
            };
            let event = self.sasl_event(server, server.user().unwrap_or_default(), outcome);
            self.endpoint.hook.record(now, event);
        }
    }

    /// Lets faults override a successful exchange before the client gets the reply, and records the
    /// result.
    fn intervene(
        &self,
        now: Timestamp,
        faults: &mut Interventions,
        facts: Option<Facts>,
        event: impl Fn(Outcome) -> Event,
    ) -> Result<(), End> {
        let hook = &self.endpoint.hook;
        let (outcome, ended) = match rule(&**hook, now, &event) {
            Ruling::Go(changes) => {
                faults.delay += changes.delay;
                (Outcome::Ok, Ok(()))
            }
            Ruling::Hold(latch) => {
                faults.latch = Some(latch);
                (Outcome::Ok, Ok(()))
            }
            Ruling::Refuse(HandshakeRefusal::Exception(exception)) => (
                exception.outcome(),
                Err(End::unauthorized(HdfsError::from(exception))),
            ),
            Ruling::Refuse(HandshakeRefusal::KrbError(code)) => (
                Outcome::KrbError(code),
                Err(unauthorized("GSS initiate failed")),
            ),
            Ruling::End(ending) => {
                faults.silent = ending == Ending::Silent;
                return End::by_fault(ending);
            }
        };
        match facts.filter(|_| outcome.is_ok()) {
            Some(facts) => hook.record_with(now, event(outcome), facts),
            None => hook.record(now, event(outcome)),
        }
        ended
    }

    /// Returns the facts about an established session for the journal.
    fn facts(&self, method: AuthMethod, server: &SaslServer) -> Facts {
        let facts = SessionFacts {
            qop: server.qop().into(),
            ..SessionFacts::default()
        };
        if method != AuthMethod::Token {
            return Facts::Session(facts);
        }
        let name = server.user().unwrap_or_default();
        // A NameNode takes delegation tokens, a DataNode block tokens.
        Facts::Session(match self.endpoint.server {
            Server::DataNode(_) => token::block_session(facts, name),
            _ => token::delegation_session(facts, name),
        })
    }

    /// Sends a handshake message at once, later, or not at all.
    fn deliver(
        &mut self,
        reply: &ResponseHeader<'_>,
        message: &RpcSaslProto,
        faults: &Interventions,
    ) -> Result<(), End> {
        if faults.silent {
            return Ok(());
        }
        let start = self.output.len();
        self.reply_sasl(reply, message);
        let end = match &faults.latch {
            Some(latch) => {
                self.latch = Some(latch.clone());
                End::Latched { again: false }
            }
            None if faults.delay.is_zero() => return Ok(()),
            None => End::Hold(faults.delay),
        };
        self.held = self.output.split_off(start);
        Err(end)
    }

    /// Returns the authenticated user, and the proxy user acting for it.
    fn identity(
        &self,
        method: AuthMethod,
        server: &SaslServer,
    ) -> Result<(User, Option<User>), End> {
        let name = server.user().unwrap_or_default();
        let tokens = self
            .endpoint
            .security
            .as_ref()
            .and_then(|security| security.tokens.as_ref());
        match (method, tokens) {
            (AuthMethod::Token, Some(tokens)) => {
                let of = tokens.token_user(name).map_err(End::unauthorized)?;
                let real = of.real.map(|real| self.user(&real)).transpose()?;
                Ok((self.user(&of.effective)?, real))
            }
            _ => Ok((self.user(name)?, None)),
        }
    }
}
