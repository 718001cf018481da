//! Names that lead elsewhere: servers and clients of other realms, and enterprise names (RFC 6806).

use std::sync::Arc;

use kerbox_krb5::messages::{KdcOptions, KdcRequestBody};
use kerbox_krb5::{NameType, Principal};

use crate::PrincipalEntry;
use crate::context::Context;
use crate::error::KdcError;
use crate::tgs_checks::SAME_TICKET;

/// The client named in an AS request.
pub(crate) enum Client<'a> {
    /// A client of ours.
    Here(&'a Arc<PrincipalEntry>),
    /// A client of another realm, under its name there.
    Elsewhere(Principal),
}

/// Finds the client of an AS request, also by an enterprise name.
pub(crate) fn client<'a>(context: &Context<'a>, asked: &Principal) -> Option<Client<'a>> {
    if let Some(entry) = context.database.resolve(asked) {
        return Some(Client::Here(entry));
    }
    if let Some(principal) = context.database.client_referral(asked) {
        return Some(Client::Elsewhere(principal.clone()));
    }
    let [name] = asked.components() else {
        return None;
    };
    if asked.name_type() != NameType::ENTERPRISE {
        return None;
    }
    // An enterprise name has one component, `user@realm`. It names users only: MIT's KDC finds no
    // service by such a name.
    let principal = Principal::parse(name, asked.realm()).ok()?;
    if principal.components().len() != 1 {
        return None;
    }
    if let Some(entry) = context.database.resolve(&principal) {
        return Some(Client::Here(entry));
    }
    let trusted = context
        .database
        .get(&Principal::krbtgt(principal.realm(), asked.realm()))
        .is_some();
    (trusted && principal.realm() != asked.realm()).then_some(Client::Elsewhere(principal))
}

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
