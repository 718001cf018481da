//! The password service (RFC 3244, and version 1 before it).

use std::net::IpAddr;
use std::sync::Arc;

use kerbox_events::Outcome;
use kerbox_krb5::ap_exchange::{Accepted, ApAcceptor, ReplayCache};
use kerbox_krb5::messages::{
    ChangePasswordData, EncKrbPrivPart, EncryptedData, HostAddress, KrbError, KrbPriv, MessageType,
    TicketFlags,
};
use kerbox_krb5::{EncryptionKey, ErrorCode, KeyUsage, Principal, Timestamp};
use rand::Rng;

use crate::{
    Attributes, DatabaseError, NewKeys, PasswordRefused, PrincipalDatabase, PrincipalEntry,
    RealmConfig,
};

/// The version of a message that carries only the new password.
const CHANGE: u16 = 1;
/// The version of RFC 3244, which can name another principal.
const SET: u16 = 0xFF80;

/// RFC 3244, 2: the result of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ResultCode {
    Success = 0,
    Malformed = 1,
    HardError = 2,
    AuthError = 3,
    SoftError = 4,
    AccessDenied = 5,
    InitialFlagNeeded = 7,
}

impl ResultCode {
    fn outcome(self) -> Outcome {
        match self {
            Self::Success => Outcome::Ok,
            Self::Malformed => Outcome::Status("KRB5_KPASSWD_MALFORMED"),
            Self::HardError => Outcome::Status("KRB5_KPASSWD_HARDERROR"),
            Self::AuthError => Outcome::Status("KRB5_KPASSWD_AUTHERROR"),
            Self::SoftError => Outcome::Status("KRB5_KPASSWD_SOFTERROR"),
            Self::AccessDenied => Outcome::Status("KRB5_KPASSWD_ACCESSDENIED"),
            Self::InitialFlagNeeded => Outcome::Status("KRB5_KPASSWD_INITIAL_FLAG_NEEDED"),
        }
    }
}

/// The reason for a refused password: the number, and a text for the user.
type Refused = (ResultCode, String);

/// A message to the password service, with its AP-REQ and KRB-PRIV.
pub(crate) struct Request<'a> {
    version: u16,
    ap_req: &'a [u8],
    krb_priv: &'a [u8],
}

impl<'a> Request<'a> {
    /// Parses a request. Returns `None` for an answer of a password service, so that two services
    /// never answer each other.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<6>()?;
        let [length, version, ap_length] = [
            [header[0], header[1]],
            [header[2], header[3]],
            [header[4], header[5]],
        ]
        .map(u16::from_be_bytes);
        if usize::from(length) != bytes.len() || ![CHANGE, SET].contains(&version) {
            return None;
        }
        let (ap_req, krb_priv) = rest.split_at_checked(ap_length.into())?;
        (MessageType::of(ap_req) == Some(MessageType::AP_REQ)).then_some(Self {
            version,
            ap_req,
            krb_priv,
        })
    }
}

/// The requester, the target, and the outcome.
pub(crate) struct Answer {
    pub(crate) message: Vec<u8>,
    pub(crate) client: Option<Principal>,
    pub(crate) target: Option<Principal>,
    pub(crate) outcome: Outcome,
}

