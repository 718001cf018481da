//! Requests about the journal.

use std::time::Duration;

use serde_json::Value;

use super::Target;
use crate::Entry;

/// Maximum number of events in an answer. A client asks again for the rest.
const MOST: usize = 1_000;
/// The longest that a client may wait, so that its thread ends.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Returns the events whose number is at least `from`. Without any, waits for the next one.
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

/// Returns entries as [`Entry::to_json`] does, each with the line for people in `text`.
fn since(entries: &[Entry], from: u64) -> Vec<Value> {
    let first = entries.partition_point(|entry| entry.number < from);
    let entries = entries[first..].iter().take(MOST);
    let shown = entries.map(|entry| {
        let mut shown: Value = serde_json::from_str(&entry.to_json()).unwrap_or_default();
        shown["text"] = entry.text().into();
        shown
    });
    shown.collect()
}
