//! The AP exchange (RFC 4120, 3.2): a client presents a ticket to a service, which checks it with a
//! keytab.
//!
//! - [`ApAcceptor`]: checks AP-REQs; [`Accepted`] makes the AP-REP
//! - [`ApInitiator`]: makes an AP-REQ and checks the AP-REP
//! - [`ReplayCache`]: the authenticators seen before

mod initiator;
mod replay_cache;
#[cfg(test)]
mod tests;

use std::time::Duration;

use rand::Rng;

pub use initiator::{ApInitiator, ApInitiatorOptions};
pub use replay_cache::ReplayCache;

use crate::keytab::KeytabEntry;
use crate::messages::{
    ApOptions, ApRep, ApReq, Authenticator, EncApRepPart, EncTicketPart, EncryptedData,
    HostAddress, MessageType, Ticket,
};
use crate::{EncryptionKey, Error, ErrorCode, KeyUsage, Keytab, Principal, Timestamp};

/// The clock skew that every implementation allows by default.
pub const DEFAULT_SKEW: Duration = Duration::from_secs(300);

/// A service's settings for accepting clients.
///
/// ```
/// use kerbox_krb5::ErrorCode;
/// use kerbox_krb5::ap_exchange::{ApAcceptor, ApInitiator, ApInitiatorOptions, ReplayCache};
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
/// let options = ApInitiatorOptions { mutual: true, ..ApInitiatorOptions::default() };
/// let (client, request) = ApInitiator::new(&ticket, options, now, &mut rng);
///
/// let replays = ReplayCache::default();
/// let mut service = ApAcceptor::new(&keytab, None);
/// service.replay_cache = Some(&replays);
/// let accepted = service.accept(now, &request).expect("a fresh authenticator");
/// assert_eq!(accepted.client().to_string(), "alice@EXAMPLE.COM");
/// client.finish(&accepted.reply(None, None, &mut rng))?; // the service has proved itself
///
/// let again = service.accept(now, &request).expect_err("it was seen before");
/// assert_eq!(again.error.code(), ErrorCode::KRB_AP_ERR_REPEAT);
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ApAcceptor<'a> {
    /// The service's keys.
    pub keytab: &'a Keytab,
    /// The only service to accept; `None` accepts every principal of the keytab.
    pub server: Option<&'a Principal>,
    /// The maximum clock skew.
    pub skew: Duration,
    /// The client's address, if tickets' address restrictions are to be checked.
    pub address: Option<&'a HostAddress>,
    /// The authenticators seen before. With `None`, replays are not detected.
    pub replay_cache: Option<&'a ReplayCache>,
}

/// A refused client: the reason, and its name if its ticket could be decrypted.
///
/// ```
/// use kerbox_krb5::ap_exchange::{Accepted, ApAcceptor, Refused};
/// use kerbox_krb5::{Keytab, Timestamp};
///
/// /// Describes what became of a request, for a log.
/// fn describe(acceptor: &ApAcceptor<'_>, now: Timestamp, request: &[u8]) -> String {
///     match acceptor.accept(now, request).map_err(|refused| *refused) {
///         Ok(Accepted { authenticator, .. }) => authenticator.client.to_string(),
///         Err(Refused { detail, .. }) => detail,
///     }
/// }
/// let keytab = Keytab::default();
/// let acceptor = ApAcceptor::new(&keytab, None);
/// assert!(!describe(&acceptor, Timestamp::EPOCH, b"no request").is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The reason. Its [`code`](Error::code) is what a KRB-ERROR would carry.
    pub error: Error,
    /// Details for a log.
    pub detail: String,
    /// The ticket's client.
    pub client: Option<Principal>,
}

impl Refused {
    /// Creates a refusal of a client whose ticket was not decrypted.
    pub(crate) fn unknown(error: Error) -> Self {
        Self {
            detail: error.to_string(),
            error,
            client: None,
        }
    }
}

/// An authenticated client.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The requested service.
    pub server: Principal,
    /// True if the client wants an AP-REP.
    pub mutual_required: bool,
    /// The content of its ticket.
    pub ticket: EncTicketPart,
    /// The content of its authenticator.
    pub authenticator: Authenticator,
}

