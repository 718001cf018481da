//! The TGS exchange, which gets all further tickets.

use std::time::Duration;

use rand::Rng;

use super::as_exchange::nonce;
use super::{Credentials, ENCTYPES};
use crate::messages::{
    ApOptions, ApReq, Authenticator, AuthorizationData, Checksum, EncKdcReplyPart, EncryptedData,
    HostAddress, KdcOptions, KdcReply, KdcRequest, KdcRequestBody, KrbError, MessageType, PaData,
    PaDataType, PaForUser, Ticket,
};
use crate::{EncryptionKey, EncryptionType, Error, ErrorCode, KeyUsage, Principal, Timestamp};

/// The parameters of a [`TgsExchange`].
///
/// ```
/// use kerbox_krb5::client::{Credentials, TgsRequest};
/// use kerbox_krb5::{Principal, Timestamp};
/// # use std::time::Duration;
///
/// /// Asks for a service ticket that lasts for five minutes.
/// fn short(tgt: &Credentials, service: Principal, now: Timestamp) -> TgsRequest {
///     TgsRequest::service(service, tgt).lifetime(now, Duration::from_secs(300))
/// }
/// /// Asks for what `kinit -R` asks for.
/// fn renewal(tgt: &Credentials) -> TgsRequest {
///     TgsRequest::renew(tgt)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct TgsRequest {
    /// The service.
    pub server: Principal,
    /// The KDC options.
    pub options: KdcOptions,
    /// The requested start of a postdated ticket.
    pub from: Option<Timestamp>,
    /// The requested end. The epoch stands for the end of the ticket-granting ticket.
    pub till: Timestamp,
    /// The requested end of renewability.
    pub rtime: Option<Timestamp>,
    /// The addresses from which the ticket may be used (FORWARDED and PROXY).
    pub addresses: Vec<HostAddress>,
    /// The encryption types that the client supports, best first.
    pub enctypes: Vec<EncryptionType>,
    /// Tickets of others: for user-to-user and S4U2Proxy.
    pub additional_tickets: Vec<Ticket>,
    /// S4U2Self: the user for whom the ticket is requested.
    pub for_user: Option<Principal>,
    /// Authorization data for the ticket, sent encrypted.
    pub authorization_data: Vec<AuthorizationData>,
    /// Additional pre-authentication data.
    pub padata: Vec<PaData>,
    /// If true, the authenticator carries a subkey, as MIT's does.
    pub subkey: bool,
}

/// The ticket flags that a request for a similar ticket repeats.
const LIKE_THE_TICKET: u32 = KdcOptions::FORWARDABLE.0
    | KdcOptions::PROXIABLE.0
    | KdcOptions::ALLOW_POSTDATE.0
    | KdcOptions::RENEWABLE.0;

impl TgsRequest {
    /// Requests a ticket for `server`, with the flags of the ticket-granting ticket.
    #[must_use]
    pub fn service(server: Principal, tgt: &Credentials) -> Self {
        Self {
            server,
            // The flags have the same bit positions in both.
            options: KdcOptions(tgt.flags.0 & LIKE_THE_TICKET),
            from: None,
            till: tgt.end_time,
            rtime: tgt.renew_till,
            addresses: Vec::new(),
            enctypes: ENCTYPES.to_vec(),
            additional_tickets: Vec::new(),
            for_user: None,
            authorization_data: Vec::new(),
            padata: Vec::new(),
            subkey: true,
        }
    }

    fn same(ticket: &Credentials, option: KdcOptions) -> Self {
        let mut request = Self::service(ticket.server.clone(), ticket);
        request.options |= option;
        request
    }

    /// Requests `ticket` with a new end time.
    #[must_use]
    pub fn renew(ticket: &Credentials) -> Self {
        Self::same(ticket, KdcOptions::RENEW)
    }

    /// Requests the validation of a postdated `ticket`.
    #[must_use]
    pub fn validate(ticket: &Credentials) -> Self {
        Self::same(ticket, KdcOptions::VALIDATE)
    }

    /// Requests a ticket-granting ticket for another host, or for any host if `addresses` is empty.
    #[must_use]
    pub fn forward(tgt: &Credentials, addresses: Vec<HostAddress>) -> Self {
        let mut request = Self::same(tgt, KdcOptions::FORWARDED);
        request.addresses = addresses;
        request
    }

