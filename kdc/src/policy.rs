//! The lifetimes and flags granted to a request: pure functions of the request, the principals and
//! the realm.

use std::time::Duration;

use kerbox_krb5::messages::{KdcOptions, KdcRequestBody, TicketFlags};
use kerbox_krb5::{EncryptionType, Timestamp};

use crate::database::RealmConfig;
use crate::{Attributes, PrincipalEntry};

/// The request and limits from which a ticket is made.
pub(crate) struct Grant<'a> {
    pub(crate) realm: &'a RealmConfig,
    pub(crate) request: &'a KdcRequestBody,
    /// `None` in a TGS exchange whose client is of another realm.
    pub(crate) client: Option<&'a PrincipalEntry>,
    pub(crate) server: &'a PrincipalEntry,
}

/// The ticket of a TGS request, as far as policy needs it.
#[derive(Clone, Copy)]
pub(crate) struct HeaderTicket {
    pub(crate) flags: TicketFlags,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) renew_till: Option<Timestamp>,
}

/// The times of a ticket to be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TicketTimes {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// `None` if the ticket is not renewable.
    pub(crate) renew_till: Option<Timestamp>,
}

/// Replaces the epoch, which means "as late as possible" in `till` and `rtime` (RFC 4120).
fn or_unlimited(time: Timestamp) -> Timestamp {
    if time == Timestamp::EPOCH {
        Timestamp::MAX
    } else {
        time
    }
}

/// Returns the first whole second not before `time`, since tickets have no fractions.
fn round_up(time: Timestamp) -> Timestamp {
    (time + Duration::from_micros(999_999)).whole_second()
}

/// Returns the smallest of the limits that are set.
fn limit(of_realm: Duration, others: [Option<Duration>; 2]) -> Duration {
    others.into_iter().flatten().fold(of_realm, Duration::min)
}