impl<'a> ApAcceptor<'a> {
    /// Creates an acceptor for one service, or for all in the keytab, with the default skew and no
    /// replay cache.
    #[must_use]
    pub fn new(keytab: &'a Keytab, server: Option<&'a Principal>) -> Self {
        Self {
            keytab,
            server,
            skew: DEFAULT_SKEW,
            address: None,
            replay_cache: None,
        }
    }

    /// Checks an AP-REQ.
    ///
    /// The order is MIT's: the key, the authenticator's integrity, that it names the ticket's
    /// client (`BADMATCH`), the address (`BADADDR`), the ticket's times (`TKT_NYV`, `TKT_EXPIRED`),
    /// the authenticator's time (`SKEW`), and the replay (`REPEAT`). The JDK checks the
    /// authenticator's time before the ticket's.
    pub fn accept(&self, now: Timestamp, request: &[u8]) -> Result<Accepted, Box<Refused>> {
        let unknown = |error: Error| Box::new(Refused::unknown(error));
        if MessageType::of(request) != Some(MessageType::AP_REQ) {
            return Err(unknown(ErrorCode::KRB_AP_ERR_MSG_TYPE.into()));
        }
        let request = ApReq::decode(request).map_err(unknown)?;
        let ticket = self
            .open_ticket(&request)
            .map_err(|(code, detail)| Refused {
                error: code.into(),
                detail,
                client: None,
            })?;
        let (server, authenticator) = (request.ticket.server, request.authenticator);
        match self.check(now, &ticket, &authenticator) {
            Ok(authenticator) => Ok(Accepted {
                server,
                mutual_required: request.options.contains(ApOptions::MUTUAL_REQUIRED),
                ticket,
                authenticator,
            }),
            Err((error, detail)) => Err(Box::new(Refused {
                error,
                detail,
                client: Some(ticket.client),
            })),
        }
    }

    fn open_ticket(&self, request: &ApReq) -> Result<EncTicketPart, (ErrorCode, String)> {
        let ticket = &request.ticket;
        if request.options.contains(ApOptions::USE_SESSION_KEY) {
            let detail = format!(
                "the ticket for {} is encrypted in a session key (user-to-user), which a keytab cannot open",
                ticket.server
            );
            return Err((ErrorCode::KRB_AP_ERR_NOKEY, detail));
        }
        if let Some(server) = self.server
            && *server != ticket.server
        {
            let detail = format!("the ticket is for {}, but we are {server}", ticket.server);
            return Err((ErrorCode::KRB_AP_ERR_NOT_US, detail));
        }
        let key = self.find_key(ticket)?;
        ticket.open(key).map_err(|_| {
            let detail = format!(
                "the ticket for {} does not open with the keytab's key of version {} and type {}: the keytab is another one than the KDC's",
                ticket.server,
                ticket.enc_part.kvno.unwrap_or_default(),
                ticket.enc_part.enctype
            );
            (ErrorCode::KRB_AP_ERR_BAD_INTEGRITY, detail)
        })
    }

