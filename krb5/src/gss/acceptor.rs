//! A service's side of context establishment (RFC 4121, 4.1).

use rand::Rng;

use super::checksum::ContextChecksum;
use super::framing::{TokenId, frame, unframe};
use super::{ContextFlags, ContextKey, GssContext, Role};
use crate::ap_exchange::{Accepted, ApAcceptor, Refused};
use crate::crypto::constant_time_eq;
use crate::messages::KrbError;
use crate::{EncryptionKey, Error, ErrorCode, Principal, Timestamp};

/// How a service establishes contexts.
#[derive(Clone, Copy, Debug)]
pub struct GssAcceptor<'a> {
    /// How it checks AP-REQs.
    pub ap: ApAcceptor<'a>,
    /// Whether it chooses the key of the context itself, when the client wants an answer. The JDK
    /// and MIT differ here: the JDK does not. With the client's key of a weak type no acceptor
    /// does.
    pub subkey: bool,
    /// The MD5 of the channel's bindings, if clients must be bound to it.
    pub channel_bindings: Option<[u8; 16]>,
}

/// Why a client was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GssRefused {
    /// Why, and who it was.
    pub refused: Box<Refused>,
    /// A KRB-ERROR for the client, in its frame. Hadoop's servers keep it to themselves.
    pub token: Vec<u8>,
}

impl<'a> GssAcceptor<'a> {
    /// An acceptor that adds no subkey and asks for no channel bindings, as the JDK's.
    #[must_use]
    pub fn new(ap: ApAcceptor<'a>) -> Self {
        Self {
            ap,
            subkey: false,
            channel_bindings: None,
        }
    }

    /// Takes a client's initial token. The context stands at once; the token, if there is one, lets
    /// a client that wants it check the service.
    pub fn accept(
        &self,
        now: Timestamp,
        token: &[u8],
        rng: &mut impl Rng,
    ) -> Result<(GssContext, Option<Vec<u8>>), GssRefused> {
        self.check(now, token)
            .map(|(accepted, parameters)| self.establish(accepted, parameters, rng))
            .map_err(|refused| {
                let server = self
                    .ap
                    .server
                    .cloned()
                    .unwrap_or_else(|| Principal::new("", ["unknown"]));
                let mut error = KrbError::new(refused.error.code(), now, server);
                error.text = Some(refused.error.code().meaning().to_owned());
                GssRefused {
                    token: frame(TokenId::KrbError, &error.encode()),
                    refused,
                }
            })
    }

    fn check(
        &self,
        now: Timestamp,
        token: &[u8],
    ) -> Result<(Accepted, ContextChecksum), Box<Refused>> {
        let unknown = |error: Error| Box::new(Refused::unknown(error));
        let (id, request) = unframe(token).map_err(unknown)?;
        if id != TokenId::ApReq as u16 {
            return Err(unknown(ErrorCode::KRB_AP_ERR_MSG_TYPE.into()));
        }
        let accepted = self.ap.accept(now, request)?;
        let refuse = |error: Error, detail: &str| {
            Box::new(Refused {
                error,
                detail: detail.to_owned(),
                client: Some(accepted.client().clone()),
            })
        };
        let parameters = ContextChecksum::decode(accepted.authenticator.checksum.as_ref())
            .map_err(|error| refuse(error, "the authenticator has no checksum of type 0x8003"))?;
        if let Some(ours) = self.channel_bindings
            && !constant_time_eq(&ours, &parameters.channel_bindings)
        {
            let error = ErrorCode::KRB_AP_ERR_MODIFIED.into();
            return Err(refuse(
                error,
                "the client is bound to another channel than this one",
            ));
        }
        Ok((accepted, parameters))
    }

    fn establish(
        &self,
        accepted: Accepted,
        parameters: ContextChecksum,
        rng: &mut impl Rng,
    ) -> (GssContext, Option<Vec<u8>>) {
        let authenticator = &accepted.authenticator;
        let theirs = authenticator.seq_number.unwrap_or_default();
        // Without an AP-REP to tell ours, both directions begin at the client's number.
        let (mut ours, mut subkey, mut token) = (theirs, None, None);
        if parameters.flags.contains(ContextFlags::MUTUAL) {
            // MIT's libraries keep to 31 bits, older ones to 30: a number that nobody misreads.
            ours = rng.next_u32() >> 2;
            let initiators = authenticator
                .subkey
                .as_ref()
                .unwrap_or(&accepted.ticket.key);
            if self.subkey && !ContextKey::is_old(initiators) {
                subkey = EncryptionKey::random(initiators.enctype(), rng).ok();
            }
            token = Some(frame(
                TokenId::ApRep,
                &accepted.reply(subkey.clone(), Some(ours), rng),
            ));
        }
        let key = ContextKey::choose(
            &accepted.ticket.key,
            authenticator.subkey.as_ref(),
            subkey.as_ref(),
        );
        let context = GssContext::new(
            Role::Acceptor,
            accepted.ticket.client,
            parameters.flags,
            key,
            (ours, theirs),
            parameters.delegated,
        );
        (context, token)
    }
}
