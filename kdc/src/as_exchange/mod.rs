//! The AS exchange: from AS-REQ to AS-REP (RFC 4120, 3.1).

mod client;

use kerbox_krb5::messages::{
    EncKdcReplyPart, EncTicketPart, EncryptedData, KdcOptions, KdcReply, KdcRequest, MessageType,
    PaData, PaDataType, TicketFlags, TransitedEncoding,
};
use kerbox_krb5::{EncryptionKey, ErrorCode, KeyUsage, NameType, Principal, Timestamp};
use rand::Rng;

use self::client::Client;
use crate::context::Context;
use crate::database::RealmConfig;
use crate::error::{KdcError, Refusal};
use crate::fast::{self, Fast};
use crate::issued::IssuedTicket;
use crate::learned::Learned;
use crate::policy::Grant;
use crate::preauth::{self, KeysOf};
use crate::{Attributes, Pac, PrincipalEntry};
use crate::{pac, reply};

/// Options that are valid in TGS requests only.
pub(crate) const TGS_OPTIONS: KdcOptions = KdcOptions(
    KdcOptions::FORWARDED.0
        | KdcOptions::PROXY.0
        | KdcOptions::RENEW.0
        | KdcOptions::VALIDATE.0
        | KdcOptions::ENC_TKT_IN_SKEY.0
        | KdcOptions::CNAME_IN_ADDL_TKT.0,
);

/// Answers an AS-REQ; `raw` is its encoding.
pub(crate) fn answer(
    context: &Context<'_>,
    request: &KdcRequest,
    raw: &[u8],
    learned: &mut Learned,
    rng: &mut impl Rng,
) -> Result<Vec<u8>, Refusal> {
    let armored = fast::open_as(context, request).map_err(|code| Refusal {
        client: request.body.client.clone(),
        ..KdcError::FindFast(code).into()
    })?;
    let Some((fast, inner)) = armored else {
        let (reply, issued) = exchange(context, request, raw, None, rng)?;
        learned.issued = Some(issued);
        return Ok(reply);
    };
    let fast = learned.armored(fast, &inner);
    let (reply, issued) = exchange(context, &inner, raw, Some(fast), rng)?;
    learned.issued = Some(issued);
    Ok(reply)
}

/// Learns the names inside the armor, if there is one and it can be decrypted.
pub(crate) fn learn(context: &Context<'_>, request: &KdcRequest, learned: &mut Learned) {
    if let Ok(Some((fast, inner))) = fast::open_as(context, request) {
        learned.armored(fast, &inner);
    }
}

