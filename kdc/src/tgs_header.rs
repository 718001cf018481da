//! The AP-REQ that authenticates a TGS request (RFC 4120, 3.3.3 and 5.4.1).

use kerbox_krb5::messages::{
    ApOptions, ApReq, Authenticator, AuthorizationData, Checksum, EncTicketPart, EncryptedData,
    HostAddress, KdcRequest, PaData, PaDataType, Ticket,
};
use kerbox_krb5::{ChecksumType, EncryptionKey, ErrorCode, KeyUsage, Principal};

use crate::context::Context;
use crate::policy::HeaderTicket;
use crate::{Attributes, PrincipalEntry, PrincipalKey, preauth};

/// The ticket of a TGS request, opened and authenticated.
pub(crate) struct Header<'a> {
    pub(crate) ticket: Ticket,
    pub(crate) part: EncTicketPart,
    /// The database's entry of the ticket's server.
    pub(crate) server: &'a PrincipalEntry,
    pub(crate) subkey: Option<EncryptionKey>,
    /// The key by which the ticket was opened.
    pub(crate) ticket_key: &'a EncryptionKey,
}

impl Header<'_> {
    /// The ticket as policy sees it.
    pub(crate) fn times(&self) -> HeaderTicket {
        HeaderTicket {
            flags: self.part.flags,
            start: self.part.start(),
            end: self.part.end_time,
            renew_till: self.part.renew_till,
        }
    }

    /// The key that the reply is encrypted with, and the usage that goes with it.
    pub(crate) fn reply_key(&self) -> (&EncryptionKey, KeyUsage) {
        match &self.subkey {
            Some(subkey) => (subkey, KeyUsage::TGS_REP_ENC_PART_SUBKEY),
            None => (&self.part.key, KeyUsage::TGS_REP_ENC_PART_SESSION_KEY),
        }
    }
}

/// Reads and checks the AP-REQ. `client` is told as soon as the ticket is open, for the error that
/// may follow.
pub(crate) fn read<'a>(
    context: &Context<'a>,
    request: &KdcRequest,
    client: &mut Option<Principal>,
) -> Result<Header<'a>, ErrorCode> {
    let element = PaData::find(&request.padata, PaDataType::TGS_REQ)
        .ok_or(ErrorCode::KDC_ERR_PADATA_TYPE_NOSUPP)?;
    let ap_req = ApReq::decode(&element.value).map_err(|error| error.code())?;
    if ap_req
        .options
        .intersects(ApOptions::USE_SESSION_KEY | ApOptions::MUTUAL_REQUIRED)
    {
        return Err(ErrorCode::KDC_ERR_POLICY);
    }
    let (server, part, ticket_key) = open(context, &ap_req.ticket)?;
    *client = Some(part.client.clone());
    long_enough(&ap_req.authenticator, &part.key)?;
    let authenticator = ap_req
        .authenticator
        .open(&part.key, KeyUsage::TGS_REQ_AUTHENTICATOR)
        .and_then(|bytes| Authenticator::decode(&bytes))
        .map_err(|error| error.code())?;
    if authenticator.client != part.client {
        return Err(ErrorCode::KRB_AP_ERR_BADMATCH);
    }
    if !usable_from(context, &part.addresses) {
        return Err(ErrorCode::KRB_AP_ERR_BADADDR);
    }
    let realm = context.realm(server.principal.realm());
    // MIT looks at the ticket's times before the client's clock, so that an old ticket is called
    // that.
    part.check_times(context.now, realm.clock_skew)
        .map_err(|error| error.code())?;
    preauth::check_skew(authenticator.ctime, context.now, realm)?;
    if part
        .authorization_data
        .iter()
        .chain(&authenticator.authorization_data)
        .any(|element| element.ad_type == AuthorizationData::FX_ARMOR)
    {
        return Err(ErrorCode::KDC_ERR_POLICY);
    }
    let checksum = authenticator
        .checksum
        .ok_or(ErrorCode::KRB_AP_ERR_INAPP_CKSUM)?;
    verify(&checksum, &part.key, &request.raw_body)?;
    Ok(Header {
        ticket: ap_req.ticket,
        part,
        server,
        subkey: authenticator.subkey,
        ticket_key,
    })
}

