//! A client's side of context establishment (RFC 4121, 4.1).

use rand::Rng;

use super::checksum::ContextChecksum;
use super::framing::{TokenId, frame, unframe};
use super::{ContextFlags, ContextKey, GssContext, Role};
use crate::ap_exchange::{ApInitiator, ApInitiatorOptions};
use crate::client::Credentials;
use crate::messages::KrbError;
use crate::{EncryptionKey, Error, ErrorCode, Principal, Timestamp};

/// A client's options for a context.
///
/// ```
/// use kerbox_krb5::gss::{ContextFlags, GssInitiatorOptions};
///
/// let one_way = GssInitiatorOptions { flags: ContextFlags::INTEGRITY, ..Default::default() };
/// assert!(GssInitiatorOptions::default().flags.contains(ContextFlags::MUTUAL));
/// assert!(!one_way.flags.contains(ContextFlags::MUTUAL));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GssInitiatorOptions {
    /// The flags.
    pub flags: ContextFlags,
    /// If true, the client chooses a key for the context; otherwise the ticket's session key is
    /// used.
    pub subkey: bool,
    /// The MD5 of the channel bindings; zeros for none.
    pub channel_bindings: [u8; 16],
    /// A KRB-CRED to delegate.
    pub delegated: Option<Vec<u8>>,
}

impl Default for GssInitiatorOptions {
    /// Returns the options that the JDK and MIT use: mutual authentication, order, integrity and
    /// confidentiality, with a subkey.
    fn default() -> Self {
        Self {
            flags: ContextFlags::MUTUAL
                | ContextFlags::REPLAY
                | ContextFlags::SEQUENCE
                | ContextFlags::CONFIDENTIALITY
                | ContextFlags::INTEGRITY,
            subkey: true,
            channel_bindings: [0; 16],
            delegated: None,
        }
    }
}

/// A context that waits for the service's answer, if the client asked for one.
#[derive(Clone, Debug)]
pub struct GssInitiator {
    ap: ApInitiator,
    service: Principal,
    session_key: EncryptionKey,
    subkey: Option<EncryptionKey>,
    flags: ContextFlags,
    seq_number: u32,
}

impl GssInitiator {
    /// Creates the initial token from a service ticket.
    pub fn new(
        credentials: &Credentials,
        options: GssInitiatorOptions,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(Self, Vec<u8>), Error> {
        let mut flags = options.flags;
        if options.delegated.is_some() {
            flags = flags | ContextFlags::DELEGATION;
        }
        let subkey = options
            .subkey
            .then(|| EncryptionKey::random(credentials.key.enctype(), rng))
            .transpose()?;
        let seq_number = rng.next_u32() >> 2;
        let checksum = ContextChecksum {
            channel_bindings: options.channel_bindings,
            flags,
            delegated: options.delegated,
        };
        let ap_options = ApInitiatorOptions {
            mutual: flags.contains(ContextFlags::MUTUAL),
            checksum: Some(checksum.encode()),
            subkey: subkey.clone(),
            seq_number: Some(seq_number),
        };
        let (ap, request) = ApInitiator::new(credentials, ap_options, now, rng);
        let initiator = Self {
            ap,
            service: credentials.server.clone(),
            session_key: credentials.key.clone(),
            subkey,
            flags,
            seq_number,
        };
        Ok((initiator, frame(TokenId::ApReq, &request)))
    }

    /// Checks the service's token and returns the context. The token must be present if, and only
    /// if, mutual authentication was requested.
    pub fn finish(self, token: Option<&[u8]>) -> Result<GssContext, Error> {
        let mutual = self.flags.contains(ContextFlags::MUTUAL);
        let (ours, mut theirs, mut acceptors) = (self.seq_number, self.seq_number, None);
        match token {
            Some(token) if mutual => {
                let (id, message) = unframe(token)?;
                if id == TokenId::KrbError as u16 {
                    return Err(Error::Kdc(Box::new(KrbError::decode(message)?)));
                }
                if id != TokenId::ApRep as u16 {
                    return Err(ErrorCode::KRB_AP_ERR_MSG_TYPE.into());
                }
                let part = self.ap.finish(message)?;
                theirs = part.seq_number.unwrap_or_default();
                acceptors = part.subkey;
            }
            None if !mutual => {}
            _ => return Err(ErrorCode::KRB_AP_ERR_MUT_FAIL.into()),
        }
        let key = ContextKey::choose(&self.session_key, self.subkey.as_ref(), acceptors.as_ref());
        Ok(GssContext::new(
            Role::Initiator,
            self.service,
            self.flags,
            key,
            (ours, theirs),
            None,
        ))
    }
}
