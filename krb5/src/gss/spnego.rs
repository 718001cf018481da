//! SPNEGO, the negotiation of a mechanism (RFC 4178), for a service that offers Kerberos. Browsers
//! and `curl --negotiate` use it.

use rand::Rng;

use super::framing::KRB5_OID;
use super::{GssAcceptor, GssContext, GssRefused, der};
use crate::ap_exchange::Refused;
use crate::{Error, ErrorCode, Timestamp};

/// 1.3.6.1.5.5.2.
const SPNEGO_OID: [u8; 8] = [0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];
/// 1.2.840.48018.1.2.2: Windows' misspelt object identifier for Kerberos, which it still offers.
const MS_KRB5_OID: [u8; 11] = [
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02,
];

/// `negState`.
#[derive(Clone, Copy)]
enum NegState {
    AcceptCompleted = 0,
    AcceptIncomplete = 1,
    Reject = 2,
    RequestMic = 3,
}

/// A service's side of a negotiation. Clients that skip the negotiation and send a bare Kerberos
/// token are accepted too.
///
/// ```
/// use kerbox_krb5::ap_exchange::ApAcceptor;
/// use kerbox_krb5::gss::{GssAcceptor, SpnegoAcceptor, SpnegoStep};
/// use kerbox_krb5::{Keytab, Timestamp};
/// use rand::Rng;
///
/// /// Returns the user, or the token for another round. `token` is what stood behind `Negotiate`.
/// fn step(
///     negotiation: &mut SpnegoAcceptor,
///     keytab: &Keytab,
///     now: Timestamp,
///     token: &[u8],
///     rng: &mut impl Rng,
/// ) -> Result<String, Vec<u8>> {
///     let acceptor = GssAcceptor::new(ApAcceptor::new(keytab, None));
///     match negotiation.step(&acceptor, now, token, rng) {
///         Ok(SpnegoStep::Established(context, _)) => Ok(context.peer.to_string()),
///         Ok(SpnegoStep::Continue(token)) => Err(token),
///         Err(refused) => Err(refused.token), // for the client, with status 401
///     }
/// }
/// ```
#[derive(Debug, Default)]
pub struct SpnegoAcceptor {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Initial,
    /// Kerberos was not the client's first choice, so its token is still to come. Holds the list of
    /// mechanisms as it was sent.
    Chosen(Vec<u8>),
    /// The context is established; the client must still sign the list.
    Unsigned(Box<GssContext>, Vec<u8>),
    Over,
}

/// The result of a step.
#[derive(Debug)]
pub enum SpnegoStep {
    /// Send this and wait for the client's answer.
    Continue(Vec<u8>),
    /// The client is authenticated. Send this token, if there is one.
    Established(Box<GssContext>, Option<Vec<u8>>),
}

/// The content of a client's `NegTokenInit` or `NegTokenResp`.
#[derive(Default)]
struct Offer<'a> {
    mechanisms: &'a [u8],
    token: Option<&'a [u8]>,
    mic: Option<&'a [u8]>,
}

impl SpnegoAcceptor {
    /// Processes a client's token. A refusal carries a rejecting `NegTokenResp` for the client.
    pub fn step(
        &mut self,
        acceptor: &GssAcceptor<'_>,
        now: Timestamp,
        token: &[u8],
        rng: &mut impl Rng,
    ) -> Result<SpnegoStep, GssRefused> {
        let state = std::mem::replace(&mut self.state, State::Over);
        if matches!(state, State::Initial) && !is_spnego(token) {
            let (context, reply) = acceptor.accept(now, token, rng)?;
            return Ok(SpnegoStep::Established(Box::new(context), reply));
        }
        self.negotiate(state, acceptor, now, token, rng)
            .map_err(|refused| GssRefused {
                token: response(
                    NegState::Reject,
                    None,
                    Some(&*refused.token).filter(|token| !token.is_empty()),
                    None,
                ),
                ..refused
            })
    }

