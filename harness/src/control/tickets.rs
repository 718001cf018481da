//! Keytabs and custom tickets, including ones that the KDC would never issue.

use std::time::Duration;

use kerbox_krb5::ccache::{Credential, CredentialCache};
use kerbox_krb5::messages::{EncTicketPart, TicketFlags, TransitedEncoding};
use kerbox_krb5::{EncryptionKey, Principal, Timestamp};
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::principals::unknown;
use super::{Target, TicketRequest};
use crate::servers::token_file::token_file;
use crate::spec::KeyKind;
use crate::{Realm, Server};

const HOUR: Duration = Duration::from_secs(3600);

/// Returns the current keys of principals as the bytes of a keytab.
pub(super) fn keytab(realm: &Realm, names: &[String]) -> Result<Value, String> {
    let principals = names
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
pub(super) fn ccache(realm: &Realm, args: &TicketRequest) -> Result<Value, String> {
    let client = realm
        .principal(&args.name)
        .map_err(|error| error.to_string())?;
    let server = match &args.service {
        Some(service) => realm
            .principal(service)
            .map_err(|error| error.to_string())?,
        None => Principal::krbtgt(realm.name(), realm.name()),
    };
    let mut rng = realm.core().rng();
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
        |rng: &mut StdRng| EncryptionKey::random(enctype, rng).map_err(|error| error.to_string());
    let sealing = if args.wrong_key {
        random(&mut rng)?
    } else {
        sealing
    };
    let times = Times::of(args, realm.clock().now().whole_second());
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
        &mut *rng,
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

/// Logs a user in, and returns the name of the new credential cache.
pub(super) fn login(realm: &Realm, user: &str) -> Result<Value, String> {
    let principal = realm.principal(user).map_err(|error| error.to_string())?;
    if realm.kdc().database().resolve(&principal).is_none() {
        return Err(unknown(&principal));
    }
    let login = realm.login_blocking(user);
    let login = login.map_err(|error| error.to_string())?;
    Ok(json!(format!("FILE:{}", login.ccache().display())))
}

/// Issues a delegation token, and returns a token file that every Hadoop client reads.
pub(super) fn token(target: &Target, user: &str, renewer: &str) -> Result<Value, String> {
    let (Some(hdfs), Some(realm)) = (&target.hdfs, &target.realm) else {
        return Err(String::from(
            "delegation tokens need a NameNode with Kerberos security",
        ));
    };
    let owner = realm.principal(user).map_err(|error| error.to_string())?;
    let now = target.world().new_clock(Server::NameNode(1)).now();
    let namenode = hdfs.namenode();
    let token = namenode.issue_delegation_token(now, &owner.to_string(), renewer);
    let token = token.map_err(|error| error.to_string())?;
    let token = token.with_service(hdfs.address.to_string());
    Ok(json!(to_hex(&token_file(hdfs, &token))))
}

/// Replaces keys, and returns the version or number of the new one.
pub(super) fn roll_keys(target: &Target, keys: &KeyKind) -> Result<Value, String> {
    let rolled = match (&target.hdfs, &target.realm) {
        (Some(hdfs), realm) => hdfs.roll_keys(realm.as_ref(), keys),
        (None, Some(realm)) => realm.roll_keys(keys),
        (None, None) => {
            return Err(String::from(
                "there are no servers whose keys could be rolled",
            ));
        }
    };
    rolled
        .map(|key| json!(key))
        .map_err(|error| error.to_string())
}

/// Encodes bytes for an answer.
fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A ticket's start, end, and renewable end.
struct Times {
    start: Timestamp,
    end: Timestamp,
    renew_till: Option<Timestamp>,
}

impl Times {
    fn of(args: &TicketRequest, now: Timestamp) -> Self {
        let life = args.life.unwrap_or(10 * HOUR);
        let (start, end) = match (args.expired, args.not_yet_valid) {
            (true, _) => (now - 11 * HOUR, now - HOUR),
            (_, true) => (now + HOUR, now + HOUR + life),
            _ => (now, now + life),
        };
        let renewable = args.renewable_life.unwrap_or(7 * 24 * HOUR);
        Self {
            start,
            end,
            renew_till: (!args.not_renewable).then(|| start + renewable),
        }
    }
}

fn flags(args: &TicketRequest) -> TicketFlags {
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