    /// Requests a user-to-user ticket for `server`, whose own ticket-granting ticket is `theirs`.
    #[must_use]
    pub fn user_to_user(server: Principal, tgt: &Credentials, theirs: Ticket) -> Self {
        let mut request = Self::service(server, tgt);
        request.options |= KdcOptions::ENC_TKT_IN_SKEY;
        request.additional_tickets = vec![theirs];
        request
    }

    /// Requests an S4U2Self ticket: from `user` to the owner of `tgt`.
    #[must_use]
    pub fn s4u2self(user: Principal, tgt: &Credentials) -> Self {
        let mut request = Self::service(tgt.client.clone(), tgt);
        request.options |= KdcOptions::CANONICALIZE;
        request.for_user = Some(user);
        request
    }

    /// Requests an S4U2Proxy ticket: to `server`, for the client of `evidence`, which is a ticket
    /// to the owner of `tgt`.
    #[must_use]
    pub fn s4u2proxy(server: Principal, tgt: &Credentials, evidence: Ticket) -> Self {
        let mut request = Self::service(server, tgt);
        request.options |= KdcOptions::CNAME_IN_ADDL_TKT | KdcOptions::CANONICALIZE;
        request.options.set(KdcOptions::RENEWABLE, false);
        request.additional_tickets = vec![evidence];
        request
    }

    /// Returns whether the KDC may answer with another server or client name.
    fn may_be_answered_for_others(&self) -> bool {
        let options = KdcOptions::CANONICALIZE | KdcOptions::CNAME_IN_ADDL_TKT;
        self.options.intersects(options) || self.for_user.is_some()
    }

    /// Requests a ticket that ends this long after `now`.
    #[must_use]
    pub fn lifetime(mut self, now: Timestamp, lifetime: Duration) -> Self {
        self.till = now + lifetime;
        self
    }
}

fn sealed_authorization_data(
    request: &TgsRequest,
    ticket: &Credentials,
    subkey: Option<&EncryptionKey>,
    rng: &mut impl Rng,
) -> Option<EncryptedData> {
    if request.authorization_data.is_empty() {
        return None;
    }
    let (key, usage) = match subkey {
        Some(subkey) => (subkey, KeyUsage::TGS_REQ_AUTH_DATA_SUBKEY),
        None => (&ticket.key, KeyUsage::TGS_REQ_AUTH_DATA_SESSION_KEY),
    };
    let list = AuthorizationData::encode_list(&request.authorization_data);
    Some(EncryptedData::seal(key, None, usage, &list, rng))
}

/// Returns the AP-REQ that authenticates a request with this body.
fn ap_req(
    ticket: &Credentials,
    body: &[u8],
    subkey: Option<EncryptionKey>,
    now: Timestamp,
    rng: &mut impl Rng,
) -> ApReq {
    let usage = KeyUsage::TGS_REQ_AUTHENTICATOR_CHECKSUM;
    let authenticator = Authenticator {
        client: ticket.client.clone(),
        checksum: Some(Checksum::keyed(&ticket.key, usage, body)),
        ctime: now,
        subkey,
        seq_number: None,
        authorization_data: Vec::new(),
    };
    ApReq {
        options: ApOptions::NONE,
        ticket: ticket.ticket.clone(),
        authenticator: EncryptedData::seal(
            &ticket.key,
            None,
            KeyUsage::TGS_REQ_AUTHENTICATOR,
            &authenticator.encode(),
            rng,
        ),
    }
}

/// The client's side of a TGS exchange.
///
/// ```
/// use kerbox_krb5::client::{Credentials, TgsExchange, TgsRequest};
/// use kerbox_krb5::{Error, Principal, Timestamp};
/// use rand::Rng;
///
/// /// Gets a service ticket. `ask` sends a request to the KDC and returns its answer.
/// fn service_ticket(
///     tgt: &Credentials,
///     service: Principal,
///     now: Timestamp,
///     rng: &mut impl Rng,
///     ask: impl FnOnce(&[u8]) -> Vec<u8>,
/// ) -> Result<Credentials, Error> {
///     let request = TgsRequest::service(service, tgt);
///     let (exchange, request) = TgsExchange::new(tgt, request, now, rng)?;
///     exchange.finish(&ask(&request))
/// }
/// ```
pub struct TgsExchange {
    reply_key: EncryptionKey,
    usage: KeyUsage,
    nonce: i64,
    server: Principal,
    client: Principal,
    /// True if the KDC may answer with another server or client name.
    other_names: bool,
    addresses: Vec<HostAddress>,
}

