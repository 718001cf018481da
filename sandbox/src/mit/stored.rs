//! Converts a principal of the file for the KDC.

use kerbox_kdc::{NewKeys, NewPrincipal, PrincipalKey};
use kerbox_krb5::{EncryptionType, Principal, Timestamp};

use super::database::{Database, Entry};
use super::strings::session_enctypes;

/// Returns the principal, and warnings about settings that are not obeyed.
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
        // MIT 1.20 assumes that a service supports only the types of its keys.
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
