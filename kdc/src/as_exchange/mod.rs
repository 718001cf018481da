//! The AS exchange: from AS-REQ to AS-REP (RFC 4120, 3.1).

mod client;
mod states;

use kerbox_krb5::messages::{
    EncTicketPart, KdcOptions, KdcRequest, PaData, PaDataType, TicketFlags, TransitedEncoding,
};
use kerbox_krb5::{EncryptionKey, ErrorCode, KeyUsage, NameType, Principal};
use rand::Rng;

pub(crate) use client::{Client, find};
pub(crate) use states::{TGS_OPTIONS, validate};

use crate::context::Context;
use crate::database::RealmConfig;
use crate::error::{KdcError, Refusal};
use crate::fast::{self, Fast};
use crate::issue::{Issue, ReplyKey};
use crate::issued::IssuedTicket;
use crate::learned::Learned;
use crate::policy::{Grant, TicketTimes};
use crate::preauth::{self, KeysOf};
use crate::spake::{Answer, Exchange};
use crate::{Attributes, Pac, PrincipalEntry, PrincipalKey, pac, reply};

/// Opens the armor of an AS-REQ, if it has one, and learns the names inside. Returns the inner
/// request, which then counts.
pub(crate) fn open(
    context: &Context<'_>,
    request: &KdcRequest,
    learned: &mut Learned,
) -> Result<Option<KdcRequest>, Refusal> {
    let opened = fast::open_as(context, request).map_err(|code| Refusal {
        client: request.body.client.clone(),
        ..KdcError::FindFast(code).into()
    })?;
    Ok(opened.map(|(fast, inner)| {
        learned.armored(fast, &inner);
        inner
    }))
}

/// Answers an AS-REQ. `raw` is the encoding of the whole request, `request` the inner one if there
/// is an armor.
pub(crate) fn answer(
    context: &Context<'_>,
    request: &KdcRequest,
    raw: &[u8],
    fast: Option<&Fast>,
    rng: &mut impl Rng,
) -> Result<(Vec<u8>, IssuedTicket), Refusal> {
    Login::find(context, request, fast)
        .and_then(|login| login.issue(raw, rng))
        .map_err(|refusal| Refusal {
            client: refusal.client.or_else(|| request.body.client.clone()),
            ..refusal
        })
}

/// The result of a pre-authentication.
struct Shown {
    /// The kind of keys that the client proved to have.
    keys_of: KeysOf,
    /// The padata for the reply.
    padata: Option<PaData>,
    /// The key that encrypts the reply, if it is not the client's.
    reply_key: Option<EncryptionKey>,
}

impl Shown {
    /// Of a client that need not authenticate.
    const NOTHING: Self = Self {
        keys_of: KeysOf::Password,
        padata: None,
        reply_key: None,
    };
}

/// A request whose client and server are known and may get tickets.
struct Login<'a> {
    context: &'a Context<'a>,
    request: &'a KdcRequest,
    fast: Option<&'a Fast>,
    asked_client: &'a Principal,
    asked_server: &'a Principal,
    client: &'a PrincipalEntry,
    server: &'a PrincipalEntry,
    realm: &'a RealmConfig,
}

impl<'a> Login<'a> {
    fn find(
        context: &'a Context<'a>,
        request: &'a KdcRequest,
        fast: Option<&'a Fast>,
    ) -> Result<Self, Refusal> {
        let body = &request.body;
        let asked_client = body.client.as_ref().ok_or(KdcError::NullClient)?;
        let asked_server = body.server.as_ref().ok_or(KdcError::NullServer)?;
        let client = match find(context, asked_client) {
            Some(Client::Here(entry)) => entry,
            Some(Client::Elsewhere(principal)) => {
                return Err(Refusal {
                    client: Some(principal),
                    ..KdcError::Referral.into()
                });
            }
            None if is_anonymous(asked_client) => return Err(KdcError::AnonymousNotFound.into()),
            None => return Err(KdcError::ClientNotFound.into()),
        };
        let server = context
            .database
            .resolve(asked_server)
            .ok_or(KdcError::ServerNotFound)?;
        validate(context.now, body.options, client, server)?;
        Ok(Self {
            context,
            request,
            fast,
            asked_client,
            asked_server,
            client,
            server,
            realm: context.realm(asked_server.realm()),
        })
    }