    /// Finds the key by principal, version and type. For each that is missing, fails with MIT's
    /// code.
    fn find_key(&self, ticket: &Ticket) -> Result<&'a EncryptionKey, (ErrorCode, String)> {
        // A version of zero counts as absent and stands for the newest, as in MIT's library.
        let kvno = ticket.enc_part.kvno.filter(|kvno| *kvno != 0);
        let (server, enctype) = (&ticket.server, ticket.enc_part.enctype);
        if let Some(key) = self
            .keytab
            .find(server, kvno, Some(enctype))
            .and_then(KeytabEntry::key)
        {
            return Ok(key);
        }
        let versions: Vec<_> = self
            .keytab
            .entries()
            .filter(|entry| entry.principal() == server)
            .map(|entry| (entry.kvno(), entry.enctype()))
            .collect();
        let shown: Vec<_> = versions
            .iter()
            .map(|(kvno, enctype)| format!("{kvno} ({enctype})"))
            .collect();
        let shown = shown.join(", ");
        Err(match kvno {
            _ if versions.is_empty() && self.server.is_none() => (
                ErrorCode::KRB_AP_ERR_NOT_US,
                format!("the ticket is for {server}, of which the keytab has no key"),
            ),
            _ if versions.is_empty() => (
                ErrorCode::KRB_AP_ERR_NOKEY,
                format!("the keytab has no key of {server}"),
            ),
            Some(kvno) if self.keytab.find(server, Some(kvno), None).is_none() => (
                ErrorCode::KRB_AP_ERR_BADKEYVER,
                format!(
                    "the ticket for {server} is encrypted in version {kvno} of the key, but the keytab has {shown}"
                ),
            ),
            _ => (
                // Here MIT distinguishes a service with a fixed name from one that accepts any
                // name.
                match self.server {
                    Some(_) => ErrorCode::KRB_AP_ERR_NOKEY,
                    None => ErrorCode::KRB_AP_ERR_BADKEYVER,
                },
                format!(
                    "the ticket for {server} is encrypted in a key of type {enctype}, but the keytab has {shown}"
                ),
            ),
        })
    }

    fn check(
        &self,
        now: Timestamp,
        ticket: &EncTicketPart,
        authenticator: &EncryptedData,
    ) -> Result<Authenticator, (Error, String)> {
        let opened = authenticator
            .open(&ticket.key, KeyUsage::AP_REQ_AUTHENTICATOR)
            .and_then(|bytes| Authenticator::decode(&bytes))
            .map_err(|error| {
                (
                    error,
                    "the authenticator does not open with the ticket's session key".to_owned(),
                )
            })?;
        let refuse = |code: ErrorCode, detail: String| Err((code.into(), detail));
        if opened.client != ticket.client {
            let detail = format!(
                "the authenticator is of {}, the ticket of {}",
                opened.client, ticket.client
            );
            return refuse(ErrorCode::KRB_AP_ERR_BADMATCH, detail);
        }
        if let Some(address) = self.address
            && !ticket.addresses.is_empty()
            && !ticket.addresses.contains(address)
        {
            let detail = format!(
                "the client came from {address:?}, the ticket is for {:?}",
                ticket.addresses
            );
            return refuse(ErrorCode::KRB_AP_ERR_BADADDR, detail);
        }
        ticket.check_valid(now, self.skew).map_err(|error| {
            let detail = format!(
                "the ticket is valid from {} to {}, and it is {now}",
                ticket.start(),
                ticket.end_time
            );
            (error, detail)
        })?;
        if now.whole_second().distance(opened.ctime.whole_second()) > self.skew {
            let detail = format!("the client's clock says {}, ours {now}", opened.ctime);
            return refuse(ErrorCode::KRB_AP_ERR_SKEW, detail);
        }
        if let Some(cache) = self.replay_cache
            && !cache.store(
                now,
                opened.ctime + self.skew + Duration::from_secs(1),
                &authenticator.cipher,
            )
        {
            let detail = format!("the authenticator of {} has been seen before", opened.ctime);
            return refuse(ErrorCode::KRB_AP_ERR_REPEAT, detail);
        }
        Ok(opened)
    }
}

impl Accepted {
    /// Returns the client.
    #[must_use]
    pub fn client(&self) -> &Principal {
        &self.ticket.client
    }

    /// Creates the AP-REP that authenticates the service. `subkey` becomes the session's key, and
    /// `seq_number` is that of the service's first message.
    pub fn reply(
        &self,
        subkey: Option<EncryptionKey>,
        seq_number: Option<u32>,
        rng: &mut impl Rng,
    ) -> Vec<u8> {
        let part = EncApRepPart {
            ctime: self.authenticator.ctime,
            subkey,
            seq_number,
        };
        let enc_part = EncryptedData::seal(
            &self.ticket.key,
            None,
            KeyUsage::AP_REP_ENC_PART,
            &part.encode(),
            rng,
        );
        ApRep { enc_part }.encode()
    }
}
