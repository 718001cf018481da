//! The hook by which journal and faults see a server.

use kerbox_krb5::Timestamp;

use crate::{Event, Facts, Verdict};

/// The point where a journal and faults attach to a server.
///
/// ```
/// use std::sync::Mutex;
///
/// use kerbox_events::{Event, Hook, Verdict};
/// use kerbox_krb5::{ErrorCode, Timestamp};
///
/// /// Refuses alice's logins, and keeps everything that happened.
/// struct NoAlice(Mutex<Vec<String>>);
///
/// impl Hook for NoAlice {
///     fn ask(&self, _now: Timestamp, event: &Event) -> Verdict {
///         match event {
///             Event::AsExchange { client, .. } if client.starts_with("alice@") => {
///                 Verdict::KrbError(ErrorCode::KDC_ERR_CLIENT_REVOKED)
///             }
///             _ => Verdict::Pass,
///         }
///     }
///
///     fn record(&self, _now: Timestamp, event: Event) {
///         self.0.lock().expect("no panic before").push(event.to_string());
///     }
///
///     fn watching(&self) -> bool {
///         true
///     }
/// }
/// ```
pub trait Hook: Send + Sync {
    /// Returns the verdict on an event before the server acts. The event's outcome is
    /// [`Outcome::Asked`](crate::Outcome::Asked).
    fn ask(&self, now: Timestamp, event: &Event) -> Verdict;

    /// Records an event after the server has acted.
    fn record(&self, now: Timestamp, event: Event);

    /// Records an event with further facts about it. Leaves the facts out by default.
    fn record_with(&self, now: Timestamp, event: Event, facts: Facts) {
        let _ = facts;
        self.record(now, event);
    }

    /// Says, after the server has acted, if there was anything to change for a
    /// [`Verdict::Forge`] on an event: an error has no such field. Does nothing by default.
    fn forged(&self, now: Timestamp, event: &Event, done: bool) {
        let _ = (now, event, done);
    }

    /// Returns whether any fault is installed. If not, servers skip [`ask`](Self::ask) and do not
    /// build its event.
    fn watching(&self) -> bool;
}

/// A hook that does nothing, for servers that are not observed.
///
/// ```
/// use kerbox_events::{Hook, NoHook};
///
/// assert!(!NoHook.watching());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHook;

impl Hook for NoHook {
    fn ask(&self, _now: Timestamp, _event: &Event) -> Verdict {
        Verdict::Pass
    }

    fn record(&self, _now: Timestamp, _event: Event) {}

    fn watching(&self) -> bool {
        false
    }
}