    fn issue(&self, raw: &[u8], rng: &mut impl Rng) -> Result<(Vec<u8>, IssuedTicket), Refusal> {
        let body = &self.request.body;
        let grant = Grant {
            realm: self.realm,
            request: body,
            client: Some(self.client),
            server: self.server,
        };
        let session_enctype = grant.session_enctype().ok_or(KdcError::BadEncryptionType)?;
        let session_key =
            EncryptionKey::random(session_enctype, rng).map_err(|_| KdcError::BadEncryptionType)?;
        let times = grant.times(self.context.now.whole_second(), None);
        let mut flags = grant.flags(None);
        flags.set(TicketFlags::RENEWABLE, times.renew_till.is_some());
        if body.options.contains(KdcOptions::REQUEST_ANONYMOUS) && !is_anonymous(self.asked_client)
        {
            return Err(KdcError::AnonymousPrincipal.into());
        }
        let shown = self.authenticate(rng)?;
        flags.set(TicketFlags::PRE_AUTHENT, shown.is_some());
        let shown = shown.unwrap_or(Shown::NOTHING);

        let server_key = self
            .server
            .service_key()
            .ok_or(KdcError::FindingServerKey)?;
        let client_key = preauth::client_key(self.client, &body.enctypes, shown.keys_of)
            .ok_or(KdcError::CantFindClientKey)?;
        let part = self.ticket(session_key, flags, times);
        let pac = self.pac(&part)?;
        let mut padata = Vec::from_iter(shown.padata);
        padata.extend(preauth::etype_info(client_key, &body.enctypes));
        padata.extend(preauth::password_salt(client_key, &body.enctypes));
        let issue = Issue {
            context: self.context,
            request: self.request,
            raw,
            fast: self.fast,
            server: self.ticket_server(),
            server_principal: &self.server.principal,
            part,
            ticket_key: server_key.into(),
            pac,
            reply_key: ReplyKey {
                key: shown.reply_key.as_ref().unwrap_or_else(|| client_key.key()),
                kvno: client_key.told_kvno(),
                usage: KeyUsage::AS_REP_ENC_PART,
            },
            padata,
            key_expiration: [self.client.expires, self.client.password_expires]
                .into_iter()
                .flatten()
                .min(),
            addresses: body.addresses.clone(),
        };
        Ok(issue.reply(rng)?)
    }

    /// Verifies the client's pre-authentication, if it sends any, and refuses a client that must
    /// send some or a better one.
    fn authenticate(&self, rng: &mut impl Rng) -> Result<Option<Shown>, Refusal> {
        let has = |attribute| self.client.attributes.contains(attribute);
        let shown = self.verify(rng)?;
        if shown.is_none() && has(Attributes::REQUIRES_PRE_AUTH) {
            let tried = PaData::find(&self.request.padata, PaDataType::PK_AS_REQ).is_some();
            let error = if tried {
                KdcError::NeededOtherPreauth
            } else {
                KdcError::NeededPreauth
            };
            return Err(self.refuse(error, rng));
        }
        if has(Attributes::REQUIRES_HW_AUTH) {
            return Err(self.refuse(KdcError::NeededHwPreauth, rng));
        }
        Ok(shown)
    }

    /// Returns a refusal that lists the ways to authenticate.
    fn refuse(&self, error: KdcError, rng: &mut impl Rng) -> Refusal {
        let hardware = self
            .client
            .attributes
            .contains(Attributes::REQUIRES_HW_AUTH);
        let enctypes = &self.request.body.enctypes;
        let key = preauth::client_key(self.client, enctypes, KeysOf::Password);
        let mut refusal = Refusal::from(error);
        refusal.e_data = preauth::hints(key, enctypes, hardware, self.fast.is_some());
        let mut cookie = reply::cookie();
        let exchange = key.filter(|_| !hardware).and_then(|key| self.spake(key));
        if let (Some(config), Some(exchange)) = (self.realm.spake, exchange) {
            let mut element = PaData::new(PaDataType::SPAKE, Vec::new());
            if config.challenge_first
                && let Some([challenge, sealed]) = exchange.challenge(&[], rng)
            {
                (element, cookie) = (challenge, sealed);
            }
            // Before the older method, as in MIT's KDC.
            let last = refusal.e_data.len().saturating_sub(1);
            refusal.e_data.insert(last, element);
        }
        refusal.e_data.push(cookie);
        refusal
    }

    /// Verifies the request's pre-authentication; `Ok(None)` if it has none that is known.
    fn verify(&self, rng: &mut impl Rng) -> Result<Option<Shown>, Refusal> {
        let (client, now, realm) = (self.client, self.context.now, self.realm);
        let padata = &self.request.padata;
        let shown = |keys_of, padata| Shown {
            keys_of,
            padata,
            reply_key: None,
        };
        let verified = if let Some(element) = PaData::find(padata, PaDataType::ENCRYPTED_CHALLENGE)
        {
            // An encrypted challenge requires an armor.
            let fast = self.fast.ok_or(ErrorCode::KDC_ERR_PREAUTH_FAILED);
            let enctypes = &self.request.body.enctypes;
            fast.and_then(|fast| {
                fast.verify_challenge(client, enctypes, &element.value, now, realm, rng)
            })
            .map(|(keys_of, answer)| shown(keys_of, Some(answer)))
        } else if let Some(element) = PaData::find(padata, PaDataType::ENC_TIMESTAMP) {
            preauth::verify_timestamp(client, &element.value, now, realm)
                .map(|keys_of| shown(keys_of, None))
        } else if let Some(element) = PaData::find(padata, PaDataType::SPAKE)
            && realm.spake.is_some()
        {
            return self.verify_spake(element, rng).map(Some);
        } else {
            return Ok(None);
        };
        match verified {
            Ok(verified) => Ok(Some(verified)),
            Err(ErrorCode::KDC_ERR_PREAUTH_FAILED) => {
                Err(self.refuse(KdcError::PreauthFailed, rng))
            }
            Err(code) => Err(KdcError::Preauthentication(code).into()),
        }
    }

