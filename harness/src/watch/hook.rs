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
        // The wait begins before anything shows it: a test that sees the strike moves the clock.
        let begun = self.journal.clock().now();
        let Answer { verdict, events } = self.faults.ask(event);
        let verdict = match verdict {
            Verdict::Delay(delay) => Verdict::Hold(self.delays.add(begun + delay)),
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

    fn forged(&self, now: Timestamp, event: &Event, done: bool) {
        if let Some(fault) = self.faults.forged(event, done) {
            self.journal.record(now, fault);
        }
    }

    fn watching(&self) -> bool {
        self.faults.watching()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kerbox_krb5::Clock;

    use super::*;
    use crate::world::runtime::{Runtime, ThreadIds};

    #[test]
    fn a_delay_is_counted_from_the_moment_at_which_the_server_asks() {
        const MINUTE: Duration = Duration::from_secs(60);
        let runtime = Runtime::start(1, &ThreadIds::default()).expect("a thread");
        let clock = Clock::frozen(Timestamp::EPOCH);
        let journal = Journal::new(clock.clone(), runtime.handle().clone());
        let (watch, _kills) = Watch::new(journal, 1);
        // Stands for a test that moves the clock as soon as the fault has struck.
        let rule = move |_: &Event| {
            clock.advance(MINUTE);
            Verdict::Delay(MINUTE)
        };
        let _fault = watch.faults.inject(rule);
        let event = Event::Ack {
            datanode: 1,
            block: 1,
            nth: 1,
        };
        let Verdict::Hold(latch) = watch.ask(Timestamp::EPOCH, &event) else {
            unreachable!("a delay is a hold");
        };
        watch.delays.tick();
        assert!(latch.is_open());
    }
}
