//! Servers of other realms: the ticket-granting service that leads to them (RFC 6806, 8).

use kerbox_krb5::messages::{KdcOptions, KdcRequestBody};
use kerbox_krb5::{NameType, Principal};

use crate::PrincipalEntry;
use crate::context::Context;
use crate::error::KdcError;
use crate::header::SAME_TICKET;

/// Finds the server of a TGS request, or the ticket-granting service for the next realm on the
/// path.
pub(crate) fn server<'a>(
    context: &Context<'a>,
    body: &KdcRequestBody,
    asked: &Principal,
) -> Result<&'a PrincipalEntry, KdcError> {
    if let Some(entry) = context.database.resolve(asked) {
        return Ok(entry);
    }
    // Such requests are about an existing ticket, so they are not referred.
    if body
        .options
        .intersects(SAME_TICKET | KdcOptions::ENC_TKT_IN_SKEY)
    {
        return Err(KdcError::LookingUpServer);
    }
    let ours = asked.realm();
    let theirs = if asked.is_krbtgt() {
        asked.components()[1].as_str()
    } else {
        realm_of_host(context, body, asked).ok_or(KdcError::LookingUpServer)?
    };
    if theirs == ours {
        return Err(KdcError::LookingUpServer);
    }
    // The farthest realm on the path that shares a key with ours.
    let way = context.database.capaths().way(ours, theirs);
    way.iter()
        .skip(1)
        .rev()
        .find_map(|realm| context.database.get(&Principal::krbtgt(realm, ours)))
        .map(|entry| &**entry)
        .ok_or(KdcError::UnknownServer)
}

/// Returns the foreign realm of a host-based service, for a client that accepts referrals.
fn realm_of_host<'a>(
    context: &Context<'a>,
    body: &KdcRequestBody,
    asked: &Principal,
) -> Option<&'a str> {
    let [service, host] = asked.components() else {
        return None;
    };
    let realm = context.realm(asked.realm());
    let is_in = |list: &[String]| list.iter().any(|listed| listed == "*" || listed == service);
    let host_based = match asked.name_type() {
        NameType::SRV_HST | NameType::SRV_INST => true,
        NameType::UNKNOWN => is_in(&realm.host_based_services),
        _ => false,
    };
    if !body.options.contains(KdcOptions::CANONICALIZE)
        || !host_based
        || is_in(&realm.no_host_referral)
        || !host.contains('.')
    {
        return None;
    }
    realm.realm_of_host(host)
}
