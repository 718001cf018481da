//! S4U2Self and S4U2Proxy: services that act in a user's name (MS-SFU).

use kerbox_krb5::messages::{
    EncTicketPart, KdcOptions, KdcRequest, PaData, PaDataType, PaForUser, PaS4uX509User,
    TicketFlags,
};
use kerbox_krb5::{ErrorCode, KeyUsage, Principal};

use super::authdata;
use super::second_ticket::SecondTicket;
use crate::as_exchange::{self, TGS_OPTIONS};
use crate::context::Context;
use crate::error::KdcError;
use crate::header::{Header, SAME_TICKET};
use crate::{Attributes, Pac, PrincipalEntry, pac, reply};

/// The user named in an S4U2Self request.
pub(crate) struct S4u2Self<'a> {
    pub(crate) user: Principal,
    entry: Option<&'a PrincipalEntry>,
    /// The element in the newer form, to which the reply responds.
    element: Option<PaS4uX509User>,
}

/// Reads and verifies an S4U2Self request, if it is one.
pub(crate) fn read<'a>(
    context: &Context<'a>,
    request: &KdcRequest,
    header: &Header<'_>,
    server: &PrincipalEntry,
) -> Result<Option<S4u2Self<'a>>, KdcError> {
    let (user, element) = if let Some(padata) =
        PaData::find(&request.padata, PaDataType::FOR_X509_USER)
    {
        let element = PaS4uX509User::decode(&padata.value).map_err(|_| KdcError::DecodeS4u2Self)?;
        let (key, _) = header.reply_key();
        if element.nonce != request.body.nonce {
            return Err(KdcError::S4u2SelfChecksum(ErrorCode::KRB_AP_ERR_MODIFIED));
        }
        element
            .verify(key, KeyUsage::PA_S4U_X509_USER_REQUEST)
            .map_err(|error| KdcError::S4u2SelfChecksum(error.code()))?;
        // Mapping certificates to principals is not supported.
        let user = element
            .user
            .clone()
            .filter(|user| !user.components().is_empty())
            .ok_or(KdcError::InvalidS4u2Self)?;
        (user, Some(element))
    } else if let Some(padata) = PaData::find(&request.padata, PaDataType::FOR_USER) {
        let element = PaForUser::decode(&padata.value).map_err(|_| KdcError::DecodeForUser)?;
        let checksummed = PaForUser::checksummed(&element.user, &element.auth_package);
        element
            .checksum
            .verify(
                &header.part.key,
                KeyUsage::PA_FOR_USER_CHECKSUM,
                &checksummed,
            )
            .map_err(|error| KdcError::S4u2SelfChecksum(error.code()))?;
        (element.user, None)
    } else {
        return Ok(None);
    };
    let entry = if user.realm() == server.principal.realm() {
        let entry = context
            .database
            .resolve(&user)
            .ok_or(KdcError::UnknownS4u2SelfPrincipal)?;
        Some(&**entry)
    } else {
        None
    };
    Ok(Some(S4u2Self {
        user,
        entry,
        element,
    }))
}

impl<'a> S4u2Self<'a> {
    /// Returns the user's entry, which exists if [`check`](Self::check) succeeded.
    pub(crate) fn entry(&self) -> Option<&'a PrincipalEntry> {
        self.entry
    }

    /// Checks which services may ask, and for which users.
    pub(crate) fn check(
        &self,
        context: &Context<'_>,
        request: &KdcRequest,
        header: &Header<'_>,
        header_pac: Option<&pac::Parsed>,
        server: &PrincipalEntry,
    ) -> Result<(), KdcError> {
        if !is_the_same(context, &header.part.client, server) {
            return Err(KdcError::S4u2SelfServerMismatch);
        }
        if request.body.options.intersects(TGS_OPTIONS) {
            return Err(KdcError::InvalidS4u2SelfOptions);
        }
        let entry = self.entry.ok_or(KdcError::S4u2SelfClientNotOurs)?;
        if has_pacs(context, server) {
            let pac = header_pac.ok_or(KdcError::S4u2SelfNoPac)?;
            if !pac::is_of(pac, &header.part.client, header.part.auth_time) {
                return Err(KdcError::S4u2SelfPacClient);
            }
        }
        // As with Windows, an expired password does not matter: it is not used here.
        let mut entry = entry.clone();
        entry.password_expires = None;
        entry.attributes.set(Attributes::REQUIRES_PWCHANGE, false);
        let no_server = PrincipalEntry::new(server.principal.clone());
        as_exchange::validate(context.now, request.body.options, &entry, &no_server)
    }

    /// Returns whether the service's ticket in the user's name may be forwardable, that is, usable
    /// as evidence.
    pub(crate) fn may_be_forwardable(server: &PrincipalEntry) -> bool {
        server
            .attributes
            .contains(Attributes::OK_TO_AUTH_AS_DELEGATE)
            || server.delegates_to.is_empty()
    }

    /// Returns the reply's padata about the user, protected with the reply key.
    pub(crate) fn reply(&self, header: &Header<'_>) -> Vec<PaData> {
        let Some(element) = &self.element else {
            return Vec::new();
        };
        let options = element.options & PaS4uX509User::USE_REPLY_KEY_USAGE;
        let usage = if options == 0 {
            KeyUsage::PA_S4U_X509_USER_REQUEST
        } else {
            KeyUsage::PA_S4U_X509_USER_REPLY
        };
        let (key, _) = header.reply_key();
        let answer = PaS4uX509User::new(element.nonce, self.user.clone(), options, key, usage);
        vec![PaData::new(PaDataType::FOR_X509_USER, answer.encode())]
    }
}

