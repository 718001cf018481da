//! PACs, and how they pass from ticket to ticket.

mod contents;
mod refusals;

use kerbox_kdc::Pac;
use kerbox_krb5::client::{Credentials, TgsRequest};
use kerbox_krb5::messages::{AuthorizationData, EncTicketPart};
use kerbox_krb5::{EncryptionKey, Error, KeyUsage};

use crate::support::{Pair, REALM, principal};

pub(super) const HTTP: &str = "HTTP/localhost";
pub(super) const NN: &str = "nn/localhost";
pub(super) const KRBTGT: &str = "krbtgt/EXAMPLE.COM";

pub(super) fn pair(pac: Pac) -> Pair {
    let pair = Pair::new();
    let mut database = pair.kdc.database_mut();
    database.realm_mut(REALM).expect("our realm").pac = pac;
    database
        .change(&principal(HTTP), |entry| {
            entry.delegates_to = vec![principal(NN)];
            entry
                .attributes
                .apply("+ok_to_auth_as_delegate")
                .expect("kadmin's name");
        })
        .expect("it is there");
    drop(database);
    pair
}

pub(super) fn open(pair: &Pair, ticket: &Credentials, server: &str) -> EncTicketPart {
    ticket
        .ticket
        .open(&pair.keys(server)[0])
        .expect("the server's first key")
}

/// Returns the bytes of a ticket's PAC.
pub(super) fn pac_of(part: &EncTicketPart) -> Option<Vec<u8>> {
    let first = part.authorization_data.first()?;
    let inner = AuthorizationData::decode_list(&first.data).ok()?;
    (inner[0].ad_type == AuthorizationData::WIN2K_PAC).then(|| inner[0].data.clone())
}

/// Returns the buffers of a PAC: type, offset and length.
pub(super) fn places(pac: &[u8]) -> Vec<(u32, usize, usize)> {
    let number = |at: usize| u32::from_le_bytes(pac[at..at + 4].try_into().expect("four bytes"));
    let line = |index: u32| 8 + 16 * index as usize;
    (0..number(0))
        .map(|index| {
            let at = line(index);
            (number(at), number(at + 8) as usize, number(at + 4) as usize)
        })
        .collect()
}

pub(super) fn kinds(part: &EncTicketPart) -> Vec<u32> {
    let mut kinds: Vec<u32> = places(&pac_of(part).expect("a PAC"))
        .iter()
        .map(|place| place.0)
        .collect();
    kinds.sort_unstable();
    kinds
}

pub(super) fn buffer(part: &EncTicketPart, kind: u32) -> Vec<u8> {
    let pac = pac_of(part).expect("a PAC");
    let place = places(&pac)
        .into_iter()
        .find(|place| place.0 == kind)
        .expect("it is there");
    pac[place.1..place.1 + place.2].to_vec()
}

/// Returns the ticket with a changed PAC, encrypted with the same key.
pub(super) fn with_pac(
    pair: &mut Pair,
    ticket: &Credentials,
    server: &str,
    change: impl FnOnce(&mut Vec<u8>),
) -> Credentials {
    let key = pair.keys(server)[0].clone();
    let mut part = open(pair, ticket, server);
    let mut list =
        AuthorizationData::decode_list(&part.authorization_data[0].data).expect("a container");
    change(&mut list[0].data);
    part.authorization_data[0].data = AuthorizationData::encode_list(&list);
    reseal(pair, ticket, &part, &key)
}

pub(super) fn reseal(
    pair: &mut Pair,
    ticket: &Credentials,
    part: &EncTicketPart,
    key: &EncryptionKey,
) -> Credentials {
    let mut forged = ticket.clone();
    forged.ticket = part.seal(ticket.ticket.server.clone(), key, Some(1), &mut pair.rng);
    forged
}

/// Signs a PAC with only this key, in the server's buffer.
pub(super) fn sign(pac: &mut [u8], key: &EncryptionKey) {
    let places = places(pac);
    let checksum = |kind: u32| {
        let (_, start, length) = *places
            .iter()
            .find(|place| place.0 == kind)
            .expect("a signature");
        start + 4..start + length
    };
    let kdcs = pac[checksum(7)].to_vec();
    for kind in [6, 7] {
        pac[checksum(kind)].fill(0);
    }
    let of_server = key.checksum(KeyUsage(17), pac);
    pac[checksum(6)].copy_from_slice(&of_server);
    pac[checksum(7)].copy_from_slice(&kdcs);
}

pub(super) fn s4u2proxy(
    pair: &mut Pair,
    service: &Credentials,
    evidence: &Credentials,
) -> Result<Credentials, Error> {
    let request = TgsRequest::s4u2proxy(principal(NN), service, evidence.ticket.clone());
    pair.tgs(service, request)
}
