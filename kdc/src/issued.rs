//! A record of issued tickets.

use std::collections::VecDeque;
use std::sync::Arc;

use kerbox_events::{PreAuth, TgsKind};
use kerbox_krb5::messages::{EncTicketPart, KdcRequest, PaData, PaDataType, Ticket, TicketFlags};
use kerbox_krb5::{EncryptionType, Principal, Timestamp};

/// The number of a client's encryption types that are remembered.
const MOST_ENCTYPES: usize = 32;

/// A ticket that the KDC issued.
///
/// ```
/// use kerbox_kdc::{IssuedTicket, Kdc};
///
/// /// Returns the clients that still hold a valid ticket.
/// fn clients(kdc: &Kdc, now: kerbox_krb5::Timestamp) -> Vec<String> {
///     let valid = |ticket: &IssuedTicket| ticket.end_time > now;
///     let issued = kdc.issued().into_iter().filter(valid);
///     issued.map(|ticket| ticket.client.to_string()).collect()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedTicket {
    /// The time of issue.
    pub issued_at: Timestamp,
    /// The kind of the TGS request; `None` for an AS exchange.
    pub kind: Option<TgsKind>,
    /// The client. A name of more than 4 KiB, which only another realm can vouch for, is cut.
    pub client: Principal,
    /// The server.
    pub server: Principal,
    /// Its flags.
    pub flags: TicketFlags,
    /// The time at which the client was authenticated.
    pub auth_time: Timestamp,
    /// The start of its validity.
    pub start_time: Timestamp,
    /// The end of its validity.
    pub end_time: Timestamp,
    /// The end of its renewability.
    pub renew_till: Option<Timestamp>,
    /// The session key's type.
    pub session_enctype: EncryptionType,
    /// The type of the key that encrypts the ticket.
    pub ticket_enctype: EncryptionType,
    /// The version of that key; `None` for a session key (user-to-user) and for version 0.
    pub kvno: Option<u32>,
    /// The encryption types that the client offered, the preferred one first; the first 32.
    pub offered_enctypes: Arc<[EncryptionType]>,
    /// The type of the key that encrypts the reply.
    pub reply_enctype: EncryptionType,
    /// The client's authentication; meaningless for a TGS exchange.
    pub pre_auth: PreAuth,
}

impl IssuedTicket {
    /// Records a ticket of an AS exchange. For a TGS exchange, the KDC adds the kind. `request` is
    /// the inner one of an armor.
    pub(crate) fn new(
        issued_at: Timestamp,
        request: &KdcRequest,
        ticket: &Ticket,
        part: &EncTicketPart,
        reply_enctype: EncryptionType,
    ) -> Self {
        Self {
            issued_at,
            kind: None,
            client: bounded(&part.client),
            server: bounded(&ticket.server),
            flags: part.flags,
            auth_time: part.auth_time,
            start_time: part.start(),
            end_time: part.end_time,
            renew_till: part.renew_till,
            session_enctype: part.key.enctype(),
            ticket_enctype: ticket.enc_part.enctype,
            kvno: ticket.enc_part.kvno,
            offered_enctypes: offered(request),
            reply_enctype,
            pre_auth: pre_auth(request, part.flags),
        }
    }
}

/// Returns the first encryption types that a client offers.
pub(crate) fn offered(request: &KdcRequest) -> Arc<[EncryptionType]> {
    let enctypes = request.body.enctypes.as_slice();
    enctypes[..enctypes.len().min(MOST_ENCTYPES)].into()
}

/// Returns the pre-authentication that a granted request has used.
fn pre_auth(request: &KdcRequest, flags: TicketFlags) -> PreAuth {
    let has = |pa_type| PaData::find(&request.padata, pa_type).is_some();
    if !flags.contains(TicketFlags::PRE_AUTHENT) {
        PreAuth::None
    } else if has(PaDataType::ENCRYPTED_CHALLENGE) {
        PreAuth::EncryptedChallenge
    } else if has(PaDataType::ENC_TIMESTAMP) {
        PreAuth::EncryptedTimestamp
    } else {
        PreAuth::Spake
    }
}

/// Returns the name, cut if it is too long to keep a thousand of such names.
fn bounded(principal: &Principal) -> Principal {
    const LONGEST: usize = 4096;
    const SHOWN: usize = 64;
    const COMPONENTS: usize = 8;
    let (realm, components) = (principal.realm(), principal.components());
    // Even an empty component takes memory.
    let length = components
        .iter()
        .fold(realm.len(), |sum, component| sum + component.len() + 1);
    if length <= LONGEST {
        return principal.clone();
    }
    let shown = |text: &str| text.chars().take(SHOWN).collect::<String>();
    let components = components.iter().take(COMPONENTS);
    let mut shown_components: Vec<String> = components.map(|it| shown(it)).collect();
    shown_components.push(format!("... ({length} bytes)"));
    Principal::new(shown(realm), shown_components).with_name_type(principal.name_type())
}

/// The last issued tickets, newest last.
#[derive(Default)]
pub(crate) struct IssuedTickets(VecDeque<IssuedTicket>);

impl IssuedTickets {
    /// The number of remembered tickets.
    const KEPT: usize = 1000;

    pub(crate) fn push(&mut self, ticket: IssuedTicket) {
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(ticket);
    }

    pub(crate) fn list(&self) -> Vec<IssuedTicket> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_and_a_usual_one_is_not() {
        let alice = Principal::new("EXAMPLE.COM", ["alice", "admin"]);
        assert_eq!(bounded(&alice).to_string(), alice.to_string());
        let long = Principal::new("R".repeat(1 << 20), vec!["x"; 1000]);
        let kept = bounded(&long);
        assert!(kept.to_string().len() < 256, "{kept}");
        assert!(kept.name().ends_with("... (1050576 bytes)"), "{kept}");
        let empty = Principal::new("R", vec![""; 100_000]);
        assert!(bounded(&empty).components().len() < 10);
    }
}
