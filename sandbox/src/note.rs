//! Messages to the user that are not failures.

use std::fmt::Display;
use std::io::Write;

use kerbox_events::Printable;

/// Prints a message that is not a failure to standard error.
pub(crate) fn note(text: impl Display) {
    // The text may contain names chosen by peers.
    let _ = writeln!(std::io::stderr().lock(), "kerbox: {}", Printable(text));
}
