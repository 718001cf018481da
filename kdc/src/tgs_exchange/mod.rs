//! The TGS exchange: from TGS-REQ to TGS-REP (RFC 4120, 3.3).

mod authdata;
mod checks;
mod referral;
mod s4u;

use kerbox_krb5::messages::{
    EncKdcReplyPart, EncTicketPart, EncryptedData, KdcOptions, KdcReply, KdcRequest, MessageType,
    TicketFlags, TransitedEncoding,
};
use kerbox_krb5::{EncryptionKey, EncryptionType, ErrorCode, Principal, Timestamp};
use rand::Rng;

use self::checks::SecondTicket;
use self::s4u::S4u2Self;
use crate::context::Context;
use crate::error::{KdcError, Refusal};
use crate::fast::{self, Fast};
use crate::header::{self, Header, is_local_tgs};
use crate::issued::IssuedTicket;
use crate::learned::Learned;
use crate::policy::{Grant, TicketTimes};
use crate::{Attributes, Pac, PrincipalEntry, pac, reply, transited};

/// Answers a TGS-REQ; `raw` is its encoding. Stores the ticket's client in `learned` as soon as it
/// is known.
pub(crate) fn answer(
    context: &Context<'_>,
    request: &KdcRequest,
    raw: &[u8],
    learned: &mut Learned,
    rng: &mut impl Rng,
) -> Result<Vec<u8>, Refusal> {
    let answer = open(context, request, learned).and_then(|(header, inner)| {
        let request = inner.as_ref().unwrap_or(request);
        exchange(context, request, raw, &header, learned.fast.as_ref(), rng)
    });
    match answer {
        Ok((reply, issued)) => {
            learned.issued = Some(issued);
            Ok(reply)
        }
        Err(error) => Err(Refusal {
            client: learned.client.clone(),
            ..error.into()
        }),
    }
}

/// Learns the ticket's client, and the server inside the armor, as far as they can be decrypted.
/// Errors are left to the answer.
pub(crate) fn learn(context: &Context<'_>, request: &KdcRequest, learned: &mut Learned) {
    // Facts read before an error stay learned.
    let _ = open(context, request, learned);
}

/// Opens the request's ticket and its armor, if it has one. With an armor, the inner request
/// counts.
fn open<'a>(
    context: &Context<'a>,
    request: &KdcRequest,
    learned: &mut Learned,
) -> Result<(Header<'a>, Option<KdcRequest>), KdcError> {
    let header =
        header::read(context, request, &mut learned.client).map_err(KdcError::ProcessTgs)?;
    let Some((fast, inner)) = fast::open_tgs(request, &header).map_err(KdcError::FindFast)? else {
        return Ok((header, None));
    };
    learned.server.clone_from(&inner.body.server);
    learned.fast = Some(fast);
    Ok((header, Some(inner)))
}

