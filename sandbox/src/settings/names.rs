//! Names of realms and principals.

use kerbox::spec::RealmSpec;
use kerbox_krb5::Principal;

/// Returns the realm's name, which every sandbox's realm has.
pub(super) fn own_name(realm: &RealmSpec) -> &str {
    realm.name.as_deref().unwrap_or_default()
}

/// Returns whether two names mean the same principal.
pub(super) fn same_name(a: &str, b: &str, realm: &str) -> bool {
    match (Principal::parse(a, realm), Principal::parse(b, realm)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}
