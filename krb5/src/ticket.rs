//! Encrypting and decrypting tickets, and checking their times (RFC 4120, 3.2.3 and 5.3).

use std::time::Duration;

use rand::Rng;

use crate::messages::{EncTicketPart, Ticket, TicketFlags};
use crate::{EncryptionKey, Error, ErrorCode, KeyUsage, Principal, Timestamp};

impl EncTicketPart {
    /// Encrypts the ticket for `server` with its `key`. `kvno` is the key's version; `None` for a
    /// session key (user-to-user).
    pub fn seal(
        &self,
        server: Principal,
        key: &EncryptionKey,
        kvno: Option<u32>,
        rng: &mut impl Rng,
    ) -> Ticket {
        Ticket {
            server,
            enc_part: self.encrypt(key, kvno, rng),
        }
    }

    /// Fails with `KRB_AP_ERR_TKT_NYV` before the ticket's start and with `KRB_AP_ERR_TKT_EXPIRED`
    /// after its end, allowing for a clock difference of `skew`. Compares whole seconds, as MIT
    /// does.
    pub fn check_times(&self, now: Timestamp, skew: Duration) -> Result<(), Error> {
        let now = now.whole_second();
        if self.start() > now + skew {
            return Err(ErrorCode::KRB_AP_ERR_TKT_NYV.into());
        }
        if now > self.end_time + skew {
            return Err(ErrorCode::KRB_AP_ERR_TKT_EXPIRED.into());
        }
        Ok(())
    }

    /// Checks a ticket for a service: its times, and that it is not marked invalid, that is,
    /// awaiting validation (`KRB_AP_ERR_TKT_NYV`).
    pub fn check_valid(&self, now: Timestamp, skew: Duration) -> Result<(), Error> {
        self.check_times(now, skew)?;
        if self.flags.contains(TicketFlags::INVALID) {
            return Err(ErrorCode::KRB_AP_ERR_TKT_NYV.into());
        }
        Ok(())
    }
}

impl Ticket {
    /// Decrypts the ticket. Fails with `KRB_AP_ERR_BAD_INTEGRITY` if `key` is not the server's.
    pub fn open(&self, key: &EncryptionKey) -> Result<EncTicketPart, Error> {
        EncTicketPart::decode(&self.enc_part.open(key, KeyUsage::KDC_REP_TICKET)?)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::EncryptionType;
    use crate::messages::TransitedEncoding;

    fn part(rng: &mut StdRng) -> EncTicketPart {
        EncTicketPart {
            flags: TicketFlags::INITIAL | TicketFlags::FORWARDABLE,
            key: EncryptionKey::random(EncryptionType::AES256_CTS_HMAC_SHA1_96, rng)
                .expect("a known type"),
            client: Principal::new("R", ["alice"]),
            transited: TransitedEncoding::default(),
            auth_time: Timestamp::from_secs(1000),
            start_time: None,
            end_time: Timestamp::from_secs(2000),
            renew_till: Some(Timestamp::from_secs(3000)),
            addresses: vec![std::net::IpAddr::from([127, 0, 0, 1]).into()],
            authorization_data: Vec::new(),
        }
    }

    #[test]
    fn a_sealed_ticket_opens_with_its_key_and_no_other() {
        let mut rng = StdRng::seed_from_u64(1);
        let part = part(&mut rng);
        let [key, other] = [(); 2].map(|()| {
            EncryptionKey::random(EncryptionType::AES128_CTS_HMAC_SHA1_96, &mut rng)
                .expect("a known type")
        });
        let ticket = part.seal(
            Principal::new("R", ["nn", "localhost"]),
            &key,
            Some(3),
            &mut rng,
        );
        let ticket = Ticket::decode(&ticket.encode()).expect("our own encoding");
        assert_eq!(ticket.enc_part.kvno, Some(3));
        assert_eq!(ticket.open(&key).expect("its key"), part);
        assert_eq!(
            ticket.open(&other),
            Err(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY.into())
        );
    }

    #[test]
    fn a_ticket_is_valid_from_its_start_to_its_end_and_the_skew_beyond() {
        let mut part = part(&mut StdRng::seed_from_u64(1));
        let at = |part: &EncTicketPart, seconds: i64, micros: i64| {
            let now = Timestamp::from_micros(seconds * 1_000_000 + micros);
            part.check_valid(now, Duration::from_secs(300))
                .map_err(|error| error.code())
        };
        assert_eq!(at(&part, 699, 999_999), Err(ErrorCode::KRB_AP_ERR_TKT_NYV));
        assert_eq!(at(&part, 700, 0), Ok(()));
        assert_eq!(at(&part, 2300, 999_999), Ok(()));
        assert_eq!(at(&part, 2301, 0), Err(ErrorCode::KRB_AP_ERR_TKT_EXPIRED));
        part.flags |= TicketFlags::INVALID;
        assert_eq!(at(&part, 1500, 0), Err(ErrorCode::KRB_AP_ERR_TKT_NYV));
    }
}
