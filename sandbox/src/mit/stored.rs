//! Converts a principal of the file for the KDC.

use std::time::Duration;

use kerbox_kdc::{Attributes, NewKeys, NewPrincipal, PrincipalKey};
use kerbox_krb5::{EncryptionType, Principal, Timestamp};

use super::database::Database;
use super::entry::{Entry, StoredKey};
use super::master::MasterKeys;
use super::strings::session_enctypes;

/// Returns the principal, and warnings about settings that are not obeyed.
pub(super) fn new_principal(
    principal: Principal,
    entry: &Entry,
    file: &Database,
    master: &MasterKeys,
) -> (NewPrincipal, Vec<String>) {
    let mut not_obeyed = Vec::new();
    let default_salt = principal.default_salt();
    let mut keys = Vec::new();
    // The master keys themselves are of no use to clients.
    let stored_keys = entry
        .keys
        .iter()
        .filter(|_| principal != *master.principal());
    for stored in stored_keys.filter(|stored| stored.has_known_salt()) {
        let salt = stored.salt.as_deref().unwrap_or(&default_salt).into();
        match master.of(entry).and_then(|with| stored.open(with)) {
            Some(key) => keys.push(PrincipalKey::given(stored.kvno, key, salt)),
            None => not_obeyed.extend(unreadable(stored, master.version_of(entry))),
        }
    }
    let mut new = NewPrincipal::new(principal, NewKeys::Given(Vec::new()));
    new.entry.set_keys(keys);
    // As with MIT, a life of zero is no limit.
    new.entry.max_life = entry.max_life().filter(|life| *life > Duration::ZERO);
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
    new.entry.attributes = Attributes::from_bits(entry.flags);
    (new, not_obeyed)
}

/// Returns a warning about a key that cannot be decrypted. Old types are passed over, as MIT's KDC
/// passes over those that it does not permit.
fn unreadable(stored: &StoredKey, mkvno: u32) -> Option<String> {
    let enctype = EncryptionType(stored.enctype);
    enctype.is_supported().then(|| {
        format!(
            "its key with kvno {} and type {enctype} cannot be decrypted with master key {mkvno}",
            stored.kvno
        )
    })
}
