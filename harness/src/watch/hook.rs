//! The connection between a fixture's servers and its journal and faults.

use std::sync::Arc;

use kerbox_events::{Event, Facts, Hook, Server, Verdict};
use kerbox_krb5::Timestamp;
use tokio::sync::mpsc;

use crate::watch::delays::Delays;
use crate::watch::faults::{Answer, Faults};
use crate::watch::journal::Journal;

/// The hook that all servers of a fixture share.
pub(crate) struct Watch {
    pub(crate) journal: Journal,
    pub(crate) faults: Arc<Faults>,
    pub(crate) delays: Delays,
    /// Reports servers that a fault has killed, so that the fixture takes them off the network.
    killed: mpsc::UnboundedSender<Server>,
}

impl Watch {
    /// Creates the hook and a receiver for the servers that a fault kills.
    pub(crate) fn new(journal: Journal, seed: u64) -> (Arc<Self>, mpsc::UnboundedReceiver<Server>) {
        let (killed, kills) = mpsc::unbounded_channel();
        let watch = Self {
            delays: Delays::new(journal.clock().clone()),
            journal,
            faults: Arc::new(Faults::new(seed)),
            killed,
        };
        (Arc::new(watch), kills)
    }
}

impl Hook for Watch {
    fn ask(&self, now: Timestamp, event: &Event) -> Verdict {
        let Answer { verdict, events } = self.faults.ask(event);
        // The wait begins before the journal shows it: a test that sees it there moves the clock.
        let verdict = match verdict {
            Verdict::Delay(delay) => Verdict::Hold(self.delays.add(delay)),
            verdict => verdict,
        };
        for event in events {
            self.journal.record(now, event);
        }
        if verdict == Verdict::Kill
            && let Some(server) = event.server()
        {
            // The receiver is gone only when the fixture and its servers are ending.
            let _ = self.killed.send(server);
        }
        verdict
    }

    fn record(&self, now: Timestamp, event: Event) {
        self.journal.record(now, event);
    }

    fn record_with(&self, now: Timestamp, event: Event, facts: Facts) {
        self.journal.record_with(now, event, Some(facts));
    }

    fn watching(&self) -> bool {
        self.faults.watching()
    }
}