/// Answers a request. `local` is the address that received it, which the answer gives as its
/// sender. `random` gives a client's random numbers. A change is acknowledged once `keep` has kept
/// it.
pub(crate) fn answer<R: Rng>(
    database: &mut PrincipalDatabase,
    replay_cache: &ReplayCache,
    request: &Request<'_>,
    now: Timestamp,
    local: Option<IpAddr>,
    random: impl FnOnce(&PrincipalDatabase, &Principal) -> R,
    keep: impl FnOnce(&PrincipalDatabase) -> Result<(), DatabaseError>,
) -> Answer {
    let server = service(database, request.ap_req);
    let accepted = match accept(database, Some(replay_cache), &server, request, now) {
        Ok(accepted) => accepted,
        Err(code) => {
            let mut error = KrbError::new(code, now, server);
            error.data = Some(result(
                ResultCode::AuthError,
                "Failed reading application request",
            ));
            return Answer {
                message: frame(&[], &error.encode()),
                client: None,
                target: None,
                outcome: Outcome::KrbError(code),
            };
        }
    };
    let key = key_of(&accepted);
    let client = accepted.client().clone();
    let rng = &mut random(database, &client);
    let mut target = None;
    let changed = change(database, request, &accepted, key, now, &mut target, rng);
    let kept = changed.and_then(|before| {
        keep(database).map_err(|error| {
            database.put_back(before);
            (ResultCode::HardError, error.to_string())
        })
    });
    let (code, text) = match kept {
        Ok(()) => (ResultCode::Success, String::new()),
        Err(refused) => refused,
    };
    let seq_number = rng.next_u32() >> 1;
    let ap_rep = accepted.reply(None, Some(seq_number), rng);
    let part = EncKrbPrivPart {
        user_data: result(code, &text),
        timestamp: None,
        seq_number: Some(seq_number),
        sender: local.map_or_else(directional, Into::into),
        recipient: None,
    };
    let krb_priv = KrbPriv {
        enc_part: EncryptedData::seal(key, None, KeyUsage::KRB_PRIV_ENC_PART, &part.encode(), rng),
    };
    Answer {
        message: frame(&ap_rep, &krb_priv.encode()),
        client: Some(client),
        target,
        outcome: code.outcome(),
    }
}

/// Returns `kadmin/changepw` of the realm that the ticket names, or of the first realm.
fn service(database: &PrincipalDatabase, ap_req: &[u8]) -> Principal {
    let asked = kerbox_krb5::messages::ApReq::decode(ap_req).map(|request| request.ticket.server);
    let realm = asked
        .ok()
        .and_then(|server| database.realm(server.realm()))
        .or_else(|| database.realms().first());
    Principal::new(
        realm.map_or("", |realm| &realm.name),
        ["kadmin", "changepw"],
    )
}

fn accept(
    database: &PrincipalDatabase,
    replay_cache: Option<&ReplayCache>,
    server: &Principal,
    request: &Request<'_>,
    now: Timestamp,
) -> Result<Accepted, ErrorCode> {
    let keytab = database
        .keytab([server], now)
        .map_err(|_| ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN)?;
    let mut acceptor = ApAcceptor::new(&keytab, Some(server));
    acceptor.replay_cache = replay_cache;
    if let Some(realm) = database.realm(server.realm()) {
        acceptor.skew = realm.clock_skew;
    }
    acceptor
        .accept(now, request.ap_req)
        .map_err(|refused| refused.error.code())
}

/// Returns the requester and the target as far as they can be read. Changes and remembers nothing.
pub(crate) fn learn(
    database: &PrincipalDatabase,
    request: &Request<'_>,
    now: Timestamp,
) -> (Option<Principal>, Option<Principal>) {
    let server = service(database, request.ap_req);
    let Ok(accepted) = accept(database, None, &server, request, now) else {
        return (None, None);
    };
    let client = accepted.client().clone();
    let target = open(request, &accepted, key_of(&accepted))
        .ok()
        .map(|data| data.target.unwrap_or_else(|| client.clone()));
    (Some(client), target)
}

/// Returns the key of both sides' KRB-PRIVs.
fn key_of(accepted: &Accepted) -> &EncryptionKey {
    let subkey = accepted.authenticator.subkey.as_ref();
    subkey.unwrap_or(&accepted.ticket.key)
}

