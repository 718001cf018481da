//! The checks of a TGS request, in MIT's order: first those of the protocol, then those of the
//! server's principal.

use kerbox_krb5::messages::{KdcOptions, KdcRequestBody, TicketFlags};
use kerbox_krb5::{Principal, Timestamp};

use super::second_ticket::SecondTicket;
use crate::context::Context;
use crate::error::KdcError;
use crate::header::{Header, SAME_TICKET, is_local_tgs};
use crate::{Attributes, PrincipalEntry, pac};

/// Checks options, ticket and times against the protocol.
pub(crate) fn constraints(
    body: &KdcRequestBody,
    asked: &Principal,
    header: &Header<'_>,
    server: &PrincipalEntry,
    now: Timestamp,
    s4u2self: bool,
) -> Result<(), KdcError> {
    options(body.options, header.part.flags)?;
    times(body.options, header, now.whole_second())?;
    if body.options.intersects(SAME_TICKET) {
        if header.ticket.server != *asked {
            return Err(KdcError::ServerDidntMatch);
        }
        if body.options.contains(KdcOptions::PROXY) && asked.is_krbtgt() {
            return Err(KdcError::CantProxyTgt);
        }
    } else {
        if !header.ticket.server.is_krbtgt() {
            return Err(KdcError::BadTgsServerName);
        }
        if header.ticket.server.components()[1] != asked.realm() {
            return Err(KdcError::BadTgsServerInstance);
        }
    }
    // Another realm must not vouch for a client of ours, except in a cross-realm S4U2Self.
    let realm = server.principal.realm();
    if !s4u2self && header.server.principal.realm() != realm && header.part.client.realm() == realm
    {
        return Err(KdcError::InvalidLineage);
    }
    Ok(())
}

/// Checks that the ticket has the flags that some options require.
fn options(options: KdcOptions, flags: TicketFlags) -> Result<(), KdcError> {
    let rules = [
        (
            KdcOptions::FORWARDED,
            TicketFlags::FORWARDABLE,
            KdcError::TgtNotForwardable,
        ),
        (
            KdcOptions::PROXY,
            TicketFlags::PROXIABLE,
            KdcError::TgtNotProxiable,
        ),
        (
            KdcOptions::ALLOW_POSTDATE | KdcOptions::POSTDATED,
            TicketFlags::MAY_POSTDATE,
            KdcError::TgtNotPostdatable,
        ),
        (
            KdcOptions::VALIDATE,
            TicketFlags::INVALID,
            KdcError::ValidateValidTicket,
        ),
        (
            KdcOptions::RENEW,
            TicketFlags::RENEWABLE,
            KdcError::TicketNotRenewable,
        ),
    ];
    for (asked, needed, error) in rules {
        if options.intersects(asked) && !flags.contains(needed) {
            return Err(error);
        }
    }
    if flags.contains(TicketFlags::INVALID) && !options.contains(KdcOptions::VALIDATE) {
        return Err(KdcError::TicketNotValid);
    }
    Ok(())
}

fn times(options: KdcOptions, header: &Header<'_>, now: Timestamp) -> Result<(), KdcError> {
    if options.contains(KdcOptions::VALIDATE) && header.part.start() > now {
        return Err(KdcError::NotYetValid);
    }
    // The ticket's end was checked when the ticket was opened.
    if options.contains(KdcOptions::RENEW) && header.part.renew_till.is_none_or(|till| now > till) {
        return Err(KdcError::TicketExpired);
    }
    Ok(())
}

/// Checks the PAC of an ordinary request's ticket, if there is one: it must be the client's own.
pub(crate) fn header_pac(
    context: &Context<'_>,
    header: &Header<'_>,
    pac: Option<&pac::Parsed>,
) -> Result<(), KdcError> {
    let Some(pac) = pac else { return Ok(()) };
    let part = &header.part;
    if !pac::is_of(pac, &part.client, part.auth_time) {
        return Err(KdcError::HeaderPacClient);
    }
    let Some(realm) = context.database.realm(part.client.realm()) else {
        return Ok(());
    };
    match context.database.resolve(&part.client) {
        Some(entry) if !pac::was_asked_by(pac, realm, entry) => Err(KdcError::HeaderPacRequestor),
        _ => Ok(()),
    }
}

/// Checks user-to-user: the second ticket must be the server's own ticket-granting ticket of our
/// realm.
pub(crate) fn user_to_user(
    context: &Context<'_>,
    second: Option<&SecondTicket<'_>>,
    server: &PrincipalEntry,
) -> Result<(), KdcError> {
    let second = second.ok_or(KdcError::NoSecondTicket)?;
    if !is_local_tgs(&second.ticket.server)
        || second.ticket.server.realm() != server.principal.realm()
    {
        return Err(KdcError::SecondTicketNotTgs);
    }
    let owner = context.database.resolve(&second.part.client);
    if owner.is_none_or(|owner| owner.principal != server.principal) {
        return Err(KdcError::SecondTicketMismatch);
    }
    Ok(())
}

/// Checks what the server's principal allows.
pub(crate) fn server_policy(
    options: KdcOptions,
    header: &Header<'_>,
    server: &PrincipalEntry,
    now: Timestamp,
) -> Result<(), KdcError> {
    let has = |attribute| server.attributes.contains(attribute);
    let asks = |option| options.contains(option);
    let flags = header.part.flags;
    let checks = [
        (
            asks(KdcOptions::RENEWABLE) && has(Attributes::DISALLOW_RENEWABLE),
            KdcError::NonRenewableTicket,
        ),
        (
            asks(KdcOptions::ALLOW_POSTDATE) && has(Attributes::DISALLOW_POSTDATED),
            KdcError::NonPostdatableTicket,
        ),
        (
            asks(KdcOptions::ENC_TKT_IN_SKEY) && has(Attributes::DISALLOW_DUP_SKEY),
            KdcError::DupSkeyDisallowed,
        ),
        (has(Attributes::DISALLOW_ALL_TIX), KdcError::ServerLockedOut),
        (
            has(Attributes::DISALLOW_SVR) && !asks(KdcOptions::ENC_TKT_IN_SKEY),
            KdcError::ServerNotAllowed,
        ),
        (
            has(Attributes::DISALLOW_TGT_BASED) && header.ticket.server.is_krbtgt(),
            KdcError::TgtBasedNotAllowed,
        ),
        (
            has(Attributes::REQUIRES_HW_AUTH) && !flags.contains(TicketFlags::HW_AUTHENT),
            KdcError::NoHwPreauth,
        ),
        (
            has(Attributes::REQUIRES_PRE_AUTH) && !flags.contains(TicketFlags::PRE_AUTHENT),
            KdcError::NoPreauth,
        ),
        (
            server
                .expires
                .is_some_and(|expires| now.whole_second() > expires),
            KdcError::ServiceExpired,
        ),
    ];
    match checks.into_iter().find(|(refused, _)| *refused) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}