fn exchange(
    context: &Context<'_>,
    request: &KdcRequest,
    raw: &[u8],
    fast: Option<&Fast>,
    rng: &mut impl Rng,
) -> Result<(Vec<u8>, IssuedTicket), Refusal> {
    let body = &request.body;
    let refused = |error: KdcError| Refusal {
        client: body.client.clone(),
        ..error.into()
    };
    let asked_client = body.client.as_ref().ok_or(KdcError::NullClient)?;
    let asked_server = body
        .server
        .as_ref()
        .ok_or_else(|| refused(KdcError::NullServer))?;
    let canonicalize = body.options.contains(KdcOptions::CANONICALIZE);
    let client = match client::find(context, asked_client) {
        Some(Client::Here(entry)) => entry,
        Some(Client::Elsewhere(principal)) => {
            return Err(Refusal {
                client: Some(principal),
                ..KdcError::Referral.into()
            });
        }
        None if is_anonymous(asked_client) => return Err(refused(KdcError::AnonymousNotFound)),
        None => return Err(refused(KdcError::ClientNotFound)),
    };
    let server = context
        .database
        .resolve(asked_server)
        .ok_or_else(|| refused(KdcError::ServerNotFound))?;
    let realm = context.realm(asked_server.realm());
    validate(context.now, body.options, client, server).map_err(refused)?;

    let grant = Grant {
        realm,
        request: body,
        client: Some(client),
        server,
    };
    let session_enctype = grant
        .session_enctype()
        .ok_or_else(|| refused(KdcError::BadEncryptionType))?;
    let session_key = EncryptionKey::random(session_enctype, rng)
        .map_err(|_| refused(KdcError::BadEncryptionType))?;
    let now = context.now.whole_second();
    let times = grant.times(now, None);
    let mut flags = grant.flags(None);
    flags.set(TicketFlags::RENEWABLE, times.renew_till.is_some());
    if body.options.contains(KdcOptions::REQUEST_ANONYMOUS) && !is_anonymous(asked_client) {
        return Err(refused(KdcError::AnonymousPrincipal));
    }

    let hint_key = preauth::client_key(client, &body.enctypes, KeysOf::Password);
    let hardware = client.attributes.contains(Attributes::REQUIRES_HW_AUTH);
    let with_hints = |error: KdcError| {
        let mut refusal = refused(error);
        refusal.e_data = preauth::hints(hint_key, &body.enctypes, hardware, fast.is_some());
        refusal.e_data.push(reply::cookie());
        refusal
    };
    let mut keys_of = KeysOf::Password;
    let mut padata = Vec::new();
    match verify(client, request, fast, context.now, realm, rng) {
        Ok(Some((shown, answer))) => {
            keys_of = shown;
            padata.extend(answer);
            flags |= TicketFlags::PRE_AUTHENT;
        }
        Ok(None) => {}
        Err(KdcError::PreauthFailed) => return Err(with_hints(KdcError::PreauthFailed)),
        Err(other) => return Err(refused(other)),
    }
    if !flags.contains(TicketFlags::PRE_AUTHENT)
        && client.attributes.contains(Attributes::REQUIRES_PRE_AUTH)
    {
        return Err(with_hints(
            match PaData::find(&request.padata, PaDataType::PK_AS_REQ) {
                Some(_) => KdcError::NeededOtherPreauth,
                None => KdcError::NeededPreauth,
            },
        ));
    }
    if hardware {
        return Err(with_hints(KdcError::NeededHwPreauth));
    }
    let server_key = server
        .service_key()
        .ok_or_else(|| refused(KdcError::FindingServerKey))?;
    let client_key = preauth::client_key(client, &body.enctypes, keys_of)
        .ok_or_else(|| refused(KdcError::CantFindClientKey))?;
    // An enterprise name asks who a client is, so the ticket always names the resolved principal.
    let ticket_client = if canonicalize || asked_client.name_type() == NameType::ENTERPRISE {
        client.principal.clone()
    } else {
        asked_client.clone()
    };
    // Only a ticket-granting service may be returned under a name other than the requested one.
    let ticket_server = if canonicalize && asked_server.is_krbtgt() && server.principal.is_krbtgt()
    {
        server.principal.clone()
    } else {
        asked_server.clone()
    };
    let mut part = EncTicketPart {
        flags,
        key: session_key,
        client: ticket_client,
        transited: TransitedEncoding::default(),
        auth_time: now,
        start_time: (times.start != now).then_some(times.start),
        end_time: times.end,
        renew_till: times.renew_till,
        addresses: body.addresses.clone(),
        authorization_data: Vec::new(),
    };
    let no_pac = server
        .attributes
        .contains(Attributes::NO_AUTH_DATA_REQUIRED);
    if realm.pac != Pac::None
        && !no_pac
        && pac::is_wanted(request)
        && !flags.contains(TicketFlags::ANONYMOUS)
    {
        let kdc_key = context
            .kdc_key(&realm.name)
            .ok_or_else(|| refused(KdcError::FindingServerKey))?;
        let contents = pac::of_login(request, realm, client, &part, &server.principal);
        pac::add(
            &mut part,
            contents,
            &server.principal,
            server_key.key(),
            kdc_key,
        );
    }
    let ticket = part.seal(ticket_server, server_key.key(), server_key.told_kvno(), rng);
    padata.extend(preauth::etype_info(client_key, &body.enctypes));
    padata.extend(preauth::password_salt(client_key, &body.enctypes));
    let mut reply_key = client_key.key().clone();
    if let Some(fast) = fast {
        let armored = fast.reply(padata, &part.client, &ticket, &reply_key, context.now, rng);
        let armored = armored.map_err(|code| refused(KdcError::FindFast(code)))?;
        (padata, reply_key) = (armored.padata, armored.reply_key);
    }
    let issued = IssuedTicket::new(context.now, &ticket, &part);
    let reply_part = EncKdcReplyPart {
        key: part.key,
        last_req: vec![(0, Timestamp::EPOCH)],
        nonce: body.nonce,
        key_expiration: [client.expires, client.password_expires]
            .into_iter()
            .flatten()
            .min(),
        flags,
        auth_time: now,
        start_time: part.start_time,
        end_time: part.end_time,
        renew_till: part.renew_till,
        server: ticket.server.clone(),
        addresses: part.addresses,
        encrypted_padata: reply::encrypted_padata(request, raw, &reply_key),
    };
    let enc_part = EncryptedData::seal(
        &reply_key,
        client_key.told_kvno(),
        KeyUsage::AS_REP_ENC_PART,
        &reply_part.encode(MessageType::AS_REP),
        rng,
    );
    let reply = KdcReply {
        message_type: MessageType::AS_REP,
        padata,
        client: reply::shown(fast, part.client),
        ticket,
        enc_part,
    };
    Ok((reply.encode(), issued))
}

