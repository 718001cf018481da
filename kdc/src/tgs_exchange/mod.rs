//! The TGS exchange: from TGS-REQ to TGS-REP (RFC 4120, 3.3).

mod authdata;
mod checks;
mod referral;
mod s4u;
mod second_ticket;

use kerbox_krb5::messages::{
    EncTicketPart, KdcOptions, KdcRequest, TicketFlags, TransitedEncoding,
};
use kerbox_krb5::{EncryptionKey, EncryptionType, ErrorCode, Principal, Timestamp};
use rand::Rng;

use self::s4u::S4u2Self;
use self::second_ticket::{SecondTicket, read_pac};
use crate::context::Context;
use crate::error::KdcError;
use crate::fast::{self, Fast};
use crate::header::{self, Header, is_local_tgs};
use crate::issue::{Issue, ReplyKey, TicketKey};
use crate::issued::IssuedTicket;
use crate::learned::Learned;
use crate::policy::{Grant, TicketTimes};
use crate::{Attributes, Pac, PrincipalEntry, pac, transited};

/// Opens a TGS-REQ's ticket and its armor, if it has one, and learns the ticket's client as soon as
/// it is known. Returns the inner request of an armor, which then counts.
pub(crate) fn open<'a>(
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

/// Answers a TGS-REQ. `raw` is the encoding of the whole request, `request` the inner one if there
/// is an armor.
pub(crate) fn answer(
    context: &Context<'_>,
    request: &KdcRequest,
    raw: &[u8],
    header: &Header<'_>,
    fast: Option<&Fast>,
    rng: &mut impl Rng,
) -> Result<(Vec<u8>, IssuedTicket), KdcError> {
    let asked = request.body.server.as_ref().ok_or(KdcError::NullServer)?;
    let header_pac = read_pac(context, &header.part, header.server, header.ticket_key)
        .map_err(KdcError::HeaderPac)?;
    let server = referral::server(context, &request.body, asked)?;
    let subject = Subject {
        s4u2self: s4u::read(context, request, header, server)?,
        second: second_ticket::open(context, request)?,
        header_pac,
    };
    let exchange = Exchange {
        context,
        request,
        header,
        asked,
        server,
        subject: &subject,
    };
    let evidence = exchange.check()?;
    exchange.issue(evidence, raw, fast, rng)
}

/// The tickets and statements that say in whose name a service asks.
struct Subject<'a> {
    s4u2self: Option<S4u2Self<'a>>,
    second: Option<SecondTicket<'a>>,
    header_pac: Option<pac::Parsed>,
}

/// A request whose ticket was opened and whose server is known.
struct Exchange<'a> {
    context: &'a Context<'a>,
    request: &'a KdcRequest,
    header: &'a Header<'a>,
    asked: &'a Principal,
    server: &'a PrincipalEntry,
    subject: &'a Subject<'a>,
}

impl<'a> Exchange<'a> {
    fn has(&self, option: KdcOptions) -> bool {
        self.request.body.options.contains(option)
    }

    /// Makes all checks, in MIT's order. Returns the evidence of an S4U2Proxy request.
    fn check(&self) -> Result<Option<&'a SecondTicket<'a>>, KdcError> {
        let (context, request, header, server) =
            (self.context, self.request, self.header, self.server);
        let (body, now) = (&request.body, context.now);
        let Subject {
            s4u2self,
            second,
            header_pac,
        } = self.subject;
        let (second, header_pac) = (second.as_ref(), header_pac.as_ref());
        checks::constraints(body, self.asked, header, server, now, s4u2self.is_some())?;
        if let Some(s4u2self) = s4u2self {
            s4u2self.check(context, request, header, header_pac, server)?;
        }
        checks::server_policy(body.options, header, server, now)?;
        if self.has(KdcOptions::ENC_TKT_IN_SKEY) {
            checks::user_to_user(context, second, server)?;
        }
        if self.has(KdcOptions::CNAME_IN_ADDL_TKT) {
            return s4u::check_s4u2proxy(context, request, header, header_pac, server, second)
                .map(Some);
        }
        if s4u2self.is_none() {
            checks::header_pac(context, header, header_pac)?;
        }
        Ok(None)
    }

    fn issue(
        &self,
        evidence: Option<&SecondTicket<'_>>,
        raw: &[u8],
        fast: Option<&Fast>,
        rng: &mut impl Rng,
    ) -> Result<(Vec<u8>, IssuedTicket), KdcError> {
        let s4u2self = self.subject.s4u2self.as_ref();
        let part = self.ticket(evidence, rng)?;
        let pac = self.pac(evidence, &part)?;
        let (key, usage) = self.header.reply_key();
        let issue = Issue {
            context: self.context,
            request: self.request,
            raw,
            fast,
            server: self.ticket_server().clone(),
            server_principal: &self.server.principal,
            ticket_key: self.ticket_key()?,
            pac,
            reply_key: ReplyKey {
                key,
                kvno: None,
                usage,
            },
            padata: s4u2self
                .map(|s4u2self| s4u2self.reply(self.header))
                .unwrap_or_default(),
            key_expiration: None,
            addresses: if self.moves() {
                part.addresses.clone()
            } else {
                Vec::new()
            },
            part,
        };
        issue.reply(rng)
    }

    /// Returns whether the ticket is for use from other addresses. Only then it gets the request's;
    /// others keep their own.
    fn moves(&self) -> bool {
        let elsewhere = KdcOptions::FORWARDED | KdcOptions::PROXY;
        self.request.body.options.intersects(elsewhere)
    }

