//! Facts about an exchange that its event leaves out: keys, lifetimes, protection, reasons.

use std::fmt::{self, Write};
use std::sync::Arc;

use kerbox_krb5::messages::TicketFlags;
use kerbox_krb5::{EncryptionType, Timestamp};

use crate::bounded::{Escaping, bound, cut};
use crate::json::Object;

/// The number of a client's encryption types that are kept.
const KEPT_ENCTYPES: usize = 32;

/// Facts that a server knows about an exchange once it is over, and that its event leaves out:
/// about the same as MIT's `KRB5_TRACE` shows at the client.
///
/// ```
/// use kerbox_events::{Facts, Qop, SessionFacts};
///
/// let session = SessionFacts { qop: Qop::Privacy, ..SessionFacts::default() };
/// assert_eq!(Facts::Session(session).to_json(), r#"{"qop":"auth-conf"}"#);
/// assert_eq!(Facts::refusal("EXPIRED").to_json(), r#"{"reason":"EXPIRED"}"#);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Facts {
    /// A KDC issued a ticket.
    Ticket(Box<TicketFacts>),
    /// A handshake ended in a protected session.
    Session(SessionFacts),
    /// The server refused.
    Refusal {
        /// The server's own reason; a KDC's is the text that MIT's KDC logs.
        reason: Arc<str>,
        /// The encryption types that the client offered, the preferred one first; empty if it
        /// offered none.
        offered: Arc<[EncryptionType]>,
    },
    /// The number of a connection among those of its server, counted from 1 in the order of their
    /// arrival.
    Connection(u64),
}

/// A ticket that a KDC issued.
///
/// ```
/// use kerbox_events::{Facts, PreAuth, TicketFacts};
///
/// /// Returns whether a ticket was issued for a password alone, in the clear.
/// fn is_weak(facts: &Facts) -> bool {
///     let Facts::Ticket(ticket) = facts else { return false };
///     let TicketFacts { pre_auth, armored, .. } = &**ticket;
///     *pre_auth == Some(PreAuth::EncryptedTimestamp) && !armored
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TicketFacts {
    /// The encryption types that the client offered, the preferred one first.
    pub offered: Arc<[EncryptionType]>,
    /// The session key's type.
    pub session: EncryptionType,
    /// The type of the key that encrypts the ticket.
    pub ticket: EncryptionType,
    /// The version of that key; `None` for a session key (user-to-user) and for version 0.
    pub kvno: Option<u32>,
    /// The type of the key that encrypts the reply.
    pub reply: EncryptionType,
    /// The ticket's flags.
    pub flags: TicketFlags,
    /// The time at which the client was authenticated.
    pub auth_time: Timestamp,
    /// The start of the ticket's validity.
    pub start_time: Timestamp,
    /// The end of its validity.
    pub end_time: Timestamp,
    /// The end of its renewability.
    pub renew_till: Option<Timestamp>,
    /// The client's authentication; `None` for a TGS exchange.
    pub pre_auth: Option<PreAuth>,
    /// True if the exchange was armored (FAST).
    pub armored: bool,
}

/// A kind of pre-authentication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PreAuth {
    /// The client showed nothing.
    None,
    /// PA-ENC-TIMESTAMP (RFC 4120, 5.2.7.2).
    EncryptedTimestamp,
    /// PA-ENCRYPTED-CHALLENGE (RFC 6113, 5.4.6).
    EncryptedChallenge,
    /// SPAKE (RFC 9588).
    Spake,
}

impl fmt::Display for PreAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::EncryptedTimestamp => "encrypted timestamp",
            Self::EncryptedChallenge => "encrypted challenge",
            Self::Spake => "SPAKE",
        })
    }
}

/// A session after a handshake.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SessionFacts {
    /// The negotiated quality of protection.
    pub qop: Qop,
    /// The cipher that replaces the mechanism's own, for instance `AES/CTR/NoPadding`.
    pub cipher: Option<&'static str>,
    /// The kind of token that authenticated the client, for instance `HDFS_DELEGATION_TOKEN`.
    pub token: Option<Arc<str>>,
    /// The token's sequence number, or the id of its block or key.
    pub sequence: Option<i64>,
}

