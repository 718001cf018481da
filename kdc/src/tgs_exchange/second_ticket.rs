//! The second ticket of a request, for user-to-user and S4U2Proxy.

use std::sync::Arc;

use kerbox_krb5::messages::{EncTicketPart, KdcOptions, KdcRequest, Ticket};
use kerbox_krb5::{EncryptionKey, ErrorCode};

use crate::context::Context;
use crate::error::KdcError;
use crate::{PrincipalEntry, header, pac};

/// A second ticket, decrypted, for user-to-user and S4U2Proxy.
pub(crate) struct SecondTicket<'a> {
    pub(crate) ticket: &'a Ticket,
    pub(crate) part: Arc<EncTicketPart>,
    pub(crate) server: &'a PrincipalEntry,
    /// Its verified PAC.
    pub(crate) pac: Option<pac::Parsed>,
}

/// Opens the second ticket, if the request has one and an option that needs it.
pub(super) fn open<'a>(
    context: &Context<'a>,
    request: &'a KdcRequest,
) -> Result<Option<SecondTicket<'a>>, KdcError> {
    if !request
        .body
        .options
        .intersects(KdcOptions::ENC_TKT_IN_SKEY | KdcOptions::CNAME_IN_ADDL_TKT)
    {
        return Ok(None);
    }
    let Some(ticket) = request.body.additional_tickets.first() else {
        return Ok(None);
    };
    let (server, part, key) = header::open(context, ticket).map_err(|code| match code {
        ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN => KdcError::SecondTicketServer,
        code => KdcError::SecondTicket(code),
    })?;
    let pac = read_pac(context, &part, server, key).map_err(KdcError::SecondTicketPac)?;
    Ok(Some(SecondTicket {
        ticket,
        part,
        server,
        pac,
    }))
}

/// Reads and verifies the PAC of a ticket for this server, if it has one.
pub(super) fn read_pac(
    context: &Context<'_>,
    part: &EncTicketPart,
    server: &PrincipalEntry,
    key: &EncryptionKey,
) -> Result<Option<pac::Parsed>, ErrorCode> {
    pac::read(part, &server.principal, key, || {
        context.kdc_keys(server.principal.realm())
    })
}
