//! Changes to the principal database while the KDC runs.

use kerbox_kdc::{NewKeys, PrincipalEntry};
use kerbox_krb5::{EncryptionType, Principal, Timestamp};
use serde_json::{Value, json};

use super::{PrincipalRequest, When};
use crate::spec::duration;
use crate::{NewPrincipal, Realm};

/// Maximum number of principals in an answer.
const MOST: usize = 1_000;

/// Adds a principal with random keys or those of a password.
pub(super) fn add(realm: &Realm, request: &PrincipalRequest) -> Result<Value, String> {
    let mut new = NewPrincipal::new(&request.name);
    new.password.clone_from(&request.password);
    new.kvno = request.kvno;
    let enctypes = enctypes(request);
    new.enctypes = (!enctypes.is_empty()).then_some(enctypes);
    new.max_life = request.max_life;
    new.max_renewable_life = request.max_renewable_life;
    new.expires = request.expires.and_then(time);
    new.password_expires = request.password_expires.and_then(time);
    new.attributes.clone_from(&request.attributes);
    new.delegates_to.clone_from(&request.delegates_to);
    let principal = realm.add_user(new).map_err(|error| error.to_string())?;
    Ok(json!(format!("{principal} added")))
}

/// Returns the names of all principals.
pub(super) fn list(realm: &Realm) -> Value {
    let database = realm.kdc().database();
    database
        .principals()
        .map(|entry| entry.principal.to_string())
        .collect()
}

/// Returns the database's data about a principal, without its keys.
pub(super) fn show(realm: &Realm, name: &str) -> Result<Value, String> {
    let principal = realm.principal(name).map_err(|error| error.to_string())?;
    let database = realm.kdc().database();
    let entry = database
        .get(&principal)
        .ok_or_else(|| unknown(&principal))?;
    Ok(shown(entry))
}

/// Returns the data about all principals, up to [`MOST`].
pub(super) fn show_all(realm: &Realm) -> Value {
    let database = realm.kdc().database();
    let principals = database.principals().take(MOST);
    principals.map(|entry| shown(entry)).collect()
}

fn shown(entry: &PrincipalEntry) -> Value {
    let life = |life: Option<std::time::Duration>| {
        life.map_or_else(|| String::from("the realm's"), duration::to_text)
    };
    let time = |time: Option<Timestamp>| {
        time.map_or_else(|| String::from("never"), |time| time.to_string())
    };
    let mut keys: Vec<String> = Vec::new();
    for key in entry.keys() {
        let key = format!("{} {}", key.kvno, key.enctype());
        // A random key and a password's key may have the same version and type.
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    json!({
        "principal": entry.principal.to_string(),
        "attributes": entry.attributes.to_string(),
        "max_life": life(entry.max_life),
        "max_renewable_life": life(entry.max_renewable_life),
        "expires": time(entry.expires),
        "password_expires": time(entry.password_expires),
        "keys": keys.join(", "),
        "delegates_to": entry.delegates_to.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    })
}

/// Changes the named attributes and leaves the others.
pub(super) fn change(realm: &Realm, request: &PrincipalRequest) -> Result<Value, String> {
    let principal = realm
        .principal(&request.name)
        .map_err(|error| error.to_string())?;
    let enctypes = enctypes(request);
    let services = request
        .delegates_to
        .iter()
        .map(|name| realm.principal(name))
        .collect::<Result<Vec<_>, _>>();
    let services = services.map_err(|error| error.to_string())?;
    let keys = match (&request.password, request.random_key) {
        (Some(password), _) => Some(NewKeys::Password(password.clone())),
        (None, true) => Some(NewKeys::Random),
        (None, false) => None,
    };
    let mut rng = realm.core().rng();
    let changed = realm.kdc().update(|database, _| {
        let default_enctypes = database.realm_of(&principal)?.enctypes.clone();
        database.change(&principal, |entry| {
            entry.max_life = request.max_life.or(entry.max_life);
            entry.max_renewable_life = request.max_renewable_life.or(entry.max_renewable_life);
            entry.expires = request.expires.map_or(entry.expires, time);
            entry.password_expires = request
                .password_expires
                .map_or(entry.password_expires, time);
            entry.delegates_to.extend(services);
            for attribute in &request.attributes {
                entry.attributes.apply(attribute)?;
            }
            if let Some(keys) = &keys {
                let enctypes = if enctypes.is_empty() {
                    &default_enctypes
                } else {
                    &enctypes
                };
                entry.change_keys(keys, enctypes, request.keep_old, &mut *rng)?;
            }
            Ok(())
        })?
    });
    changed.map_err(|error| error.to_string())?;
    Ok(json!(format!("{principal} changed")))
}

/// Removes a principal; its existing tickets stay valid until they end.
pub(super) fn remove(realm: &Realm, name: &str) -> Result<Value, String> {
    let principal = realm.principal(name).map_err(|error| error.to_string())?;
    let removed = realm
        .kdc()
        .update(|database, _| database.remove(&principal));
    removed.map_err(|error| error.to_string())?;
    Ok(json!(format!("{principal} removed")))
}

pub(super) fn unknown(principal: &Principal) -> String {
    format!("there is no principal {principal}; `kerbox principal list` names those that there are")
}

fn enctypes(request: &PrincipalRequest) -> Vec<EncryptionType> {
    let numbers = request.enctypes.iter().copied();
    numbers.map(EncryptionType).collect()
}

fn time(when: When) -> Option<Timestamp> {
    match when {
        When::Never => None,
        When::At(micros) => Some(Timestamp::from_micros(micros)),
    }
}
