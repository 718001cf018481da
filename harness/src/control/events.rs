//! Requests about the journal.

use std::time::Duration;

use serde_json::{Value, json};

use super::Target;
use crate::Entry;

/// Maximum number of events in an answer. A client asks again for the rest.
const MOST: usize = 1_000;
/// The longest that a client may wait, so that its thread ends.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Returns the events from the number `from` on; waits for one if there are none.
pub(super) fn events(target: &Target, from: u64, wait: Duration) -> Value {
    let journal = target.world().journal();
    let view = journal.from_here();
    let mut found = since(&journal.entries(), from);
    if found.is_empty() && !wait.is_zero() {
        // That nothing happens is not an error.
        let _ = view.wait_blocking(|_| true, wait.min(LONGEST_WAIT));
        found = since(&journal.entries(), from);
    }
    Value::Array(found)
}

fn since(entries: &[Entry], from: u64) -> Vec<Value> {
    let first = entries.partition_point(|entry| entry.number < from);
    let entries = entries[first..].iter().take(MOST);
    let shown = entries.map(|entry| {
        json!({
            "number": entry.number,
            "time": entry.at.to_string(),
            "real": entry.real.to_string(),
            "server": entry.event.server().map(|server| server.to_string()),
            "event": entry.event.to_string(),
        })
    });
    shown.collect()
}