/// A quality of protection (RFC 2831, 2.1.1; RFC 4752, 3.3).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum Qop {
    /// Authentication only.
    #[default]
    Authentication,
    /// Integrity.
    Integrity,
    /// Integrity and encryption.
    Privacy,
}

impl Qop {
    /// Returns its name in SASL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "auth",
            Self::Integrity => "auth-int",
            Self::Privacy => "auth-conf",
        }
    }
}

impl fmt::Display for Qop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Facts {
    /// Returns a refusal for this reason.
    #[must_use]
    pub fn refusal(reason: &str) -> Self {
        Self::Refusal {
            reason: cut(reason).into(),
            offered: Arc::default(),
        }
    }

    /// Cuts what a peer may have made long, and returns how many bytes of text are left.
    pub fn bound(&mut self) -> usize {
        match self {
            Self::Ticket(ticket) => keep(&mut ticket.offered),
            Self::Refusal { reason, offered } => {
                keep(offered);
                return bound(reason);
            }
            Self::Session(SessionFacts {
                token: Some(token), ..
            }) => return bound(token),
            Self::Session(_) | Self::Connection(_) => {}
        }
        0
    }

    /// Returns the facts as a JSON object on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut object = Object::new();
        match self {
            Self::Ticket(ticket) => ticket.write(&mut object),
            Self::Session(session) => session.write(&mut object),
            Self::Refusal { reason, offered } => {
                object.text("reason", reason);
                if !offered.is_empty() {
                    object.raw("offered", names_in_json(offered));
                }
            }
            Self::Connection(number) => {
                object.raw("connection", number);
            }
        }
        object.end()
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some of the texts come from peers.
        let mut f = Escaping(f);
        match self {
            Self::Ticket(ticket) => write!(f, "{ticket}"),
            Self::Session(session) => write!(f, "{session}"),
            Self::Refusal { reason, offered } => {
                f.write_str(reason)?;
                if offered.is_empty() {
                    return Ok(());
                }
                write!(f, "; offered {}", names(offered))
            }
            Self::Connection(number) => write!(f, "connection {number}"),
        }
    }
}

impl TicketFacts {
    fn write(&self, to: &mut Object) {
        to.raw("offered", names_in_json(&self.offered))
            .text("session_enctype", &self.session.to_string())
            .text("ticket_enctype", &self.ticket.to_string());
        if let Some(kvno) = self.kvno {
            to.raw("kvno", kvno.to_string());
        }
        to.text("reply_enctype", &self.reply.to_string())
            .text("flags", &self.flags.letters())
            .text("auth_time", &self.auth_time.to_string())
            .text("start_time", &self.start_time.to_string())
            .text("end_time", &self.end_time.to_string());
        if let Some(renew_till) = self.renew_till {
            to.text("renew_till", &renew_till.to_string());
        }
        if let Some(pre_auth) = self.pre_auth {
            to.text("pre_auth", &pre_auth.to_string());
        }
        to.raw("armored", self.armored.to_string());
    }
}

impl fmt::Display for TicketFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offered {}; ", names(&self.offered))?;
        write!(f, "session {}, ticket {}", self.session, self.ticket)?;
        self.kvno
            .iter()
            .try_for_each(|kvno| write!(f, " kvno {kvno}"))?;
        write!(f, ", reply {}; ", self.reply)?;
        write!(f, "flags {}; ", self.flags.letters())?;
        write!(f, "{} to {}", self.start_time, self.end_time)?;
        self.renew_till
            .iter()
            .try_for_each(|till| write!(f, ", renewable till {till}"))?;
        self.pre_auth
            .iter()
            .try_for_each(|pre_auth| write!(f, "; pre-authentication {pre_auth}"))?;
        f.write_str(if self.armored { "; armored" } else { "" })
    }
}

impl SessionFacts {
    fn write(&self, to: &mut Object) {
        to.text("qop", &self.qop.to_string());
        if let Some(cipher) = self.cipher {
            to.text("cipher", cipher);
        }
        if let Some(token) = &self.token {
            to.text("token", token);
        }
        if let Some(sequence) = self.sequence {
            to.raw("sequence", sequence.to_string());
        }
    }
}

