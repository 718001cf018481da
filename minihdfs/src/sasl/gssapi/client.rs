//! The client side of GSSAPI (RFC 4752) with Kerberos V5 and mutual authentication.

use kerbox_krb5::Timestamp;
use kerbox_krb5::client::Credentials;
use kerbox_krb5::gss::{GssContext, GssInitiator, GssInitiatorOptions};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{MAX_BUFFER, layer};
use crate::sasl::layer::Layer;
use crate::sasl::{QualityOfProtection, SaslError};

/// The client side of one handshake, after its initial token.
pub(in crate::sasl) struct GssapiClient {
    state: State,
    /// The accepted qualities of protection, in order of preference.
    qop: Vec<QualityOfProtection>,
    /// The randomness of the layer, which wraps messages long after the handshake.
    rng: StdRng,
}

enum State {
    /// The AP-REQ was sent; waiting for the AP-REP.
    Mutual(Box<GssInitiator>),
    /// The empty response was sent; waiting for the server's layers.
    Layers(Box<GssContext>),
    /// The choice was sent.
    Chosen(Box<GssContext>, QualityOfProtection, usize),
    Failed,
}

/// The smallest maximum message of a server that a layer is used with. Hadoop's servers announce
/// 64 KiB.
const LEAST_BUFFER: usize = 1 << 10;

/// The maximum number of bytes that a Wrap token adds to its message, of any key's type: 3DES with
/// RFC 1964's framing adds 77.
const MAX_OVERHEAD: usize = 128;

impl GssapiClient {
    /// Creates the initial token from a service ticket.
    pub(in crate::sasl) fn new(
        credentials: &Credentials,
        qop: &[QualityOfProtection],
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(Self, Vec<u8>), SaslError> {
        let (initiator, token) =
            GssInitiator::new(credentials, GssInitiatorOptions::default(), now, rng)
                .map_err(|error| initiate_failed(&error))?;
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let client = Self {
            state: State::Mutual(Box::new(initiator)),
            qop: qop.to_vec(),
            rng: StdRng::from_seed(seed),
        };
        Ok((client, token))
    }

    /// Returns the response to a challenge.
    pub(in crate::sasl) fn step(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SaslError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Mutual(initiator) => {
                let context = initiator
                    .finish(Some(challenge))
                    .map_err(|error| initiate_failed(&error))?;
                self.state = State::Layers(Box::new(context));
                Ok(Vec::new())
            }
            State::Layers(context) => self.choose(context, challenge),
            State::Chosen(..) | State::Failed => Err(SaslError::sasl(
                "GSSAPI: the server sent a challenge after the handshake",
            )),
        }
    }

    /// Chooses the first of our layers that the server offers (RFC 4752, 3.1).
    fn choose(
        &mut self,
        mut context: Box<GssContext>,
        challenge: &[u8],
    ) -> Result<Vec<u8>, SaslError> {
        let failed = |why: String| SaslError::sasl(format!("Final handshake failed: {why}"));
        let mut offer = Vec::new();
        context
            .receiver
            .unwrap_into(challenge, &mut offer)
            .map_err(|error| failed(format!("the server's layers: {error}")))?;
        let [bits, a, b, c] = *offer.as_slice() else {
            let length = offer.len();
            return Err(failed(format!(
                "the server's layers have {length} bytes, not 4"
            )));
        };
        let qop = *self
            .qop
            .iter()
            .find(|qop| bits & qop.layer_bit() != 0)
            .ok_or_else(|| {
                SaslError::sasl(format!(
                    "No common protection layer between client and server: the server offers bits {bits:03b}, we take {:?}",
                    self.qop
                ))
            })?;
        let buffer = u32::from_be_bytes([0, a, b, c]) as usize;
        let layered = qop != QualityOfProtection::Authentication;
        if layered && buffer < LEAST_BUFFER {
            return Err(failed(format!(
                "the server takes messages of {buffer} bytes, fewer than {LEAST_BUFFER}"
            )));
        }
        // Without a layer the size must be 0.
        let [_, a, b, c] = if layered { MAX_BUFFER } else { 0 }.to_be_bytes();
        let mut token = Vec::new();
        let choice = [qop.layer_bit(), a, b, c];
        context
            .sender
            .wrap_into(false, &choice, &mut self.rng, &mut token);
        self.state = State::Chosen(context, qop, buffer.saturating_sub(MAX_OVERHEAD));
        Ok(token)
    }

    /// Returns the negotiated protection, the layer, and the maximum plaintext of one message.
    /// `None` if the handshake is not finished.
    pub(in crate::sasl) fn finish(self) -> Option<(QualityOfProtection, Layer, usize)> {
        let State::Chosen(context, qop, raw_send_size) = self.state else {
            return None;
        };
        Some((qop, layer::layer(*context, qop, self.rng), raw_send_size))
    }
}

fn initiate_failed(error: &kerbox_krb5::Error) -> SaslError {
    SaslError::gss_initiate_failed(error.code(), error.to_string())
}