/// Verifies the checksum of a request's body, and refuses as MIT's KDC does. That takes plain MD5
/// and SHA-1, too, if they are right; here they prove nothing (CVE-2010-1323), but in the one case
/// that [`Checksum::verify`] tells.
fn verify(checksum: &Checksum, key: &EncryptionKey, body: &[u8]) -> Result<(), ErrorCode> {
    let usage = KeyUsage::TGS_REQ_AUTHENTICATOR_CHECKSUM;
    let verified = checksum
        .verify(key, usage, body)
        .map_err(|error| error.code());
    match (verified, checksum.checksum_type) {
        (Err(ErrorCode::KRB_AP_ERR_INAPP_CKSUM), ChecksumType::CRC32) => {
            Err(ErrorCode::KDC_ERR_SUMTYPE_NOSUPP)
        }
        (Err(ErrorCode::KRB_AP_ERR_INAPP_CKSUM), unkeyed) if unkeyed.is_unkeyed() => {
            Err(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY)
        }
        // One of another key's type.
        (Err(ErrorCode::KRB_AP_ERR_INAPP_CKSUM), _) => Err(ErrorCode::KRB_ERR_GENERIC),
        (Err(ErrorCode::KRB_AP_ERR_MODIFIED), own)
            if own == key.checksum_type()
                && checksum.bytes.len() != key.checksum(usage, &[]).len() =>
        {
            Err(ErrorCode::KRB_ERR_GENERIC)
        }
        (Err(ErrorCode::KRB_AP_ERR_MODIFIED), _) => Err(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY),
        (other, _) => other,
    }
}

/// What is too short to be encrypted at all is no wrong key's: MIT's library has no number for it.
fn long_enough(data: &EncryptedData, key: &EncryptionKey) -> Result<(), ErrorCode> {
    if data.enctype == key.enctype() && data.cipher.len() < key.header_len() + key.trailer_len() {
        return Err(ErrorCode::KRB_ERR_GENERIC);
    }
    Ok(())
}

/// A ticket's server, what is in it, and the key by which it was opened.
pub(crate) type Opened<'a> = (&'a PrincipalEntry, EncTicketPart, &'a EncryptionKey);

/// Opens a ticket for a server of the database.
pub(crate) fn open<'a>(context: &Context<'a>, ticket: &Ticket) -> Result<Opened<'a>, ErrorCode> {
    let server = context
        .database
        .resolve(&ticket.server)
        .filter(|server| {
            !server.attributes.contains(Attributes::DISALLOW_SVR)
                && !server.attributes.contains(Attributes::DISALLOW_ALL_TIX)
        })
        .ok_or(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN)?;
    let told = ticket.enc_part.kvno.filter(|kvno| *kvno != 0);
    let newest = told.unwrap_or_else(|| server.kvno());
    // Other realms' KDCs may tell no version: then the keys before the newest are tried too.
    let tries = if told.is_none() { OLDER + 1 } else { 1 };
    let mut opened = open_with(server, ticket, newest);
    for older in (1..newest).rev().take(tries - 1) {
        if opened.is_ok() {
            break;
        }
        opened = open_with(server, ticket, older);
    }
    opened
}

/// How many versions before the newest are tried for a ticket that tells none; MIT's number.
const OLDER: usize = 2;

fn open_with<'a>(
    server: &'a PrincipalEntry,
    ticket: &Ticket,
    kvno: u32,
) -> Result<Opened<'a>, ErrorCode> {
    let mut keys = server.keys_of(Some(kvno));
    // Our own ticket-granting tickets are always of the first key: no weaker one is taken for them.
    let key: Option<&'a PrincipalKey> = if is_local_tgs(&ticket.server) {
        keys.next()
    } else {
        keys.find(|key| key.enctype() == ticket.enc_part.enctype)
    };
    // MIT's database has no number for "no such version" in the protocol's range, and says
    // "generic".
    let key = key.ok_or(ErrorCode::KRB_ERR_GENERIC)?;
    long_enough(&ticket.enc_part, key.key())?;
    let part = ticket.open(key.key()).map_err(|error| error.code())?;
    Ok((server, part, key.key()))
}

/// `krbtgt/R@R`.
pub(crate) fn is_local_tgs(principal: &Principal) -> bool {
    principal.is_krbtgt() && principal.components()[1] == principal.realm()
}

/// Whether a ticket of these addresses may be used from where the request came.
fn usable_from(context: &Context<'_>, addresses: &[HostAddress]) -> bool {
    /// Nobody can tell a client by its NetBIOS name: a list of one such is as good as none.
    const NETBIOS: i32 = 20;
    let Some(peer) = context.peer else {
        return true;
    };
    match addresses {
        [] => true,
        [only] if only.address_type == NETBIOS => true,
        list => list.contains(&peer.into()),
    }
}
