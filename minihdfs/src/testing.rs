//! The hook that this crate's tests attach to servers.

use std::sync::{Arc, Mutex};

use kerbox_events::{Event, Hook, Outcome, Verdict};
use kerbox_krb5::Timestamp;

type Rule = Box<dyn Fn(&Event) -> Verdict + Send + Sync>;

/// Answers every question by a rule, if it has one, and stores the recorded events.
#[derive(Default)]
pub(crate) struct Recorder {
    rule: Mutex<Option<Rule>>,
    events: Mutex<Vec<Event>>,
}

impl Recorder {
    /// Creates a hook that answers every question with this verdict.
    pub(crate) fn always(verdict: Verdict) -> Arc<Self> {
        Self::ruled(move |_| verdict.clone())
    }

    /// Creates a hook that answers every question by this rule.
    pub(crate) fn ruled(rule: impl Fn(&Event) -> Verdict + Send + Sync + 'static) -> Arc<Self> {
        let recorder = Self::default();
        recorder.set_rule(rule);
        Arc::new(recorder)
    }

    /// Sets the rule by which questions are answered from now on.
    pub(crate) fn set_rule(&self, rule: impl Fn(&Event) -> Verdict + Send + Sync + 'static) {
        *self.rule.lock().expect("whole") = Some(Box::new(rule));
    }

    /// Returns the events recorded so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().expect("whole").clone()
    }
}

impl Hook for Recorder {
    fn ask(&self, _now: Timestamp, event: &Event) -> Verdict {
        let asked = |outcome: &Outcome| *outcome == Outcome::Asked;
        assert!(event.outcome().is_none_or(asked), "{event}");
        let rule = self.rule.lock().expect("whole");
        rule.as_ref().map_or(Verdict::Pass, |rule| rule(event))
    }

    fn record(&self, _now: Timestamp, event: Event) {
        self.events.lock().expect("whole").push(event);
    }

    fn watching(&self) -> bool {
        self.rule.lock().expect("whole").is_some()
    }
}
