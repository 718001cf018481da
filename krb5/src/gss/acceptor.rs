//! A service's side of context establishment (RFC 4121, 4.1).

use rand::Rng;

use super::checksum::ContextChecksum;
use super::framing::{TokenId, frame, unframe};
use super::{ContextFlags, ContextKey, GssContext, Role};
use crate::ap_exchange::{Accepted, ApAcceptor, Refused};
use crate::crypto::constant_time_eq;
use crate::messages::KrbError;
use crate::{EncryptionKey, Error, ErrorCode, Principal, Timestamp};

/// A service's settings for establishing contexts.
///
/// ```
/// use kerbox_krb5::ap_exchange::ApAcceptor;
/// use kerbox_krb5::gss::{GssAcceptor, GssInitiator, GssInitiatorOptions};
/// # use std::time::Duration;
/// # use kerbox_krb5::client::Credentials;
/// # use kerbox_krb5::messages::{EncTicketPart, TicketFlags, TransitedEncoding};
/// # use kerbox_krb5::{EncryptionKey, EncryptionType, Keytab, KeytabEntry, Principal, Timestamp};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
/// # let now = Timestamp::from_secs(1_700_000_000);
/// # let enctype = EncryptionType::AES128_CTS_HMAC_SHA1_96;
/// # let [key, session] = [7, 8].map(|byte| EncryptionKey::new(enctype, &[byte; 16]).unwrap());
/// # let [client, server] = [["alice", ""], ["nn", "localhost"]].map(|[name, host]| {
/// #     Principal::new("EXAMPLE.COM", [name, host].into_iter().filter(|part| !part.is_empty()))
/// # });
/// # let keytab = Keytab::from_iter([KeytabEntry::new(server.clone(), 1, key.clone(), now)]);
/// # let part = EncTicketPart {
/// #     flags: TicketFlags::INITIAL,
/// #     key: session.clone(),
/// #     client: client.clone(),
/// #     transited: TransitedEncoding::default(),
/// #     auth_time: now,
/// #     start_time: None,
/// #     end_time: now + Duration::from_secs(3600),
/// #     renew_till: None,
/// #     addresses: Vec::new(),
/// #     authorization_data: Vec::new(),
/// # };
/// # let ticket = Credentials {
/// #     client,
/// #     server: server.clone(),
/// #     key: session,
/// #     ticket: part.seal(server, &key, Some(1), &mut rng),
/// #     flags: part.flags,
/// #     auth_time: now,
/// #     start_time: now,
/// #     end_time: part.end_time,
/// #     renew_till: None,
/// #     addresses: Vec::new(),
/// # };
///
/// let options = GssInitiatorOptions::default();
/// let (client, token) = GssInitiator::new(&ticket, options, now, &mut rng)?;
/// let service = GssAcceptor::new(ApAcceptor::new(&keytab, None));
/// let (mut service, token) = service.accept(now, &token, &mut rng).expect("a valid ticket");
/// let mut client = client.finish(token.as_deref())?;
/// assert_eq!(service.peer.to_string(), "alice@EXAMPLE.COM");
///
/// let (mut sealed, mut read) = (Vec::new(), Vec::new());
/// client.sender.wrap_into(true, b"a secret", &mut rng, &mut sealed);
/// assert!(service.receiver.unwrap_into(&sealed, &mut read)?); // it was encrypted
/// assert_eq!(read, b"a secret");
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GssAcceptor<'a> {
    /// The check of AP-REQs.
    pub ap: ApAcceptor<'a>,
    /// If true, the service chooses the context's key itself when the client asks for mutual
    /// authentication. MIT's does, the JDK's does not. No acceptor does if the client's key is of a
    /// weak type.
    pub subkey: bool,
    /// The MD5 of the channel bindings, if clients must be bound to the channel.
    pub channel_bindings: Option<[u8; 16]>,
}

/// A client that was refused.
///
/// ```
/// use kerbox_krb5::gss::GssRefused;
///
/// /// Returns the answer to a client that was refused, and writes the reason to the log.
/// fn refuse(refused: GssRefused) -> Vec<u8> {
///     eprintln!("{}", refused.refused.detail);
///     refused.token
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GssRefused {
    /// The reason, and the client if it is known.
    pub refused: Box<Refused>,
    /// A KRB-ERROR for the client, in its frame. Hadoop's servers do not send it.
    pub token: Vec<u8>,
}

impl<'a> GssAcceptor<'a> {
    /// Creates an acceptor that adds no subkey and requires no channel bindings, like the JDK's.
    #[must_use]
    pub fn new(ap: ApAcceptor<'a>) -> Self {
        Self {
            ap,
            subkey: false,
            channel_bindings: None,
        }
    }

    /// Accepts a client's initial token. The context is established at once. The returned token, if
    /// any, lets the client verify the service.
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
        // Without an AP-REP to carry our number, both directions begin at the client's number.
        let (mut ours, mut subkey, mut token) = (theirs, None, None);
        if parameters.flags.contains(ContextFlags::MUTUAL) {
            // MIT's libraries use 31 bits, older ones 30: stay within what all of them read
            // correctly.
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