/// Verifies the request's pre-authentication. Returns the kind of keys that the client proved to
/// have, and the padata for the reply; `Ok(None)` if the request has no known pre-authentication.
fn verify(
    client: &PrincipalEntry,
    request: &KdcRequest,
    fast: Option<&Fast>,
    now: Timestamp,
    realm: &RealmConfig,
    rng: &mut impl Rng,
) -> Result<Option<(KeysOf, Option<PaData>)>, KdcError> {
    let verified = if let Some(element) =
        PaData::find(&request.padata, PaDataType::ENCRYPTED_CHALLENGE)
    {
        // An encrypted challenge requires an armor.
        let fast = fast.ok_or(KdcError::PreauthFailed)?;
        fast.verify_challenge(
            client,
            &request.body.enctypes,
            &element.value,
            now,
            realm,
            rng,
        )
        .map(|(keys_of, answer)| (keys_of, Some(answer)))
    } else if let Some(element) = PaData::find(&request.padata, PaDataType::ENC_TIMESTAMP) {
        preauth::verify_timestamp(client, &element.value, now, realm).map(|keys_of| (keys_of, None))
    } else {
        return Ok(None);
    };
    match verified {
        Ok(verified) => Ok(Some(verified)),
        Err(ErrorCode::KDC_ERR_PREAUTH_FAILED) => Err(KdcError::PreauthFailed),
        Err(code) => Err(KdcError::Preauthentication(code)),
    }
}

/// Checks the states of client and server, in MIT's order.
pub(crate) fn validate(
    now: Timestamp,
    options: KdcOptions,
    client: &PrincipalEntry,
    server: &PrincipalEntry,
) -> Result<(), KdcError> {
    let now = now.whole_second();
    let over = |time: Option<Timestamp>| time.is_some_and(|time| now > time);
    let changes_passwords = server.attributes.contains(Attributes::PWCHANGE_SERVICE);
    let no_postdating =
        |entry: &PrincipalEntry| entry.attributes.contains(Attributes::DISALLOW_POSTDATED);
    let checks = [
        (options.intersects(TGS_OPTIONS), KdcError::InvalidAsOptions),
        (over(client.expires), KdcError::ClientExpired),
        (
            over(client.password_expires) && !changes_passwords,
            KdcError::ClientKeyExpired,
        ),
        (over(server.expires), KdcError::ServiceExpired),
        (
            client.attributes.contains(Attributes::REQUIRES_PWCHANGE) && !changes_passwords,
            KdcError::RequiredPasswordChange,
        ),
        (
            options.intersects(KdcOptions::ALLOW_POSTDATE | KdcOptions::POSTDATED)
                && (no_postdating(client) || no_postdating(server)),
            KdcError::PostdateNotAllowed,
        ),
        (
            client.attributes.contains(Attributes::DISALLOW_ALL_TIX),
            KdcError::ClientLockedOut,
        ),
        (
            server.attributes.contains(Attributes::DISALLOW_ALL_TIX),
            KdcError::ServiceLockedOut,
        ),
        (
            server.attributes.contains(Attributes::DISALLOW_SVR),
            KdcError::ServiceNotAllowed,
        ),
    ];
    match checks.into_iter().find(|(refused, _)| *refused) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// Returns whether this is `WELLKNOWN/ANONYMOUS` of any realm (RFC 8062, 3).
fn is_anonymous(principal: &Principal) -> bool {
    principal.components() == ["WELLKNOWN", "ANONYMOUS"]
        && principal.name_type() == NameType::WELLKNOWN
}