/// Decrypts the KRB-PRIV. Returns the new password and the target.
fn open(
    request: &Request<'_>,
    accepted: &Accepted,
    key: &EncryptionKey,
) -> Result<ChangePasswordData, Refused> {
    let refused = |code, text: &str| (code, text.to_owned());
    let part = KrbPriv::decode(request.krb_priv)
        .and_then(|message| message.enc_part.open(key, KeyUsage::KRB_PRIV_ENC_PART))
        .and_then(|bytes| EncKrbPrivPart::decode(&bytes))
        .map_err(|_| refused(ResultCode::HardError, "Failed decrypting request"))?;
    if part.seq_number.is_some() && part.seq_number != accepted.authenticator.seq_number {
        return Err(refused(ResultCode::HardError, "Failed decrypting request"));
    }
    if request.version == SET {
        return ChangePasswordData::decode(&part.user_data)
            .map_err(|_| refused(ResultCode::Malformed, "Failed decoding ChangePasswdData"));
    }
    Ok(ChangePasswordData {
        password: part.user_data,
        target: None,
    })
}

/// Changes the password, if the client may do so and the realm's policy allows it. Returns the
/// principal as it was before.
fn change(
    database: &mut PrincipalDatabase,
    request: &Request<'_>,
    accepted: &Accepted,
    key: &EncryptionKey,
    now: Timestamp,
    target: &mut Option<Principal>,
    rng: &mut impl Rng,
) -> Result<Arc<PrincipalEntry>, Refused> {
    let data = open(request, accepted, key)?;
    let whose = data.target.unwrap_or_else(|| accepted.client().clone());
    *target = Some(whose.clone());
    let refused = |code, text: &str| (code, text.to_owned());
    let password = String::from_utf8(data.password)
        .map_err(|_| refused(ResultCode::Malformed, "The new password is not UTF-8"))?;
    let own = whose == *accepted.client();
    let administers =
        |realm: &RealmConfig| realm.password_administrators.contains(accepted.client());
    if !own && !database.realm(whose.realm()).is_some_and(administers) {
        return Err(refused(
            ResultCode::AccessDenied,
            "Operation requires ``change-password'' privilege",
        ));
    }
    if own && !accepted.ticket.flags.contains(TicketFlags::INITIAL) {
        return Err(refused(
            ResultCode::InitialFlagNeeded,
            "Ticket must be derived from a password",
        ));
    }
    let unknown = || refused(ResultCode::HardError, "Principal does not exist");
    let entry = Arc::clone(database.resolve(&whose).ok_or_else(unknown)?);
    let whose = entry.principal.clone();
    let realm = database.realm(whose.realm()).ok_or_else(unknown)?;
    let policy = entry
        .password_policy
        .as_ref()
        .unwrap_or(&realm.password_policy)
        .clone();
    let mut checked = policy.check(&password, entry.passwords());
    if checked.is_ok() && policy.history > 0 && entry.has_key_of(&password) {
        checked = Err(PasswordRefused::UsedBefore);
    }
    checked.map_err(|why| (ResultCode::SoftError, why.to_string()))?;
    database
        .change_keys(&whose, &NewKeys::Password(password), false, rng)
        .and_then(|_| {
            database.change(&whose, |entry| {
                entry.attributes.set(Attributes::REQUIRES_PWCHANGE, false);
                entry.password_expires = policy.max_life.map(|life| now + life);
            })
        })
        .map_err(|error| (ResultCode::HardError, error.to_string()))?;
    Ok(entry)
}

fn result(code: ResultCode, text: &str) -> Vec<u8> {
    let mut bytes = (code as u16).to_be_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Returns the acceptor's directional address (RFC 4120, 7.5.3), used if the real one is unknown.
fn directional() -> HostAddress {
    HostAddress {
        address_type: 3,
        address: vec![0, 0, 0, 1],
    }
}

fn frame(ap_rep: &[u8], rest: &[u8]) -> Vec<u8> {
    let length = 6 + ap_rep.len() + rest.len();
    let mut bytes = Vec::with_capacity(length);
    for number in [length, CHANGE.into(), ap_rep.len()] {
        // All three parts are our own and short.
        bytes.extend_from_slice(&u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes());
    }
    bytes.extend_from_slice(ap_rep);
    bytes.extend_from_slice(rest);
    bytes
}