    /// Decides the new ticket's content, all but its PAC.
    fn ticket(
        &self,
        evidence: Option<&SecondTicket<'_>>,
        rng: &mut impl Rng,
    ) -> Result<EncTicketPart, KdcError> {
        let (context, header, server) = (self.context, self.header, self.server);
        let body = &self.request.body;
        // The client of the new ticket: the requester, or the user in whose name it asks.
        let subject = evidence.map_or(&header.part, |evidence| &evidence.part);
        let s4u2self = self.subject.s4u2self.as_ref();
        let client = s4u2self.map_or(&subject.client, |s4u2self| &s4u2self.user);
        let grant = Grant {
            realm: context.realm(server.principal.realm()),
            request: body,
            client: match s4u2self {
                Some(s4u2self) => s4u2self.entry(),
                None => of_our_realm(context, client, server),
            },
            server,
        };
        let session_enctype = session_enctype(&grant, self.subject.second.as_ref())?;
        let key =
            EncryptionKey::random(session_enctype, rng).map_err(|_| KdcError::BadEncryptionType)?;
        let times = ticket_times(&grant, header, context.now);
        let transited = transited(header, client, self.asked, server)?;
        let flags = self.flags(&grant, &times, &transited, subject.client.realm())?;
        let mut authorization_data = authdata::of_request(body, header)?;
        // A new ticket gets its own PAC. The request can have none: only a KDC says what is in it.
        let others = subject.authorization_data.iter();
        authorization_data.extend(others.filter(|element| !pac::is_in(element)).cloned());
        let addresses = if self.moves() {
            &body.addresses
        } else {
            &header.part.addresses
        };
        let mut part = EncTicketPart {
            flags,
            key,
            client: client.clone(),
            transited,
            auth_time: subject.auth_time,
            start_time: (times.start != subject.auth_time).then_some(times.start),
            end_time: times.end,
            renew_till: times.renew_till,
            addresses: addresses.clone(),
            authorization_data,
        };
        if context.database.has_delegation() && !server.principal.is_krbtgt() {
            authdata::sign(&mut part, self.kdc_key()?);
        }
        Ok(part)
    }

    fn flags(
        &self,
        grant: &Grant<'_>,
        times: &TicketTimes,
        transited: &TransitedEncoding,
        client_realm: &str,
    ) -> Result<TicketFlags, KdcError> {
        let capaths = self.context.database.capaths();
        let on_the_way = !self.has(KdcOptions::DISABLE_TRANSITED_CHECK)
            && capaths.allow(transited, client_realm, self.asked.realm());
        // MIT's KDC refuses tickets that it did not check, even if the client asked it to skip the
        // check.
        if !on_the_way && grant.realm.reject_bad_transit {
            return Err(KdcError::BadTransit);
        }
        let mut flags = grant.flags(Some(self.header.times()));
        flags.set(TicketFlags::TRANSITED_POLICY_CHECKED, on_the_way);
        flags.set(TicketFlags::RENEWABLE, times.renew_till.is_some());
        if self.subject.s4u2self.is_some() && !S4u2Self::may_be_forwardable(self.server) {
            flags = flags.without(TicketFlags::FORWARDABLE);
        }
        Ok(flags)
    }

    /// Returns the PAC's buffers and the key that signs them, if the ticket is to have one.
    fn pac(
        &self,
        evidence: Option<&SecondTicket<'_>>,
        part: &EncTicketPart,
    ) -> Result<Option<(Vec<pac::Buffer>, &'a EncryptionKey)>, KdcError> {
        let (asked, server) = (self.asked, &self.server.principal);
        let realm = self.context.realm(server.realm());
        let attributes = self.server.attributes;
        let subject_pac = match evidence {
            Some(evidence) => evidence.pac.as_ref(),
            None => self.subject.header_pac.as_ref(),
        };
        let Some(pac) = subject_pac.filter(|_| {
            realm.pac != Pac::None && !attributes.contains(Attributes::NO_AUTH_DATA_REQUIRED)
        }) else {
            return Ok(None);
        };
        let user = self.subject.s4u2self.as_ref().and_then(S4u2Self::entry);
        let contents = if let Some(user) = user {
            pac::of_user(realm, user, part)
        } else {
            let mut contents = pac::of_ticket(pac, server);
            if let Some(evidence) = evidence {
                pac::add_delegation(&mut contents, &evidence.ticket.server, asked)
                    .map_err(|_| KdcError::SecondTicketPac(ErrorCode::KRB_ERR_GENERIC))?;
            }
            contents
        };
        Ok(Some((contents, self.kdc_key()?)))
    }

    fn kdc_key(&self) -> Result<&'a EncryptionKey, KdcError> {
        self.context
            .kdc_key(self.server.principal.realm())
            .ok_or(KdcError::FindingServerKey)
    }

    fn ticket_key(&self) -> Result<TicketKey<'a>, KdcError> {
        match &self.subject.second {
            Some(second) if self.has(KdcOptions::ENC_TKT_IN_SKEY) => Ok(TicketKey {
                key: &second.part.key,
                kvno: None,
            }),
            _ => self
                .server
                .service_key()
                .map(TicketKey::from)
                .ok_or(KdcError::FindingServerKey),
        }
    }

    /// Returns the server's name for the ticket: the requested one, or that of another realm's
    /// ticket-granting service to which the client is referred.
    fn ticket_server(&self) -> &'a Principal {
        let found = &self.server.principal;
        if found.is_krbtgt() && found != self.asked && !is_local_tgs(found) {
            found
        } else {
            self.asked
        }
    }
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
