//! When a perpetual login refreshes its ticket: the rules of Hadoop's `UserGroupInformation`.

use std::time::Duration;

use kerbox_krb5::Timestamp;
use kerbox_krb5::client::Credentials;
use rand::{Rng, RngExt};

/// The share of a ticket's life after which it is refreshed (`TICKET_RENEW_WINDOW`).
pub(super) const SHARE: f64 = 0.8;
/// The shortest time between two attempts (`hadoop.kerberos.min.seconds.before.relogin`).
pub(super) const MINIMUM_INTERVAL: Duration = Duration::from_secs(60);
/// The longest pause after a failure, once the ticket has ended. `UserGroupInformation` gives up
/// then.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// The share of a ticket's life after which it is refreshed.
    pub(super) share: f64,
    /// The shortest time between two attempts.
    pub(super) minimum: Duration,
}

/// The ways to refresh a ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// A TGS exchange with the ticket.
    Renew,
    /// An AS exchange with the keytab.
    LogIn,
}

impl Rules {
    /// Returns when to refresh a ticket that was obtained at `now`.
    pub(super) fn after_success(&self, ticket: &Credentials, now: Timestamp) -> Timestamp {
        let share = ticket.start_time + ticket.lifetime().mul_f64(self.share);
        share.max(now + self.minimum)
    }

    /// Returns when to try again after a number of failures in a row: pauses double, with a random
    /// factor from 0.5 to 1.5, but the last attempt before the ticket's end is not missed.
    pub(super) fn after_failure(
        &self,
        failures: u32,
        ticket: Option<&Credentials>,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Timestamp {
        let doubled = 2_f64.powi(failures.min(20).cast_signed());
        let pause = self.minimum.mul_f64(doubled * rng.random_range(0.5..1.5));
        let next = now + pause.clamp(self.minimum, LONGEST_PAUSE.max(self.minimum));
        let last = ticket.map(|ticket| ticket.end_time - self.minimum);
        match last {
            Some(last) if last > now => next.min(last.max(now + self.minimum)),
            _ => next,
        }
    }

    /// Returns how to refresh a ticket. One whose end cannot be put off any more is replaced.
    pub(super) fn way(ticket: &Credentials, now: Timestamp) -> Way {
        let can_be_longer = ticket.renew_till.is_some_and(|till| till > ticket.end_time);
        if can_be_longer && now < ticket.end_time {
            Way::Renew
        } else {
            Way::LogIn
        }
    }
}