impl fmt::Display for SessionFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "qop {}", self.qop)?;
        self.cipher
            .iter()
            .try_for_each(|cipher| write!(f, "; cipher {cipher}"))?;
        self.token
            .iter()
            .try_for_each(|token| write!(f, "; {token}"))?;
        self.sequence
            .iter()
            .try_for_each(|sequence| write!(f, " {sequence}"))
    }
}

/// Keeps the first types, and no room for the others.
fn keep(enctypes: &mut Arc<[EncryptionType]>) {
    if let Some(first) = enctypes
        .get(..KEPT_ENCTYPES)
        .filter(|it| it.len() < enctypes.len())
    {
        *enctypes = first.into();
    }
}

fn names(enctypes: &[EncryptionType]) -> String {
    let names: Vec<String> = enctypes.iter().map(ToString::to_string).collect();
    names.join(" ")
}

fn names_in_json(enctypes: &[EncryptionType]) -> String {
    let names: Vec<String> = enctypes
        .iter()
        // Their names need no escaping.
        .map(|enctype| format!("\"{enctype}\""))
        .collect();
    format!("[{}]", names.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> TicketFacts {
        let aes = EncryptionType::AES256_CTS_HMAC_SHA1_96;
        TicketFacts {
            offered: [aes, EncryptionType::RC4_HMAC].into(),
            session: aes,
            ticket: aes,
            kvno: Some(2),
            reply: aes,
            flags: TicketFlags::INITIAL | TicketFlags::RENEWABLE,
            auth_time: Timestamp::EPOCH,
            start_time: Timestamp::EPOCH,
            end_time: Timestamp::from_secs(60),
            renew_till: Some(Timestamp::from_secs(3600)),
            pre_auth: Some(PreAuth::EncryptedTimestamp),
            armored: false,
        }
    }

    #[test]
    fn a_ticket_shows_its_keys_flags_and_times() {
        let facts = Facts::Ticket(Box::new(ticket()));
        let (aes, rc4) = ("aes256-cts-hmac-sha1-96", EncryptionType::RC4_HMAC);
        assert_eq!(
            facts.to_string(),
            format!(
                "offered {aes} {rc4}; session {aes}, ticket {aes} kvno 2, reply {aes}; flags RI; \
                 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z, renewable till 1970-01-01T01:00:00Z; \
                 pre-authentication encrypted timestamp"
            )
        );
        let json = facts.to_json();
        for member in [
            format!(r#""offered":["{aes}","{rc4}"]"#),
            r#""kvno":2"#.to_owned(),
            r#""flags":"RI""#.to_owned(),
            r#""renew_till":"1970-01-01T01:00:00Z""#.to_owned(),
            r#""pre_auth":"encrypted timestamp""#.to_owned(),
        ] {
            assert!(json.contains(&member), "{member} in {json}");
        }
    }

    #[test]
    fn a_session_shows_its_protection_and_its_token() {
        let facts = Facts::Session(SessionFacts {
            qop: Qop::Privacy,
            cipher: Some("AES/CTR/NoPadding"),
            token: Some("HDFS_BLOCK_TOKEN".into()),
            sequence: Some(7),
        });
        assert_eq!(
            facts.to_string(),
            "qop auth-conf; cipher AES/CTR/NoPadding; HDFS_BLOCK_TOKEN 7"
        );
        assert_eq!(
            facts.to_json(),
            r#"{"qop":"auth-conf","cipher":"AES/CTR/NoPadding","token":"HDFS_BLOCK_TOKEN","sequence":7}"#
        );
    }

    #[test]
    fn what_a_peer_makes_long_is_cut_and_no_terminal_obeys_it() {
        let mut facts = Facts::Refusal {
            reason: format!("\u{1b}{}", "x".repeat(1 << 20)).into(),
            offered: vec![EncryptionType(1); 1 << 16].into(),
        };
        assert!(facts.bound() <= crate::MAX_TEXT);
        let room = match &facts {
            Facts::Refusal { offered, .. } => offered.len(),
            other => unreachable!("{other:?}"),
        };
        assert!(room <= KEPT_ENCTYPES, "{room}");
        let text = facts.to_string();
        assert!(text.len() < 4096 && !text.contains('\u{1b}'), "{text}");
    }
}
