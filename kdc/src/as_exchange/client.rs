//! The client of an AS request, also by an enterprise name or in another realm (RFC 6806).

use std::sync::Arc;

use kerbox_krb5::{NameType, Principal};

use crate::PrincipalEntry;
use crate::context::Context;

/// The client named in an AS request.
pub(crate) enum Client<'a> {
    /// A client of ours.
    Here(&'a Arc<PrincipalEntry>),
    /// A client of another realm, under its name there.
    Elsewhere(Principal),
}

/// Finds the client of an AS request, also by an enterprise name.
pub(crate) fn find<'a>(context: &Context<'a>, asked: &Principal) -> Option<Client<'a>> {
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