/// Checks that a service may ask for a ticket to `server` in the name of the evidence ticket's
/// client.
pub(crate) fn check_s4u2proxy<'a, 'b>(
    context: &Context<'_>,
    request: &KdcRequest,
    header: &Header<'_>,
    header_pac: Option<&pac::Parsed>,
    server: &PrincipalEntry,
    second: Option<&'b SecondTicket<'a>>,
) -> Result<&'b SecondTicket<'a>, KdcError> {
    let evidence = second.ok_or(KdcError::NoSecondTicket)?;
    if !evidence.part.flags.contains(TicketFlags::FORWARDABLE) {
        return Err(KdcError::EvidenceNotForwardable);
    }
    if request
        .body
        .options
        .intersects(SAME_TICKET | KdcOptions::ENC_TKT_IN_SKEY)
    {
        return Err(KdcError::InvalidS4u2ProxyOptions);
    }
    if server.principal.is_krbtgt() {
        return Err(KdcError::NoDelegationToTgs);
    }
    check_evidence(context, header, header_pac, server, evidence)?;
    let allowed = |list: &[Principal], principal: &Principal| list.contains(principal);
    let by_resource = reply::resource_based(request)
        && allowed(&server.delegates_from, &evidence.server.principal);
    let by_service = allowed(&evidence.server.delegates_to, &server.principal);
    if by_resource || by_service {
        Ok(evidence)
    } else {
        Err(KdcError::NotAllowedToDelegate)
    }
}

/// Checks that the evidence is the requesting service's own ticket, as this KDC issued it.
fn check_evidence(
    context: &Context<'_>,
    header: &Header<'_>,
    header_pac: Option<&pac::Parsed>,
    server: &PrincipalEntry,
    evidence: &SecondTicket<'_>,
) -> Result<(), KdcError> {
    let with_pacs = has_pacs(context, server);
    let client_of = |part: &EncTicketPart, pac| pac::is_of(pac, &part.client, part.auth_time);
    if with_pacs
        && !client_of(
            &header.part,
            header_pac.ok_or(KdcError::S4u2ProxyNoHeaderPac)?,
        )
    {
        return Err(KdcError::S4u2ProxyHeaderPac);
    }
    if header.server.principal.realm() != server.principal.realm() {
        return Err(KdcError::CrossRealmDelegation);
    }
    if with_pacs && evidence.pac.is_none() {
        return Err(KdcError::EvidenceNotSigned);
    }
    if !is_the_same(context, &header.part.client, evidence.server) {
        return Err(KdcError::EvidenceTicketMismatch);
    }
    // A service knows the key of its own tickets. Without our signature it could forge its own
    // evidence (CVE-2020-17049). In a realm with PACs, our signature was verified when the evidence
    // was opened.
    if !with_pacs
        && !authdata::is_signed(context, evidence.server.principal.realm(), &evidence.part)
    {
        return Err(KdcError::EvidenceNotSigned);
    }
    match &evidence.pac {
        Some(pac) if !client_of(&evidence.part, pac) => Err(KdcError::EvidencePacClient),
        _ => Ok(()),
    }
}

/// Returns whether tickets of this server's realm have PACs, which delegation then requires.
fn has_pacs(context: &Context<'_>, server: &PrincipalEntry) -> bool {
    context.realm(server.principal.realm()).pac != Pac::None
}

/// Returns whether `principal` is a name of this entry.
pub(crate) fn is_the_same(
    context: &Context<'_>,
    principal: &Principal,
    entry: &PrincipalEntry,
) -> bool {
    context
        .database
        .resolve(principal)
        .is_some_and(|found| found.principal == entry.principal)
}
