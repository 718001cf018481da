//! A principal of the file as the KDC takes it, and what of it the KDC obeys.

use kerbox_kdc::{NewKeys, NewPrincipal, PrincipalKey};
use kerbox_krb5::{EncryptionType, Principal, Timestamp};

use super::database::{Database, Entry};
use super::strings::session_enctypes;

/// The principal, and what is set of it and not obeyed.
pub(super) fn new_principal(
    principal: Principal,
    entry: &Entry,
    file: &Database,
) -> (NewPrincipal, Vec<String>) {
    let mut not_obeyed = Vec::new();
    let default_salt = principal.default_salt();
    let keys = entry.keys.iter().filter_map(|stored| {
        let salt = stored.salt.as_deref().unwrap_or(&default_salt).into();
        Some(PrincipalKey::given(stored.kvno, stored.key()?, salt))
    });
    let keys = keys.collect();
    let mut new = NewPrincipal::new(principal, NewKeys::Given(Vec::new()));
    new.entry.set_keys(keys);
    new.entry.max_life = entry.max_life();
    new.entry.max_renewable_life = entry.max_renewable_life();
    new.entry.expires = entry.expires.map(Timestamp::from_secs);
    new.entry.password_expires = entry.password_expires.map(Timestamp::from_secs);
    new.entry.password_policy = file.policy_of(entry).map(|policy| policy.rules());
    if let Some(list) = entry.strings.get("session_enctypes") {
        match session_enctypes(list) {
            Ok(enctypes) => new.entry.session_enctypes = enctypes,
            Err(why) => not_obeyed.push(why),
        }
    }
    if new.entry.session_enctypes.is_empty() {
        // MIT 1.20 takes no type for granted that a service has no key of.
        let newest = entry.kvno();
        let keys = entry.keys.iter().filter(|key| key.kvno == newest);
        new.entry.session_enctypes = keys.map(|key| EncryptionType(key.enctype)).collect();
    }
    new.attributes = entry
        .attributes()
        .map(|attribute| attribute.to_string())
        .collect();
    (new, not_obeyed)
}