fn exchange(
    context: &Context<'_>,
    request: &KdcRequest,
    raw: &[u8],
    header: &Header<'_>,
    fast: Option<&Fast>,
    rng: &mut impl Rng,
) -> Result<(Vec<u8>, IssuedTicket), KdcError> {
    let body = &request.body;
    let asked = body.server.as_ref().ok_or(KdcError::NullServer)?;
    let header_pac = read_pac(context, &header.part, header.server, header.ticket_key)
        .map_err(KdcError::HeaderPac)?;
    let server = referral::server(context, body, asked)?;
    // Another realm's ticket-granting service instead of the requested server.
    let is_referral = server.principal.is_krbtgt()
        && server.principal != *asked
        && !is_local_tgs(&server.principal);
    let s4u2self = s4u::read(context, request, header, server)?;
    let second = second_ticket(context, request)?;

    checks::constraints(body, asked, header, server, context.now, s4u2self.is_some())?;
    if let Some(s4u2self) = &s4u2self {
        s4u2self.check(context, request, header, header_pac.as_ref(), server)?;
    }
    checks::server_policy(body.options, header, server, context.now)?;
    if body.options.contains(KdcOptions::ENC_TKT_IN_SKEY) {
        checks::user_to_user(context, second.as_ref(), server)?;
    }
    // The client of the new ticket: the requester, or the user in whose name it asks.
    let evidence = if body.options.contains(KdcOptions::CNAME_IN_ADDL_TKT) {
        Some(s4u::check_s4u2proxy(
            context,
            request,
            header,
            header_pac.as_ref(),
            server,
            second.as_ref(),
        )?)
    } else {
        None
    };
    if evidence.is_none() && s4u2self.is_none() {
        checks::header_pac(context, header, header_pac.as_ref())?;
    }
    let subject = evidence.map_or(&header.part, |evidence| &evidence.part);
    let ticket_client = s4u2self
        .as_ref()
        .map_or(&subject.client, |s4u2self| &s4u2self.user);
    let client_entry = match &s4u2self {
        Some(s4u2self) => s4u2self.entry(),
        None => of_our_realm(context, ticket_client, server),
    };

    let grant = Grant {
        realm: context.realm(server.principal.realm()),
        request: body,
        client: client_entry,
        server,
    };
    let session_enctype = session_enctype(&grant, second.as_ref())?;
    let session_key =
        EncryptionKey::random(session_enctype, rng).map_err(|_| KdcError::BadEncryptionType)?;
    let times = ticket_times(&grant, header, context.now);
    let transited = transited(header, ticket_client, asked, server)?;
    let on_the_way = !body.options.contains(KdcOptions::DISABLE_TRANSITED_CHECK)
        && context
            .database
            .capaths()
            .allow(&transited, subject.client.realm(), asked.realm());
    // MIT's KDC refuses tickets that it did not check, even if the client asked it to skip the
    // check.
    if !on_the_way && grant.realm.reject_bad_transit {
        return Err(KdcError::BadTransit);
    }
    let mut flags = grant.flags(Some(header.times()));
    flags.set(TicketFlags::TRANSITED_POLICY_CHECKED, on_the_way);
    flags.set(TicketFlags::RENEWABLE, times.renew_till.is_some());
    if s4u2self.is_some() && !S4u2Self::may_be_forwardable(server) {
        flags = flags.without(TicketFlags::FORWARDABLE);
    }
    let auth_time = subject.auth_time;
    let mut authorization_data = authdata::of_request(body, header)?;
    authorization_data.extend(subject.authorization_data.iter().cloned());
    // A new ticket gets its own PAC.
    pac::remove(&mut authorization_data);
    // Only forwarded and proxied tickets get the request's addresses. Others keep their own.
    let elsewhere = body
        .options
        .intersects(KdcOptions::FORWARDED | KdcOptions::PROXY);
    let mut part = EncTicketPart {
        flags,
        key: session_key,
        client: ticket_client.clone(),
        transited,
        auth_time,
        start_time: (times.start != auth_time).then_some(times.start),
        end_time: times.end,
        renew_till: times.renew_till,
        addresses: if elsewhere {
            body.addresses.clone()
        } else {
            header.part.addresses.clone()
        },
        authorization_data,
    };
    if context.database.has_delegation() && !server.principal.is_krbtgt() {
        let key = context
            .kdc_key(server.principal.realm())
            .ok_or(KdcError::FindingServerKey)?;
        authdata::sign(&mut part, key);
    }
    let ticket_server = if is_referral {
        &server.principal
    } else {
        asked
    }
    .clone();
    let no_pac = grant.realm.pac == Pac::None
        || server
            .attributes
            .contains(Attributes::NO_AUTH_DATA_REQUIRED);
    let subject_pac = match evidence {
        Some(evidence) => evidence.pac.as_ref(),
        None => header_pac.as_ref(),
    };
    let contents = match subject_pac.filter(|_| !no_pac) {
        None => None,
        Some(pac) => Some(
            match (s4u2self.as_ref().and_then(S4u2Self::entry), evidence) {
                (Some(user), _) => pac::of_user(grant.realm, user, &part),
                (None, None) => pac::of_ticket(pac, &server.principal),
                (None, Some(evidence)) => {
                    let mut contents = pac::of_ticket(pac, &server.principal);
                    pac::add_delegation(&mut contents, &evidence.ticket.server, asked)
                        .map_err(|_| KdcError::SecondTicketPac(ErrorCode::KRB_ERR_GENERIC))?;
                    contents
                }
            },
        ),
    };
    let seal = |key: &EncryptionKey, kvno| {
        if let Some(contents) = contents {
            let kdc_key = context
                .kdc_key(server.principal.realm())
                .ok_or(KdcError::FindingServerKey)?;
            pac::add(&mut part, contents, &server.principal, key, kdc_key);
        }
        Ok(part.seal(ticket_server, key, kvno, rng))
    };
    let ticket = match &second {
        Some(second) if body.options.contains(KdcOptions::ENC_TKT_IN_SKEY) => {
            seal(&second.part.key, None)?
        }
        _ => {
            let key = server.service_key().ok_or(KdcError::FindingServerKey)?;
            seal(key.key(), key.told_kvno())?
        }
    };
    let (reply_key, usage) = header.reply_key();
    let mut reply_key = reply_key.clone();
    let mut padata = s4u2self
        .map(|s4u2self| s4u2self.reply(header))
        .unwrap_or_default();
    if let Some(fast) = fast {
        let armored = fast
            .reply(padata, &part.client, &ticket, &reply_key, context.now, rng)
            .map_err(KdcError::FindFast)?;
        (padata, reply_key) = (armored.padata, armored.reply_key);
    }
    let issued = IssuedTicket::new(context.now, &ticket, &part);
    let reply_part = EncKdcReplyPart {
        key: part.key,
        last_req: vec![(0, Timestamp::EPOCH)],
        nonce: body.nonce,
        key_expiration: None,
        flags,
        auth_time,
        start_time: part.start_time,
        end_time: part.end_time,
        renew_till: part.renew_till,
        server: ticket.server.clone(),
        addresses: if elsewhere {
            part.addresses
        } else {
            Vec::new()
        },
        encrypted_padata: reply::encrypted_padata(request, raw, &reply_key),
    };
    let enc_part = EncryptedData::seal(
        &reply_key,
        None,
        usage,
        &reply_part.encode(MessageType::TGS_REP),
        rng,
    );
    let reply = KdcReply {
        message_type: MessageType::TGS_REP,
        padata,
        client: reply::shown(fast, part.client),
        ticket,
        enc_part,
    };
    Ok((reply.encode(), issued))
}

