//! Keytabs and custom tickets, including ones that the KDC would never issue.

use std::time::Duration;

use kerbox::{Principal, Realm};
use kerbox_krb5::ccache::{Credential, CredentialCache};
use kerbox_krb5::messages::{EncTicketPart, TicketFlags, TransitedEncoding};
use kerbox_krb5::{EncryptionKey, Timestamp};
use serde_json::{Value, json};

use super::principals::unknown;
use super::to_hex;
use crate::cli_admin::{KeytabArgs, TicketArgs};
use crate::settings::parse_duration;

const HOUR: Duration = Duration::from_hours(1);

/// Returns the current keys of principals as the bytes of a keytab.
pub(super) fn keytab(realm: &Realm, args: &KeytabArgs) -> Result<Value, String> {
    let principals = args
        .names
        .iter()
        .map(|name| realm.principal(name))
        .collect::<Result<Vec<_>, _>>();
    let principals = principals.map_err(|error| error.to_string())?;
    let keytab = realm
        .kdc()
        .database()
        .keytab(&principals, realm.clock().now());
    Ok(json!(to_hex(
        &keytab.map_err(|error| error.to_string())?.to_bytes()
    )))
}

/// Returns a ticket as the bytes of a credential cache.
pub(super) fn ccache(realm: &Realm, args: &TicketArgs) -> Result<Value, String> {
    let client = realm
        .principal(&args.name)
        .map_err(|error| error.to_string())?;
    let server = match &args.service {
        Some(service) => realm
            .principal(service)
            .map_err(|error| error.to_string())?,
        None => Principal::krbtgt(realm.name(), realm.name()),
    };
    let mut rng = crate::randomness::generator(None);
    let (sealing, kvno) = {
        let database = realm.kdc().database();
        let entry = database.resolve(&server).ok_or_else(|| unknown(&server))?;
        let key = entry
            .service_key()
            .ok_or_else(|| format!("{server} has no keys"))?;
        (key.key().clone(), key.kvno)
    };
    let enctype = sealing.enctype();
    let random =
        |rng: &mut _| EncryptionKey::random(enctype, rng).map_err(|error| error.to_string());
    let sealing = if args.wrong_key {
        random(&mut rng)?
    } else {
        sealing
    };
    let times = Times::of(args, realm.clock().now().whole_second())?;
    let part = EncTicketPart {
        flags: flags(args),
        key: random(&mut rng)?,
        client: client.clone(),
        transited: TransitedEncoding::default(),
        auth_time: times.start,
        start_time: Some(times.start),
        end_time: times.end,
        renew_till: times.renew_till,
        addresses: Vec::new(),
        authorization_data: Vec::new(),
    };
    let ticket = part.seal(
        server.clone(),
        &sealing,
        Some(args.kvno.unwrap_or(kvno)),
        &mut rng,
    );
    let mut credential = Credential::new(client.clone(), server, part.key, ticket.encode());
    credential.auth_time = times.start;
    credential.start_time = times.start;
    credential.end_time = times.end;
    credential.renew_till = times.renew_till.unwrap_or(Timestamp::EPOCH);
    credential.flags = part.flags;
    let mut cache = CredentialCache::new(client);
    cache.set_time_offset(realm.clock().offset_micros());
    cache.push(credential);
    Ok(json!(to_hex(&cache.to_bytes())))
}

/// A ticket's start, end, and renewable end.
struct Times {
    start: Timestamp,
    end: Timestamp,
    renew_till: Option<Timestamp>,
}

impl Times {
    fn of(args: &TicketArgs, now: Timestamp) -> Result<Self, String> {
        let duration =
            |text: &Option<String>, usual| text.as_deref().map_or(Ok(usual), parse_duration);
        let life = duration(&args.life, 10 * HOUR)?;
        let (start, end) = match (args.expired, args.not_yet_valid) {
            (true, _) => (now - 11 * HOUR, now - HOUR),
            (_, true) => (now + HOUR, now + HOUR + life),
            _ => (now, now + life),
        };
        let renewable = duration(&args.renewable_life, 7 * 24 * HOUR)?;
        Ok(Self {
            start,
            end,
            renew_till: (!args.not_renewable).then(|| start + renewable),
        })
    }
}

fn flags(args: &TicketArgs) -> TicketFlags {
    let mut flags = TicketFlags::PRE_AUTHENT;
    for (flag, on) in [
        (TicketFlags::INITIAL, args.service.is_none()),
        (TicketFlags::RENEWABLE, !args.not_renewable),
        (TicketFlags::FORWARDABLE, !args.not_forwardable),
    ] {
        if on {
            flags |= flag;
        }
    }
    flags
}
