//! The events that are no calls: timers, and the change of safe mode.

use kerbox_events::{Event, Server, StateChange, TimerKind};

/// Returns the event that safe mode begins or ends.
pub(super) fn safe_mode_event(change: StateChange) -> Event {
    Event::State {
        server: Server::NameNode(1),
        change,
        subject: "".into(),
    }
}

pub(super) fn timer(timer: TimerKind, subject: &str) -> Event {
    Event::Timer {
        server: Server::NameNode(1),
        timer,
        subject: subject.into(),
    }
}