    fn negotiate(
        &mut self,
        state: State,
        acceptor: &GssAcceptor<'_>,
        now: Timestamp,
        token: &[u8],
        rng: &mut impl Rng,
    ) -> Result<SpnegoStep, GssRefused> {
        match state {
            State::Initial => self.start(acceptor, now, token, rng),
            State::Chosen(mechanisms) => self.accept(mechanisms, acceptor, now, token, rng),
            State::Unsigned(context, mechanisms) => finish(context, &mechanisms, token),
            State::Over => Err(malformed("a token after the end of the negotiation")),
        }
    }

    /// Chooses Kerberos from the client's list. If it is the list's first entry, the client has
    /// already sent a token for it.
    fn start(
        &mut self,
        acceptor: &GssAcceptor<'_>,
        now: Timestamp,
        token: &[u8],
        rng: &mut impl Rng,
    ) -> Result<SpnegoStep, GssRefused> {
        let offer = read_init(token).ok_or_else(|| malformed("not a NegTokenInit"))?;
        let mechanisms = list(offer.mechanisms)
            .ok_or_else(|| malformed("a list of mechanisms that cannot be read"))?;
        let ours = |mechanism: &&[u8]| **mechanism == KRB5_OID || **mechanism == MS_KRB5_OID;
        let chosen = *mechanisms
            .iter()
            .find(|mechanism| ours(mechanism))
            .ok_or_else(|| {
                malformed("Kerberos is not among the mechanisms that the client offers")
            })?;
        let first = mechanisms.first().is_some_and(ours);
        let Some(token) = offer.token.filter(|_| first) else {
            self.state = State::Chosen(offer.mechanisms.to_vec());
            return Ok(SpnegoStep::Continue(response(
                NegState::RequestMic,
                Some(chosen),
                None,
                None,
            )));
        };
        let (mut context, reply) = acceptor.accept(now, token, rng)?;
        // If the first entry of the list was accepted, no signature is needed, but one that is
        // present must be valid.
        let mut mic = None;
        if let Some(theirs) = offer.mic {
            verify(&mut context, offer.mechanisms, theirs)?;
            mic = Some(context.sender.mic(offer.mechanisms));
        }
        let answer = response(
            NegState::AcceptCompleted,
            Some(chosen),
            reply.as_deref(),
            mic.as_deref(),
        );
        Ok(SpnegoStep::Established(Box::new(context), Some(answer)))
    }

    /// Accepts the token for the mechanism that was chosen, and signs the list of mechanisms.
    fn accept(
        &mut self,
        mechanisms: Vec<u8>,
        acceptor: &GssAcceptor<'_>,
        now: Timestamp,
        token: &[u8],
        rng: &mut impl Rng,
    ) -> Result<SpnegoStep, GssRefused> {
        let offer = read_response(token).ok_or_else(|| malformed("not a NegTokenResp"))?;
        let token = offer
            .token
            .ok_or_else(|| malformed("a NegTokenResp without a Kerberos token"))?;
        let (mut context, reply) = acceptor.accept(now, token, rng)?;
        if let Some(theirs) = offer.mic {
            verify(&mut context, &mechanisms, theirs)?;
        }
        let mic = context.sender.mic(&mechanisms);
        let answer = |state| response(state, None, reply.as_deref(), Some(&mic));
        if offer.mic.is_some() {
            let answer = answer(NegState::AcceptCompleted);
            return Ok(SpnegoStep::Established(Box::new(context), Some(answer)));
        }
        self.state = State::Unsigned(Box::new(context), mechanisms);
        Ok(SpnegoStep::Continue(answer(NegState::AcceptIncomplete)))
    }
}