    /// Returns the exchange of SPAKE with one of the client's keys, if it is offered.
    fn spake<'b>(&'b self, key: &'b PrincipalKey) -> Option<Exchange<'b>> {
        self.realm.spake?;
        let cookie_key = self.context.kdc_key(&self.realm.name)?;
        Exchange::new(self.client, key, cookie_key, self.context.now)
    }

    /// Verifies a message of SPAKE, or refuses it with a challenge.
    fn verify_spake(&self, element: &PaData, rng: &mut impl Rng) -> Result<Shown, Refusal> {
        let enctypes = &self.request.body.enctypes;
        let key = preauth::client_key(self.client, enctypes, KeysOf::Password);
        let cookie = PaData::find(&self.request.padata, PaDataType::FX_COOKIE);
        let found = key.and_then(|key| {
            let sealed = cookie.map(|cookie| cookie.value.as_slice());
            let body = &self.request.raw_body;
            let answer = self.spake(key)?.answer(&element.value, sealed, body, rng)?;
            Some((key, answer))
        });
        match found {
            Some((key, Answer::Shown(reply_key))) => Ok(Shown {
                keys_of: if key.is_of_password() {
                    KeysOf::Password
                } else {
                    KeysOf::Keytab
                },
                padata: None,
                reply_key: Some(reply_key),
            }),
            Some((key, Answer::Challenge([challenge, sealed]))) => {
                let mut refusal = Refusal::from(KdcError::MorePreauthRequired);
                refusal.e_data.push(challenge);
                // A client that begins with SPAKE does not know its key's type and salt yet.
                if cookie.is_none() {
                    refusal.e_data.extend(preauth::etype_info(key, enctypes));
                }
                refusal.e_data.push(sealed);
                Err(refusal)
            }
            None => Err(self.refuse(KdcError::PreauthFailed, rng)),
        }
    }

    fn ticket(&self, key: EncryptionKey, flags: TicketFlags, times: TicketTimes) -> EncTicketPart {
        // An enterprise name asks who a client is, so the ticket always names the resolved
        // principal.
        let client =
            if self.canonicalizes() || self.asked_client.name_type() == NameType::ENTERPRISE {
                &self.client.principal
            } else {
                self.asked_client
            };
        let auth_time = self.context.now.whole_second();
        EncTicketPart {
            flags,
            key,
            client: client.clone(),
            transited: TransitedEncoding::default(),
            auth_time,
            start_time: (times.start != auth_time).then_some(times.start),
            end_time: times.end,
            renew_till: times.renew_till,
            addresses: self.request.body.addresses.clone(),
            authorization_data: Vec::new(),
        }
    }

    fn canonicalizes(&self) -> bool {
        let options = self.request.body.options;
        options.contains(KdcOptions::CANONICALIZE)
    }

    /// Returns the server's name for the ticket. Only a ticket-granting service may be returned
    /// under a name other than the requested one.
    fn ticket_server(&self) -> Principal {
        let (asked, found) = (self.asked_server, &self.server.principal);
        if self.canonicalizes() && asked.is_krbtgt() && found.is_krbtgt() {
            found.clone()
        } else {
            asked.clone()
        }
    }

    /// Returns the PAC's buffers and the key that signs them, if the ticket is to have one.
    fn pac(
        &self,
        part: &EncTicketPart,
    ) -> Result<Option<(Vec<pac::Buffer>, &'a EncryptionKey)>, KdcError> {
        let attributes = self.server.attributes;
        if self.realm.pac == Pac::None
            || attributes.contains(Attributes::NO_AUTH_DATA_REQUIRED)
            || !pac::is_wanted(self.request)
            || part.flags.contains(TicketFlags::ANONYMOUS)
        {
            return Ok(None);
        }
        let kdc_key = self
            .context
            .kdc_key(&self.realm.name)
            .ok_or(KdcError::FindingServerKey)?;
        let server = &self.server.principal;
        let contents = pac::of_login(self.request, self.realm, self.client, part, server);
        Ok(Some((contents, kdc_key)))
    }
}

/// Returns whether this is `WELLKNOWN/ANONYMOUS` of any realm (RFC 8062, 3).
fn is_anonymous(principal: &Principal) -> bool {
    principal.components() == ["WELLKNOWN", "ANONYMOUS"]
        && principal.name_type() == NameType::WELLKNOWN
}
