//! Tickets that were opened before.
//!
//! A client presents the same ticket-granting ticket each time that it asks for a service. To
//! decrypt it, to decode it, and to derive the keys of its session key takes a quarter of such an
//! exchange. All this depends on nothing but the ticket's bytes and the key that opens it, so it
//! is done once for both: a ticket that differs in a bit, or for whose server the database has
//! another key by now, is not the same. Whatever else decides about a request (times, addresses,
//! principals and their attributes, the authenticator) is looked at each time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use kerbox_krb5::messages::{EncTicketPart, Ticket};
use kerbox_krb5::{EncryptionKey, Error};

use crate::byte_hash::{Hash, HashKey, Hashed};

/// The maximum size of all kept tickets together, by [`size`]: more than 700 usual ones.
const MAX_BYTES: usize = 4 << 20;
/// The maximum size of one of them.
const MOST_OF_ONE: usize = MAX_BYTES / 32;
/// The size of a kept ticket besides that of its fields: most of it are the keys derived from its
/// session key.
const OVERHEAD: usize = 4096;

/// A bounded number of tickets, of which the oldest makes room.
#[derive(Default)]
pub(crate) struct OpenedTickets {
    hash: HashKey,
    kept: RwLock<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Of two tickets with the same hash, the later one is kept.
    tickets: HashMap<Hash, OpenedTicket, Hashed>,
    /// The hashes in the order of arrival.
    order: VecDeque<Hash>,
    bytes: usize,
}

struct OpenedTicket {
    cipher: Box<[u8]>,
    /// The key that opened it.
    key: EncryptionKey,
    part: Arc<EncTicketPart>,
}

impl OpenedTickets {
    /// Decrypts a ticket, as [`Ticket::open`] does, unless it was opened with this key before.
    pub(crate) fn open(
        &self,
        ticket: &Ticket,
        key: &EncryptionKey,
    ) -> Result<Arc<EncTicketPart>, Error> {
        let cipher = &*ticket.enc_part.cipher;
        // Whoever sends another type than the key's gets the refusal of `Ticket::open`.
        if size(cipher) > MOST_OF_ONE || ticket.enc_part.enctype != key.enctype() {
            return ticket.open(key).map(Arc::new);
        }
        let hash = self.hash.hash(cipher);
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = kept.tickets.get(&hash)
            && *opened.cipher == *cipher
            && opened.key == *key
        {
            return Ok(Arc::clone(&opened.part));
        }
        drop(kept);
        let part = Arc::new(ticket.open(key)?);
        let opened = OpenedTicket {
            cipher: cipher.into(),
            key: key.clone(),
            part: Arc::clone(&part),
        };
        // Each change is complete when the lock is released.
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.add(hash, opened);
        Ok(part)
    }
}

impl Kept {
    fn add(&mut self, hash: Hash, opened: OpenedTicket) {
        self.bytes += size(&opened.cipher);
        match self.tickets.insert(hash, opened) {
            Some(old) => self.bytes -= size(&old.cipher),
            None => self.order.push_back(hash),
        }
        while self.bytes > MAX_BYTES {
            let oldest = self.order.pop_front();
            let Some(oldest) = oldest.and_then(|hash| self.tickets.remove(&hash)) else {
                return; // not reached: each ticket is in both
            };
            self.bytes -= size(&oldest.cipher);
        }
    }
}

/// Returns about how much memory a kept ticket takes. A list of many short elements takes several
/// times as much as its encoding.
fn size(cipher: &[u8]) -> usize {
    cipher.len().saturating_mul(8).saturating_add(OVERHEAD)
}

#[cfg(test)]
mod tests {
    use kerbox_krb5::messages::{TicketFlags, TransitedEncoding};
    use kerbox_krb5::{EncryptionType, ErrorCode, Principal, Timestamp};
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn key(byte: u8) -> EncryptionKey {
        EncryptionKey::new(EncryptionType::AES256_CTS_HMAC_SHA1_96, &[byte; 32]).expect("32 bytes")
    }

    fn ticket(client: &str, rng: &mut StdRng) -> Ticket {
        let part = EncTicketPart {
            flags: TicketFlags::INITIAL,
            key: key(7),
            client: Principal::new("R", [client]),
            transited: TransitedEncoding::default(),
            auth_time: Timestamp::EPOCH,
            start_time: None,
            end_time: Timestamp::MAX,
            renew_till: None,
            addresses: Vec::new(),
            authorization_data: Vec::new(),
        };
        part.seal(Principal::krbtgt("R", "R"), &key(1), Some(1), rng)
    }

    fn count(opened: &OpenedTickets) -> usize {
        let kept = opened.kept.read().expect("no panic before");
        assert_eq!(kept.tickets.len(), kept.order.len());
        let sizes = kept.tickets.values().map(|it| size(&it.cipher));
        assert_eq!(kept.bytes, sizes.sum::<usize>());
        kept.tickets.len()
    }

    #[test]
    fn a_ticket_is_opened_once_and_only_with_its_key() {
        let (opened, ticket) = (
            OpenedTickets::default(),
            ticket("alice", &mut StdRng::seed_from_u64(1)),
        );
        let first = opened.open(&ticket, &key(1)).expect("its key");
        assert_eq!(*first, ticket.open(&key(1)).expect("its key"));
        let again = opened.open(&ticket, &key(1)).expect("its key");
        assert!(Arc::ptr_eq(&first, &again));
        let refused = Err(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY.into());
        assert_eq!(opened.open(&ticket, &key(2)), refused, "another key");
        let mut other = ticket;
        other.enc_part.enctype = EncryptionType::AES128_CTS_HMAC_SHA1_96;
        assert_eq!(opened.open(&other, &key(1)), refused, "another type");
        assert_eq!(count(&opened), 1);
    }

    #[test]
    fn a_changed_bit_anywhere_is_noticed() {
        let (opened, mut ticket) = (
            OpenedTickets::default(),
            ticket("alice", &mut StdRng::seed_from_u64(1)),
        );
        opened.open(&ticket, &key(1)).expect("its key");
        for place in 0..ticket.enc_part.cipher.len() {
            ticket.enc_part.cipher[place] ^= 1;
            let refused = Err(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY.into());
            assert_eq!(opened.open(&ticket, &key(1)), refused, "byte {place}");
            ticket.enc_part.cipher[place] ^= 1;
        }
        ticket.enc_part.cipher.pop();
        assert!(opened.open(&ticket, &key(1)).is_err(), "cut");
        assert_eq!(count(&opened), 1, "what does not open is not kept");
    }

    #[test]
    fn memory_stays_bounded_and_the_oldest_ticket_makes_room() {
        let (opened, mut rng) = (OpenedTickets::default(), StdRng::seed_from_u64(1));
        let first = ticket("alice", &mut rng);
        let before = opened.open(&first, &key(1)).expect("its key");
        let many = MAX_BYTES / size(&first.enc_part.cipher);
        for _ in 0..many {
            let ticket = ticket("alice", &mut rng);
            opened.open(&ticket, &key(1)).expect("its key");
        }
        assert_eq!(count(&opened), many);
        let after = opened.open(&first, &key(1)).expect("it still opens");
        assert!(!Arc::ptr_eq(&before, &after));
        // One that is very long drives none out.
        let long = ticket(&"x".repeat(MOST_OF_ONE / 8), &mut rng);
        opened.open(&long, &key(1)).expect("its key");
        let again = opened.open(&first, &key(1)).expect("its key");
        assert!(Arc::ptr_eq(&after, &again));
        assert_eq!(count(&opened), many);
    }
}
