//! One line of the journal.

use std::fmt;

use kerbox_events::{Event, Facts};
use kerbox_krb5::Timestamp;

use crate::watch::connections;

/// An event with its time; see [`Journal`](crate::Journal) for examples.
///
/// ```
/// use kerbox::{Outcome, Realm};
///
/// let realm = Realm::start_blocking()?;
/// realm.login_blocking("alice")?;
/// let entries = realm.journal().entries();
/// let login = entries.iter().find(|entry| entry.to_string().contains("AS alice@"));
/// let login = login.expect("the KDC saw it");
/// assert_eq!(login.event.outcome(), Some(&Outcome::Ok));
/// assert!(login.at <= realm.clock().now());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// 0-based number within the fixture.
    pub number: u64,
    /// The fixture's time.
    pub at: Timestamp,
    /// The system's time.
    pub real: Timestamp,
    /// The event.
    pub event: Event,
    /// Further facts: a ticket's keys, flags and times, a session's protection, a refusal's reason.
    pub facts: Option<Facts>,
}

impl Entry {
    /// Returns the entry as a JSON object on one line: `number`, `at`, `real`, the event with its
    /// own members in `what`, and if there are any, the [`Facts`] about it in `facts`:
    ///
    /// - of a ticket: `offered`, `session_enctype`, `ticket_enctype`, `kvno`, `reply_enctype`,
    ///   `flags` (letters as in `klist -f`), `auth_time`, `start_time`, `end_time`, `renew_till`,
    ///   `pre_auth`, `armored`
    /// - of a session: `qop`, `cipher`, `token`, `sequence`
    /// - of a refusal: `reason`, `offered`
    /// - of a connection: its number, `connection`
    ///
    /// ```
    /// let realm = kerbox::Realm::start_blocking()?;
    /// realm.login_blocking("alice")?;
    /// let lines: Vec<_> = realm.journal().entries().iter().map(kerbox::Entry::to_json).collect();
    /// assert!(lines.iter().any(|line| line.contains(r#""event":"AsExchange""#)), "{lines:?}");
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let facts = self.facts.as_ref().map(Facts::to_json);
        let facts = facts.map_or_else(String::new, |facts| format!(r#","facts":{facts}"#));
        format!(
            r#"{{"number":{},"at":"{}","real":"{}","what":{}{facts}}}"#,
            self.number,
            self.at,
            self.real,
            self.event.to_json()
        )
    }

    /// Returns the line without number and time. It is the same in each run of the same script, so
    /// a connection has its number instead of the client's port.
    #[must_use]
    pub fn text(&self) -> String {
        let text = match (&self.event, &self.facts) {
            (event, Some(Facts::Connection(number))) => {
                return connections::text(event, *number).unwrap_or_else(|| event.to_string());
            }
            (event, _) => event.to_string(),
        };
        match &self.facts {
            Some(facts) => format!("{text} [{facts}]"),
            None => text,
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5} {} {}", self.number, self.at, self.text())
    }
}