impl Grant<'_> {
    /// Returns the times of a ticket that begins at `now`, or at `from` if it is postdated.
    pub(crate) fn times(&self, now: Timestamp, header: Option<HeaderTicket>) -> TicketTimes {
        let options = self.request.options;
        let start = match self.request.from {
            Some(from) if options.contains(KdcOptions::POSTDATED) => from,
            _ => now,
        };
        let end = match header {
            // Renewed: the same lifetime as before, but not beyond the renewable life.
            Some(header) if options.contains(KdcOptions::RENEW) => {
                let life = header.end.since(header.start);
                header.renew_till.unwrap_or(header.end).min(start + life)
            }
            _ => self.end(start, header),
        };
        TicketTimes {
            start,
            end,
            renew_till: self.renew_till(start, end, header),
        }
    }

    fn end(&self, start: Timestamp, header: Option<HeaderTicket>) -> Timestamp {
        let asked =
            or_unlimited(self.request.till).min(header.map_or(Timestamp::MAX, |header| header.end));
        let life = limit(
            self.realm.max_life,
            [
                self.client.and_then(|client| client.max_life),
                self.server.max_life,
            ],
        );
        asked.min(round_up(start + life))
    }

    fn renew_till(
        &self,
        start: Timestamp,
        end: Timestamp,
        header: Option<HeaderTicket>,
    ) -> Option<Timestamp> {
        let disallowed =
            |entry: &PrincipalEntry| entry.attributes.contains(Attributes::DISALLOW_RENEWABLE);
        if disallowed(self.server)
            || self.client.is_some_and(disallowed)
            || header.is_some_and(|header| !header.flags.contains(TicketFlags::RENEWABLE))
        {
            return None;
        }
        let asked_for = self.request.options.contains(KdcOptions::RENEWABLE);
        let asked = if asked_for {
            or_unlimited(self.request.rtime.unwrap_or(Timestamp::EPOCH))
        } else if self.request.options.contains(KdcOptions::RENEWABLE_OK)
            && or_unlimited(self.request.till) > end
        {
            or_unlimited(self.request.till)
        } else {
            return None;
        };
        let life = limit(
            self.realm.max_renewable_life,
            [
                self.client.and_then(|client| client.max_renewable_life),
                self.server.max_renewable_life,
            ],
        );
        let till = asked
            .min(
                header
                    .and_then(|header| header.renew_till)
                    .unwrap_or(Timestamp::MAX),
            )
            .min(round_up(start + life));
        // With RENEWABLE_OK alone, the ticket is renewable only if that makes it last longer.
        (asked_for || till > end).then_some(till)
    }

    /// Returns the ticket's flags without [`TicketFlags::RENEWABLE`], which depends on
    /// [`TicketTimes::renew_till`].
    pub(crate) fn flags(&self, header: Option<HeaderTicket>) -> TicketFlags {
        /// Options that have the same bits as the corresponding ticket flags.
        const ASKED: u32 = KdcOptions::FORWARDABLE.0
            | KdcOptions::FORWARDED.0
            | KdcOptions::PROXIABLE.0
            | KdcOptions::PROXY.0
            | KdcOptions::ALLOW_POSTDATE.0
            | KdcOptions::POSTDATED.0
            | KdcOptions::REQUEST_ANONYMOUS.0;
        /// Flags that a ticket passes on to tickets obtained with it (RFC 4120, 2.1 and 2.6).
        const HANDED_DOWN: u32 = TicketFlags::FORWARDED.0
            | TicketFlags::PROXY.0
            | TicketFlags::PRE_AUTHENT.0
            | TicketFlags::HW_AUTHENT.0
            | TicketFlags::ANONYMOUS.0;
        let options = self.request.options;
        if let Some(header) = header
            && options.intersects(KdcOptions::VALIDATE | KdcOptions::RENEW)
        {
            return header
                .flags
                .without(TicketFlags::INVALID | TicketFlags::RENEWABLE);
        }
        let mut flags = TicketFlags(options.0 & ASKED) | TicketFlags::ENC_PA_REP;
        flags.set(
            TicketFlags::INVALID,
            options.contains(KdcOptions::POSTDATED),
        );
        match header {
            None => flags |= TicketFlags::INITIAL,
            Some(header) => {
                flags |= TicketFlags(header.flags.0 & HANDED_DOWN);
                if self.server.attributes.contains(Attributes::OK_AS_DELEGATE) {
                    flags |= TicketFlags::OK_AS_DELEGATE;
                }
            }
        }
        for (flag, attribute) in [
            (TicketFlags::PROXIABLE, Attributes::DISALLOW_PROXIABLE),
            (TicketFlags::FORWARDABLE, Attributes::DISALLOW_FORWARDABLE),
        ] {
            let disallowed = self.server.attributes.contains(attribute)
                || self
                    .client
                    .is_some_and(|client| client.attributes.contains(attribute))
                || header.is_some_and(|header| !header.flags.contains(flag));
            if disallowed {
                flags = flags.without(flag);
            }
        }
        if header.is_some_and(|header| !header.flags.contains(TicketFlags::ANONYMOUS)) {
            flags = flags.without(TicketFlags::ANONYMOUS);
        }
        flags
    }

    /// Returns the session key's type: the first requested one that the realm permits and the
    /// server supports. A type in a service's own list is allowed even if the realm has no such
    /// keys, unless it is weak.
    pub(crate) fn session_enctype(&self) -> Option<EncryptionType> {
        let of_realm = |enctype| self.realm.enctypes.contains(&enctype);
        let known = |enctype: EncryptionType| {
            if !self.server.session_enctypes.is_empty() {
                return self.server.session_enctypes.contains(&enctype)
                    && (of_realm(enctype) || EncryptionType::DEFAULT.contains(&enctype));
            }
            if !of_realm(enctype) {
                return false;
            }
            // Every server is assumed to support this type.
            enctype == EncryptionType::AES256_CTS_HMAC_SHA1_96
                || self
                    .server
                    .keys_of(None)
                    .any(|key| key.enctype() == enctype)
        };
        let mut asked = self.request.enctypes.iter().copied();
        asked.find(|&enctype| enctype.is_supported() && known(enctype))
    }
}