/// Verifies the client's signature of the list of mechanisms, which ends the negotiation.
fn finish(
    mut context: Box<GssContext>,
    mechanisms: &[u8],
    token: &[u8],
) -> Result<SpnegoStep, GssRefused> {
    let offer = read_response(token).ok_or_else(|| malformed("not a NegTokenResp"))?;
    let theirs = offer
        .mic
        .ok_or_else(|| malformed("a list of mechanisms that is not signed"))?;
    verify(&mut context, mechanisms, theirs)?;
    let answer = response(NegState::AcceptCompleted, None, None, None);
    Ok(SpnegoStep::Established(context, Some(answer)))
}

fn is_spnego(token: &[u8]) -> bool {
    der::read(token)
        .is_some_and(|(tag, content, _)| tag == 0x60 && content.starts_with(&SPNEGO_OID))
}

fn read_init(token: &[u8]) -> Option<Offer<'_>> {
    let inner = der::read_only(0x60, token)?.strip_prefix(&SPNEGO_OID)?;
    let mut fields = der::read_only(0x30, der::read_only(0xa0, inner)?)?;
    let mut offer = Offer::default();
    while !fields.is_empty() {
        let (tag, content, rest) = der::read(fields)?;
        match tag {
            0xa0 => offer.mechanisms = content,
            0xa2 => offer.token = Some(der::read_only(0x04, content)?),
            0xa3 => offer.mic = der::read_only(0x04, content),
            _ => {}
        }
        fields = rest;
    }
    Some(offer)
}

fn read_response(token: &[u8]) -> Option<Offer<'_>> {
    let mut fields = der::read_only(0x30, der::read_only(0xa1, token)?)?;
    let mut offer = Offer::default();
    while !fields.is_empty() {
        let (tag, content, rest) = der::read(fields)?;
        match tag {
            0xa2 => offer.token = Some(der::read_only(0x04, content)?),
            0xa3 => offer.mic = Some(der::read_only(0x04, content)?),
            _ => {}
        }
        fields = rest;
    }
    Some(offer)
}

/// Returns the mechanisms of a `MechTypeList`, each with its tag and length.
fn list(mechanisms: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = der::read_only(0x30, mechanisms)?;
    let mut list = Vec::new();
    while !rest.is_empty() {
        let (tag, _, after) = der::read(rest)?;
        if tag != 0x06 {
            return None;
        }
        list.push(&rest[..rest.len() - after.len()]);
        rest = after;
    }
    Some(list)
}

fn response(
    state: NegState,
    mechanism: Option<&[u8]>,
    token: Option<&[u8]>,
    mic: Option<&[u8]>,
) -> Vec<u8> {
    let octets = |tag: u8, bytes: Option<&[u8]>| {
        bytes.map_or_else(Vec::new, |bytes| {
            der::write(tag, &[&der::write(0x04, &[bytes])])
        })
    };
    let mechanism = mechanism.map_or_else(Vec::new, |mechanism| der::write(0xa1, &[mechanism]));
    let fields = [
        der::write(0xa0, &[&[0x0a, 1, state as u8]]),
        mechanism,
        octets(0xa2, token),
        octets(0xa3, mic),
    ];
    der::write(
        0xa1,
        &[&der::write(0x30, &fields.each_ref().map(Vec::as_slice))],
    )
}

fn verify(context: &mut GssContext, mechanisms: &[u8], mic: &[u8]) -> Result<(), GssRefused> {
    context
        .receiver
        .verify_mic(mechanisms, mic)
        .map_err(|error| GssRefused {
            refused: Box::new(Refused {
                detail: format!("the signature over the list of mechanisms: {error}"),
                error: ErrorCode::KRB_AP_ERR_MODIFIED.into(),
                client: Some(context.peer.clone()),
            }),
            token: Vec::new(),
        })
}

fn malformed(why: &str) -> GssRefused {
    let error = Error::Malformed {
        what: "SPNEGO token",
        why: why.to_owned(),
    };
    GssRefused {
        refused: Box::new(Refused::unknown(error)),
        token: Vec::new(),
    }
}