/// Opens the second ticket, if the request has one and an option that needs it.
fn second_ticket<'a>(
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
fn read_pac(
    context: &Context<'_>,
    part: &EncTicketPart,
    server: &PrincipalEntry,
    key: &EncryptionKey,
) -> Result<Option<pac::Parsed>, ErrorCode> {
    pac::read(
        part,
        &server.principal,
        key,
        context.kdc_keys(server.principal.realm()),
    )
}

/// Returns the client's entry, if it is of the server's realm. We do not limit principals of other
/// realms.
fn of_our_realm<'a>(
    context: &Context<'a>,
    client: &Principal,
    server: &PrincipalEntry,
) -> Option<&'a PrincipalEntry> {
    if client.realm() != server.principal.realm() {
        return None;
    }
    context.database.resolve(client).map(|entry| &**entry)
}

/// Returns the realms through which the client came: those in its ticket, and the one that issued
/// it.
fn transited(
    header: &Header<'_>,
    client: &Principal,
    asked: &Principal,
    server: &PrincipalEntry,
) -> Result<TransitedEncoding, KdcError> {
    let issuer = header.server.principal.realm();
    let listed = &header.part.transited;
    if issuer == server.principal.realm() || issuer == client.realm() {
        return Ok(listed.clone());
    }
    if listed.encoding_type != TransitedEncoding::DOMAIN_X500_COMPRESS {
        return Err(KdcError::TransitType);
    }
    transited::add(listed, issuer, client.realm(), asked.realm()).ok_or(KdcError::AddToTransited)
}

fn ticket_times(grant: &Grant<'_>, header: &Header<'_>, now: Timestamp) -> TicketTimes {
    let of_header = header.times();
    if grant.request.options.contains(KdcOptions::VALIDATE) {
        return TicketTimes {
            start: of_header.start,
            end: of_header.end,
            renew_till: of_header.renew_till,
        };
    }
    grant.times(now.whole_second(), Some(of_header))
}

/// Chooses the session key's type. In a user-to-user exchange, the server supports the type of its
/// own ticket's session key.
fn session_enctype(
    grant: &Grant<'_>,
    second: Option<&SecondTicket<'_>>,
) -> Result<EncryptionType, KdcError> {
    let theirs = second
        .filter(|_| grant.request.options.contains(KdcOptions::ENC_TKT_IN_SKEY))
        .map(|second| second.part.key.enctype())
        .filter(|enctype| grant.request.enctypes.contains(enctype));
    theirs
        .or_else(|| grant.session_enctype())
        .ok_or(KdcError::BadEncryptionType)
}