impl TgsExchange {
    /// Starts an exchange with a `ticket`, usually a ticket-granting ticket. Returns the bytes to
    /// send to the KDC of the ticket's server realm.
    pub fn new(
        ticket: &Credentials,
        request: TgsRequest,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(Self, Vec<u8>), Error> {
        let subkey = match request.subkey {
            true => Some(EncryptionKey::random(ticket.key.enctype(), rng)?),
            false => None,
        };
        let (reply_key, usage) = match &subkey {
            Some(subkey) => (subkey.clone(), KeyUsage::TGS_REP_ENC_PART_SUBKEY),
            None => (ticket.key.clone(), KeyUsage::TGS_REP_ENC_PART_SESSION_KEY),
        };
        let enc_authorization_data =
            sealed_authorization_data(&request, ticket, subkey.as_ref(), rng);
        let other_names = request.may_be_answered_for_others();
        let body = KdcRequestBody {
            options: request.options,
            client: None,
            realm: request.server.realm().to_owned(),
            server: Some(request.server.clone()),
            from: request.from,
            till: request.till,
            rtime: request
                .rtime
                .filter(|_| request.options.contains(KdcOptions::RENEWABLE)),
            nonce: nonce(rng),
            enctypes: request.enctypes,
            addresses: request.addresses.clone(),
            enc_authorization_data,
            additional_tickets: request.additional_tickets,
        };
        let mut message = KdcRequest::new(MessageType::TGS_REQ, Vec::new(), body);
        let ap_req = ap_req(ticket, &message.raw_body, subkey, now, rng);
        message
            .padata
            .push(PaData::new(PaDataType::TGS_REQ, ap_req.encode()));
        if let Some(user) = request.for_user {
            message.padata.push(for_user(user, &ticket.key));
        }
        message.padata.extend(request.padata);
        let exchange = Self {
            reply_key,
            usage,
            nonce: message.body.nonce,
            server: request.server,
            client: ticket.client.clone(),
            other_names,
            addresses: if request
                .options
                .intersects(KdcOptions::FORWARDED | KdcOptions::PROXY)
            {
                request.addresses
            } else {
                ticket.addresses.clone()
            },
        };
        Ok((exchange, message.encode()))
    }

    /// Processes the KDC's answer.
    pub fn finish(&self, answer: &[u8]) -> Result<Credentials, Error> {
        match MessageType::of(answer) {
            Some(MessageType::TGS_REP) => {}
            Some(MessageType::KRB_ERROR) => {
                return Err(Error::Kdc(Box::new(KrbError::decode(answer)?)));
            }
            _ => {
                return Err(Error::Malformed {
                    what: "answer to a TGS-REQ",
                    why: "it is neither a TGS-REP nor a KRB-ERROR".to_owned(),
                });
            }
        }
        let reply = KdcReply::decode(answer)?;
        let part = EncKdcReplyPart::decode(&reply.enc_part.open(&self.reply_key, self.usage)?)?;
        let as_asked =
            self.other_names || (part.server == self.server && reply.client == self.client);
        // A KDC may return a ticket for another realm's KDC instead (RFC 4120, 3.3.1).
        if part.nonce != self.nonce
            || reply.ticket.server != part.server
            || !(as_asked || part.server.is_krbtgt())
        {
            return Err(ErrorCode::KRB_AP_ERR_MODIFIED.into());
        }
        Ok(Credentials::new(reply, part, &self.addresses))
    }
}

fn for_user(user: Principal, key: &EncryptionKey) -> PaData {
    const PACKAGE: &str = "Kerberos";
    let checksummed = PaForUser::checksummed(&user, PACKAGE);
    let element = PaForUser {
        checksum: Checksum::keyed(key, KeyUsage::PA_FOR_USER_CHECKSUM, &checksummed),
        user,
        auth_package: PACKAGE.to_owned(),
    };
    PaData::new(PaDataType::FOR_USER, element.encode())
}
