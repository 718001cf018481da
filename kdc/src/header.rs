//! The AP-REQ that authenticates a TGS request (RFC 4120, 3.3.3 and 5.4.1).

use std::sync::Arc;

use kerbox_krb5::messages::{
    ApOptions, ApReq, Authenticator, AuthorizationData, Checksum, EncTicketPart, EncryptedData,
    HostAddress, KdcOptions, KdcRequest, PaData, PaDataType, Ticket,
};
use kerbox_krb5::{ChecksumType, EncryptionKey, ErrorCode, KeyUsage, Principal};

use crate::context::Context;
use crate::policy::HeaderTicket;
use crate::{Attributes, PrincipalEntry, PrincipalKey, preauth};

/// Options that ask for the header ticket in another form. The header ticket then need not be a
/// ticket-granting ticket.
pub(crate) const SAME_TICKET: KdcOptions = KdcOptions(
    KdcOptions::FORWARDED.0 | KdcOptions::PROXY.0 | KdcOptions::RENEW.0 | KdcOptions::VALIDATE.0,
);

/// The ticket of a TGS request, decrypted and authenticated.
pub(crate) struct Header<'a> {
    pub(crate) ticket: Ticket,
    pub(crate) part: Arc<EncTicketPart>,
    /// The database entry of the ticket's server.
    pub(crate) server: &'a PrincipalEntry,
    pub(crate) subkey: Option<EncryptionKey>,
    /// The key that decrypted the ticket.
    pub(crate) ticket_key: &'a EncryptionKey,
}

impl Header<'_> {
    /// Returns the ticket as policy needs it.
    pub(crate) fn times(&self) -> HeaderTicket {
        HeaderTicket {
            flags: self.part.flags,
            start: self.part.start(),
            end: self.part.end_time,
            renew_till: self.part.renew_till,
        }
    }

    /// Returns the key that encrypts the reply, and its usage.
    pub(crate) fn reply_key(&self) -> (&EncryptionKey, KeyUsage) {
        match &self.subkey {
            Some(subkey) => (subkey, KeyUsage::TGS_REP_ENC_PART_SUBKEY),
            None => (&self.part.key, KeyUsage::TGS_REP_ENC_PART_SESSION_KEY),
        }
    }
}

/// Reads and checks the AP-REQ. Sets `client` as soon as the ticket is decrypted, for a later
/// error.
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
    // MIT checks the ticket's times before the client's clock, so that an expired ticket is
    // reported as such.
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

/// Verifies the checksum of a request's body, with the error codes of MIT's KDC. MIT also accepts
/// matching plain MD5 and SHA-1. Here they prove nothing (CVE-2010-1323), except in the one case
/// described at [`Checksum::verify`].
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
        // The type of another key.
        (Err(ErrorCode::KRB_AP_ERR_INAPP_CKSUM), _) => Err(ErrorCode::KRB_ERR_GENERIC),
        (Err(ErrorCode::KRB_AP_ERR_MODIFIED), own)
            if own == key.checksum_type() && checksum.bytes.len() != key.checksum_len() =>
        {
            Err(ErrorCode::KRB_ERR_GENERIC)
        }
        (Err(ErrorCode::KRB_AP_ERR_MODIFIED), _) => Err(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY),
        (other, _) => other,
    }
}

/// Fails if the ciphertext is too short to be valid. That is not a wrong key: MIT's library returns
/// a generic error.
fn long_enough(data: &EncryptedData, key: &EncryptionKey) -> Result<(), ErrorCode> {
    if data.enctype == key.enctype() && data.cipher.len() < key.header_len() + key.trailer_len() {
        return Err(ErrorCode::KRB_ERR_GENERIC);
    }
    Ok(())
}

/// A ticket's server, its content, and the key that decrypted it.
pub(crate) type Opened<'a> = (&'a PrincipalEntry, Arc<EncTicketPart>, &'a EncryptionKey);

/// Decrypts a ticket for a server in the database.
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
    // Other realms' KDCs may omit the version. Then older keys are tried too.
    let tries = if told.is_none() { OLDER + 1 } else { 1 };
    let mut opened = open_with(context, server, ticket, newest);
    for older in (1..newest).rev().take(tries - 1) {
        if opened.is_ok() {
            break;
        }
        opened = open_with(context, server, ticket, older);
    }
    opened
}

/// The number of versions before the newest to try for a ticket without a version, the same as
/// MIT's.
const OLDER: usize = 2;

fn open_with<'a>(
    context: &Context<'a>,
    server: &'a PrincipalEntry,
    ticket: &Ticket,
    kvno: u32,
) -> Result<Opened<'a>, ErrorCode> {
    let mut keys = server.keys_of(Some(kvno));
    // Our own ticket-granting tickets always use the first key. Accept no weaker one for them.
    let key: Option<&'a PrincipalKey> = if is_local_tgs(&ticket.server) {
        keys.next()
    } else {
        keys.find(|key| key.enctype() == ticket.enc_part.enctype)
    };
    // The protocol has no number for "no such version", so MIT's KDC returns a generic error.
    let key = key.ok_or(ErrorCode::KRB_ERR_GENERIC)?;
    long_enough(&ticket.enc_part, key.key())?;
    let part = context.opened.open(ticket, key.key());
    let part = part.map_err(|error| error.code())?;
    Ok((server, part, key.key()))
}

/// Returns whether this is `krbtgt/R@R`.
pub(crate) fn is_local_tgs(principal: &Principal) -> bool {
    principal.is_krbtgt() && principal.components()[1] == principal.realm()
}

/// Returns whether a ticket with these addresses may be used from the request's source.
fn usable_from(context: &Context<'_>, addresses: &[HostAddress]) -> bool {
    /// A client cannot be identified by its NetBIOS name, so a list with only one such address
    /// counts as empty.
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
