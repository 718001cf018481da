//! Changes to the principal database while the KDC runs.

use kerbox::{NewPrincipal, Realm};
use kerbox_kdc::NewKeys;
use kerbox_krb5::{EncryptionType, Timestamp};
use serde_json::{Value, json};

use crate::cli_admin::PrincipalArgs;
use crate::settings::{Attribute, parse_duration, parse_enctype, parse_time};

/// Adds a principal with random keys or those of a password.
pub(super) fn add(realm: &Realm, args: &PrincipalArgs) -> Result<Value, String> {
    let mut new = NewPrincipal::new(&args.name);
    if let Some(password) = &args.options.password {
        new = new.password(password);
    }
    if let Some(kvno) = args.options.kvno {
        new = new.kvno(kvno);
    }
    let enctypes = enctypes(args)?;
    if !enctypes.is_empty() {
        new = new.enctypes(enctypes);
    }
    if let Some(life) = &args.options.max_life {
        new = new.max_life(parse_duration(life)?);
    }
    if let Some(life) = &args.options.max_renewable_life {
        new = new.max_renewable_life(parse_duration(life)?);
    }
    if let Some(at) = time(args.options.expires.as_deref())?.flatten() {
        new = new.expires(at);
    }
    if let Some(at) = time(args.options.password_expires.as_deref())?.flatten() {
        new = new.password_expires(at);
    }
    for attribute in &args.options.attributes {
        new = new.attribute(Attribute::parse(attribute)?.to_string());
    }
    for service in &args.options.delegates_to {
        new = new.delegates_to(service);
    }
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
    let life = |life: Option<std::time::Duration>| {
        life.map_or_else(|| String::from("the realm's"), crate::settings::duration)
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
    Ok(json!({
        "principal": principal.to_string(),
        "attributes": entry.attributes.to_string(),
        "max_life": life(entry.max_life),
        "max_renewable_life": life(entry.max_renewable_life),
        "expires": time(entry.expires),
        "password_expires": time(entry.password_expires),
        "keys": keys.join(", "),
        "delegates_to": entry.delegates_to.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }))
}

/// Changes the named attributes and leaves the others.
pub(super) fn change(realm: &Realm, args: &PrincipalArgs) -> Result<Value, String> {
    let principal = realm
        .principal(&args.name)
        .map_err(|error| error.to_string())?;
    let enctypes = enctypes(args)?;
    let max_life = args
        .options
        .max_life
        .as_deref()
        .map(parse_duration)
        .transpose()?;
    let max_renewable_life = args
        .options
        .max_renewable_life
        .as_deref()
        .map(parse_duration)
        .transpose()?;
    let (expires, password_expires) = (
        time(args.options.expires.as_deref())?,
        time(args.options.password_expires.as_deref())?,
    );
    let attributes = args
        .options
        .attributes
        .iter()
        .map(|text| Attribute::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    let services = args
        .options
        .delegates_to
        .iter()
        .map(|name| realm.principal(name))
        .collect::<Result<Vec<_>, _>>();
    let services = services.map_err(|error| error.to_string())?;
    let keys = match (&args.options.password, args.options.random_key) {
        (Some(password), _) => Some(NewKeys::Password(password.clone())),
        (None, true) => Some(NewKeys::Random),
        (None, false) => None,
    };
    let mut rng = crate::randomness::generator(None);
    let mut database = realm.kdc().database_mut();
    let default_enctypes = database
        .realm_of(&principal)
        .map(|realm| realm.enctypes.clone())
        .map_err(|error| error.to_string())?;
    let changed = database.change(&principal, |entry| {
        entry.max_life = max_life.or(entry.max_life);
        entry.max_renewable_life = max_renewable_life.or(entry.max_renewable_life);
        entry.expires = expires.unwrap_or(entry.expires);
        entry.password_expires = password_expires.unwrap_or(entry.password_expires);
        entry.delegates_to.extend(services);
        for attribute in &attributes {
            entry.attributes.apply(&attribute.to_string())?;
        }
        if let Some(keys) = &keys {
            let enctypes = if enctypes.is_empty() {
                &default_enctypes
            } else {
                &enctypes
            };
            entry.change_keys(keys, enctypes, args.options.keep_old, &mut rng)?;
        }
        Ok::<_, kerbox_kdc::DatabaseError>(())
    });
    changed
        .and_then(|changed| changed)
        .map_err(|error| error.to_string())?;
    Ok(json!(format!("{principal} changed")))
}

/// Removes a principal; its existing tickets stay valid until they end.
pub(super) fn remove(realm: &Realm, name: &str) -> Result<Value, String> {
    let principal = realm.principal(name).map_err(|error| error.to_string())?;
    realm
        .kdc()
        .database_mut()
        .remove(&principal)
        .map_err(|error| error.to_string())?;
    Ok(json!(format!("{principal} removed")))
}

pub(super) fn unknown(principal: &kerbox::Principal) -> String {
    format!("there is no principal {principal}; `kerbox principal list` names those that there are")
}

fn enctypes(args: &PrincipalArgs) -> Result<Vec<EncryptionType>, String> {
    args.options
        .enctypes
        .iter()
        .map(|name| parse_enctype(name))
        .collect()
}

/// Parses a time or `never`; `None` if the option is absent.
fn time(text: Option<&str>) -> Result<Option<Option<Timestamp>>, String> {
    match text {
        None => Ok(None),
        Some("never") => Ok(Some(None)),
        Some(text) => parse_time(text).map(|time| Some(Some(time))),
    }
}