#[cfg(test)]
mod tests {
    use kerbox_krb5::Principal;

    use super::*;

    fn body(options: KdcOptions, till: i64) -> KdcRequestBody {
        KdcRequestBody {
            options,
            client: None,
            realm: "R".to_owned(),
            server: None,
            from: None,
            till: Timestamp::from_secs(till),
            rtime: None,
            nonce: 1,
            enctypes: EncryptionType::DEFAULT.to_vec(),
            addresses: Vec::new(),
            enc_authorization_data: None,
            additional_tickets: Vec::new(),
        }
    }

    const NOW: i64 = 1_000_000;
    const HOUR: i64 = 3600;

    fn times(
        realm: &RealmConfig,
        request: &KdcRequestBody,
        header: Option<HeaderTicket>,
    ) -> (i64, i64, Option<i64>) {
        let server = PrincipalEntry::new(Principal::krbtgt("R", "R"));
        let grant = Grant {
            realm,
            request,
            client: None,
            server: &server,
        };
        let times = grant.times(Timestamp::from_secs(NOW), header);
        (
            times.start.as_secs() - NOW,
            times.end.as_secs() - NOW,
            times.renew_till.map(|till| till.as_secs() - NOW),
        )
    }

    #[test]
    fn a_ticket_ends_when_asked_but_not_beyond_the_realms_limit() {
        let realm = RealmConfig::new("R");
        assert_eq!(
            times(&realm, &body(KdcOptions::NONE, NOW + HOUR), None),
            (0, HOUR, None)
        );
        assert_eq!(
            times(&realm, &body(KdcOptions::NONE, NOW + 48 * HOUR), None),
            (0, 24 * HOUR, None)
        );
        assert_eq!(
            times(&realm, &body(KdcOptions::NONE, 0), None),
            (0, 24 * HOUR, None)
        );
    }

    #[test]
    fn a_life_of_less_than_a_second_ends_with_the_second() {
        let mut realm = RealmConfig::new("R");
        realm.max_life = Duration::from_millis(250);
        realm.max_renewable_life = Duration::from_millis(1500);
        assert_eq!(
            times(&realm, &body(KdcOptions::RENEWABLE, 0), None),
            (0, 1, Some(2))
        );
    }

    #[test]
    fn renewable_ok_gives_a_renewable_ticket_only_where_the_life_falls_short() {
        let realm = RealmConfig::new("R");
        assert_eq!(
            times(&realm, &body(KdcOptions::RENEWABLE_OK, NOW + HOUR), None),
            (0, HOUR, None)
        );
        assert_eq!(
            times(
                &realm,
                &body(KdcOptions::RENEWABLE_OK, NOW + 48 * HOUR),
                None
            ),
            (0, 24 * HOUR, Some(48 * HOUR))
        );
    }

    #[test]
    fn a_renewed_ticket_lasts_as_long_as_before_but_not_beyond_its_renewable_life() {
        let realm = RealmConfig::new("R");
        let header = |renew_till| HeaderTicket {
            flags: TicketFlags::RENEWABLE,
            start: Timestamp::from_secs(NOW - HOUR),
            end: Timestamp::from_secs(NOW + HOUR),
            renew_till: Some(Timestamp::from_secs(NOW + renew_till)),
        };
        let request = body(KdcOptions::RENEW | KdcOptions::RENEWABLE, 0);
        assert_eq!(
            times(&realm, &request, Some(header(9 * HOUR))),
            (0, 2 * HOUR, Some(9 * HOUR))
        );
        assert_eq!(
            times(&realm, &request, Some(header(HOUR))),
            (0, HOUR, Some(HOUR))
        );
    }
}
